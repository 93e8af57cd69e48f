package explain

import (
	"fmt"
	"slices"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Amendment is a change of the policy that makes another verdict of the same
// message. It was checked.
type Amendment struct {
	Rule  string `json:"rule"`
	Place string `json:"place"`
	// From and To are the changed part of the condition, or an address and
	// the list that it is put on.
	From   string        `json:"from"`
	To     string        `json:"to"`
	Text   string        `json:"text"`
	Action policy.Action `json:"action"`

	distance int
	set      *policy.Set
}

// Set is the policy after the change.
func (a Amendment) Set() *policy.Set { return a.set }

// amend looks for the change of the policies that changes least: another
// threshold, an entry in a list, another mode.
func (x *Explainer) amend(i int, q *quest, rules []policy.Rule) (best *Amendment) {
	for _, r := range rules {
		tr, err := x.tracer.Rule(r, &x.Facts, i)
		if err != nil {
			continue
		}
		list := x.modes(r)
		for _, c := range conditionsOf(r, tr) {
			list = append(list, x.amendments(i, r, c)...)
		}
		for _, a := range list {
			if q.tried++; q.tried > maxTried || x.stopped() {
				return best
			}
			v := policy.Decide(a.set, x.Facts, x.Gates)
			if !q.goal(v, i) || best != nil && best.distance <= a.distance {
				continue
			}
			a.Action = v.Recipients[i].Action
			best = &a
		}
	}
	return best
}

// part is a condition of a rule, and how another one is put in its place.
type part struct {
	node *policy.Node
	put  func(r *policy.Rule, text string)
}

// conditionsOf are the conditions of a rule that were evaluated.
func conditionsOf(r policy.Rule, tr policy.Trace) (list []part) {
	add := func(n *policy.Node, put func(r *policy.Rule, text string)) {
		if n != nil && n.Expr != nil {
			list = append(list, part{n, put})
		}
	}
	add(tr.When, func(o *policy.Rule, text string) { o.When = text })
	unless := func(o *policy.Rule, text string) { o.Unless = text }
	if len(r.Branches) == 0 {
		add(tr.Unless, unless)
		return list
	}
	parts := tr.Unless.Parts
	if len(parts) > len(r.Branches) {
		add(parts[0], unless)
		parts = parts[1:]
	}
	for k, n := range parts {
		add(n, func(o *policy.Rule, text string) {
			fresh := *o.Branches[k]
			fresh.When = text
			o.Branches = slices.Replace(slices.Clone(o.Branches), k, k+1, &fresh)
		})
	}
	return list
}

// modes proposes to enforce a rule, or only to watch with it.
func (x *Explainer) modes(r policy.Rule) (list []Amendment) {
	for _, to := range []policy.Mode{policy.ModeEnforce, policy.ModeLog} {
		if r.Mode == to || r.Mode == policy.ModeOff {
			continue
		}
		set, err := x.withRule(r.ID, func(o *policy.Rule) { o.Mode = to })
		if err != nil {
			continue
		}
		list = append(list, Amendment{Rule: r.ID, Place: x.Root + r.Place, From: "mode: " + string(r.Mode), To: "mode: " + string(to),
			distance: modeDistance, set: set, Text: fmt.Sprintf("%s%s: mode: %s instead of %s", x.Root, r.Place, to, r.Mode)})
	}
	return list
}

// modeDistance is how much another mode changes: more than any threshold, as
// it is about every message that the rule matches.
const modeDistance = 1 << 30

// amendments proposes other thresholds and list entries for the parts of one
// condition.
func (x *Explainer) amendments(i int, r policy.Rule, c part) (list []Amendment) {
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		if len(n.Scope) == 0 && n.Op == "" && n.Expr != nil && n.Truth != policy.Unknown {
			list = append(list, x.threshold(r, c, n)...)
			list = append(list, x.entry(i, r, n)...)
		}
		for _, p := range n.Parts {
			walk(p)
		}
	}
	walk(c.node)
	return list
}

// threshold gives a comparison the number at which its answer turns.
func (x *Explainer) threshold(r policy.Rule, c part, n *policy.Node) []Amendment {
	op, left, right, ok := compared(n)
	if !ok {
		return nil
	}
	at := slices.IndexFunc(n.Expr.Args, func(e *policy.Expr) bool { return e.Kind == policy.ExprLiteral })
	if at < 0 {
		return nil
	}
	value, number := left, right
	if at == 0 {
		op, value, number = turned(op), right, left
	}
	if n.Truth == policy.True {
		op = negated(op)
	}
	to := value // value op to
	switch op {
	case ">":
		to = value - 1
	case "<":
		to = value + 1
	case "!=":
		to = value + 1
	}
	lit := &policy.Expr{Kind: policy.ExprLiteral, Value: to}
	fresh := n.Expr.Clone()
	fresh.Args[at] = lit
	changed := replaced(c.node.Expr, n.Expr, fresh).String()
	set, err := x.withRule(r.ID, func(o *policy.Rule) { c.put(o, changed) })
	if err != nil {
		return nil
	}
	return []Amendment{{Rule: r.ID, Place: x.Root + r.Place, From: n.Text, To: fresh.String(), distance: distance(number, to), set: set,
		Text: fmt.Sprintf("%s%s: %s instead of %s", x.Root, r.Place, fresh, n.Text)}}
}

// replaced is a copy of a condition with one part in the place of another.
func replaced(root, old, fresh *policy.Expr) *policy.Expr {
	if root == old {
		return fresh
	}
	c := *root
	c.Args = make([]*policy.Expr, len(root.Args))
	for i, a := range root.Args {
		c.Args[i] = replaced(a, old, fresh)
	}
	return &c
}

func (x *Explainer) withRule(id string, edit func(r *policy.Rule)) (*policy.Set, error) {
	rules := x.Set.Rules()
	for i := range rules {
		if rules[i].ID == id {
			edit(&rules[i])
		}
	}
	return x.Set.Edited(rules)
}

// entry puts an address on a list that the condition asks about.
func (x *Explainer) entry(i int, r policy.Rule, n *policy.Node) []Amendment {
	e := n.Expr
	if e.Kind != policy.ExprMethod || e.Name != "in" || len(e.Args) != 2 || n.Truth != policy.False {
		return nil
	}
	of, ok := refOf(e.Args[0], nil)
	id, named := e.Args[1].Value.(string)
	p, known := changer{x, state{facts: x.Facts, who: i}}.party(of.path)
	if !ok || !named || !known {
		return nil
	}
	at := slices.IndexFunc(x.Set.Lists(), func(l *policy.List) bool { return l.ID == id })
	if at < 0 {
		return nil
	}
	l := *x.Set.Lists()[at]
	address := p.Address.Fold()
	if _, err := mail.ParseAddress(address); err != nil {
		return nil
	}
	l.Members = append(slices.Clone(l.Members), address)
	set, err := x.Set.Edited(x.Set.Rules(), l)
	if err != nil {
		return nil
	}
	return []Amendment{{Rule: r.ID, Place: x.Root + r.Place, From: n.Text, To: fmt.Sprintf("list %s: %s", id, address), distance: 2, set: set,
		Text: fmt.Sprintf("put %s on the list %q", address, id)}}
}
