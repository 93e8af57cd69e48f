package officecrypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"hash"
	"strings"
)

// Keys of the blocks that agile encryption derives (MS-OFFCRYPTO §2.3.4.11).
const (
	blockInput = "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79"
	blockHash  = "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e"
	blockKey   = "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6"
)

// segment is how much of a package is encrypted at a time.
const segment = 4096

// algorithm is what both keyData and encryptedKey say.
type algorithm struct {
	BlockSize int    `xml:"blockSize,attr"`
	KeyBits   int    `xml:"keyBits,attr"`
	Cipher    string `xml:"cipherAlgorithm,attr"`
	Chaining  string `xml:"cipherChaining,attr"`
	Hash      string `xml:"hashAlgorithm,attr"`
	Salt      string `xml:"saltValue,attr"`

	salt []byte
}

type encryptedKey struct {
	algorithm
	Spin  int    `xml:"spinCount,attr"`
	Input string `xml:"encryptedVerifierHashInput,attr"`
	Value string `xml:"encryptedVerifierHashValue,attr"`
	Key   string `xml:"encryptedKeyValue,attr"`
}

type descriptor struct {
	Data algorithm      `xml:"keyData"`
	Keys []encryptedKey `xml:"keyEncryptors>keyEncryptor>encryptedKey"`
}

// check reports whether an algorithm is one that can be read.
func (a *algorithm) check() bool {
	var err error
	if a.salt, err = base64.StdEncoding.DecodeString(strings.TrimSpace(a.Salt)); err != nil {
		return false
	}
	return a.Cipher == "AES" && (a.Chaining == "ChainingModeCBC" || a.Chaining == "") && a.BlockSize == aes.BlockSize &&
		(a.KeyBits == 128 || a.KeyBits == 192 || a.KeyBits == 256) && a.new() != nil
}

func (a *algorithm) new() hash.Hash {
	switch strings.ReplaceAll(strings.ToUpper(a.Hash), "-", "") {
	case "SHA1":
		return sha1.New()
	case "SHA256":
		return sha256.New()
	case "SHA384":
		return sha512.New384()
	case "SHA512":
		return sha512.New()
	case "MD5":
		return md5.New()
	}
	return nil
}

// openAgile reads agile encryption (MS-OFFCRYPTO §2.3.4.10). A key may be
// locked for a password and for certificates; only the former can be tried.
func openAgile(info, data []byte, passwords []string) ([]byte, error) {
	var d descriptor
	if err := xml.Unmarshal(bytes.TrimRight(info, "\x00"), &d); err != nil {
		return nil, ErrMethod
	}
	if !d.Data.check() || len(d.Keys) == 0 || !d.Keys[0].check() {
		return nil, ErrMethod
	}
	k := d.Keys[0]
	if k.Spin < 0 || k.Spin > maxRounds {
		return nil, ErrMethod
	}
	rounds := 0
	for _, password := range passwords {
		if rounds += k.Spin; rounds > maxRounds {
			break
		}
		key, ok := k.open(password)
		if !ok {
			continue
		}
		if len(key) < d.Data.KeyBits/8 {
			return nil, ErrMethod
		}
		return d.Data.decrypt(key[:d.Data.KeyBits/8], data)
	}
	return nil, ErrPassword
}

// open checks a password and gives the key of the package.
func (k *encryptedKey) open(password string) ([]byte, bool) {
	h := k.new()
	h.Write(k.salt)
	h.Write(wide(password))
	sum := h.Sum(nil)
	var n [4]byte
	for i := range uint32(k.Spin) {
		binary.LittleEndian.PutUint32(n[:], i)
		h.Reset()
		h.Write(n[:])
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	input, value := k.part(sum, blockInput, k.Input), k.part(sum, blockHash, k.Value)
	h.Reset()
	h.Write(input)
	want := h.Sum(nil)
	if len(input) == 0 || len(value) < len(want) || !bytes.Equal(value[:len(want)], want) {
		return nil, false
	}
	return k.part(sum, blockKey, k.Key), true
}

// part decrypts one of the values of an encryptedKey.
func (k *encryptedKey) part(sum []byte, block, encoded string) []byte {
	in, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil
	}
	h := k.new()
	h.Write(sum)
	h.Write([]byte(block))
	return cbc(fit(h.Sum(nil), k.KeyBits/8), fit(k.salt, k.BlockSize), in)
}

// fit cuts a value, or fills it with 0x36 (MS-OFFCRYPTO §2.3.4.11).
func fit(p []byte, size int) []byte {
	out := bytes.Repeat([]byte{0x36}, size)
	copy(out, p)
	return out
}

func cbc(key, iv, in []byte) []byte {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	out := make([]byte, len(in)/aes.BlockSize*aes.BlockSize)
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(out, in[:len(out)])
	return out
}

// decrypt opens the segments of a package (MS-OFFCRYPTO §2.3.4.15).
func (a *algorithm) decrypt(key, data []byte) ([]byte, error) {
	out := make([]byte, 0, len(data))
	h := a.new()
	var n [4]byte
	for i := 0; i*segment < len(data); i++ {
		binary.LittleEndian.PutUint32(n[:], uint32(i))
		h.Reset()
		h.Write(a.salt)
		h.Write(n[:])
		out = append(out, cbc(key, fit(h.Sum(nil), a.BlockSize), data[i*segment:min((i+1)*segment, len(data))])...)
	}
	return out, nil
}
