// Package onenote reads sections of OneNote (.one): the text of their pages,
// of all versions that are kept in the file, and the files on them.
//
// It upholds two laws:
//
//	no text is left out because a version of a page is old: it can be opened;
//	what is packed in a form that is not understood is said, and its pieces
//	of text are given out.
//
// It looks for the fragments of lists and for stored files by their marks,
// and does not follow the references between them: what is damaged is found,
// and a reference in a circle does no harm.
//
// The package knows no part, detector or child process.
//
// Standards: MS-ONESTORE (revision store), MS-ONE (properties of pages).
package onenote

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"postern.dev/postern/internal/extract/codepage"
)

// Out takes what is read. An error of its methods ends the reading.
type Out interface {
	// Write takes text in UTF-8.
	Write(p []byte) (int, error)
	// Embed takes a file that lies inside.
	Embed(name, declared string, octets []byte) error
	// Note takes a cause ("unsupported") for which not everything was read,
	// and a sentence.
	Note(cause, detail string)
}

// Marks (MS-ONESTORE §2.3.1, §2.4.1 and §2.6.13), as they stand in the file.
const (
	fileMark     = "\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D\xAE\xB1\x53\x78\xD0\x29\x96\xD3"
	contentsMark = "\xA1\x2F\xFF\x43\xD9\xEF\x76\x4C\x9E\xE2\x10\xEA\x57\x22\x76\x5F"
	listMark     = "\xC4\xF4\xF7\xF5\xB1\x7A\x56\xA4"
	storedMark   = "\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC"
)

// Bounds of the reading.
const (
	// maxProperties is how many properties of a file are read.
	maxProperties = 2_000_000
	// maxNested is how deep sets of properties may be nested.
	maxNested = 16
	// maxKept is how many different texts are remembered, so that each is
	// given out once.
	maxKept = 200_000
)

// Is reports whether octets begin like a section, or the contents of a
// notebook.
func Is(head []byte) bool {
	return bytes.HasPrefix(head, []byte(fileMark)) || bytes.HasPrefix(head, []byte(contentsMark))
}

// reader is the state of reading one file.
type reader struct {
	p     []byte
	out   Out
	err   error
	left  int
	said  map[string]bool
	found bool
}

// Read reads a section.
func Read(p []byte, out Out) error {
	r := &reader{p: p, out: out, left: maxProperties, said: map[string]bool{}}
	r.lists()
	if !r.found && r.err == nil {
		out.Note("unsupported", "the section is packed in a form that is not known; only pieces of its text were read")
		codepage.Runs(codepage.Windows, p, func(text []byte) bool {
			r.say(text)
			return r.err == nil
		})
	}
	r.stored()
	return r.err
}

func (r *reader) u32(at int) int {
	if at < 0 || at+4 > len(r.p) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(r.p[at:]))
}

// lists finds the fragments of lists of nodes (MS-ONESTORE §2.4).
func (r *reader) lists() {
	for at := 0; r.err == nil; {
		i := bytes.Index(r.p[at:], []byte(listMark))
		if i < 0 {
			return
		}
		at += i + len(listMark)
		r.nodes(at + 8) // after the identifier of the list and the number of the fragment
	}
}

// nodes reads nodes (MS-ONESTORE §2.4.3) up to the end of a fragment.
func (r *reader) nodes(at int) {
	for at+4 <= len(r.p) && r.err == nil {
		head := r.u32(at)
		id, size := head&0x3FF, head>>10&0x1FFF
		if id == 0 || size < 4 || id == 0xFF {
			return
		}
		if base := head >> 27 & 0xF; base == 1 {
			r.referenced(at+4, head>>23&3, head>>25&3)
		}
		at += size
	}
}

// referenced reads the set of properties that a node refers to (MS-ONESTORE
// §2.2.4.2).
func (r *reader) referenced(at, placeForm, sizeForm int) {
	if at+16 > len(r.p) {
		return
	}
	le := binary.LittleEndian
	var place, size uint64
	switch placeForm {
	case 0:
		place = le.Uint64(r.p[at:])
		at += 8
	case 1:
		place = uint64(le.Uint32(r.p[at:]))
		at += 4
	case 2:
		place = uint64(le.Uint16(r.p[at:])) * 8
		at += 2
	default:
		place = uint64(le.Uint32(r.p[at:])) * 8
		at += 4
	}
	switch sizeForm {
	case 0:
		size = uint64(le.Uint32(r.p[at:]))
	case 1:
		size = le.Uint64(r.p[at:])
	case 2:
		size = uint64(r.p[at]) * 8
	default:
		size = uint64(le.Uint16(r.p[at:])) * 8
	}
	if place >= uint64(len(r.p)) || size < 6 {
		return
	}
	r.object(r.p[place:min(place+min(size, uint64(len(r.p))), uint64(len(r.p)))])
}

