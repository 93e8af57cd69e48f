package ooxml

import (
	"bytes"
	"cmp"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/extract/affine"
	"postern.dev/postern/internal/extract/xmlread"
	"postern.dev/postern/internal/extract/zipped"
)

// Bounds of a fixed page.
const (
	maxRuns    = 100_000
	maxLayers  = 64
	runsLength = 8 << 20
)

// Fixed reports whether an archive is a document of fixed pages.
func Fixed(a *zipped.Archive) bool {
	return slices.ContainsFunc(a.Files, func(f zipped.File) bool { return strings.EqualFold(path.Ext(f.Name), ".fpage") })
}

// fixed reports whether a part belongs to a document of fixed pages (ECMA-388,
// XPS) and is XML, whatever its name ends with.
func fixed(name string) bool {
	switch path.Ext(name) {
	case ".fpage", ".fdoc", ".fdseq", ".struct", ".frag", ".dict":
		return true
	}
	return false
}

// fixedPages reads the pages of all documents in their order (ECMA-388 §10).
// Pages that no document names are read like every other part.
func (p *pack) fixedPages() {
	page := 0
	for _, r := range p.rels[""] {
		if r.kind != "fixedrepresentation" {
			continue
		}
		for _, document := range p.sources(r.target, "DocumentReference") {
			for _, name := range p.sources(document, "PageContent") {
				i, found := p.index[name]
				if page++; found {
					p.tree(i, "page "+strconv.Itoa(page))
				}
			}
		}
	}
}

// sources are the parts that the elements of a part refer to.
func (p *pack) sources(name, element string) (list []string) {
	i, found := p.index[name]
	if !found || p.err != nil {
		return nil
	}
	r := p.open(i)
	if r == nil {
		return nil
	}
	defer r.Close()
	p.x.Reset(p.counted(r))
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		if k == xmlread.Start && string(p.x.Local) == element && len(list) < maxRuns {
			list = append(list, resolve(name, string(p.x.Attr("Source"))))
		}
	}
	return list
}

// run is a text on a page: where it begins and ends, and its base line.
type run struct {
	left, right, base, size float64
	text                    []byte
}

// paper is a fixed page while it is read.
type paper struct {
	runs   []run
	octets int
	layers []affine.Matrix // of the elements that are open
	beside [][]byte        // what attributes say
	mute   bool            // glyphs without text
	over   bool
}

// fixedPage reads a page behind its root element. A page says where each piece
// of text stands, and not which pieces are a line; pieces may also be written
// in any order. So the lines are given out as they are written, and again as
// they are seen where that is another text.
func (p *pack) fixedPage(place, name string) {
	if place == "" {
		place = "page " + strings.TrimSuffix(path.Base(name), path.Ext(name))
	}
	s := &paper{layers: []affine.Matrix{affine.Unit()}}
	depth := 0
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		switch k {
		case xmlread.Start:
			depth++ // an empty element has an end, too
			s.element(p, depth)
		case xmlread.End:
			if depth--; depth >= 0 && len(s.layers) > depth+1 {
				s.layers = s.layers[:depth+1]
			}
		}
	}
	p.w.begin(place)
	written := lines(s.runs)
	p.w.line(written)
	slices.SortStableFunc(s.runs, func(a, b run) int {
		if math.Abs(a.base-b.base) > 0.3*min(a.size, b.size) {
			return cmp.Compare(a.base, b.base)
		}
		return cmp.Compare(a.left, b.left)
	})
	if seen := lines(s.runs); !bytes.Equal(written, seen) {
		p.w.line(seen)
	}
	for _, b := range s.beside {
		p.w.line(b)
	}
	if p.err = p.w.finish(); s.mute {
		p.out.Note("unsupported", "a page has text that only its font can tell")
	}
	if s.over {
		p.out.Note("too-large", "a page has more text than is read")
	}
}

