package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Defaults are values that policies need not say themselves: for the whole
// installation, for tenants, or for senders who belong to a group. What a
// policy says itself counts first, then the group, the tenant, the
// installation, and at last what is built in.
type Defaults struct {
	ID      string   `json:"id"`
	Tenants []string `json:"tenants,omitempty"`
	// Group is the group that the sender belongs to; "" for everybody.
	Group    string  `json:"group,omitempty"`
	Mode     Mode    `json:"mode,omitempty"`
	Priority int     `json:"priority,omitempty"`
	Sender   Subject `json:"sender,omitempty"`
	// Steps hold the parameters of actions.
	Steps []Step `json:"steps,omitempty"`
	// Says are the keys that are said here, as "mode" or "hold.for".
	Says []string `json:"says"`

	// Place is "file:line".
	Place string `json:"-"`

	given given
}

// given are the keys that a document says, each with its place.
type given map[string]string

// level orders defaults: the more special counts more.
func (d *Defaults) level() int {
	switch {
	case d.Group != "":
		return 2
	case len(d.Tenants) > 0:
		return 1
	}
	return 0
}

func (d *Defaults) is(tenant string) bool {
	return len(d.Tenants) == 0 || slices.Contains(d.Tenants, tenant)
}

// inherited are the actions whose parameters have defaults.
func inherited() []Action { return []Action{Notify, Override, HoldFor, Block} }

func defaultsKeys() []Parameter {
	list := described(
		Parameter{Key: "tenants", Form: FormTexts, Means: "ids of the tenants that they are for. Default: the installation"},
		Parameter{Key: "group", Form: FormText, Means: "a group of the directory: for senders who belong to it. Default: everybody"},
		Parameter{Key: "mode", Form: FormWord, Words: modeWords(), Means: "of policies that say none"},
		Parameter{Key: "priority", Form: FormNumber, Means: "of policies that say none"},
		Parameter{Key: "sender", Form: FormWord, Words: subjectWords(), Means: "whom policies mean by their sender"},
	)
	for _, a := range inherited() {
		list = append(list, Parameter{Key: string(a), Form: FormMap, Keys: Parameters(a), Means: "parameters of the action"})
	}
	return list
}

func (l *loader) defaults(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "defaults", keysOf("defaults")...)
	if !ok {
		return
	}
	d := &Defaults{Tenants: plain(m.texts("tenants")), Group: foldGroup(m.text("group")), given: given{}}
	id, at := l.identify(m, "defaults")
	d.ID, d.Place = id, at.String()
	d.Mode = Mode(m.word("mode", "a mode", modeWords()))
	d.Priority = m.number("priority", defaultPriority)
	d.Sender = Subject(m.word("sender", "whom a policy can mean by its sender", subjectWords()))
	for _, a := range inherited() {
		if m.has(string(a)) {
			d.Steps = append(d.Steps, r.step(m.keys[string(a)], m.at[string(a)], a)...)
			d.given.of(r, string(a), m.keys[string(a)])
			if _, delays := d.given["hold.delay"]; delays {
				r.wrong(m.keys[string(a)], "a delay is no default")
			}
		}
	}
	for _, key := range []string{"mode", "priority", "sender"} {
		d.given.note(m, key)
	}
	d.Says = keys(d.given)
	if len(d.Says) == 0 {
		r.wrong(doc, "the defaults say nothing")
	}
	for _, o := range l.set.defaults {
		if o.level() == d.level() && o.Group == d.Group && o.shares(d) {
			r.wrong(doc, "the defaults %q are for the same; write them into one document", o.ID)
		}
	}
	l.set.defaults = append(l.set.defaults, d)
}

func (d *Defaults) shares(o *Defaults) bool {
	return len(d.Tenants) == 0 && len(o.Tenants) == 0 || slices.ContainsFunc(d.Tenants, func(t string) bool {
		return slices.Contains(o.Tenants, t)
	})
}

// note remembers where a key is said.
func (g given) note(m mapping, key string) {
	if m.has(key) {
		g[key] = place{m.r.file, line(m.at[key])}.String()
	}
}

// of remembers where the parameters of an action are said.
func (g given) of(r *reader, action string, n ast.Node) {
	values, _ := pairs(n)
	for _, v := range values {
		if key, ok := text(v.Key); ok {
			g[action+"."+key] = place{r.file, line(v.Key)}.String()
		}
	}
}

