package extract

import (
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// Kind is what a part is, by its content before its name and its declared
// type.
type Kind struct {
	// Type is the media type by content.
	Type string
	// Text is set when the part shall be read as text.
	Text bool
	// Other is set when a part that is declared as text, and is read as such,
	// is also a file of another format: one program shows the text, another
	// opens the file.
	Other bool
}

// kindOf decides by the head of a part.
func kindOf(in Input, head []byte) Kind {
	declared := strings.ToLower(in.Declared)
	found := mimetype.Detect(head)
	content, _, _ := strings.Cut(found.String(), ";")
	text := textual(found)
	switch {
	case len(head) == 0:
		if !strings.HasPrefix(declared, "text/") {
			return Kind{Type: orOctets(declared)}
		}
		return Kind{Type: declared, Text: true}
	case text:
		return Kind{Type: refine(content, declared, in.Name), Text: true}
	case strings.HasPrefix(declared, "text/"):
		return Kind{Type: strongest(content, declared), Text: true, Other: content != octetStream}
	}
	return Kind{Type: strongest(content, declared)}
}

const octetStream = "application/octet-stream"

func orOctets(declared string) string {
	if declared == "" {
		return octetStream
	}
	return declared
}

// strongest prefers what the content says; where it says nothing, the header.
func strongest(content, declared string) string {
	if content == octetStream {
		return orOctets(declared)
	}
	return content
}

// textual reports whether the content is text of some kind. RTF is text to a
// machine only, and a PDF with text in front is still a PDF.
func textual(m *mimetype.MIME) bool {
	if m.Is("text/rtf") || m.Is("application/rtf") {
		return false
	}
	for ; m != nil; m = m.Parent() {
		if m.Is("text/plain") {
			return true
		}
	}
	return false
}

// refine tells the kinds of text apart: the header and the name know better
// than the content whether commas are columns.
func refine(content, declared, name string) string {
	ext := strings.ToLower(path.Ext(name))
	switch {
	case content == "text/html" || declared == "text/html" || declared == "application/xhtml+xml" ||
		ext == ".html" || ext == ".htm":
		return "text/html"
	case declared == "text/tab-separated-values" || ext == ".tsv" || ext == ".tab":
		return "text/tab-separated-values"
	case content == "text/csv" || content == "text/tab-separated-values" || declared == "text/csv" ||
		declared == "application/csv" || ext == ".csv":
		if content == "text/tab-separated-values" {
			return content
		}
		return "text/csv"
	case content != "text/plain":
		return content
	case strings.HasPrefix(declared, "text/") && declared != "text/html":
		return declared
	}
	return content
}

func isText(k Kind) bool { return k.Text }

func isHTML(k Kind) bool { return k.Text && k.Type == "text/html" }

func isTable(k Kind) bool {
	return k.Text && (k.Type == "text/csv" || k.Type == "text/tab-separated-values")
}
