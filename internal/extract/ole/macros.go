package ole

import (
	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
)

// maxSource is the length of the source of one module.
const maxSource = 16 << 20

// macros gives out the source of a project (MS-OVBA §2.2): r has a storage
// VBA, with a directory and a stream for each module.
func (r *reader) macros(project *cfb.Entry) {
	vba := project.Child("VBA")
	if vba == nil || r.err != nil {
		return
	}
	dir := octets(decompress(vba.Stream("dir")))
	page, name := codepage.Windows, ""
	for at := 0; at+6 <= len(dir); {
		id, size := dir.u16(at), dir.u32(at+2)
		body := dir.part(at+6, size)
		if at += 6 + size; id == 0x0009 {
			at += 2 // PROJECTVERSION is longer than it says
		}
		switch id {
		case 0x0003:
			page = body.u16(0)
		case 0x001A:
			name = codepage.String(page, body)
		case 0x0031:
			source := decompress(octets(vba.Stream(name)).from(body.u32(0)))
			if !r.unpacked(len(source)) || r.err != nil {
				return
			}
			r.beside("macro "+name, codepage.Append(nil, page, source))
		}
	}
}

// decompress unpacks a container (MS-OVBA §2.4.1): chunks of 4096 octets, in
// which references of two octets repeat what was.
func decompress(p octets) []byte {
	if p.u8(0) != 1 {
		return nil
	}
	var out []byte
	for at := 1; at+2 <= len(p) && len(out) < maxSource; {
		head := p.u16(at)
		chunk := p.part(at+2, head&0xFFF+1)
		at += 2 + head&0xFFF + 1
		if head&0x8000 == 0 {
			out = append(out, chunk...)
			continue
		}
		out = unpack(out, chunk)
	}
	return out
}

// unpack adds one chunk.
func unpack(out []byte, chunk octets) []byte {
	start := len(out)
	for i := 0; i < len(chunk); {
		flags := chunk.u8(i)
		i++
		for bit := 0; bit < 8 && i < len(chunk); bit++ {
			if flags>>bit&1 == 0 {
				out = append(out, chunk[i])
				i++
				continue
			}
			token := chunk.u16(i)
			i += 2
			bits := 4
			for 1<<bits < len(out)-start {
				bits++
			}
			bits = min(bits, 12)
			size := token&(1<<(16-bits)-1) + 3
			back := token>>(16-bits) + 1
			if back > len(out)-start || len(out)-start+size > 4096 {
				return out
			}
			for range size {
				out = append(out, out[len(out)-back])
			}
		}
	}
	return out
}
