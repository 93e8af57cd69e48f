package mail

// Envelope is what the SMTP transaction says about a message (RFC 5321
// §2.3.1). It is not the header: To, Cc and From of a message may say
// anything.
type Envelope struct {
	// From is the reverse-path; the null Address for reports.
	From Address `json:"from"`
	// To are the forward-paths in the order of the RCPT commands.
	To []Recipient `json:"to"`
	// Body is the BODY parameter of MAIL (RFC 6152, RFC 3030); "" when absent.
	Body BodyType `json:"body,omitempty"`
	// UTF8 is set by the SMTPUTF8 parameter (RFC 6531).
	UTF8 bool `json:"utf8,omitempty"`
	// RequireTLS is set by the REQUIRETLS parameter (RFC 8689).
	RequireTLS bool `json:"require_tls,omitempty"`
	// Ret is the RET parameter: what a report returns (RFC 3461 §4.3).
	Ret Ret `json:"ret,omitempty"`
	// EnvID is the ENVID parameter, still in xtext (RFC 3461 §4.4).
	EnvID string `json:"envid,omitempty"`
	// Size is the SIZE parameter in octets (RFC 1870); 0 when absent.
	Size int64 `json:"size,omitempty"`
}

// Recipient is one forward-path and its parameters.
type Recipient struct {
	Address Address `json:"address"`
	// Notify is the NOTIFY parameter (RFC 3461 §4.1); 0 when absent, which
	// means: on failure, and the server's own choice for delay.
	Notify Notify `json:"notify,omitempty"`
	// ORcpt is the ORCPT parameter as written, "type;xtext" (RFC 3461 §4.2).
	ORcpt string `json:"orcpt,omitempty"`
}

// Addresses lists the recipients without their parameters.
func (e Envelope) Addresses() []Address {
	list := make([]Address, len(e.To))
	for i, r := range e.To {
		list[i] = r.Address
	}
	return list
}

// With returns a copy of e that is addressed to other recipients.
func (e Envelope) With(to []Recipient) Envelope {
	e.To = to
	return e
}

// NeedsUTF8 reports whether an address of the envelope cannot be written
// without SMTPUTF8.
func (e Envelope) NeedsUTF8() bool {
	if !e.From.ASCII() {
		return true
	}
	for _, r := range e.To {
		if !r.Address.ASCII() {
			return true
		}
	}
	return false
}

// BodyType is the BODY parameter of MAIL.
type BodyType string

// The body types of RFC 6152 and RFC 3030.
const (
	Body7Bit   BodyType = "7BIT"
	Body8Bit   BodyType = "8BITMIME"
	BodyBinary BodyType = "BINARYMIME"
)

// Ret says how much of a message a report returns.
type Ret string

// The values of RET.
const (
	RetFull    Ret = "FULL"
	RetHeaders Ret = "HDRS"
)

// Notify is the set of events about which a sender wants a report.
type Notify uint8

// The values of NOTIFY; NotifyNever stands alone.
const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// WantsFailure reports whether a failure of this recipient may be reported.
func (r Recipient) WantsFailure() bool { return r.Notify == 0 || r.Notify&NotifyFailure != 0 }

// WantsSuccess reports whether the sender asked to hear of success.
func (r Recipient) WantsSuccess() bool { return r.Notify&NotifySuccess != 0 }
