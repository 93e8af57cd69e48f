package receive

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/telemetry"
)

// What becomes of a bare CR or LF in DATA.
const (
	BareReject    = "reject"
	BareNormalize = "normalize"
)

// Buffer keeps the octets of one message while it arrives and is looked at.
type Buffer interface {
	io.Writer
	mail.Body
	Close() error
}

// Config is the smtp section of postern.yaml. The zero value of every setting
// means its default.
type Config struct {
	// Listen is the address of the SMTP server; several are separated by
	// commas.
	// Default: ":25".
	Listen string `yaml:"listen"`

	// TLS names the files with which STARTTLS is offered.
	TLS TLSFiles `yaml:"tls"`

	// Name is what the server calls itself in its greeting and in EHLO.
	// Default: "localhost".
	Name string `yaml:"name"`

	// RequireTLS refuses MAIL without STARTTLS (530 5.7.0).
	// Default: true, except on connections to a loopback address.
	RequireTLS *bool `yaml:"require_tls"`

	// OfferRequireTLS offers REQUIRETLS (RFC 8689) after STARTTLS. Turn it on
	// only when every next hop offers it too: such mail goes no other way.
	// Default: false.
	OfferRequireTLS bool `yaml:"offer_requiretls"`

	// BareNewline says what becomes of a message that has a CR or LF outside
	// of a CR LF pair in DATA: "reject" (554 5.6.11) or "normalize" (LF
	// becomes CR LF, CR becomes a space). BDAT carries such mail unchanged.
	// Default: reject.
	BareNewline string `yaml:"bare_newline"`

	// MaxSize is the largest message in octets. Exchange Online's platform
	// limit is 150 MB, which base64 makes a third larger.
	// Default: 209715200 (200 MiB).
	MaxSize int64 `yaml:"max_size"`

	// MaxRecipients is the largest number of RCPT commands in a transaction;
	// the next one is answered 452 4.5.3.
	// Default: 1000.
	MaxRecipients int `yaml:"max_recipients"`

	// MaxMessages is the largest number of MAIL commands in a connection.
	// Default: 1000.
	MaxMessages int `yaml:"max_messages"`

	// MaxConnections is the largest number of connections at a time. Half of
	// them are kept for the addresses of Exchange Online, of other servers of
	// tenants and of Unlimited, so that strangers cannot take them all.
	// Default: 1000.
	MaxConnections int `yaml:"max_connections"`

	// MaxPerPeer is the largest number of connections at a time from one
	// IPv4 address or one IPv6 /64 network.
	// Default: 50.
	MaxPerPeer int `yaml:"max_per_peer"`

	// Unlimited are networks to which MaxPerPeer does not apply. Exchange
	// Online's own networks belong here: it opens many connections.
	Unlimited []netip.Prefix `yaml:"unlimited"`

	// MaxHandshakes is the largest number of TLS handshakes at a time; a
	// client beyond it is told to come back (454 4.7.0). Half of them are kept
	// as with MaxConnections.
	// Default: 100.
	MaxHandshakes int `yaml:"max_handshakes"`

	// MaxErrors is the number of faulty commands without an accepted message
	// between them after which a connection is closed (421).
	// Default: 20.
	MaxErrors int `yaml:"max_errors"`

	// MaxIdleCommands is the number of commands that bring no message
	// nearer (NOOP, RSET, VRFY, EHLO, MAIL again and again) without an
	// accepted message between them after which a connection is closed.
	// Default: 100.
	MaxIdleCommands int `yaml:"max_idle_commands"`

	// Timeout is how long the server waits for a whole command line (RFC 5321
	// §4.5.3.2.7 asks for at least 5 minutes).
	// Default: 5m.
	Timeout time.Duration `yaml:"timeout"`

	// DataTimeout is how long a client may be silent within a message
	// (RFC 5321 §4.5.3.2.5).
	// Default: 3m.
	DataTimeout time.Duration `yaml:"data_timeout"`

	// HandshakeTimeout is how long a TLS handshake may take.
	// Default: 1m.
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`

	// ReplyTimeout is how long a client may leave a reply unread.
	// Default: 1m.
	ReplyTimeout time.Duration `yaml:"reply_timeout"`

	// MaxSession is how long a connection may last before it is closed (421)
	// at the next command. A message that is arriving is not cut off by it.
	// Default: 1h.
	MaxSession time.Duration `yaml:"max_session"`

	// MinRate is how many octets per second of waiting a message must bring
	// on average, after GraceTime.
	// Default: 8192.
	MinRate int64 `yaml:"min_rate"`

	// GraceTime is how much waiting a message may cost before MinRate counts.
	// Default: 1m.
	GraceTime time.Duration `yaml:"grace_time"`

	// The rest is wired by the program and has no place in the file.

	// NewBuffer makes the buffer for one message. It must be set.
	NewBuffer func() Buffer `yaml:"-"`
	// Certificate chooses the server's certificate for a handshake, so that a
	// new one is used without a restart; nil offers no STARTTLS.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error) `yaml:"-"`
	// ClientRoots are the roots that client certificates are verified
	// against; nil means the system's.
	ClientRoots func() *x509.CertPool `yaml:"-"`
	// Exempt reports whether MaxPerPeer does not apply to an address, beside
	// Unlimited; nil exempts none.
	Exempt func(netip.Addr) bool `yaml:"-"`
	// Known reports whether a server of a tenant may stand at an address; nil
	// knows none but the exempt and the unlimited.
	Known func(netip.Addr) bool `yaml:"-"`
	// Log and Metrics may be nil.
	Log     *slog.Logger       `yaml:"-"`
	Metrics *telemetry.Metrics `yaml:"-"`
}

// TLSFiles is smtp.tls. The files are read again when they change.
type TLSFiles struct {
	// Cert is the file with the server's certificate chain, in PEM.
	Cert string `yaml:"cert"`
	// Key is the file with its private key, in PEM.
	Key string `yaml:"key"`
	// ClientRoots is a file with the roots, in PEM, that client certificates
	// are verified against.
	// Default: the roots of the system.
	ClientRoots string `yaml:"client_roots"`
}

// Check returns every mistake in c at once, each with the name of its key.
func (c Config) Check() error {
	var wrong []error
	fail := func(key, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("smtp.%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Name != "" && (strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" ||
		len(c.Name) > 255) {
		fail("name", "%q is not a host name", c.Name)
	}
	for _, addr := range strings.Split(c.Listen, ",") {
		if _, _, err := net.SplitHostPort(strings.TrimSpace(addr)); c.Listen != "" && err != nil {
			fail("listen", "%q is not host:port", strings.TrimSpace(addr))
		}
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		fail("tls", "cert and key belong together")
	}
	if c.BareNewline != "" && c.BareNewline != BareReject && c.BareNewline != BareNormalize {
		fail("bare_newline", "%q is not one of %s, %s", c.BareNewline, BareReject, BareNormalize)
	}
	for _, n := range []struct {
		key          string
		value, least int64
	}{
		{"max_size", c.MaxSize, 65536}, // RFC 5321 §4.5.3.1.7
		{"max_recipients", int64(c.MaxRecipients), 100},
		{"max_messages", int64(c.MaxMessages), 1},
		{"max_connections", int64(c.MaxConnections), 1},
		{"max_per_peer", int64(c.MaxPerPeer), 1},
		{"max_handshakes", int64(c.MaxHandshakes), 1},
		{"max_errors", int64(c.MaxErrors), 1},
		{"max_idle_commands", int64(c.MaxIdleCommands), 10},
		{"min_rate", c.MinRate, 1},
	} {
		if n.value != 0 && n.value < n.least {
			fail(n.key, "%d is less than %d", n.value, n.least)
		}
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"timeout", c.Timeout}, {"data_timeout", c.DataTimeout}, {"handshake_timeout", c.HandshakeTimeout},
		{"reply_timeout", c.ReplyTimeout}, {"max_session", c.MaxSession}, {"grace_time", c.GraceTime},
	} {
		if d.value != 0 && d.value < time.Second {
			fail(d.key, "%s is less than 1s", d.value)
		}
	}
	for i, p := range c.Unlimited {
		if !p.IsValid() {
			fail(fmt.Sprintf("unlimited[%d]", i), "not a network")
		}
	}
	return errors.Join(wrong...)
}

// withDefaults fills in what was not said.
func (c Config) withDefaults() Config {
	c.Listen = cmp.Or(c.Listen, ":25")
	c.Name = cmp.Or(c.Name, "localhost")
	c.BareNewline = cmp.Or(c.BareNewline, BareReject)
	c.MaxSize = cmp.Or(c.MaxSize, 200<<20)
	c.MaxRecipients = cmp.Or(c.MaxRecipients, 1000)
	c.MaxMessages = cmp.Or(c.MaxMessages, 1000)
	c.MaxConnections = cmp.Or(c.MaxConnections, 1000)
	c.MaxPerPeer = cmp.Or(c.MaxPerPeer, 50)
	c.MaxHandshakes = cmp.Or(c.MaxHandshakes, 100)
	c.MaxErrors = cmp.Or(c.MaxErrors, 20)
	c.MaxIdleCommands = cmp.Or(c.MaxIdleCommands, 100)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Minute)
	c.DataTimeout = cmp.Or(c.DataTimeout, 3*time.Minute)
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, time.Minute)
	c.ReplyTimeout = cmp.Or(c.ReplyTimeout, time.Minute)
	c.MaxSession = cmp.Or(c.MaxSession, time.Hour)
	c.MinRate = cmp.Or(c.MinRate, 8192)
	c.GraceTime = cmp.Or(c.GraceTime, time.Minute)
	if c.Log == nil {
		c.Log = telemetry.Discard()
	}
	return c
}
