package senderauth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// zone is a resolver that knows some texts.
type zone map[string][]string

type notFound struct{}

func (notFound) Error() string  { return "no such name" }
func (notFound) NotFound() bool { return true }

func (z zone) TXT(_ context.Context, name string) ([]string, bool, error) {
	list, ok := z[name]
	switch {
	case !ok:
		return nil, false, notFound{}
	case list == nil:
		return nil, false, errors.New("server failure")
	}
	return list, false, nil
}

// rsaPEM gives one key of each size; making one takes time.
func rsaPEM(bits int) []byte {
	keysMade.Lock()
	defer keysMade.Unlock()
	if keysMade.pem[bits] == nil {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keysMade.pem[bits] = pkcs8(k)
	}
	return keysMade.pem[bits]
}

var keysMade = struct {
	sync.Mutex
	pem map[int][]byte
}{pem: map[int][]byte{}}

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func edPEM() []byte {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return pkcs8(k)
}

func signer(t testing.TB, domain string, key []byte) *Signer {
	t.Helper()
	s, err := NewSigner(domain, "sel", key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (z zone) publish(s *Signer) zone {
	z[s.Name()] = []string{s.Record()}
	return z
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

const letter = "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example\r\nSubject: one\r\n two\r\n" +
	"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@contoso.example>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: text/plain\r\n\r\nhello  \t world \r\n\r\nbye\r\n\r\n\r\n"

func verify(z zone, message string, w Wanted) Verdict {
	v := Verifier{Resolver: z}
	return v.Verify(context.Background(), mail.Bytes(message), w, noon())
}

func chainOf(z zone, message string) Chain { return verify(z, message, Wanted{ARC: true}).Chain }

// seal adds a set as a server does: it verifies what came, may change it, and
// seals.
func seal(t testing.TB, z zone, s *Signer, message string, change func(string) string) string {
	t.Helper()
	before := chainOf(z, message)
	if change != nil {
		message = change(message)
	}
	set, err := s.Seal(strings.NewReader(message), before, s.Domain+"; arc="+string(before.Result), noon())
	if err != nil {
		t.Fatal(err)
	}
	return string(set) + message
}
