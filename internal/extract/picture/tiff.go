package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bounds of the folders (IFD) of a TIFF file.
const (
	maxFolders = 64
	maxEntries = 1000
)

// tiff reads the folders of a TIFF file, or of Exif.
func (r *reader) tiff(file []byte) {
	if len(file) < 8 {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	if file[0] == 'M' {
		order = binary.BigEndian
	}
	f := &folders{r: r, file: file, order: order, seen: map[uint32]bool{}}
	f.walk(order.Uint32(file[4:]), false)
}

type folders struct {
	r     *reader
	file  []byte
	order binary.ByteOrder
	seen  map[uint32]bool
}

// The tags that lead to other folders, and those whose text has a form of its
// own (CIPA DC-008 §4.6; TIFF 6.0).
const (
	tagExif, tagGPS, tagSub       = 0x8769, 0x8825, 0x014A
	tagXMP, tagIPTC, tagPhotoshop = 0x02BC, 0x83BB, 0x8649
	tagComment                    = 0x9286
	tagXPFirst, tagXPLast         = 0x9C9B, 0x9C9F
)

func (f *folders) walk(at uint32, gps bool) {
	for at != 0 && !f.seen[at] {
		if len(f.seen) >= maxFolders {
			f.r.more = true
			return
		}
		f.seen[at] = true
		if int64(at)+2 > int64(len(f.file)) {
			return
		}
		n := int(f.order.Uint16(f.file[at:]))
		list := f.file[at+2:]
		if n > maxEntries {
			f.r.more, n = true, maxEntries
		}
		n = min(n, len(list)/12)
		for i := range n {
			f.entry(list[12*i:12*i+12], gps)
		}
		if len(list) < 12*n+4 {
			return
		}
		at = f.order.Uint32(list[12*n:])
	}
}

// entry reads one entry of a folder.
func (f *folders) entry(e []byte, gps bool) {
	tag, kind, count := f.order.Uint16(e), f.order.Uint16(e[2:]), int64(f.order.Uint32(e[4:]))
	switch tag {
	case tagExif, tagSub:
		f.walk(f.order.Uint32(e[8:]), false)
		return
	case tagGPS:
		f.walk(f.order.Uint32(e[8:]), true)
		return
	}
	value := f.value(e, kind, count)
	switch {
	case tag == tagXMP:
		f.r.xmp(value)
	case tag == tagIPTC:
		f.r.iptc(value)
	case tag == tagPhotoshop:
		f.r.photoshop(value)
	case tag == tagComment && len(value) > 8:
		if bytes.HasPrefix(value, []byte("UNICODE\x00")) {
			f.r.text("comment", fromUTF16(value[8:], f.order))
		} else {
			f.r.text("comment", value[8:])
		}
	case tag >= tagXPFirst && tag <= tagXPLast:
		f.r.text("caption", fromUTF16(value, binary.LittleEndian))
	case kind == 2 && count > 4:
		f.r.text("exif", value)
	case gps && (tag == 2 || tag == 4) && kind == 5 && len(value) >= 24:
		f.place(tag, value)
	}
}

// value is where the value of an entry stands, cut to the file.
func (f *folders) value(e []byte, kind uint16, count int64) []byte {
	sizes := [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8}
	if int(kind) >= len(sizes) {
		return nil
	}
	size := count * sizes[kind]
	if size <= 4 {
		return e[8 : 8+size]
	}
	at := int64(f.order.Uint32(e[8:]))
	if at >= int64(len(f.file)) {
		return nil
	}
	return f.file[at:min(at+size, int64(len(f.file)))]
}

// place gives out a latitude or longitude in degrees.
func (f *folders) place(tag uint16, b []byte) {
	degrees, unit := 0.0, 1.0
	for i := range 3 {
		if d := f.order.Uint32(b[8*i+4:]); d != 0 {
			degrees += float64(f.order.Uint32(b[8*i:])) / float64(d) / unit
		}
		unit *= 60
	}
	name := "latitude"
	if tag == 4 {
		name = "longitude"
	}
	f.r.text(name, fmt.Appendf(nil, "%.5f", degrees))
}
