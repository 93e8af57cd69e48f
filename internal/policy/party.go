package policy

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Party is a sender or recipient. What a directory or a history says of it is
// nil until somebody fills it: it cannot be known.
type Party struct {
	Address mail.Address `json:"address"`
	// Inside is set when the address belongs to a domain of the tenant.
	Inside bool `json:"inside"`
	// Role says where a recipient stands: to, cc, or bcc, which means in the
	// envelope only. "" means that it was not kept.
	Role Role `json:"role,omitempty"`
	// Expanded is the address of the group of the header as whose member the
	// recipient gets the message; "" when it is named itself.
	Expanded string `json:"expanded,omitempty"`
	// Groups are the groups it is a member of, nested ones too, by every
	// address that they have, in lower case; nil when no directory was asked.
	Groups []string `json:"groups,omitzero"`
	// Manager is the address of its manager, "" for none.
	Manager *mail.Address `json:"manager,omitempty"`
	// Guest is set for a guest of the tenant.
	Guest *bool `json:"guest,omitempty"`
	// Contact is what is known of earlier mail between the sender and it.
	Contact *Contact `json:"contact,omitempty"`
	// Cut is set when it is in so many groups that Groups holds only those of
	// Directory.Asked.
	Cut bool `json:"cut,omitempty"`
	// Ways say, by the address of a group that the policies ask for, how the
	// address comes to be in it: "Eve is in Sales via EMEA-Sales".
	Ways map[string]string `json:"ways,omitempty"`
	// Members are those whom mail to the address reaches; nil when no directory
	// was asked.
	Members *Members `json:"members,omitempty"`
	// Who is what the directory says of the person; nil when it does not know
	// the address, or was not asked.
	Who *Who `json:"who,omitempty"`
	// Same is set in facts that are kept of a party that is the sender: all that
	// is said of the sender is said of it.
	Same bool `json:"same,omitempty"`
	// LooksLike is the domain, one that the tenant often writes to or its own,
	// that the address's domain can be mistaken for; "" for none, nil when
	// nobody looked.
	LooksLike *string `json:"looks_like,omitempty"`
}

// Members are the people whom mail to an address reaches: of a group all its
// members, through all groups in it, else one.
type Members struct {
	Total   int `json:"total"`
	Outside int `json:"outside"`
	// Domains are those of the people outside, those with most people first,
	// and not all when there are very many.
	Domains []string `json:"domains,omitempty"`
	// Partial is set when there are more, whom nobody knows.
	Partial bool `json:"partial,omitempty"`
}

// Who is what a directory says of a person.
type Who struct {
	Department string `json:"department,omitempty"`
	// Shared is set for a mailbox of no single person, Disabled for a user who
	// may not sign in.
	Shared   bool `json:"shared,omitempty"`
	Disabled bool `json:"disabled,omitempty"`
	// Leaks is set when mail to it is forwarded outside.
	Leaks bool `json:"leaks,omitempty"`
}

// Lean is f as it is kept: what a directory says of the sender stands there
// once, and not again with the author, the mailbox and the user.
func (f Facts) Lean() Facts {
	if f.Sender.Groups == nil {
		return f
	}
	lean := func(p Party) Party {
		if p.Address.Key() != f.Sender.Address.Key() {
			return p
		}
		return Party{Address: p.Address, Inside: p.Inside, Same: true}
	}
	f.From = slices.Clone(f.From)
	for i, p := range f.From {
		f.From[i] = lean(p)
	}
	f.Mailbox, f.User = lean(f.Mailbox), lean(f.User)
	return f
}

// whole undoes Lean.
func (f *Facts) whole() {
	fill := func(p *Party) {
		if p.Same {
			address := p.Address
			*p = f.Sender
			p.Address = address
		}
	}
	for i := range f.From {
		fill(&f.From[i])
	}
	fill(&f.Mailbox)
	fill(&f.User)
}

// Role is where a recipient stands.
type Role string

// The roles.
const (
	To  Role = "to"
	Cc  Role = "cc"
	Bcc Role = "bcc"
)

// Contact is the history between a sender and a recipient, this message not
// included.
type Contact struct {
	// Count is how many messages there were between them, either way.
	Count int `json:"count"`
	// Sent is how many of them went the way that this one goes.
	Sent int `json:"sent,omitempty"`
	// Colleague is set when both are inside: no history is kept then, and
	// nothing is a first contact.
	Colleague bool `json:"colleague,omitempty"`
	// First and Last are the times of the first and the last of them.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Visible counts the recipients in the fields To and Cc, each address once.
type Visible struct {
	To int `json:"to"`
	Cc int `json:"cc"`
	// Outside is how many of them are outside, Domains how many different
	// domains these have.
	Outside int `json:"outside"`
	Domains int `json:"domains"`
}

// Auth are results of sender authentication, in the words of RFC 8601 §2.7:
// pass, fail, none and so on; "" means that nobody checked.
type Auth struct {
	SPF   string `json:"spf,omitempty"`
	DKIM  string `json:"dkim,omitempty"`
	DMARC string `json:"dmarc,omitempty"`
	ARC   string `json:"arc,omitempty"`
	// CompAuth is the composite result of Exchange Online.
	CompAuth string `json:"compauth,omitempty"`
	// Source is whose results SPF, DMARC and CompAuth are: exchange, the name
	// of a server of the tenant, or none. "" means that it was not kept.
	Source string `json:"source,omitempty"`
	// SPFDomain and DKIMDomain are whom the result is about, ARCSealer is who
	// sealed last; they count only where the result is pass.
	SPFDomain  string `json:"spf_domain,omitempty"`
	DKIMDomain string `json:"dkim_domain,omitempty"`
	ARCSealer  string `json:"arc_sealer,omitempty"`
	// Aligned is set when SPF or DKIM passes for the organization of the one
	// author in From.
	Aligned bool `json:"aligned,omitempty"`
}

// Directory is the state of the directory.
type Directory struct {
	// AsOf is when its source said all this; zero when that is not known.
	AsOf time.Time `json:"as_of,omitzero"`
	// Stale is set when it is older than the tenant allows.
	Stale bool `json:"stale,omitempty"`
	// Asked are the groups that the policies asked for.
	Asked []string `json:"asked,omitempty"`
	// Incomplete are the groups of which not all members are known, and those
	// of Asked that are not there. More is set when there are others.
	Incomplete []string `json:"incomplete,omitempty"`
	More       bool     `json:"more,omitempty"`
}

// sure reports whether everybody's membership in a group is in the facts.
func (d *Directory) sure(group string, cut bool) bool {
	switch {
	case d == nil:
		return true
	case slices.Contains(d.Incomplete, group):
		return false
	case cut || d.More:
		return slices.Contains(d.Asked, group)
	}
	return true
}

// member reports whether the party is, or belongs to, a group, or came by it.
func (p Party) member(group string, d *Directory) answer {
	group = foldGroup(group)
	switch {
	case foldGroup(string(p.Address)) == group, p.Expanded != "" && foldGroup(p.Expanded) == group,
		slices.Contains(p.Groups, group):
		return yes
	case p.Groups == nil, !d.sure(group, p.Cut):
		return cannotKnow
	}
	return no
}

// foldGroup is the form in which groups are compared.
func foldGroup(name string) string { return mail.Address(strings.TrimSpace(name)).Key() }
