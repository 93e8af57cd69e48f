// Package officecrypt opens what Office has locked with a password, when the
// password is known.
//
// It upholds two laws:
//
//	a wrong password is never taken for the right one: nothing is given out
//	unless the check in the file says that it is right;
//	a file cannot ask for more work than is reasonable: the rounds of hashing
//	of all tries together are counted.
//
// It knows nothing of documents: callers hand it the streams.
//
// Standards: MS-OFFCRYPTO §2.3.4 (ECMA-376: standard and agile), §2.3.5 (RC4
// CryptoAPI), §2.3.6 (RC4), §2.3.7 (XOR obfuscation).
package officecrypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// Errors: the content stays closed.
var (
	// ErrPassword says that none of the passwords opens it.
	ErrPassword = errors.New("officecrypt: no password that opens it")
	// ErrMethod says that the method is not known, or the file is damaged.
	ErrMethod = errors.New("officecrypt: a method that is not known")
)

// maxRounds is how many rounds of hashing one file may cost, over all
// passwords: about a second. Office asks for 50,000 to 100,000 a password.
const maxRounds = 2_000_000

func wide(password string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(password)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// header is an EncryptionHeader with its EncryptionVerifier (MS-OFFCRYPTO
// §2.3.2 and §2.3.3).
type header struct {
	algorithm, keyBits int
	salt, verifier     []byte
	hash               []byte
	hashSize           int
}

// Algorithms (MS-OFFCRYPTO §2.3.2).
const (
	algRC4    = 0x6801
	algAES128 = 0x660E
	algAES192 = 0x660F
	algAES256 = 0x6610
)

// parseHeader reads what follows the version: flags, the size of the header,
// the header and the verifier.
func parseHeader(p []byte) (header, error) {
	le := binary.LittleEndian
	if len(p) < 8 {
		return header{}, ErrMethod
	}
	size := int64(le.Uint32(p[4:]))
	p = p[8:]
	if size < 32 || size > int64(len(p)) {
		return header{}, ErrMethod
	}
	h := header{algorithm: int(le.Uint32(p[8:])), keyBits: int(le.Uint32(p[16:]))}
	p = p[size:]
	if len(p) < 4+16+16+4+20 || le.Uint32(p) != 16 {
		return header{}, ErrMethod
	}
	h.salt, h.verifier = p[4:20], p[20:36]
	h.hashSize = int(le.Uint32(p[36:]))
	h.hash = p[40:min(72, len(p))]
	if h.hashSize != sha1.Size {
		return header{}, ErrMethod
	}
	return h, nil
}

// Package opens an encrypted OOXML package: info is the stream EncryptionInfo,
// data the stream EncryptedPackage.
func Package(info, data []byte, passwords []string) ([]byte, error) {
	if len(info) < 8 || len(data) < 8 {
		return nil, ErrMethod
	}
	size := binary.LittleEndian.Uint64(data)
	if size > uint64(len(data)) {
		size = uint64(len(data) - 8)
	}
	major, minor := binary.LittleEndian.Uint16(info), binary.LittleEndian.Uint16(info[2:])
	var plain []byte
	var err error
	switch {
	case major == 4 && minor == 4:
		plain, err = openAgile(info[8:], data[8:], passwords)
	case minor == 2 && major >= 2 && major <= 4:
		plain, err = openStandard(info[4:], data[8:], passwords)
	default:
		return nil, ErrMethod
	}
	if err != nil {
		return nil, err
	}
	return plain[:min(size, uint64(len(plain)))], nil
}

// openStandard reads ECMA-376 standard encryption (MS-OFFCRYPTO §2.3.4.5).
func openStandard(info, data []byte, passwords []string) ([]byte, error) {
	h, err := parseHeader(info)
	if err != nil {
		return nil, err
	}
	switch h.algorithm {
	case algAES128, algAES192, algAES256:
	default:
		return nil, ErrMethod
	}
	if (h.keyBits != 128 && h.keyBits != 192 && h.keyBits != 256) || len(h.hash) < 32 {
		return nil, ErrMethod
	}
	rounds := 0
	for _, password := range passwords {
		if rounds += 50000; rounds > maxRounds {
			break
		}
		block, err := aes.NewCipher(standardKey(password, h.salt, h.keyBits/8))
		if err != nil {
			return nil, ErrMethod
		}
		sum := sha1.Sum(ecb(block, h.verifier))
		if bytes.Equal(sum[:], ecb(block, h.hash)[:sha1.Size]) {
			return ecb(block, data), nil
		}
	}
	return nil, ErrPassword
}

func standardKey(password string, salt []byte, size int) []byte {
	sum := sha1.Sum(append(bytes.Clone(salt), wide(password)...))
	var buf [4 + sha1.Size]byte
	for i := range uint32(50000) {
		binary.LittleEndian.PutUint32(buf[:], i)
		copy(buf[4:], sum[:])
		sum = sha1.Sum(buf[:])
	}
	sum = sha1.Sum(append(sum[:], 0, 0, 0, 0))
	var key []byte
	for _, fill := range []byte{0x36, 0x5C} {
		x := bytes.Repeat([]byte{fill}, 64)
		for i, c := range sum {
			x[i] ^= c
		}
		part := sha1.Sum(x)
		key = append(key, part[:]...)
	}
	return key[:size]
}

func ecb(b cipher.Block, in []byte) []byte {
	out := make([]byte, len(in)/aes.BlockSize*aes.BlockSize)
	for i := 0; i < len(out); i += aes.BlockSize {
		b.Decrypt(out[i:], in[i:])
	}
	return out
}

// Key opens the streams of a binary document.
type Key struct {
	base  []byte // what each block's key is made of
	size  int    // of a key, in octets
	crypt bool   // CryptoAPI
}

// Binary finds the password of a binary document. head begins with the
// version of an EncryptionHeader (MS-OFFCRYPTO §2.3.5.1 and §2.3.6.1).
func Binary(head []byte, passwords []string) (*Key, error) {
	if len(head) < 4 {
		return nil, ErrMethod
	}
	major, minor := binary.LittleEndian.Uint16(head), binary.LittleEndian.Uint16(head[2:])
	switch {
	case major == 1 && minor == 1:
		return openRC4(head[4:], passwords)
	case minor == 2 && major >= 2 && major <= 4:
		return openCryptoAPI(head[4:], passwords)
	}
	return nil, ErrMethod
}

func openRC4(p []byte, passwords []string) (*Key, error) {
	if len(p) < 48 {
		return nil, ErrMethod
	}
	salt, verifier := p[:16], p[16:48]
	for _, password := range passwords {
		first := md5.Sum(wide(password))
		sum := md5.Sum(bytes.Repeat(append(bytes.Clone(first[:5]), salt...), 16))
		k := &Key{base: sum[:5], size: 16}
		check := bytes.Clone(verifier)
		k.Object(check, 0)
		want := md5.Sum(check[:16])
		if bytes.Equal(want[:], check[16:]) {
			return k, nil
		}
	}
	return nil, ErrPassword
}

func openCryptoAPI(p []byte, passwords []string) (*Key, error) {
	h, err := parseHeader(p)
	if err != nil {
		return nil, err
	}
	if h.keyBits == 0 {
		h.keyBits = 40
	}
	if h.algorithm != algRC4 || h.keyBits < 40 || h.keyBits > 128 || h.keyBits%8 != 0 {
		return nil, ErrMethod
	}
	for _, password := range passwords {
		sum := sha1.Sum(append(bytes.Clone(h.salt), wide(password)...))
		k := &Key{base: sum[:], size: h.keyBits / 8, crypt: true}
		check := append(bytes.Clone(h.verifier), h.hash[:sha1.Size]...)
		k.Object(check, 0)
		want := sha1.Sum(check[:16])
		if bytes.Equal(want[:], check[16:]) {
			return k, nil
		}
	}
	return nil, ErrPassword
}

// stream is the cipher of a block.
func (k *Key) stream(block uint32) *rc4.Cipher {
	seed := binary.LittleEndian.AppendUint32(bytes.Clone(k.base), block)
	var key []byte
	if k.crypt {
		sum := sha1.Sum(seed)
		key = sum[:k.size]
		if k.size == 5 { // MS-OFFCRYPTO §2.3.5.2: 40 bits are filled with zeros
			key = append(bytes.Clone(key), make([]byte, 11)...)
		}
	} else {
		sum := md5.Sum(seed)
		key = sum[:k.size]
	}
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic("officecrypt: " + err.Error()) // the size of a key is checked above
	}
	return c
}

// Object decrypts, in place, something that has a block of its own.
func (k *Key) Object(p []byte, block uint32) { k.stream(block).XORKeyStream(p, p) }

// Stream decrypts, in place, a stream from its beginning, in blocks of size
// octets.
func (k *Key) Stream(p []byte, size int) {
	for block := uint32(0); len(p) > 0; block++ {
		n := min(size, len(p))
		k.Object(p[:n], block)
		p = p[n:]
	}
}
