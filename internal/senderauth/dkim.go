package senderauth

import (
	"context"
	"slices"
	"strings"
	"time"
)

// maxSignatures is how many DKIM signatures of a message are verified, from
// the top: the others were there before, and each costs a key and a pass.
const maxSignatures = 10

// Signature is what came of one DKIM signature.
type Signature struct {
	Result Result `json:"result"`
	// Reason says why it is not pass.
	Reason string `json:"reason,omitempty"`
	// Domain and Selector name the key, Identity is on whose behalf.
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	Identity string `json:"identity,omitempty"`
	// Time is when it was signed, as the signer says.
	Time time.Time `json:"time,omitzero"`
	// Testing is set when the key says that it is only tried out.
	Testing bool `json:"testing,omitempty"`
	// Signed are the fields that it covers, in lower case.
	Signed []string `json:"-"`
}

// Covers reports whether a signature is verified and covers these fields,
// named in lower case. A signature that passes covers the whole body.
func (s Signature) Covers(fields ...string) bool {
	return s.Result == Pass && !s.Testing && !slices.ContainsFunc(fields, func(f string) bool {
		return !slices.Contains(s.Signed, f)
	})
}

// attempt is a signature that may be readable.
type attempt struct {
	sig *signature
	err error
}

// dkimSignatures reads the signatures of a message and begins to ask for
// their keys.
func (c *check) dkimSignatures(ctx context.Context) (list []attempt) {
	for _, f := range c.fields {
		if f.name != fieldDKIM || len(list) == maxSignatures {
			continue
		}
		s, err := parseDKIM(f)
		if err == nil {
			err = c.wantBody(s.form)
		}
		if err == nil {
			c.keys.want(ctx, s.domain, s.selector)
		}
		list = append(list, attempt{s, err})
	}
	return list
}

// parseDKIM reads a DKIM-Signature (RFC 6376 §3.5).
func parseDKIM(f field) (*signature, error) {
	s, err := parseSignature(f, "v", "a", "b", "bh", "d", "h", "s")
	if err != nil {
		return nil, err
	}
	if s.tags.get("v") != "1" {
		return nil, malformed("the version is unknown")
	}
	if err := s.covers(); err != nil {
		return nil, err
	}
	s.identity = strings.ToLower(s.tags.get("i"))
	if _, domain, ok := cutLast(s.identity, "@"); s.identity != "" &&
		(!ok || domain != s.domain && !strings.HasSuffix(domain, "."+s.domain)) {
		return nil, malformed("the identity is of another domain")
	}
	if !s.expires.IsZero() && !s.time.IsZero() && s.expires.Before(s.time) {
		return nil, malformed("it expired before it was made")
	}
	return s, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// dkim verifies one signature.
func (c *check) dkim(ctx context.Context, a attempt) Signature {
	if a.err != nil {
		return Signature{Result: PermError, Reason: reason(a.err)}
	}
	out := Signature{Domain: a.sig.domain, Selector: a.sig.selector, Identity: a.sig.identity, Time: a.sig.time}
	out.Result, out.Reason = c.covered(ctx, a.sig)
	out.Signed = a.sig.signed
	if k, err := c.keys.get(ctx, a.sig.domain, a.sig.selector); err == nil {
		out.Testing = k.testing
	}
	return out
}
