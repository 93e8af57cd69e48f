package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Case is a decision that is to be explained.
type Case struct {
	Set   *policy.Set
	Facts policy.Facts
	Gates policy.Gates
	// Findings are what the detectors found, with masked samples and places,
	// where they were kept.
	Findings []detect.Finding
	// Root stands before the places of rules.
	Root string
	// Stop ends searches early when it says so; nil never does.
	Stop func() bool
}

// Explainer explains one decision. It is not for several goroutines.
type Explainer struct {
	Case
	Verdict policy.Verdict
	rules   []policy.Rule // as they are for this message
	tracer  *policy.Tracer
	who     int // the recipient of the search that runs
}

// New decides, to explain the verdict.
func New(c Case) *Explainer {
	return &Explainer{Case: c, Verdict: policy.Decide(c.Set, c.Facts, c.Gates), rules: c.Set.RulesFor(&c.Facts), tracer: c.Set.Tracer()}
}

// Again explains other facts with what was compiled for these.
func (x *Explainer) Again(f policy.Facts, g policy.Gates) *Explainer {
	y := *x
	y.Facts, y.Gates, y.Findings = f, g, nil
	y.rules = x.Set.RulesFor(&f)
	y.Verdict = policy.Decide(x.Set, f, g)
	return &y
}

// Standing is what became of a rule for a recipient.
type Standing string

// The standings.
const (
	Decides  Standing = "decides"
	Adds     Standing = "adds"
	Lost     Standing = "lost"
	Unknown  Standing = "cannot be known"
	NoMatch  Standing = "does not match"
	Excepted Standing = "its exception holds"
	Off      Standing = "is off"
	Foreign  Standing = "is for other tenants"
)

// Why is why one recipient got a verdict.
type Why struct {
	Recipient mail.Address  `json:"recipient"`
	Action    policy.Action `json:"action"`
	Defer     bool          `json:"defer,omitempty"`
	Because   string        `json:"because,omitempty"`
	// Policy is the version that decided.
	Policy string `json:"policy"`
	// Rules are those that matched, and those that nobody can know.
	Rules []Rule `json:"rules"`
	// Others counts the rules that did not match, or are not for this message.
	Others int `json:"others"`
	// Also are recipients with the same verdict by the same rules.
	Also []mail.Address `json:"also,omitempty"`
	// Gates are the causes why something was not seen.
	Gates []Gate `json:"gates,omitempty"`
	// Weaker and Stronger are the smallest changes to another verdict.
	Weaker   *Search `json:"weaker,omitempty"`
	Stronger *Search `json:"stronger,omitempty"`
}

// Rule is one rule's part in a verdict.
type Rule struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Place    string        `json:"place"`
	Mode     policy.Mode   `json:"mode"`
	Standing Standing      `json:"standing"`
	Action   policy.Action `json:"action"`
	// Would is what the rule says, when its mode makes something else of it.
	Would policy.Action `json:"would,omitempty"`
	Why   string        `json:"why,omitempty"`
	When  *policy.Node  `json:"when,omitempty"`
	// Unless is its exception.
	Unless *policy.Node `json:"unless,omitempty"`
	// Evidence is what was found of the types that the rule counts.
	Evidence []detect.Finding `json:"evidence,omitempty"`
}

// Gate is a cause and what its gate does.
type Gate struct {
	Cause  mail.Cause  `json:"cause"`
	Gate   policy.Gate `json:"gate"`
	Part   string      `json:"part,omitempty"`
	Name   string      `json:"name,omitempty"`
	Detail string      `json:"detail,omitempty"`
}

// Recipient finds a recipient by the address.
func (x *Explainer) Recipient(a mail.Address) (int, error) {
	i := slices.IndexFunc(x.Facts.Recipients, func(p policy.Party) bool { return p.Address.Fold() == a.Fold() })
	if i < 0 {
		return 0, fmt.Errorf("explain: %s is not a recipient", a)
	}
	return i, nil
}

