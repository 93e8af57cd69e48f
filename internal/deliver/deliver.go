package deliver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/telemetry"
)

// MaxRecipients is how many recipients one transaction may have. Exchange
// Online takes 200 of one domain and answers 452 to more.
const MaxRecipients = 100

// Resolver finds next hops. An error that has a method NotFound() bool
// returning true says that there is nothing; every other error says that the
// answer could not be had.
type Resolver interface {
	// MX lists the exchangers of a domain, best first.
	MX(ctx context.Context, domain string) (list []net.MX, secure bool, err error)
	// Hosts lists the addresses of a host in the order to try.
	Hosts(ctx context.Context, name string) (list []netip.Addr, secure bool, err error)
}

// Config is what a Deliverer works with. Resolver must be set.
type Config struct {
	Resolver Resolver
	// Dial opens connections; nil for that of package net. The address is
	// always an IP address and a port.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Own lists the addresses of this machine; nil for those of its interfaces.
	Own func() ([]net.Addr, error)
	// Roots verify next hops; nil for those of the system.
	Roots *x509.CertPool
	// Hello is our name in EHLO.
	Hello   string
	Limits  Limits
	Metrics *telemetry.Metrics
	Log     *slog.Logger
}

// Limits is the deliver section of postern.yaml. The zero value is valid.
type Limits struct {
	// Connections is how many connections one tenant may have to one next
	// hop at a time. Throttling lowers it for a while.
	// Default: 20.
	Connections int `yaml:"connections"`

	// Idle is how long an unused connection is kept.
	// Default: 50s.
	Idle time.Duration `yaml:"idle"`

	// Messages is how many messages one connection carries.
	// Default: 100.
	Messages int `yaml:"messages"`

	// Connect is how long a host may take to accept a connection.
	// Default: 30s.
	Connect time.Duration `yaml:"connect"`

	// Command is how long a host may take to answer a command (RFC 5321
	// §4.5.3.2 asks for at least 5 minutes).
	// Default: 5m.
	Command time.Duration `yaml:"command"`

	// Block is how long a host may take to read a part of the content.
	// Default: 3m.
	Block time.Duration `yaml:"block"`

	// Final is how long a host may take to answer the end of the content.
	// Default: 10m.
	Final time.Duration `yaml:"final"`

	// Convert allows the conversion of bare line ends, and of BINARYMIME,
	// for a next hop that cannot take them. It breaks signatures, our own
	// seal among them.
	// Default: false.
	Convert bool `yaml:"convert"`

	// EightBit sends 8-bit content as it is to hosts without 8BITMIME. To
	// Exchange Online this is always done.
	// Default: false.
	EightBit bool `yaml:"eight_bit"`
}

// Check returns every mistake in l at once.
func (l Limits) Check() error {
	var all []error
	for name, n := range map[string]int{"connections": l.Connections, "messages": l.Messages} {
		if n < 0 {
			all = append(all, fmt.Errorf("deliver: %s: %d is negative", name, n))
		}
	}
	for name, t := range map[string]time.Duration{
		"idle": l.Idle, "connect": l.Connect, "command": l.Command, "block": l.Block, "final": l.Final,
	} {
		if t < 0 {
			all = append(all, fmt.Errorf("deliver: %s: %s is negative", name, t))
		}
	}
	return errors.Join(all...)
}

func (l Limits) withDefaults() Limits {
	orInt := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	orTime := func(t *time.Duration, d time.Duration) {
		if *t == 0 {
			*t = d
		}
	}
	orInt(&l.Connections, 20)
	orInt(&l.Messages, 100)
	orTime(&l.Idle, 50*time.Second)
	orTime(&l.Connect, 30*time.Second)
	orTime(&l.Command, 5*time.Minute)
	orTime(&l.Block, 3*time.Minute)
	orTime(&l.Final, 10*time.Minute)
	return l
}

