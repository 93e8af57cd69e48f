package gateway

import (
	"slices"
	"time"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Bounds of what facts hold of groups. Facts are kept with every message.
const (
	maxPartyGroups = 200  // names of one address
	maxFactGroups  = 3000 // names of all addresses of a message
	maxDomains     = 50   // outside, of the members of a group
)

// known is what directory and history say of the people of one message.
type known struct {
	who   *directory.Directory // nil: nothing is known
	asked []string             // groups that the policies ask for
	seen  map[string]policy.Party
	names int // of groups, in all facts so far
}

// newKnown asks the tenant's directory. One that is too old says nothing to a
// tenant that wants it so.
func newKnown(s subject, f *policy.Facts, now time.Time) *known {
	k := &known{seen: map[string]policy.Party{}}
	if s.who == nil {
		return k
	}
	k.asked = s.tenant.Policies.Groups()
	f.Directory = &policy.Directory{AsOf: s.who.Generated.UTC(), Stale: s.who.Stale(now), Asked: k.asked}
	if !s.who.Usable(now) {
		return k
	}
	k.who = s.who
	f.Directory.Incomplete, f.Directory.More = s.who.Incomplete(maxDomains)
	for _, g := range k.asked {
		e, found := s.who.Group(g)
		if (!found || !e.Whole()) && !slices.Contains(f.Directory.Incomplete, g) {
			f.Directory.Incomplete = append(f.Directory.Incomplete, g)
		}
	}
	return k
}

// inside reports whether an address is one of the tenant's own: by its domain
// and, where there is one, by the directory.
func (s subject) inside(a mail.Address) bool {
	if s.who != nil {
		return s.who.Inside(a)
	}
	return s.tenant.Owns(a)
}

// party is an address with what is known of it.
func (k *known) party(s subject, a mail.Address) policy.Party {
	key := a.Key()
	if p, again := k.seen[key]; again {
		p.Address = a
		return p
	}
	p := policy.Party{Address: a, Inside: s.inside(a)}
	if k.who != nil {
		k.ask(&p)
	}
	if !p.Inside && !a.Null() {
		like := s.past.LooksLike(s.tenant.ID, a.Domain(), s.tenant.Domains)
		if s.past != nil || like != "" {
			p.LooksLike = &like
		}
	} else if p.Inside {
		p.LooksLike = new(string)
	}
	k.seen[key] = p
	return p
}

// ask fills in what the directory says. Of an address that it does not know it
// says that it is in no group.
func (k *known) ask(p *policy.Party) {
	manager, guest := mail.Address(""), false
	p.Groups, p.Manager, p.Guest = []string{}, &manager, &guest
	p.Members = &policy.Members{Total: 1}
	if !p.Inside {
		p.Members.Outside, p.Members.Domains = 1, []string{p.Address.Domain()}
	}
	if p.Address.Null() {
		p.Members = &policy.Members{}
	}
	e, found := k.who.Find(p.Address)
	if !found {
		return
	}
	guest = e.Guest()
	if m, ok := e.Manager(); ok {
		manager = m.Address()
	}
	if e.Kind() == directory.User {
		p.Who = &policy.Who{Department: e.Department(), Shared: e.Shared(), Disabled: e.Disabled(), Leaks: e.Leaks()}
	}
	if e.Kind() == directory.Group {
		c := e.Count()
		p.Members = &policy.Members{Total: c.People, Outside: c.Outside, Partial: !c.Whole}
		for _, d := range c.Domains[:min(len(c.Domains), maxDomains)] {
			p.Members.Domains = append(p.Members.Domains, d.Domain)
		}
	}
	k.groups(p, e)
}

// groups lists the groups of an address, and how it comes to be in those that
// the policies ask for.
func (k *known) groups(p *policy.Party, e directory.Entry) {
	within := e.Within()
	for _, g := range within {
		p.Groups = append(p.Groups, g.Names()...)
	}
	if len(p.Groups) > maxPartyGroups || k.names+len(p.Groups) > maxFactGroups {
		p.Cut, p.Groups = true, []string{}
	}
	k.names += len(p.Groups)
	for _, name := range k.asked {
		g, found := k.who.Group(name)
		if !found || !e.In(g) {
			continue
		}
		if !slices.Contains(p.Groups, name) {
			p.Groups = append(p.Groups, name)
		}
		if words := e.Words(g); words != "" && g != e {
			if p.Ways == nil {
				p.Ways = map[string]string{}
			}
			p.Ways[name] = words
		}
	}
}

// roles say where the recipients stand in the header. A recipient that is not
// named there and is in a group that is named gets the message as its member.
type roles struct {
	named map[string]policy.Role
	lists []list
}

type list struct {
	group directory.Entry
	role  policy.Role
}

// name notes an address of the header; it is false for one that was there
// before.
func (r *roles) name(k *known, a mail.Address, role policy.Role) bool {
	key := a.Key()
	e, found := k.who.Find(a)
	if found {
		key = e.Address().Key() // whichever of its addresses stands there
	}
	if _, twice := r.named[key]; twice {
		return false
	}
	r.named[key] = role
	if found && e.Kind() == directory.Group {
		r.lists = append(r.lists, list{e, role})
	}
	return true
}

// of fills in where a recipient stands.
func (r *roles) of(k *known, p *policy.Party) {
	key := p.Address.Key()
	e, found := k.who.Find(p.Address)
	if found {
		key = e.Address().Key()
	}
	if p.Role = r.named[key]; p.Role != "" {
		return
	}
	p.Role = policy.Bcc
	for _, l := range r.lists {
		if found && e.In(l.group) {
			p.Role, p.Expanded = l.role, string(l.group.Address())
			return
		}
	}
}
