package tenant

import (
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
)

// Tenant is one organization whose mail runs through this installation. It
// is read-only; a reload makes new ones.
type Tenant struct {
	ID, Name, Contact string
	EntraTenant       string
	// Domains are the accepted domains, lower case; Initial is the one under
	// onmicrosoft.com, or "".
	Domains []string
	Initial string
	// Secret and Mark hold the current value first, then the next one.
	Secret, Mark []string
	Preset       Preset
	Hosts        map[string]mail.Direction
	Return       Return
	Certificate  *tls.Certificate
	Refuse       Refuse
	Gates        policy.Gates
	StoreFull    policy.Gate
	Switches     Switches
	Keep         time.Duration
	Disabled     bool
	// Policies are the rules that are in force for this tenant.
	Policies *policy.Set

	exchange    networkList
	names       []string
	certificate Need
	other       []otherPeer

	bcc, journal, own, probe, external []string
}

type otherPeer struct {
	networks    networkList
	certificate string
}

type networkList struct {
	fixed     []netip.Prefix
	published *Published
}

func (n networkList) has(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range n.fixed {
		if p.Contains(a) {
			return true
		}
	}
	return n.published != nil && n.published.Has(a)
}

// Owns reports whether an address is in an accepted domain of the tenant.
// Exchange's forms of own senders (SRS, onmicrosoft.com) are own because
// their domains are.
func (t *Tenant) Owns(a mail.Address) bool { return t.OwnsDomain(a.Domain()) }

// OwnsDomain reports whether a domain is an accepted one of the tenant.
func (t *Tenant) OwnsDomain(domain string) bool {
	domain = strings.ToLower(domain)
	for _, d := range t.Domains {
		if d == domain {
			return true
		}
	}
	return false
}

// MarkName and MarkValue are the header that Exchange's rule exception
// matches on returned mail; the name is "" when the preset uses none.
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

// PassKey is the key of the MAC that counts passes (architecture.md). It is
// derived from the first secret that the tenant has; while rotating, both
// are tried.
func (t *Tenant) PassKeys() [][]byte {
	var keys [][]byte
	for _, s := range append(append([]string(nil), t.Mark...), t.Secret...) {
		keys = append(keys, []byte("postern pass "+t.ID+" "+s))
	}
	if len(keys) == 0 { // presets without any secret of the tenant's
		keys = append(keys, []byte("postern pass "+t.ID))
	}
	return keys
}

// Secrets lists every confidential value, for those who must keep them out
// of reports, logs and pages.
func (t *Tenant) Secrets() []string {
	list := append([]string(nil), t.Secret...)
	return append(append(list, t.Mark...), t.journal...)
}

// Route is where a message of the tenant goes back to: by the mail exchanger
// of the sender's domain when it goes out, of the recipient's when it comes
// in (the null reverse-path: the tenant's own).
func (t *Tenant) Route(dir mail.Direction, from, to mail.Address) mail.Route {
	r := mail.Route{
		Tenant: t.ID, Initial: t.Initial, ForeignMX: t.Return.ForeignMX, TLS: t.Return.TLS,
		ServerName: t.Return.ServerName, Certificate: t.Certificate,
		User: t.Return.User, Password: t.Return.Password,
	}
	if t.Return.Host != "mx" {
		r.Host = t.Return.Host
		return r
	}
	r.Domain = from.Domain()
	if dir == mail.In {
		r.Domain = to.Domain()
	}
	if !t.OwnsDomain(r.Domain) { // null reverse-path, or a forwarded sender
		r.Domain = t.Initial
		if r.Domain == "" {
			r.Domain = t.Domains[0]
		}
	}
	return r
}

func (b *builder) returning(t *Tenant, c Config) {
	r := c.Return
	if r.Host == "" {
		r.Host = "mx"
	}
	switch r.TLS {
	case "":
		r.TLS = mail.TLSRequire
	case mail.TLSRequire, mail.TLSOpportunistic:
	case mail.TLSOff:
		if !loopbackHost(r.Host) {
			b.add("is off for a host that is not on loopback", "write require", "return", "tls")
		}
	default:
		b.add(fmt.Sprintf("%q is unknown", r.TLS), "write require, opportunistic or off", "return", "tls")
	}
	if r.ClientCert != "" {
		cert, err := LoadCertificate(settings.Path(r.ClientCert, b.dir))
		if err != nil {
			b.add(err.Error(), "one PEM file with certificate chain and key", "return", "client_cert")
		}
		t.Certificate = cert
	}
	if r.Password != "" {
		v, err := settings.Resolve(r.Password, b.dir)
		if err != nil {
			b.add(err.Error(), "", "return", "password")
		}
		r.Password = v
	}
	t.Return = r
}

func loopbackHost(host string) bool {
	if h, _, ok := strings.Cut(host, ":"); ok && strings.Count(host, ":") == 1 {
		host = h
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// LoadCertificate reads a certificate chain and its key from one PEM file.
func LoadCertificate(path string) (*tls.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &cert, nil
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

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// RouteOwn is where a mail of our own goes: reports, notices and copies run
// through the tenant's Exchange, whoever gets them.
func (t *Tenant) RouteOwn(to mail.Address) mail.Route { return t.Route(mail.In, "", to) }

// Postmaster is the author of mails of our own: an address of the tenant, so
// that they are aligned with its domain.
func (t *Tenant) Postmaster() mail.Address { return mail.Address("postmaster@" + t.Domains[0]) }

// Reserved reports whether a header field is one that never leaves us.
func (t *Tenant) Reserved(name string) bool {
	_, reserved := t.Preset.reserved()[fold(name)]
	return reserved || strings.HasPrefix(fold(name), "x-postern-")
}
