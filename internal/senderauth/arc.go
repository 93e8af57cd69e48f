package senderauth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
)

// Limits of a chain. RFC 8617 §4.2.1 ends it at 50 sets; the octets keep the
// work with a hostile one small.
const (
	maxSets  = 50
	maxChain = 512 << 10
)

// Chain is what came of the ARC chain of a message (RFC 8617 §5.2).
type Chain struct {
	// Result is none, pass or fail; temperror when a key could not be had,
	// permerror when the header is too long to be read.
	Result Result `json:"result"`
	// Reason says why it is not pass.
	Reason string `json:"reason,omitempty"`
	// Instance is the highest one, Failed the one that the reason is about.
	Instance int `json:"instance,omitempty"`
	Failed   int `json:"failed,omitempty"`
	// Oldest is the instance since which nothing that is signed was changed;
	// 0 when nothing ever was, as far as the chain tells.
	Oldest int `json:"oldest"`
	// Sealers are the domains that sealed, instance 1 first, when it passes.
	Sealers []string `json:"sealers,omitempty"`
	// Results are what each of them found, instance 1 first, when it passes.
	Results []Results `json:"-"`
	// Sealed is set when the chain says of itself that it failed: then nothing
	// is to be added any more.
	Sealed bool `json:"-"`
}

// chain is the chain of a message as it stands in the header.
type chain struct {
	sets   []arcSet // instance 1 first
	top    int      // the highest instance that was seen
	err    error    // why it cannot be valid
	at     int      // the instance that err is about
	failed bool     // cv=fail in the last seal
}

// arcSet is one ARC set.
type arcSet struct {
	results  field
	message  *signature
	seal     *signature
	messages field
	seals    field
}

// readChain collects the sets of a message and begins to ask for the keys; nil
// for a message without any.
func (c *check) readChain(ctx context.Context) *chain {
	ch := collect(c.fields)
	if ch == nil || ch.err != nil || ch.failed {
		return ch
	}
	for i := range ch.sets {
		s := &ch.sets[i]
		if err := s.read(i + 1); err != nil {
			ch.err, ch.at = err, i+1
			return ch
		}
	}
	last := len(ch.sets) - 1
	if err := c.wantBody(ch.sets[last].message.form); err != nil {
		ch.err, ch.at = err, last+1
		return ch
	}
	for i := last; i >= 0; i-- { // the one that matters most first
		c.keys.want(ctx, ch.sets[i].message.domain, ch.sets[i].message.selector)
		c.keys.want(ctx, ch.sets[i].seal.domain, ch.sets[i].seal.selector)
	}
	return ch
}

// collect sorts the ARC fields of a header into sets and checks that each
// instance has exactly one of each, without a gap.
func collect(fields []field) *chain {
	type trio struct{ results, message, seal []field }
	var (
		sets  = map[int]*trio{}
		ch    = &chain{}
		size  int
		found bool
	)
	for _, f := range fields {
		if f.name != fieldResults && f.name != fieldMessage && f.name != fieldSeal {
			continue
		}
		found = true
		size += len(f.raw)
		n := instance(f)
		if n == 0 || size > maxChain {
			if ch.err == nil {
				ch.err = malformed("%s without an instance from 1 to %d", f.name, maxSets)
				if size > maxChain {
					ch.err = malformed("the chain is longer than %d octets", maxChain)
				}
			}
			continue
		}
		ch.top = max(ch.top, n)
		if sets[n] == nil {
			sets[n] = &trio{}
		}
		switch f.name {
		case fieldResults:
			sets[n].results = append(sets[n].results, f)
		case fieldMessage:
			sets[n].message = append(sets[n].message, f)
		default:
			sets[n].seal = append(sets[n].seal, f)
		}
	}
	if !found {
		return nil
	}
	if t := sets[ch.top]; t != nil {
		for _, f := range t.seal {
			tags, err := parseTags(string(f.raw[f.value():]))
			ch.failed = ch.failed || err == nil && tags.get("cv") == string(Fail)
		}
	}
	if ch.err != nil {
		return ch
	}
	for n := 1; n <= ch.top; n++ {
		t := sets[n]
		if t == nil || len(t.results) != 1 || len(t.message) != 1 || len(t.seal) != 1 {
			ch.err, ch.at = malformed("set %d is not complete, or something of it stands twice", n), n
			return ch
		}
		ch.sets = append(ch.sets, arcSet{results: t.results[0], messages: t.message[0], seals: t.seal[0]})
	}
	return ch
}

