package pdf

import (
	"bytes"

	"postern.dev/postern/internal/extract/zipped"
)

// decode gives the octets of a stream without its filters (ISO 32000-1 §7.4),
// as many of them as can be had. Filters of pictures are left.
func (d *document) decode(s *stream) []byte {
	body, _ := d.decodeTo(s)
	return body
}

// maxFilters is how many filters one stream may have.
const maxFilters = 16

// decodeTo also names the filter of a picture that it stopped at.
func (d *document) decodeTo(s *stream) (body []byte, picture name) {
	body = s.raw
	if s.sealed && d.cipher != nil {
		body = d.cipher.stream(s, d.identityFilter(s))
	}
	filters, params := d.filters(s.dict)
	for i, f := range filters {
		var p dict
		if i < len(params) {
			p = d.dictOf(params[i])
		}
		room := d.room(len(body))
		var out []byte
		whole := true
		switch d.nameOf(f) {
		case "FlateDecode", "Fl":
			out, whole = d.inflate(body, room)
			out = d.predict(out, p)
		case "LZWDecode", "LZW":
			out, whole = unLZW(body, room, d.numberOf(p["EarlyChange"], 1) != 0)
			out = d.predict(out, p)
		case "ASCIIHexDecode", "AHx":
			l := lexer{data: body, pos: -1}
			out = l.hex()
		case "ASCII85Decode", "A85":
			out = un85(body)
		case "RunLengthDecode", "RL":
			out, whole = unRunLength(body, room)
		case "Crypt":
			continue
		case "DCTDecode", "DCT", "JPXDecode", "CCITTFaxDecode", "CCF", "JBIG2Decode":
			return body, d.nameOf(f)
		default:
			d.damaged = true
			return nil, ""
		}
		d.large = d.large || !whole
		d.inflated += len(out)
		body = out
	}
	return body, ""
}

// filters lists the filters of a stream and their parameters.
func (d *document) filters(s dict) (filters, params array) {
	pick := func(keys ...name) array {
		for _, k := range keys {
			switch o := d.resolve(s[k]).(type) {
			case array:
				if len(o) > maxFilters {
					d.deep = true
					return nil
				}
				return o
			case nil:
			default:
				return array{o}
			}
		}
		return nil
	}
	return pick("Filter", "F"), pick("DecodeParms", "DP")
}

// identityFilter reports whether the stream says that it is not encrypted.
func (d *document) identityFilter(s *stream) bool {
	filters, params := d.filters(s.dict)
	for i, f := range filters {
		if d.nameOf(f) == "Crypt" {
			if i < len(params) {
				n := d.nameOf(d.dictOf(params[i])["Name"])
				return n == "" || n == "Identity"
			}
			return true
		}
	}
	return false
}

// inflate decodes Flate as far as it goes; whole is false when there is more
// than room.
func (d *document) inflate(b []byte, room int) (out []byte, whole bool) {
	// Some writers put a line end in front.
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	body := b
	if len(b) > 2 && b[0]&0x0f == 8 && (int(b[0])<<8|int(b[1]))%31 == 0 {
		body = b[2:]
	}
	out, whole, err := inflateRaw(body, room)
	if err != nil && len(out) == 0 && len(b) > 2 {
		// A broken header in front of good data.
		if out, whole, err = inflateRaw(b[2:], room); err != nil && len(out) == 0 {
			d.damaged = true
		}
	}
	return out, whole
}

func inflateRaw(b []byte, room int) (out []byte, whole bool, err error) {
	out, err = zipped.Inflate(b, room+1)
	if len(out) > room {
		return out[:room], false, nil
	}
	return out, true, err
}

// predict undoes a predictor (ISO 32000-1 §7.4.4.4).
func (d *document) predict(b []byte, p dict) []byte {
	kind := int(d.numberOf(p["Predictor"], 1))
	if kind < 2 || len(b) == 0 {
		return b
	}
	colors := bounded(d.numberOf(p["Colors"], 1), 1, 64)
	bits := bounded(d.numberOf(p["BitsPerComponent"], 8), 1, 16)
	columns := bounded(d.numberOf(p["Columns"], 1), 1, 1<<20)
	row := (colors*bits*columns + 7) / 8
	step := max(1, colors*bits/8)
	if kind == 2 {
		for rest := b; bits == 8 && len(rest) >= row; rest = rest[row:] {
			for i := step; i < row; i++ {
				rest[i] += rest[i-step]
			}
		}
		return b
	}
	return unPNG(b, row, step)
}

