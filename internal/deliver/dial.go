package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// maxAddresses is how many addresses of one host are tried.
const maxAddresses = 4

// level is how much a connection of this route must prove. Passwords and mail
// that requires TLS go only to a verified name; an unset level proves all.
func level(r mail.Route, requireTLS bool) mail.TLSLevel {
	switch {
	case r.TLS == mail.TLSOff:
		return mail.TLSOff
	case r.TLS == mail.TLSOpportunistic && r.User == "" && !requireTLS:
		return mail.TLSOpportunistic
	}
	return mail.TLSRequire
}

// connect opens a session with a host, trying its addresses in turn.
func (d *Deliverer) connect(ctx context.Context, r mail.Route, h hop, k key) (*conn, *Failure) {
	addresses, err := d.addresses(ctx, h.host)
	if err != nil {
		return nil, broke(h.host, "look up", err)
	}
	if len(addresses) == 0 {
		return nil, broke(h.host, "look up", errors.New("no addresses"))
	}
	if r.Host == "" { // nobody named this host but DNS
		found := addresses[0]
		if addresses = d.elsewhere(addresses); len(addresses) == 0 {
			return nil, stuck(h.host, problem.AddressNotElsewhere, h.host+" has the address "+found.String())
		}
	}
	var worst *Failure
	for _, a := range addresses[:min(len(addresses), maxAddresses)] {
		c, f := d.session(ctx, r, h, k, a, k.level)
		if f != nil && f.stale { // opportunistic: the handshake failed
			c, f = d.session(ctx, r, h, k, a, mail.TLSOff)
		}
		if f == nil {
			return c, nil
		}
		f.stale = false
		worst = worse(worst, f)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, worst
}

// session dials one address and brings the session to the point where MAIL
// may be said. A failure marked stale asks for a second try in clear text.
func (d *Deliverer) session(
	ctx context.Context, r mail.Route, h hop, k key, a netip.Addr, level mail.TLSLevel,
) (*conn, *Failure) {
	if k.level == mail.TLSOff && !a.Unmap().IsLoopback() {
		return nil, stuck(h.host, problem.PlainNotLoopback, h.host+" is not on this machine, and tls is off")
	}
	dialing, cancel := context.WithTimeout(ctx, d.config.Limits.Connect)
	raw, err := d.config.Dial(dialing, "tcp", net.JoinHostPort(a.String(), h.port))
	cancel()
	if err != nil {
		return nil, broke(h.host, "connect to", err)
	}
	c := newConn(raw, h, k, d.config.Limits)
	defer c.watch(ctx)()
	f := d.greet(ctx, c)
	if f == nil && level != mail.TLSOff {
		f = d.secure(ctx, c, r)
	}
	if f == nil && r.User != "" {
		f = c.login(ctx, r.User, r.Password)
	}
	if f != nil {
		c.quit()
		return nil, f
	}
	d.config.Metrics.Count("deliver_connections", 1)
	return c, nil
}

func (d *Deliverer) greet(ctx context.Context, c *conn) *Failure {
	if err := c.limit(ctx, c.limits.Command); err != nil {
		return broke(c.hop.host, "connect to", err)
	}
	reply, err := readReply(c.r)
	if err != nil {
		c.broken = true
		return broke(c.hop.host, "greeting of", err)
	}
	if !reply.Ok() {
		return said(c.hop.host, PhaseGreeting, reply)
	}
	return d.hello(ctx, c)
}

func (d *Deliverer) hello(ctx context.Context, c *conn) *Failure {
	reply, err := c.hello(ctx, d.config.Hello)
	if err != nil {
		return brokeTLS(c.hop.host, "EHLO to", err)
	}
	if !reply.Ok() {
		return said(c.hop.host, PhaseHello, reply)
	}
	return nil
}

// secure starts TLS as the level of the connection demands.
func (d *Deliverer) secure(ctx context.Context, c *conn, r mail.Route) *Failure {
	must := c.key.level == mail.TLSRequire
	if !c.ext.startTLS {
		if !must {
			return nil
		}
		return stuck(c.hop.host, problem.TLSNotOffered, c.hop.host+" does not offer STARTTLS")
	}
	reply, err := c.command(ctx, "STARTTLS")
	if err != nil {
		return broke(c.hop.host, "STARTTLS to", err)
	}
	if !reply.Ok() {
		if !must {
			return nil
		}
		return said(c.hop.host, PhaseTLS, reply)
	}
	if c.r.Buffered() > 0 { // RFC 3207 §5: what was said in clear must not be taken for what is said in TLS
		c.broken = true
		return broke(c.hop.host, "STARTTLS to", errors.New("octets in clear text after the answer"))
	}
	tc := tls.Client(c.Conn, d.tlsConfig(c, r, must))
	if err := c.limit(ctx, c.limits.Connect); err != nil {
		return broke(c.hop.host, "STARTTLS to", err)
	}
	if err := tc.HandshakeContext(ctx); err != nil {
		c.broken = true
		f := brokeTLS(c.hop.host, "TLS with", err)
		f.stale = !must && ctx.Err() == nil
		return f
	}
	c.Conn = tc
	c.r.Reset(tc)
	c.verified = must
	return d.hello(ctx, c)
}

func (d *Deliverer) tlsConfig(c *conn, r mail.Route, must bool) *tls.Config {
	name := r.ServerName
	if name == "" {
		name = c.hop.host
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            d.config.Roots,
		ServerName:         name,
		InsecureSkipVerify: !must, //nolint:gosec // opportunistic: any encryption is better than none
		// Nobody waits for the first octets of a message.
		DynamicRecordSizingDisabled: true,
		// The certificate is presented whatever authorities the server names:
		// Exchange's list does not hold all that it accepts.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if r.Certificate == nil {
				return &tls.Certificate{}, nil
			}
			return r.Certificate, nil
		},
	}
}

