package quarantine

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// People is who is who in a tenant, as far as approvals ask for it.
type People interface {
	// Manager is the manager of somebody.
	Manager(of mail.Address) (mail.Address, bool)
	// Members are those whom mail to a group reaches, or who work in a shared
	// mailbox; whole is false when there are more whom nobody knows. known is
	// false when there is no such group.
	Members(group string) (list []mail.Address, whole, known bool)
	// Addresses are all addresses of somebody, the primary one first; only the
	// given one when nobody knows him.
	Addresses(of mail.Address) []mail.Address
	// Decides reports whether somebody is of the tenant, and still there: only
	// such people decide about its mail.
	Decides(a mail.Address) bool
}

// Nobody is a tenant that does not say who is who. Whose addresses are its own
// is what Owns says; nil says none.
type Nobody struct{ Owns func(mail.Address) bool }

// Manager implements People.
func (Nobody) Manager(mail.Address) (mail.Address, bool) { return "", false }

// Members implements People.
func (Nobody) Members(string) (list []mail.Address, whole, known bool) { return nil, false, false }

// Addresses implements People.
func (Nobody) Addresses(a mail.Address) []mail.Address { return []mail.Address{a} }

// Decides implements People.
func (n Nobody) Decides(a mail.Address) bool { return n.Owns != nil && n.Owns(a) }

// Panel is who may decide about a hold besides the administrators.
type Panel struct {
	// Named is what the policy says: "manager", "group:legal", addresses.
	Named []string `json:"named,omitempty"`
	// Seats are the people behind it, by their primary addresses.
	Seats []mail.Address `json:"seats,omitempty"`
	// Deputies decide too from the moment when they are asked (Deputized).
	Deputies  []mail.Address `json:"deputies,omitempty"`
	Deputized bool           `json:"deputized,omitempty"`
	// Missing says in words who is not there, and why.
	Missing []string `json:"missing,omitempty"`
}

const groupPrefix = "group:"

// mostSeats bounds how many may decide about one hold. A group of everybody is
// a mistake of a policy, and each seat is a row of the index.
const mostSeats = 200

// Resolve finds the people behind a policy's words when a hold begins. The
// sender is not among them, nor those who could have sent it too (also).
// Somebody who cannot be found is said in Missing;
// when nobody at all is found, the deputies decide at once, and without those
// the administrators.
func Resolve(approvers, deputies []string, of int, sender mail.Address, p People, also ...mail.Address) Panel {
	if p == nil {
		p = Nobody{}
	}
	panel := Panel{Named: slices.Clone(approvers)}
	own := slices.Concat(p.Addresses(sender), also)
	panel.Seats = panel.seats(approvers, own, sender, p)
	panel.Deputies = slices.DeleteFunc(panel.seats(deputies, own, sender, p), func(a mail.Address) bool {
		return slices.Contains(panel.Seats, a)
	})
	if len(panel.Seats) == 0 && len(panel.Deputies) > 0 {
		panel.Deputized = true
	}
	if n := len(panel.Seats) + len(panel.Deputies); n > 0 && n < of {
		panel.Missing = append(panel.Missing,
			fmt.Sprintf("%d must agree, and only %d can be asked; an administrator counts as one", of, n))
	}
	return panel
}

func (panel *Panel) seats(named []string, own []mail.Address, sender mail.Address, p People) (seats []mail.Address) {
	miss := func(format string, args ...any) {
		panel.Missing = append(panel.Missing, fmt.Sprintf(format, args...))
	}
	add := func(a mail.Address) {
		a = p.Addresses(a)[0]
		switch {
		case same(own, a):
			miss("%s is the sender and does not decide", a)
		case !p.Decides(a):
			miss("%s is not of the tenant, or no longer there", a)
		case same(seats, a):
		case len(seats) == mostSeats:
			if !slices.ContainsFunc(panel.Missing, func(s string) bool { return strings.HasPrefix(s, "more than") }) {
				miss("more than %d people would be asked; the others are not", mostSeats)
			}
		default:
			seats = append(seats, a)
		}
	}
	for _, name := range named {
		group, isGroup := strings.CutPrefix(name, groupPrefix)
		switch {
		case name == "manager":
			if m, ok := p.Manager(sender); ok {
				add(m)
			} else {
				miss("the manager of %s is not known", sender)
			}
		case isGroup:
			members, whole, known := p.Members(group)
			if !known {
				miss("there is no group %s", group)
			} else if !whole {
				miss("not all members of the group %s are known", group)
			}
			for _, a := range members {
				add(a)
			}
		default:
			members, whole, known := p.Members(name)
			if !known {
				members = []mail.Address{mail.Address(name)}
			} else if !whole {
				miss("not all members of %s are known", name)
			}
			for _, a := range members {
				add(a)
			}
		}
	}
	return seats
}

// active are those who may decide now.
func (panel Panel) active() []mail.Address {
	if !panel.Deputized {
		return panel.Seats
	}
	return slices.Concat(panel.Seats, panel.Deputies)
}

// Administrators reports whether nobody else can decide.
func (panel Panel) Administrators() bool { return len(panel.Seats)+len(panel.Deputies) == 0 }

// String says who decides, for lists.
func (panel Panel) String() string {
	if panel.Administrators() {
		return "administrators"
	}
	var words []string
	for _, a := range panel.active() {
		if words = append(words, string(a)); len(words) == 3 && len(panel.active()) > 4 {
			words = append(words, fmt.Sprintf("%d others", len(panel.active())-3))
			break
		}
	}
	return strings.Join(words, ", ")
}

// replace gives the seat of one person to another.
func (panel *Panel) replace(from, to mail.Address) {
	keep := func(a mail.Address) bool { return keyOf(a) == keyOf(from) || keyOf(a) == keyOf(to) }
	deputy := same(panel.Deputies, from) && !same(panel.Seats, from)
	panel.Seats = slices.DeleteFunc(slices.Clone(panel.Seats), keep)
	panel.Deputies = slices.DeleteFunc(slices.Clone(panel.Deputies), keep)
	if deputy {
		panel.Deputies = append(panel.Deputies, to)
		return
	}
	panel.Seats = append(panel.Seats, to)
}

func same(list []mail.Address, a mail.Address) bool {
	return slices.ContainsFunc(list, func(x mail.Address) bool { return keyOf(x) == keyOf(a) })
}

// keyOf is an address as people are compared by it.
func keyOf(a mail.Address) string { return a.Key() }
