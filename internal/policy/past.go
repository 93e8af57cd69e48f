package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Past is what a set says of a message of which only facts are left. Where
// the set asks for something that was not kept, the answer lies between two
// verdicts.
type Past struct {
	// Least is the verdict if nothing unknown spoke against the message, Most
	// if everything did. They are equal in what is known for certain.
	Least, Most Verdict
	// Missing names what was not kept and is asked for.
	Missing []string
	blind   bool
}

// Known reports whether the verdict for the i-th recipient is known.
func (p Past) Known(i int) bool {
	return !p.blind && p.Least.Defer == p.Most.Defer && p.Least.Recipients[i].Action == p.Most.Recipients[i].Action
}

// foundations are the facts without which nothing can be said at all.
func foundations() []string {
	return []string{
		"automatic", "deferrals", "deferring", "kind", "monitor", "null_sender", "ooo", "recipients", "tenant", "unseen",
	}
}

// Replay decides about facts that were kept. Unlike Decide it does not take a
// fact that was not kept for an engine that failed: then it was there. For
// each recipient the action is known when Least and Most say the same, as
// more rules that match never make an action weaker.
func Replay(s *Set, f Facts, g Gates) Past {
	least := &decision{set: s, facts: &f, moment: s.moment(&f), guess: guessNo}
	p := Past{Least: least.decide(g)}
	p.Most, p.Missing = p.Least, least.missing
	if len(p.Missing) > 0 {
		most := &decision{set: s, facts: &f, moment: s.moment(&f), guess: guessYes}
		p.Most = most.decide(g)
	}
	for _, key := range foundations() {
		if slices.Contains(f.Unknown, key) {
			p.blind, p.Missing = true, append(p.Missing, key)
		}
	}
	return p
}

// guess is what a decision takes a rule for that asks for missing facts.
type guess int

const (
	guessNothing guess = iota // such a rule closes a gate, as in service
	guessNo
	guessYes
)

// guessed puts the guess in the place of an answer that cannot be known
// because a fact is missing. A failure that another value might not have met
// is such an answer too.
func (d *decision) guessed(r *Rule, res result) result {
	missing := errors.Is(res.err, errUnknown)
	if d.guess == guessNothing || !missing && !r.fragile() {
		return res
	}
	d.note(strings.TrimSuffix(whyUnknown(res.err), " "+errUnknown.Error()))
	if d.guess == guessNo {
		return result{answer: no}
	}
	return result{answer: yes, guessed: r.fragile()}
}

// fragile reports whether evaluating the rule can fail.
func (r *Rule) fragile() bool {
	return slices.ContainsFunc(r.conditions(), func(c *condition) bool { return c.Fragile })
}

// fragile are CEL's operators and functions that fail for some values.
func fragile(function string) bool {
	switch function {
	case "_[_]", "_/_", "_%_", "int", "uint", "double", "timestamp", "duration", "matches", "bool":
		return true
	}
	return false
}

// note remembers what was missing.
func (d *decision) note(what ...string) {
	for _, w := range what {
		if !slices.Contains(d.missing, w) {
			d.missing = append(d.missing, w)
		}
	}
}

// Own says what the detectors were made of that only this set brings, or that
// are looked for only because it names them: a short hash by name. Facts hold
// what was looked for then; a finding of another one cannot be known.
func (s *Set) Own() map[string]string {
	own := map[string]string{}
	if s != nil {
		for name, made := range s.own {
			own[name] = made
		}
	}
	return own
}

// owned works Own out.
func (s *Set) owned() {
	s.own = map[string]string{}
	for _, d := range s.dictionaries {
		d.Name = ""
		s.own[celName(d.ID)] = madeOf(d)
	}
	for _, d := range s.detectors {
		d.Name = ""
		s.own[celName(d.ID)] = madeOf(d)
	}
	named, _ := s.Asked("")
	for typ, made := range s.terms {
		if slices.Contains(named, celName(typ)) {
			s.own[celName(typ)] = made
		}
	}
}

func madeOf(v any) string {
	text, _ := json.Marshal(v) // plain data: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// moment is one evaluation of facts by the set.
func (s *Set) moment(f *Facts) *moment {
	m := newMoment(f, s.Profiles()...)
	m.strangers(s)
	return m
}

// strangers are the names of detectors that were not looked for, or were made
// of something else then. Facts that nobody wrote down say nothing of it.
func (m *moment) strangers(s *Set) {
	if s == nil || m.facts.Own == nil && !m.unknown["own"] {
		return
	}
	for name, made := range s.own {
		if m.facts.Own[name] != made {
			if m.strange == nil {
				m.strange = map[string]bool{}
			}
			m.strange[name] = true
		}
	}
	for _, p := range m.profiles {
		if len(m.strange) > 0 && len(p.Needs) > 0 && p.strange(m) {
			m.strange[celName(p.ID)] = true
		}
	}
}

// values are those of a header field; known is false when they were not kept.
// A field that is not among the others was not in the message.
func (f *Facts) values(name string) (list []string, known bool) {
	name = strings.ToLower(name)
	if list, known = f.Headers[name]; known || f.Other == nil {
		return list, known
	}
	return nil, !slices.Contains(f.Other, name)
}

// KeptHeaders lists, in lower case, the header fields that are kept for
// drafts of the future, besides those that a set asks for: what rules of mail
// systems commonly look at. Fields that trace a message's way or sign it are
// not among them.
func KeptHeaders() []string {
	return []string{
		"authentication-results", "auto-submitted", "cc", "comments", "content-class", "content-language", "content-type",
		"date", "disposition-notification-to", "expires", "feedback-id", "importance", "in-reply-to", "keywords", "list-id",
		"list-post", "list-unsubscribe", "message-id", "organization", "precedence", "priority", "received-spf", "reply-to",
		"return-path", "return-receipt-to", "sender", "sensitivity", "thread-topic", "to", "user-agent",
		"x-auto-response-suppress", "x-classification", "x-mailer", "x-ms-exchange-crosstenant-authas",
		"x-ms-exchange-generated-message-source", "x-ms-exchange-organization-authas", "x-ms-exchange-organization-scl",
		"x-ms-has-attach", "x-msmail-priority", "x-original-sender", "x-originating-ip", "x-priority", "x-spam-flag",
		"x-spam-score", "x-spam-status",
	}
}
