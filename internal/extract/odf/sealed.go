package odf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"

	"postern.dev/postern/internal/extract/xmlread"
	"postern.dev/postern/internal/extract/zipped"
)

// seal is how a part is encrypted (part 2 §4).
type seal struct {
	algorithm, start, derivation string
	vector, salt, sum            []byte
	rounds, key                  int
}

// maxRounds bounds the work that a manifest may ask for.
const maxRounds = 2_000_000

// manifest reads which parts are encrypted, and how.
func (p *pack) manifest(f *zipped.File) {
	r, err := f.Open()
	if err != nil {
		return
	}
	defer r.Close()
	p.sealed = map[string]seal{}
	name := ""
	var s *seal
	decode := func(attr string) []byte {
		b, _ := base64.StdEncoding.DecodeString(string(p.x.Attr(attr)))
		return b
	}
	last := func(attr string) string {
		v := strings.ToLower(string(p.x.Attr(attr)))
		return v[strings.LastIndexAny(v, "#/")+1:]
	}
	p.x.Reset(p.counted(r))
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		tag := string(p.x.Local)
		switch {
		case k == xmlread.Start && tag == "file-entry":
			name = string(p.x.Attr("full-path"))
		case k == xmlread.Start && tag == "encryption-data":
			s = &seal{sum: decode("checksum"), key: 16}
		case s != nil && k == xmlread.Start && tag == "algorithm":
			s.algorithm, s.vector = last("algorithm-name"), decode("initialisation-vector")
		case s != nil && k == xmlread.Start && tag == "key-derivation":
			s.derivation, s.salt, s.rounds = last("key-derivation-name"), decode("salt"), number(p.x.Attr("iteration-count"))
			if n := number(p.x.Attr("key-size")); n > 0 {
				s.key = n
			}
		case s != nil && k == xmlread.Start && tag == "start-key-generation":
			s.start = last("start-key-generation-name")
		case s != nil && k == xmlread.End && tag == "encryption-data":
			p.sealed[name] = *s
			s = nil
		}
	}
}

// open takes the encryption off, by the first password that fits; nil when
// none does.
func (s seal) open(f *zipped.File, passwords []string) io.ReadCloser {
	if s.algorithm != "aes256-cbc" && s.algorithm != "aes128-cbc" && s.algorithm != "aes192-cbc" ||
		s.derivation != "pbkdf2" || s.rounds < 1 || s.rounds > maxRounds || len(s.vector) != aes.BlockSize ||
		s.key != 16 && s.key != 24 && s.key != 32 {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	packed, err := io.ReadAll(io.LimitReader(r, maxOctets))
	if err != nil || len(packed) == 0 || len(packed)%aes.BlockSize != 0 {
		return nil
	}
	for _, p := range passwords {
		if plain, fits := s.decrypt(packed, p); fits {
			return flate.NewReader(bytes.NewReader(plain))
		}
	}
	return nil
}

func (s seal) decrypt(packed []byte, password string) ([]byte, bool) {
	start := sha1.Sum([]byte(password))
	first := start[:]
	if strings.Contains(s.start, "256") {
		long := sha256.Sum256([]byte(password))
		first = long[:]
	}
	key, err := pbkdf2.Key(sha1.New, string(first), s.salt, s.rounds, s.key)
	if err != nil {
		return nil, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	plain := make([]byte, len(packed))
	cipher.NewCBCDecrypter(block, s.vector).CryptBlocks(plain, packed)
	// The sum is over the first 1,024 octets without padding; which form it
	// has, programs disagree: that the content inflates decides.
	if n := int(plain[len(plain)-1]); n > 0 && n <= aes.BlockSize {
		plain = plain[:len(plain)-n]
	}
	head := plain[:min(len(plain), 1024)]
	short, long := sha1.Sum(head), sha256.Sum256(head)
	if len(s.sum) > 0 {
		return plain, bytes.Equal(s.sum, short[:]) || bytes.Equal(s.sum, long[:])
	}
	z := flate.NewReader(bytes.NewReader(plain))
	_, err = io.CopyN(io.Discard, z, 4096)
	return plain, err == nil || err == io.EOF
}
