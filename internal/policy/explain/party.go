package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// party is the address at a path.
func (c changer) party(path []step) (policy.Party, bool) {
	if len(path) == 0 {
		return policy.Party{}, false
	}
	v, ok := get(&c.s.facts, path, c.s.who, false)
	if !ok {
		return policy.Party{}, false
	}
	p, ok := v.Interface().(policy.Party)
	return p, ok
}

// ofParty changes who a sender or recipient is. special is false for a field
// that stands in the facts as it is.
func (c changer) ofParty(n *policy.Node, path []step, field string, p policy.Party, want policy.Truth) (list []Change, special bool) {
	who := c.called(path)
	domain := string(p.Address.Domain())
	move := func(to mail.Address, text string) {
		if to == p.Address {
			return
		}
		list = append(list, Change{Fact: who, From: p.Address.Fold(), To: to.Fold(), gone: -1, distance: 5, Text: text,
			apply: func(f *policy.Facts, me int) bool {
				q := p
				q.Address = to
				return set(f, path, me, q)
			}})
	}
	switch field {
	case "inside", "outside":
		to := !p.Inside
		word := "outside"
		if to {
			word = "inside"
		}
		return []Change{{Fact: who + ".inside", From: fmt.Sprint(p.Inside), To: fmt.Sprint(to), gone: -1, distance: 2,
			Text: fmt.Sprintf("if %s were %s", p.Address.Fold(), word),
			apply: func(f *policy.Facts, me int) bool {
				ok := set(f, append(slices.Clone(path), step{"inside", -1}), me, to)
				direct(f)
				return ok
			}}}, true
	case "first_contact":
		to := policy.Contact{Count: 1, First: c.s.facts.Now.AddDate(0, 0, -1), Last: c.s.facts.Now.AddDate(0, 0, -1)}
		text := "if there had been mail to " + p.Address.Fold() + " before"
		if p.Contact != nil && p.Contact.Count > 0 {
			to, text = policy.Contact{}, "if this were the first mail to "+p.Address.Fold()
		}
		return []Change{{Fact: who + ".contact", To: fmt.Sprint(to.Count), gone: -1, distance: 2, Text: text,
			apply: func(f *policy.Facts, me int) bool {
				q := p
				q.Contact = &to
				return set(f, path, me, q)
			}}}, true
	case "domain":
		for _, d := range texts(n, domain, want) {
			if d == "" || strings.ContainsAny(d, " @") {
				continue
			}
			move(mail.Address(p.Address.Local()+"@"+d), fmt.Sprintf("with %s@%s instead of %s", p.Address.Local(), d, p.Address.Fold()))
		}
		return list, true
	case "local":
		for _, l := range texts(n, p.Address.Local(), want) {
			if l != "" {
				move(mail.Address(l+"@"+domain), fmt.Sprintf("with %s@%s instead of %s", l, domain, p.Address.Fold()))
			}
		}
		return list, true
	case "address":
		for _, a := range texts(n, p.Address.Fold(), want) {
			if addr, err := mail.ParseAddress(a); err == nil {
				move(addr, fmt.Sprintf("with %s instead of %s", a, p.Address.Fold()))
			} else if a == "other" {
				move(mail.Address("other@"+domain), fmt.Sprintf("with somebody else instead of %s", p.Address.Fold()))
			}
		}
		return list, true
	}
	return nil, false
}
