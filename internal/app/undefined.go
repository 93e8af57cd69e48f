package app

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/settings"
)

// Undefined is something that a policy names and that is not there: a list
// while no list is defined at all, or a group that a directory does not hold.
type Undefined struct {
	// Place is where the policy stands.
	Place string
	// Text says what is not there and what follows, Suggestion what to do.
	Text, Suggestion string
	// alone is set when the tenant has no directory at all: the tests of a
	// policy may bring their own.
	alone bool
}

func (u Undefined) String() string { return u.Place + ": " + u.Text + " (" + u.Suggestion + ")" }

// undefined finds what is named and not there. The directories must have been
// met before.
func (s *inForce) undefined() []Undefined { return append(s.noLists(), s.noGroups()...) }

// noLists finds the rules that name lists without a definition.
func (s *inForce) noLists() (all []Undefined) {
	for _, name := range s.set.Undefined() {
		for _, r := range s.set.Rules() {
			text := r.When + " " + r.Unless
			if strings.Contains(text, `"`+name+`"`) || strings.Contains(text, "'"+name+"'") {
				all = append(all, Undefined{Place: rootedPlace(r.Place),
					Text:       fmt.Sprintf("policy %s names the list %q, which nobody defined: it has no members", r.ID, name),
					Suggestion: "add a document of kind list with that id, or correct the name"})
			}
		}
	}
	return all
}

// noGroups finds the documents that ask for groups which the directory of a
// tenant does not hold: nobody can know whether they match.
func (s *inForce) noGroups() (all []Undefined) {
	for _, a := range s.set.Asking() {
		for _, t := range s.tenants.Tenants() {
			if !a.For(t.ID) {
				continue
			}
			u := Undefined{Place: rootedPlace(a.Place)}
			switch who := s.people.Of(t.ID); {
			case t.People.File == "":
				u.alone = true
				u.Text = fmt.Sprintf("%s asks for the group %s, and tenant %s has no directory: nobody can know who is in it",
					a.ID, a.Group, t.ID)
				u.Suggestion = "name a file with the tenant's key directory, or say with tenants: for whom the policy is"
			case who == nil: // its file is told
				continue
			default:
				if _, ok := who.Group(a.Group); ok {
					continue
				}
				var known []string
				for _, g := range who.Groups() {
					known = append(known, string(g.Address()))
				}
				u.Text = fmt.Sprintf("%s asks for the group %s, which the directory of tenant %s does not hold: nobody can know who is in it",
					a.ID, a.Group, t.ID)
				u.Suggestion = nearGroup(a.Group, known)
			}
			all = append(all, u)
		}
	}
	return all
}

// nearGroup suggests a group with a name like this one; a directory has too
// many to name them all.
func nearGroup(name string, known []string) string {
	if near := settings.Nearest(name, known); strings.HasPrefix(near, "did you mean") {
		return near
	}
	return "correct the name, or export the group: postern directory import"
}

func rootedPlace(place string) string { return "/" + strings.TrimPrefix(place, "/") }

// Undefined lists what policies name and nobody defined.
func (b *Bench) Undefined() (all []Undefined) {
	for _, u := range b.state.undefined() {
		if !u.alone {
			all = append(all, u)
		}
	}
	return all
}
