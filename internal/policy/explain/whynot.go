package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
)

// WhyNot is why a chosen rule did not decide about a recipient.
type WhyNot struct {
	Rule      string       `json:"rule"`
	Name      string       `json:"name"`
	Place     string       `json:"place"`
	Recipient mail.Address `json:"recipient"`
	Standing  Standing     `json:"standing"`
	// Text is the answer in a sentence.
	Text string `json:"text"`
	// Failing is the first part of a condition that has not the answer that
	// the rule wants; nil when the conditions are not what it failed at.
	Failing *policy.Node `json:"failing,omitempty"`
	Wants   policy.Truth `json:"wants,omitempty"`
	// Exception is set when the part stands in "unless".
	Exception bool `json:"exception,omitempty"`
	// When and Unless are the whole conditions.
	When   *policy.Node `json:"when,omitempty"`
	Unless *policy.Node `json:"unless,omitempty"`
	// Change is the smallest change after which it matches and decides.
	Change *Search `json:"change,omitempty"`
}

// WhyNot says why a rule did not decide about the recipient with this number.
func (x *Explainer) WhyNot(i int, id string) (WhyNot, error) {
	rules := x.find(id)
	if len(rules) == 0 {
		var ids []string
		for _, r := range x.rules {
			ids = append(ids, r.ID)
		}
		return WhyNot{}, fmt.Errorf("explain: no policy is called %q; %s", id, settings.Nearest(id, ids))
	}
	r, v := rules[0], x.Verdict.Recipients[i]
	w := WhyNot{Rule: r.ID, Name: r.Name, Place: x.Root + r.Place, Recipient: v.Address}
	tr, err := x.tracer.Rule(r, &x.Facts, i)
	if err != nil {
		return w, fmt.Errorf("explain: %s: %w", id, err)
	}
	var m *policy.Match
	w.Standing, m = standing(v, r, x.Facts.Tenant)
	w.When, w.Unless = tr.When, tr.Unless
	switch w.Standing {
	case Off:
		w.Text = "its mode is off: it is not evaluated"
	case Foreign:
		w.Text = fmt.Sprintf("it is for the tenants %s; this message is of %q", strings.Join(r.Tenants, ", "), x.Facts.Tenant)
	case Decides:
		w.Text = fmt.Sprintf("it did decide: %s", v.Action)
		if m.Would != "" {
			w.Text += fmt.Sprintf("; as its mode is %s, and not enforce, it does not %s", r.Mode, m.Would)
		}
	case Adds:
		w.Text = fmt.Sprintf("it matched and did its %s; %s decides", m.Action, first(v))
	case Lost:
		w.Text = "it matched, and lost: " + m.Why
		if m.Would != "" {
			w.Text += fmt.Sprintf(" (its mode is %s: in enforce it would %s)", r.Mode, m.Would)
		}
	default:
		x.failed(&w, tr)
		s := x.decided(i, r)
		w.Change = &s
	}
	return w, nil
}

func first(v policy.RecipientVerdict) string {
	if len(v.Rules) > 0 {
		return fmt.Sprintf("%q", v.Rules[0])
	}
	return "a gate"
}

// failed names the first part that has not the wanted answer.
func (x *Explainer) failed(w *WhyNot, tr policy.Trace) {
	if tr.When.Truth != policy.True {
		w.Failing, w.Wants = failing(tr.When, policy.True)
		w.Text = x.sentence(w.Failing, w.Wants)
		return
	}
	w.Exception = true
	w.Failing, w.Wants = failing(tr.Unless, policy.False)
	w.Text = "its exception: " + x.sentence(w.Failing, w.Wants)
	if tr.Unless.Truth == policy.True {
		w.Standing = Excepted
	}
}

// failing is the first part that keeps a condition from an answer, and the
// answer that it would have to have. What is asked about the elements of a
// list is one part.
func failing(n *policy.Node, want policy.Truth) (*policy.Node, policy.Truth) {
	switch n.Op {
	case "not":
		return failing(n.Parts[0], want.Not())
	case "choice":
		for i, p := range n.Parts {
			if i == 0 && p.Truth == policy.Unknown {
				return failing(p, policy.True)
			}
			if i > 0 && p.Truth != policy.Skipped {
				return failing(p, want)
			}
		}
	case "and", "or":
		for _, p := range n.Parts {
			if p.Truth != want && p.Truth != policy.Skipped {
				return failing(p, want)
			}
		}
	}
	return n, want
}

// sentence is "findings.credit_card.high is 2, the rule wants >= 3".
func (x *Explainer) sentence(n *policy.Node, want policy.Truth) string {
	if n.Truth == policy.Unknown {
		return fmt.Sprintf("%s cannot be known: %s", n.Text, n.Why)
	}
	e := n.Expr
	if e.Kind == policy.ExprOperator && len(e.Args) == 2 && len(n.Values) == 1 && n.Values[0].Expr == e.Args[0] {
		op := e.Name
		if want == policy.False {
			op = opposite(op)
		}
		return fmt.Sprintf("%s is %s, the rule wants %s %s", n.Values[0].Text, n.Values[0].Value, op, e.Args[1])
	}
	text := fmt.Sprintf("%s is %s, the rule wants %s", n.Text, n.Truth, want)
	if len(n.Parts) > 0 {
		var list []string
		for _, p := range n.Parts {
			if p.Truth == want && n.Op == "any" || len(list) == 3 {
				continue
			}
			list = append(list, strings.TrimSpace(p.Element)+": "+values(p))
		}
		if len(list) > 0 {
			return text + "; " + strings.Join(list, "; ")
		}
		return text
	}
	if words := values(n); words != "" && !strings.HasPrefix(words, n.Text+" is") {
		text += "; " + words
	}
	return text
}

func opposite(op string) string {
	if op == "in" {
		return "not in"
	}
	return negated(op)
}

// values are the values of a part and of its parts: "a is 1, b is 2".
func values(n *policy.Node) string {
	var list []string
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		for _, v := range n.Values {
			if s := v.Text + " is " + v.Value; !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		for _, p := range n.Parts {
			walk(p)
		}
	}
	walk(n)
	return strings.Join(list[:min(len(list), 6)], ", ")
}

// decided looks for the smallest change after which a rule decides, or at
// least matches.
func (x *Explainer) decided(i int, r policy.Rule) Search {
	x.who = i
	q := &quest{seen: map[string]bool{}}
	q.goal = func(v policy.Verdict, who int) bool {
		has := func(m policy.Match) bool { return m.Rule == r.ID }
		return slices.ContainsFunc(v.Recipients[who].Won, has) || slices.ContainsFunc(v.Recipients[who].Lost, has)
	}
	q.expand = func(s state, _ policy.Verdict) []Change { return x.toward(s, r.ID, policy.True) }
	var out Search
	out.Found, out.Exhausted = x.run(q, []tried{x.start(i)})
	out.Policy = x.amend(i, q, []policy.Rule{r})
	out.Tried = q.tried
	return out
}
