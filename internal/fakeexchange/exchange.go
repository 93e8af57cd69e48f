package fakeexchange

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/mailflow"
	"postern.dev/postern/internal/telemetry"
)

// Config is what a pretend Exchange Online is built from.
type Config struct {
	// Setups are the tenants, one each. At least one.
	Setups []mailflow.Setup
	// Dial reaches the smart hosts of outbound connectors; addr is
	// "host:25". Default: net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Authority issues the certificates of both halves, and its pool is the
	// only one they trust. Default: a new one; see Exchange.Authority.
	Authority *Authority
	// Roots are further roots for the certificates of peers.
	Roots *x509.CertPool
	// Switches are the assumptions. Default: DefaultSwitches.
	Switches *Switches
	// Log gets a line per event. Default: none.
	Log *slog.Logger
}

// Exchange is the running service.
type Exchange struct {
	config    Config
	sw        Switches
	authority *Authority
	client    tls.Certificate
	server    tls.Certificate
	roots     *x509.CertPool

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	tenants   []*tenant
	conns     map[net.Conn]bool
	faults    []*Fault
	boxes     map[string][]Delivered
	internet  []Delivered
	taken     []Delivered
	ndrs      []NDR
	events    []Event
	queue     []*queued
	approvals []*Approval
	held      []Held
	serial    int
	moving    int           // work that is going on now
	still     chan struct{} // closed when moving is 0
}

// Names that Exchange Online shows (exchange.md 5.1).
const (
	clientHello = "AM0EUR05-DB8-obe.outbound.protection.outlook.com"
	clientName  = "mail.protection.outlook.com"
	serverName  = "AM0EUR05FT001.mail.protection.outlook.com"
	mailboxName = "AM0PR01MB0001.eurprd01.prod.outlook.com"
	shortName   = "AM0PR01MB0002"
)

// New builds the service. Every mistake of every set-up is in the error.
func New(c Config) (*Exchange, error) {
	if len(c.Setups) == 0 {
		return nil, fmt.Errorf("fakeexchange: no tenant")
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = telemetry.Discard()
	}
	x := &Exchange{
		config: c, sw: DefaultSwitches(), authority: c.Authority,
		conns: map[net.Conn]bool{}, boxes: map[string][]Delivered{}, still: make(chan struct{}),
	}
	close(x.still)
	if c.Switches != nil {
		x.sw = *c.Switches
	}
	for _, s := range c.Setups {
		t, err := newTenant(s)
		if err != nil {
			return nil, fmt.Errorf("fakeexchange: tenant %s: %w", s.Organization.Name, err)
		}
		x.tenants = append(x.tenants, t)
	}
	if err := x.certificates(); err != nil {
		return nil, err
	}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x, nil
}

// certificates makes the two of exchange.md 5.1 and 5.3.
func (x *Exchange) certificates() (err error) {
	if x.authority == nil {
		if x.authority, err = NewAuthority(); err != nil {
			return err
		}
	}
	if x.client, err = x.authority.Certificate(clientName, "*."+clientName, "outlook.com"); err != nil {
		return err
	}
	hosts := []string{"*." + clientName, clientName}
	for _, t := range x.tenants {
		for _, d := range t.setup.AcceptedDomains {
			hosts = append(hosts, HostOf(d.DomainName))
		}
	}
	if x.server, err = x.authority.Certificate(hosts...); err != nil {
		return err
	}
	x.roots = x.authority.Pool()
	if x.config.Roots != nil {
		x.roots = x.config.Roots.Clone()
		x.roots.AddCert(x.authority.Root())
	}
	return nil
}

// HostOf is the name under which Exchange Online takes mail for a domain
// (exchange.md 5.3): dots become dashes; an initial domain loses its tail.
func HostOf(domain string) string {
	domain = strings.ToLower(domain)
	if name, ok := strings.CutSuffix(domain, ".onmicrosoft.com"); ok {
		domain = name
	}
	return strings.ReplaceAll(domain, ".", "-") + "." + clientName
}

// Authority is the test CA of this service.
func (x *Exchange) Authority() *Authority { return x.authority }

// Close ends all connections and timers and waits for them.
func (x *Exchange) Close() error {
	x.cancel()
	x.mu.Lock()
	for c := range x.conns {
		_ = c.Close()
	}
	x.mu.Unlock()
	x.wg.Wait()
	return nil
}

// Update changes a tenant's set-up while mail is in flight, after
// Switches.RuleDelay. A set-up with mistakes changes nothing.
func (x *Exchange) Update(name string, change func(*mailflow.Setup)) error {
	t := x.find(name)
	if t == nil {
		return fmt.Errorf("fakeexchange: no tenant %q", name)
	}
	next, err := cloneSetup(t.setup)
	if err != nil {
		return err
	}
	change(&next)
	fresh, err := newTenant(next)
	if err != nil {
		return fmt.Errorf("fakeexchange: tenant %s: %w", name, err)
	}
	if x.sw.RuleDelay == 0 {
		x.swap(t, fresh)
		return nil
	}
	x.wg.Go(func() {
		if x.sleep(x.sw.RuleDelay) {
			x.swap(t, fresh)
		}
	})
	return nil
}

// swap replaces the content of a tenant; messages point to the same tenant.
func (x *Exchange) swap(t, fresh *tenant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.tenants {
		if x.tenants[i].name() == t.name() {
			x.tenants[i] = fresh
		}
	}
}

// Setup is a tenant's set-up as it is in force now.
func (x *Exchange) Setup(name string) (mailflow.Setup, bool) {
	t := x.find(name)
	if t == nil {
		return mailflow.Setup{}, false
	}
	return t.setup, true
}

func (x *Exchange) find(name string) *tenant {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range x.tenants {
		if strings.EqualFold(t.name(), name) {
			return t
		}
	}
	return nil
}

// now is the set-up of a message's tenant that is in force at this moment.
func (x *Exchange) current(t *tenant) *tenant {
	if c := x.find(t.name()); c != nil {
		return c
	}
	return t
}

// owner is the tenant that has accepted a domain.
func (x *Exchange) owner(domain string) *tenant {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range x.tenants {
		if domain != "" && t.accepts(domain) != "" {
			return t
		}
	}
	return nil
}

// spawn runs work of a message; Idle waits for it.
func (x *Exchange) spawn(work func()) {
	x.move(1)
	x.wg.Go(func() {
		defer x.move(-1)
		work()
	})
}

// move counts what is going on.
func (x *Exchange) move(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.moving == 0 && n > 0 {
		x.still = make(chan struct{})
	}
	x.moving += n
	if x.moving == 0 && n < 0 {
		close(x.still)
	}
}

// sleep waits; false when the service ends first.
func (x *Exchange) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}

// newID names a message in the log.
func (x *Exchange) newID() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.serial++
	return fmt.Sprintf("x%04d", x.serial)
}

// newGUID is a random GUID.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
