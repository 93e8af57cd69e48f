package archive

import (
	"bufio"
	"errors"
	"io"
)

var errCompress = errors.New("archive: damaged data")

// uncompress reads the format of compress(1): LZW with codes of 9 to 16 bits,
// least significant bit first, in groups of eight codes.
type uncompress struct {
	in     *bufio.Reader
	block  bool // code 256 begins the table anew
	widest uint

	width     uint
	bits      uint32
	have      uint
	inGroup   int // octets read of the group of codes
	next      int
	prev      int
	prefix    []uint16
	suffix    []byte
	out       []byte // what is decoded and not given out, reversed
	firstChar byte
}

func newUncompress(in *bufio.Reader) (io.Reader, error) {
	var head [3]byte
	if _, err := io.ReadFull(in, head[:]); err != nil || head[0] != 0x1F || head[1] != 0x9D {
		return nil, errCompress
	}
	u := &uncompress{in: in, block: head[2]&0x80 != 0, widest: uint(head[2] & 0x1F), width: 9, prev: -1}
	if u.widest < 9 || u.widest > 16 {
		return nil, errCompress
	}
	u.prefix, u.suffix = make([]uint16, 1<<u.widest), make([]byte, 1<<u.widest)
	u.next = u.first()
	return u, nil
}

func (u *uncompress) first() int {
	if u.block {
		return 257
	}
	return 256
}

func (u *uncompress) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if err := u.step(); err != nil {
			return 0, err
		}
	}
	n := 0
	for n < len(p) && len(u.out) > 0 {
		p[n] = u.out[len(u.out)-1]
		u.out = u.out[:len(u.out)-1]
		n++
	}
	return n, nil
}

// code reads the next code; io.EOF where there is no whole one.
func (u *uncompress) code() (int, error) {
	for u.have < u.width {
		c, err := u.in.ReadByte()
		if err != nil {
			return 0, err
		}
		u.inGroup++
		u.bits |= uint32(c) << u.have
		u.have += 8
	}
	c := int(u.bits & (1<<u.width - 1))
	u.bits >>= u.width
	u.have -= u.width
	return c, nil
}

// align leaves out the rest of a group of eight codes: a change of their
// width begins a new one.
func (u *uncompress) align() error {
	u.bits, u.have = 0, 0
	if rest := u.inGroup % int(u.width); rest != 0 {
		if _, err := u.in.Discard(int(u.width) - rest); err != nil {
			return err
		}
	}
	u.inGroup = 0
	return nil
}

func (u *uncompress) step() error {
	if u.next >= 1<<u.width && u.width < u.widest {
		if err := u.align(); err != nil {
			return err
		}
		u.width++
	}
	c, err := u.code()
	if err != nil {
		return err
	}
	if u.block && c == 256 {
		if err := u.align(); err != nil {
			return err
		}
		u.width, u.next, u.prev = 9, 257, -1
		return nil
	}
	if u.prev < 0 {
		if c > 255 {
			return errCompress
		}
		u.out, u.prev, u.firstChar = append(u.out, byte(c)), c, byte(c)
		return nil
	}
	at := c
	if c > u.next {
		return errCompress
	}
	if c == u.next {
		u.out = append(u.out, u.firstChar)
		at = u.prev
	}
	for at > 255 {
		u.out = append(u.out, u.suffix[at])
		at = int(u.prefix[at])
	}
	u.firstChar = byte(at)
	u.out = append(u.out, u.firstChar)
	if u.next < 1<<u.widest {
		u.prefix[u.next], u.suffix[u.next] = uint16(u.prev), u.firstChar
		u.next++
	}
	u.prev = c
	return nil
}
