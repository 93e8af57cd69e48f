package ooxml

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"postern.dev/postern/internal/extract/xmlread"
)

// levels of a list (ECMA-376 part 1 §17.9.6), and how many lists are read.
const (
	levels   = 9
	maxLists = 10_000
)

// lists are the numbered lists of a document: what a program writes before
// their paragraphs stands nowhere in the text.
type lists struct {
	kinds  map[string]*listKind
	lists  map[string]*list
	styles map[string]place // of paragraphs, by style
}

// place is where a paragraph stands in a list.
type place struct {
	list  string
	level int
}

// listKind is w:abstractNum: the form of lists, and how far they have come.
type listKind struct {
	level [levels]level
	count [levels]int
	begun [levels]bool
}

type level struct {
	start  int
	format string
	text   string
}

// list is w:num: a kind of list, which may begin with other numbers.
type list struct {
	kind   *listKind
	starts [levels]int // 0: as the kind says
	begun  bool
}

// number reads the lists and styles of the document that is the part main.
func (p *pack) number(main int) {
	folder := path.Dir(p.parts[main].name)
	l := &lists{kinds: map[string]*listKind{}, lists: map[string]*list{}, styles: map[string]place{}}
	if i, found := p.index[folder+"/numbering.xml"]; found {
		p.peek(i, l.numbering())
	}
	if len(l.lists) == 0 {
		return
	}
	if i, found := p.index[folder+"/styles.xml"]; found {
		p.peek(i, l.stylesheet())
	}
	p.lists = l
}

// peek goes through the tags of a part that is read as text later.
func (p *pack) peek(i int, take func(x *xmlread.Reader)) {
	r := p.open(i)
	if r == nil {
		return
	}
	defer r.Close()
	p.x.Reset(p.counted(r))
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		if k == xmlread.Start {
			take(&p.x)
		}
	}
}

func levelOf(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n >= levels {
		return 0
	}
	return n
}

// startOf is a number that a list begins with.
func startOf(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n > 1_000_000 {
		return 1
	}
	return n
}

// numbering reads w:numbering.
func (l *lists) numbering() func(x *xmlread.Reader) {
	var kind *listKind
	var one *list
	at := 0
	return func(x *xmlread.Reader) {
		switch string(x.Local) {
		case "abstractNum":
			kind, one, at = &listKind{}, nil, 0
			if len(l.kinds) < maxLists {
				l.kinds[string(x.Attr("abstractNumId"))] = kind
			}
		case "num":
			kind, one = nil, &list{}
			if len(l.lists) < maxLists {
				l.lists[string(x.Attr("numId"))] = one
			}
		case "abstractNumId":
			if one != nil {
				one.kind = l.kinds[string(x.Attr("val"))]
			}
		case "lvl", "lvlOverride":
			at = levelOf(x.Attr("ilvl"))
		case "startOverride":
			if one != nil {
				one.starts[at] = startOf(x.Attr("val"))
			}
		case "start":
			if kind != nil {
				kind.level[at].start = startOf(x.Attr("val"))
			}
		case "numFmt":
			if kind != nil {
				kind.level[at].format = string(x.Attr("val"))
			}
		case "lvlText":
			if kind != nil {
				kind.level[at].text = string(x.Attr("val"))
			}
		}
	}
}

// stylesheet reads which styles number their paragraphs.
func (l *lists) stylesheet() func(x *xmlread.Reader) {
	style := ""
	return func(x *xmlread.Reader) {
		switch string(x.Local) {
		case "style":
			style = string(x.Attr("styleId"))
		case "numId", "ilvl":
			if style == "" || len(l.styles) >= maxLists {
				return
			}
			s := l.styles[style]
			if string(x.Local) == "numId" {
				s.list = string(x.Attr("val"))
			} else {
				s.level = levelOf(x.Attr("val"))
			}
			l.styles[style] = s
		}
	}
}

// next is what stands before the next paragraph of a list, "" for nothing.
func (l *lists) next(at place) string {
	one := l.lists[at.list]
	if one == nil || one.kind == nil {
		return ""
	}
	k := one.kind
	if !one.begun {
		one.begun = true
		for i, start := range one.starts {
			if start > 0 {
				k.level[i].start, k.begun[i] = start, false
			}
		}
	}
	if k.begun[at.level] {
		k.count[at.level]++
	} else {
		k.count[at.level], k.begun[at.level] = k.level[at.level].start, true
	}
	for i := at.level + 1; i < levels; i++ {
		k.begun[i] = false
	}
	v := k.level[at.level]
	if v.format == "bullet" || v.format == "none" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(v.text); i++ {
		if c := v.text[i]; c != '%' || i+1 == len(v.text) || v.text[i+1] < '1' || v.text[i+1] > '9' {
			b.WriteByte(c)
			continue
		}
		i++
		of := int(v.text[i] - '1')
		if !k.begun[of] {
			k.count[of], k.begun[of] = k.level[of].start, true
		}
		b.WriteString(counted(k.count[of], k.level[of].format))
	}
	return b.String()
}

// counted writes a number in the format of a list (part 1 §17.18.59); those
// that are not known are written in digits.
func counted(n int, format string) string {
	switch {
	case n < 1 || n > 3999:
	case format == "lowerLetter", format == "upperLetter":
		s := strings.Repeat(string(rune('a'+(n-1)%26)), (n-1)/26+1)
		if format == "upperLetter" {
			s = strings.ToUpper(s)
		}
		return s
	case format == "lowerRoman", format == "upperRoman":
		s := roman(n)
		if format == "lowerRoman" {
			s = strings.ToLower(s)
		}
		return s
	case format == "decimalZero" && n < 10:
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	var b strings.Builder
	for _, d := range []struct {
		value int
		sign  string
	}{
		{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"},
		{5, "V"}, {4, "IV"}, {1, "I"},
	} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.sign)
		}
	}
	return b.String()
}

// listed puts the number of the paragraph before its text.
func (w *walker) listed(f *frame) {
	at := w.item
	w.item = place{}
	if w.lists == nil || at.list == "" {
		return
	}
	if n := w.lists.next(at); n != "" && len(bytes.TrimSpace(f.para)) > 0 { // an empty one counts, too
		w.note = append(append(append(w.note[:0], n...), ' '), f.para...)
		f.para = append(f.para[:0], w.note...)
	}
}

// itemOf notes which list the paragraph stands in.
func (w *walker) itemOf(name string) {
	if w.lists == nil {
		return
	}
	switch value := w.x.Attr("val"); name {
	case "pStyle":
		w.item = w.lists.styles[string(value)]
	case "numId":
		w.item.list = string(value) // "0" is no list
	case "ilvl":
		w.item.level = levelOf(value)
	}
}
