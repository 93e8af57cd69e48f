// Package zipped reads the structure of ZIP files as a suspicious person
// would: by the central directory, by the local headers, and by what lies
// between both.
//
// It upholds one law:
//
//	an entry that any program would show is in the list; where programs
//	would differ, the list holds every reading and Oddities says so.
//
// The package reads from memory, allocates in proportion to the number of
// entries, believes no size that the file states, and does not know what the
// entries are.
//
// Standards: PKWARE APPNOTE 6.3.10 (ZIP), RFC 1951 (DEFLATE), WinZip AE-1 and
// AE-2 (AES), RFC 8018 (PBKDF2).
package zipped

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// MaxEntries bounds the list of entries.
const MaxEntries = 20000

// Signatures, APPNOTE 4.3.7, 4.3.9, 4.3.12, 4.3.14, 4.3.15 and 4.3.16.
const (
	sigLocal      = "PK\x03\x04"
	sigDescriptor = "PK\x07\x08"
	sigCentral    = "PK\x01\x02"
	sigEnd        = "PK\x05\x06"
	sigEnd64      = "PK\x06\x06"
	sigLocator64  = "PK\x06\x07"
)

const (
	sizeLocal   = 30
	sizeCentral = 46
	sizeEnd     = 22
)

// File is one entry.
type File struct {
	// Name is the path that the entry states, with slashes.
	Name string
	// Comment is the entry's comment.
	Comment string
	// Method is the compression method (APPNOTE 4.4.5), behind AES where the
	// entry is encrypted by it.
	Method uint16
	// Encrypted is set for an entry that needs a password.
	Encrypted bool
	// Hidden is set for an entry, or a reading of one, that the central
	// directory does not show.
	Hidden bool

	flags  uint16
	crc    uint32
	clock  uint16 // the time as it is packed; a check of the password
	aes    aesField
	packed []byte
	cut    bool // the file ends within the entry
}

// Packed is the number of compressed octets.
func (f *File) Packed() int { return len(f.packed) }

// Folder reports whether the entry is only the name of a folder.
func (f *File) Folder() bool { return strings.HasSuffix(f.Name, "/") && len(f.packed) == 0 }

// Archive is a ZIP file.
type Archive struct {
	// Files are the entries, in the order of the central directory, then the
	// hidden ones.
	Files []File
	// Comment is the archive's comment.
	Comment string
	// Oddities are sentences about what programs read differently.
	Oddities []string
	// Damaged is a sentence about what cannot be read; "" for none.
	Damaged string
	// Full is set when there are more entries than MaxEntries.
	Full bool
	// Gaps are pieces of the file that belong to no entry and to no
	// directory.
	Gaps [][]byte

	b     []byte
	taken []span // what entries and directories occupy
}

type span struct{ from, to int }

// Open reads the structure of b. It never fails: a file that is no archive
// has no entries.
func Open(b []byte) *Archive {
	a := &Archive{b: b}
	end := a.findEnd(len(b))
	if end < 0 {
		a.Damaged = "the archive has no directory"
	} else {
		a.directory(end)
	}
	a.sweep()
	a.compare()
	return a
}

func (a *Archive) odd(sentence string) {
	for _, s := range a.Oddities {
		if s == sentence {
			return
		}
	}
	a.Oddities = append(a.Oddities, sentence)
}

// findEnd is the place of the last end of a central directory before limit.
// Its comment should reach to the end of the file; a file with something
// behind it is read by most programs as well.
func (a *Archive) findEnd(limit int) int {
	at := bytes.LastIndex(a.b[:limit], []byte(sigEnd))
	for at >= 0 && at+sizeEnd > len(a.b) {
		at = bytes.LastIndex(a.b[:at], []byte(sigEnd))
	}
	return at
}

