package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Verdict is what should be done with one message.
type Verdict struct {
	// Policy is the version of the set.
	Policy string `json:"policy"`
	// Recipients are in the order of Facts.Recipients, one each.
	Recipients []RecipientVerdict `json:"recipients"`
	// Defer asks the client to try again: something was not seen for a cause
	// that passes by itself, and its gate is closed. Recipients then say what
	// would be done without that cause.
	Defer bool `json:"defer,omitempty"`
	// Code is what an operator is told, when there is something to tell.
	Code problem.Code `json:"code,omitempty"`
	// Closed lists the causes whose closed gate defers or holds.
	Closed []mail.Cause `json:"closed,omitempty"`
	// Inspected is the value of the header field: "full",
	// "partial; reason=encrypted" or "none; reason=…".
	Inspected string `json:"inspected"`
	// Unseen is Facts.Unseen and the rules that could not be evaluated.
	Unseen []mail.Unseen `json:"unseen,omitempty"`
}

// RecipientVerdict is what should be done for one recipient.
type RecipientVerdict struct {
	Address mail.Address `json:"address"`
	Action  Action       `json:"action"`
	// Rules are the ids of the rules that made the action; the first one
	// decided, and its parameters are used. Empty when a gate decided or
	// nothing matched.
	Rules []string `json:"rules"`
	// Won are the same rules with their places.
	Won []Match `json:"won,omitempty"`
	// Lost are the other rules that matched, with the reason.
	Lost []Match `json:"lost,omitempty"`
	// Unknown are the rules of which nobody can know whether they match.
	Unknown []Match `json:"unknown,omitempty"`
	// Because is a sentence for people, e.g. "3 card numbers (high) in
	// plan.docx go outside".
	Because string `json:"because"`
	// Text is the author's text of the rule that decided.
	Text string `json:"text,omitempty"`
	// Headers, Copy and Notify add up over all rules that matched.
	Headers []Header       `json:"headers,omitempty"`
	Copy    []mail.Address `json:"copy,omitempty"`
	Notify  bool           `json:"notify,omitempty"`
	// Edit is what is changed of the message, Handoff what Exchange's rules
	// are asked for, Added who gets the message besides: they add up too.
	Edit    Edit      `json:"edit,omitzero"`
	Handoff []Handoff `json:"handoff,omitempty"`
	Added   []Added   `json:"added,omitempty"`
	// Keep is how long an encrypted copy is kept as evidence: the longest.
	Keep time.Duration `json:"keep,omitempty"`
	// Keepers are the rules that want it kept.
	Keepers []string `json:"keepers,omitempty"`
	// Redirect are the addresses that get the message instead.
	Redirect []mail.Address `json:"redirect,omitempty"`
	// Hold is set when Action is hold or override.
	Hold *Hold `json:"hold,omitempty"`
	// Level is the least that is secure enough when Action is secure, and
	// Otherwise what happens when the recipient cannot be reached like that.
	Level     Level  `json:"level,omitempty"`
	Otherwise Action `json:"otherwise,omitempty"`
	// Refuse is how a block is told; "" is how the tenant says.
	Refuse Refuse `json:"refuse,omitempty"`
	// Would is the strongest action of a rule that is not fully in force;
	// empty when there is none.
	Would Action `json:"would,omitempty"`
	// AtMost is the action if every rule that cannot be known matched. It
	// equals Action when everything is known.
	AtMost Action `json:"at_most"`
}

// Match is a rule that matched, or may have.
type Match struct {
	Rule string `json:"rule"`
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
	// Action is what the rule does in its mode, Would what it says.
	Action Action `json:"action"`
	Would  Action `json:"would,omitempty"`
	// Place is "file:line".
	Place string `json:"place"`
	// Why says why it lost or cannot be known.
	Why  string       `json:"why,omitempty"`
	Code problem.Code `json:"code,omitempty"`
}

// Lost is a rule that matched and did not decide.
type Lost = Match

// Decide compares the facts of one message with a set. It is pure. For every
// recipient the most restrictive action wins, then the smaller priority, then
// the id; header fields, copies and notices of all matching rules add up. A
// nil set has no rules; the gates count nevertheless.
func Decide(s *Set, f Facts, g Gates) Verdict {
	d := &decision{set: s, facts: &f, moment: s.moment(&f)}
	return d.decide(g)
}

