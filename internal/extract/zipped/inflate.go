package zipped

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// inflate reads one stream that lies in memory: of RFC 1951, or of enhanced
// deflating (APPNOTE 5.5), which has a window of 64 KiB, two more distances and
// lengths up to 65,538. It knows where its input ends and has room for whole
// matches, so that most symbols of RFC 1951 need no check; with both it is twice
// as fast as a reader of octets.
//
// Damage ends it where the standard library's reader ends: what came before is
// given out, and FuzzInflate compares the two.
type inflate struct {
	in   []byte
	pos  int    // the next octet of in
	bits uint64 // taken from in and not used, the next one lowest
	have uint   // how many of them

	out   [history + piece + room]byte
	at    int // where the next octet goes
	given int // what was given out
	sum   int // of all that was

	form    *form
	symbols bool // the next is a symbol, else a block or what is left of a stored one
	last    bool
	left    int // of a stored block
	lit     *codes
	dist    *codes
	need    uint     // bits that a literal takes at least
	own     [2]codes // of a block that brings its own
	err     error
}

// Sizes of out: as far as a match reaches back, what is made at a time, and
// what is written behind that without a check: the longest match.
const (
	history = 64 << 10
	piece   = 64 << 10
	room    = longest64 + 8
)

// step is how much is given out at a time at most.
const step = 32 << 10

var errInflate = errors.New("zipped: damaged data")

var inflaters = sync.Pool{New: func() any { return &inflate{} }}

// newInflate lends one; whoever closes it gives it back.
func newInflate(packed []byte, f *form) *inflate {
	z := inflaters.Get().(*inflate)
	z.form = f
	z.in, z.pos, z.bits, z.have, z.at, z.given, z.sum = packed, 0, 0, 0, 0, 0, 0
	z.symbols, z.last, z.left, z.err = false, false, 0, nil
	return z
}

// Read implements io.Reader. It ends at each 32 KiB of the content, as with
// other inflaters: what unpacks to too much is cut off in the same place, with
// whatever buffer it is read.
func (z *inflate) Read(p []byte) (int, error) {
	n := step - z.sum%step
	for z.at-z.given < n && z.err == nil {
		z.more()
	}
	n = copy(p, z.out[z.given:min(z.at, z.given+n)])
	z.given, z.sum = z.given+n, z.sum+n
	if n == 0 && len(p) > 0 {
		return 0, z.err
	}
	return n, nil
}

// Inflate gives what a stream of RFC 1951 that lies in memory unpacks to, most
// octets at most. With an error it gives what came before the damage.
func Inflate(packed []byte, most int) ([]byte, error) {
	z := newInflate(packed, deflate())
	defer inflaters.Put(z)
	var out []byte
	for z.err == nil && len(out) < most {
		z.more()
		if out == nil && z.err == nil {
			out = make([]byte, 0, min(most, max(2*piece, 4*len(packed))))
		}
		n := min(z.at-z.given, most-len(out))
		out = append(out, z.out[z.given:z.given+n]...)
		z.given += n
	}
	if z.err == io.EOF {
		return out, nil
	}
	return out, z.err
}

// more makes a piece.
func (z *inflate) more() {
	if drop := min(z.at-z.form.window, z.given); drop > 0 {
		copy(z.out[:], z.out[drop:z.at])
		z.at, z.given = z.at-drop, z.given-drop
	}
	for z.err == nil && z.at < history+piece {
		switch {
		case z.left > 0:
			z.stored()
		case !z.symbols:
			z.err = z.block()
		default:
			if !z.form.wide {
				z.fast()
			}
			if z.err == nil && z.symbols && z.at < history+piece {
				z.err = z.symbol()
			}
		}
	}
}

// take is the value of the next n bits, at most 16.
func (z *inflate) take(n uint) (uint, bool) {
	z.fill()
	if z.have < n {
		return 0, false
	}
	v := uint(z.bits) & (1<<n - 1)
	z.drop(n)
	return v, true
}