func bounded(n float64, low, high int) int {
	if n >= float64(low) && n <= float64(high) {
		return int(n)
	}
	return low
}

// unPNG undoes the filters of PNG, in place.
func unPNG(b []byte, row, step int) []byte {
	out := b[:0]
	before := make([]byte, row)
	for len(b) > 1 {
		kind := b[0]
		line := b[1:min(len(b), row+1)]
		b = b[len(line)+1:]
		switch kind {
		case 1:
			for i := step; i < len(line); i++ {
				line[i] += line[i-step]
			}
		case 2:
			for i := range line {
				line[i] += before[i]
			}
		case 3:
			for i := range line {
				left := 0
				if i >= step {
					left = int(line[i-step])
				}
				line[i] += byte((left + int(before[i])) / 2)
			}
		case 4:
			paeth(line, before, step)
		}
		copy(before, line)
		out = append(out, line...)
	}
	return out
}

func paeth(line, before []byte, step int) {
	for i := range line {
		var a, c int
		if i >= step {
			a, c = int(line[i-step]), int(before[i-step])
		}
		b := int(before[i])
		p := a + b - c
		pa, pb, pc := abs(p-a), abs(p-b), abs(p-c)
		switch {
		case pa <= pb && pa <= pc:
			line[i] += byte(a)
		case pb <= pc:
			line[i] += byte(b)
		default:
			line[i] += byte(c)
		}
	}
}

func abs(n int) int { return max(n, -n) }

// un85 decodes ASCII base-85 (ISO 32000-1 §7.4.3).
func un85(b []byte) []byte {
	out := make([]byte, 0, len(b)/5*4+4)
	var n uint32
	digits := 0
	if bytes.HasPrefix(b, []byte("<~")) {
		b = b[2:]
	}
	for _, c := range b {
		switch {
		case c == '~':
			goto end
		case c == 'z' && digits == 0:
			out = append(out, 0, 0, 0, 0)
		case c >= '!' && c <= 'u':
			n = n*85 + uint32(c-'!')
			if digits++; digits == 5 {
				out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
				n, digits = 0, 0
			}
		}
	}
end:
	if digits > 1 {
		for i := digits; i < 5; i++ {
			n = n*85 + 84
		}
		for i := range digits - 1 {
			out = append(out, byte(n>>(24-8*i)))
		}
	}
	return out
}

// unRunLength decodes run lengths (ISO 32000-1 §7.4.5).
func unRunLength(b []byte, room int) (out []byte, whole bool) {
	for len(b) > 1 && b[0] != 128 {
		n := int(b[0])
		if n < 128 {
			n = min(n+1, len(b)-1)
			out = append(out, b[1:1+n]...)
			b = b[1+n:]
		} else {
			out = append(out, bytes.Repeat(b[1:2], 257-n)...)
			b = b[2:]
		}
		if len(out) > room {
			return out[:room], false
		}
	}
	return out, true
}

// unLZW decodes the LZW of PDF and TIFF (ISO 32000-1 §7.4.4): codes of 9 to
// 12 bits, high bit first, which grow one code early unless early is false.
func unLZW(b []byte, room int, early bool) (out []byte, whole bool) {
	const clearTable, end = 256, 257
	type entry struct {
		from, length int32 // where the sequence stands in out
	}
	var table [4096]entry
	next, width := 258, 9
	change := 0
	if early {
		change = 1
	}
	var bits uint32
	have := 0
	last := entry{}
	for {
		for have < width {
			if len(b) == 0 {
				return out, true
			}
			bits = bits<<8 | uint32(b[0])
			b = b[1:]
			have += 8
		}
		code := int(bits>>(have-width)) & (1<<width - 1)
		have -= width
		if code == end {
			return out, true
		}
		if code == clearTable {
			next, width, last = 258, 9, entry{}
			continue
		}
		at := entry{int32(len(out)), 1}
		switch {
		case code < 256:
			out = append(out, byte(code))
		case code < next:
			e := table[code]
			at.length = e.length
			out = append(out, out[e.from:e.from+e.length]...)
		case code == next && last.length > 0:
			at.length = last.length + 1
			out = append(out, out[last.from:last.from+last.length]...)
			out = append(out, out[last.from])
		default:
			return out, true
		}
		if last.length > 0 && next < len(table) {
			// The new sequence is the last one with the octet behind it.
			table[next] = entry{last.from, last.length + 1}
			next++
		}
		last = at
		if next+change >= 1<<width && width < 12 {
			width++
		}
		if len(out) > room {
			return out[:room], false
		}
	}
}
