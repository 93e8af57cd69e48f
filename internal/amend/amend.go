package amend

import (
	"fmt"
	"io"

	"postern.dev/postern/internal/mail"
)

// Order is what shall be changed. The zero value changes nothing.
type Order struct {
	// Tags stand in front of the subject, in this order.
	Tags []string
	// Banners stand on top of the text, in this order.
	Banners []Banner
	// Hidden reports whether To and Cc must not name an address; nil hides
	// nobody.
	Hidden func(mail.Address) bool
	// Cc are addresses that the Cc field names besides; they are in ASCII.
	Cc []mail.Address
}

// Banner is a text on top of a message.
type Banner struct {
	Text string
	// Style is info, warning or critical.
	Style string
}

// Result is how an order is carried out.
type Result struct {
	// Put are the changes, and Front what stands in front of the original.
	Put   []mail.Put
	Front []byte
	// Changed says what is changed, for the record: "subject: tag [EXTERNAL]".
	Changed []string
	// Kept says what was asked for and is not changed, with the reason.
	Kept []string
	// Original are the fields that are changed, as they came; they are
	// personal.
	Original []string
}

// Amend says how an order is carried out on a message. It is pure.
func Amend(m *mail.Message, o Order) Result {
	a := &amendment{m: m, h: m.Header}
	if len(o.Tags) > 0 {
		a.tag(o.Tags)
	}
	if o.Hidden != nil || len(o.Cc) > 0 {
		a.recipients(o.Hidden, o.Cc)
	}
	if len(o.Banners) > 0 {
		a.banners(o.Banners)
	}
	return a.Result
}

// amendment is a Result while it is made.
type amendment struct {
	Result
	m *mail.Message
	h *mail.Header
}

func (a *amendment) put(r mail.Range, with string) {
	a.Put = append(a.Put, mail.Put{Range: r, With: []byte(with)})
}

func (a *amendment) changed(format string, args ...any) {
	a.Changed = append(a.Changed, fmt.Sprintf(format, args...))
}

func (a *amendment) kept(format string, args ...any) {
	a.Kept = append(a.Kept, fmt.Sprintf(format, args...))
}

// original notes a field as it came.
func (a *amendment) original(f mail.Field) {
	const most = 4 << 10
	value := a.h.Value(f)
	if len(value) > most {
		value = value[:most] + "…"
	}
	a.Original = append(a.Original, f.Name+": "+value)
}

// raw reads a range of the message, at most limit octets of it.
func (a *amendment) raw(r mail.Range, limit int64) []byte {
	p := make([]byte, max(0, min(r.Len(), limit)))
	n, err := a.m.Body.ReadAt(p, r.Start)
	if err != nil && err != io.EOF {
		return nil
	}
	return p[:n]
}

// lineEnd is the line end of a field, "" when it has none.
func (a *amendment) lineEnd(f mail.Field) string {
	end := a.raw(mail.Range{Start: f.Value.End, End: f.Range.End}, 2)
	switch string(end) {
	case "\r\n", "\n":
		return string(end)
	}
	return ""
}

// newline is what ends the lines of the header: that of its first field.
func (a *amendment) newline() string {
	if list := a.h.Fields(); len(list) > 0 && a.lineEnd(list[0]) == "\n" {
		return "\n"
	}
	return "\r\n"
}
