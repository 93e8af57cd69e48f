package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"postern.dev/postern/internal/store"
)

// sealedFacts begins the column of facts that stand encrypted: AES-256-GCM
// under a key that HKDF makes of a key of the heads, bound to the message.
const sealedFacts = "sealed1."

// column is facts as the table keeps them.
func (l *Log) column(message string, f Facts) string {
	text := store.Clean(string(f.Data))
	if !f.Sealed || text == "" {
		return text
	}
	box := factsBox(l.keys[0])
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return sealedFacts + base64.RawStdEncoding.EncodeToString(box.Seal(nonce, nonce, []byte(text), []byte(message)))
}

// read reads a column of facts. It is false for one that no key opens: then
// nothing is known of that message.
func (l *Log) read(f *Facts, column string) bool {
	text, sealed := strings.CutPrefix(column, sealedFacts)
	if f.Sealed = sealed; !sealed {
		f.Data = json.RawMessage(column)
		return true
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	for _, k := range l.keys {
		box := factsBox(k)
		if len(data) < box.NonceSize() {
			return false
		}
		if plain, err := box.Open(nil, data[:box.NonceSize()], data[box.NonceSize():], []byte(f.Message)); err == nil {
			f.Data = plain
			return true
		}
	}
	return false
}

func factsBox(head []byte) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, head, nil, "postern facts", 32)
	if err != nil {
		panic("audit: hkdf: " + err.Error()) // only a length over 255 hashes fails
	}
	block, err := aes.NewCipher(key)
	if err == nil {
		var box cipher.AEAD
		if box, err = cipher.NewGCM(block); err == nil {
			return box
		}
	}
	panic("audit: aes: " + err.Error()) // only a wrong length of the key fails
}
