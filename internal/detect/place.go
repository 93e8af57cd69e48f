package detect

import (
	"bytes"
	"strconv"
	"strings"
)

// Place says where something stands, for people.
type Place struct {
	// Section is a stretch of the text: "page 3", "slide 4, notes", "sheet 2
	// (Salaries)".
	Section string
	// Row and Col are those of a cell, counted from 1; 0 outside a table.
	Row, Col int
	// Line is the line of the text, counted from 1; 0 when a section or a
	// cell says more.
	Line int
}

// String is the place in words: "sheet 2 (Salaries), cell B7", "line 12".
//
// A section may be called by its author; long numbers in its name are masked.
func (p Place) String() string {
	s := p.Section
	if len(s) > maxPlace {
		s = strings.ToValidUTF8(s[:maxPlace], "") + "…"
	}
	if head, name, _ := strings.Cut(s, "("); digits(head) >= 6 {
		s = strings.Map(hideDigit, s)
	} else if digits(name) >= 6 {
		s = head + "(" + strings.Map(hideDigit, name)
	}
	if p.Row > 0 {
		if s != "" {
			s += ", "
		}
		return s + "cell " + column(p.Col) + strconv.Itoa(p.Row)
	}
	if s == "" && p.Line > 0 {
		return "line " + strconv.Itoa(p.Line)
	}
	return s
}

// maxPlace bounds the name of a section.
const maxPlace = 80

func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]-'0' <= 9 {
			n++
		}
	}
	return n
}

func hideDigit(r rune) rune {
	if '0' <= r && r <= '9' {
		return '•'
	}
	return r
}

// column is the name of a column in a spreadsheet: A to Z, AA, AB and so on.
func column(n int) string {
	var b []byte
	for ; n > 0; n = (n - 1) / 26 {
		b = append(b, byte('A'+(n-1)%26))
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// marks say where the text of a Stream stands, for as much of it as may
// still be looked at.
type marks struct {
	list  []markAt
	lines int // line ends before the window

	seen, seenLines int // a position in the window, and the line ends before it
}

// markAt says that from an offset of the original text on, all stands in a
// place.
type markAt struct {
	at    int64
	place Place
}

// Place says where the text from an offset of the original on stands. It is
// called before that text is written, in ascending order.
func (s *Stream) Place(at int64, section string, row, col int) {
	p := Place{Section: section, Row: row, Col: col}
	list := s.marks.list
	if n := len(list); n > 0 && (list[n-1].place == p || list[n-1].at == at) {
		list[n-1].place = p
		return
	}
	s.marks.list = append(list, markAt{at, p})
}

// cell is the cell in which an offset stands.
func (m *marks) cell(off int64) (row, col int) {
	lo, hi := 0, len(m.list)
	for lo < hi {
		if mid := (lo + hi) / 2; m.list[mid].at <= off {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 0, 0
	}
	return m.list[lo-1].place.Row, m.list[lo-1].place.Col
}

// at is the place of an offset, which stands at i in the window's text.
func (m *marks) at(off int64, text []byte, i int) Place {
	lo, hi := 0, len(m.list)
	for lo < hi {
		if mid := (lo + hi) / 2; m.list[mid].at <= off {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	var p Place
	if lo > 0 {
		p = m.list[lo-1].place
	}
	if p.Section == "" && p.Row == 0 {
		if i < m.seen {
			m.seen, m.seenLines = 0, 0
		}
		m.seenLines += bytes.Count(text[m.seen:i], []byte{'\n'})
		m.seen = i
		p.Line = m.lines + m.seenLines + 1
	}
	return p
}

// cut forgets what stands before an offset; gone is the text that leaves the
// window.
func (m *marks) cut(gone []byte, off int64) {
	m.lines += bytes.Count(gone, []byte{'\n'})
	m.seen, m.seenLines = 0, 0
	k := 0
	for k+1 < len(m.list) && m.list[k+1].at <= off {
		k++
	}
	m.list = append(m.list[:0], m.list[k:]...)
}
