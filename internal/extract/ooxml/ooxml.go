package ooxml

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"postern.dev/postern/internal/extract/xmlread"
	"postern.dev/postern/internal/extract/zipped"
)

// Sink takes what a document holds. A place is a name for people; an empty
// one is the document itself. Causes are those of the record.
type Sink interface {
	Write(p []byte) (int, error)
	Section(place string)
	Grid(place string)
	Cell(row, col int, text []byte)
	EndGrid()
	Embed(name, declared string, octets io.Reader) error
	Property(name, value string)
	Note(cause, sentence string)
	Passwords() []string
}

// maxInflated bounds what all parts of one document may inflate to.
const maxInflated = 1 << 30

// Is reports whether an archive is a document of this kind, by its parts.
func Is(a *zipped.Archive) bool {
	main, types := false, false
	for i := range a.Files {
		switch name := strings.ToLower(strings.TrimPrefix(a.Files[i].Name, "/")); {
		case name == "[content_types].xml":
			types = true
		case name == "word/document.xml", name == "xl/workbook.xml", name == "xl/workbook.bin",
			name == "ppt/presentation.xml", name == "visio/document.xml":
			main = true
		}
	}
	return types || main || Fixed(a)
}

// part is one file of the package.
type part struct {
	file *zipped.File
	name string // lower case, without the first slash
	done bool
	// begun is the content when somebody has looked at its beginning already.
	begun io.ReadCloser
}

// rewound is a content whose beginning was read: it is given out once more.
type rewound struct {
	io.Reader
	io.Closer
}

// pack is a document while it is read.
type pack struct {
	a     *zipped.Archive
	out   Sink
	parts []part
	index map[string]int
	rels  map[string][]relation
	links []string // external targets
	room  int64
	x     xmlread.Reader
	head  []byte // of the part whose beginning was read
	front []byte // of the file inside that is given out
	w     walker
	book  book
	lists *lists // of the part that is read
	err   error  // of the sink: reading ends
}

var packs = sync.Pool{New: func() any { return &pack{} }}

// Read gives out everything that the document holds. Its error is the
// sink's.
func Read(a *zipped.Archive, out Sink) error {
	p := packs.Get().(*pack)
	p.start(a, out)
	p.read()
	err := p.err
	if cap(p.w.frames[0].block) <= 1<<20 {
		p.a, p.out, p.w.out = nil, nil, nil
		packs.Put(p)
	}
	return err
}

func (p *pack) start(a *zipped.Archive, out Sink) {
	*p = pack{
		a: a, out: out, parts: p.parts[:0], links: p.links[:0], room: maxInflated, x: p.x, w: p.w, head: p.head, front: p.front,
		index: make(map[string]int, len(a.Files)), rels: make(map[string][]relation, 8),
	}
	p.w.reset(out)
	for i := range a.Files {
		f := &a.Files[i]
		if f.Folder() {
			continue
		}
		name := strings.ToLower(strings.TrimPrefix(f.Name, "/"))
		if _, twice := p.index[name]; !twice {
			p.index[name] = len(p.parts)
		}
		p.parts = append(p.parts, part{file: f, name: name})
	}
	p.faults()
}

// faults says what the archive is not as it should be.
func (p *pack) faults() {
	if p.a.Damaged != "" {
		p.out.Note("malformed", p.a.Damaged)
	}
	for _, s := range p.a.Oddities {
		p.out.Note("ambiguous", s)
	}
	if p.a.Full {
		p.out.Note("too-many-parts", "the archive has more entries than are read")
	}
}

func (p *pack) read() {
	for i := range p.parts {
		if strings.HasSuffix(p.parts[i].name, ".rels") {
			p.relations(i)
		}
	}
	p.properties()
	main := p.main()
	root := ""
	if main >= 0 && !strings.HasPrefix(p.parts[main].name, "xl/") {
		root = p.root(main, true)
	}
	switch {
	case main < 0:
		p.fixedPages()
		p.workbook(-1)
	case strings.HasPrefix(p.parts[main].name, "xl/") || root == "workbook" || strings.HasSuffix(p.parts[main].name, ".bin"):
		p.workbook(main)
	case root == "presentation":
		p.presentation(main)
	default:
		p.number(main)
		p.tree(main, "")
		p.lists = nil
		p.family(p.parts[main].name, "")
	}
	for i := range p.parts {
		if p.err != nil {
			return
		}
		p.tree(i, "")
	}
	p.externals()
	for _, gap := range p.a.Gaps {
		if p.err == nil {
			p.err = p.out.Embed("between the entries", "", bytes.NewReader(gap))
		}
	}
}

// main is the part that the package is about (part 2 §9.3), or the one that
// programs take for it.
func (p *pack) main() int {
	for _, r := range p.rels[""] {
		if r.kind == "officedocument" || r.kind == "document" {
			if i, found := p.index[r.target]; found {
				return i
			}
		}
	}
	for _, name := range []string{
		"word/document.xml", "xl/workbook.xml", "xl/workbook.bin", "ppt/presentation.xml", "visio/document.xml",
	} {
		if i, found := p.index[name]; found {
			return i
		}
	}
	return -1
}

// headSize is how much of a part is read to know what it is.
const headSize = 8 << 10

