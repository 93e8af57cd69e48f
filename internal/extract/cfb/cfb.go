// Package cfb reads and writes compound files: the file system inside the
// documents of Office 97 and of Outlook.
//
// It upholds one law: a damaged or hostile file costs no more time and memory
// than its size allows. Every chain of sectors is followed at most once
// around, every entry of the directory is visited once, and what the streams
// of a file add up to is bounded.
//
// It knows nothing of what the streams hold.
//
// Standards: MS-CFB (compound file binary format).
package cfb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode/utf16"
)

// Errors of Open.
var (
	ErrNotCompound = errors.New("cfb: not a compound file")
	ErrDamaged     = errors.New("cfb: the compound file is damaged")
)

// Marks of sectors (MS-CFB §2.1).
const (
	lastNormal = 0xFFFFFFFA
	endOfChain = 0xFFFFFFFE
	noStream   = 0xFFFFFFFF
)

// amplify is how much more than its own size the streams of a file may add up
// to: chains can share sectors.
const amplify = 8

// maxDepth is how deep storages may be nested.
const maxDepth = 64

// Entry is a stream or a storage.
type Entry struct {
	Name    string
	Storage bool
	// Class is the CLSID of a storage, as it stands in the file.
	Class [16]byte
	// Children are the entries of a storage.
	Children []*Entry
	// Content are the octets of a stream that was made, not read.
	Content []byte

	file  *file
	start uint32
	size  int64
}

// file is a compound file that is read.
type file struct {
	data    []byte
	shift   uint
	fat     []byte
	mini    []byte // the stream of small sectors
	minifat []byte
	cutoff  uint32
	budget  int64
	damaged bool
}

// Is reports whether the octets begin like a compound file.
func Is(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
}

// Open reads the directory of a compound file. ErrDamaged with a root means
// that a part of the file can be read.
func Open(data []byte) (*Entry, error) {
	if !Is(data) || len(data) < 512 {
		return nil, ErrNotCompound
	}
	f := &file{data: data, shift: uint(binary.LittleEndian.Uint16(data[30:])), budget: amplify*int64(len(data)) + 1<<20}
	if f.shift != 9 && f.shift != 12 {
		f.shift = 9
		f.damaged = true
	}
	f.cutoff = binary.LittleEndian.Uint32(data[56:])
	if f.cutoff != 4096 {
		f.cutoff = 4096
	}
	f.readFAT()
	f.minifat = f.chain(binary.LittleEndian.Uint32(data[60:]), -1)
	dir := f.chain(binary.LittleEndian.Uint32(data[48:]), -1)
	if len(dir) < 128 {
		return nil, ErrDamaged
	}
	root := f.entry(dir, 0)
	root.Storage = true
	f.mini = f.chain(root.start, -1)
	seen := make([]bool, len(dir)/128)
	seen[0] = true
	f.children(dir, root, binary.LittleEndian.Uint32(dir[76:]), seen, 0)
	if f.damaged {
		return root, ErrDamaged
	}
	return root, nil
}

// sector is the content of a sector; nil when it is not in the file.
func (f *file) sector(n uint32) []byte {
	from := (int64(n) + 1) << f.shift
	if n > lastNormal || from >= int64(len(f.data)) {
		return nil
	}
	return f.data[from:min(from+1<<f.shift, int64(len(f.data)))]
}

// readFAT joins the sectors of the allocation table: 109 are named in the
// header, the others in a chain of their own (MS-CFB §2.5).
func (f *file) readFAT() {
	sectors := len(f.data)>>f.shift + 1
	add := func(list []byte) {
		for ; len(list) >= 4 && len(f.fat) <= 4*sectors; list = list[4:] {
			n := binary.LittleEndian.Uint32(list)
			if n > lastNormal {
				continue
			}
			s := f.sector(n)
			if len(s) < 1<<f.shift { // a table whose end is cut off still counts
				f.damaged = true
				s = append(bytes.Clone(s), bytes.Repeat([]byte{0xFF}, 1<<f.shift-len(s))...)
			}
			f.fat = append(f.fat, s...)
		}
	}
	add(f.data[76:512])
	next := binary.LittleEndian.Uint32(f.data[68:])
	for range sectors {
		s := f.sector(next)
		if len(s) < 1<<f.shift {
			break
		}
		add(s[:len(s)-4])
		next = binary.LittleEndian.Uint32(s[len(s)-4:])
	}
}

// next is the sector that follows in a chain.
func next(table []byte, n uint32) uint32 {
	at := int64(n) * 4
	if at+4 > int64(len(table)) {
		return noStream
	}
	return binary.LittleEndian.Uint32(table[at:])
}

