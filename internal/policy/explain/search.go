package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Bounds of a search.
const (
	maxTried   = 2000 // verdicts
	maxChanges = 4    // at a time
	maxTargets = 40   // rules that could match instead
)

// Search is the search for the smallest change to another verdict.
type Search struct {
	// Found is what was found; nil when nothing was.
	Found *Counterfactual `json:"found,omitempty"`
	// Policy is a change of the policy that does the same.
	Policy *Amendment `json:"policy,omitempty"`
	// Tried is how many verdicts were made; Exhausted is set when the search
	// ended at its limit.
	Tried     int  `json:"tried"`
	Exhausted bool `json:"exhausted,omitempty"`
}

// Counterfactual is a change of the facts after which the verdict is another
// one. It was checked.
type Counterfactual struct {
	Changes []Change      `json:"changes"`
	Action  policy.Action `json:"action"`
	Defer   bool          `json:"defer,omitempty"`

	facts policy.Facts
	who   int
}

// Facts are the facts after the changes, and the number of the recipient.
func (c Counterfactual) Facts() (policy.Facts, int) { return c.facts, c.who }

// Text is the change in words.
func (c Counterfactual) Text() string {
	var list []string
	for _, ch := range c.Changes {
		list = append(list, ch.Text)
	}
	return strings.Join(list, ", and ")
}

func (c Counterfactual) distance() (d int) {
	for _, ch := range c.Changes {
		d += ch.distance
	}
	return d
}

// quest is what a search looks for.
type quest struct {
	goal func(v policy.Verdict, who int) bool
	// expand proposes changes in a state.
	expand func(s state, v policy.Verdict) []Change
	tried  int
	seen   map[string]bool
}

// tried is a state with its verdict.
type tried struct {
	state
	verdict policy.Verdict
}

func (x *Explainer) start(i int) tried { return tried{state{facts: x.Facts, who: i}, x.Verdict} }

// run looks for the fewest changes, and of those for the smallest. Every
// change is proposed for something that must change in any case, so a set of
// changes that does it is met with each of its parts in turn.
func (x *Explainer) run(q *quest, from []tried) (best *Counterfactual, exhausted bool) {
	for range maxChanges {
		var next []tried
		for _, t := range from {
			for _, ch := range q.expand(t.state, t.verdict) {
				s, ok := t.with(ch)
				if !ok || q.known(s) {
					continue
				}
				if q.tried++; q.tried > maxTried || x.stopped() {
					return best, true
				}
				v := policy.Decide(x.Set, s.facts, x.Gates)
				if q.goal(v, s.who) {
					best = x.nearer(best, q, s, v)
				} else {
					next = append(next, tried{s, v})
				}
			}
		}
		if best != nil || len(next) == 0 {
			return best, false
		}
		from = next
	}
	return nil, false
}

func (x *Explainer) stopped() bool { return x.Stop != nil && x.Stop() }

// known reports whether the same changes were tried in another order.
func (q *quest) known(s state) bool {
	keys := make([]string, len(s.changes))
	for i, c := range s.changes {
		keys[i] = c.key()
	}
	slices.Sort(keys)
	key := strings.Join(keys, "\x01")
	if q.seen[key] {
		return true
	}
	q.seen[key] = true
	return false
}

// nearer is the better of two; what a state does not need is left out first.
func (x *Explainer) nearer(best *Counterfactual, q *quest, s state, v policy.Verdict) *Counterfactual {
	for i := 0; i < len(s.changes) && len(s.changes) > 1; i++ {
		less, ok := x.replay(s.changes, i)
		if !ok {
			continue
		}
		if w := policy.Decide(x.Set, less.facts, x.Gates); q.goal(w, less.who) {
			s, v, i = less, w, -1
		}
	}
	r := v.Recipients[s.who]
	c := &Counterfactual{Changes: s.changes, Action: r.Action, Defer: v.Defer, facts: s.facts, who: s.who}
	if best == nil || len(c.Changes) < len(best.Changes) ||
		len(c.Changes) == len(best.Changes) && c.distance() < best.distance() {
		return c
	}
	return best
}

// replay makes the changes again, without one of them.
func (x *Explainer) replay(changes []Change, but int) (state, bool) {
	who := slices.IndexFunc(changes, func(c Change) bool { return c.gone >= 0 })
	if who >= 0 {
		return state{}, false // numbers of recipients would mean others
	}
	s := state{facts: x.Facts, who: x.who}
	for i, c := range changes {
		if i == but {
			continue
		}
		var ok bool
		if s, ok = s.with(c); !ok {
			return s, false
		}
	}
	return s, true
}

// Weaker looks for the smallest change after which less is done.
func (x *Explainer) Weaker(i int) Search {
	x.who = i
	at := x.Verdict.Recipients[i].Action.Strength()
	deferred := x.Verdict.Defer
	if at == 0 && !deferred {
		return Search{}
	}
	q := &quest{
		goal: func(v policy.Verdict, who int) bool {
			if deferred {
				return !v.Defer
			}
			return !v.Defer && v.Recipients[who].Action.Strength() < at
		},
		expand: x.loosen, seen: map[string]bool{},
	}
	var out Search
	out.Found, out.Exhausted = x.run(q, []tried{x.start(i)})
	if !deferred {
		out.Policy = x.amend(i, q, x.deciders(i))
	}
	out.Tried = q.tried
	return out
}