// fill takes as many bits as fit.
func (z *inflate) fill() {
	for z.have < 56 && z.pos < len(z.in) {
		z.bits |= uint64(z.in[z.pos]) << z.have
		z.pos++
		z.have += 8
	}
}

func (z *inflate) drop(n uint) {
	z.bits >>= n
	z.have -= n
}

// block reads the head of a block (RFC 1951 §3.2.3).
func (z *inflate) block() error {
	if z.last {
		return io.EOF
	}
	head, ok := z.take(3)
	if !ok {
		return io.ErrUnexpectedEOF
	}
	z.last = head&1 != 0
	switch head >> 1 {
	case 0:
		return z.storedHead()
	case 1:
		z.lit, z.dist, z.need = &z.form.fixed[0], &z.form.fixed[1], 7
	case 2:
		if err := z.dynamic(); err != nil {
			return err
		}
	default:
		return errInflate
	}
	z.symbols = true
	return nil
}

func (z *inflate) storedHead() error {
	z.drop(z.have & 7)
	z.pos -= int(z.have / 8)
	z.bits, z.have = 0, 0
	if len(z.in)-z.pos < 4 {
		return io.ErrUnexpectedEOF
	}
	n := binary.LittleEndian.Uint16(z.in[z.pos:])
	if binary.LittleEndian.Uint16(z.in[z.pos+2:]) != ^n {
		return errInflate
	}
	z.pos += 4
	z.left = int(n)
	return nil
}

func (z *inflate) stored() {
	n := copy(z.out[z.at:history+piece], z.in[z.pos:min(z.pos+z.left, len(z.in))])
	z.pos, z.at, z.left = z.pos+n, z.at+n, z.left-n
	if z.left > 0 && z.pos == len(z.in) {
		z.err = io.ErrUnexpectedEOF
	}
}

// fast reads symbols while there is much input and much room: until the block
// ends, or an error. A symbol and what belongs to it take 48 bits at most.
func (z *inflate) fast() {
	const ahead = 16 // octets of input that are read without a check
	in, out, lit, dist := z.in, z.out[:], z.lit, z.dist
	bits, have, pos, at := z.bits, z.have, z.pos, z.at
	for pos <= len(in)-ahead && at < history+piece {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
		pos += int(63-have) >> 3
		have |= 56
		e := lit.rows[bits&(1<<litBits-1)]
		if e&isLiteral != 0 {
			bits >>= e & 63
			have -= uint(e & 63)
			out[at] = byte(e >> 16)
			at++
			if e = lit.rows[bits&(1<<litBits-1)]; e&isLiteral != 0 {
				bits >>= e & 63
				have -= uint(e & 63)
				out[at] = byte(e >> 16)
				at++
				continue
			}
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
			pos += int(63-have) >> 3
			have |= 56
		}
		if e&isLink != 0 {
			e = lit.rows[(uint64(e>>16)+bits>>litBits&(1<<(e>>8&31)-1))%rowsSize]
		}
		bits >>= e & 63
		have -= uint(e & 63)
		if e&(isLiteral|isEnd|isBad) != 0 {
			if e&isLiteral != 0 {
				out[at] = byte(e >> 16)
				at++
				continue
			}
			if z.symbols = false; e&isBad != 0 {
				z.err = errInflate
			}
			break
		}
		extra := e >> 8 & 31
		length := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= uint(extra)
		if e = dist.rows[bits&(1<<distBits-1)]; e&isLink != 0 {
			e = dist.rows[(uint64(e>>16)+bits>>distBits&(1<<(e>>8&31)-1))%rowsSize]
		}
		bits >>= e & 63
		have -= uint(e & 63)
		extra = e >> 8 & 31
		from := at - int(e>>16) - int(bits&(1<<extra-1))
		bits >>= extra
		have -= uint(extra)
		if e&isBad != 0 || from < 0 {
			z.err = errInflate
			break
		}
		repeat(out, at, from, length)
		at += length
	}
	z.bits, z.have, z.pos, z.at = bits, have, pos, at
}

