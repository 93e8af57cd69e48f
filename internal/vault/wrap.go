package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Wrapped is the key of a body as a row keeps it, in one of two forms:
//
//	d1.ID.BASE64  AES-256-GCM under a key that HKDF makes of the delivery key
//	              with this id, of the role and of the file's name
//	p1.ID.BASE64  an age file for the public key with this id, over the
//	              file's name and the key
//
// Both are bound to the name of the file: a wrapping that was moved to another
// row opens nothing.
type Wrapped string

const (
	formDerived = "d1"
	formPublic  = "p1"

	// longestWrapped bounds what is read as one.
	longestWrapped = 2048
)

// ErrWrapped says that a wrapping is not what was written.
var ErrWrapped = errors.New("vault: the wrapped key of a body is damaged")

// split reads the parts of a wrapping.
func (w Wrapped) split() (form string, id keyID, data []byte, err error) {
	parts := strings.Split(string(w), ".")
	if len(w) > longestWrapped || len(parts) != 3 || parts[0] != formDerived && parts[0] != formPublic {
		return "", id, nil, ErrWrapped
	}
	raw, err := hex.DecodeString(parts[1])
	if err != nil || len(raw) != len(id) || parts[1] != id.set(raw) {
		return "", id, nil, ErrWrapped
	}
	data, err = base64.RawStdEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", id, nil, ErrWrapped
	}
	return parts[0], id, data, nil
}

func (id *keyID) set(raw []byte) string {
	copy(id[:], raw)
	return id.String()
}

// KeyID names the key that opens a wrapping; "" when it cannot be read.
func (w Wrapped) KeyID() string {
	_, id, _, err := w.split()
	if err != nil {
		return ""
	}
	return id.String()
}

func joined(form string, id keyID, data []byte) Wrapped {
	return Wrapped(form + "." + id.String() + "." + base64.RawStdEncoding.EncodeToString(data))
}

// wrap wraps a key under the current key of k.
func (k *Keys) wrap(role Role, file string, key FileKey) Wrapped {
	id := idOf(k.identities[0])
	box := boxOf(k.identities[0], role, file)
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return joined(formDerived, id, box.Seal(nonce, nonce, key, []byte(file)))
}

// unwrap opens what wrap has made with any key of k.
func (k *Keys) unwrap(role Role, file string, id keyID, data []byte) (FileKey, error) {
	for _, i := range k.identities {
		if idOf(i) != id {
			continue
		}
		box := boxOf(i, role, file)
		if len(data) < box.NonceSize() {
			return nil, ErrWrapped
		}
		key, err := box.Open(nil, data[:box.NonceSize()], data[box.NonceSize():], []byte(file))
		if err != nil || len(key) != fileKeyLen {
			return nil, ErrWrapped
		}
		return key, nil
	}
	return nil, fmt.Errorf("%w (key id %s)", ErrKeyMissing, id)
}

// boxOf is the cipher that wraps the key of one file for one role.
func boxOf(id *age.X25519Identity, role Role, file string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, []byte(id.String()), []byte(file), "postern body "+string(role), 32)
	if err != nil {
		panic("vault: hkdf: " + err.Error()) // only a length over 255 hashes fails
	}
	block, err := aes.NewCipher(key)
	if err == nil {
		var box cipher.AEAD
		if box, err = cipher.NewGCM(block); err == nil {
			return box
		}
	}
	panic("vault: aes: " + err.Error()) // only a wrong length of the key fails
}

// wrapFor wraps a key for a public key, whose other half need not be here.
func wrapFor(to *age.X25519Recipient, file string, key FileKey) (Wrapped, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = io.WriteString(w, file+"\n"+hex.EncodeToString(key))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("vault: wrap: %w", err)
	}
	return joined(formPublic, idOfPublic(to), b.Bytes()), nil
}

// unwrapWith opens what wrapFor has made.
func (k *Keys) unwrapWith(file string, id keyID, data []byte) (FileKey, error) {
	if !k.has(id) {
		return nil, fmt.Errorf("%w (key id %s)", ErrKeyMissing, id)
	}
	r, err := age.Decrypt(bytes.NewReader(data), k.opening(id)...)
	if err != nil {
		return nil, ErrWrapped
	}
	text, err := io.ReadAll(io.LimitReader(r, longestWrapped))
	name, secret, _ := strings.Cut(string(text), "\n")
	key, bad := hex.DecodeString(secret)
	if err != nil || bad != nil || name != file || len(key) != fileKeyLen {
		return nil, ErrWrapped
	}
	return key, nil
}
