package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// Keys are the identities that open body files: the first wraps the keys of
// new bodies, the others are former ones that still open theirs.
type Keys struct {
	identities []*age.X25519Identity
	retired    []retired
}

// retired is what is left of a key that opens no body any more: keys that were
// derived from it for other purposes, from which it cannot be found out.
type retired struct {
	id      keyID
	purpose string
	key     []byte
}

// retiredWord begins its line in a key file.
const retiredWord = "POSTERN-RETIRED-KEY"

// maxKeyLines bounds a key file.
const maxKeyLines = 1000

// ErrKeys is wrapped by every error about the content of a key file.
var ErrKeys = errors.New("vault: not a key file")

// ParseKeys reads a standard age key file: one "AGE-SECRET-KEY-1…" a line,
// empty lines and lines that begin with "#" left out; beside them what Retire
// leaves of a key. No error text carries any part of a key.
func ParseKeys(text string) (*Keys, error) {
	k := &Keys{}
	lines := strings.Split(text, "\n")
	if len(lines) > maxKeyLines {
		return nil, fmt.Errorf("%w: more than %d lines", ErrKeys, maxKeyLines)
	}
	for n, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, found := strings.CutPrefix(line, retiredWord+" "); found {
			r, ok := parseRetired(rest)
			if !ok {
				return nil, fmt.Errorf("%w: line %d is not what is left of a retired key", ErrKeys, n+1)
			}
			k.retired = append(k.retired, r)
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
		return nil, fmt.Errorf("vault: make a key: %w", err)
	}
	return &Keys{identities: []*age.X25519Identity{id}}, nil
}

// Text is the key file's content. It is secret.
func (k *Keys) Text() string {
	var b strings.Builder
	b.WriteString("# Postern: keys of the body files. The first is the current one; keep old ones below it\n" +
		"# until no body needs them. Whoever has this file can read every message in custody.\n")
	for _, id := range k.identities {
		fmt.Fprintf(&b, "# public key: %s\n%s\n", id.Recipient(), id)
	}
	if len(k.retired) > 0 {
		b.WriteString("# Left of keys that are gone. They open no body; the audit chain and hashes need them.\n")
	}
	for _, r := range k.retired {
		fmt.Fprintf(&b, "%s %s %s %s\n", retiredWord, r.id, hex.EncodeToString(r.key), r.purpose)
	}
	return b.String()
}

func parseRetired(text string) (r retired, ok bool) {
	words := strings.SplitN(text, " ", 3)
	if len(words) != 3 || words[2] == "" {
		return r, false
	}
	id, err := hex.DecodeString(words[0])
	if err != nil || len(id) != len(r.id) {
		return r, false
	}
	r.id.set(id)
	r.purpose = words[2]
	r.key, err = hex.DecodeString(words[1])
	return r, err == nil && len(r.key) == 32
}

// Retire returns keys without those that keep does not name; the current one
// always stays. What was derived from them for purposes stays too.
func (k *Keys) Retire(keep func(id string) bool, purposes []string) (rest *Keys, gone int) {
	rest = &Keys{}
	for n, id := range k.identities {
		if n == 0 || keep(idOf(id).String()) {
			rest.identities = append(rest.identities, id)
			continue
		}
		gone++
		for _, p := range purposes {
			rest.retired = append(rest.retired, retired{idOf(id), p, derive(id, p)})
		}
	}
	rest.retired = append(rest.retired, k.retired...)
	return rest, gone
}

// Rotate returns keys with a fresh current one in front of those of k.
func (k *Keys) Rotate() (*Keys, error) {
	fresh, err := NewKeys()
	if err != nil {
		return nil, err
	}
	fresh.identities = append(fresh.identities, k.identities...)
	fresh.retired = k.retired
	return fresh, nil
}

// Derive gives one 32-octet key per identity for another purpose, the
// current one first. The audit head is keyed with it: its key then lies
// outside the database and follows a rotation.
func (k *Keys) Derive(purpose string) [][]byte {
	var list [][]byte
	for _, id := range k.identities {
		list = append(list, derive(id, purpose))
	}
	for _, r := range k.retired {
		if r.purpose == purpose {
			list = append(list, bytes.Clone(r.key))
		}
	}
	return list
}

func derive(id *age.X25519Identity, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(id.String()), nil, "postern "+purpose, 32)
	if err != nil {
		panic("vault: hkdf: " + err.Error()) // only a length over 255 hashes fails
	}
	return key
}

// IDs name the keys, the current one first, without telling them.
func (k *Keys) IDs() (list []string) {
	for _, id := range k.identities {
		list = append(list, idOf(id).String())
	}
	return list
}

// keyID names a key without telling it.
type keyID [8]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

func idOf(id *age.X25519Identity) keyID { return idOfPublic(id.Recipient()) }

func idOfPublic(to *age.X25519Recipient) keyID {
	sum := sha256.Sum256([]byte(to.String()))
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
