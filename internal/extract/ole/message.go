package ole

import (
	"bytes"
	"fmt"
	"strings"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/mapi"
)

// Storages of a message (MS-OXMSG §2).
const (
	namePrefix   = "__substg1.0_"
	nameProps    = "__properties_version1.0"
	nameNamed    = "__nameid_version1.0"
	prefixPeople = "__recip_version1.0_"
	prefixFiles  = "__attach_version1.0_"
)

// letter is a message of Outlook that is read.
type letter struct {
	*reader
	page     int
	htmlPage int
	named    []mapi.Name
}

// property is one property of a message, a recipient or an attachment.
type property struct {
	id, kind uint16
	value    octets
	many     []octets
}

func (r *reader) message(s *cfb.Entry) {
	l := &letter{reader: r, page: codepage.Windows}
	l.named = names(s.Child(nameNamed))
	list := l.list(s)
	for _, p := range list {
		switch {
		case p.id == mapi.MessagePage && p.value.u32(0) != 0:
			l.page = p.value.u32(0)
		case p.id == mapi.InternetPage:
			l.htmlPage = p.value.u32(0)
		}
	}
	l.describe(list)
	l.recipients(s)
	l.headers(list)
	l.bodies(list)
	for _, c := range s.Children {
		if c.Storage && strings.HasPrefix(c.Name, prefixFiles) {
			l.attachment(s, c)
		}
	}
}

// list are the properties of a storage: those of fixed size stand in one
// stream, the others in a stream each (MS-OXMSG §2.4).
func (l *letter) list(s *cfb.Entry) []property {
	var list []property
	p := octets(s.Stream(nameProps))
	at := 32
	switch {
	case strings.HasPrefix(s.Name, prefixPeople), strings.HasPrefix(s.Name, prefixFiles):
		at = 8
	case len(p)%16 == 8:
		at = 24 // of a message inside another
	}
	for ; at+16 <= len(p); at += 16 {
		kind, id := uint16(p.u16(at)), uint16(p.u16(at+2))
		switch kind {
		case mapi.Int16, mapi.Int32, mapi.Float32, mapi.Float64, mapi.Currency, mapi.AppTime, mapi.Boolean, mapi.Int64,
			mapi.Time:
			list = append(list, property{id: id, kind: kind, value: p.part(at+8, 8)})
		}
	}
	several := map[uint16]map[string]octets{}
	for _, c := range s.Children {
		tag, found := strings.CutPrefix(c.Name, namePrefix)
		if !found || c.Storage {
			continue
		}
		var id, kind uint16
		if n, _ := fmt.Sscanf(tag, "%04X%04X", &id, &kind); n < 2 {
			continue
		}
		if len(tag) > 8 && kind&mapi.Multiple != 0 { // one of several values
			if several[id] == nil {
				several[id] = map[string]octets{}
				list = append(list, property{id: id, kind: kind &^ mapi.Multiple, many: []octets{}})
			}
			several[id][tag] = c.Bytes()
			continue
		}
		if kind&mapi.Multiple == 0 {
			list = append(list, property{id: id, kind: kind, value: c.Bytes()})
		}
	}
	for i, p := range list {
		for n := 0; p.many != nil && n < len(several[p.id]); n++ {
			list[i].many = append(list[i].many, several[p.id][fmt.Sprintf("%04X%04X-%08X", p.id, p.kind|mapi.Multiple, n)])
		}
	}
	return list
}

// names reads the names of the named properties (MS-OXMSG §2.2.3).
func names(s *cfb.Entry) []mapi.Name {
	if s == nil {
		return nil
	}
	part := func(tag string) octets { return s.Stream(namePrefix + tag) }
	sets, entries, texts := part("00020102"), part("00030102"), part("00040102")
	var list []mapi.Name
	for at := 0; at+8 <= len(entries); at += 8 {
		id, what := entries.u32(at), entries.u16(at+4)
		n := mapi.Name{}
		switch set := what >> 1; {
		case set == 2:
			n.Set = "29030200-0000-0000-c000-000000000046"
		case set > 2:
			n.Set = mapi.GUIDText(sets.part(16*(set-3), 16))
		}
		if what&1 != 0 {
			n.Text = codepage.UTF16(texts.part(id+4, texts.u32(id)))
		} else {
			n.ID = uint32(id)
		}
		list = append(list, n)
	}
	return list
}

func (l *letter) name(id uint16) (mapi.Name, bool) {
	if i := int(id) - 0x8000; i >= 0 && i < len(l.named) {
		return l.named[i], true
	}
	return mapi.Name{}, false
}

