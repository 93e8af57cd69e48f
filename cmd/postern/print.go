package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// document prints v as one line of JSON.
func (p *program) document(v any) error {
	enc := json.NewEncoder(escaped{p.out})
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say prints a sentence for people; with --json they read it on standard
// error.
func (p *program) say(format string, args ...any) {
	w := p.out
	if p.json {
		w = p.errs
	}
	fmt.Fprintln(w, printable(fmt.Sprintf(format, args...)))
}

// note prints a sentence beside the result.
func (p *program) note(format string, args ...any) {
	fmt.Fprintln(p.errs, printable(fmt.Sprintf(format, args...)))
}

// color is an ANSI color; the zero value is none.
type color string

const (
	plain  color = ""
	bold   color = "1"
	green  color = "32"
	yellow color = "33"
	dim    color = "2"
	alarm  color = "31"
)

// paint colors s when it goes to a terminal and nobody asked for none.
func (p *program) paint(c color, s string) string {
	if c == plain || !p.colored() {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

func (p *program) colored() bool {
	return os.Getenv("NO_COLOR") == "" && terminal(p.out)
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// cell is a field of a table.
type cell struct {
	text  string
	color color
}

// table prints rows in columns under a head.
func (p *program) table(head []string, rows [][]cell) {
	all := make([][]cell, 0, len(rows)+1)
	top := make([]cell, len(head))
	for i, h := range head {
		top[i] = cell{strings.ToUpper(h), bold}
	}
	all = append(append(all, top), rows...)
	width := make([]int, len(head))
	for _, row := range all {
		for i := range row {
			row[i].text = oneLine(row[i].text)
			width[i] = max(width[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var b strings.Builder
	for _, row := range all {
		for i, c := range row {
			b.WriteString(p.paint(c.color, c.text))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, _ = io.WriteString(p.out, b.String())
}

// oneLine makes s fit in a field: what comes from mail may hold anything.
func oneLine(s string) string {
	s = printable(strings.NewReplacer("\r", " ", "\n", " ", "\t", " ").Replace(s))
	if s == "" {
		return "-"
	}
	return s
}

// printable leaves nothing in s that a terminal could obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return '\uFFFD'
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// escaped writes JSON so that a terminal obeys nothing in it: what is not
// graphic becomes an escape, which means the same to every reader of JSON.
type escaped struct{ w io.Writer }

// Write implements io.Writer; b is whole characters, as an encoder writes them.
func (e escaped) Write(b []byte) (int, error) {
	var out []byte
	kept := 0
	for at, r := range string(b) {
		if r == '\n' || unicode.IsGraphic(r) {
			continue
		}
		out = append(out, b[kept:at]...)
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, "\\u%04x", unit)
		}
		kept = at + utf8.RuneLen(r)
	}
	if _, err := e.w.Write(append(out, b[kept:]...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// line prints a line that is ready for a terminal.
func (p *program) line(s string) { fmt.Fprintln(p.out, s) }

// many is a number with its noun: "1 test", "2 tests".
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
