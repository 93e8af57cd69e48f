package quarantine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Role is who may do what with held mail besides those whom a hold asks, and
// besides its sender.
type Role struct {
	Name string
	// UIDs are users of this machine.
	UIDs []uint32
	// People are addresses, and groups ("group:NAME"), of those who sign in at
	// their own tenant.
	People []string
	// Tenants are those whose mail it is about; empty for all.
	Tenants []string
	Rights  Rights
}

// Roles are those of an installation.
type Roles []Role

// DefaultRoles are in force where none are written: the user of the gateway,
// and root, see who waits and decide, and read nobody's mail but two together,
// in an emergency.
func DefaultRoles(own uint32) Roles {
	return Roles{{
		Name: "administrators", UIDs: slices.Compact([]uint32{0, own}),
		Rights: Rights{Metadata: true, Decide: true, Malware: true, Emergency: true},
	}}
}

// Caller is who asks: a user of this machine, whom its kernel names, or
// somebody who signed in at a tenant.
type Caller struct {
	UID uint32
	// Tenant and Address are of somebody who signed in; UID is then nothing.
	Tenant  string
	Address mail.Address
	// Label is the name in the record of a caller inside the process.
	Label string
}

// Name is the opaque name of a caller for the record.
func (c Caller) Name() string {
	switch {
	case c.Label != "":
		return c.Label
	case c.Address != "":
		return "officer"
	}
	return "uid:" + strconv.FormatUint(uint64(c.UID), 10)
}

// Knows reports whether any role names a user of this machine.
func (r Roles) Knows(uid uint32) bool {
	return slices.ContainsFunc(r, func(x Role) bool { return slices.Contains(x.UIDs, uid) })
}

// Of are the rights of a caller about the mail of a tenant; with "" those
// about all mail. Somebody who signed in has rights in his own tenant only.
func (r Roles) Of(c Caller, tenant string, people People) (all Rights) {
	for _, x := range r {
		if len(x.Tenants) > 0 && !slices.Contains(x.Tenants, tenant) || !x.holds(c, tenant, people) {
			continue
		}
		all.Metadata = all.Metadata || x.Rights.Metadata
		all.Content = all.Content || x.Rights.Content
		all.Decide = all.Decide || x.Rights.Decide
		all.Malware = all.Malware || x.Rights.Malware
		all.Emergency = all.Emergency || x.Rights.Emergency
	}
	return all
}

// holds reports whether a caller has a role.
func (x Role) holds(c Caller, tenant string, people People) bool {
	if c.Address == "" {
		return slices.Contains(x.UIDs, c.UID)
	}
	if c.Tenant != tenant || tenant == "" {
		return false
	}
	for _, name := range x.People {
		group, isGroup := strings.CutPrefix(name, groupPrefix)
		if !isGroup {
			if keyOf(mail.Address(name)) == keyOf(c.Address) {
				return true
			}
			continue
		}
		if people == nil {
			continue
		}
		if members, _, known := people.Members(group); known && same(members, c.Address) {
			return true
		}
	}
	return false
}

// Person is a caller with his rights about the mail of a tenant. Whose role
// lets him decide about all of it is an administrator, signed in or not.
func (r Roles) Person(c Caller, tenant string, people People) Person {
	p := Person{Tenant: tenant, Name: c.Name(), By: ByAdmin, Rights: r.Of(c, tenant, people)}
	if c.Address != "" {
		p.Tenant, p.Address = c.Tenant, c.Address
		if !p.Rights.Decide {
			p.By = BySignIn
		}
	}
	return p
}

// RightNames are the words for rights in postern.yaml.
func RightNames() []string { return []string{"metadata", "content", "decide", "malware", "emergency"} }

// ParseRights reads such words. unknown is the first that is none.
func ParseRights(words []string) (r Rights, unknown string) {
	for _, w := range words {
		switch w {
		case "metadata":
			r.Metadata = true
		case "content":
			r.Content = true
		case "decide":
			r.Decide = true
		case "malware":
			r.Malware = true
		case "emergency":
			r.Emergency = true
		default:
			return r, w
		}
	}
	return r, ""
}

// Has reports whether a right is among them, by its word.
func (r Rights) Has(right string) bool {
	i := slices.Index(RightNames(), right)
	return i >= 0 && []bool{r.Metadata, r.Content, r.Decide, r.Malware, r.Emergency}[i]
}

// String lists the rights in their words.
func (r Rights) String() string {
	list := slices.DeleteFunc(RightNames(), func(right string) bool { return !r.Has(right) })
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// Lacks says in words what a set of rights does not make sense without; "" is
// a set that does.
func (r Rights) Lacks() string {
	switch {
	case r == Rights{}:
		return "gives no right; write some of " + strings.Join(RightNames(), ", ")
	case !r.Metadata:
		return fmt.Sprintf("%s without metadata: nobody decides about what he does not see; add metadata", r)
	case r.Malware && !r.Decide:
		return "malware without decide lets nothing go; add decide"
	}
	return ""
}