// repeat copies what lies at from, and may reach beyond at. It writes up to
// seven octets behind.
func repeat(out []byte, at, from, length int) {
	if from+8 > at {
		for end := at + length; at < end; { // each time twice as much
			at += copy(out[at:end], out[from:at])
		}
		return
	}
	src, dst := out[from:from+length+7], out[at:at+length+7]
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		src, dst = src[8:], dst[8:]
	}
}

// symbol reads one symbol where the input ends.
func (z *inflate) symbol() error {
	z.fill()
	if z.have < z.need {
		return io.ErrUnexpectedEOF
	}
	e, err := z.code(z.lit, litBits)
	switch {
	case err != nil:
		return err
	case e&isLiteral != 0:
		z.out[z.at] = byte(e >> 16)
		z.at++
		return nil
	case e&isEnd != 0:
		z.symbols = false
		return nil
	}
	more, ok := z.take(uint(e >> 8 & 31))
	if !ok {
		return io.ErrUnexpectedEOF
	}
	length := int(e>>16) + int(more)
	z.fill()
	if e, err = z.code(z.dist, distBits); err != nil {
		return err
	}
	if more, ok = z.take(uint(e >> 8 & 31)); !ok {
		return io.ErrUnexpectedEOF
	}
	from := z.at - int(e>>16) - int(more)
	if from < 0 {
		return errInflate
	}
	repeat(z.out[:], z.at, from, length)
	z.at += length
	return nil
}

// code reads one code.
func (z *inflate) code(c *codes, width uint) (uint32, error) {
	e := c.rows[z.bits&(1<<width-1)]
	if e&isLink != 0 {
		e = c.rows[(uint64(e>>16)+z.bits>>width&(1<<(e>>8&31)-1))%rowsSize]
	}
	switch n := uint(e & 63); {
	case n > z.have:
		return 0, io.ErrUnexpectedEOF
	case e&isBad != 0:
		return 0, errInflate
	default:
		z.drop(n)
		return e, nil
	}
}

// dynamic reads the codes of a block (RFC 1951 §3.2.7).
func (z *inflate) dynamic() error {
	head, ok := z.take(14)
	if !ok {
		return io.ErrUnexpectedEOF
	}
	literals, distances, sent := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if literals > 286 || distances > z.form.distances {
		return errInflate
	}
	var lengths [19]byte
	for i := range sent {
		n, ok := z.take(3)
		if !ok {
			return io.ErrUnexpectedEOF
		}
		lengths[order[i]] = byte(n)
	}
	a := &z.form.alphabet
	if !z.own[0].build(lengths[:], a.lengths[:], lengthBits) {
		return errInflate
	}
	var buf [286 + 32]byte
	all := buf[:literals+distances]
	if err := z.lengths(all); err != nil {
		return err
	}
	z.lit, z.dist = &z.own[0], &z.own[1]
	if !z.lit.build(all[:literals], a.literals[:], litBits) || !z.dist.build(all[literals:], a.distances[:], distBits) {
		return errInflate
	}
	z.need = uint(all[256]) // a code for the end follows, sooner or later
	return nil
}

// order is that in which the lengths of codes are sent (RFC 1951 §3.2.7).
var order = [19]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// lengths reads those of the codes of a block.
func (z *inflate) lengths(all []byte) error {
	for i := 0; i < len(all); {
		z.fill()
		e, err := z.code(&z.own[0], lengthBits)
		if err != nil {
			return err
		}
		value, times, extra := byte(e>>16), 1, uint(0)
		switch value {
		case 16:
			if i == 0 {
				return errInflate
			}
			value, times, extra = all[i-1], 3, 2
		case 17:
			value, times, extra = 0, 3, 3
		case 18:
			value, times, extra = 0, 11, 7
		}
		more, ok := z.take(extra)
		if !ok {
			return io.ErrUnexpectedEOF
		}
		if times += int(more); times > len(all)-i {
			return errInflate
		}
		for ; times > 0; times-- {
			all[i] = value
			i++
		}
	}
	return nil
}
