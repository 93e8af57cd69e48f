package ole

import (
	"slices"
	"strings"

	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/numbered"
)

// Bounds of the lists of a document.
const (
	maxLists = 10000
	levels   = numbered.Levels
)

// level is how a list numbers one of its levels (MS-DOC §2.9.150).
type level struct {
	numbered.Level
	legal bool
	text  []uint16
}

// override is a list as paragraphs name it (MS-DOC §2.9.131): a list, and
// what is different here.
type override struct {
	list   int
	levels [levels]*level
	starts [levels]int
	begins [levels]bool // a level begins at starts when this list is first used
	used   bool
}

// lists are the lists of a document, and how far they have counted.
type lists struct {
	levels map[int][]level // by list
	all    []override
	counts map[int]*numbered.Counter
	begins []listed
}

// listed is a paragraph that belongs to a list.
type listed struct {
	from        int // where it begins in the file
	list, level int
}

// readLists reads the lists (MS-DOC §2.9.149 and §2.9.190) and the paragraphs
// that belong to them. at and size are the place of the table of lists: their
// levels follow it.
func (w *wordText) readLists(at, size int, overrides, plc octets) {
	if size < 2 || len(overrides) < 4 {
		return
	}
	l := &lists{levels: map[int][]level{}, counts: map[int]*numbered.Counter{}}
	table := w.table.from(at)
	place := size
	for i := range min(table.u16(0), maxLists) {
		row := table.from(2 + 28*i)
		n := levels
		if row.u8(26)&1 != 0 {
			n = 1
		}
		var list []level
		for range n {
			var v level
			if v, place = readLevel(table, place); place < 0 {
				break
			}
			list = append(list, v)
		}
		l.levels[row.u32(0)] = list
		if place < 0 {
			break
		}
	}
	l.readOverrides(overrides)
	if w.lists = l; len(l.all) > 0 {
		w.readParagraphs(plc)
	}
}

// readLevel reads a level and says where the next one begins; -1 when there is
// none.
func readLevel(p octets, at int) (level, int) {
	if at+30 > len(p) {
		return level{}, -1
	}
	v := level{Level: numbered.Level{Start: p.u32(at), Kind: p.u8(at + 4), Again: levels}, legal: p.u8(at+5)&4 != 0}
	if p.u8(at+5)&8 != 0 {
		v.Again = p.u8(at + 26)
	}
	at += 28 + p.u8(at+24) + p.u8(at+25)
	count := min(p.u16(at), 64)
	for i := range count {
		v.text = append(v.text, uint16(p.u16(at+2+2*i)))
	}
	return v, at + 2 + 2*p.u16(at)
}

func (l *lists) readOverrides(p octets) {
	count := min(p.u32(0), maxLists)
	at := 4 + 16*count
	for i := range count {
		o := override{list: p.u32(4 + 16*i)}
		if at += 4; at > len(p) {
			at = len(p)
		}
		for range min(p.u8(4+16*i+12), levels) {
			start, flags := p.u32(at), p.u32(at+4)
			at += 8
			n := flags & 15
			if n >= levels {
				break
			}
			o.starts[n], o.begins[n] = start, flags&16 != 0
			if flags&32 != 0 {
				v, next := readLevel(p, at)
				if next < 0 {
					break
				}
				o.levels[n], at = &v, next
				if flags&16 != 0 {
					o.starts[n] = v.Start
				}
			}
		}
		l.all = append(l.all, o)
	}
}

// readParagraphs finds the paragraphs of lists in the formats of paragraphs
// (MS-DOC §2.8.6 and §2.9.174).
func (w *wordText) readParagraphs(plc octets) {
	n := (len(plc) - 4) / 8
	budget := len(w.main) / 13
	for i := range max(n, 0) {
		page := w.main.part(512*(plc.u32(4*(n+1)+4*i)&0x3FFFFF), 512)
		if len(page) < 512 {
			continue
		}
		runs := page.u8(511)
		if budget -= runs + 1; budget < 0 {
			break
		}
		for j := range runs {
			at := 2 * page.u8(4*(runs+1)+13*j)
			if at == 0 {
				continue
			}
			size := 2*page.u8(at) - 1
			if at++; size < 0 {
				size = 2 * page.u8(at)
				at++
			}
			if list, level := listOf(page.part(at+2, size-2)); list > 0 {
				w.lists.begins = append(w.lists.begins, listed{page.u32(4 * j), list, level})
			}
		}
	}
	slices.SortFunc(w.lists.begins, func(a, b listed) int { return a.from - b.from })
}

// listOf looks for the list of a paragraph among its properties (MS-DOC
// §2.6.2: sprmPIlfo and sprmPIlvl).
func listOf(p octets) (list, level int) {
	for at := 0; at+2 < len(p); {
		op, size := p.u16(at), 1
		switch op >> 13 {
		case 2, 4, 5:
			size = 2
		case 3:
			size = 4
		case 6:
			size = 1 + p.u8(at+2)
			if op == 0xC615 && p.u8(at+2) == 255 {
				return list, level
			}
		case 7:
			size = 3
		}
		switch op {
		case 0x460B:
			list = p.u16(at + 2)
		case 0x260A:
			level = p.u8(at + 2)
		}
		at += 2 + size
	}
	if list > 0x7FE || level >= levels {
		return 0, 0
	}
	return list, level
}

// nextList is how many octets lie before the next paragraph of a list; here
// is set when one begins at fc.
func (l *lists) nextList(fc int) (here *listed, octets int) {
	if l == nil {
		return nil, 1 << 30
	}
	i, found := slices.BinarySearchFunc(l.begins, fc, func(a listed, fc int) int { return a.from - fc })
	if found {
		here = &l.begins[i]
		i++
	}
	for i < len(l.begins) && l.begins[i].from == fc {
		i++
	}
	if i < len(l.begins) {
		return here, l.begins[i].from - fc
	}
	return here, 1 << 30
}

// number counts a paragraph and gives what stands before it.
func (l *lists) number(p *listed) string {
	if p.list > len(l.all) {
		return ""
	}
	o := &l.all[p.list-1]
	counts := l.counts[o.list]
	if counts == nil {
		counts = &numbered.Counter{}
		l.counts[o.list] = counts
	}
	if !o.used {
		o.used = true
		for i := range levels {
			if o.begins[i] {
				counts.Restart(i)
			}
		}
	}
	at := func(i int) level { return l.level(o, i) }
	counts.Next(p.level, func(i int) numbered.Level { return at(i).Level })
	return written(at, p.level, counts)
}

// level is a level of a list, with what is different where it is named.
func (l *lists) level(o *override, i int) level {
	var v level
	if list := l.levels[o.list]; i < len(list) {
		v = list[i]
	}
	if o.levels[i] != nil {
		v = *o.levels[i]
	}
	if o.begins[i] {
		v.Start = o.starts[i]
	}
	return v
}

// written writes a number: in the text of a level, a character below nine
// stands for the count of that level.
func written(at func(int) level, n int, counts *numbered.Counter) string {
	v := at(n)
	var b strings.Builder
	for _, c := range v.text {
		switch {
		case v.Kind == numbered.Bullet:
			return "•"
		case c < levels:
			kind := at(int(c)).Kind
			if v.legal && kind != numbered.TwoDigits && kind != numbered.None && kind != numbered.Bullet {
				kind = numbered.Plain
			}
			b.WriteString(numbered.Write(counts.Count(int(c)), kind))
		default:
			b.WriteString(codepage.UTF16([]byte{byte(c), byte(c >> 8)}))
		}
	}
	return b.String()
}
