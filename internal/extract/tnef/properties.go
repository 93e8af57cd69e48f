package tnef

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/mapi"
)

// Bounds of the lists of properties.
const (
	maxProperties = 10000
	maxValues     = 10000
)

// property is one property with its values.
type property struct {
	id, kind uint16
	name     mapi.Name
	values   [][]byte
}

// list reads properties (MS-OXTNEF §2.1.3.4): a number of them, each with a
// tag, a name when it is a named one, and values.
type list struct {
	p    []byte
	left uint32
	bad  bool
}

func (l *list) u32() uint32 {
	b := l.bytes(4)
	if len(b) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (l *list) bytes(n uint32) []byte {
	if int64(n) > int64(len(l.p)) {
		l.bad = true
		n = uint32(len(l.p))
	}
	out := l.p[:n]
	l.p = l.p[n:]
	return out
}

// padded takes octets, and what fills them up to a multiple of four.
func (l *list) padded(n uint32) []byte {
	out := l.bytes(n)
	if fill := -n & 3; int64(fill) <= int64(len(l.p)) {
		l.p = l.p[fill:]
	}
	return out
}

func (l *list) next() (property, bool) {
	if l.left == 0 || l.bad || len(l.p) < 4 {
		return property{}, false
	}
	l.left--
	tag := l.u32()
	q := property{id: uint16(tag >> 16), kind: uint16(tag)}
	if q.id >= 0x8000 {
		q.name.Set = mapi.GUIDText(l.bytes(16))
		if l.u32() == 0 {
			q.name.ID = l.u32()
		} else {
			q.name.Text = strings.TrimRight(codepage.UTF16(l.padded(l.u32())), "\x00")
		}
	}
	count := uint32(1)
	size := fixed(q.kind &^ mapi.Multiple)
	if q.kind&mapi.Multiple != 0 || size == 0 {
		count = l.u32()
	}
	for n := uint32(0); n < count && n < maxValues && !l.bad && len(l.p) > 0; n++ {
		if size > 0 {
			q.values = append(q.values, l.padded(size))
			continue
		}
		q.values = append(q.values, l.padded(l.u32()))
	}
	q.kind &^= mapi.Multiple
	return q, true
}

// fixed is the size of values of a type; 0 when each has its length in front.
func fixed(kind uint16) uint32 {
	switch kind {
	case mapi.Int16, mapi.Boolean:
		return 2
	case mapi.Int32, mapi.Float32, mapi.Error, 0x0001:
		return 4
	case mapi.Float64, mapi.Currency, mapi.AppTime, mapi.Int64, mapi.Time:
		return 8
	case mapi.GUID:
		return 16
	}
	return 0
}

// each calls f for the properties in p.
func (r *reader) each(p []byte, f func(q property)) {
	l := &list{p: p}
	l.left = min(l.u32(), maxProperties)
	for r.err == nil {
		q, ok := l.next()
		if !ok {
			break
		}
		f(q)
	}
	r.damaged = r.damaged || l.bad
}

func (r *reader) value(q property) string {
	var all []string
	for _, v := range q.values {
		if s := mapi.Text(q.kind, v, r.page); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

func (q property) words() bool { return q.kind == mapi.Unicode || q.kind == mapi.String8 }

func (q property) first() []byte {
	if len(q.values) == 0 {
		return nil
	}
	return q.values[0]
}

// messageProperties reads the properties of the message, with its body.
func (r *reader) messageProperties(p []byte) {
	html := 0
	r.each(p, func(q property) {
		if q.id == mapi.InternetPage && len(q.first()) >= 4 {
			html = int(binary.LittleEndian.Uint32(q.first()))
		}
	})
	r.each(p, func(q property) {
		text := r.value(q)
		switch {
		case q.id == mapi.RTFBody && q.kind == mapi.Binary:
			body, err := mapi.RTF(q.first())
			r.damaged = r.damaged || err != nil
			r.embed("body.rtf", "application/rtf", body)
		case q.id == mapi.HTMLBody && q.kind == mapi.Binary:
			body := q.first()
			if html != 0 && !bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
				body = codepage.Append([]byte("\ufeff"), html, body)
			}
			r.embed("body.html", "text/html", body)
		case q.id == mapi.HTMLBody && q.words():
			r.embed("body.html", "text/html", []byte("\ufeff"+text))
		case q.id == mapi.Body && q.words():
			r.section("body", text)
		case q.id == mapi.Headers && q.words():
			r.section("header", text)
		case text == "":
		case q.name.Custom() && len(text) < mapi.LongValue:
			r.out.Property("custom:"+q.name.Text, text)
		case q.id >= 0x8000 && q.words():
			r.line(q.name.ShownName(), text)
		case q.words() && mapi.Label(q.id) != "":
			r.line(mapi.Label(q.id), text)
		}
	})
}

// recipients reads rows of properties (MS-OXTNEF §2.1.3.5).
func (r *reader) recipients(p []byte) {
	l := &list{p: p}
	rows := l.u32()
	for n := uint32(0); n < rows && n < maxProperties && !l.bad && len(l.p) > 0; n++ {
		l.left = min(l.u32(), maxProperties)
		kind := "To"
		var words []string
		for {
			q, ok := l.next()
			if !ok {
				break
			}
			switch q.id {
			case mapi.RecipientType:
				if v := q.first(); len(v) >= 4 {
					kind = [...]string{"To", "To", "Cc", "Bcc"}[v[0]&3]
				}
			case mapi.DisplayName, mapi.Address, mapi.SMTPAddress:
				words = append(words, r.value(q))
			}
		}
		if l.left > 0 {
			l.bad = true
		}
		r.line(kind, strings.Join(words, " "))
	}
	r.damaged = r.damaged || l.bad
}

// fileProperties reads the properties of an attachment.
func (r *reader) fileProperties(p []byte) {
	r.each(p, func(q property) {
		text := r.value(q)
		switch {
		case q.id == mapi.AttachName && text != "":
			r.file.name = text
		case (q.id == mapi.AttachName8 || q.id == mapi.DisplayName) && text != "" && r.file.name == "":
			r.file.name = text
		case q.id == mapi.AttachMIME:
			r.file.declared = text
		case q.id == mapi.AttachPath && q.words():
			r.line("Path", text)
		case q.id == mapi.AttachData && q.kind == mapi.Object && len(q.first()) >= 16:
			r.file.inner = q.first()[16:] // after the identifier of its kind
		case q.id == mapi.AttachData && q.kind == mapi.Binary:
			r.file.inner = q.first()
		case q.name.Custom() && text != "":
			r.out.Property("custom:"+q.name.Text, text)
		}
	})
}

// endFile gives out the attachment that was read. A message inside is a TNEF
// stream of its own, an object a compound file (MS-OXTNEF §2.1.3.3.15).
func (r *reader) endFile() {
	f := r.file
	r.file = file{}
	if !f.open {
		return
	}
	r.number++
	name := f.name
	if name == "" {
		name = f.title
	}
	if name == "" {
		name = fmt.Sprintf("attachment %d", r.number)
	}
	if f.name != "" && f.title != "" && f.name != f.title {
		r.line("Attachment", f.title)
	}
	if len(f.data) == 0 && len(f.inner) == 0 {
		r.line("Attachment", name)
	}
	if len(f.inner) > 0 {
		declared := ""
		if Is(f.inner) {
			declared = "application/ms-tnef"
		}
		r.embed(name, declared, f.inner)
	}
	r.embed(name, f.declared, f.data)
}