// would are the targets, and before them the rules that matched and would do
// more if they were enforced.
func (x *Explainer) would(i int, targets []policy.Rule) (list []policy.Rule) {
	v := x.Verdict.Recipients[i]
	for _, m := range slices.Concat(v.Won, v.Lost) {
		if m.Would.Strength() > v.Action.Strength() {
			list = append(list, x.find(m.Rule)...)
		}
	}
	for _, r := range targets {
		if !slices.ContainsFunc(list, func(o policy.Rule) bool { return o.ID == r.ID }) {
			list = append(list, r)
		}
	}
	return list
}

func (x *Explainer) deciders(i int) (list []policy.Rule) {
	for _, m := range x.Verdict.Recipients[i].Won {
		id, _, _ := strings.Cut(m.Rule, "/") // an exception of a policy
		list = append(list, x.find(id)...)
	}
	return list
}

func (x *Explainer) find(id string) []policy.Rule {
	if i := slices.IndexFunc(x.rules, func(r policy.Rule) bool { return r.ID == id }); i >= 0 {
		return x.rules[i : i+1]
	}
	return nil
}

// loosen proposes changes for what decides in a state.
func (x *Explainer) loosen(s state, v policy.Verdict) (list []Change) {
	r := v.Recipients[s.who]
	gated := v.Defer || r.Hold != nil && len(r.Hold.Causes) > 0
	if gated {
		list = x.opened(s, v, r)
	}
	switch {
	case len(r.Won) > 0:
		list = append(list, x.toward(s, r.Won[0].Rule, policy.False)...)
	case !gated && r.Action == policy.HoldFor:
		for _, h := range r.Headers {
			if h.Exists == policy.Fail {
				list = append(list, headerChange(strings.ToLower(h.Name), "", nil))
			}
		}
	}
	return list
}

// opened proposes that what was not seen was seen.
func (x *Explainer) opened(s state, v policy.Verdict, r policy.RecipientVerdict) (list []Change) {
	for _, cause := range v.Closed {
		i := slices.IndexFunc(s.facts.Unseen, func(u mail.Unseen) bool { return u.Reason == cause })
		if i >= 0 {
			list = append(list, seen(cause, s.facts.Unseen[i].Name))
		}
	}
	for _, o := range v.Recipients {
		if !v.Defer && o.Address != r.Address {
			continue
		}
		for _, m := range o.Unknown {
			list = append(list, x.toward(s, m.Rule, policy.False)...)
		}
	}
	return list
}

// toward proposes changes that bring a rule to an answer.
func (x *Explainer) toward(s state, id string, want policy.Truth) []Change {
	rules := x.find(id)
	if len(rules) == 0 {
		return nil
	}
	tr, err := x.tracer.Rule(rules[0], &s.facts, s.who)
	if err != nil {
		return nil
	}
	c := changer{x, s}
	if want == policy.False {
		list := c.toward(tr.When, policy.False)
		if tr.Unless != nil {
			list = append(list, c.toward(tr.Unless, policy.True)...)
		}
		return list
	}
	if tr.When.Truth != policy.True || tr.Unless == nil {
		return c.toward(tr.When, policy.True)
	}
	return c.toward(tr.Unless, policy.False)
}

// Stronger looks for the smallest change after which more is done.
func (x *Explainer) Stronger(i int) Search {
	x.who = i
	at := x.Verdict.Recipients[i].Action.Strength()
	var out Search
	var targets []policy.Rule
	for _, r := range x.rules {
		if len(targets) < maxTargets && x.inForce(r) && strength(r) > at {
			targets = append(targets, r)
		}
	}
	goal := func(v policy.Verdict, who int) bool { return !v.Defer && v.Recipients[who].Action.Strength() > at }
	for _, r := range targets {
		q := &quest{goal: goal, seen: map[string]bool{}, tried: out.Tried}
		q.expand = func(s state, _ policy.Verdict) []Change { return x.toward(s, r.ID, policy.True) }
		found, exhausted := x.run(q, []tried{x.start(i)})
		out.Tried, out.Exhausted = q.tried, out.Exhausted || exhausted
		out.Found = better(out.Found, found)
		if exhausted {
			break
		}
	}
	q := &quest{goal: goal, tried: out.Tried}
	out.Policy = x.amend(i, q, x.would(i, targets))
	out.Tried = q.tried
	return out
}

func better(a, b *Counterfactual) *Counterfactual {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case len(b.Changes) < len(a.Changes), len(b.Changes) == len(a.Changes) && b.distance() < a.distance():
		return b
	}
	return a
}

func (x *Explainer) inForce(r policy.Rule) bool {
	return r.Mode != policy.ModeOff && (len(r.Tenants) == 0 || slices.Contains(r.Tenants, x.Facts.Tenant))
}

// strength is the strongest that a rule does in its mode.
func strength(r policy.Rule) (most int) {
	for _, s := range r.Steps {
		most = max(most, r.Mode.Effective(s.Action).Strength())
	}
	return most
}

// None says what a search without a result comes to.
func (s Search) None() string {
	if s.Exhausted {
		return fmt.Sprintf("none found within %d verdicts", s.Tried)
	}
	return fmt.Sprintf("none found with up to %d changes (%d verdicts)", maxChanges, s.Tried)
}
