package extract

import (
	"bytes"
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
	content := plainly(found)
	if known := byMagic(head); known != "" && content == octetStream {
		content = known
	}
	text := textual(found)
	if t := officeType(head, found); t != "" {
		content, text = t, false
		if !strings.HasPrefix(declared, "text/") || t == typeRTF && declared != "text/plain" && declared != "text/html" {
			return Kind{Type: t}
		}
	}
	switch {
	case len(head) == 0:
		if !strings.HasPrefix(declared, "text/") {
			return Kind{Type: orOctets(declared)}
		}
		return Kind{Type: declared, Text: true}
	case text:
		kind := refine(content, declared, in.Name)
		switch {
		case flat(head):
			kind = flatODF
		case mailbox(head):
			kind = Mailbox
		case strings.HasPrefix(kind, "text/plain") && (in.Name != "" || declared != "text/plain") && letter(head):
			kind = Mail
		}
		return Kind{Type: kind, Text: true, Other: structured(kind, declared, in.Name)}
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
	if plainly(m) == "text/rtf" {
		return false
	}
	for ; m != nil; m = m.Parent() {
		if plainly(m) == "text/plain" {
			return true
		}
	}
	return false
}

// plainly is a type without parameters.
func plainly(m *mimetype.MIME) string {
	name, _, _ := strings.Cut(m.String(), ";")
	return name
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
	case content == "application/xhtml+xml":
		return "text/html"
	case content != "text/plain":
		return content
	case declared == "application/json" || strings.HasSuffix(declared, "+json") || ext == ".json":
		return "application/json"
	case ext == ".svg":
		return "image/svg+xml"
	case strings.HasSuffix(declared, "/xml") || strings.HasSuffix(declared, "+xml") || ext == ".xml":
		return "text/xml"
	case ext == ".eml" || ext == ".mht" || ext == ".mhtml":
		return Mail
	case strings.HasPrefix(declared, "text/") && declared != "text/html":
		return declared
	}
	return content
}

// The kinds of text that are mail: they are read as text, and may be taken
// apart as well.
const (
	Mail    = "message/rfc822"
	Mailbox = "application/mbox"
)

// mailbox reports whether a text begins like the file of a mailbox (RFC 4155):
// a line "From …" and a header field below it.
func mailbox(head []byte) bool {
	head = bytes.TrimLeft(head, "\ufeff\r\n")
	if !bytes.HasPrefix(head, []byte("From ")) {
		return false
	}
	_, next, _ := bytes.Cut(head, []byte("\n"))
	next = bytes.TrimPrefix(next, []byte(">"))
	for i, c := range next {
		if c == ':' {
			return i > 0
		}
		if c <= ' ' || c >= 0x7F {
			return false
		}
	}
	return false
}

// letter reports whether a text begins like a mail: fields, and among them
// those that only mail has.
func letter(head []byte) bool {
	known := 0
	for line := range bytes.Lines(bytes.TrimLeft(head, "\ufeff\r\n")) {
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t<>\"{}()=,;") {
			break
		}
		switch strings.ToLower(string(name)) {
		case "mime-version", "content-transfer-encoding":
			known += 2
		case "from", "to", "date", "subject", "received", "message-id", "return-path", "content-type", "delivered-to":
			known++
		}
	}
	return known >= 2
}

// structured reports whether a text is written in a form that hides what it
// says and that nobody here reads: its raw text is not what a person sees.
func structured(kind, declared, name string) bool {
	for _, t := range []string{kind, declared} {
		switch t {
		case "application/postscript", "application/ldif", "text/x-ldif", "application/mac-binhex40", "text/x-uuencode",
			"application/x-uuencode", "application/warc", "application/x-yencode", "application/x-sylk",
			"application/x-dif":
			return true
		}
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".ps", ".eps", ".ldif", ".hqx", ".uu", ".uue", ".b64", ".yenc", ".ync", ".warc", ".slk", ".dif":
		return true
	}
	return false
}

func isXML(k Kind) bool {
	return k.Text && (strings.HasSuffix(k.Type, "/xml") || strings.HasSuffix(k.Type, "+xml"))
}

func isText(k Kind) bool { return k.Text }

func isHTML(k Kind) bool { return k.Text && k.Type == "text/html" }

func isTable(k Kind) bool {
	return k.Text && (k.Type == "text/csv" || k.Type == "text/tab-separated-values")
}
