package zipped

import (
	"bufio"
	"errors"
	"io"
)

// Enhanced deflating (APPNOTE 5.5): RFC 1951 with a window of 64 KiB, two
// more distances, and lengths up to 65,538.

var errInflate64 = errors.New("zipped: damaged data")

const window64 = 64 << 10

// inflate64 is a reader of one stream.
type inflate64 struct {
	in   *bufio.Reader
	bits uint64
	have uint

	window [window64]byte
	at     int // where the next octet goes
	given  int // what was given out

	state            func() error
	last             bool
	left             int // of a stored block
	copyLen          int // of a match that is being copied
	copyDist         int
	literals, ranges huffman
	err              error
}

func newInflate64(r io.Reader) io.Reader {
	z := &inflate64{in: bufio.NewReader(r)}
	z.state = z.block
	return z
}

// Read steps until half a window is full, and gives that out.
func (z *inflate64) Read(p []byte) (int, error) {
	for z.pending() == 0 {
		if z.err != nil {
			return 0, z.err
		}
		for z.err == nil && z.pending() < window64/2 {
			z.err = z.state()
		}
	}
	n := copy(p, z.window[z.given:min(z.given+z.pending(), window64)])
	z.given = (z.given + n) % window64
	return n, nil
}

func (z *inflate64) pending() int { return (z.at - z.given + window64) % window64 }

func (z *inflate64) put(c byte) {
	z.window[z.at] = c
	z.at = (z.at + 1) % window64
}

func (z *inflate64) need(n uint) error {
	for z.have < n {
		c, err := z.in.ReadByte()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		z.bits |= uint64(c) << z.have
		z.have += 8
	}
	return nil
}

func (z *inflate64) take(n uint) (int, error) {
	if err := z.need(n); err != nil {
		return 0, err
	}
	v := z.bits & (1<<n - 1)
	z.bits >>= n
	z.have -= n
	return int(v), nil
}

// block reads the head of a block (RFC 1951 §3.2.3).
func (z *inflate64) block() error {
	if z.last {
		return io.EOF
	}
	last, err := z.take(1)
	if err != nil {
		return err
	}
	z.last = last == 1
	kind, err := z.take(2)
	if err != nil {
		return err
	}
	switch kind {
	case 0:
		return z.storedHead()
	case 1:
		z.fixed()
	case 2:
		if err := z.dynamic(); err != nil {
			return err
		}
	default:
		return errInflate64
	}
	z.state = z.symbols
	return nil
}

func (z *inflate64) storedHead() error {
	if _, err := z.take(z.have % 8); err != nil {
		return err
	}
	n, err := z.take(16)
	if err != nil {
		return err
	}
	if _, err := z.take(16); err != nil {
		return err
	}
	z.left, z.state = n, z.stored
	return nil
}

func (z *inflate64) stored() error {
	for ; z.left > 0; z.left-- {
		if z.pending() >= window64-1 {
			return nil
		}
		c, err := z.take(8)
		if err != nil {
			return err
		}
		z.put(byte(c))
	}
	z.state = z.block
	return nil
}

// symbols decodes one literal or match, or goes on with a match.
func (z *inflate64) symbols() error {
	if z.copyLen > 0 {
		return z.match()
	}
	s, err := z.literals.decode(z)
	switch {
	case err != nil:
		return err
	case s < 256:
		z.put(byte(s))
		return nil
	case s == 256:
		z.state = z.block
		return nil
	case s > 285:
		return errInflate64
	}
	base, extra := length64(s - 257)
	n, err := z.take(extra)
	if err != nil {
		return err
	}
	d, err := z.ranges.decode(z)
	if err != nil {
		return err
	}
	from, more := distance64(d)
	dist, err := z.take(more)
	if err != nil {
		return err
	}
	z.copyLen, z.copyDist = base+n, from+dist
	return z.match()
}

func (z *inflate64) match() error {
	for ; z.copyLen > 0 && z.pending() < window64-1; z.copyLen-- {
		z.put(z.window[(z.at-z.copyDist+2*window64)%window64])
	}
	return nil
}

func length64(code int) (base int, extra uint) {
	switch {
	case code < 8:
		return code + 3, 0
	case code == 28:
		return 3, 16
	}
	extra = uint(code/4 - 1)
	return (4+code%4)<<extra + 3, extra
}

func distance64(code int) (base int, extra uint) {
	if code < 4 {
		return code + 1, 0
	}
	extra = uint(code/2 - 1)
	return (2+code%2)<<extra + 1, extra
}

func (z *inflate64) fixed() {
	var l [288]byte
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	z.literals.build(l[:])
	var d [32]byte
	for i := range d {
		d[i] = 5
	}
	z.ranges.build(d[:])
}

// order is that in which the lengths of codes are sent (RFC 1951 §3.2.7).
var order = [19]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (z *inflate64) dynamic() error {
	head, err := z.take(14)
	if err != nil {
		return err
	}
	literals, ranges, codes := head&31+257, head>>5&31+1, head>>10+4
	var lengths [19]byte
	for i := range codes {
		n, err := z.take(3)
		if err != nil {
			return err
		}
		lengths[order[i]] = byte(n)
	}
	var meta huffman
	meta.build(lengths[:])
	var all [288 + 32]byte
	for i := 0; i < literals+ranges; {
		s, err := meta.decode(z)
		if err != nil {
			return err
		}
		value, repeat := byte(s), 1
		switch s {
		case 16:
			if i == 0 {
				return errInflate64
			}
			value = all[i-1]
			repeat, err = z.take(2)
			repeat += 3
		case 17:
			value = 0
			repeat, err = z.take(3)
			repeat += 3
		case 18:
			value = 0
			repeat, err = z.take(7)
			repeat += 11
		}
		if err != nil || i+repeat > literals+ranges {
			return errInflate64
		}
		for ; repeat > 0; repeat-- {
			all[i] = value
			i++
		}
	}
	z.literals.build(all[:literals])
	z.ranges.build(all[literals : literals+ranges])
	return nil
}

// huffman decodes canonical codes by counting (RFC 1951 §3.2.2).
type huffman struct {
	counts  [16]int
	symbols [288]uint16
}

func (h *huffman) build(lengths []byte) {
	*h = huffman{}
	for _, n := range lengths {
		h.counts[n]++
	}
	h.counts[0] = 0
	var starts [16]int
	for i := 1; i < 15; i++ {
		starts[i+1] = starts[i] + h.counts[i]
	}
	for s, n := range lengths {
		if n > 0 {
			h.symbols[starts[n]] = uint16(s)
			starts[n]++
		}
	}
}

func (h *huffman) decode(z *inflate64) (int, error) {
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		bit, err := z.take(1)
		if err != nil {
			return 0, err
		}
		code |= bit
		count := h.counts[n]
		if code-count < first {
			return int(h.symbols[index+code-first]), nil
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, errInflate64
}
