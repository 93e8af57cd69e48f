package policy

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Edited is the set with other rules and lists, as if the files said so. It
// serves those who ask what another policy would do. A rule whose conditions
// did not change keeps them as they are; lists whose ids are not given stay.
func (s *Set) Edited(rules []Rule, lists ...List) (*Set, error) {
	e := &Set{
		lists: s.lists, calendars: s.calendars, dictionaries: s.dictionaries, detectors: s.detectors, profiles: s.profiles, language: s.language,
		terms: s.terms, defaults: s.defaults,
	}
	if len(lists) > 0 {
		var err error
		if e.lists, err = withLists(s.lists, lists); err != nil {
			return nil, err
		}
		if e.language, err = newLanguage(e.lists, s.language.detectors); err != nil {
			return nil, err
		}
		e.language.calendars = s.calendars
	}
	for _, r := range rules {
		fresh, err := e.compiled(r, s)
		if err != nil {
			return nil, err
		}
		e.rules = append(e.rules, fresh)
	}
	e.seal()
	return e, nil
}

// alone is the set with one of its rules only.
func (s *Set) alone(id string) (*Set, error) {
	var only []Rule
	for _, r := range s.rules {
		if r.ID == id {
			only = append(only, *r)
		}
	}
	return s.Edited(only)
}

// compiled is a rule with its conditions.
func (s *Set) compiled(r Rule, before *Set) (*Rule, error) {
	same := func(c *condition, source string) bool {
		if c == nil {
			return source == ""
		}
		return c.Source == source && s.language == before.language
	}
	var err error
	if !same(r.when, r.When) {
		if r.when, err = s.condition(r.When); err != nil {
			return nil, fmt.Errorf("policy: %s: when: %w", r.ID, err)
		}
	}
	if !same(r.unless, r.Unless) {
		if r.unless, err = s.condition(r.Unless); err != nil {
			return nil, fmt.Errorf("policy: %s: unless: %w", r.ID, err)
		}
	}
	branches := make([]*Branch, len(r.Branches))
	for i, b := range r.Branches {
		fresh := *b
		if !same(fresh.when, fresh.When) {
			if fresh.when, err = s.condition(fresh.When); err != nil {
				return nil, fmt.Errorf("policy: %s: exception %s: %w", r.ID, b.ID, err)
			}
		}
		fresh.given = before.asGivenBy(r.ID, &fresh)
		branches[i] = &fresh
	}
	r.Branches = branches
	r.given = s.asGiven(&r, before)
	r.compiled()
	return &r, nil
}

func (s *Set) condition(source string) (*condition, error) {
	if source == "" {
		return nil, nil
	}
	c, flaws := s.language.compile(source)
	if len(flaws) > 0 {
		return nil, errors.New(flaws[0].Text)
	}
	return c, nil
}

// withLists puts lists in the place of those with the same ids, and makes
// those that include them anew.
func withLists(old map[string]*List, fresh []List) (map[string]*List, error) {
	all := maps.Clone(old)
	changed := map[string]bool{}
	for i := range fresh {
		all[fresh[i].ID] = &fresh[i]
		changed[fresh[i].ID] = true
	}
	out := maps.Clone(all)
	for id, l := range all {
		closure := closureOf(all, id)
		if !slices.ContainsFunc(closure, func(id string) bool { return changed[id] }) {
			continue
		}
		made := &List{ID: l.ID, Name: l.Name, Members: l.Members, Include: l.Include, place: l.place}
		for _, from := range closure {
			for _, m := range all[from].Members {
				if wrong := made.add(m); wrong != "" {
					return nil, fmt.Errorf("policy: list %s: %s", from, wrong)
				}
			}
		}
		out[id] = made
	}
	return out, nil
}

// closureOf is a list and those that it includes, each once.
func closureOf(all map[string]*List, id string) (closure []string) {
	todo := []string{id}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if all[next] == nil && zones()[next] != nil {
			all[next] = zones()[next]
		}
		if all[next] == nil || slices.Contains(closure, next) {
			continue
		}
		closure = append(closure, next)
		todo = append(todo, all[next].Include...)
	}
	return closure
}

// asGiven are the keys that an edited rule says itself: those that it said
// before, and those that were edited.
func (s *Set) asGiven(r *Rule, before *Set) given {
	i := slices.IndexFunc(before.rules, func(o *Rule) bool { return o.ID == r.ID })
	if i < 0 || len(before.defaults) == 0 {
		return r.given
	}
	old, says := before.rules[i], maps.Clone(r.given)
	if says == nil {
		says = given{}
	}
	if old.Mode != r.Mode {
		says["mode"] = r.Place
	}
	if old.Priority != r.Priority {
		says["priority"] = r.Place
	}
	if old.Sender != r.Sender {
		says["sender"] = r.Place
	}
	if !reflect.DeepEqual(old.Steps, r.Steps) {
		for _, step := range r.Steps {
			for _, p := range Parameters(step.Action) {
				says[string(step.Action)+"."+p.Key] = r.Place
			}
		}
	}
	return says
}

// asGivenBy are the keys that an edited exception says itself.
func (s *Set) asGivenBy(rule string, b *Branch) given {
	for _, r := range s.rules {
		for _, old := range r.Branches {
			if r.ID != rule || old.ID != b.ID || len(s.defaults) == 0 || reflect.DeepEqual(old.Steps, b.Steps) {
				continue
			}
			says := maps.Clone(b.given)
			if says == nil {
				says = given{}
			}
			for _, step := range b.Steps {
				for _, p := range Parameters(step.Action) {
					says[string(step.Action)+"."+p.Key] = b.Place
				}
			}
			return says
		}
	}
	return b.given
}