// brokeTLS tells a wrong certificate, ours or theirs, from a broken line. With
// TLS 1.3 the server's opinion of ours comes only with its first answer.
func brokeTLS(host, what string, err error) *Failure {
	f := broke(host, what, err)
	var verify *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &verify), errors.As(err, &invalid), errors.As(err, &name), errors.As(err, &unknown):
		return stuck(host, problem.TLSNotVerified, f.Why)
	case aboutCertificate(err):
		return stuck(host, problem.CertificateRefused, f.Why)
	}
	return f
}

// aboutCertificate knows the alerts of RFC 8446 §6.2 from bad_certificate to
// unknown_ca, access_denied and certificate_required.
// The tls package hides the type of a received alert; its text is that of
// AlertError.
func aboutCertificate(err error) bool {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return false
	}
	for _, a := range [...]tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116} {
		if remote.Err.Error() == a.Error() {
			return true
		}
	}
	return false
}

// login says AUTH PLAIN, or LOGIN where only that is offered.
func (c *conn) login(ctx context.Context, user, password string) *Failure {
	if !c.verified {
		return stuck(c.hop.host, problem.AuthUnavailable, "a password is sent only over verified TLS, and tls is off")
	}
	encode := base64.StdEncoding.EncodeToString
	var lines []string
	switch {
	case c.ext.auth["PLAIN"]:
		lines = []string{"AUTH PLAIN " + encode([]byte("\x00"+user+"\x00"+password))}
	case c.ext.auth["LOGIN"]:
		lines = []string{"AUTH LOGIN", encode([]byte(user)), encode([]byte(password))}
	default:
		return stuck(c.hop.host, problem.AuthUnavailable, c.hop.host+" offers neither AUTH PLAIN nor AUTH LOGIN")
	}
	for i, line := range lines {
		reply, err := c.command(ctx, line)
		if err != nil {
			return broke(c.hop.host, "AUTH to", err)
		}
		if last := i == len(lines)-1; last && reply.Ok() || !last && reply.Code == 334 {
			continue
		}
		if reply.Code/100 == 3 || reply.Ok() {
			c.broken = true
			return broke(c.hop.host, "AUTH to", errMixed)
		}
		return said(c.hop.host, PhaseAuth, reply)
	}
	return nil
}
