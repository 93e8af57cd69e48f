package ooxml

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"postern.dev/postern/internal/extract/numbered"
	"postern.dev/postern/internal/extract/xmlread"
)

// levels of a list (ECMA-376 part 1 §17.9.6), and how many lists are read.
const (
	levels   = numbered.Levels
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
	count numbered.Counter
}

type level struct {
	numbered.Level
	text string
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
	i, found := p.index[folder+"/numbering.xml"]
	if !found {
		return
	}
	l := &lists{kinds: map[string]*listKind{}, lists: map[string]*list{}, styles: map[string]place{}}
	if p.peek(i, l.numbering()); len(l.lists) == 0 {
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
			kind, one, at = newKind(), nil, 0
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
				kind.level[at].Start = startOf(x.Attr("val"))
			}
		case "numFmt":
			if kind != nil {
				kind.level[at].Kind = kindOf(x.Attr("val"))
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
				k.level[i].Start = start
				k.count.Restart(i)
			}
		}
	}
	k.count.Next(at.level, func(i int) numbered.Level { return k.level[i].Level })
	v := k.level[at.level]
	if v.Kind == numbered.Bullet || v.Kind == numbered.None {
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
		b.WriteString(numbered.Write(k.count.Count(of), k.level[of].Kind))
	}
	return b.String()
}

// newKind is a kind of lists whose levels begin anew below each above them.
func newKind() *listKind {
	k := &listKind{}
	for i := range k.level {
		k.level[i].Again = levels
	}
	return k
}

// kindOf is a format of numbers by its name (part 1 §17.18.59).
func kindOf(name []byte) int {
	switch string(name) {
	case "upperRoman":
		return numbered.UpperRoman
	case "lowerRoman":
		return numbered.LowerRoman
	case "upperLetter":
		return numbered.UpperLetter
	case "lowerLetter":
		return numbered.LowerLetter
	case "ordinal":
		return numbered.Ordinal
	case "decimalZero":
		return numbered.TwoDigits
	case "bullet":
		return numbered.Bullet
	case "none":
		return numbered.None
	}
	return numbered.Plain
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
