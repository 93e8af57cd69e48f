package store

import (
	"crypto/rand"
	"encoding/base32"
	"time"
)

// NewID returns an id that nobody can guess (80 random bits) and that sorts
// by the millisecond it was made in: 26 lower-case letters and digits, without
// i, l, o and u, so that people can read it out.
func NewID(now time.Time) string {
	// 16 octets are 128 bits, 26 characters hold 130: two zero bits stand in
	// front, as in a ULID, so that the first character is 0 to 7.
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	rand.Read(b[6:])
	var shifted [17]byte // b, moved right by two bits
	for i, v := range b {
		shifted[i] |= v >> 2
		shifted[i+1] = v << 6
	}
	return base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).
		EncodeToString(shifted[:])[:26]
}