// object reads an ObjectSpaceObjectPropSet (MS-ONESTORE §2.6.1): three lists
// of identifiers, and a set of properties.
func (r *reader) object(p []byte) {
	s := &set{p: p}
	head := s.u32()
	s.skip(4 * (head & 0xFFFFFF))
	if head>>31 == 0 { // identifiers of object spaces follow
		spaces := s.u32()
		s.skip(4 * (spaces & 0xFFFFFF))
		if spaces>>30&1 != 0 {
			s.skip(4 * (s.u32() & 0xFFFFFF))
		}
	}
	r.properties(s, 0)
}

// set is read from the front; what is not there is zero.
type set struct {
	p   []byte
	bad bool
}

func (s *set) take(n int) []byte {
	if n < 0 || n > len(s.p) {
		s.bad = true
		n = len(s.p)
	}
	out := s.p[:n]
	s.p = s.p[n:]
	return out
}

func (s *set) skip(n int) { s.take(n) }

func (s *set) u16() int {
	if b := s.take(2); len(b) == 2 {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (s *set) u32() int {
	if b := s.take(4); len(b) == 4 {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// properties reads a set (MS-ONESTORE §2.6.7 and §2.6.6): the identifiers of
// all first, then their values.
func (r *reader) properties(s *set, depth int) {
	count := s.u16()
	ids := s.take(4 * count)
	for i := 0; i+4 <= len(ids) && !s.bad && r.err == nil; i += 4 {
		if r.left--; r.left < 0 {
			r.out.Note("too-large", "the section has more properties than are read")
			return
		}
		id := int(binary.LittleEndian.Uint32(ids[i:]))
		switch id >> 26 & 0x1F {
		case 3:
			s.skip(1)
		case 4:
			s.skip(2)
		case 5, 9, 0xB, 0xD: // numbers, and how many identifiers there are
			s.skip(4)
		case 6:
			s.skip(8)
		case 7:
			r.value(id&0x3FFFFFF, s.take(s.u32()))
		case 0x10:
			n := s.u32()
			if n == 0 {
				continue
			}
			s.skip(4)
			for ; n > 0 && !s.bad && depth < maxNested; n-- {
				r.properties(s, depth+1)
			}
		case 0x11:
			if depth < maxNested {
				r.properties(s, depth+1)
			}
		}
	}
}

// extendedASCII is the property of text in a code page (MS-ONE §2.3.80).
const extendedASCII = 0x3498

// value gives out a value that is text.
func (r *reader) value(id int, p []byte) {
	if id == extendedASCII {
		r.found = true
		r.say(codepage.Append(nil, codepage.Windows, p))
		return
	}
	if len(p) < 2 || len(p)%2 != 0 {
		return
	}
	if text := codepage.AppendUTF16(nil, p); words(text) {
		r.found = true
		r.say(text)
	}
}

// words reports whether a decoded value is text and no other data.
func words(text []byte) bool {
	text = bytes.TrimRight(text, "\x00")
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		switch {
		case c == utf8.RuneError, c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0x0B && c != 0x0C:
			return false
		case c >= 0xE000 && c < 0xF900, c >= 0xFFF0 && c <= 0xFFFF:
			return false
		}
		i += n
	}
	return len(text) > 0
}

// say gives a text out, once.
func (r *reader) say(text []byte) {
	text = bytes.TrimSpace(bytes.TrimRight(text, "\x00"))
	if len(text) == 0 || r.said[string(text)] || r.err != nil {
		return
	}
	if len(r.said) < maxKept {
		r.said[string(text)] = true
	}
	_, r.err = r.out.Write(append(bytes.Clone(text), '\n'))
}

// stored finds the files that lie in the section (MS-ONESTORE §2.6.13).
func (r *reader) stored() {
	number := 0
	for at := 0; r.err == nil; {
		i := bytes.Index(r.p[at:], []byte(storedMark))
		if i < 0 {
			return
		}
		at += i + len(storedMark)
		if at+20 > len(r.p) {
			return
		}
		size := binary.LittleEndian.Uint64(r.p[at:])
		data := r.p[at+20:]
		if size > uint64(len(data)) {
			r.out.Note("malformed", "a file in the section is cut off")
			size = uint64(len(data))
		}
		if size > 0 {
			number++
			r.err = r.out.Embed(fmt.Sprintf("file %d", number), "", data[:size])
			at += 20 + int(size)
		}
	}
}
