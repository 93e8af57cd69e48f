package mail

import (
	"io"
	"strings"
)

// Part is one part of a message: a node of the tree that MIME describes.
type Part struct {
	// Path names the part: "1" is the message itself, "1.2" its second part.
	// The content of an attached message is its only child. The text before
	// and after the parts of a multipart is "1.preamble" and "1.epilogue", a
	// file that is uuencoded in a text is "1.2.uu1".
	Path   string
	Parent *Part
	// Children are in the order of the message.
	Children []*Part
	Header   *Header
	// Body holds the octets that Range and Content refer to: those of the
	// message, or the decoded view of an encoded part that holds this one.
	Body Body
	// Range is the whole part with its header, Content what follows it.
	Range, Content Range

	// Type is the declared media type in lower case, without parameters.
	Type string
	// Params are the parameters of Content-Type, decoded, names in lower case.
	Params map[string]string
	// Disposition is "inline", "attachment" or another word, in lower case;
	// "" when none is declared.
	Disposition string
	// Name is the best file name, without path; "" when there is none.
	Name string
	// Charset and Encoding are the declared ones, in lower case; "" when
	// absent.
	Charset, Encoding string
	// Hidden marks the text before and after the parts of a multipart, which
	// few mail programs show.
	Hidden bool

	numbered int // children with a number: all but the hidden ones
}

// Leaf reports whether the part holds content itself and not only parts.
func (p *Part) Leaf() bool {
	if len(p.Children) == 0 {
		return true
	}
	return !p.container()
}

// Attachment reports whether the part is a file rather than text to read.
func (p *Part) Attachment() bool {
	switch {
	case p.Hidden:
		return false
	case p.Disposition == "attachment" || p.Name != "":
		return true
	case p.container():
		return p.message() && p.Parent != nil
	case p.Disposition == "inline":
		return false
	}
	return !strings.HasPrefix(p.Type, "text/") && !strings.HasPrefix(p.Type, "message/")
}

// Open reads the content with its transfer encoding removed. It is tolerant:
// what is no base64 or quoted-printable is skipped or passed on, never an
// error. Several readers may be open at once.
func (p *Part) Open() io.Reader {
	return decodeTransfer(p.Body, p.Content, p.Encoding)
}

// Text reads the content as UTF-8: transfer encoding and charset removed.
func (p *Part) Text() (io.Reader, Cause) { return Decode(p.Open(), p.Charset) }

func (p *Part) multipart() bool { return strings.HasPrefix(p.Type, "multipart/") }

func (p *Part) message() bool {
	switch p.Type {
	case "message/rfc822", "message/global", "message/partial", "message/news":
		return true
	}
	return strings.HasPrefix(p.Type, "message/") && strings.Contains(p.Type, "rfc") &&
		strings.HasSuffix(p.Type, "822")
}

func (p *Part) container() bool { return p.multipart() || p.message() }

func (p *Part) text() bool { return strings.HasPrefix(p.Type, "text/") }