// text is the value of a property, several of them with signs between.
func (l *letter) text(p property) string {
	if p.many == nil {
		return mapi.Text(p.kind, p.value, l.page)
	}
	var all []string
	for _, v := range p.many {
		if s := mapi.Text(p.kind, v, l.page); s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

// describe gives out what the message says about itself.
func (l *letter) describe(list []property) {
	var lines []byte
	for _, p := range list {
		s := l.text(p)
		if s == "" {
			continue
		}
		switch p.id {
		case mapi.Subject:
			l.out.Property("subject", s)
		case 0x0C1A:
			l.out.Property("author", s)
		case 0x0039:
			l.out.Property("created", s)
		}
		n, named := l.name(p.id)
		switch {
		case named && n.Custom() && len(s) < mapi.LongValue:
			l.out.Property("custom:"+n.Text, s)
		case named && (p.kind == mapi.Unicode || p.kind == mapi.String8):
			lines = fmt.Appendf(lines, "%s: %s\n", n.ShownName(), s)
		case p.kind == mapi.Unicode || p.kind == mapi.String8:
			if label := mapi.Label(p.id); label != "" && p.id != mapi.Body {
				lines = fmt.Appendf(lines, "%s: %s\n", label, s)
			}
		}
	}
	l.beside("message", lines)
}

func (l *letter) recipients(s *cfb.Entry) {
	var lines []byte
	for _, c := range s.Children {
		if !c.Storage || !strings.HasPrefix(c.Name, prefixPeople) {
			continue
		}
		kind := "To"
		var name, address, smtp string
		for _, p := range l.list(c) {
			switch p.id {
			case mapi.RecipientType:
				kind = [...]string{"To", "To", "Cc", "Bcc"}[p.value.u32(0)&3]
			case mapi.DisplayName:
				name = l.text(p)
			case mapi.Address:
				address = l.text(p)
			case mapi.SMTPAddress:
				smtp = l.text(p)
			}
		}
		lines = fmt.Appendf(lines, "%s: %s\n", kind, strings.Join(strings.Fields(name+" "+smtp+" "+address), " "))
	}
	l.beside("recipients", lines)
}

func (l *letter) headers(list []property) {
	for _, p := range list {
		if p.id == mapi.Headers && (p.kind == mapi.Unicode || p.kind == mapi.String8) {
			l.beside("header", []byte(l.text(p)))
		}
	}
}

// bodies gives out the text of the message, in each form that it has.
func (l *letter) bodies(list []property) {
	for _, p := range list {
		switch {
		case p.id == mapi.Body && (p.kind == mapi.Unicode || p.kind == mapi.String8):
			l.beside("body", []byte(l.text(p)))
		case p.id == mapi.RTFBody && p.kind == mapi.Binary:
			rtf, err := mapi.RTF(p.value)
			if err != nil {
				l.out.Note(malformed, "the body in RTF is damaged")
			}
			l.embed("body.rtf", "application/rtf", rtf)
		case p.id == mapi.HTMLBody && p.kind == mapi.Binary:
			l.embed("body.html", "text/html", l.html(p.value))
		case p.id == mapi.HTMLBody:
			l.embed("body.html", "text/html", []byte("\ufeff"+l.text(p)))
		}
	}
}

// html is a body in HTML in UTF-8, with the mark that says so.
func (l *letter) html(p []byte) []byte {
	if bytes.HasPrefix(p, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(p, []byte("\xff\xfe")) || l.htmlPage == 0 {
		return p
	}
	return codepage.Append([]byte("\ufeff"), l.htmlPage, p)
}

// attachment gives out an attached file, message or object (MS-OXCMSG
// §2.2.2).
func (l *letter) attachment(s, a *cfb.Entry) {
	name, declared := "", ""
	var data octets
	var lines []byte
	for _, p := range l.list(a) {
		text := l.text(p)
		switch p.id {
		case mapi.AttachName:
			name = text
		case mapi.AttachName8, mapi.DisplayName:
			if name == "" {
				name = text
			}
		case mapi.AttachMIME:
			declared = text
		case mapi.AttachPath:
			lines = append(lines, text+"\n"...)
		case mapi.AttachData:
			if p.kind == mapi.Binary {
				data = p.value
			}
		}
	}
	if name == "" {
		name = l.numbered("attachment", "")
	}
	l.beside("path of an attachment", lines)
	if inner := a.Child(namePrefix + "3701000D"); inner != nil && inner.Storage {
		l.inner(s, inner, name)
		return
	}
	l.embed(name, declared, data)
}

// inner gives out a message or an object in a storage as a file. A message
// inside has the names of its properties in the outer one, and a shorter head
// of its properties (MS-OXMSG §2.4.1.1).
func (l *letter) inner(s, inner *cfb.Entry, name string) {
	if inner.Child(nameProps) == nil {
		l.object(inner)
		return
	}
	whole := &cfb.Entry{Storage: true, Class: inner.Class}
	for _, c := range inner.Children {
		if c.Name == nameProps {
			p := c.Bytes()
			head := append(bytes.Clone(p[:min(24, len(p))]), make([]byte, 8)...)
			c = &cfb.Entry{Name: nameProps, Content: append(head, p[min(24, len(p)):]...)}
		}
		whole.Children = append(whole.Children, c)
	}
	if n := s.Child(nameNamed); n != nil && inner.Child(nameNamed) == nil {
		whole.Children = append(whole.Children, n)
	}
	l.embed(name, "application/vnd.ms-outlook", whole.File())
}