func (a *Archive) directory(end int) {
	b := a.b
	le := binary.LittleEndian
	count := int(le.Uint16(b[end+10:]))
	size, offset := uint64(le.Uint32(b[end+12:])), uint64(le.Uint32(b[end+16:]))
	comment := int(le.Uint16(b[end+20:]))
	stop := min(end+sizeEnd+comment, len(b))
	a.Comment = text(b[end+sizeEnd:stop], 0)
	a.take(end, stop)
	bottom := end // where the central directory ends
	if at := end - 20; at >= 0 && string(b[at:at+4]) == sigLocator64 {
		if big := a.end64(at); big >= 0 {
			size, offset = le.Uint64(b[big+40:]), le.Uint64(b[big+48:])
			count = int(min(le.Uint64(b[big+32:]), MaxEntries+1))
			bottom = big
		}
	}
	if len(b)-stop > 4 {
		a.odd("there is data behind the end of the archive")
	}
	// Data in front of the archive moves every offset; programs find the
	// directory by where it ends or by where it says that it begins.
	from, shift := -1, 0
	if size <= uint64(bottom) {
		from = bottom - int(size)
		shift = from - int(min(offset, 1<<40))
	}
	stated := offset <= uint64(bottom) && a.has(int(offset), sigCentral)
	switch {
	case from >= 0 && shift == 0:
	case from >= 0 && a.has(from, sigCentral):
		if stated && shift != 0 {
			a.odd("the archive has two directories")
		}
	case stated:
		from, shift = int(offset), 0
	}
	if from < 0 || from > bottom || count > 0 && !a.has(from, sigCentral) {
		a.Damaged = "the directory of the archive is not where it should be"
		return
	}
	n, at := 0, from
	a.Files, a.taken = make([]File, 0, min(count+1, fewEntries)), append(make([]span, 0, min(2*count+4, 3*fewEntries)), a.taken...)
	for a.has(at, sigCentral) && at+sizeCentral <= bottom {
		if len(a.Files) >= MaxEntries {
			a.Full = true
			break
		}
		next := a.central(at, shift)
		if next > bottom {
			break
		}
		at = next
		n++
	}
	a.take(from, at)
	a.take(bottom, end)
	if n != count && !a.Full && n&0xFFFF != count&0xFFFF {
		a.odd("the directory holds another number of entries than it states")
	}
}

// fewEntries is for how many entries there is room from the beginning: the
// number that the file states is not believed.
const fewEntries = 32

// end64 is the place of the zip64 end record that the locator names.
func (a *Archive) end64(locator int) int {
	offset := binary.LittleEndian.Uint64(a.b[locator+8:])
	if offset+56 <= uint64(locator) && a.has(int(offset), sigEnd64) {
		return int(offset)
	}
	at := bytes.LastIndex(a.b[:locator], []byte(sigEnd64))
	if at >= 0 && at+56 <= locator {
		return at
	}
	return -1
}

func (a *Archive) has(at int, sig string) bool {
	return at >= 0 && at+4 <= len(a.b) && string(a.b[at:at+4]) == sig
}

func (a *Archive) take(from, to int) {
	if from < to {
		a.taken = append(a.taken, span{from, to})
	}
}

// central reads one row of the directory (APPNOTE 4.3.12) and its entry; it
// returns the place of the next row.
func (a *Archive) central(at, shift int) int {
	b, le := a.b, binary.LittleEndian
	nameLen, extraLen := int(le.Uint16(b[at+28:])), int(le.Uint16(b[at+30:]))
	commentLen := int(le.Uint16(b[at+32:]))
	next := at + sizeCentral + nameLen + extraLen + commentLen
	if next > len(b) {
		a.Damaged = "the directory of the archive is cut off"
		return next
	}
	h := b[at+6:]
	f := File{flags: le.Uint16(h[2:]), Method: le.Uint16(h[4:]), clock: le.Uint16(h[6:]), crc: le.Uint32(h[10:])}
	packed, whole := uint64(le.Uint32(h[14:])), uint64(le.Uint32(h[18:]))
	offset := uint64(le.Uint32(b[at+42:]))
	name := b[at+sizeCentral : at+sizeCentral+nameLen]
	extra := b[at+sizeCentral+nameLen:][:extraLen]
	f.Name = text(name, f.flags)
	f.Comment = text(b[next-commentLen:next], f.flags)
	fields(extra, &f, &whole, &packed, &offset)
	f.Encrypted = f.flags&1 != 0
	start := int(min(offset, 1<<40)) + shift
	if !a.has(start, sigLocal) || start+sizeLocal > len(b) {
		a.Damaged = "an entry is not where the directory says"
		f.cut = true
		a.Files = append(a.Files, f)
		return next
	}
	a.local(f, start, packed, name)
	return next
}

