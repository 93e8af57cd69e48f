package senderauth

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Resolver finds the texts of a name in the DNS. Its error may have a method
// NotFound() bool: without it, or when that is false, the answer could not be
// had.
type Resolver interface {
	TXT(ctx context.Context, name string) (list []string, secure bool, err error)
}

// Limits of a public key. RFC 8301 §3.2 forbids to believe in less than 1024
// bits; the upper bound keeps a signature cheap to check.
const (
	minVerifyBits = 1024
	maxKeyBits    = 8192
	maxKeyRecord  = 8 << 10
)

// publicKey is a key record (RFC 6376 §3.6.1).
type publicKey struct {
	kind    string // "rsa" or "ed25519"
	rsa     *rsa.PublicKey
	ed      ed25519.PublicKey
	hashes  []string // nil: all
	strict  bool     // t=s: the identity must be of the domain itself
	testing bool     // t=y
}

// errKey are the ways in which a key record is of no use.
var (
	errNoKey     = errors.New("the key record does not exist")
	errKeyRecord = errors.New("the key record is malformed")
	errRevoked   = errors.New("the key was revoked")
	errKeySize   = errors.New("the key is too short or too long")
	errKeyUse    = errors.New("the key is not for this use")
	errManyKeys  = errors.New("there are several key records")
)

// parseKey reads a key record.
func parseKey(record string) (publicKey, error) {
	if len(record) > maxKeyRecord {
		return publicKey{}, errKeyRecord
	}
	tags, err := parseTags(record)
	if err != nil {
		return publicKey{}, errKeyRecord
	}
	if i := slices.IndexFunc(tags, func(t tag) bool { return t.name == "v" }); i > 0 || i == 0 && tags[0].value != "DKIM1" {
		return publicKey{}, errKeyRecord
	}
	k := publicKey{kind: tags.get("k"), hashes: tags.split("h")}
	if services := tags.split("s"); services != nil && !slices.Contains(services, "*") && !slices.Contains(services, "email") {
		return publicKey{}, errKeyUse
	}
	flags := tags.split("t")
	k.strict, k.testing = slices.Contains(flags, "s"), slices.Contains(flags, "y")
	p, there := tags.find("p")
	if !there {
		return publicKey{}, errKeyRecord
	}
	if squeeze(p.value) == "" {
		return publicKey{}, errRevoked
	}
	der, err := base64.StdEncoding.DecodeString(squeeze(p.value))
	if err != nil {
		return publicKey{}, errKeyRecord
	}
	switch k.kind {
	case "", "rsa":
		k.kind = "rsa"
		return k, k.setRSA(der)
	case "ed25519":
		if len(der) != ed25519.PublicKeySize {
			return publicKey{}, errKeyRecord
		}
		k.ed = der
		return k, nil
	}
	return publicKey{}, errKeyUse
}

func (k *publicKey) setRSA(der []byte) error {
	any, err := x509.ParsePKIXPublicKey(der)
	pub, ok := any.(*rsa.PublicKey)
	if err != nil { // a bare RSAPublicKey, which RFC 6376 §3.6.1 names and some publish
		pub, err = x509.ParsePKCS1PublicKey(der)
		ok = err == nil
	}
	if !ok {
		return errKeyRecord
	}
	if bits := pub.N.BitLen(); bits < minVerifyBits || bits > maxKeyBits {
		return errKeySize
	}
	k.rsa = pub
	return nil
}

// verify reports whether sig is a signature of the key over the SHA-256 sum.
func (k *publicKey) verify(sum, sig []byte) bool {
	if k.rsa != nil {
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, sum, sig) == nil
	}
	return ed25519.Verify(k.ed, sum, sig)
}

// temporary is an error behind which there may be a key.
type temporary struct{ err error }

func (t temporary) Error() string { return "the key could not be had: " + t.err.Error() }

// maxKeys is how many keys are asked for on behalf of one message, and
// keysAtOnce how many of them at a time.
const (
	maxKeys    = 60
	keysAtOnce = 8
)

// keyring holds the keys of one message. They are asked for at once, while
// the body is hashed.
type keyring struct {
	resolver Resolver
	mu       sync.Mutex
	keys     map[string]*keyAnswer
	slots    chan struct{}
}

type keyAnswer struct {
	done chan struct{}
	key  publicKey
	err  error
}

func newKeyring(r Resolver) *keyring {
	return &keyring{resolver: r, keys: map[string]*keyAnswer{}, slots: make(chan struct{}, keysAtOnce)}
}

func keyName(domain, selector string) string {
	return strings.ToLower(selector + "._domainkey." + strings.TrimSuffix(domain, "."))
}

// want begins to ask for a key.
func (r *keyring) want(ctx context.Context, domain, selector string) {
	name := keyName(domain, selector)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[name] != nil {
		return
	}
	a := &keyAnswer{done: make(chan struct{})}
	r.keys[name] = a
	if len(r.keys) > maxKeys {
		a.err = fmt.Errorf("%w: the message asks for more than %d", errKeyUse, maxKeys)
		close(a.done)
		return
	}
	go func() {
		defer close(a.done)
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
			a.key, a.err = lookUp(ctx, r.resolver, name)
		case <-ctx.Done():
			a.err = temporary{ctx.Err()}
		}
	}()
}

// get waits for a key that was wanted.
func (r *keyring) get(ctx context.Context, domain, selector string) (publicKey, error) {
	r.want(ctx, domain, selector)
	r.mu.Lock()
	a := r.keys[keyName(domain, selector)]
	r.mu.Unlock()
	select {
	case <-a.done:
		return a.key, a.err
	case <-ctx.Done():
	}
	select { // both may be so: an answer that is there counts
	case <-a.done:
		return a.key, a.err
	default:
		return publicKey{}, temporary{ctx.Err()}
	}
}

func lookUp(ctx context.Context, r Resolver, name string) (publicKey, error) {
	if r == nil {
		return publicKey{}, temporary{errors.New("there is no resolver")}
	}
	list, _, err := r.TXT(ctx, name)
	var answer interface{ NotFound() bool }
	switch {
	case errors.As(err, &answer) && answer.NotFound():
		return publicKey{}, errNoKey
	case err != nil:
		return publicKey{}, temporary{err}
	}
	records := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !looksLikeKey(s) })
	switch len(records) {
	case 0:
		return publicKey{}, errNoKey
	case 1:
		return parseKey(records[0])
	}
	return publicKey{}, errManyKeys // RFC 6376 §3.6.2.2: nobody knows which
}

// looksLikeKey reports whether a text can be meant as a key: other texts may
// stand at the same name, for example because of a wildcard.
func looksLikeKey(s string) bool {
	tags, err := parseTags(s)
	if err != nil {
		return strings.HasPrefix(trim(s), "v=DKIM1")
	}
	return tags.has("p") || tags.get("v") == "DKIM1"
}
