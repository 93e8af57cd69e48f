package journal

import (
	"io"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Class is how a recipient was addressed.
type Class string

// The classes of a journal report. Recipient says that Exchange does not
// know, as for mail from outside.
const (
	To        Class = "To"
	Cc        Class = "Cc"
	Bcc       Class = "Bcc"
	Recipient Class = "Recipient"
)

// How says through what a recipient came to be one.
type How string

// The ways; Direct is a recipient that the sender named.
const (
	Direct    How = ""
	Expanded  How = "Expanded"  // a member of the group Source
	Forwarded How = "Forwarded" // redirected from the mailbox Source
)

// Line is one recipient as the report names it.
type Line struct {
	Class   Class        `json:"class"`
	Address mail.Address `json:"address"`
	How     How          `json:"how,omitempty"`
	// Source is the group or mailbox that the message was addressed to; ""
	// for a direct recipient, or when its address cannot be read.
	Source mail.Address `json:"source,omitempty"`
}

// Report is a journal report that was opened.
type Report struct {
	// Envelope is that of the original message: From is the Sender line, To
	// are the recipients without repetition: first To, then Cc, Bcc and
	// Recipient, each in the order of the report.
	Envelope mail.Envelope `json:"envelope"`
	// Lines are all recipients in the order of the report.
	Lines []Line `json:"lines,omitempty"`
	// OnBehalfOf is whom the sender wrote for; "" when the report does not say.
	OnBehalfOf mail.Address `json:"on_behalf_of,omitempty"`
	Subject    string       `json:"subject,omitempty"`
	// MessageID is the id with its angle brackets, as the report has it.
	MessageID string `json:"message_id,omitempty"`
	// Original is the message that was reported, with its transfer encoding
	// removed; nil when it is missing.
	Original mail.Body `json:"-"`
	// Problems says what of the report was not understood. What is odd inside
	// Original is not listed: whoever parses it sees it.
	Problems []mail.Unseen `json:"problems,omitempty"`
}

// Open opens a journal report. ok is false when m is none: it has no journal
// header, or neither a report to read nor a message with it.
func Open(m *mail.Message) (r Report, ok bool) {
	if !marked(m.Header) || attached(m.Root) {
		return Report{}, false
	}
	found := find(m)
	best := &reader{}
	var part *mail.Part
	for _, p := range found.texts {
		t := read(p)
		if part == nil || t.useful() && !best.useful() {
			best, part = t, p
		}
		if best.useful() {
			break
		}
	}
	if !best.useful() && found.message == nil {
		return Report{}, false
	}
	r = best.report(part)
	for _, p := range found.texts {
		if p != part {
			found.others = append(found.others, p)
		}
	}
	r.attach(m, found)
	return r, true
}

// marked reports whether the header names the message a journal report. The
// field is empty as a rule; the longer name is that of servers in-house.
func marked(h *mail.Header) bool {
	return h.Has("X-MS-Journal-Report") || h.Has("X-MS-Exchange-Organization-Journal-Report")
}

// contents are the parts of a journal report.
type contents struct {
	texts   []*mail.Part // of which one is the report
	message *mail.Part   // the attached message
	others  []*mail.Part // what else there is
}

// maxTexts is how many texts are tried as the report. A server on the way may
// have put one in front.
const maxTexts = 8

// find sorts the parts outside of attached messages.
func find(m *mail.Message) contents {
	var c contents
	stack := []*mail.Part{m.Root}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case attached(p):
			if c.message != nil {
				c.others = append(c.others, p)
				continue
			}
			c.message = p
		case p.Hidden:
		case p.Leaf() && p.Type == "text/plain" && len(c.texts) < maxTexts:
			c.texts = append(c.texts, p)
		case p.Leaf():
			c.others = append(c.others, p)
		default:
			for i := len(p.Children) - 1; i >= 0; i-- {
				stack = append(stack, p.Children[i])
			}
		}
	}
	return c
}

// attached reports whether p holds a message (RFC 2046 §5.2.1); the second
// type is that of a message that needs SMTPUTF8.
func attached(p *mail.Part) bool {
	return p.Type == "message/rfc822" || p.Type == "message/global"
}

// maxProblems bounds the list of what was not understood.
const maxProblems = 100

func (r *Report) note(p *mail.Part, reason mail.Cause, detail string) {
	if len(r.Problems) >= maxProblems {
		return
	}
	u := mail.Unseen{Reason: reason, Detail: detail}
	if p != nil {
		u.Part, u.Name = p.Path, p.Name
	}
	r.Problems = append(r.Problems, u)
}

// attach adds the original message and what is odd about the outer one.
func (r *Report) attach(m *mail.Message, c contents) {
	inside := "\x00" // no path
	if p := c.message; p == nil {
		r.note(nil, mail.Malformed, "the journal report has no message attached")
	} else {
		inside = p.Path + "."
		r.open(p)
	}
	for _, p := range c.others {
		if attached(p) {
			r.note(p, mail.Unsupported, "a further message is attached to the journal report")
			continue
		}
		r.note(p, mail.Unsupported, "a part of the journal report that is neither the report nor the message")
	}
	for _, u := range m.Unseen {
		if !strings.HasPrefix(u.Part, inside) && len(r.Problems) < maxProblems {
			r.Problems = append(r.Problems, u)
		}
	}
}

// open gives out the attached message.
func (r *Report) open(p *mail.Part) {
	r.Original = original(p)
	switch {
	case r.Original != nil:
		r.compare(p)
	case len(p.Children) > 0 || p.Content.Len() == 0:
		r.note(p, mail.Malformed, "the message attached to the journal report is empty")
	default:
		r.note(p, mail.TooDeep, "the message attached to the journal report is not decoded")
	}
}

// original is the content of an attached message; nil when there is none or
// when the index did not decode it. Its only child is that content already,
// over a decoded view if it came in base64.
func original(p *mail.Part) mail.Body {
	body, r := p.Body, p.Content
	switch {
	case len(p.Children) > 0:
		body, r = p.Children[0].Body, p.Children[0].Range
	case encoded(p.Encoding):
		return nil
	}
	if r.Len() <= 0 {
		return nil
	}
	return io.NewSectionReader(body, r.Start, r.Len())
}

// encoded reports whether octets with this Content-Transfer-Encoding are not
// the content itself.
func encoded(encoding string) bool {
	switch encoding {
	case "base64", "quoted-printable", "x-uuencode":
		return true
	}
	return false
}

// compare notes that the attached message is another one than the report's.
func (r *Report) compare(p *mail.Part) {
	if len(p.Children) == 0 || p.Children[0].Header == nil || r.MessageID == "" {
		return
	}
	id := strings.Trim(p.Children[0].Header.Get("Message-ID"), " \t<>")
	if id != "" && id != strings.Trim(r.MessageID, " \t<>") {
		r.note(p, mail.Ambiguous, "the journal report and the message attached to it have different ids")
	}
}
