package spool

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"postern.dev/postern/internal/durable"
)

// Keys are the identities that open body files: the first wraps the keys of
// new bodies, the others are former ones that still open theirs.
type Keys struct {
	identities []*age.X25519Identity
}

// ErrKeys is wrapped by every error about the content of a key file.
var ErrKeys = errors.New("spool: not a key file")

// ParseKeys reads a standard age key file: one "AGE-SECRET-KEY-1…" a line,
// empty lines and lines that begin with "#" left out. No error text carries
// any part of a key.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d is not an age X25519 secret key (AGE-SECRET-KEY-1…)", ErrKeys, n+1)
		}
		k.identities = append(k.identities, id)
	}
	if len(k.identities) == 0 {
		return nil, fmt.Errorf("%w: no line with a key", ErrKeys)
	}
	return k, nil
}

// NewKeys makes one fresh key.
func NewKeys() (*Keys, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("spool: make a key: %w", err)
	}
	return &Keys{identities: []*age.X25519Identity{id}}, nil
}

// LoadKeys reads the key file at path; when there is none, it makes one that
// only this user may read. made says that it did.
func LoadKeys(path string) (k *Keys, made bool, err error) {
	dir, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return nil, false, fmt.Errorf("spool: key folder: %w", err)
	}
	text, err := dir.ReadFile(filepath.Base(path))
	if err == nil {
		k, err := ParseKeys(string(text))
		return k, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("spool: read keys: %w", err)
	}
	if k, err = NewKeys(); err != nil {
		return nil, false, err
	}
	if err := dir.WriteFile(filepath.Base(path), []byte(k.Text())); err != nil {
		return nil, false, fmt.Errorf("spool: write keys: %w", err)
	}
	return k, true, nil
}

// Text is the key file's content. It is secret.
func (k *Keys) Text() string {
	var b strings.Builder
	b.WriteString("# Postern: keys of the body files. The first is the current one; keep old ones below it\n" +
		"# until no body needs them. Whoever has this file can read every message in custody.\n")
	for _, id := range k.identities {
		fmt.Fprintf(&b, "# public key: %s\n%s\n", id.Recipient(), id)
	}
	return b.String()
}

// Rotate returns keys with a fresh current one in front of those of k.
func (k *Keys) Rotate() (*Keys, error) {
	fresh, err := NewKeys()
	if err != nil {
		return nil, err
	}
	fresh.identities = append(fresh.identities, k.identities...)
	return fresh, nil
}

// Derive gives one 32-octet key per identity for another purpose, the
// current one first. The audit head is keyed with it: its key then lies
// outside the database and follows a rotation.
func (k *Keys) Derive(purpose string) [][]byte {
	var list [][]byte
	for _, id := range k.identities {
		key, err := hkdf.Key(sha256.New, []byte(id.String()), nil, "postern "+purpose, 32)
		if err != nil {
			panic("spool: hkdf: " + err.Error()) // only a length over 255 hashes fails
		}
		list = append(list, key)
	}
	return list
}

// keyID names a key without telling it.
type keyID [8]byte

func (k *Keys) current() (*age.X25519Identity, keyID) {
	return k.identities[0], idOf(k.identities[0])
}

func idOf(id *age.X25519Identity) keyID {
	sum := sha256.Sum256([]byte(id.Recipient().String()))
	return keyID(sum[:8])
}

// opening lists the identities, the one with the given id first. All are
// returned: the id only saves time, a damaged one must not hide a body.
func (k *Keys) opening(id keyID) []age.Identity {
	var first, rest []age.Identity
	for _, i := range k.identities {
		if idOf(i) == id {
			first = append(first, i)
		} else {
			rest = append(rest, i)
		}
	}
	return append(first, rest...)
}

func (k *Keys) has(id keyID) bool {
	for _, i := range k.identities {
		if idOf(i) == id {
			return true
		}
	}
	return false
}
