package ole

import "bytes"

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
