package senderauth

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Result is what a check came to (RFC 8601 §2.7).
type Result string

// The results. A result of somebody else may be another word.
const (
	None      Result = "none"
	Pass      Result = "pass"
	Fail      Result = "fail"
	Policy    Result = "policy"
	Neutral   Result = "neutral"
	SoftFail  Result = "softfail"
	TempError Result = "temperror"
	PermError Result = "permerror"
)

// Wanted says what is to be verified.
type Wanted struct {
	DKIM, ARC bool
}

// Verdict is what was found out about a message.
type Verdict struct {
	// Signatures are the DKIM signatures, from the top of the header.
	Signatures []Signature
	// Chain is that of ARC.
	Chain Chain
}

// Verifier verifies signatures.
type Verifier struct {
	// Resolver finds the keys.
	Resolver Resolver
	// Budget is how long keys are waited for. Default: 3s.
	Budget time.Duration
}

// check is one message that is being verified.
type check struct {
	now    time.Time
	fields []field
	keys   *keyring
	bodies map[bodyForm]*bodyHash
	sums   map[bodyForm][]byte
}

// Verify verifies what is wanted of a message. What cannot be had within the
// budget is temperror. The body is read once, and only when something signs
// it.
func (v *Verifier) Verify(ctx context.Context, b mail.Body, w Wanted, now time.Time) Verdict {
	budget := v.Budget
	if budget == 0 {
		budget = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	none := Verdict{Chain: Chain{Result: None}}
	r := bufio.NewReaderSize(io.NewSectionReader(b, 0, b.Size()), 32<<10)
	fields, err := readHead(r)
	if err != nil {
		return broken(w, err)
	}
	c := &check{
		now: now, fields: fields, keys: newKeyring(v.Resolver),
		bodies: map[bodyForm]*bodyHash{}, sums: map[bodyForm][]byte{},
	}
	var dkim []attempt
	var chain *chain
	if w.DKIM {
		dkim = c.dkimSignatures(ctx)
	}
	if w.ARC {
		chain = c.readChain(ctx)
	}
	if len(c.bodies) > 0 {
		if err := c.readBody(r); err != nil {
			return broken(w, err)
		}
	}
	out := none
	for _, a := range dkim {
		out.Signatures = append(out.Signatures, c.dkim(ctx, a))
	}
	if chain != nil {
		out.Chain = c.verifyChain(ctx, chain)
	}
	return out
}

// broken is the verdict on a message that cannot be read, or whose header is
// too long.
func broken(w Wanted, err error) Verdict {
	result := TempError
	if errors.Is(err, errHead) {
		result = PermError
	}
	out := Verdict{Chain: Chain{Result: None}}
	if w.DKIM {
		out.Signatures = []Signature{{Result: result, Reason: reason(err)}}
	}
	if w.ARC {
		out.Chain = Chain{Result: result, Reason: reason(err)}
	}
	return out
}

// reason is an error in words for people, without the name of the room.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), "senderauth: ")
}

// maxForms is in how many forms the body is hashed. Two are enough for honest
// signatures; every length of l= is a further one.
const maxForms = 6

// wantBody has the body hashed in a form.
func (c *check) wantBody(f bodyForm) error {
	if c.bodies[f] != nil {
		return nil
	}
	if len(c.bodies) == maxForms {
		return malformed("the signatures want more than %d forms of the body", maxForms)
	}
	c.bodies[f] = newBodyHash(f, sha256.New())
	return nil
}

func (c *check) readBody(r io.Reader) error {
	var all []io.Writer
	for _, b := range c.bodies {
		all = append(all, b)
	}
	if _, err := io.Copy(io.MultiWriter(all...), r); err != nil {
		return err
	}
	for f, b := range c.bodies {
		c.sums[f] = b.Sum()
	}
	return nil
}

// covered verifies a signature over header and body.
func (c *check) covered(ctx context.Context, s *signature) (Result, string) {
	k, err := c.keys.get(ctx, s.domain, s.selector)
	if err == nil {
		err = s.judgeKey(k)
	}
	if err != nil {
		return keyResult(err), reason(err)
	}
	if !s.expires.IsZero() && c.now.After(s.expires) {
		return Fail, "the signature expired"
	}
	if !equal(c.sums[s.form], s.hash) {
		return Fail, "the body was changed"
	}
	if !k.verify(s.headerSum(c.fields), s.sig) {
		return Fail, "the header was changed, or the key is another one"
	}
	if l := s.form.limit; l >= 0 && l < c.bodies[s.form].size {
		return Policy, "only a part of the body is signed"
	}
	if k.strict && s.identity != "" && !strings.HasSuffix(s.identity, "@"+s.domain) {
		return PermError, "the key is not for subdomains"
	}
	return Pass, ""
}

// keyResult is the result where there is no key.
func keyResult(err error) Result {
	var t temporary
	if errors.As(err, &t) {
		return TempError
	}
	return PermError
}
