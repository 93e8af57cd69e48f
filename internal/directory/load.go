package directory

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// Owner is the tenant that a directory is loaded for, with what its settings
// say about the directory.
type Owner struct {
	// ID is the tenant's id: a file of another tenant is refused.
	ID string
	// Owns reports whether a domain is an accepted one of the tenant. The
	// tenant's settings decide this, never the file.
	Owns func(domain string) bool
	// Stale is the age above which the directory is too old; 0 is never.
	Stale time.Duration
	// Strict says that nothing is known from a directory that is too old.
	Strict bool
}

// Load reads a directory, or says everything that is wrong with it. name is
// what mistakes call the file.
func Load(name string, r io.Reader, o Owner) (*Directory, settings.Mistakes) {
	l := &loading{
		d:    &Directory{Tenant: o.ID, owner: o, byKey: map[string]int32{}, byID: map[string]int32{}, relays: map[string]bool{}},
		file: name, words: map[string]string{},
	}
	bad := scan(name, r, bounds{maxLine, maxEntries}, l.line)
	if bad = append(bad, l.bad...); len(bad) > 0 {
		slices.SortStableFunc(bad, func(a, b settings.Mistake) int { return a.Line - b.Line })
		return nil, bad[:min(len(bad), maxMistakes)]
	}
	l.link()
	l.settle()
	if err := l.d.close(maxMembership); err != nil {
		return nil, settings.Mistakes{{File: name, Text: err.Error()}}
	}
	l.d.counts = make([]atomic.Pointer[Count], len(l.d.groups))
	return l.d, nil
}

// loading is a directory that is being read: references are still words.
type loading struct {
	d     *Directory
	file  string
	words map[string]string // texts that stand in many lines, once
	refs  []refs            // beside d.nodes
	bad   settings.Mistakes
}

// refs are the references of a node, as written.
type refs struct {
	line      int
	manager   string
	delegates []string
	members   []string
}

func (l *loading) wrong(n int, format string, args ...any) {
	if len(l.bad) < maxMistakes {
		what, suggestion, _ := strings.Cut(fmt.Sprintf(format, args...), "; ")
		l.bad = append(l.bad, settings.Mistake{File: l.file, Line: n, Column: 1, Text: what, Suggestion: suggestion})
	}
}

func (l *loading) line(n int, x *Line) {
	for _, s := range []string{x.ID, x.Name, x.Department, x.Language, x.Source} {
		if len(s) > maxText {
			l.wrong(n, "a text is longer than %d octets", maxText)
			return
		}
	}
	switch x.Kind {
	case kindHead:
		l.head(n, x)
	case kindDomain:
		l.domain(n, x)
	default:
		l.entry(n, x)
	}
}

func (l *loading) head(n int, x *Line) {
	switch {
	case x.Version != Version:
		l.wrong(n, "version %d of the form is not known; this program reads %d", x.Version, Version)
	case x.Tenant != l.d.Tenant:
		l.wrong(n, "this is the directory of tenant %q, not of %q", x.Tenant, l.d.Tenant)
	case x.Generated.IsZero():
		l.wrong(n, "generated is missing: when did its source say all this?")
	case time.Until(x.Generated) > future:
		l.wrong(n, "generated lies in the future: %s", x.Generated.Format(time.RFC3339))
	}
	l.d.Generated, l.d.Source = x.Generated, x.Source
}

func (l *loading) domain(n int, x *Line) {
	key := domainKey(x.Name)
	switch x.Type {
	case "authoritative", "internal-relay", "":
	case "external-relay":
		l.d.relays[key] = true
	default:
		l.wrong(n, "%q is no type of a domain; %s", x.Type,
			settings.Nearest(x.Type, []string{"authoritative", "internal-relay", "external-relay"}))
	}
	if key == "" {
		l.wrong(n, "a domain needs a name")
	}
	l.d.Domains = append(l.d.Domains, key)
}

// entry takes a user, a group or a contact.
func (l *loading) entry(n int, x *Line) {
	v := node{
		kind: kindOf(x.Kind), id: x.ID, name: x.Name, department: l.once(x.Department), language: l.once(x.Language), manager: none,
		guest: x.Guest, disabled: x.Disabled, shared: x.Shared, moderated: x.Moderated, hidden: x.Hidden,
	}
	l.addresses(n, x, &v)
	r := refs{line: n, manager: x.Manager, delegates: x.Delegates}
	switch v.kind {
	case Group:
		v.group, v.complete = l.groupType(n, x.Type), x.Members != nil
		if x.Members != nil {
			r.members = *x.Members
		}
	case Contact:
		to, err := address(x.External)
		if err != nil || to == "" {
			l.wrong(n, "a contact needs external: the address where its mail goes")
			return
		}
		v.external = to
	}
	if v.address == "" && v.id == "" && v.external == "" {
		l.wrong(n, "a %s needs an address or an id", x.Kind)
		return
	}
	at := int32(len(l.d.nodes))
	l.claim(n, x.Kind, &v, at)
	l.d.nodes = append(l.d.nodes, v)
	l.refs = append(l.refs, r)
	if v.kind == Group {
		l.d.groups = append(l.d.groups, at)
	}
}

func kindOf(word string) Kind {
	switch word {
	case kindGroup:
		return Group
	case kindContact:
		return Contact
	}
	return User
}

