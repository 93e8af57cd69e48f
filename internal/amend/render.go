package amend

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/unicode/norm"
)

// writer writes banners as they stand in a part.
type writer struct {
	html    bool
	newline string
	charset string
	// ascii says that no octet over 127 may be written.
	ascii bool
}

// lacking is the octets of the banners that do not stand on top of a text yet.
func (w writer) lacking(list []Banner, top []byte) (octets []byte, ok bool) {
	var all [][]byte
	for _, b := range list {
		text, ok := w.banner(b)
		if !ok {
			return nil, false
		}
		all = append(all, text)
	}
	rest := top
	for again := true; again; {
		again = false
		for i, b := range all {
			if b != nil && w.begins(rest, b) {
				rest = rest[min(len(rest), len(b)):]
				all[i], again = nil, true
			}
		}
	}
	for _, b := range all {
		octets = append(octets, b...)
	}
	return octets, true
}

// begins reports whether a text begins with a banner, as it was put there: the
// line ends may have changed on the way, and behind it there may be spaces.
func (w writer) begins(text, banner []byte) bool {
	plain := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r"), nil) }
	text = text[:min(len(text), 2*len(banner)+16)]
	return bytes.HasPrefix(bytes.TrimLeft(plain(text), " \n"), bytes.Trim(plain(banner), " \n"))
}

func (w writer) banner(b Banner) ([]byte, bool) {
	if w.html {
		return []byte(w.page(b)), true
	}
	var out strings.Builder
	for _, line := range wrap(b.Text, 72) {
		out.WriteString(strings.TrimRight("| "+line, " ") + w.newline)
	}
	out.WriteString(w.newline)
	return w.octets(out.String())
}

// colors are background and border of the styles.
func colors(style string) (back, border string) {
	switch style {
	case "warning":
		return "#fff4ce", "#c19c00"
	case "critical":
		return "#fde7e9", "#a4262c"
	}
	return "#f3f2f1", "#605e5c"
}

// page is a banner in HTML, in ASCII and with short lines: what must not be
// read as HTML is escaped, and what is not ASCII is written as a number.
func (w writer) page(b Banner) string {
	back, border := colors(b.Style)
	l := lines{newline: w.newline}
	l.WriteString(w.newline)
	l.add(`<table role="presentation" width="100%" cellpadding="0"`)
	l.space()
	l.add(`cellspacing="0" border="0"><tr><td`)
	l.space()
	l.add(fmt.Sprintf(`style="background:%s;color:#201f1e;`, back))
	l.add(fmt.Sprintf(`border-left:4px solid %s;`, border))
	l.space()
	l.add(`padding:8px 12px;font:14px/1.4 sans-serif;">`)
	for i, line := range strings.Split(b.Text, "\n") {
		if i > 0 {
			l.add("<br>")
		}
		for j, word := range strings.Fields(line) {
			if j > 0 {
				l.space()
			}
			l.word(word)
		}
	}
	l.add("</td></tr></table>")
	l.add("<br>")
	return l.String() + w.newline
}

// lines keeps the lines of HTML short.
type lines struct {
	strings.Builder
	newline string
	width   int
}

func (l *lines) add(s string) {
	l.WriteString(s)
	l.width += len(s)
}

// space is a space, or a line end in its place.
func (l *lines) space() {
	if l.width > 60 {
		l.WriteString(l.newline)
		l.width = 0
		return
	}
	l.add(" ")
}

// word writes a word. One without spaces that is too long for a line is
// broken inside of a tag, where a line end means nothing.
func (l *lines) word(word string) {
	for _, c := range word {
		if l.width > 200 {
			l.WriteString("<wbr" + l.newline + ">")
			l.width = 1
		}
		if c < utf8.RuneSelf && c != '-' { // no line can be taken for a delimiter
			l.add(html.EscapeString(string(c)))
		} else {
			l.add(fmt.Sprintf("&#%d;", c))
		}
	}
}

// octets is text in the charset of the part. Where it cannot be written there
// it is written without accents.
func (w writer) octets(s string) ([]byte, bool) {
	if isASCII(s) {
		return []byte(s), true
	}
	if !w.ascii {
		switch label := strings.ToLower(w.charset); {
		case label == "utf-8" || label == "utf8":
			return []byte(s), true
		case singleByte(label):
			if e, err := htmlindex.Get(label); err == nil {
				if b, err := e.NewEncoder().Bytes([]byte(s)); err == nil {
					return b, true
				}
			}
		}
	}
	s = unaccented(s)
	return []byte(s), isASCII(s)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf })
}

// singleByte are the charsets of one octet a character that htmlindex reads
// as all mail programs do.
func singleByte(label string) bool {
	return strings.HasPrefix(label, "iso-8859-") || strings.HasPrefix(label, "windows-125") || strings.HasPrefix(label, "koi8-")
}

// compatible reports whether ASCII octets mean ASCII anywhere in a text of
// this charset, as long as they do not stand inside of a character.
func compatible(charset string) bool {
	label := strings.ToLower(charset)
	switch label {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "gb2312", "gbk", "gb18030", "big5", "euc-kr", "ks_c_5601-1987", "euc-jp",
		"shift_jis", "iso-2022-jp", "tis-620", "macintosh", "cp1252", "latin1":
		return true
	}
	return singleByte(label)
}

// unaccented writes text in ASCII where that is how people write it without
// the right keyboard; other characters stay.
func unaccented(s string) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "æ", "ae", "Æ", "Ae",
		"ø", "oe", "Ø", "Oe", "å", "aa", "Å", "Aa", "œ", "oe", "ł", "l", "Ł", "L", "–", "-", "—", "-", "‘", "'", "’", "'",
		"“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "…", "...", "€", "EUR", "\u00a0", " ", "•", "*", "⚠", "!", "\ufe0f", "").Replace(s)
	var b strings.Builder
	for _, c := range norm.NFD.String(s) {
		if c < 0x300 || c > 0x36f {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// wrap breaks text into lines of at most so many characters where it can.
func wrap(text string, width int) (out []string) {
	for _, para := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			for utf8.RuneCountInString(word) > 200 { // no line of a mail may be longer than 998 octets
				r := []rune(word)
				out, word = append(out, strings.TrimSpace(line+" "+string(r[:200]))), string(r[200:])
				line = ""
			}
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				out, line = append(out, line), ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		out = append(out, line)
	}
	return out
}
