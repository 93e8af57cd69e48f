package spool

import (
	"bytes"
	"errors"
	"sync"

	"filippo.io/age"
)

// fileKey is the key of one body file. To find it out costs two operations on
// a curve, more than all else about a message of the usual size.
type fileKey []byte

// wrapping wraps a file key for a recipient, and remembers it.
type wrapping struct {
	to  age.Recipient
	key *fileKey
}

// Wrap implements age.Recipient.
func (w *wrapping) Wrap(key []byte) ([]*age.Stanza, error) {
	*w.key = bytes.Clone(key)
	return w.to.Wrap(key)
}

// unwrapped is an identity that unwraps the key of one file once.
type unwrapped struct {
	of  []age.Identity
	key fileKey
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

// fresh remembers the keys of the files that were stored last: most leave
// custody in the next moment. A key that is gone is unwrapped from its file.
type fresh struct {
	mu    sync.Mutex
	keys  map[string]fileKey
	order []string
}

// freshFiles is how many keys are remembered.
const freshFiles = 512

func (f *fresh) add(file string, key fileKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys == nil {
		f.keys = map[string]fileKey{}
	}
	if len(f.order) >= freshFiles {
		delete(f.keys, f.order[0])
		f.order = f.order[1:]
	}
	f.keys[file] = key
	f.order = append(f.order, file)
}

// take gives the key of a file, once; nil when it is not remembered.
func (f *fresh) take(file string) fileKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := f.keys[file]
	delete(f.keys, file)
	return key
}
