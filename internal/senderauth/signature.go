package senderauth

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of what is signed. Real signatures name some thirty fields.
const (
	maxSigned    = 300     // names in h=
	maxSignature = 2 << 10 // octets of b=: a key of 8192 bits makes 1024
)

// The fields that carry signatures, in lower case.
const (
	fieldDKIM    = "dkim-signature"
	fieldResults = "arc-authentication-results"
	fieldMessage = "arc-message-signature"
	fieldSeal    = "arc-seal"
)

// signature is what DKIM-Signature, ARC-Message-Signature and ARC-Seal have
// in common.
type signature struct {
	field    field
	tags     tagList
	body     tag // b=, with its place in the value
	kind     string
	domain   string
	selector string
	identity string // i= of DKIM
	signed   []string
	form     bodyForm
	simple   bool // the header
	hash     []byte
	sig      []byte
	time     time.Time
	expires  time.Time
}

var errSignature = errors.New("malformed signature")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errSignature, fmt.Sprintf(format, args...))
}

// parseSignature reads a signature field. required are its tags.
func parseSignature(f field, required ...string) (*signature, error) {
	tags, err := parseTags(string(f.raw[f.value():]))
	if err != nil {
		return nil, err
	}
	for _, name := range required {
		if tags.get(name) == "" {
			return nil, malformed("the tag %s is missing", name)
		}
	}
	s := &signature{
		field: f, tags: tags, domain: strings.ToLower(tags.get("d")), selector: strings.ToLower(tags.get("s")),
		form: bodyForm{limit: -1},
	}
	s.body, _ = tags.find("b")
	kind, sum, _ := strings.Cut(tags.get("a"), "-")
	if sum == "sha1" {
		return nil, malformed("SHA-1 must not be believed") // RFC 8301 §3.1
	}
	if sum != "sha256" || kind != "rsa" && kind != "ed25519" {
		return nil, malformed("the algorithm is unknown")
	}
	s.kind = kind
	if !hostName(s.domain) || !hostName(s.selector) {
		return nil, malformed("domain or selector is no name")
	}
	if s.sig, err = octets(tags, "b", maxSignature); err != nil {
		return nil, err
	}
	if s.time, err = seconds(tags, "t"); err != nil {
		return nil, err
	}
	if s.expires, err = seconds(tags, "x"); err != nil {
		return nil, err
	}
	return s, nil
}

// covers reads what a signature over a message says of header and body.
func (s *signature) covers() (err error) {
	if s.hash, err = octets(s.tags, "bh", sha256.Size); err != nil {
		return err
	}
	if q := s.tags.split("q"); q != nil && !slices.Contains(q, "dns/txt") {
		return malformed("the key is not in the DNS")
	}
	header, body, _ := strings.Cut(s.tags.get("c"), "/")
	s.simple = header != "relaxed"
	s.form.relaxed = body == "relaxed"
	for _, c := range []string{header, body} {
		if c != "" && c != "simple" && c != "relaxed" {
			return malformed("the canonical form is unknown")
		}
	}
	for _, name := range s.tags.split("h") {
		s.signed = append(s.signed, strings.ToLower(name))
	}
	switch {
	case len(s.signed) > maxSigned:
		return malformed("more than %d fields are signed", maxSigned)
	case !slices.Contains(s.signed, "from"):
		return malformed("From is not signed")
	}
	if l := s.tags.get("l"); l != "" {
		n, err := strconv.ParseInt(l, 10, 64)
		if err != nil || n < 0 {
			return malformed("the length is no number")
		}
		s.form.limit = n
	}
	return nil
}

func octets(tags tagList, name string, most int) ([]byte, error) {
	v := tags.get(name)
	if base64.StdEncoding.DecodedLen(len(v)) > most+2 {
		return nil, malformed("%s is too long", name)
	}
	p, err := base64.StdEncoding.DecodeString(v)
	if err != nil || len(p) == 0 {
		return nil, malformed("%s is not base64", name)
	}
	return p, nil
}

// maxSeconds is a time that no program minds (the year 9999).
const maxSeconds = 253402300799

func seconds(tags tagList, name string) (time.Time, error) {
	v := tags.get(name)
	if v == "" {
		return time.Time{}, nil
	}
	if strings.Trim(v, "0123456789") != "" {
		return time.Time{}, malformed("%s is no time", name)
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n > maxSeconds { // RFC 6376 §3.5: such a time is never over
		n = maxSeconds
	}
	return time.Unix(n, 0).UTC(), nil
}

// hostName reports whether s can be asked for in the DNS as it is.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c >= 0x80:
		default:
			return false
		}
	}
	return true
}

// unsigned is the signature field with the value of b= taken out, as it was
// when it was signed.
func (s *signature) unsigned() []byte {
	at := s.field.value()
	raw := bytes.Clone(s.field.raw[:at+s.body.start])
	return append(raw, s.field.raw[at+s.body.end:]...)
}

// canonical appends a field in the form in which the signature covers it.
func (s *signature) canonical(dst, raw []byte) []byte {
	if s.simple {
		return append(dst, raw...)
	}
	return relaxedField(dst, raw)
}

// headerSum is the hash over the fields that are signed and the signature
// itself (RFC 6376 §3.7). Of several fields of one name the last comes first.
func (s *signature) headerSum(fields []field) []byte {
	h := sha256.New()
	var buf []byte
	taken := map[string]int{}
	byName := map[string][]int{}
	for i, f := range fields {
		byName[f.name] = append(byName[f.name], i)
	}
	for _, name := range s.signed {
		at := byName[name]
		n := len(at) - 1 - taken[name]
		if n < 0 {
			continue
		}
		taken[name]++
		buf = append(s.canonical(buf[:0], fields[at[n]].raw), '\r', '\n')
		h.Write(buf)
	}
	h.Write(s.canonical(buf[:0], s.unsigned()))
	return h.Sum(nil)
}

// judgeKey says whether a key may be used for a signature.
func (s *signature) judgeKey(k publicKey) error {
	switch {
	case k.kind != s.kind:
		return fmt.Errorf("%w: it is of another kind", errKeyUse)
	case k.hashes != nil && !slices.Contains(k.hashes, "sha256"):
		return fmt.Errorf("%w: it is for other hashes", errKeyUse)
	}
	return nil
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
