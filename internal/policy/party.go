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
	// Contact is what is known of earlier mail from the sender to it.
	Contact *Contact `json:"contact,omitempty"`
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
	// Count is how many messages there were.
	Count int `json:"count"`
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
}

// Directory is the state of the directory.
type Directory struct {
	// AsOf is when it was read; zero when that is not known.
	AsOf time.Time `json:"as_of,omitzero"`
}

// member reports whether the party is, or belongs to, a group, or came by it.
func (p Party) member(group string) answer {
	group = foldGroup(group)
	switch {
	case foldGroup(string(p.Address)) == group, p.Expanded != "" && foldGroup(p.Expanded) == group,
		slices.Contains(p.Groups, group):
		return yes
	case p.Groups == nil:
		return cannotKnow
	}
	return no
}

// foldGroup is the form in which groups are compared.
func foldGroup(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