// local adds the entry that a row of the directory names, and a second
// reading of it where its local header disagrees.
func (a *Archive) local(f File, start int, packed uint64, name []byte) {
	b, le := a.b, binary.LittleEndian
	l := readLocal(b, start)
	from := start + l.size
	if from > len(b) {
		f.cut = true
		from = len(b)
	}
	to := from + int(min(packed, uint64(len(b)-from)))
	f.cut = f.cut || uint64(to-from) < packed
	f.packed = b[from:to]
	a.Files = append(a.Files, f)
	a.take(start, to)
	if l.flags&8 != 0 && to+4 <= len(b) {
		end := to + 12
		if string(b[to:to+4]) == sigDescriptor {
			end += 4
		}
		if end+8 <= len(b) && le.Uint32(b[end-4:]) == 0 && string(b[end:end+2]) != "PK" {
			end += 8 // sizes of eight octets
		}
		a.take(to, min(end, len(b)))
	}
	differs := l.Method != f.Method || l.flags&1 != f.flags&1
	if l.packed != packed && l.flags&8 == 0 || l.packed != 0 && l.packed != packed {
		differs = true
		to = from + int(min(l.packed, uint64(len(b)-from)))
	}
	if !differs && bytes.Equal(l.name, name) {
		return
	}
	a.odd("an entry's own header differs from the directory")
	other := l.File
	other.Hidden, other.packed = true, b[from:to]
	other.Name = text(l.name, l.flags)
	if len(a.Files) < MaxEntries {
		a.Files = append(a.Files, other)
	}
}

// header is a local header (APPNOTE 4.3.7).
type header struct {
	File
	name   []byte
	packed uint64
	size   int // of the header
}

func readLocal(b []byte, at int) header {
	le := binary.LittleEndian
	h := b[at+4:]
	var l header
	l.flags, l.Method, l.clock, l.crc = le.Uint16(h[2:]), le.Uint16(h[4:]), le.Uint16(h[6:]), le.Uint32(h[10:])
	whole := uint64(le.Uint32(h[18:]))
	l.packed = uint64(le.Uint32(h[14:]))
	l.Encrypted = l.flags&1 != 0
	nameLen, extraLen := int(le.Uint16(h[22:])), int(le.Uint16(h[24:]))
	l.size = sizeLocal + nameLen + extraLen
	if at+l.size > len(b) {
		return l
	}
	l.name = b[at+sizeLocal : at+sizeLocal+nameLen]
	offset := uint64(0)
	fields(b[at+sizeLocal+nameLen:at+l.size], &l.File, &whole, &l.packed, &offset)
	return l
}

// fields reads the extra field (APPNOTE 4.5): sizes of zip64, and AES.
func fields(extra []byte, f *File, whole, packed, offset *uint64) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if 4+n > len(extra) {
			return
		}
		v := extra[4 : 4+n]
		extra = extra[4+n:]
		switch {
		case id == 0x0001:
			for _, p := range []*uint64{whole, packed, offset} {
				if *p == 0xFFFFFFFF && len(v) >= 8 {
					*p, v = le.Uint64(v), v[8:]
				}
			}
		case id == 0x9901 && n >= 7 && f.Method == methodAES:
			f.aes = aesField{version: le.Uint16(v), strength: v[4]}
			f.Method = le.Uint16(v[5:])
		case id == 0x7075 && n > 5 && f.flags&flagUTF8 == 0 && utf8.Valid(v[5:]):
			f.Name = string(v[5:])
		}
	}
}

const flagUTF8 = 1 << 11

// text decodes a name or comment: UTF-8 where it is said or fits, else the
// code page of the first PCs (APPNOTE appendix D).
func text(b []byte, flags uint16) string {
	if flags&flagUTF8 == 0 && !utf8.Valid(b) {
		if s, err := charmap.CodePage437.NewDecoder().Bytes(b); err == nil {
			b = s
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\\", "/")
}
