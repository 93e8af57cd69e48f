package senderauth

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// minSignBits is the least size of a key that signs (RFC 8301 §3.2).
const minSignBits = 2048

// Signer signs in the name of a domain.
type Signer struct {
	// Domain and Selector name the key record: SELECTOR._domainkey.DOMAIN.
	Domain, Selector string
	key              crypto.Signer
}

// ErrSigner is returned for a key or a name with which nothing can be signed.
var ErrSigner = errors.New("senderauth: cannot sign")

// NewSigner reads a private key in PEM (PKCS #8 or PKCS #1).
func NewSigner(domain, selector string, key []byte) (*Signer, error) {
	s := &Signer{Domain: strings.ToLower(domain), Selector: strings.ToLower(selector)}
	if !hostName(s.Domain) || !strings.Contains(s.Domain, ".") {
		return nil, fmt.Errorf("%w: %q is no domain", ErrSigner, domain)
	}
	if !hostName(s.Selector) {
		return nil, fmt.Errorf("%w: %q is no selector", ErrSigner, selector)
	}
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, fmt.Errorf("%w: the key is not in PEM", ErrSigner)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if any, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("%w: the key is no private key (PKCS #8 or PKCS #1)", ErrSigner)
		}
	}
	switch k := any.(type) {
	case *rsa.PrivateKey:
		if bits := k.N.BitLen(); bits < minSignBits || bits > maxKeyBits {
			return nil, fmt.Errorf("%w: the key has %d bits; it must have %d to %d", ErrSigner, bits, minSignBits, maxKeyBits)
		}
		s.key = k
	case ed25519.PrivateKey:
		s.key = k
	default:
		return nil, fmt.Errorf("%w: the key is neither RSA nor Ed25519", ErrSigner)
	}
	return s, nil
}

// CanSeal reports whether the key can seal: few verifiers of ARC know
// Ed25519, so only RSA does.
func (s *Signer) CanSeal() bool { return s.kind() == "rsa" }

// Record is the text that must stand in the DNS, at Name.
func (s *Signer) Record() string {
	pub := []byte(nil)
	switch k := s.key.Public().(type) {
	case ed25519.PublicKey:
		pub = k
	case *rsa.PublicKey:
		pub, _ = x509.MarshalPKIXPublicKey(k) // an RSA key can always be written
	}
	return "v=DKIM1; k=" + s.kind() + "; p=" + base64.StdEncoding.EncodeToString(pub)
}

// Published reports whether a record holds the public key.
func (s *Signer) Published(record string) bool {
	k, err := parseKey(record)
	if err != nil {
		return false
	}
	if k.rsa != nil {
		return k.rsa.Equal(s.key.Public())
	}
	return k.ed.Equal(s.key.Public())
}

// Name is where the record must stand.
func (s *Signer) Name() string { return keyName(s.Domain, s.Selector) }

func (s *Signer) kind() string {
	if _, ok := s.key.(*rsa.PrivateKey); ok {
		return "rsa"
	}
	return "ed25519"
}

// sign makes the value of b= over what was hashed.
func (s *Signer) sign(sum []byte) (string, error) {
	opts := crypto.SignerOpts(crypto.SHA256)
	if s.kind() == "ed25519" {
		opts = crypto.Hash(0) // RFC 8463 §3: the hash itself is signed
	}
	sig, err := s.key.Sign(rand.Reader, sum, opts)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// toSign are the fields that are signed when they are there: those of RFC
// 6376 §5.4.1 that no server on the way changes, and the earlier signatures.
func toSign() []string {
	return []string{
		"from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
		"mime-version", "content-type", "content-transfer-encoding", "content-id", "content-description",
		"resent-from", "resent-sender", "resent-to", "resent-cc", "resent-date", "resent-message-id",
		"list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post",
		"list-owner", "list-archive", "autocrypt", fieldDKIM,
	}
}

// message is a message that is being signed.
type message struct {
	fields []field
	sum    []byte // of the body, relaxed
}

func readMessage(r io.Reader) (message, error) {
	br := bufio.NewReaderSize(r, 32<<10)
	fields, err := readHead(br)
	if err != nil {
		return message{}, err
	}
	body := newBodyHash(bodyForm{relaxed: true, limit: -1}, sha256.New())
	if _, err := io.Copy(body, br); err != nil {
		return message{}, fmt.Errorf("senderauth: read the body: %w", err)
	}
	return message{fields, body.Sum()}, nil
}

// names are the fields of m that are signed, each as often as it stands, and
// From once more, so that nobody can add another.
func (m message) names() []string {
	var list []string
	known := toSign()
	for _, f := range m.fields {
		if slices.Contains(known, f.name) && len(list) < maxSigned-1 {
			list = append(list, f.name)
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return slices.Index(known, a) - slices.Index(known, b) })
	return append([]string{"from"}, list...)
}

// cover makes a signature field over header and body. lead are the tags that
// come first.
func (s *Signer) cover(m message, name, lead string, now time.Time) (string, error) {
	text := fmt.Sprintf("%s: %s a=%s-sha256; c=relaxed/relaxed;\r\n\td=%s; s=%s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=",
		name, lead, s.kind(), s.Domain, s.Selector, now.Unix(), foldNames(m.names()), base64.StdEncoding.EncodeToString(m.sum))
	f := field{strings.ToLower(name), []byte(text)}
	sig := &signature{field: f, signed: m.names()}
	sig.body = tag{start: len(text) - f.value(), end: len(text) - f.value()}
	value, err := s.sign(sig.headerSum(m.fields))
	if err != nil {
		return "", err
	}
	return text + foldValue(value) + "\r\n", nil
}

// foldNames writes a list of fields in lines that are not too long.
func foldNames(list []string) string {
	var b strings.Builder
	line := 0
	for i, name := range list {
		if i > 0 {
			b.WriteByte(':')
			if line++; line+len(name) > 60 {
				b.WriteString("\r\n\t ")
				line = 0
			}
		}
		b.WriteString(name)
		line += len(name)
	}
	return b.String()
}

func foldValue(s string) string {
	var b strings.Builder
	for len(s) > 70 {
		b.WriteString(s[:70] + "\r\n\t ")
		s = s[70:]
	}
	return b.String() + s
}

// Sign makes a DKIM-Signature for a message that is read from r; it is to
// stand in front of it.
func (s *Signer) Sign(r io.Reader, now time.Time) ([]byte, error) {
	m, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(m.fields, func(f field) bool { return f.name == "from" }) {
		return nil, fmt.Errorf("%w: the message has no From", ErrSigner)
	}
	text, err := s.cover(m, "DKIM-Signature", "v=1;", now)
	return []byte(text), err
}
