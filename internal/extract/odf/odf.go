// Package odf reads OpenDocument texts, sheets and presentations, as packages
// and as flat files.
//
// It upholds two laws:
//
//	every part is looked at: XML by its content, everything else as a file
//	that lies inside;
//	what a person sees in one piece comes out in one piece: spans are
//	joined, paragraphs and cells are kept apart, notes and annotations stand
//	behind the paragraph to which they belong.
//
// An encrypted package is opened with the passwords that are known (AES), or
// said to be encrypted. The package does not know how the files inside are
// read, nor what is found in the text.
//
// Standards: OASIS OpenDocument 1.3 part 2 (packages) §3 and §4, part 3 §4
// (meta), §5 and §6 (text), §9 (tables), §10 (draw), §14.1 (annotations);
// RFC 8018 (PBKDF2).
package odf

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"path"
	"strings"

	"postern.dev/postern/internal/extract/xmlread"
	"postern.dev/postern/internal/extract/zipped"
)

// Sink takes what a document holds. A place is a name for people; causes are
// those of the record.
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

// Is reports whether an archive is a document of this kind.
func Is(a *zipped.Archive) bool {
	content, mark := false, false
	for i := range a.Files {
		switch f := &a.Files[i]; f.Name {
		case "mimetype":
			mark = strings.HasPrefix(head(f), "application/vnd.oasis.opendocument") ||
				strings.HasPrefix(head(f), "application/vnd.sun.xml")
		case "content.xml", "META-INF/manifest.xml":
			content = true
		case "[Content_Types].xml", "META-INF/container.xml":
			return false
		}
	}
	return mark || content && has(a, "content.xml")
}

func has(a *zipped.Archive, name string) bool {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return true
		}
	}
	return false
}

func head(f *zipped.File) string {
	r, err := f.Open()
	if err != nil {
		return ""
	}
	defer r.Close()
	var b [128]byte
	n, _ := io.ReadFull(r, b[:])
	return string(b[:n])
}

// pack is a document while it is read.
type pack struct {
	out    Sink
	room   int64
	x      xmlread.Reader
	w      walker
	sealed map[string]seal // encrypted parts
}

// Read gives out everything that a package holds. Its error is the sink's.
func Read(a *zipped.Archive, out Sink) error {
	p := &pack{out: out, room: maxInflated}
	if a.Damaged != "" {
		out.Note("malformed", a.Damaged)
	}
	for _, s := range a.Oddities {
		out.Note("ambiguous", s)
	}
	if a.Full {
		out.Note("too-many-parts", "the archive has more entries than are read")
	}
	for i := range a.Files {
		if a.Files[i].Name == "META-INF/manifest.xml" {
			p.manifest(&a.Files[i])
		}
	}
	for _, first := range []string{"content.xml", "styles.xml", "meta.xml", ""} {
		for i := range a.Files {
			f := &a.Files[i]
			known := f.Name == "content.xml" || f.Name == "styles.xml" || f.Name == "meta.xml"
			if f.Folder() || f.Name == "mimetype" || first == "" && known || first != "" && f.Name != first {
				continue
			}
			if err := p.part(f); err != nil {
				return err
			}
		}
	}
	for _, gap := range a.Gaps {
		if err := out.Embed("between the entries", "", bytes.NewReader(gap)); err != nil {
			return err
		}
	}
	return nil
}

// part reads one entry.
func (p *pack) part(f *zipped.File) error {
	r := p.open(f)
	if r == nil {
		return nil
	}
	defer r.Close()
	in := p.counted(r)
	if path.Ext(f.Name) != ".xml" {
		return p.embed(f, in)
	}
	return p.xml(in, placeOf(f.Name))
}

// placeOf is what people call a part.
func placeOf(name string) string {
	switch name {
	case "content.xml", "meta.xml":
		return ""
	case "styles.xml":
		return "page headers and footers"
	}
	if strings.HasPrefix(name, "Basic/") {
		return "macros"
	}
	if dir := path.Dir(name); path.Base(name) == "content.xml" {
		return "object " + dir
	}
	return name
}

// embed hands a file on that is not a part of the format.
func (p *pack) embed(f *zipped.File, in io.Reader) error {
	switch f.Name {
	case "manifest.rdf", "layout-cache":
		return p.xml(in, f.Name)
	}
	var first [1]byte
	if n, _ := io.ReadFull(in, first[:]); n == 0 {
		return nil
	}
	return p.out.Embed(f.Name, "", io.MultiReader(bytes.NewReader(first[:]), in))
}

// open gives the content of an entry; nil when there is none to be had,
// which is said.
func (p *pack) open(f *zipped.File) io.ReadCloser {
	if s, found := p.sealed[f.Name]; found {
		r := s.open(f, p.out.Passwords())
		if r == nil {
			p.out.Note("encrypted", "the document is encrypted")
		}
		return r
	}
	r, err := f.Open()
	if f.Encrypted {
		r, err = f.OpenWith(p.out.Passwords())
	}
	switch {
	case errors.Is(err, zipped.ErrPassword):
		p.out.Note("encrypted", "a part of the document is encrypted")
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

// Flat reads a document that is one XML file.
func Flat(r io.Reader, out Sink) error {
	p := &pack{out: out, room: maxInflated}
	return p.xml(p.counted(r), "")
}

// xml reads a part of XML.
func (p *pack) xml(in io.Reader, place string) error {
	w := &p.w
	*w = walker{p: p, out: p.out, place: place, x: &p.x, para: w.para[:0], aside: w.aside[:0]}
	p.x.Reset(in)
	for w.err == nil {
		k := p.x.Next()
		if k == xmlread.EOF {
			break
		}
		switch k {
		case xmlread.Start:
			w.open(string(p.x.Local))
		case xmlread.End:
			w.close(string(p.x.Local))
		case xmlread.Text:
			w.data(p.x.Text)
		}
	}
	w.finish()
	if p.x.Declared {
		p.out.Note("ambiguous", "a part of the document declares entities of its own")
	}
	if p.x.Cut {
		p.out.Note("malformed", "a part of the document is damaged")
	}
	return w.err
}

// inline hands on a file that is written within the XML (office:binary-data).
func (w *walker) inline(text []byte) {
	if len(text) == 0 || w.err != nil {
		return
	}
	w.flush()
	in := base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text))
	w.err = w.out.Embed("embedded", "", w.p.counted(in))
}
