// Package rtf reads Rich Text Format: the text as Word shows it, and what
// lies beside it.
//
// It upholds two laws:
//
//	what a reader sees as one word comes out as one word: groups, fonts,
//	escapes, anchors of notes and hidden text inside it do not part it;
//	damage costs only what is damaged: a missing brace, a wrong length or a
//	word nobody knows never ends the reading.
//
// Headers, footers, footnotes, comments, text boxes, codes of fields, hidden
// and deleted text stand in sections after the text. Embedded objects and
// pictures are given out as files. A mail in HTML that was wrapped in RTF is
// unwrapped and given out as a file, too.
//
// The package knows no part, detector or child process.
//
// Standards: Rich Text Format 1.9.1, MS-OXRTFEX (HTML inside RTF), MS-OLEDS
// §2.2 (embedded objects).
package rtf

import "bytes"

// Out takes what is read. An error of its methods ends the reading.
type Out interface {
	// Write takes text in UTF-8.
	Write(p []byte) (int, error)
	// Section says where the text that follows stands.
	Section(name string) error
	// Property takes what the document says about itself.
	Property(name, value string)
	// Embed takes a file that lies inside.
	Embed(name, declared string, octets []byte) error
	// Note takes a cause ("malformed", "too-deep") for which not everything
	// was read, and a sentence.
	Note(cause, detail string)
}

// Is reports whether octets begin like RTF. Word takes a version that is
// wrong or missing, and white space in front.
func Is(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff\x00 \t\r\n"), []byte(`{\rt`))
}

// Read reads a document.
func Read(p []byte, out Out) error {
	r := &reader{p: p, out: out, page: 1252, fonts: map[int]int{}, standard: -1}
	r.group = group{dest: body, uc: 1, font: -1}
	r.run()
	r.finish()
	return r.err
}

// finish gives out what was collected beside the text.
func (r *reader) finish() {
	r.chars()
	for len(r.stack) > 0 && r.err == nil { // groups that nobody closed
		r.damaged = true
		r.end()
	}
	r.flush(len(r.text))
	for k := range r.side {
		text := bytes.TrimSpace(r.side[k])
		if len(text) == 0 || r.err != nil {
			continue
		}
		if r.err = r.out.Section(sideNames[k]); r.err == nil {
			_, r.err = r.out.Write(text)
		}
	}
	if r.fromHTML && len(r.html) > 0 && r.err == nil {
		r.err = r.out.Embed("body.html", "text/html", append([]byte("\ufeff"), r.html...))
	}
	if r.deep {
		r.out.Note("too-deep", "groups are nested deeper than is read")
	}
	if r.damaged {
		r.out.Note("malformed", "the document is damaged, it may not have been read to its end")
	}
}

// The places beside the text, in the order in which they are given out.
const (
	pageHeader = iota
	pageFooter
	footnotes
	comments
	textBoxes
	fieldCodes
	hiddenText
	deletedText
	notShown
	sides
)

var sideNames = [sides]string{
	"page header", "page footer", "footnotes", "comments", "text boxes", "field codes", "hidden text", "deleted text",
	"not shown",
}
