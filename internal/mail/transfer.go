package mail

import (
	"bytes"
	"encoding/binary"
	"io"

	"postern.dev/postern/internal/buffers"
)

// machine removes a transfer encoding step by step. It holds no buffer, so
// that a copy of it is a place to go on from. step returns how much it wrote
// and how much it took; it takes nothing only when it needs more of src (and
// eof is false) or when dst is full.
type machine interface {
	step(dst, src []byte, eof bool) (written, taken int)
	clone() machine
}

// machineFor returns the machine of an encoding, nil for identity.
func machineFor(encoding string) machine {
	switch encoding {
	case "base64":
		return &base64Decoder{}
	case "quoted-printable":
		return &qpDecoder{}
	case "x-uuencode":
		return &uuDecoder{}
	}
	return nil
}

// identity reports whether an encoding leaves the octets as they are.
func identity(encoding string) bool { return machineFor(encoding) == nil }

// decodeTransfer reads r with the encoding removed.
func decodeTransfer(r io.Reader, encoding string) io.Reader {
	m := machineFor(encoding)
	if m == nil {
		return r
	}
	return &transferReader{src: r, m: m}
}

// transferBuffer is larger than any look-ahead of a machine.
const transferBuffer = buffers.Size

type transferReader struct {
	src  io.Reader
	m    machine
	buf  *[transferBuffer]byte // lent from the first Read to the end
	r, w int
	back []byte // decoded for a reader with a tiny buffer, not yet read
	eof  bool
	err  error
}

// Read implements io.Reader.
func (t *transferReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(t.back) > 0 {
		n := copy(p, t.back)
		t.back = t.back[n:]
		return n, nil
	}
	if len(p) < minStep {
		return t.small(p)
	}
	if t.buf == nil {
		if t.eof {
			return 0, t.err
		}
		t.buf = buffers.Get()
	}
	for {
		n, taken := t.m.step(p, t.buf[t.r:t.w], t.eof)
		t.r += taken
		if n > 0 {
			return n, nil
		}
		if t.eof && t.r == t.w {
			buffers.Put(t.buf)
			t.buf = nil
			return 0, t.err
		}
		if taken == 0 || t.r == t.w {
			t.fill()
		}
	}
}

// minStep is the room in dst that every machine can work with.
const minStep = 256

// small serves readers with tiny buffers through a larger one.
func (t *transferReader) small(p []byte) (int, error) {
	var tmp [minStep]byte
	n, err := t.Read(tmp[:])
	k := copy(p, tmp[:n])
	t.back = append(t.back, tmp[k:n]...)
	return k, err
}

func (t *transferReader) fill() {
	if t.eof {
		return
	}
	copy(t.buf[:], t.buf[t.r:t.w])
	t.w -= t.r
	t.r = 0
	n, err := t.src.Read(t.buf[t.w:])
	t.w += n
	if err != nil {
		t.eof, t.err = true, err
	}
}

// base64Decoder decodes base64 (RFC 2045 §6.8). Characters outside the
// alphabet are skipped; padding ends a group, and what follows it is decoded
// too, because some readers do.
type base64Decoder struct {
	acc uint32
	n   uint8
}

func (d *base64Decoder) clone() machine { c := *d; return &c }

func (d *base64Decoder) step(dst, src []byte, eof bool) (written, taken int) {
	for taken < len(src) && len(dst)-written >= 3 {
		if d.n == 0 { // whole groups
			w, t := wholeGroups(dst[written:], src[taken:])
			written, taken = written+w, taken+t
			if len(src)-taken >= 2 && src[taken] == '\r' && src[taken+1] == '\n' {
				taken += 2
				continue
			}
			if taken == len(src) || len(dst)-written < 3 {
				break
			}
		}
		c := src[taken]
		taken++
		if c == '=' {
			written += d.flush(dst[written:])
			continue
		}
		v := base64Value(c)
		if v&0xc0 != 0 {
			continue
		}
		d.acc = d.acc<<6 | uint32(v)
		if d.n++; d.n == 4 {
			dst[written], dst[written+1], dst[written+2] = byte(d.acc>>16), byte(d.acc>>8), byte(d.acc)
			written += 3
			d.acc, d.n = 0, 0
		}
	}
	if eof && taken == len(src) && len(dst)-written >= 3 {
		written += d.flush(dst[written:])
	}
	return written, taken
}

