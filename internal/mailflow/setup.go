package mailflow

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Setup is everything about a tenant that decides the way of its mail.
type Setup struct {
	Organization       Organization        `json:"Organization"`
	AcceptedDomains    []AcceptedDomain    `json:"AcceptedDomains"`
	Mailboxes          []Mailbox           `json:"Mailboxes,omitempty"`
	Contacts           []Contact           `json:"Contacts,omitempty"`
	Groups             []Group             `json:"Groups,omitempty"`
	InboundConnectors  []InboundConnector  `json:"InboundConnectors,omitempty"`
	OutboundConnectors []OutboundConnector `json:"OutboundConnectors,omitempty"`
	TransportRules     []Rule              `json:"TransportRules,omitempty"`
	JournalRules       []JournalRule       `json:"JournalRules,omitempty"`
}

// Organization joins what Get-OrganizationConfig, Get-TransportConfig and the
// directory say about the tenant itself.
type Organization struct {
	Name string `json:"Name"`
	// TenantID is the Entra tenant, a GUID.
	TenantID string `json:"TenantId"`
	// RejectDirectSend refuses anonymous mail from own domains.
	RejectDirectSend bool `json:"RejectDirectSend,omitempty"`
	// JournalingReportNdrTo gets journal reports that nobody takes.
	JournalingReportNdrTo string   `json:"JournalingReportNdrTo,omitempty"`
	Unknown               []string `json:"-"`
}

// Kinds of accepted domains.
const (
	Authoritative = "Authoritative"
	InternalRelay = "InternalRelay"
	ExternalRelay = "ExternalRelay"
)

// AcceptedDomain is a row of Get-AcceptedDomain.
type AcceptedDomain struct {
	Name       string   `json:"Name,omitempty"`
	DomainName string   `json:"DomainName"`
	DomainType string   `json:"DomainType"`
	Default    bool     `json:"Default,omitempty"`
	Initial    bool     `json:"InitialDomain,omitempty"`
	Unknown    []string `json:"-"`
}

// Mailbox is a user with a mailbox in the tenant.
type Mailbox struct {
	DisplayName string `json:"DisplayName,omitempty"`
	Address     string `json:"PrimarySmtpAddress"`
	// Aliases are further addresses, with or without the prefix "smtp:".
	Aliases Strings  `json:"EmailAddresses,omitempty"`
	Manager string   `json:"Manager,omitempty"`
	Unknown []string `json:"-"`
}

// Contact is a recipient of the directory whose mailbox is elsewhere.
type Contact struct {
	DisplayName string `json:"DisplayName,omitempty"`
	Address     string `json:"PrimarySmtpAddress,omitempty"`
	// External is where its mail goes.
	External string   `json:"ExternalEmailAddress"`
	Unknown  []string `json:"-"`
}

// Group is a distribution or mail-enabled security group with its members.
type Group struct {
	Name    string   `json:"Name"`
	Address string   `json:"PrimarySmtpAddress"`
	Members Strings  `json:"Members,omitempty"`
	Unknown []string `json:"-"`
}

// JournalRule is a row of Get-JournalRule.
type JournalRule struct {
	Name                string `json:"Name"`
	JournalEmailAddress string `json:"JournalEmailAddress"`
	// Recipient limits the rule to mail from or to one address.
	Recipient string `json:"Recipient,omitempty"`
	// Scope is Global (also when empty), Internal or External.
	Scope   string   `json:"Scope,omitempty"`
	Enabled bool     `json:"Enabled"`
	Unknown []string `json:"-"`
}

// UnmarshalJSON reads the organisation's settings.
func (o *Organization) UnmarshalJSON(data []byte) error {
	*o = Organization{}
	return read(data, o, &o.Unknown, recipientNotes)
}

// UnmarshalJSON reads an object of Get-AcceptedDomain.
func (d *AcceptedDomain) UnmarshalJSON(data []byte) error {
	*d = AcceptedDomain{}
	if err := read(data, d, &d.Unknown, recipientNotes); err != nil {
		return err
	}
	d.DomainName = strings.ToLower(d.DomainName)
	return nil
}

// UnmarshalJSON reads an object of Get-Mailbox.
func (m *Mailbox) UnmarshalJSON(data []byte) error {
	*m = Mailbox{}
	if err := read(data, m, &m.Unknown, recipientNotes); err != nil {
		return err
	}
	for i, a := range m.Aliases {
		if len(a) > 5 && strings.EqualFold(a[:5], "smtp:") {
			m.Aliases[i] = a[5:]
		}
	}
	return nil
}

// UnmarshalJSON reads an object of Get-MailContact.
func (c *Contact) UnmarshalJSON(data []byte) error {
	*c = Contact{}
	if err := read(data, c, &c.Unknown, recipientNotes); err != nil {
		return err
	}
	c.External = strings.TrimPrefix(c.External, "SMTP:")
	return nil
}

// UnmarshalJSON reads an object of Get-DistributionGroup with its members.
func (g *Group) UnmarshalJSON(data []byte) error {
	*g = Group{}
	return read(data, g, &g.Unknown, recipientNotes)
}

// UnmarshalJSON reads an object of Get-JournalRule. A rule is disabled unless
// it says otherwise, as New-JournalRule makes it.
func (j *JournalRule) UnmarshalJSON(data []byte) error {
	*j = JournalRule{}
	return read(data, j, &j.Unknown, recipientNotes)
}

var recipientNotes = []string{
	"Identity", "Guid", "Id", "DistinguishedName", "OrganizationId", "WhenChanged", "WhenCreated", "WhenChangedUTC",
	"WhenCreatedUTC", "ExchangeVersion", "IsValid", "ObjectState", "ObjectCategory", "ObjectClass", "Alias",
	"OriginatingServer", "GroupType", "RecipientType", "RecipientTypeDetails", "ManagedBy", "SamAccountName",
	"MemberJoinRestriction", "MemberDepartRestriction", "RequireSenderAuthenticationEnabled", "DisplayName", "Name",
	"ExternalDirectoryObjectId", "AuthenticationType", "RunspaceId", "UserPrincipalName",
}

// read fills the known fields of one object and keeps the names of others.
func read(data []byte, into any, rest *[]string, notes []string) error {
	all, err := object(data)
	if err != nil {
		return err
	}
	if err := fill(all, into); err != nil {
		return err
	}
	*rest = unknown(all, fieldsOf(into), notes)
	return nil
}

// Load reads a set-up and returns it when nothing is wrong with it; otherwise
// the error is of type Mistakes, or says where the JSON is broken.
func Load(data []byte) (*Setup, error) {
	var s Setup
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("mailflow: line %d: %w", lineOf(data, err), err)
	}
	all, err := object(data)
	if err != nil {
		return nil, err
	}
	mistakes := s.Check()
	for _, name := range unknown(all, names(Setup{}), nil) {
		mistakes = append(mistakes, Mistake{Where: name, What: "is not a part of a set-up"})
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return &s, nil
}
