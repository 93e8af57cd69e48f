package ole

import (
	"bytes"
	"compress/zlib"
	"io"
)

// minPicture is the size under which a picture holds no words.
const minPicture = 512

// pictures gives out the pictures in a stream of drawings: each stands in a
// record of its own (MS-ODRAW §2.2.23). The records are searched for, as what
// lies around them differs from program to program.
func (r *reader) pictures(p octets) {
	for at := 0; r.err == nil; {
		i := bytes.IndexByte(p.from(at), 0xF0)
		if i < 0 {
			return
		}
		at += i + 1
		start := at - 4 // type 0xF0.. after version and instance
		kind, instance := p.u16(start+2), p.u16(start)>>4
		if start < 0 || kind < 0xF01A || kind > 0xF029 || p.u16(start)&0xF != 0 {
			continue
		}
		name, declared, head := "", "", 17
		switch kind {
		case 0xF01A, 0xF01B:
			r.metafile(p.part(start+8, p.u32(start+4)), kind == 0xF01A, instance&1 != 0)
			at = max(at, min(start+8+p.u32(start+4), len(p)))
			continue
		case 0xF01D, 0xF02A:
			name, declared = ".jpg", "image/jpeg"
		case 0xF01E:
			name, declared = ".png", "image/png"
		case 0xF029:
			name, declared = ".tif", "image/tiff"
		default:
			continue
		}
		if instance&1 != 0 { // a second identifier
			head += 16
		}
		size := p.u32(start + 4)
		data := p.part(start+8+head, size-head)
		if size <= head+minPicture || len(data) < size-head {
			continue
		}
		r.embed(r.numbered("picture", name), declared, data)
		at = start + 8 + size
	}
}

// metafile gives out a metafile, which is packed (MS-ODRAW §2.2.24): one or
// two identifiers, a head of 34 octets, and the octets.
func (r *reader) metafile(p octets, enhanced, second bool) {
	head := 16
	if second {
		head += 16
	}
	size, packed := p.u32(head+28), p.u8(head+32)
	data := []byte(p.part(head+34, size))
	if packed == 0 {
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		data, err = io.ReadAll(io.LimitReader(z, maxInflated+1))
		if len(data) > maxInflated || !r.unpacked(len(data)) {
			r.out.Note(tooLarge, "a picture is too long to be unpacked")
			return
		}
		if err != nil {
			r.out.Note(malformed, "a picture is damaged")
		}
	}
	if enhanced {
		r.embed(r.numbered("picture", ".emf"), "image/emf", data)
		return
	}
	r.embed(r.numbered("picture", ".wmf"), "image/wmf", data)
}
