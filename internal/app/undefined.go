package app

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/policy"
)

// Undefined is a list that a rule names while no list is defined at all.
type Undefined struct {
	// Place is where the rule stands.
	Place, Rule, List string
}

func (u Undefined) text() string {
	return fmt.Sprintf("policy %s names the list %q, which nobody defined: it has no members", u.Rule, u.List)
}

func (u Undefined) String() string { return u.Place + ": " + u.text() }

// undefined finds the rules that name lists without a definition.
func undefined(set *policy.Set) (all []Undefined) {
	for _, name := range set.Undefined() {
		for _, r := range set.Rules() {
			text := r.When + " " + r.Unless
			if strings.Contains(text, `"`+name+`"`) || strings.Contains(text, "'"+name+"'") {
				all = append(all, Undefined{"/" + strings.TrimPrefix(r.Place, "/"), r.ID, name})
			}
		}
	}
	return all
}

// Undefined lists what policies name and nobody defined.
func (b *Bench) Undefined() []Undefined { return undefined(b.state.set) }
