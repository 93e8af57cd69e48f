package ole

import "encoding/binary"

// octets are read at any place; what is not there is zero.
type octets []byte

func (o octets) u8(at int) int {
	if at < 0 || at >= len(o) {
		return 0
	}
	return int(o[at])
}

func (o octets) u16(at int) int {
	if at < 0 || at+2 > len(o) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(o[at:]))
}

func (o octets) u32(at int) int {
	if at < 0 || at+4 > len(o) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(o[at:]))
}

func (o octets) u64(at int) uint64 {
	if at < 0 || at+8 > len(o) {
		return 0
	}
	return binary.LittleEndian.Uint64(o[at:])
}

// part is a piece; it is shorter when there is less.
func (o octets) part(at, size int) octets {
	if at < 0 || size <= 0 || at >= len(o) {
		return nil
	}
	return o[at:min(at+min(size, len(o)), len(o))]
}

// from is what begins at a place.
func (o octets) from(at int) octets {
	if at < 0 || at > len(o) {
		return nil
	}
	return o[at:]
}
