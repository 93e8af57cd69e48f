package tenant

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// Route is where a message of the tenant goes back to: by the mail exchanger
// of the sender's domain when it goes out, of the recipient's when it comes
// in (the null reverse-path and a foreign one: the tenant's initial domain).
func (t *Tenant) Route(dir mail.Direction, from, to mail.Address) mail.Route {
	r := mail.Route{
		Tenant: t.ID, Initial: t.Initial, ForeignMX: t.Return.ForeignMX, TLS: t.Return.TLS,
		ServerName: t.Return.ServerName, Certificate: t.Certificate,
		User: t.Return.User, Password: t.Return.Password,
	}
	if t.Return.Host != byMX {
		r.Host = t.Return.Host
		return r
	}
	r.Domain = from.Domain()
	if dir == mail.In {
		r.Domain = to.Domain()
	}
	if !t.OwnsDomain(r.Domain) {
		r.Domain = t.Initial
		if r.Domain == "" {
			r.Domain = t.Domains[0]
		}
	}
	return r
}

// RouteOwn is where a mail of our own goes: reports, notices and copies run
// through the tenant's Exchange, whoever gets them.
func (t *Tenant) RouteOwn(to mail.Address) mail.Route { return t.Route(mail.In, "", to) }

// byMX is the value of return.host that looks the next hop up.
const byMX = "mx"

func (b *builder) returning(t *Tenant, c Config) {
	r := c.Return
	if r.Host == "" {
		r.Host = byMX
	}
	if why := wrongHost(r.Host); r.Host != byMX && why != "" {
		b.add(fmt.Sprintf("%q is no host: %s", r.Host, why), "write mx, a host, or host:port", "return", "host")
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
		cert, err := clientCertificate(r.ClientCert, b.dir)
		if err != nil && !b.offline {
			b.add(strings.TrimPrefix(err.Error(), "tenant: "),
				"one PEM file with certificate chain and key", "return", "client_cert")
		}
		t.Certificate = cert
	}
	if r.Password != "" {
		v, err := settings.Resolve(r.Password, b.dir)
		if err != nil && !b.offline {
			b.add(err.Error(), "", "return", "password")
		}
		r.Password = v
	}
	switch {
	case (r.User == "") != (r.Password == "" && c.Return.Password == ""):
		b.add("user and password belong together", "write both or none", "return", "user")
	case r.User != "" && r.Host == byMX:
		b.add("Exchange Online takes no password", "name the smart host in return.host", "return", "user")
	case r.User != "" && r.TLS != mail.TLSRequire && !loopbackHost(r.Host):
		b.add("a password needs TLS", "write tls: require", "return", "user")
	}
	t.Return = r
}

// wrongHost says why s is not "host" or "host:port".
func wrongHost(s string) string {
	host, port := s, ""
	if strings.Contains(s, ":") && !isAddr(s) {
		h, p, err := net.SplitHostPort(s)
		if err != nil {
			return "it cannot be split into host and port"
		}
		host, port = h, p
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return "the port is not a number from 1 to 65535"
	}
	if isAddr(host) || isDomain(foldDomain(host)) || host == "localhost" {
		return ""
	}
	return "a name has labels of letters, digits and hyphens"
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

func clientCertificate(value, dir string) (*tls.Certificate, error) {
	if !strings.HasPrefix(value, "env:") {
		return LoadCertificate(settings.Path(value, dir))
	}
	text, err := settings.Resolve(value, dir)
	if err != nil {
		return nil, err
	}
	return parseCertificate(value, []byte(text))
}

// LoadCertificate reads a certificate chain and its key from one PEM file.
func LoadCertificate(path string) (*tls.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tenant: read certificate: %w", err)
	}
	return parseCertificate(path, text)
}

func parseCertificate(name string, text []byte) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("tenant: certificate %s: %w", name, err)
	}
	return &cert, nil
}
