package directory

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"postern.dev/postern/internal/mail"
)

// Directory is who is who in one tenant, at one moment. It does not change.
type Directory struct {
	// Tenant is the id of the tenant that it belongs to.
	Tenant string
	// Generated is when its source said so, Source what the source is called.
	Generated time.Time
	Source    string
	// Domains are the domains that the file lists.
	Domains []string
	// Unresolved is how many references lead to nothing.
	Unresolved int

	owner   Owner
	relays  map[string]bool // domains whose mail Exchange only passes on
	nodes   []node
	groups  []int32          // places of the groups in nodes
	byKey   map[string]int32 // by every address
	byID    map[string]int32
	twins   [][2]int32              // a contact, and who has the address where its mail goes
	ofNode  []int32                 // number of the group at a place in nodes, none for others
	partial []string                // names of incomplete groups
	counts  []atomic.Pointer[Count] // by number of the group
}

// Kind says what an entry is.
type Kind uint8

// The kinds of entries.
const (
	User Kind = iota + 1
	Group
	Contact
)

func (k Kind) String() string {
	switch k {
	case User:
		return kindUser
	case Group:
		return kindGroup
	case Contact:
		return kindContact
	}
	return ""
}

const none = int32(-1)

// node is an entry as it is kept.
type node struct {
	id, address, name              string
	department, language, external string
	aliases, forward               []string
	group                          string // type of a group
	members                        []int32
	delegates                      []int32
	parents                        []int32 // groups that name it
	within                         set     // all groups that it is in
	manager                        int32
	kind                           Kind
	guest, disabled, shared        bool
	moderated, hidden              bool
	complete                       bool // its members are known; of a group
	whole                          bool // and so are those of the groups in it
	inside                         bool
	leaks                          bool // its mail is forwarded outside
	bare                           bool // only named as a member
}

// Find returns the entry with an address: the primary one or any other.
func (d *Directory) Find(a mail.Address) (Entry, bool) {
	if d == nil {
		return Entry{}, false
	}
	i, ok := d.byKey[a.Key()]
	return Entry{d, i}, ok
}

// Inside reports whether an address is one of the tenant's own: its domain
// is accepted, and the directory does not say that its mail goes elsewhere.
// A contact, a guest and a domain that Exchange only relays are outside,
// whatever their addresses look like. An address of an own domain that the
// directory does not know is inside: people come sooner than directories.
func (d *Directory) Inside(a mail.Address) bool {
	key := a.Key()
	if i, ok := d.byKey[key]; ok {
		v := &d.nodes[i]
		if v.kind == Contact || v.guest {
			return v.inside
		}
	}
	return d.ownsKey(key)
}

func (d *Directory) ownsKey(key string) bool {
	domain := mail.Address(key).Domain()
	return domain != "" && d.owner.Owns != nil && d.owner.Owns(domain) && !d.relays[domain]
}

// Age is how old the directory is; it is never negative.
func (d *Directory) Age(now time.Time) time.Duration { return max(0, now.Sub(d.Generated)) }

// Stale reports whether the directory is older than its tenant allows.
func (d *Directory) Stale(now time.Time) bool { return d.owner.Stale > 0 && d.Age(now) > d.owner.Stale }

// Usable reports whether facts may be taken from the directory: it is there,
// and not too old for a tenant that wants to know nothing then.
func (d *Directory) Usable(now time.Time) bool { return d != nil && !(d.owner.Strict && d.Stale(now)) }

// Size counts the entries.
type Size struct {
	Users    int `json:"users"`
	Groups   int `json:"groups"`
	Contacts int `json:"contacts"`
	// Outside are addresses that only groups name.
	Outside int `json:"outside"`
	// Incomplete are groups of which not all members are known.
	Incomplete int `json:"incomplete"`
}

// Size counts the entries.
func (d *Directory) Size() (s Size) {
	for i := range d.nodes {
		switch v := &d.nodes[i]; {
		case v.bare:
			s.Outside++
		case v.kind == Group:
			s.Groups++
			if !v.whole {
				s.Incomplete++
			}
		case v.kind == Contact:
			s.Contacts++
		default:
			s.Users++
		}
	}
	return s
}

// Group finds a group by an address, or by its id.
func (d *Directory) Group(name string) (Entry, bool) {
	if d == nil {
		return Entry{}, false
	}
	i, ok := d.byKey[mail.Address(name).Key()]
	if !ok {
		i, ok = d.byID[strings.ToLower(name)]
	}
	return Entry{d, i}, ok && d.nodes[i].kind == Group
}

// Incomplete lists names of groups of which not all members are known; more
// is set when there are others than these.
func (d *Directory) Incomplete(most int) (names []string, more bool) {
	return slices.Clone(d.partial[:min(len(d.partial), most)]), len(d.partial) > most
}

// Groups lists all groups, as the file orders them.
func (d *Directory) Groups() []Entry {
	list := make([]Entry, len(d.groups))
	for i, g := range d.groups {
		list[i] = Entry{d, g}
	}
	return list
}