// then remembers where the parameters of all actions are said.
func (g given) then(r *reader, n ast.Node) {
	if values, ok := pairs(n); ok {
		for _, v := range values {
			if action, ok := text(v.Key); ok {
				g.of(r, action, v.Value)
			}
		}
	}
}

// filled is the rule with what it does not say itself taken from defaults,
// the most special first. It is the rule itself when nothing changes.
func (r *Rule) filled(list []*Defaults) *Rule {
	fresh := *r
	find := func(key string) *Defaults {
		if _, own := r.given[key]; own {
			return nil
		}
		i := slices.IndexFunc(list, func(d *Defaults) bool { _, ok := d.given[key]; return ok })
		if i < 0 {
			return nil
		}
		return list[i]
	}
	if d := find("mode"); d != nil {
		fresh.Mode = d.Mode
	}
	if d := find("priority"); d != nil {
		fresh.Priority = d.Priority
	}
	if d := find("sender"); d != nil {
		fresh.Sender = d.Sender
	}
	fresh.Steps = fillSteps(r.Steps, find)
	fresh.Branches = slices.Clone(r.Branches)
	for i, b := range fresh.Branches {
		branch := *b
		branch.Steps = fillSteps(b.Steps, func(key string) *Defaults {
			if _, own := b.given[key]; own {
				return nil
			}
			return find(key)
		})
		fresh.Branches[i] = &branch
	}
	if len(r.Branches) == 0 {
		fresh.Branches = nil
	}
	if same(r, &fresh) {
		return r
	}
	return &fresh
}

// fill changes the rule itself.
func (r *Rule) fill(list []*Defaults) {
	fresh := r.filled(list)
	r.Mode, r.Priority, r.Sender, r.Steps = fresh.Mode, fresh.Priority, fresh.Sender, fresh.Steps
	for i, b := range fresh.Branches {
		r.Branches[i].Steps = b.Steps
	}
}

func same(a, b *Rule) bool {
	return a.Mode == b.Mode && a.Priority == b.Priority && a.Sender == b.Sender && reflect.DeepEqual(a.Steps, b.Steps) &&
		slices.EqualFunc(a.Branches, b.Branches, func(x, y *Branch) bool { return reflect.DeepEqual(x.Steps, y.Steps) })
}

func fillSteps(steps []Step, find func(key string) *Defaults) []Step {
	fresh := slices.Clone(steps)
	for i := range fresh {
		s := &fresh[i]
		for _, p := range Parameters(s.Action) {
			if s.Terms.Delay && p.Key != "text" {
				continue // it has no other terms
			}
			if d := find(string(s.Action) + "." + p.Key); d != nil {
				s.inherit(p.Key, d.step(s.Action))
			}
		}
	}
	return fresh
}

func (d *Defaults) step(a Action) Step {
	i := slices.IndexFunc(d.Steps, func(s Step) bool { return s.Action == a })
	return d.Steps[i] // its keys are given, so it is there
}

// inherit takes one parameter from a default.
func (s *Step) inherit(key string, from Step) {
	switch key {
	case "text":
		s.Text = from.Text
	case "refuse":
		s.Refuse = from.Refuse
	case "approver":
		s.Approvers = from.Approvers
	case "deputy":
		s.Terms.Deputies = from.Terms.Deputies
	case "of":
		s.Terms.Of = from.Terms.Of
	case "for":
		s.For = from.For
	case "then":
		s.End = from.End
	case "working":
		s.Terms.Working = from.Terms.Working
	case "remind":
		s.Terms.Remind = from.Terms.Remind
	case "reasons":
		s.Terms.Reasons = from.Terms.Reasons
	case "comment":
		s.Terms.Comment = from.Terms.Comment
	case "recipient":
		s.Terms.Recipient = from.Terms.Recipient
	case "preview":
		s.Terms.Preview = from.Terms.Preview
	}
}