// root is the name of a part's first element, "" when it has none. It can be
// kept for one part that what was unpacked for it is not unpacked again.
func (p *pack) root(i int, keep bool) string {
	if i < 0 || p.parts[i].file.Encrypted {
		return ""
	}
	r, err := p.parts[i].file.Open()
	if err != nil {
		return ""
	}
	if p.head == nil {
		p.head = make([]byte, 2*headSize)
	}
	head := p.head[:headSize]
	if !keep {
		head = p.head[headSize:]
	}
	n, err := io.ReadFull(r, head)
	if keep && (err == nil || err == io.EOF || err == io.ErrUnexpectedEOF) {
		p.parts[i].begun = rewound{io.MultiReader(bytes.NewReader(head[:n]), r), r}
	} else {
		defer r.Close() // whoever reads it says what is wrong
	}
	p.x.Reset(bytes.NewReader(head[:n]))
	for range 20 {
		switch p.x.Next() {
		case xmlread.Start:
			return string(p.x.Local)
		case xmlread.EOF:
			return ""
		}
	}
	return ""
}

// family reads what belongs to a part that was read, in the order of its
// relationships; place is where the part stands.
func (p *pack) family(name, place string) {
	type member struct{ name, place string }
	work := []member{{name, place}}
	for len(work) > 0 && p.err == nil {
		m := work[len(work)-1]
		work = work[:len(work)-1]
		list := slices.Clone(p.rels[m.name])
		slices.SortStableFunc(list, func(a, b relation) int { return rank(a.kind) - rank(b.kind) })
		var next []member
		for _, r := range list {
			if rank(r.kind) == later {
				continue
			}
			i, found := p.index[r.target]
			if !found || p.parts[i].done {
				continue
			}
			here := beside(m.place, called(r.kind))
			p.tree(i, here)
			next = append(next, member{r.target, here})
		}
		slices.Reverse(next)
		work = append(work, next...)
	}
}

// later is the rank of what is read when all else has been.
const later = 100

// rank orders the relatives of a part.
func rank(kind string) int {
	switch kind {
	case "header", "footer":
		return 1
	case "footnotes", "endnotes":
		return 2
	case "comments", "threadedcomment", "notesslide", "comment":
		return 3
	case "chart", "chartex", "diagramdata", "drawing", "vmldrawing", "chartusershapes", "table", "pivottable":
		return 4
	case "glossarydocument":
		return 5
	case "afchunk", "oleobject", "package", "pages", "page":
		return 6
	}
	return later
}

// called is what people call a part of that kind.
func called(kind string) string {
	switch kind {
	case "header":
		return "page header"
	case "footer":
		return "page footer"
	case "comments", "threadedcomment", "comment":
		return "comments"
	case "notesslide":
		return "notes"
	case "chart", "chartex":
		return "chart"
	case "diagramdata", "diagramdrawing":
		return "diagram"
	case "drawing", "vmldrawing", "chartusershapes":
		return "drawing"
	case "glossarydocument":
		return "building blocks"
	case "footnotes", "endnotes", "table", "page":
		return kind
	}
	return ""
}

func beside(place, name string) string {
	switch {
	case place == "":
		return name
	case name == "":
		return place
	}
	return place + ", " + name
}

// open gives the content of a part; nil when there is none to be had, which
// is said.
func (p *pack) open(i int) io.ReadCloser {
	f := p.parts[i].file
	if begun := p.parts[i].begun; begun != nil {
		p.parts[i].begun = nil
		return begun
	}
	var r io.ReadCloser
	var err error
	if f.Encrypted {
		r, err = f.OpenWith(p.out.Passwords())
	} else {
		r, err = f.Open()
	}
	switch {
	case errors.Is(err, zipped.ErrPassword):
		p.out.Note("encrypted", "a part of the document is encrypted")
	case errors.Is(err, zipped.ErrMethod):
		p.out.Note("unsupported", "a part of the document is compressed in an unknown way")
	case err != nil:
		p.out.Note("malformed", "a part of the document is damaged")
	}
	if err != nil {
		return nil
	}
	return r
}

// counted is a part's content within the room that is left.
func (p *pack) counted(r io.Reader) io.Reader {
	return &zipped.Counted{Reader: r, Room: &p.room, Note: p.out.Note}
}

// tree reads a part once: as XML, as a binary part, or as a file inside.
func (p *pack) tree(i int, place string) {
	t := &p.parts[i]
	if t.done || p.err != nil {
		return
	}
	t.done = true
	r := p.open(i)
	if r == nil {
		return
	}
	defer r.Close()
	in := p.counted(r)
	switch ext := path.Ext(t.name); {
	case ext == ".xml" || ext == ".vml" || ext == ".rels" || fixed(t.name):
		p.xml(t, in, place)
	case ext == ".bin" && strings.HasPrefix(t.name, "xl/") && !strings.Contains(t.name, "vbaproject") &&
		!strings.Contains(t.name, "embeddings/") && !strings.Contains(t.name, "activex"):
		p.binary(t, in, place)
	default:
		p.embed(t, in)
	}
}

// embed hands a file on that is not a part of the format.
func (p *pack) embed(t *part, in io.Reader) {
	if p.front == nil {
		p.front = make([]byte, 512)
	}
	n, _ := io.ReadFull(in, p.front)
	head := p.front[:n]
	if n == 0 || mute(t.name, head) {
		return
	}
	p.err = p.out.Embed(t.file.Name, "", io.MultiReader(bytes.NewReader(head), in))
}

// mute reports whether a file belongs to the machinery of Office and has
// nothing to read: fonts and settings of printers.
func mute(name string, head []byte) bool {
	switch {
	case strings.HasSuffix(name, ".odttf"), strings.HasSuffix(name, ".fntdata"):
	case strings.HasSuffix(name, ".bin") && strings.Contains(name, "printersettings"):
	default:
		return false
	}
	for _, magic := range []string{"PK", "%PDF", "\xD0\xCF\x11\xE0", "{\\rt", "Rar!", "7z\xBC\xAF", "\x1F\x8B", "<"} {
		if strings.HasPrefix(string(head), magic) {
			return false
		}
	}
	return true
}
