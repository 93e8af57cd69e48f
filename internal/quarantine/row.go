package quarantine

import (
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Row is a hold as lists show it: by verbs, the API and pages. It has nothing
// of the message but its envelope, its subject and why it waits.
type Row struct {
	Message   string       `json:"message"`
	Tenant    string       `json:"tenant"`
	Recipient mail.Address `json:"recipient"`
	Ref       string       `json:"ref,omitempty"`
	Sender    mail.Address `json:"sender,omitempty"`
	Subject   string       `json:"subject,omitempty"`
	Size      int64        `json:"size,omitempty"`
	Rules     []string     `json:"rules"`
	Rule      string       `json:"rule,omitempty"` // the name of the first
	Because   string       `json:"because"`
	Danger    bool         `json:"danger,omitempty"`
	// Approver is who decides in the policy's words, WaitsFor the people
	// behind it, Missing who of them is not known. Without any, the
	// administrators decide.
	Approver string         `json:"approver,omitempty"`
	WaitsFor []mail.Address `json:"waits_for,omitempty"`
	Missing  []string       `json:"missing,omitempty"`
	Since    time.Time      `json:"since"`
	Until    time.Time      `json:"until,omitzero"`
	AtEnd    string         `json:"at_end,omitempty"`
	// Of is how many must agree, Agreed who did.
	Of     int      `json:"of,omitempty"`
	Agreed []string `json:"agreed,omitempty"`
	// Override is set when its sender chooses, Delay when it only waits.
	Override  bool       `json:"override,omitempty"`
	Delay     bool       `json:"delay,omitempty"`
	Votes     []Vote     `json:"votes,omitempty"`
	Questions []Question `json:"questions,omitempty"`
	Reason    *Reason    `json:"reason,omitempty"`
	Pinned    *Pin       `json:"pinned,omitempty"`
	Ended     *Ending    `json:"ended,omitempty"`
	// Altered says that its row in the database was changed.
	Altered bool `json:"altered,omitempty"`
	// Cursor is where a page behind this row begins.
	Cursor string `json:"cursor,omitempty"`
}

// Row is a hold for lists.
func (h *Hold) Row() Row {
	rules := h.Rules
	if rules == nil {
		rules = []string{}
	}
	r := Row{
		Message: h.Message, Tenant: h.Tenant, Recipient: h.Recipient, Ref: h.Ref, Sender: h.Sender, Subject: h.Subject,
		Size: h.Size, Rules: rules, Rule: h.Rule, Because: h.Because, Danger: h.Danger,
		Approver: strings.Join(h.Panel.Named, ", "), WaitsFor: h.Panel.active(), Missing: h.Panel.Missing,
		Since: h.Since, Until: h.Until, AtEnd: string(h.End), Agreed: h.AgreedBy(), Override: h.Override, Delay: h.Delay,
		Votes: h.Votes, Questions: h.Questions, Reason: h.Reason, Pinned: h.Pinned, Ended: h.Ended, Altered: h.Altered,
		Cursor: Cursor{h.place, h.Message, h.Recipient}.String(),
	}
	if h.Of > 1 {
		r.Of = h.Of
	}
	return r
}
