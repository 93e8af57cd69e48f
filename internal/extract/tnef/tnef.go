// Package tnef reads winmail.dat: what Outlook sends to other Outlooks
// instead of MIME.
//
// It upholds two laws:
//
//	every attribute that is text, and every attached file, is given out, also
//	when the file is cut off or a checksum is wrong: some program opens it;
//	a length that the file states is a claim.
//
// The body in HTML or RTF, attached files, messages and objects are given
// out as files.
//
// The package knows no part, detector or child process.
//
// Standards: MS-OXTNEF (Transport Neutral Encapsulation Format), MS-OXCDATA
// §2.11 (types of values), MS-OXPROPS (properties), MS-OXRTFCP (compressed
// RTF).
package tnef

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"postern.dev/postern/internal/extract/codepage"
)

// Out takes what is read. An error of its methods ends the reading.
type Out interface {
	// Write takes text in UTF-8.
	Write(p []byte) (int, error)
	// Section says where the text that follows stands.
	Section(name string) error
	// Property takes what the message says about itself.
	Property(name, value string)
	// Embed takes a file that lies inside.
	Embed(name, declared string, octets []byte) error
	// Note takes a cause ("malformed") for which not everything was read, and
	// a sentence.
	Note(cause, detail string)
}

const signature = 0x223E9F78

// Is reports whether octets begin like a TNEF stream.
func Is(head []byte) bool { return len(head) >= 6 && binary.LittleEndian.Uint32(head) == signature }

// Attributes (MS-OXTNEF §2.1.3.3). The upper half is the type of the value.
const (
	attrFrom         = 0x8000
	attrSubject      = 0x8004
	attrDate         = 0x8005
	attrBody         = 0x800C
	attrAttachData   = 0x800F
	attrAttachTitle  = 0x8010
	attrRecipients   = 0x9004
	attrAttachProps  = 0x9005
	attrAttachRender = 0x9002
	attrPage         = 0x9007
	attrMessageProps = 0x9003
	attrMessageClass = 0x8008
	attrOwner        = 0x0000
	attrDelegate     = 0x0002
)

// reader is the state of reading one stream.
type reader struct {
	out  Out
	err  error
	page int

	damaged bool
	lines   []byte
	file    file
	number  int
}

// file is an attachment that is read: its attributes follow each other.
type file struct {
	open        bool
	title, name string
	declared    string
	data        []byte
	inner       []byte // a message or an object
}

// Read reads a stream.
func Read(p []byte, out Out) error {
	r := &reader{out: out, page: codepage.Windows}
	if !Is(p) {
		out.Note("malformed", "the TNEF stream has no head")
		return nil
	}
	r.findPage(p[6:])
	for p = p[6:]; len(p) > 0 && r.err == nil; {
		level, id, value, rest, ok := attribute(p)
		if !ok {
			r.damaged = r.damaged || len(bytes.Trim(p, "\x00\r\n")) > 0
		}
		if level == 0 {
			break
		}
		r.attribute(id, value)
		p = rest
	}
	r.endFile()
	r.message()
	if r.damaged {
		out.Note("malformed", "the TNEF stream is damaged, it may not have been read to its end")
	}
	return r.err
}

// attribute takes one attribute from the front (MS-OXTNEF §2.1.3.1). ok is
// false when it is cut off or when it is none; then level is 0.
func attribute(p []byte) (level byte, id int, value, rest []byte, ok bool) {
	if len(p) < 9 || p[0] != 1 && p[0] != 2 {
		return 0, 0, nil, nil, false
	}
	size := int64(binary.LittleEndian.Uint32(p[5:]))
	level, id = p[0], int(binary.LittleEndian.Uint16(p[1:]))
	p = p[9:]
	if size > int64(len(p)) {
		return level, id, p, nil, false
	}
	value, rest = p[:size], p[size:]
	return level, id, value, rest[min(2, len(rest)):], true
}

// findPage looks for the code page, which may stand behind text.
func (r *reader) findPage(p []byte) {
	for len(p) > 0 {
		level, id, value, rest, _ := attribute(p)
		if level == 0 {
			return
		}
		if id == attrPage && len(value) >= 4 {
			r.page = int(binary.LittleEndian.Uint32(value))
			return
		}
		p = rest
	}
}

func (r *reader) text(p []byte) string { return codepage.String(r.page, bytes.TrimRight(p, "\x00")) }

func (r *reader) attribute(id int, value []byte) {
	switch id {
	case attrSubject:
		r.line("Subject", r.text(value))
		r.out.Property("subject", r.text(value))
	case attrFrom, attrOwner, attrDelegate:
		r.line("From", address(value, r.page))
	case attrBody:
		r.section("body", r.text(value))
	case attrMessageProps:
		r.messageProperties(value)
	case attrRecipients:
		r.recipients(value)
	case attrAttachRender:
		r.endFile()
		r.file.open = true
	case attrAttachTitle:
		if r.file.title != "" { // a file without its first attribute
			r.endFile()
		}
		r.file.open, r.file.title = true, r.text(value)
	case attrAttachData:
		if r.file.data != nil {
			r.endFile()
		}
		r.file.open, r.file.data = true, value
	case attrAttachProps:
		r.file.open = true
		r.fileProperties(value)
	default:
		r.other(id, value)
	}
}

// other gives out attributes whose value is text, whatever they are.
func (r *reader) other(id int, value []byte) {
	switch id {
	case 0x8006, 0x8007, 0x8009, 0x800A, 0x800D, 0x8020, 0x9006, attrPage, attrMessageClass, attrDate, 0x8011, 0x8012, 0x8013:
		return // dates, classes, identifiers, a picture of the file
	}
	if text := r.text(value); text != "" && printable(text) {
		r.line(fmt.Sprintf("0x%04X", id), text)
	}
}

func printable(s string) bool {
	for _, c := range s {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0xFFFD {
			return false
		}
	}
	return true
}

// address reads a structure TRP (MS-OXTNEF §2.1.3.3.6.1): four lengths, a
// name and an address.
func address(p []byte, page int) string {
	if len(p) < 8 {
		return ""
	}
	return strings.Join(strings.FieldsFunc(codepage.String(page, p[8:]), func(c rune) bool { return c == 0 }), " ")
}

func (r *reader) line(name, value string) {
	if value != "" {
		r.lines = fmt.Appendf(r.lines, "%s: %s\n", name, value)
	}
}

// message gives out the lines that were collected.
func (r *reader) message() {
	r.section("message", string(r.lines))
	r.lines = nil
}

func (r *reader) section(name, text string) {
	if r.err != nil || strings.TrimSpace(text) == "" {
		return
	}
	if r.err = r.out.Section(name); r.err == nil {
		_, r.err = r.out.Write([]byte(text))
	}
}

func (r *reader) embed(name, declared string, p []byte) {
	if r.err == nil && len(p) > 0 {
		r.err = r.out.Embed(name, declared, p)
	}
}
