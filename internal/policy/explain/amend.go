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

// amend looks for the threshold or list entry that changes least.
func (x *Explainer) amend(i int, q *quest, rules []policy.Rule, want policy.Truth) (best *Amendment) {
	for _, r := range rules {
		tr, err := x.tracer.Rule(r, &x.Facts, i)
		if err != nil {
			continue
		}
		for _, side := range []struct {
			node   *policy.Node
			unless bool
		}{{tr.When, false}, {tr.Unless, true}} {
			if side.node == nil || side.node.Expr == nil {
				continue
			}
			for _, a := range x.amendments(i, r, side.node, side.unless) {
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
	}
	return best
}

// amendments proposes other thresholds and list entries for the parts of one
// condition.
func (x *Explainer) amendments(i int, r policy.Rule, root *policy.Node, unless bool) (list []Amendment) {
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		if len(n.Scope) == 0 && n.Op == "" && n.Expr != nil && n.Truth != policy.Unknown {
			list = append(list, x.threshold(r, root.Expr, n, unless)...)
			list = append(list, x.entry(i, r, n)...)
		}
		for _, p := range n.Parts {
			walk(p)
		}
	}
	walk(root)
	return list
}

// threshold gives a comparison the number at which its answer turns.
func (x *Explainer) threshold(r policy.Rule, root *policy.Expr, n *policy.Node, unless bool) []Amendment {
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
	changed := replaced(root, n.Expr, fresh).String()
	set, err := x.withRule(r.ID, func(o *policy.Rule) {
		if unless {
			o.Unless = changed
		} else {
			o.When = changed
		}
	})
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
	rules := slices.Clone(x.rules)
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
	set, err := x.Set.Edited(x.rules, l)
	if err != nil {
		return nil
	}
	return []Amendment{{Rule: r.ID, Place: x.Root + r.Place, From: n.Text, To: fmt.Sprintf("list %s: %s", id, address), distance: 2, set: set,
		Text: fmt.Sprintf("put %s on the list %q", address, id)}}
}