// Deliverer opens transactions with next hops. Its methods may be called by
// several goroutines.
type Deliverer struct {
	config   Config
	pool     *pool
	throttle *throttle
	down     *down
	detours  *down // which were told
	closing  sync.Once
}

// New returns a deliverer.
func New(c Config) (*Deliverer, error) {
	if c.Resolver == nil {
		return nil, errors.New("deliver: no resolver")
	}
	if err := c.Limits.Check(); err != nil {
		return nil, err
	}
	c.Limits = c.Limits.withDefaults()
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Own == nil {
		c.Own = net.InterfaceAddrs
	}
	if c.Hello == "" {
		c.Hello = "localhost"
	}
	if c.Log == nil {
		c.Log = telemetry.Discard()
	}
	return &Deliverer{
		config:   c,
		pool:     newPool(c.Limits.Idle, c.Limits.Messages),
		throttle: newThrottle(c.Limits.Connections),
		down:     newDown(downFor),
		detours:  newDown(time.Hour),
	}, nil
}

// Close ends the idle connections. Open transactions go on, and their
// connections are closed at their end.
func (d *Deliverer) Close() error {
	d.closing.Do(d.pool.close)
	return nil
}

// Open finds the next hop of r, connects or takes an idle connection, and
// says MAIL and RCPT. It waits while the tenant has too many connections to
// that next hop. Without a transaction the error is a *Failure.
func (d *Deliverer) Open(ctx context.Context, r mail.Route, e mail.Envelope, o *mail.Outgoing) (*Transaction, error) {
	if f := check(e); f != nil {
		return nil, f
	}
	hops, f := d.hops(ctx, r)
	if f != nil {
		f.unusable = ctx.Err() == nil
		return nil, d.failed(r, f)
	}
	slot, err := d.throttle.acquire(ctx, r.Tenant, laneOf(hops))
	if err != nil {
		return nil, d.failed(r, &Failure{Host: hops[0].host, Why: "waiting for a free connection: " + err.Error()})
	}
	var worst *Failure
	for _, h := range d.down.last(hops, time.Now()) {
		t, f := d.try(ctx, r, h, e, o)
		if t != nil {
			t.slot = slot
			t.judgeRcpts()
			return t, nil
		}
		slot.saw(f.outcome)
		worst = worse(worst, f)
		if f.final || ctx.Err() != nil {
			break
		}
		d.down.mark(h, time.Now())
	}
	slot.release()
	// A message that demands TLS fails at a host that serves others.
	worst.unusable = !worst.final && !e.RequireTLS && ctx.Err() == nil
	return nil, d.failed(r, worst)
}

// try opens a transaction with one host: over an idle connection, or, when
// that proves stale before anything was said, over a new one.
func (d *Deliverer) try(
	ctx context.Context, r mail.Route, h hop, e mail.Envelope, o *mail.Outgoing,
) (*Transaction, *Failure) {
	key := keyOf(r, h, e.RequireTLS)
	for c := d.pool.get(key); c != nil; c = d.pool.get(key) {
		t, f := d.begin(ctx, c, e, o)
		if t != nil || !f.stale {
			return t, f
		}
		d.config.Metrics.Count("deliver_stale_connections", 1)
	}
	c, f := d.connect(ctx, r, h, key)
	if f != nil {
		return nil, f
	}
	return d.begin(ctx, c, e, o)
}

// failed logs and counts a failure on its way out.
func (d *Deliverer) failed(r mail.Route, f *Failure) *Failure {
	d.config.Metrics.Count("deliver_failures", 1, "tenant", r.Tenant, "kind", f.Outcome().Kind.String())
	log := d.config.Log.Info
	if f.Stuck != "" {
		log = d.config.Log.Warn
	}
	log("no transaction", telemetry.KeyRoom, "deliver", telemetry.KeyTenant, r.Tenant,
		telemetry.KeyHost, f.Host, telemetry.KeyCode, string(f.Stuck), telemetry.KeyError, f.Why)
	return f
}