// decide is one run.
func (d *decision) decide(g Gates) Verdict {
	s, f := d.set, d.facts
	d.once = map[evaluated]result{}
	v := Verdict{Policy: s.Version(), Recipients: make([]RecipientVerdict, len(f.Recipients))}
	v.Unseen = slices.Clone(f.Unseen)
	failed := map[int][]mail.Unseen{}
	for i, p := range f.Recipients {
		rv, unknown := d.recipient(p)
		v.Recipients[i] = rv
		failed[i] = unknown
		v.Unseen = append(v.Unseen, unknown...)
	}
	v.Unseen = uniqueUnseen(v.Unseen)
	v.Inspected = inspectedHeader(f.inspected(), v.Unseen)
	if !f.Copied() {
		d.gates(&v, g, failed)
	}
	for i := range v.Recipients {
		v.Recipients[i].finish(f)
	}
	return v
}

// decision is one run of Decide.
type decision struct {
	set    *Set
	facts  *Facts
	moment *moment
	// once keeps the answers of rules that do not depend on the recipient.
	once map[evaluated]result
	// excepting are the moments without excepted values.
	excepting map[string]*moment
	// editions are the rules that hold, sieves those of them that may match.
	editions []*edition
	sieves   map[*edition]*sieve
	asked    []asked     // used again for each recipient
	buffer   []candidate // used again for each recipient
	// naive asks every rule for every recipient: what the tests compare with.
	naive bool
	// guess is for a replay, missing what it had to guess about.
	guess   guess
	missing []string
}

// evaluated is a rule in a moment.
type evaluated struct {
	rule   *Rule
	moment *moment
}

type result struct {
	answer answer
	err    error
	// guessed says that a replay took it for yes, and that it may have failed.
	guessed bool
	// branch is the exception that holds, when the answer is yes.
	branch *Branch
}

// weight orders what a policy comes to for one sender and for another: the
// stricter counts.
func (r result) weight() int {
	switch {
	case r.answer == yes && r.branch == nil:
		return 3
	case r.answer == cannotKnow:
		return 2
	case r.answer == yes:
		return 1
	}
	return 0
}

// candidate is one thing that a matching rule wants for one recipient.
type candidate struct {
	rule   *Rule
	step   *Step
	action Action // in the rule's mode
	would  Action // what the rule says, when that is another one
}

func (c candidate) match(why string) Match {
	return Match{Rule: c.rule.ID, Name: c.rule.Name, Mode: c.rule.Mode, Action: c.action, Would: c.would,
		Place: c.rule.Place, Why: why}
}

// recipient decides for one recipient. unknown are the rules that protect and
// cannot be evaluated. Where nobody knows which defaults hold for the sender,
// the stricter verdict counts.
func (d *decision) recipient(p Party) (v RecipientVerdict, unknown []mail.Unseen) {
	d.moment.turn(p)
	if d.set == nil {
		return RecipientVerdict{Address: p.Address, Action: Deliver, Rules: []string{}}, nil
	}
	if d.editions == nil {
		d.editions, d.sieves = d.set.edition(d.moment), map[*edition]*sieve{}
	}
	for i, e := range d.editions {
		other, more := d.judge(p, e)
		most := stronger(v.AtMost, other.AtMost)
		change := other.Action.Strength() - v.Action.Strength()
		if i == 0 || change > 0 && d.guess != guessNo || change < 0 && d.guess == guessNo {
			v = other
		}
		if i > 0 {
			v.AtMost = most
		}
		unknown = append(unknown, more...)
	}
	if len(d.editions) > 1 {
		for _, e := range d.editions[:len(d.editions)-1] {
			if d.guess != guessNothing { // a replay takes the weaker and the stricter one
				d.note("whether the sender belongs to " + e.by.Group)
			}
			v.Unknown = append(v.Unknown, Match{Rule: e.by.ID, Name: e.by.ID, Action: v.Action, Code: problem.RuleUnknown,
				Place: e.by.Place, Why: "whether the sender belongs to " + e.by.Group + " cannot be known: the stricter verdict counts"})
		}
	}
	return v, unknown
}

// judge evaluates the rules of an edition for one recipient.
func (d *decision) judge(p Party, e *edition) (v RecipientVerdict, unknown []mail.Unseen) {
	v = RecipientVerdict{Address: p.Address, Action: Deliver, Rules: []string{}}
	all := d.buffer[:0]
	upper := Deliver
	for _, one := range d.worthAsking(e) {
		r, res := one.rule, result{answer: yes}
		if !one.matches {
			res = d.match(r, p)
		}
		switch res.answer {
		case yes:
			if res.branch != nil {
				all = append(all, v.excuse(r, res.branch, d.facts)...)
				continue
			}
			all = r.wants(all, d.facts)
			if res.guessed && r.strongest(d.facts).action.Protects() { // or its evaluation failed then
				unknown = append(unknown, mail.Unseen{Reason: mail.EngineFailed})
			}
		case cannotKnow:
			c := r.strongest(d.facts)
			m := c.match(whyUnknown(res.err))
			m.Code = problem.RuleUnknown
			v.Unknown = append(v.Unknown, m)
			upper = strongest([]Action{upper, c.action})
			if c.action.Protects() {
				unknown = append(unknown, mail.Unseen{Reason: mail.EngineFailed,
					Detail: fmt.Sprintf("the rule %q cannot be evaluated: %s", r.ID, m.Why)})
			}
		}
	}
	d.settle(&v, all)
	d.buffer = all
	v.AtMost = strongest([]Action{v.Action, upper})
	return v, unknown
}

