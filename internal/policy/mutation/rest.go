package mutation

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// scope changes for whom and how far a policy is in force.
func (m *maker) scope(i int) {
	r := m.rules[i]
	for k, t := range r.Tenants {
		rest := slices.Delete(slices.Clone(r.Tenants), k, k+1)
		if len(rest) == 0 {
			rest = []string{"nobody"}
		}
		m.add(i, "tenant", fmt.Sprintf("not for the tenant %s", t), false, func(r *policy.Rule) { r.Tenants = rest })
	}
	if len(r.Tenants) > 0 {
		m.add(i, "tenant", "for all tenants", false, func(r *policy.Rule) { r.Tenants = nil })
	}
	// A test of a policy that is not enforced yet is about what it would do.
	to := policy.ModeOff
	if r.Mode == policy.ModeEnforce {
		to = policy.ModeLog
	}
	m.add(i, "mode", fmt.Sprintf("mode %s instead of %s", to, r.Mode), m.nothing(i), func(r *policy.Rule) { r.Mode = to })
}

// nothing reports whether a policy does no more than log.
func (m *maker) nothing(i int) bool {
	return !slices.ContainsFunc(m.rules[i].Steps, func(s policy.Step) bool {
		return m.rules[i].Mode.Effective(s.Action).Strength() > policy.LogOnly.Strength()
	})
}

// steps changes what a policy does.
func (m *maker) steps(i int) {
	stepsOf(m.rules[i].Steps, func(kind, text string, fresh []policy.Step) {
		m.add(i, kind, text, false, func(r *policy.Rule) { r.Steps = fresh })
	})
}

// stepsOf changes steps in one place each.
func stepsOf(steps []policy.Step, add func(kind, text string, fresh []policy.Step)) {
	for k, s := range steps {
		put := func(kind, text string, fresh ...policy.Step) {
			add(kind, text, slices.Replace(slices.Clone(steps), k, k+1, fresh...))
		}
		if to := neighbor(s.Action); to != "" {
			fresh := s
			fresh.Action = to
			put("action", fmt.Sprintf("%s instead of %s", to, s.Action), fresh)
		}
		if len(steps) > 1 && s.Action.Strength() > policy.LogOnly.Strength() {
			put("step", fmt.Sprintf("without %s", s.Action))
		} else if s.Action.Strength() > policy.LogOnly.Strength() {
			put("step", fmt.Sprintf("log instead of %s", s.Action), policy.Step{Action: policy.LogOnly})
		}
		for h := range s.Headers {
			if len(s.Headers) > 1 {
				fresh := s
				fresh.Headers = slices.Delete(slices.Clone(s.Headers), h, h+1)
				put("header", "without the header field "+s.Headers[h].Name, fresh)
			}
			fresh := s
			fresh.Headers = slices.Clone(s.Headers)
			fresh.Headers[h].Value = "other"
			put("header", fmt.Sprintf("another value of the header field %s", s.Headers[h].Name), fresh)
		}
		for a := range s.To {
			if len(s.To) > 1 {
				fresh := s
				fresh.To = slices.Delete(slices.Clone(s.To), a, a+1)
				put("address", fmt.Sprintf("not to %s", s.To[a]), fresh)
			}
		}
		if s.Action == policy.HoldFor || s.Action == policy.Override {
			held(s, put)
		}
	}
}

// branches changes the exceptions that are children: none of one, another
// condition, other steps, another order.
func (m *maker) branches(i int) {
	for k, b := range m.rules[i].Branches {
		name := fmt.Sprintf("exception %s", b.ID)
		edit := func(kind, text string, same bool, change func(b *policy.Branch)) {
			m.add(i, kind, name+": "+text, same, func(r *policy.Rule) {
				fresh := *b
				change(&fresh)
				r.Branches = slices.Replace(slices.Clone(r.Branches), k, k+1, &fresh)
			})
			m.list[len(m.list)-1].Place = b.Place
		}
		m.add(i, "exception", "without the "+name, false, func(r *policy.Rule) {
			r.Branches = slices.Delete(slices.Clone(r.Branches), k, k+1)
		})
		m.list[len(m.list)-1].Place = b.Place
		if when, err := policy.Syntax(b.When); err == nil {
			for _, c := range changes(when) {
				edit(c.kind, c.text, c.same, func(b *policy.Branch) { b.When = c.expr.String() })
			}
		}
		top := strongest(m.rules[i])
		stepsOf(b.Steps, func(kind, text string, fresh []policy.Step) {
			if m.rules[i].Mode == policy.ModeEnforce && strongest(policy.Rule{Mode: policy.ModeEnforce, Steps: fresh}).Strength() > top.Strength() {
				return // no policy: an exception is not stronger than what it is of
			}
			edit(kind, text, false, func(b *policy.Branch) { b.Steps = fresh })
		})
		if k+1 < len(m.rules[i].Branches) {
			next := m.rules[i].Branches[k+1]
			apart := disjoint(policy.Rule{When: b.When}, policy.Rule{When: next.When})
			m.add(i, "order", fmt.Sprintf("exception %s comes before %s", next.ID, b.ID), apart || len(b.Steps)+len(next.Steps) == 0,
				func(r *policy.Rule) {
					r.Branches = slices.Clone(r.Branches)
					r.Branches[k], r.Branches[k+1] = next, b
				})
			m.list[len(m.list)-1].Place = next.Place
		}
	}
}

