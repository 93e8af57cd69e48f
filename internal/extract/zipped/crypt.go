package zipped

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
)

// aesField is the extra field 0x9901 of WinZip's AES.
type aesField struct {
	version  uint16
	strength byte // 1: 128 bits, 2: 192, 3: 256
}

// decrypt takes the encryption off; ok is false for a password that does not
// fit.
func (f *File) decrypt(password string) (plain []byte, ok bool) {
	if f.aes.version != 0 {
		return f.decryptAES(password)
	}
	return f.decryptOld(password)
}

// decryptAES follows WinZip's AES specification: salt, two octets that check
// the password, AES in counter mode (counting from 1, little endian), ten
// octets of HMAC-SHA1 over what is encrypted.
func (f *File) decryptAES(password string) ([]byte, bool) {
	if f.aes.strength < 1 || f.aes.strength > 3 {
		return nil, false
	}
	keyLen := 8 + 8*int(f.aes.strength)
	saltLen := keyLen / 2
	if len(f.packed) < saltLen+12 {
		return nil, false
	}
	salt, check := f.packed[:saltLen], f.packed[saltLen:saltLen+2]
	body, mac := f.packed[saltLen+2:len(f.packed)-10], f.packed[len(f.packed)-10:]
	keys, err := pbkdf2.Key(sha1.New, password, salt, 1000, 2*keyLen+2)
	if err != nil || keys[2*keyLen] != check[0] || keys[2*keyLen+1] != check[1] {
		return nil, false
	}
	h := hmac.New(sha1.New, keys[keyLen:2*keyLen])
	h.Write(body)
	if !hmac.Equal(h.Sum(nil)[:10], mac) {
		return nil, false
	}
	block, err := aes.NewCipher(keys[:keyLen])
	if err != nil {
		return nil, false
	}
	plain := make([]byte, len(body))
	var counter, stream [aes.BlockSize]byte
	for i := 0; i < len(body); i += aes.BlockSize {
		binary.LittleEndian.PutUint64(counter[:], uint64(i/aes.BlockSize)+1)
		block.Encrypt(stream[:], counter[:])
		for j := i; j < min(i+aes.BlockSize, len(body)); j++ {
			plain[j] = body[j] ^ stream[j-i]
		}
	}
	return plain, true
}

// decryptOld is the traditional encryption (APPNOTE 6.1).
func (f *File) decryptOld(password string) ([]byte, bool) {
	if len(f.packed) < 12 {
		return nil, false
	}
	k := [3]uint32{0x12345678, 0x23456789, 0x34567890}
	update := func(c byte) {
		k[0] = crc32.IEEETable[byte(k[0])^c] ^ k[0]>>8
		k[1] = (k[1]+k[0]&0xFF)*134775813 + 1
		k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
	}
	for i := range len(password) {
		update(password[i])
	}
	next := func(c byte) byte {
		t := k[2] | 2
		c ^= byte(t * (t ^ 1) >> 8)
		update(c)
		return c
	}
	var last byte
	for _, c := range f.packed[:12] {
		last = next(c)
	}
	check := byte(f.crc >> 24)
	if f.flags&8 != 0 {
		check = byte(f.clock >> 8)
	}
	if last != check && last != byte(f.crc>>24) {
		return nil, false
	}
	plain := make([]byte, len(f.packed)-12)
	for i, c := range f.packed[12:] {
		plain[i] = next(c)
	}
	return plain, true
}