// fits says what is wrong with a step whose parameters come from several
// documents; "" when nothing is.
func (s *Step) fits() string {
	if s.Action != HoldFor && s.Action != Override || s.Terms.Delay {
		return ""
	}
	group := slices.ContainsFunc(s.Approvers, func(a string) bool { return strings.HasPrefix(a, groupPrefix) })
	switch {
	case slices.ContainsFunc(s.Terms.Remind, func(d time.Duration) bool { return d >= s.For }):
		return fmt.Sprintf("with its defaults it reminds after the time (%s) is over", s.For)
	case s.Terms.Of > len(s.Approvers) && len(s.Approvers) > 0 && !group:
		return fmt.Sprintf("with its defaults %d of %d approvers must agree", s.Terms.Of, len(s.Approvers))
	case s.Terms.Working != nil && !s.Terms.Working.enough(s.For):
		return "with its defaults so much working time would take longer than half a year"
	}
	return ""
}

// edition is the rules as they are for a tenant and for senders of a group.
type edition struct {
	tenant string
	by     *Defaults // of the group; nil: for senders of no such group
	rules  []*Rule
	plan   *plan
}

// defaultsFor lists the defaults for a tenant, the most special first; by is
// those of the sender's group.
func (s *Set) defaultsFor(tenant string, by *Defaults) (list []*Defaults) {
	for _, d := range s.defaults {
		if d == by || d.Group == "" && d.is(tenant) {
			list = append(list, d)
		}
	}
	slices.SortStableFunc(list, func(a, b *Defaults) int { return cmp.Compare(b.level(), a.level()) })
	return list
}

// edit works out the editions.
func (s *Set) edit() {
	slices.SortFunc(s.defaults, func(a, b *Defaults) int { return cmp.Compare(a.ID, b.ID) })
	tenants := []string{""}
	special := false
	for _, d := range s.defaults {
		tenants = append(tenants, d.Tenants...)
		special = special || d.level() > 0
	}
	if !special {
		return
	}
	s.editions = map[string][]*edition{}
	for _, tenant := range sortedUnique(tenants) {
		groups := []*Defaults{nil}
		for _, d := range s.defaults {
			if d.Group != "" && d.is(tenant) {
				groups = append(groups, d)
			}
		}
		for _, by := range groups {
			e := &edition{tenant: tenant, by: by}
			list := s.defaultsFor(tenant, by)
			for _, r := range s.rules {
				e.rules = append(e.rules, r.filled(list))
			}
			slices.SortFunc(e.rules, before)
			s.editions[tenant] = append(s.editions[tenant], e)
		}
	}
}

// before is the order of rules.
func before(a, b *Rule) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.ID, b.ID))
}

// every lists the rules in all their editions.
func (s *Set) every() []*Rule {
	all := slices.Clone(s.rules)
	for _, list := range s.editions {
		for _, e := range list {
			all = append(all, e.rules...)
		}
	}
	return all
}

// edition lists the editions that hold for a message: one, or, when nobody
// knows whether the sender belongs to a group, each that may.
func (s *Set) edition(m *moment) []*edition {
	list, ok := s.editions[m.facts.Tenant]
	if !ok {
		list = s.editions[""]
	}
	if len(list) == 0 || m.unknown["tenant"] && len(s.editions) > 1 {
		return []*edition{{rules: s.rules, plan: s.plan}}
	}
	var may []*edition
	for _, e := range list[1:] {
		switch m.belongs(e.by.Group) {
		case yes:
			return append(may, e)
		case cannotKnow:
			may = append(may, e)
		}
	}
	return append(may, list[0])
}

// RulesFor lists the policies as they are for a message: with the defaults of
// its tenant and of its sender's group. Where nobody knows the group, it is the
// first that may be.
func (s *Set) RulesFor(f *Facts) []Rule {
	if s == nil || len(s.editions) == 0 {
		return s.Rules()
	}
	var list []Rule
	for _, r := range s.edition(s.moment(f))[0].rules {
		list = append(list, *r)
	}
	return list
}

// belongs reports whether the sender, or who sends on its behalf, belongs to
// a group.
func (m *moment) belongs(group string) answer {
	all := no
	for key, p := range map[string]Party{"sender": m.facts.Sender, "user": m.facts.User} {
		a := p.member(group, m.facts.Directory)
		if m.unknown[key] {
			a = cannotKnow
		}
		if a == yes {
			return yes
		}
		if a == cannotKnow {
			all = cannotKnow
		}
	}
	return all
}
