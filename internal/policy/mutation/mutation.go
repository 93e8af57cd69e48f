package mutation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern.dev/postern/internal/policy"
)

// Mutant is a set with one change.
type Mutant struct {
	// Kind is what was changed, e.g. "threshold".
	Kind string `json:"kind"`
	// Policy is the id of the changed policy, or "list ID".
	Policy string `json:"policy"`
	// Place is "file:line".
	Place string `json:"place"`
	// Change says it in words.
	Change string `json:"change"`

	rules []policy.Rule
	lists []policy.List
	// same is set when the change is proved to make no other verdict.
	same bool
}

// Result is how good tests are.
type Result struct {
	// Mutants is how many there are; Tried how many of them were judged.
	Mutants int `json:"mutants"`
	Tried   int `json:"tried"`
	// Noticed made a test red. Equal cannot make another verdict, and is not
	// counted. Broken is no policy any more.
	Noticed int `json:"noticed"`
	Equal   int `json:"equal"`
	Broken  int `json:"broken"`
	// Missed are those that no test notices.
	Missed []Mutant `json:"missed"`
	// Score is the share that is noticed, in percent; 0 without mutants.
	Score int `json:"score"`
}

// maxMutants bounds the mutants that are tried: of more, every so many.
const maxMutants = 5000

// ErrRed says that the tests fail without any change.
var ErrRed = errors.New("mutation: the tests are red as they are")

// Run judges the messages of tests by every mutant of a set. gates are those
// of a tenant. It ends with the context, and says how far it came.
func Run(ctx context.Context, s *policy.Set, cases []policy.Examined, gates func(tenant string) policy.Gates) (Result, error) {
	for _, c := range cases {
		if !c.Judge(s, gates(c.Facts.Tenant)).Pass {
			return Result{}, ErrRed
		}
	}
	all := Mutants(s)
	r := Result{Mutants: len(all), Missed: []Mutant{}}
	step := max((len(all)+maxMutants-1)/maxMutants, 1)
	for i := 0; i < len(all) && ctx.Err() == nil; i += step {
		r.try(all[i], s, cases, gates)
	}
	if n := r.Noticed + len(r.Missed); n > 0 {
		r.Score = r.Noticed * 100 / n
	}
	return r, nil
}

func (r *Result) try(m Mutant, s *policy.Set, cases []policy.Examined, gates func(tenant string) policy.Gates) {
	r.Tried++
	if m.same {
		r.Equal++
		return
	}
	set, err := s.Edited(m.rules, m.lists...)
	switch {
	case err != nil:
		r.Broken++
		return
	case set.Version() == s.Version():
		r.Equal++
		return
	}
	noticed := slices.ContainsFunc(cases, func(c policy.Examined) bool { return !c.Judge(set, gates(c.Facts.Tenant)).Pass })
	if noticed {
		r.Noticed++
		return
	}
	r.Missed = append(r.Missed, m)
}

// maker makes the mutants of a set.
type maker struct {
	rules []policy.Rule
	lists []*policy.List
	list  []Mutant
}

// Mutants lists the mutants of a set, in the order of its policies. Those that
// are off have none.
func Mutants(s *policy.Set) []Mutant {
	m := &maker{rules: s.Rules(), lists: s.Lists()}
	for i, r := range m.rules {
		if r.Mode == policy.ModeOff {
			continue
		}
		m.conditions(i)
		m.scope(i)
		m.steps(i)
		m.branches(i)
		m.order(i)
	}
	m.members()
	return m.list
}

// add is a mutant with one changed rule.
func (m *maker) add(i int, kind, change string, same bool, edit func(r *policy.Rule)) {
	rules := slices.Clone(m.rules)
	edit(&rules[i])
	m.list = append(m.list, Mutant{Kind: kind, Policy: rules[i].ID, Place: m.rules[i].Place, Change: change, rules: rules, same: same})
}

// conditions changes "when" and "unless".
func (m *maker) conditions(i int) {
	r := m.rules[i]
	if when, err := policy.Syntax(r.When); err == nil {
		for _, c := range changes(when) {
			m.add(i, c.kind, c.text, c.same, func(r *policy.Rule) { r.When = c.expr.String() })
		}
	}
	if r.Unless == "" {
		return
	}
	m.add(i, "exception", fmt.Sprintf("without the exception: unless %s", r.Unless), false, func(r *policy.Rule) { r.Unless = "" })
	if unless, err := policy.Syntax(r.Unless); err == nil {
		for _, c := range changes(unless) {
			m.add(i, c.kind, "unless: "+c.text, c.same, func(r *policy.Rule) { r.Unless = c.expr.String() })
		}
	}
}
