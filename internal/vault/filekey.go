package vault

import (
	"bytes"
	"errors"

	"filippo.io/age"
)

// FileKey is the key of one body file.
type FileKey []byte

// fileKeyLen is the length of age's file keys.
const fileKeyLen = 16

// keeping is an age recipient that keeps the file key, and writes none.
type keeping struct{ key *FileKey }

// Wrap implements age.Recipient.
func (k keeping) Wrap(key []byte) ([]*age.Stanza, error) {
	*k.key = bytes.Clone(key)
	return []*age.Stanza{{Type: "postern"}}, nil
}

// unwrapped is an identity that knows the key of one file, or finds it out
// once.
type unwrapped struct {
	of  []age.Identity
	key FileKey
}

// Unwrap implements age.Identity. A key that is not the file's does no harm:
// the head of the stream carries a MAC that it must fit.
func (u *unwrapped) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if u.key != nil {
		return bytes.Clone(u.key), nil
	}
	for _, id := range u.of {
		key, err := id.Unwrap(stanzas)
		if errors.Is(err, age.ErrIncorrectIdentity) {
			continue
		}
		if err == nil {
			u.key = bytes.Clone(key)
		}
		return key, err
	}
	return nil, age.ErrIncorrectIdentity
}
