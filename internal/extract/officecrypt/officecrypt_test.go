package officecrypt_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"testing"
	"unicode/utf16"

	"postern.dev/postern/internal/extract/officecrypt"
)

// The writers of the tests lock what the package opens.

func u32(list ...int) []byte {
	var out []byte
	for _, n := range list {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

func u16(list ...int) []byte {
	var out []byte
	for _, n := range list {
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
	}
	return out
}

func join(list ...[]byte) []byte { return bytes.Join(list, nil) }

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func padded(p []byte) []byte { return append(bytes.Clone(p), make([]byte, -len(p)&15)...) }

func ecb(key, p []byte) []byte {
	b, _ := aes.NewCipher(key)
	out := padded(p)
	for i := 0; i < len(out); i += 16 {
		b.Encrypt(out[i:], out[i:])
	}
	return out
}

func cbc(key, iv, p []byte) []byte {
	b, _ := aes.NewCipher(key)
	out := padded(p)
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, out)
	return out
}

func crypted(key, p []byte) []byte {
	c, _ := rc4.NewCipher(key)
	out := bytes.Clone(p)
	c.XORKeyStream(out, out)
	return out
}

var (
	salt     = []byte("0123456789abcdef")
	verifier = []byte("fedcba9876543210")
)

const content = "PK the content of the package, longer than one block of a cipher"

// standard locks a package as Office 2007 does (MS-OFFCRYPTO §2.3.4.5).
func standard(password string) (info, data []byte) {
	sum := sha1.Sum(join(salt, wide(password)))
	for i := range 50000 {
		sum = sha1.Sum(join(u32(i), sum[:]))
	}
	sum = sha1.Sum(join(sum[:], u32(0)))
	x := bytes.Repeat([]byte{0x36}, 64)
	for i, c := range sum {
		x[i] ^= c
	}
	derived := sha1.Sum(x)
	key := derived[:16]
	hash := sha1.Sum(verifier)
	header := u32(0x24, 0, 0x660E, 0x8004, 128, 0x18, 0, 0)
	info = join(u16(3, 2), u32(0x24, len(header)), header, u32(16), salt, ecb(key, verifier), u32(20), ecb(key, append(hash[:], make([]byte, 12)...)))
	return info, join(u32(len(content), 0), ecb(key, []byte(content)))
}

// agile locks a package as Office 2010 and later do (MS-OFFCRYPTO §2.3.4.10).
func agile(password string, spin int) (info, data []byte) {
	h := sha512.Sum512(join(salt, wide(password)))
	for i := range spin {
		h = sha512.Sum512(join(u32(i), h[:]))
	}
	derive := func(block string) []byte {
		k := sha512.Sum512(append(bytes.Clone(h[:]), block...))
		return k[:32]
	}
	b64 := base64.StdEncoding.EncodeToString
	key := bytes.Repeat([]byte{7}, 32)
	hash := sha512.Sum512(verifier)
	attrs := fmt.Sprintf(`blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" `+
		`hashAlgorithm="SHA512" saltValue="%s"`, b64(salt))
	text := fmt.Sprintf(`<?xml version="1.0"?><encryption xmlns="a" xmlns:p="b"><keyData %s/><keyEncryptors><keyEncryptor uri="b">`+
		`<p:encryptedKey spinCount="%d" %s encryptedVerifierHashInput="%s" encryptedVerifierHashValue="%s" encryptedKeyValue="%s"/>`+
		`</keyEncryptor></keyEncryptors></encryption>`, attrs, spin, attrs,
		b64(cbc(derive("\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79"), salt, verifier)),
		b64(cbc(derive("\xd7\xaa\x0f\x6d\x30\x61\x34\x4e"), salt, hash[:])),
		b64(cbc(derive("\x14\x6e\x0b\xe7\xab\xac\xd0\xd6"), salt, key)))
	iv := sha512.Sum512(join(salt, u32(0)))
	return join(u16(4, 4), u32(0x40), []byte(text)), join(u32(len(content), 0), cbc(key, iv[:16], []byte(content)))
}

func TestAPackageOpensWithItsPassword(t *testing.T) {
	tests := []struct {
		name string
		lock func(string) ([]byte, []byte)
	}{
		{"standard", standard},
		{"agile", func(p string) ([]byte, []byte) { return agile(p, 100) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info, data := tt.lock("pässword")
			got, err := officecrypt.Package(info, data, []string{"wrong", "pässword"})
			if err != nil || string(got) != content {
				t.Errorf("%q %v", got, err)
			}
			if _, err := officecrypt.Package(info, data, []string{"wrong", ""}); !errors.Is(err, officecrypt.ErrPassword) {
				t.Errorf("a wrong password: %v", err)
			}
			for n := 0; n < len(info); n += 7 {
				if _, err := officecrypt.Package(info[:n], data, []string{"x"}); err == nil {
					t.Errorf("cut off at %d: opened", n)
				}
			}
		})
	}
}

func TestAFileCannotAskForEndlessWork(t *testing.T) {
	info, data := agile("p", 1)
	info = bytes.ReplaceAll(info, []byte(`spinCount="1"`), []byte(`spinCount="900000000"`))
	if _, err := officecrypt.Package(info, data, []string{"p"}); !errors.Is(err, officecrypt.ErrMethod) {
		t.Errorf("%v", err)
	}
}

// old locks with RC4 (MS-OFFCRYPTO §2.3.6) and gives the key of a block.
func old(password string) (head []byte, key func(block int) []byte) {
	first := md5.Sum(wide(password))
	base := md5.Sum(bytes.Repeat(join(first[:5], salt), 16))
	key = func(block int) []byte {
		k := md5.Sum(join(base[:5], u32(block)))
		return k[:]
	}
	hash := md5.Sum(verifier)
	return join(u16(1, 1), salt, crypted(key(0), join(verifier, hash[:]))), key
}

// api locks with RC4 of CryptoAPI (MS-OFFCRYPTO §2.3.5).
func api(size int) func(password string) (head []byte, key func(block int) []byte) {
	return func(password string) ([]byte, func(block int) []byte) {
		base := sha1.Sum(join(salt, wide(password)))
		key := func(block int) []byte {
			k := sha1.Sum(join(base[:], u32(block)))
			if size == 40 {
				return append(k[:5:5], make([]byte, 11)...)
			}
			return k[:size/8]
		}
		hash := sha1.Sum(verifier)
		header := u32(4, 0, 0x6801, 0x8004, size, 1, 0, 0)
		locked := crypted(key(0), join(verifier, hash[:]))
		return join(u16(2, 2), u32(4, len(header)), header, u32(16), salt, locked[:16], u32(20), locked[16:]), key
	}
}

func TestABinaryDocumentOpensWithItsPassword(t *testing.T) {
	tests := []struct {
		name string
		lock func(string) ([]byte, func(int) []byte)
	}{{"RC4", old}, {"CryptoAPI, 128 bits", api(128)}, {"CryptoAPI, 40 bits", api(40)}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head, key := tt.lock("secret")
			k, err := officecrypt.Binary(head, []string{"wrong", "secret"})
			if err != nil {
				t.Fatal(err)
			}
			plain := bytes.Repeat([]byte("0123456789"), 100)
			locked := join(crypted(key(0), plain[:512]), crypted(key(1), plain[512:]))
			if k.Stream(locked, 512); !bytes.Equal(locked, plain) {
				t.Error("the stream is not what it was")
			}
			if _, err := officecrypt.Binary(head, []string{"wrong"}); !errors.Is(err, officecrypt.ErrPassword) {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
	if _, err := officecrypt.Binary(u16(9, 9), []string{"x"}); !errors.Is(err, officecrypt.ErrMethod) {
		t.Errorf("%v", err)
	}
}

// TestObfuscation uses the key and the verifier that Excel writes for the
// password that it uses by itself, and undoes what it does to a record: an
// octet is turned by five bits after the key was laid over it.
func TestObfuscation(t *testing.T) {
	if _, err := officecrypt.XOR(0xB359, 0x9A0A, []string{"wrong", ""}); !errors.Is(err, officecrypt.ErrPassword) {
		t.Errorf("a wrong password: %v", err)
	}
	x, err := officecrypt.XOR(0xB359, 0x9A0A, []string{"wrong", "VelvetSweatshop"})
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 16)
	x.Excel(zeros, 0) // the key itself, turned by the length
	plain := []byte("card 4111 1111")
	locked := make([]byte, len(plain))
	for i := range plain {
		locked[i] = bits.RotateLeft8(plain[i]^zeros[(i+len(plain))&15], 5)
	}
	if x.Excel(locked, 0); string(locked) != string(plain) {
		t.Errorf("%q", locked)
	}
	word := []byte("0123456789abcdef0123456789abcdef")
	again := bytes.Clone(word)
	x.Word(again)
	if bytes.Equal(word, again) {
		t.Error("nothing changed")
	}
	if x.Word(again); !bytes.Equal(word, again) {
		t.Errorf("%q", again)
	}
}

func FuzzOpen(f *testing.F) {
	info, data := standard("a")
	f.Add(info, data)
	info, data = agile("a", 3)
	f.Add(info, data)
	for _, lock := range []func(string) ([]byte, func(int) []byte){old, api(40), api(128)} {
		head, _ := lock("a")
		f.Add(head, []byte("some octets"))
	}
	f.Fuzz(func(t *testing.T, info, data []byte) {
		if bytes.Count(info, []byte("spinCount")) > 0 && len(info) > 4000 {
			return
		}
		if out, err := officecrypt.Package(info, data, []string{"a"}); err == nil && len(out) > len(data) {
			t.Error("more came out than went in")
		}
		if k, err := officecrypt.Binary(info, []string{"a"}); err == nil {
			k.Stream(bytes.Clone(data), 512)
		}
	})
}