// wholeGroups decodes groups of four characters until there is no room, or
// something else than a whole group: two at a time, and their six octets in
// one piece.
func wholeGroups(dst, src []byte) (written, taken int) {
	p1, p2, p3, p4 := &base64Places[0], &base64Places[1], &base64Places[2], &base64Places[3]
	for len(src) >= 8 && len(dst) >= 8 {
		v := p1[src[0]] | p2[src[1]] | p3[src[2]] | p4[src[3]]
		w := p1[src[4]] | p2[src[5]] | p3[src[6]] | p4[src[7]]
		if (v|w)&notBase64 != 0 {
			break
		}
		binary.BigEndian.PutUint64(dst, uint64(v)<<40|uint64(w)<<16)
		dst, src = dst[6:], src[8:]
		written, taken = written+6, taken+8
	}
	for len(src) >= 4 && len(dst) >= 3 {
		v := p1[src[0]] | p2[src[1]] | p3[src[2]] | p4[src[3]]
		if v&notBase64 != 0 {
			break
		}
		dst[0], dst[1], dst[2] = byte(v>>16), byte(v>>8), byte(v)
		dst, src = dst[3:], src[4:]
		written, taken = written+3, taken+4
	}
	return written, taken
}

// notBase64 marks a character outside of the alphabet in the tables of the
// four places of a group; what it marks is never part of a value.
const notBase64 = 1 << 31

// base64Places are the parts of a group's value that a character gives at each
// of the four places.
var base64Places = func() (t [4][256]uint32) {
	for place := range t {
		for c := range t[place] {
			if v := base64Values[c]; v < 64 {
				t[place][c] = uint32(v) << (18 - 6*place)
			} else {
				t[place][c] = notBase64
			}
		}
	}
	return t
}()

// flush ends a group that is not full.
func (d *base64Decoder) flush(dst []byte) int {
	n := 0
	switch d.n {
	case 2:
		dst[0], n = byte(d.acc>>4), 1
	case 3:
		dst[0], dst[1], n = byte(d.acc>>10), byte(d.acc>>2), 2
	}
	d.acc, d.n = 0, 0
	return n
}

// base64Value is the value of a character, 255 outside of the alphabet. The
// URL alphabet (RFC 4648 §5) is read too; the parser notes where it occurs.
func base64Value(c byte) byte { return base64Values[c] }

var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// qpDecoder decodes quoted-printable (RFC 2045 §6.7). What is no escape is
// passed on as it stands; white space between "=" and the line end is
// dropped with the line end.
type qpDecoder struct{}

func (d *qpDecoder) clone() machine { return d }

// maxPadding is how much white space may follow "=" on a line.
const maxPadding = 128

func (d *qpDecoder) step(dst, src []byte, eof bool) (written, taken int) {
	for taken < len(src) && written < len(dst) {
		i := bytes.IndexByte(src[taken:], '=')
		if i < 0 {
			i = len(src) - taken
		}
		if i > 0 {
			n := copy(dst[written:], src[taken:taken+i])
			written += n
			taken += n
			continue
		}
		rest := src[taken:]
		if len(rest) < maxPadding+3 && !eof && !decidedQP(rest) {
			return written, taken
		}
		if n := softBreak(rest); n > 0 {
			taken += n
			continue
		}
		if len(rest) >= 3 && unhex(rest[1]) < 16 && unhex(rest[2]) < 16 {
			dst[written] = unhex(rest[1])<<4 | unhex(rest[2])
			taken += 3
		} else {
			dst[written] = '='
			taken++
		}
		written++
	}
	return written, taken
}

// decidedQP reports whether enough follows an "=" to know what it means.
func decidedQP(rest []byte) bool {
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == ' ' || c == '\t':
		case c == '\n':
			return true
		default:
			return i+1 < len(rest)
		}
	}
	return false
}

// softBreak is the length of a soft line break at the start of p, or 0.
func softBreak(p []byte) int {
	i := 1
	for i < len(p) && i < maxPadding && (p[i] == ' ' || p[i] == '\t') {
		i++
	}
	if i == len(p) {
		return i // "=" at the very end
	}
	if p[i] == '\r' {
		if i+1 < len(p) && p[i+1] == '\n' {
			return i + 2
		}
		return i + 1
	}
	if p[i] == '\n' {
		return i + 1
	}
	return 0
}
