// Package object reads the wrapping of objects that old documents embed: the
// OLE 1 object of RTF, and the package with a file in it that a person put
// into a document.
//
// It upholds one law: a length that a file states is a claim; what is given
// out is never longer than what is there.
//
// It knows nothing of the documents, and not what is in the files.
//
// Standards: MS-OLEDS §2.2 (OLE 1 formats), §2.3.6 (OLENativeStream). The
// content of a package is not in the specification; its form is that of the
// Object Packager of Windows, as public readers describe it.
package object

import (
	"bytes"
	"encoding/binary"

	"postern.dev/postern/internal/extract/codepage"
)

// Object is what was embedded.
type Object struct {
	// Class is the name of the program's class ("Package", "Word.Document.8").
	Class string
	// Name is the file name of a package, Path where it came from.
	Name, Path string
	// Link is set when only the name of a file is there.
	Link bool
	// Data are the octets.
	Data []byte
}

// take reads from the front of octets; what is not there reads as empty.
type take struct{ p []byte }

func (t *take) bytes(n uint32) []byte {
	if int64(n) > int64(len(t.p)) {
		n = uint32(len(t.p))
	}
	out := t.p[:n]
	t.p = t.p[n:]
	return out
}

func (t *take) u16() uint16 {
	b := t.bytes(2)
	if len(b) < 2 {
		return 0
	}
	return binary.LittleEndian.Uint16(b)
}

func (t *take) u32() uint32 {
	b := t.bytes(4)
	if len(b) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// line reads up to a zero.
func (t *take) line() []byte {
	i := bytes.IndexByte(t.p, 0)
	if i < 0 {
		i = len(t.p)
	}
	out := t.p[:i]
	t.p = t.p[min(i+1, len(t.p)):]
	return out
}

// ANSI strings with their length in front (MS-OLEDS §2.1.4).
func (t *take) ansi() string {
	return codepage.String(codepage.Windows, bytes.TrimRight(t.bytes(t.u32()), "\x00"))
}

// Embedded reads an OLE 1 object (MS-OLEDS §2.2.5), the content of \objdata.
func Embedded(p []byte) (Object, bool) {
	t := &take{p}
	t.u32() // version: anything, Word does not look at it
	format := t.u32()
	if format != 1 && format != 2 {
		return Object{}, false
	}
	o := Object{Class: t.ansi()}
	topic := t.ansi()
	item := t.ansi()
	if format == 1 {
		o.Link, o.Path = true, topic
		if item != "" {
			o.Path += " " + item
		}
		return o, true
	}
	o.Data = t.bytes(t.u32())
	if in, ok := Package(o.Data); ok {
		in.Class = o.Class
		return in, true
	}
	return o, true
}

// Native reads the stream "\x01Ole10Native" (MS-OLEDS §2.3.6): a length, and
// a package or the data of the program itself.
func Native(p []byte) Object {
	t := &take{p}
	data := t.bytes(t.u32())
	if o, ok := Package(data); ok {
		o.Class = "Package"
		return o
	}
	if o, ok := Package(p); ok { // some programs leave the length out
		o.Class = "Package"
		return o
	}
	return Object{Data: data}
}

// Package reads a file that the Object Packager wrapped.
func Package(p []byte) (Object, bool) {
	t := &take{p}
	if t.u16() != 2 {
		return Object{}, false
	}
	label, path := t.line(), t.line()
	if len(t.p) < 8 || len(label) > 1024 || len(path) > 4096 {
		return Object{}, false
	}
	t.u16()
	how := t.u16()
	o := Object{
		Name: codepage.String(codepage.Windows, label), Path: codepage.String(codepage.Windows, path),
		Link: how == 1,
	}
	switch how {
	case 3:
		temporary := t.bytes(t.u32())
		size := t.u32()
		if int64(size) > int64(len(t.p)) && len(temporary) == 0 {
			return Object{}, false
		}
		o.Data = t.bytes(size)
	case 1:
		return o, true
	default:
		return Object{}, false
	}
	// Windows adds the names in UTF-16: the temporary one, the label, the path.
	if len(t.p) >= 12 {
		t.bytes(2 * min(t.u32(), 1<<16))
		if name := t.bytes(2 * min(t.u32(), 1<<16)); len(name) > 0 {
			o.Name = codepage.UTF16(name)
		}
	}
	return o, true
}