func (l *loading) groupType(n int, word string) string {
	known := []string{"distribution", "security", "m365", "dynamic"}
	switch {
	case word == "":
		return known[0]
	case !slices.Contains(known, word):
		l.wrong(n, "%q is no type of a group; %s", word, settings.Nearest(word, known))
	}
	return l.once(word)
}

func (l *loading) addresses(n int, x *Line, v *node) {
	for i, s := range append([]string{x.Address}, x.Aliases...) {
		if s == "" && i == 0 {
			continue
		}
		key, err := address(s)
		switch {
		case err != nil:
			l.wrong(n, "%s is not an address", wordOf(i))
		case i == 0:
			v.address = key
		case key != "" && key != v.address && !slices.Contains(v.aliases, key):
			v.aliases = append(v.aliases, key)
		}
	}
	for _, s := range x.Forward {
		key, err := address(s)
		if err != nil || key == "" {
			l.wrong(n, "what stands under forward is not an address")
			continue
		}
		v.forward = append(v.forward, key)
	}
}

// wordOf names an address by its place: mistakes are logged, and hold no
// address.
func wordOf(i int) string {
	if i == 0 {
		return "what stands under address"
	}
	return fmt.Sprintf("alias %d", i)
}

// claim enters the addresses and the id: each belongs to one object.
func (l *loading) claim(n int, kind string, v *node, at int32) {
	enter := func(m map[string]int32, key, what string) {
		if key == "" {
			return
		}
		if other, taken := m[key]; taken && other != at {
			l.wrong(n, "%s of this %s belongs to the entry on line %d already", what, kind, l.refs[other].line)
			return
		}
		m[key] = at
	}
	enter(l.d.byKey, v.address, "the address")
	for _, a := range v.aliases {
		enter(l.d.byKey, a, "an alias")
	}
	enter(l.d.byID, strings.ToLower(v.id), "the id")
}

// once keeps one copy of a text.
func (l *loading) once(s string) string {
	if known, ok := l.words[s]; ok {
		return known
	}
	l.words[s] = s
	return s
}

// find is the node that a reference means: an id, or an address.
func (l *loading) find(ref string) (int32, bool) {
	if i, ok := l.d.byID[strings.ToLower(ref)]; ok {
		return i, true
	}
	if key, err := address(ref); err == nil && key != "" {
		i, ok := l.d.byKey[key]
		return i, ok
	}
	return none, false
}

// link turns references into places. A contact whose mail goes to an address
// that nobody else has is found by that address too.
func (l *loading) link() {
	d := l.d
	for i := range d.nodes {
		if to := d.nodes[i].external; to != "" {
			if twin, taken := d.byKey[to]; !taken {
				d.byKey[to] = int32(i)
			} else if twin != int32(i) {
				d.twins = append(d.twins, [2]int32{int32(i), twin})
			}
		}
	}
	for i := range l.refs { // entries that members add come after these
		r := l.refs[i]
		if m, ok := l.find(r.manager); ok {
			d.nodes[i].manager = m
		} else if r.manager != "" {
			d.Unresolved++
		}
		for _, x := range r.delegates {
			if m, ok := l.find(x); ok {
				d.nodes[i].delegates = append(d.nodes[i].delegates, m)
			} else {
				d.Unresolved++
			}
		}
		l.members(int32(i), r.members)
	}
}

// members links a group with those in it. A member with an address that
// nobody has is somebody outside; any other unknown reference leaves the group
// incomplete.
func (l *loading) members(at int32, list []string) {
	d := l.d
	var in []int32
	for _, x := range list {
		m, ok := l.find(x)
		if key, err := address(x); !ok && err == nil && key != "" {
			m, ok = int32(len(d.nodes)), true
			d.nodes = append(d.nodes, node{kind: Contact, address: key, external: key, manager: none, bare: true})
			d.byKey[key] = m
		}
		if !ok {
			d.Unresolved++
			d.nodes[at].complete = false
			continue
		}
		in = append(in, m)
	}
	slices.Sort(in)
	d.nodes[at].members = slices.Clip(slices.Compact(in))
}

// settle works out what follows from the entries alone.
func (l *loading) settle() {
	d := l.d
	for i := range d.nodes {
		v := &d.nodes[i]
		v.inside = !v.guest && d.ownsKey(cmp.Or(v.external, v.address)) && !l.elsewhere(v.external)
	}
	for i := range d.nodes {
		v := &d.nodes[i]
		for _, to := range v.forward {
			v.leaks = v.leaks || !d.Inside(mail.Address(to))
		}
	}
	for _, g := range d.groups {
		for _, m := range d.nodes[g].members {
			d.nodes[m].parents = append(d.nodes[m].parents, g)
		}
	}
	for _, t := range d.twins {
		both := append(slices.Clone(d.nodes[t[0]].parents), d.nodes[t[1]].parents...)
		slices.Sort(both)
		both = slices.Compact(both)
		d.nodes[t[0]].parents, d.nodes[t[1]].parents = both, both
	}
}

// elsewhere reports whether an address, to which a contact leads, is that of
// another contact or of a guest.
func (l *loading) elsewhere(key string) bool {
	i, ok := l.d.byKey[key]
	if !ok {
		return false
	}
	v := &l.d.nodes[i]
	return v.guest || v.kind == Contact && v.external != key
}

func domainKey(name string) string {
	return strings.TrimPrefix(mail.Address("@"+strings.TrimSpace(name)).Key(), "@")
}

// future is how much later than ours a source's clock may be. A directory
// from the future would never be too old.
const future = 10 * time.Minute
