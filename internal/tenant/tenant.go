package tenant

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
)

// Tenant is one organization whose mail runs through this installation. It
// is read-only; a reload makes new ones.
type Tenant struct {
	// ID names the tenant in headers, logs and commands; Name and Contact are
	// for reports.
	ID, Name, Contact string
	// EntraTenant is Microsoft's GUID of the tenant, lower case, or "".
	EntraTenant string
	// Domains are the accepted domains, lower case; Initial is the one under
	// onmicrosoft.com, or "".
	Domains []string
	Initial string
	// Secret and Mark hold the current value first, then the next one.
	Secret, Mark []string
	// Preset names the headers.
	Preset Preset
	// Hosts are the SNI names of the tenant and the direction of each.
	Hosts map[string]mail.Direction
	// Return is how mail goes back, Certificate what is shown there.
	Return      Return
	Certificate *tls.Certificate
	// Refuse is how a block is told.
	Refuse Refuse
	// Gates and StoreFull say what happens to what was not seen.
	Gates     policy.Gates
	StoreFull policy.Gate
	// Switches are the tenant's decisions on open questions.
	Switches Switches
	// Keep is how long records are searchable.
	Keep time.Duration
	// KeepSaid is set when the tenant's file says Keep, Retention what else it
	// says.
	KeepSaid  bool
	Retention Retention
	// Looking is what the look into mail is told; passwords are resolved.
	Looking Looking
	// Detectors are the ids of the built-in detectors that run, and Sought
	// their types and ids, for the facts; both are nil for all of them.
	Detectors, Sought []string
	// People says where the directory comes from, Contacts what is remembered
	// of earlier contact.
	People   People
	Contacts Contacts
	// Results are the tenant's servers whose Authentication-Results count.
	Results []string
	// Sealer seals what was changed; nil for none.
	Sealer *senderauth.Signer
	// Signer signs our mails to the tenant's people; nil for none.
	Signer *senderauth.Signer
	// Administrators are told of what went wrong.
	Administrators []mail.Address
	// SignIn is the provider of sign-ins, with its secret; nil for none.
	SignIn *SignIn
	// Console is the host name in their links, and of our own addresses
	// (check@); "" for none.
	Console string
	// Notices are the texts of the mails to its people, Languages those in
	// which they are written, and Zone where times are meant.
	Notices   *notice.Catalog
	Languages []string
	Zone      *time.Location
	// Digest is when they are told what was kept back for them.
	Digest Daily
	// Disabled tenants are deferred.
	Disabled bool
	// Policies are the rules that are in force for this tenant.
	Policies *policy.Set

	parents     []string // "contoso.example" for "*.contoso.example"
	roles       map[string]role
	tags        []TrustedTag
	exchange    networkList
	names       []string
	certificate Need
	other       []otherPeer

	bcc, journal, own, probe, external []string
}

// Owns reports whether an address is in an accepted domain of the tenant.
// Exchange's forms of own senders (SRS, onmicrosoft.com) are own because
// their domains are.
func (t *Tenant) Owns(a mail.Address) bool { return t.OwnsDomain(a.Domain()) }

// OwnsDomain reports whether a domain is an accepted one of the tenant. A
// subdomain is only where the settings say so ("*.contoso.example").
func (t *Tenant) OwnsDomain(domain string) bool {
	if domain == "" {
		return false
	}
	domain = foldDomain(domain)
	if slices.Contains(t.Domains, domain) {
		return true
	}
	for _, p := range t.parents {
		if sub, ok := strings.CutSuffix(domain, "."+p); ok && sub != "" {
			return true
		}
	}
	return false
}

// foldDomain is the form in which domains are compared: lower case, no dot
// at the end, and A-labels (RFC 5890), because a sender with SMTPUTF8 writes
// the same domain in U-labels.
func foldDomain(domain string) string {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if mail.Address(domain).ASCII() {
		return domain
	}
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return domain
}

// MarkName is the header that Exchange's rule exception matches on returned
// mail; "" when the preset uses none.
func (t *Tenant) MarkName() string { return t.Preset.Checked }

// MarkValue is the current value of the mark.
func (t *Tenant) MarkValue() string {
	if t.Preset.CheckedValue != "" {
		return t.Preset.CheckedValue
	}
	if len(t.Mark) == 0 {
		return ""
	}
	return t.Mark[0]
}

// PassKeys are the keys of the MAC that counts passes (architecture.md), the
// one to write with first. They come from marks and secrets; while rotating,
// old and new are tried. A tenant without any takes its client certificate's
// key, and only without one a key that is no secret: who forges passes then
// stops nothing but mail of his own.
func (t *Tenant) PassKeys() [][]byte {
	var keys [][]byte
	for _, s := range slices.Concat(t.Mark, t.Secret) {
		keys = append(keys, []byte("postern pass "+t.ID+" "+s))
	}
	if len(keys) > 0 {
		return keys
	}
	own := ""
	if t.Certificate != nil {
		if der, err := x509.MarshalPKCS8PrivateKey(t.Certificate.PrivateKey); err == nil {
			sum := sha256.Sum256(der)
			own = " " + string(sum[:])
		}
	}
	return [][]byte{[]byte("postern pass " + t.ID + own)}
}

// Secrets lists every confidential value, for those who must keep them out
// of reports, logs and pages. A short value of another product's tenant
// header is a name that is known anyhow ("contoso"), and not among them.
func (t *Tenant) Secrets() []string {
	var list []string
	for _, s := range slices.Concat(t.Secret, t.Mark) {
		if len(s) >= minSecret {
			list = append(list, s)
		}
	}
	list = append(list, t.journal...)
	if t.Return.Password != "" {
		list = append(list, t.Return.Password)
	}
	return append(list, t.Looking.Passwords...)
}

// Postmaster is the author of mails of our own: an address of the tenant, in
// the domain that signs them, so that they are aligned with it.
func (t *Tenant) Postmaster() mail.Address {
	if t.Signer != nil {
		return mail.Address("postmaster@" + t.Signer.Domain)
	}
	return mail.Address("postmaster@" + t.Domains[0])
}

// Reserved reports whether a header field is one that never leaves us.
func (t *Tenant) Reserved(name string) bool {
	_, reserved := t.reserved()[fold(name)]
	return reserved || house(name)
}

func (t *Tenant) reserved() map[string]role {
	if t.roles != nil {
		return t.roles
	}
	return t.Preset.reserved()
}

// house reports whether a header name is one of ours, used or not.
func house(name string) bool {
	const prefix = "X-Postern-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// oneOf compares in constant time with every value, so that a secret cannot
// be found out character by character.
func oneOf(values []string, got string) bool {
	found := 0
	for _, v := range values {
		found |= subtle.ConstantTimeCompare([]byte(v), []byte(got))
	}
	return found == 1
}

func fold(name string) string { return strings.ToLower(name) }

func contains[T comparable](list []T, x T) bool { return slices.Contains(list, x) }

// TrustedTag returns the name of the header field by which the tenant's own
// endpoint software says that it has judged a message; "" for none.
func (t *Tenant) TrustedTag(h *mail.Header) string {
	for _, tag := range t.tags {
		for _, v := range h.Values(tag.Header) {
			if tag.Value == "*" || strings.EqualFold(strings.TrimSpace(v), tag.Value) {
				return tag.Header
			}
		}
	}
	return ""
}
