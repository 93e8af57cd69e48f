package pdf

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// Cause says why something was not read.
type Cause int

// The causes for which something was not read.
const (
	Encrypted Cause = iota + 1
	Unsupported
	Damaged
	TooLarge
	TooDeep
)

// File is a file inside the document. Octets are read before Embedded
// returns.
type File struct {
	Name, Declared string
	Octets         io.Reader
}

// Output takes what a document says. An error of one of its methods ends the
// reading, and Read returns it.
type Output interface {
	// Text takes a piece of text in UTF-8.
	Text(p []byte) error
	// Section says where the text that follows stands: "page 3".
	Section(place string) error
	// Again takes another reading of text that was given out before: a row of
	// a form whose parts stand in different columns, or what is drawn where
	// the document names another text.
	Again(p []byte) error
	// Property takes what the document says about itself: "info:Title".
	Property(name, value string)
	// Embedded takes a file inside the document.
	Embedded(f File) error
	// Unread says what was not read, in a sentence without content.
	Unread(why Cause, detail string)
}

// ErrNotPDF means that nothing in the octets looks like a PDF document.
var ErrNotPDF = errors.New("pdf: no objects found")

// Read gives out what the document says. passwords are tried when the empty
// one does not open it. The error is that of out, or ErrNotPDF.
func Read(data []byte, passwords []string, out Output) error {
	front, data, behind := cut(data)
	d := newDocument(data)
	if err := d.open(); err != nil {
		if bytes.Contains(data, []byte("/Encrypt")) {
			out.Unread(Encrypted, encryptedDocument)
			return nil
		}
		return err
	}
	if !d.unlock(passwords) {
		out.Unread(Encrypted, encryptedDocument)
	} else {
		r := &reader{
			document: d, out: out, fonts: map[ref]*font{}, sent: map[*byte]bool{}, forms: map[*stream][]byte{},
		}
		if err := r.all(); err != nil {
			return err
		}
	}
	d.report(out)
	for _, more := range [][]byte{front, behind} {
		if len(more) > 0 {
			if err := out.Embedded(File{Name: "octets around the document", Octets: bytes.NewReader(more)}); err != nil {
				return err
			}
		}
	}
	return nil
}

const encryptedDocument = "an encrypted PDF document"

// cut takes off what stands in front of the header and behind the end: another
// program may see a file of another format there.
func cut(data []byte) (front, document, behind []byte) {
	if i := bytes.Index(data[:min(len(data), headSize)], []byte("%PDF-")); i > 0 {
		front, data = data[:i], data[i:]
	}
	if i := bytes.LastIndex(data, []byte("%%EOF")); i > 0 {
		behind = data[i+len("%%EOF"):]
	}
	if bytes.Contains(behind, []byte("endobj")) {
		behind = nil
	}
	if notable(behind) == nil {
		behind = nil // else its last octets stay, whatever they are: an archive is read from its end
	}
	return notable(front), data, bytes.TrimLeft(behind, blanks)
}

const blanks = "\x00\t\n\f\r \x1a"

// notable leaves out white space, and a few octets or one octet many times.
func notable(b []byte) []byte {
	b = bytes.Trim(b, blanks)
	if len(b) < 8 || bytes.Count(b, b[:1]) == len(b) {
		return nil
	}
	return b
}

// headSize is where the header may stand: some programs write before it.
const headSize = 4 << 10

// reader gives a document out.
type reader struct {
	*document
	out    Output
	fonts  map[ref]*font
	failed error

	sent      map[*byte]bool     // files that were given out, by where they stand
	forms     map[*stream][]byte // decoded
	formBytes int
	spare     *canvas // that of the page before, whose room is used again

	pages    []page
	blank    pageSet // pages that hold images only
	drawn    pageSet // pages that hold drawings only
	unmapped pageSet // pages with letters that have no name
}

// all reads everything, the pages first. A failure of the output ends it.
func (r *reader) all() error {
	r.pages = r.findPages()
	steps := []func() error{
		r.readPages, r.readAnnotations, r.readFields, r.readOutline, r.readScripts, r.readFiles, r.readInfo,
		r.readMetadata, r.readStructure, r.readOrphans,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
		if r.failed != nil {
			return r.failed
		}
	}
	r.sayPages()
	return nil
}

// text gives text out and remembers a failure.
func (r *reader) text(p []byte) {
	if r.failed == nil && len(p) > 0 {
		r.failed = r.out.Text(p)
	}
}

// line gives a line out.
func (r *reader) line(s string) {
	if s != "" {
		r.text(append([]byte(s), '\n'))
	}
}

// section begins a place.
func (r *reader) section(place string) {
	if r.failed == nil {
		r.failed = r.out.Section(place)
	}
}

// sayPages reports the pages that could not be read.
func (r *reader) sayPages() {
	if s := r.blank.String(); s != "" {
		r.out.Unread(Unsupported, s+" only")
	}
	if s := r.drawn.String(); s != "" {
		r.out.Unread(Unsupported, s+" only")
	}
	if s := r.unmapped.String(); s != "" {
		r.out.Unread(Unsupported, s)
	}
}

// pageSet collects page numbers, ascending.
type pageSet struct {
	what string // "hold images"
	list [][2]int
}

func (s *pageSet) add(n int) {
	if k := len(s.list); k > 0 && s.list[k-1][1] >= n-1 {
		s.list[k-1][1] = n
		return
	}
	s.list = append(s.list, [2]int{n, n})
}

// String is "pages 3–5 and 9 hold images".
func (s *pageSet) String() string {
	if len(s.list) == 0 {
		return ""
	}
	if len(s.list) == 1 && s.list[0][0] == s.list[0][1] {
		return "page " + strconv.Itoa(s.list[0][0]) + " holds " + s.what
	}
	b := []byte("pages ")
	for i, x := range s.list {
		switch {
		case i == keepRanges:
			return string(b) + " and others hold " + s.what
		case i > 0 && i == len(s.list)-1:
			b = append(b, " and "...)
		case i > 0:
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(x[0]), 10)
		if x[1] > x[0] {
			b = strconv.AppendInt(append(b, "–"...), int64(x[1]), 10)
		}
	}
	return string(b) + " hold " + s.what
}

// keepRanges is how many ranges of pages a sentence names.
const keepRanges = 10