// chain is the content of a chain of sectors, up to size (-1: all of it). It
// is a part of the file itself when the sectors follow each other.
func (f *file) chain(start uint32, size int64) []byte {
	from, count, n := start, int64(0), start
	limit := int64(len(f.data)>>f.shift) + 1
	want := (size + 1<<f.shift - 1) >> f.shift
	straight := true
	var out []byte
	for n <= lastNormal && count <= limit && (size < 0 || count < want) {
		s := f.sector(n)
		if s == nil {
			f.damaged = true
			break
		}
		if straight && int64(n) != int64(from)+count {
			straight = false
			out = append(out, f.data[(int64(from)+1)<<f.shift:(int64(from)+1+count)<<f.shift]...)
		}
		if !straight {
			if f.budget -= int64(len(s)); f.budget < 0 {
				f.damaged = true
				break
			}
			out = append(out, s...)
		}
		count++
		n = next(f.fat, n)
	}
	if count > limit {
		f.damaged = true
	}
	if straight && count > 0 {
		begin := (int64(from) + 1) << f.shift
		out = f.data[begin:min(begin+count<<f.shift, int64(len(f.data)))]
		if f.budget -= int64(len(out)); f.budget < 0 {
			f.damaged = true
			return nil
		}
	}
	if size >= 0 && int64(len(out)) > size {
		out = out[:size]
	}
	return out
}

// small is the content of a chain of small sectors of 64 octets.
func (f *file) small(start uint32, size int64) []byte {
	var out []byte
	if f.budget -= size; f.budget < 0 {
		f.damaged = true
		return nil
	}
	n := start
	for int64(len(out)) < size && n <= lastNormal {
		at := int64(n) * 64
		if at >= int64(len(f.mini)) {
			f.damaged = true
			break
		}
		out = append(out, f.mini[at:min(at+64, int64(len(f.mini)))]...)
		n = next(f.minifat, n)
	}
	if int64(len(out)) > size {
		out = out[:size]
	}
	return out
}

// entry reads a row of the directory (MS-CFB §2.6.1).
func (f *file) entry(dir []byte, n int) *Entry {
	row := dir[n*128 : n*128+128]
	long := int(binary.LittleEndian.Uint16(row[64:]))
	if long > 64 || long < 2 {
		long = 64
	}
	name := make([]uint16, 0, 32)
	for i := 0; i+1 < long; i += 2 {
		c := binary.LittleEndian.Uint16(row[i:])
		if c == 0 {
			break
		}
		name = append(name, c)
	}
	e := &Entry{Name: string(utf16.Decode(name)), file: f}
	e.Storage = row[66] == 1 || row[66] == 5
	copy(e.Class[:], row[80:96])
	e.start = binary.LittleEndian.Uint32(row[116:])
	e.size = int64(binary.LittleEndian.Uint32(row[120:]))
	if f.shift == 12 {
		e.size |= int64(binary.LittleEndian.Uint32(row[124:])&0x7FFFFFFF) << 32
	}
	return e
}

// children hangs the entries of a tree of siblings under a storage. Who walks
// the tree keeps a list of his own, so that a deep tree needs no deep stack.
func (f *file) children(dir []byte, parent *Entry, top uint32, seen []bool, depth int) {
	if depth > maxDepth {
		f.damaged = true
		return
	}
	open := []uint32{top}
	for len(open) > 0 {
		n := open[len(open)-1]
		open = open[:len(open)-1]
		if n == noStream {
			continue
		}
		if int64(n) >= int64(len(seen)) || seen[n] {
			f.damaged = true
			continue
		}
		seen[n] = true
		row := dir[int(n)*128:]
		if row[66] == 0 {
			f.damaged = true
			continue
		}
		e := f.entry(dir, int(n))
		parent.Children = append(parent.Children, e)
		open = append(open, binary.LittleEndian.Uint32(row[72:]), binary.LittleEndian.Uint32(row[68:]))
		if e.Storage {
			f.children(dir, e, binary.LittleEndian.Uint32(row[76:]), seen, depth+1)
		}
	}
	slices.SortStableFunc(parent.Children, order)
}

// order is that of the directory (MS-CFB §2.6.4): shorter names first, then by
// capital letters.
func order(a, b *Entry) int {
	if c := cmp.Compare(len(a.Name), len(b.Name)); c != 0 {
		return c
	}
	return strings.Compare(strings.ToUpper(a.Name), strings.ToUpper(b.Name))
}

// Damaged reports whether something in the file of this entry could not be
// found so far.
func (e *Entry) Damaged() bool { return e.file != nil && e.file.damaged }

// Child is the entry of this name, whatever its case; nil when there is none.
func (e *Entry) Child(name string) *Entry {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// Bytes are the octets of a stream; they may be a part of the file and must
// not be written to. A nil entry has none.
func (e *Entry) Bytes() []byte {
	switch {
	case e == nil || e.Storage:
		return nil
	case e.file == nil:
		return e.Content
	case e.size <= 0:
		return nil
	case e.size < int64(e.file.cutoff):
		return e.file.small(e.start, min(e.size, int64(len(e.file.mini))))
	}
	p := e.file.chain(e.start, e.size)
	if int64(len(p)) < e.size {
		e.file.damaged = true
	}
	return p
}

// Stream are the octets of the stream of this name in a storage.
func (e *Entry) Stream(name string) []byte { return e.Child(name).Bytes() }