// Why explains the verdict for the recipient with this number, without
// changes to another one.
func (x *Explainer) Why(i int) (Why, error) {
	v := x.Verdict.Recipients[i]
	w := Why{Recipient: v.Address, Action: v.Action, Defer: x.Verdict.Defer, Because: v.Because, Policy: x.Verdict.Policy,
		Rules: []Rule{}}
	var rank []Standing
	for _, r := range x.rules {
		s, m := standing(v, r, x.Facts.Tenant)
		if m == nil {
			w.Others++
			continue
		}
		one, err := x.rule(i, r, s, m)
		if err != nil {
			return w, err
		}
		w.Rules = append(w.Rules, one)
		rank = []Standing{Decides, Adds, Unknown, Lost}
	}
	for _, m := range slices.Concat(v.Won, v.Lost) {
		id, _, child := strings.Cut(m.Rule, "/")
		of := x.find(id)
		if !child || len(of) == 0 {
			continue
		}
		s := Adds
		if len(v.Rules) > 0 && v.Rules[0] == m.Rule {
			s = Decides
		} else if !adds(v, &m) {
			s = Lost
		}
		one, err := x.rule(i, of[0], s, &m)
		if err != nil {
			return w, err
		}
		one.ID, one.Name, one.Place = m.Rule, m.Name, x.Root+m.Place
		w.Rules = append(w.Rules, one)
		rank = []Standing{Decides, Adds, Unknown, Lost}
	}
	slices.SortStableFunc(w.Rules, func(a, b Rule) int {
		return slices.Index(rank, a.Standing) - slices.Index(rank, b.Standing)
	})
	for _, u := range x.Verdict.Unseen {
		w.Gates = append(w.Gates, Gate{u.Reason, x.Gates.Of(u.Reason), u.Part, u.Name, u.Detail})
	}
	return w, nil
}

// standing is what became of a rule; the match is nil when the rule neither
// matched nor is unknown.
func standing(v policy.RecipientVerdict, r policy.Rule, tenant string) (Standing, *policy.Match) {
	find := func(list []policy.Match) *policy.Match {
		if i := slices.IndexFunc(list, func(m policy.Match) bool { return m.Rule == r.ID }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	if m := find(v.Won); m != nil {
		if len(v.Rules) > 0 && v.Rules[0] == r.ID {
			return Decides, m
		}
		return Adds, m
	}
	if m := find(v.Lost); m != nil {
		if adds(v, m) && !policy.Excused(*m) {
			return Adds, m
		}
		return Lost, m
	}
	if m := find(v.Unknown); m != nil {
		return Unknown, m
	}
	switch {
	case r.Mode == policy.ModeOff:
		return Off, nil
	case len(r.Tenants) > 0 && !slices.Contains(r.Tenants, tenant):
		return Foreign, nil
	}
	return NoMatch, nil
}

// adds reports whether a rule that did not decide does something all the same.
func adds(v policy.RecipientVerdict, m *policy.Match) bool {
	switch m.Action {
	case policy.SetHeader:
		return v.Action != policy.Block
	case policy.Copy:
		return true
	case policy.Notify:
		return v.Notify
	}
	return false
}

func (x *Explainer) rule(i int, r policy.Rule, s Standing, m *policy.Match) (Rule, error) {
	out := Rule{ID: r.ID, Name: r.Name, Place: x.Root + r.Place, Mode: r.Mode, Standing: s}
	if m != nil {
		out.Action, out.Would, out.Why = m.Action, m.Would, m.Why
	}
	tr, err := x.tracer.Rule(r, &x.Facts, i)
	if err != nil {
		return out, fmt.Errorf("explain: %s: %w", r.ID, err)
	}
	out.When, out.Unless = tr.When, tr.Unless
	out.Evidence = x.evidence(out.When)
	return out, nil
}

// evidence are the findings of the types that a condition counts.
func (x *Explainer) evidence(n *policy.Node) []detect.Finding {
	var names []string
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		for _, r := range refsOf(n.Expr, n.Scope) {
			if r.count != "" {
				names = append(names, x.types(r.count)...)
			}
		}
		for _, p := range n.Parts {
			walk(p)
		}
	}
	if n.Expr != nil {
		walk(n)
	}
	var list []detect.Finding
	for _, f := range x.Findings {
		if slices.Contains(names, celName(f.Type)) || slices.Contains(names, celName(f.Detector)) {
			list = append(list, f)
		}
	}
	return list
}

// types are the names that a name after "findings." stands for.
func (x *Explainer) types(name string) []string {
	for _, p := range x.Set.Profiles() {
		if celName(p.ID) == name && len(p.Needs) > 0 {
			list := []string{name}
			for _, t := range p.Needs[0] {
				list = append(list, celName(t))
			}
			return list
		}
	}
	return []string{name}
}
