package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"filippo.io/age"
)

// Role is what a key of bodies is used for.
type Role string

// The roles.
const (
	// Delivery sends, without a person. Its key is in the process.
	Delivery Role = "delivery"
	// Reading is somebody who decides about a held message and looks at it.
	Reading Role = "reading"
	// Emergency is two persons who agree that a message must be read.
	Emergency Role = "emergency"
	// Evidence reads the copies that a policy keeps. Nobody else can, if its
	// key is not on this machine.
	Evidence Role = "evidence"
)

// Roles lists those that may have keys of their own.
func Roles() []Role { return []Role{Reading, Emergency, Evidence} }

// Lock is a key of a role's own: its public half wraps, and its private half
// is fetched when it is needed.
type Lock struct {
	public *age.X25519Recipient
	source Source
}

// NewLock makes a lock of a public key in age's form ("age1…") and of the
// source of its private half; a source that is empty says that it is not on
// this machine.
func NewLock(public, source, dir string) (Lock, error) {
	to, err := age.ParseX25519Recipient(strings.TrimSpace(public))
	if err != nil {
		return Lock{}, fmt.Errorf("%w: a public key begins with age1", ErrKeys)
	}
	return Lock{to, Source{source, dir}}, nil
}

// ID names the lock's key.
func (l Lock) ID() string { return idOfPublic(l.public).String() }

// Ring is all keys that a process has, or knows where to fetch. Several
// goroutines may use it.
type Ring struct {
	delivery atomic.Pointer[Keys]
	locks    map[Role]Lock
}

// NewRing makes a ring of the delivery keys and of the locks of roles that
// have keys of their own.
func NewRing(delivery *Keys, locks map[Role]Lock) *Ring {
	r := &Ring{locks: locks}
	r.delivery.Store(delivery)
	return r
}

// Keys are the delivery keys.
func (r *Ring) Keys() *Keys { return r.delivery.Load() }

// Replace puts other delivery keys in force. They must still have every key
// that opens something.
func (r *Ring) Replace(k *Keys) { r.delivery.Store(k) }

// Current names the key that wraps for a role now. Own says that it is one of
// the role's own.
func (r *Ring) Current(role Role) (id string, own bool) {
	if l, own := r.locks[role]; own {
		return l.ID(), true
	}
	return r.Keys().IDs()[0], false
}

// Here reports whether the private key of a role can be fetched from here.
func (r *Ring) Here(role Role) bool {
	l, own := r.locks[role]
	return !own || l.source.Text != ""
}

// Wrap wraps the key of a file for a role.
func (r *Ring) Wrap(role Role, file string, key FileKey) (Wrapped, error) {
	if l, own := r.locks[role]; own {
		return wrapFor(l.public, file, key)
	}
	return r.Keys().wrap(role, file, key), nil
}

// ErrElsewhere says that the private key of a role is not on this machine.
var ErrElsewhere = errors.New("vault: the private key of this role is not on this machine")

// Unwrap opens a wrapping for a role. A key of the role's own is fetched for
// this one use and not kept.
func (r *Ring) Unwrap(ctx context.Context, role Role, file string, w Wrapped) (FileKey, error) {
	form, id, data, err := w.split()
	switch {
	case err != nil:
		return nil, err
	case form == formDerived:
		return r.Keys().unwrap(role, file, id, data)
	}
	l, own := r.locks[role]
	if !own || l.source.Text == "" {
		return nil, fmt.Errorf("%w: %s (key id %s)", ErrElsewhere, role, id)
	}
	k, err := l.source.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("vault: key of the role %s: %w", role, err)
	}
	return k.unwrapWith(file, id, data)
}

// UnwrapWith opens a wrapping for a public key with keys that somebody brings.
func UnwrapWith(k *Keys, file string, w Wrapped) (FileKey, error) {
	form, id, data, err := w.split()
	if err != nil {
		return nil, err
	}
	if form != formPublic {
		return nil, fmt.Errorf("%w (key id %s): it was not wrapped for a key of a role's own", ErrKeyMissing, id)
	}
	return k.unwrapWith(file, id, data)
}