// element takes a start tag.
func (s *paper) element(p *pack, depth int) {
	for _, name := range []string{"AutomationProperties.Name", "AutomationProperties.HelpText"} {
		if b := bytes.TrimSpace(p.x.Attr(name)); len(b) > 0 && len(s.beside) < maxRuns {
			s.beside = append(s.beside, bytes.Clone(b))
		}
	}
	if uri := p.x.Attr("FixedPage.NavigateUri"); len(uri) > 0 {
		p.link(string(uri))
	}
	at := s.layers[len(s.layers)-1]
	if m, ok := numbers(p.x.Attr("RenderTransform")); ok {
		at = m.Times(at)
	}
	switch string(p.x.Local) {
	case "MatrixTransform": // of the element that holds X.RenderTransform
		holder := depth - 2
		if m, ok := numbers(p.x.Attr("Matrix")); ok && holder > 0 && len(s.layers) > holder {
			for i := holder; i < len(s.layers); i++ {
				s.layers[i] = m.Times(s.layers[i])
			}
			at = s.layers[len(s.layers)-1]
		}
	case "Glyphs":
		s.glyphs(p, at)
	}
	if len(s.layers) < maxLayers {
		s.layers = append(s.layers, at)
	}
}

// glyphs takes a piece of text.
func (s *paper) glyphs(p *pack, at affine.Matrix) {
	text := bytes.TrimPrefix(p.x.Attr("UnicodeString"), []byte("{}")) // §12.1.4
	if len(text) == 0 {
		s.mute = s.mute || len(p.x.Attr("Indices")) > 0
		return
	}
	if len(s.runs) >= maxRuns || s.octets+len(text) > runsLength {
		s.over = true
		return
	}
	s.octets += len(text)
	text = bytes.Clone(text)
	size, x, y := figure(p.x.Attr("FontRenderingEmSize")), figure(p.x.Attr("OriginX")), figure(p.x.Attr("OriginY"))
	long := size * width(text, p.x.Attr("Indices"))
	r := run{text: text, size: size * math.Hypot(at[2], at[3])}
	left, right := x, x+long
	if level := p.x.Attr("BidiLevel"); len(level) > 0 && level[len(level)-1]&1 == 1 {
		left, right = x-long, x
	}
	r.left, r.base = at.At(left, y)
	r.right, _ = at.At(right, y)
	s.runs = append(s.runs, r)
}

// figure reads a number; one that is none is 0.
func figure(b []byte) float64 {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e9 {
		return 0
	}
	return f
}

// numbers reads the six numbers of a matrix.
func numbers(b []byte) (m affine.Matrix, ok bool) {
	list := bytes.Split(b, []byte(","))
	if len(list) != len(m) {
		return m, false
	}
	for i := range m {
		m[i] = figure(bytes.TrimSpace(list[i]))
	}
	return m, true
}

// width is how wide a text is, in its size: what the indices say (§12.1.3) and
// a guess for the others.
func width(text, indices []byte) float64 {
	sum := 0.0
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		var one []byte
		one, indices, _ = bytes.Cut(indices, []byte(";"))
		if _, more, ok := bytes.Cut(one, []byte(",")); ok {
			advance, _, _ := bytes.Cut(more, []byte(","))
			if f := figure(advance); f > 0 {
				sum += f / 100
				continue
			}
		}
		switch {
		case strings.ContainsRune("iljtfrI.,:;'|!()[] ", r):
			sum += 0.28
		case strings.ContainsRune("mwMW@%", r), r >= 0x2E80:
			sum += 0.85
		case 'A' <= r && r <= 'Z':
			sum += 0.65
		default:
			sum += 0.5
		}
	}
	return sum
}

// lines puts runs together that stand side by side.
func lines(runs []run) []byte {
	var out []byte
	for i, r := range runs {
		if i > 0 {
			before := runs[i-1]
			size := min(r.size, before.size)
			switch gap := r.left - before.right; {
			case math.Abs(r.base-before.base) > 0.3*size || gap < -0.5*size && r.left < before.left:
				out = append(bytes.TrimRight(out, " "), '\n')
			case gap > 1.5*size:
				out = append(out, '\t')
			case gap > 0.2*size && !bytes.HasSuffix(out, []byte(" ")) && !bytes.HasPrefix(r.text, []byte(" ")):
				out = append(out, ' ')
			}
		}
		out = append(out, r.text...)
	}
	return out
}