// held changes the terms of a hold.
func held(s policy.Step, put func(kind, text string, fresh ...policy.Step)) {
	fresh := s
	fresh.End = policy.EndRelease
	if s.End == policy.EndRelease {
		fresh.End = policy.EndRefuse
	}
	put("end", fmt.Sprintf("at the end %s instead of %s", fresh.End, s.End), fresh)
	if len(s.Approvers) > 0 {
		fresh := s
		fresh.Approvers = nil
		put("approver", "without the approvers "+strings.Join(s.Approvers, ", "), fresh)
	}
}

// neighbor is an action that is a little weaker or stronger.
func neighbor(a policy.Action) policy.Action {
	switch a {
	case policy.HoldFor:
		return policy.Block
	case policy.Block, policy.Override:
		return policy.HoldFor
	case policy.Secure:
		return policy.HoldFor
	}
	return ""
}

// order exchanges a policy with the next one of the same action: the one that
// comes first decides. Where they say the same, or never match together, that
// changes nothing.
func (m *maker) order(i int) {
	r := m.rules[i]
	top := strongest(r)
	if !decides(top) {
		return
	}
	for k := i + 1; k < len(m.rules); k++ {
		o := m.rules[k]
		if o.Mode == policy.ModeOff || strongest(o) != top {
			continue
		}
		rules := slices.Clone(m.rules)
		rules[i].Priority, rules[k].Priority = o.Priority, r.Priority
		if o.Priority == r.Priority {
			rules[k].Priority = r.Priority - 1
		}
		m.list = append(m.list, Mutant{Kind: "order", Policy: r.ID, Place: r.Place, rules: rules,
			Change: fmt.Sprintf("%s comes before %s", o.ID, r.ID), same: disjoint(r, o)})
		return
	}
}

func strongest(r policy.Rule) (top policy.Action) {
	top = policy.Deliver
	for _, s := range r.Steps {
		if a := r.Mode.Effective(s.Action); a.Strength() > top.Strength() {
			top = a
		}
	}
	return top
}

// decides reports whether only one rule can do the action.
func decides(a policy.Action) bool { return a.Strength() >= policy.Redirect.Strength() }

// disjoint reports whether two policies never match together: they demand
// different values of the same fact, or are for different tenants.
func disjoint(a, b policy.Rule) bool {
	if len(a.Tenants) > 0 && len(b.Tenants) > 0 &&
		!slices.ContainsFunc(a.Tenants, func(t string) bool { return slices.Contains(b.Tenants, t) }) {
		return true
	}
	x, y := demands(a.When), demands(b.When)
	for fact, value := range x {
		if other, ok := y[fact]; ok && other != value {
			return true
		}
	}
	return false
}

// demands are the values that a condition asks of facts in any case.
func demands(when string) map[string]string {
	out := map[string]string{}
	e, err := policy.Syntax(when)
	if err != nil {
		return out
	}
	parts := []*policy.Expr{e}
	if e.Kind == policy.ExprOperator && e.Name == "&&" {
		parts = e.Args
	}
	for _, p := range parts {
		if p.Kind == policy.ExprOperator && p.Name == "==" && p.Args[1].Kind == policy.ExprLiteral && p.Args[0].Kind == policy.ExprName {
			out[p.Args[0].Name] = p.Args[1].String()
		}
	}
	return out
}

// maxMembers bounds the members of a list that are left out one by one.
const maxMembers = 50

// members leaves members of lists out. A list that no policy names has none,
// and a member that others stand for changes nothing.
func (m *maker) members() {
	for _, l := range m.lists {
		if !m.named(l.ID) {
			continue
		}
		step := max((len(l.Members)+maxMembers-1)/maxMembers, 1)
		for i := 0; i < len(l.Members); i += step {
			fresh := policy.List{ID: l.ID, Name: l.Name, Include: l.Include, Members: slices.Delete(slices.Clone(l.Members), i, i+1)}
			m.list = append(m.list, Mutant{Kind: "member", Policy: "list " + l.ID, Place: l.Place(), rules: m.rules,
				Change: fmt.Sprintf("without the member %s", l.Members[i]), lists: []policy.List{fresh}, same: covered(l.Members, i)})
		}
	}
}

// named reports whether a policy that is not off asks about a list, or about
// one that includes it.
func (m *maker) named(id string) bool {
	ids := []string{id}
	for i := 0; i < len(ids); i++ {
		for _, l := range m.lists {
			if slices.Contains(l.Include, ids[i]) && !slices.Contains(ids, l.ID) {
				ids = append(ids, l.ID)
			}
		}
	}
	return slices.ContainsFunc(m.rules, func(r policy.Rule) bool {
		return r.Mode != policy.ModeOff && slices.ContainsFunc(ids, func(id string) bool {
			text := r.When + " " + r.Unless
			for _, b := range r.Branches {
				text += " " + b.When
			}
			return strings.Contains(text, `"`+id+`"`) || strings.Contains(text, "'"+id+"'")
		})
	})
}

// covered reports whether other members of a list stand for one of them: the
// same once more, or the domain of an address.
func covered(members []string, i int) bool {
	m := strings.ToLower(strings.TrimSpace(members[i]))
	domain := mail.Address(m).Domain()
	for k, o := range members {
		o = strings.ToLower(strings.TrimSpace(o))
		if k != i && (o == m || domain != "" && !strings.Contains(m, "*") && o == strings.ToLower(string(domain))) {
			return true
		}
	}
	return false
}
