package directory

import (
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Entry is a user, a group or a contact of a directory. It is small and is
// passed by value; it comes from Find and the methods below.
type Entry struct {
	d *Directory
	i int32
}

func (e Entry) node() *node { return &e.d.nodes[e.i] }

// Kind says what the entry is.
func (e Entry) Kind() Kind { return e.node().kind }

// ID is the object's id at its source, "" without one.
func (e Entry) ID() string { return e.node().id }

// Name is the displayed name.
func (e Entry) Name() string { return e.node().name }

// Label is what people call the entry: its name, its address or its id.
func (e Entry) Label() string {
	v := e.node()
	for _, s := range []string{v.name, v.address, v.external} {
		if s != "" {
			return s
		}
	}
	return v.id
}

// Names are the words by which others ask for a group: every address, or the
// id of a group without one.
func (e Entry) Names() []string {
	v := e.node()
	if v.address == "" && len(v.aliases) == 0 {
		return []string{strings.ToLower(v.id)}
	}
	if v.address == "" {
		return v.aliases
	}
	return append([]string{v.address}, v.aliases...)
}

// Address is the primary address; of a contact without one, where its mail
// goes.
func (e Entry) Address() mail.Address {
	v := e.node()
	if v.address == "" {
		return mail.Address(v.external)
	}
	return mail.Address(v.address)
}

// Aliases are the other addresses.
func (e Entry) Aliases() []mail.Address { return addresses(e.node().aliases) }

// Forward are the addresses to which the user's mail is forwarded.
func (e Entry) Forward() []mail.Address { return addresses(e.node().forward) }

func addresses(list []string) []mail.Address {
	out := make([]mail.Address, len(list))
	for i, s := range list {
		out[i] = mail.Address(s)
	}
	return out
}

// External is where the mail of a contact goes.
func (e Entry) External() mail.Address { return mail.Address(e.node().external) }

// Department of a user, "" when it is not known.
func (e Entry) Department() string { return e.node().department }

// Language is the language that a user prefers (BCP 47), "" when it is not
// known.
func (e Entry) Language() string { return e.node().language }

// Guest reports whether a user is a guest, whose mailbox is elsewhere.
func (e Entry) Guest() bool { return e.node().guest }

// Disabled reports whether a user may not sign in.
func (e Entry) Disabled() bool { return e.node().disabled }

// Shared reports whether a mailbox belongs to no single person.
func (e Entry) Shared() bool { return e.node().shared }

// Inside reports whether mail to the entry stays in the tenant.
func (e Entry) Inside() bool { return e.node().inside }

// Leaks reports whether a user's mail is forwarded outside.
func (e Entry) Leaks() bool { return e.node().leaks }

// Type is the type of a group: distribution, security, m365 or dynamic.
func (e Entry) Type() string { return e.node().group }

// Moderated reports whether somebody approves mail to the group.
func (e Entry) Moderated() bool { return e.node().moderated }

// Hidden reports whether Exchange hides the members of the group.
func (e Entry) Hidden() bool { return e.node().hidden }

// Whole reports whether all members of a group are known, through all groups
// in it.
func (e Entry) Whole() bool { return e.node().whole }

// Manager is the manager of a user.
func (e Entry) Manager() (Entry, bool) {
	m := e.node().manager
	return Entry{e.d, m}, m != none
}

// Delegates are those who may act for the entry.
func (e Entry) Delegates() []Entry { return e.d.entries(e.node().delegates) }

// Members are those whom a group names itself.
func (e Entry) Members() []Entry { return e.d.entries(e.node().members) }

// Parents are the groups that name the entry themselves.
func (e Entry) Parents() []Entry { return e.d.entries(e.node().parents) }

func (d *Directory) entries(list []int32) []Entry {
	out := make([]Entry, len(list))
	for i, x := range list {
		out[i] = Entry{d, x}
	}
	return out
}

// Within lists all groups that the entry is in, through any number of groups,
// in the order of the file. A group is in itself: its address stands for its
// members.
func (e Entry) Within() []Entry {
	v := e.node()
	list := make([]Entry, 0, v.within.len())
	v.within.each(func(g int32) { list = append(list, Entry{e.d, e.d.groups[g]}) })
	return list
}

// In reports whether the entry is in a group.
func (e Entry) In(group Entry) bool {
	return group.d == e.d && group.Kind() == Group && e.node().within.has(e.d.ofNode[group.i])
}

// Path is the shortest way from the entry to a group that it is in: the
// groups between them, and the group last. It is nil when there is none.
func (e Entry) Path(group Entry) []Entry {
	if !e.In(group) {
		return nil
	}
	if e.i == group.i {
		return []Entry{group}
	}
	target := e.d.ofNode[group.i]
	from := map[int32]int32{e.i: none}
	for line := []int32{e.i}; len(line) > 0; line = line[1:] {
		at := line[0]
		for _, p := range e.d.nodes[at].parents {
			if _, seen := from[p]; seen || !e.d.nodes[p].within.has(target) {
				continue
			}
			from[p] = at
			if p != group.i {
				line = append(line, p)
				continue
			}
			var path []int32
			for x := p; x != e.i; x = from[x] {
				path = append(path, x)
			}
			slices.Reverse(path)
			return e.d.entries(path)
		}
	}
	return nil
}
