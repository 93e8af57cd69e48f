package ole

import (
	"bytes"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
)

// maxStreams is how many streams of a drawing are read.
const maxStreams = 20000

// drawing is a drawing of Visio that is read. The format has no public
// specification; where its streams lie and how they are packed is known from
// readers that others made (libvisio, Apache POI).
type drawing struct {
	*reader
	p     octets
	seen  map[int]bool
	count int
	said  map[string]bool
}

// visio reads the streams of a drawing and gives out their pieces of text.
func (r *reader) visio(s *cfb.Entry) {
	d := &drawing{reader: r, p: s.Stream("VisioDocument"), seen: map[int]bool{}, said: map[string]bool{}}
	r.out.Note(unsupported, "of a Visio drawing only pieces of its text were read")
	if d.p.u8(26) < 6 { // the version; older ones point in another way
		r.pieces(s, 0)
		return
	}
	d.stream(0x24, 0)
}

// stream follows the pointer at a place in p, and those in its stream.
func (d *drawing) stream(at, depth int) { d.follow(d.p.part(at, 18), depth) }

func (d *drawing) follow(pointer octets, depth int) {
	offset, size, format := pointer.u32(8), pointer.u32(12), pointer.u16(16)
	if size == 0 || d.seen[offset] || d.count >= maxStreams || depth > 16 || d.err != nil {
		return
	}
	d.seen[offset] = true
	d.count++
	p := d.p.part(offset, size)
	if format&2 != 0 {
		p = unpackVisio(p)
		p = p.from(min(4, len(p)))
	}
	if kind := format >> 4; kind == 4 || kind == 5 || pointer.u32(0) == 0x14 || depth == 0 {
		d.pointers(p, depth)
		return
	}
	d.words(p)
}

// pointers are the streams that a stream lists.
func (d *drawing) pointers(p octets, depth int) {
	at := p.u32(0)
	count := p.u32(at)
	at += 8
	for i := 0; i < count && at+18 <= len(p); i++ {
		d.follow(p.part(at, 18), depth+1)
		at += 18
	}
	d.words(p)
}

// words gives out the pieces of text of a stream, each once.
func (d *drawing) words(p octets) {
	codepage.Runs(codepage.Windows, p, func(text []byte) bool {
		text = bytes.TrimSpace(text)
		if s := string(text); len(text) > 3 && !d.said[s] && len(d.said) < maxStreams {
			d.said[s] = true
			d.write([]byte(s + "\n"))
		}
		return d.err == nil
	})
}

// unpackVisio unpacks a stream: a flag says whether an octet follows, or two
// that repeat what was, in a window of 4096.
func unpackVisio(p octets) octets {
	var window [4096]byte
	var out octets
	at := 0
	put := func(c byte) {
		out = append(out, c)
		window[at&4095] = c
		at++
	}
	for i := 0; i < len(p); {
		flags := p[i]
		i++
		for bit := 0; bit < 8 && i < len(p); bit++ {
			if flags>>bit&1 != 0 {
				put(p[i])
				i++
				continue
			}
			if i+1 >= len(p) {
				return out
			}
			from, size := int(p[i])|int(p[i+1]&0xF0)<<4, int(p[i+1]&15)+3
			i += 2
			if from > 4078 {
				from -= 4078
			} else {
				from += 18
			}
			for k := range size {
				put(window[(from+k)&4095])
			}
		}
	}
	return out
}
