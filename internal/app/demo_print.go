package app

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Print writes the demo's table. paint colors a word: "good", "bad", "dim"
// or "bold" say what for.
func (d *Demo) Print(w io.Writer, paint func(kind, text string) string) {
	head := []string{"sample", "sent by", "found", "done", "where it ended", "way", "ms", ""}
	rows := [][]string{head}
	for _, r := range d.Rows {
		state := "ok"
		if !r.Ok {
			state = "WRONG"
		}
		rows = append(rows, []string{
			r.Sample, sender(r.Sent), orDash(r.Found), orDash(r.Done), strings.Join(r.Ended, ", "), r.Way,
			fmt.Sprintf("%.1f", r.Total), state,
		})
	}
	width := make([]int, len(head))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			text := cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch {
			case n == 0:
				text = paint("bold", text)
			case i == len(row)-1 && cell == "ok":
				text = paint("good", text)
			case i == len(row)-1:
				text = paint("bad", text)
			case i == 5 || i == 6:
				text = paint("dim", text)
			}
			fmt.Fprint(w, text, "  ")
		}
		fmt.Fprintln(w)
	}
	d.printSteps(w, paint)
	for _, r := range d.Rows {
		for _, wrong := range r.Wrong {
			fmt.Fprintln(w, paint("bad", fmt.Sprintf("%s: %s", r.Sample, wrong)))
		}
	}
	for _, line := range d.Balance {
		fmt.Fprintln(w, paint("bad", line))
	}
}

// printSteps says where the time of a message went, over all samples.
func (d *Demo) printSteps(w io.Writer, paint func(kind, text string) string) {
	steps := []string{"identified", "indexed", "looked", "decided", "onward-rcpt", "intent", "onward-dot", "stored", "committed"}
	var words []string
	for _, s := range steps {
		sum, n := 0.0, 0
		for _, r := range d.Rows {
			if ms, ok := r.Steps[s]; ok {
				sum += ms
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%s %.2f", s, sum/float64(n)))
		}
	}
	fmt.Fprintln(w, paint("dim", "\naverage ms per step: "+strings.Join(words, " · ")))
}

func sender(by string) string {
	switch byWay(by) {
	case byUser:
		return "user"
	case byInternet:
		return "internet"
	}
	return "other tenant"
}

func orDash(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, ", ")
}