// instance is the value of i=, or 0.
func instance(f field) int {
	v := string(f.raw[f.value():])
	if f.name == fieldResults { // what follows is no list of tags
		v, _, _ = strings.Cut(v, ";")
		name, n, _ := strings.Cut(v, "=")
		if trim(name) != "i" {
			return 0
		}
		return instanceNumber(trim(n))
	}
	tags, err := parseTags(v)
	if err != nil {
		return 0
	}
	return instanceNumber(tags.get("i"))
}

func instanceNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxSets || len(s) > 2 || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	return n
}

// read parses both signatures of a set.
func (s *arcSet) read(n int) (err error) {
	if s.message, err = parseSignature(s.messages, "a", "b", "bh", "d", "h", "i", "s"); err != nil {
		return err
	}
	if err = s.message.covers(); err != nil {
		return err
	}
	if slices.ContainsFunc(s.message.signed, func(name string) bool {
		return name == fieldResults || name == fieldMessage || name == fieldSeal
	}) {
		return malformed("the signature over the message covers fields of ARC") // §4.1.2
	}
	if s.seal, err = parseSignature(s.seals, "a", "b", "cv", "d", "i", "s"); err != nil {
		return err
	}
	if s.seal.tags.has("h") {
		return malformed("a seal names fields") // §4.1.3
	}
	want := Pass
	if n == 1 {
		want = None
	}
	if cv := s.seal.tags.get("cv"); cv != string(want) {
		return malformed("seal %d says cv=%.20s", n, cv)
	}
	return nil
}

// verifyChain does the steps of RFC 8617 §5.2.
func (c *check) verifyChain(ctx context.Context, ch *chain) Chain {
	out := Chain{Result: Fail, Instance: ch.top, Failed: ch.at, Sealed: ch.failed}
	switch {
	case ch.failed:
		out.Reason, out.Failed = "a sealer found the chain broken", ch.top
		return out
	case ch.err != nil:
		out.Reason = reason(ch.err)
		return out
	}
	last := len(ch.sets) - 1
	if r, why := c.covered(ctx, ch.sets[last].message); r != Pass {
		return out.ended(r, fmt.Sprintf("message signature %d: %s", last+1, why), last+1)
	}
	for i := last; i >= 0; i-- {
		if r, why := c.sealed(ctx, ch.sets, i); r != Pass {
			return out.ended(r, fmt.Sprintf("seal %d: %s", i+1, why), i+1)
		}
	}
	out.Result = Pass
	out.Oldest = c.oldest(ctx, ch.sets)
	for _, s := range ch.sets {
		out.Sealers = append(out.Sealers, s.seal.domain)
		_, rest, _ := strings.Cut(string(s.results.raw[s.results.value():]), ";")
		results, err := ParseResults(rest)
		if err != nil {
			results = Results{}
		}
		out.Results = append(out.Results, results)
	}
	return out
}

func (c Chain) ended(r Result, why string, at int) Chain {
	c.Result, c.Reason, c.Failed = Fail, why, at
	if r == TempError {
		c.Result = TempError
	}
	return c
}

// oldest is the instance since which the message is as it was signed.
func (c *check) oldest(ctx context.Context, sets []arcSet) int {
	for i := len(sets) - 2; i >= 0; i-- {
		if c.sums[sets[i].message.form] == nil { // another form: not looked at
			return i + 2
		}
		if r, _ := c.covered(ctx, sets[i].message); r != Pass {
			return i + 2
		}
	}
	return 0
}

// sealed verifies the seal of a set.
func (c *check) sealed(ctx context.Context, sets []arcSet, i int) (Result, string) {
	s := sets[i].seal
	k, err := c.keys.get(ctx, s.domain, s.selector)
	if err == nil {
		err = s.judgeKey(k)
	}
	if err != nil {
		return keyResult(err), reason(err)
	}
	h := sha256.New()
	for _, before := range sets[:i] {
		before.hash(h)
		writeLine(h, before.seals.raw)
	}
	sets[i].hash(h)
	h.Write(relaxedField(nil, s.unsigned()))
	if !k.verify(h.Sum(nil), s.sig) {
		return Fail, "a field of the chain was changed, or the key is another one"
	}
	return Pass, ""
}

// hash takes what a seal covers of its own set before itself (§5.1.1).
func (s arcSet) hash(h hash.Hash) {
	writeLine(h, s.results.raw)
	writeLine(h, s.messages.raw)
}

func writeLine(h hash.Hash, raw []byte) { h.Write(append(relaxedField(nil, raw), '\r', '\n')) }