// worthAsking lists the rules that may match for the recipient, in their
// order. Values that are excepted for some rules and recipients can make a
// rule match that the facts as they stand do not: then all are asked.
func (d *decision) worthAsking(e *edition) (rules []asked) {
	wanted := func(r *Rule) bool { return r.Mode != ModeOff && r.applies(d.facts.Tenant) }
	if d.naive || e.plan == nil || len(d.facts.Excepted) > 0 {
		for _, r := range e.rules {
			if wanted(r) {
				rules = append(rules, asked{rule: r})
			}
		}
		return rules
	}
	sieve := d.sieves[e]
	if sieve == nil {
		sieve = e.plan.sieve(d.moment, wanted)
		d.sieves[e] = sieve
	}
	sieve.turn()
	rules = d.asked[:0]
	for _, r := range sieve.live {
		if a := sieve.ask(r.node); a != no {
			rules = append(rules, asked{r.rule, a == yes && len(r.rule.Branches) == 0})
		}
	}
	d.asked = rules
	return rules
}

// asked is a rule that may match; matches says that the index knows it.
type asked struct {
	rule    *Rule
	matches bool
}

// applies reports whether the rule is meant for the tenant.
func (r *Rule) applies(tenant string) bool {
	return len(r.Tenants) == 0 || slices.Contains(r.Tenants, tenant)
}

// match answers "when, and not unless, and no exception". A policy that means
// two people by its sender is asked for both.
func (d *decision) match(r *Rule, to Party) result {
	m := d.at(r, to)
	this := evaluated{r, m}
	if !r.perRecipient && !d.naive {
		if res, ok := d.once[this]; ok {
			return res
		}
	}
	res := result{}
	for _, m.subject = range r.Sender.each() {
		if one := d.ask(r, m); one.weight() > res.weight() {
			res = one
		}
	}
	m.subject = ""
	if !r.perRecipient {
		d.once[this] = res
	}
	return res
}

// ask answers for one sender. Of several exceptions that hold the first one
// counts; when nobody knows of one, nobody knows what is done.
func (d *decision) ask(r *Rule, m *moment) result {
	res := result{}
	res.answer, res.err = r.when.eval(m)
	if res.answer != no && r.unless != nil {
		switch except, err := r.unless.eval(m); {
		case except == yes:
			return result{answer: no}
		case except == cannotKnow && res.answer == yes:
			res = result{answer: cannotKnow, err: err}
		}
	}
	for _, b := range r.Branches {
		if res.answer != yes {
			break
		}
		switch except, err := b.when.eval(m); except {
		case yes:
			return result{answer: yes, branch: b}
		case cannotKnow:
			res = result{answer: cannotKnow, err: err}
		}
	}
	if res.answer == cannotKnow {
		res = d.guessed(r, res)
	}
	return res
}

// candidates are the rule's steps in its mode. Nothing can be done any more
// to a copy: there every rule only records, copies and notifies.
func (r *Rule) candidates(f *Facts) []candidate {
	return r.wants(make([]candidate, 0, len(r.Steps)), f)
}

// wants adds the candidates of the rule.
func (r *Rule) wants(all []candidate, f *Facts) []candidate {
	for i := range r.Steps {
		s := &r.Steps[i]
		c := candidate{rule: r, step: s, action: r.Mode.Effective(s.Action)}
		if f.Copied() && c.action != Notify && c.action != Copy {
			c.action = weaker(c.action, LogOnly)
		}
		if c.action == Override && (f.Robotic() || s.Terms.Delay) {
			c.action = HoldFor // nobody is there to choose; of a delay the sender chooses anyhow
		}
		if c.action != s.Action {
			c.would = s.Action
		}
		all = append(all, c)
	}
	return all
}

// strongest is the strongest candidate of a rule.
func (r *Rule) strongest(f *Facts) candidate {
	return slices.MaxFunc(r.candidates(f), func(a, b candidate) int {
		return cmp.Or(a.action.Strength()-b.action.Strength(), a.step.Action.Strength()-b.step.Action.Strength())
	})
}
