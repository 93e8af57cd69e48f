package officecrypt

import (
	"math/bits"

	"golang.org/x/text/encoding/charmap"
)

// The tables of MS-OFFCRYPTO §2.3.7.2.
var (
	padding = [...]byte{0xBB, 0xFF, 0xFF, 0xBA, 0xFF, 0xFF, 0xB9, 0x80, 0x00, 0xBE, 0x0F, 0x00, 0xBF, 0x0F, 0x00}

	initialCode = [...]uint16{
		0xE1F0, 0x1D0F, 0xCC9C, 0x84C0, 0x110C, 0x0E10, 0xF1CE, 0x313E, 0x1872, 0xE139, 0xD40F, 0x84F9, 0x280C, 0xA96A,
		0x4EC3,
	}

	xorMatrix = [...]uint16{
		0xAEFC, 0x4DD9, 0x9BB2, 0x2745, 0x4E8A, 0x9D14, 0x2A09, 0x7B61, 0xF6C2, 0xFDA5, 0xEB6B, 0xC6F7, 0x9DCF, 0x2BBF,
		0x4563, 0x8AC6, 0x05AD, 0x0B5A, 0x16B4, 0x2D68, 0x5AD0, 0x0375, 0x06EA, 0x0DD4, 0x1BA8, 0x3750, 0x6EA0, 0xDD40,
		0xD849, 0xA0B3, 0x5147, 0xA28E, 0x553D, 0xAA7A, 0x44D5, 0x6F45, 0xDE8A, 0xAD35, 0x4A4B, 0x9496, 0x390D, 0x721A,
		0xEB23, 0xC667, 0x9CEF, 0x29FF, 0x53FE, 0xA7FC, 0x5FD9, 0x47D3, 0x8FA6, 0x0F6D, 0x1EDA, 0x3DB4, 0x7B68, 0xF6D0,
		0xB861, 0x60E3, 0xC1C6, 0x93AD, 0x377B, 0x6EF6, 0xDDEC, 0x45A0, 0x8B40, 0x06A1, 0x0D42, 0x1A84, 0x3508, 0x6A10,
		0xAA51, 0x4483, 0x8906, 0x022D, 0x045A, 0x08B4, 0x1168, 0x76B4, 0xED68, 0xCAF1, 0x85C3, 0x1BA7, 0x374E, 0x6E9C,
		0x3730, 0x6E60, 0xDCC0, 0xA9A1, 0x4363, 0x86C6, 0x1DAD, 0x3331, 0x6662, 0xCCC4, 0x89A9, 0x0373, 0x06E6, 0x0DCC,
		0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48C4,
	}
)

// longestXOR is how many characters of a password the obfuscation uses.
const longestXOR = 15

// Obfuscation undoes XOR obfuscation.
type Obfuscation struct {
	password []byte
	key      uint16
}

// XOR finds the password of a document that is obfuscated with this key and
// verifier (MS-OFFCRYPTO §2.3.7.1).
func XOR(key, verifier uint16, passwords []string) (*Obfuscation, error) {
	for _, s := range passwords {
		for _, p := range narrow(s) {
			if len(p) > 0 && len(p) <= longestXOR && xorKey(p) == key && xorVerifier(p) == verifier {
				return &Obfuscation{p, key}, nil
			}
		}
	}
	return nil, ErrPassword
}

// narrow gives a password in octets: Word takes the low octet of a character,
// Excel the code page.
func narrow(s string) [][]byte {
	var low, page []byte
	for _, c := range s {
		b := byte(c)
		if b == 0 {
			b = byte(c >> 8)
		}
		low = append(low, b)
		b, _ = charmap.Windows1252.EncodeRune(c)
		page = append(page, b)
	}
	return [][]byte{low, page}
}

func xorKey(password []byte) uint16 {
	key := initialCode[len(password)-1]
	at := len(xorMatrix) - 1
	for i := len(password) - 1; i >= 0; i-- {
		c := password[i]
		for range 7 {
			if c&0x40 != 0 {
				key ^= xorMatrix[at]
			}
			c <<= 1
			at--
		}
	}
	return key
}

func xorVerifier(password []byte) uint16 {
	var v uint16
	step := func(c byte) { v = (v>>14&1 | v<<1&0x7FFF) ^ uint16(c) }
	for i := len(password) - 1; i >= 0; i-- {
		step(password[i])
	}
	step(byte(len(password)))
	return v ^ 0xCE4B
}

// array is the password with its filling, under the key (MS-OFFCRYPTO
// §2.3.7.3); the two programs turn it by another number of bits.
func (o *Obfuscation) array(turn int) (a [16]byte) {
	n := copy(a[:], o.password)
	copy(a[n:], padding[:])
	for i := range a {
		a[i] = bits.RotateLeft8(a[i]^byte(o.key>>(8*(i&1))), turn)
	}
	return a
}

// Excel opens, in place, the content of a record; offset is where the content
// begins in the stream.
func (o *Obfuscation) Excel(p []byte, offset int) {
	a := o.array(2)
	for i := range p {
		p[i] = bits.RotateLeft8(p[i], 3) ^ a[(offset+len(p)+i)&15]
	}
}

// Word opens, in place, a stream from its beginning. An octet that is zero,
// or would be, stays as it is.
func (o *Obfuscation) Word(p []byte) {
	a := o.array(7)
	for i, c := range p {
		if x := c ^ a[i&15]; c != 0 && x != 0 {
			p[i] = x
		}
	}
}
