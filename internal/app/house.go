package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mailflow"
	"postern.dev/postern/internal/telemetry"
)

// Plan says what a House is built from.
type Plan struct {
	// Dir is an empty folder for the gateway's data and files.
	Dir string
	// Setup is the name of a ready set-up of the pretend Exchange; Preset
	// the tenant's header preset. Defaults: postern.
	Setup, Preset string
	// Params fill the set-up.
	Params fakeexchange.Params
	// Edit changes the set-up before Exchange starts; may be nil.
	Edit func(*mailflow.Setup)
	// Tenant is further YAML of the tenant's file, Policies the text of a
	// policy file, Directory that of the tenant's directory.
	Tenant, Policies, Directory string
	// People makes the directory out of the set-up, as a synchronization would.
	People bool
	// Configure changes postern.yaml; may be nil.
	Configure func(*Config)
	// Loopback uses real sockets on 127.0.0.1 instead of a network in
	// memory.
	Loopback bool
	// InProcess looks into messages without a child.
	InProcess bool
	Switches  *fakeexchange.Switches
	Log       *slog.Logger
	ChildEnv  []string
	// Zone changes the DNS of the network in memory; may be nil.
	Zone func(dns.Static)
	// World changes what the gateway sees of the outside; may be nil.
	World func(*World)
}

// House is the whole house in one process: a gateway, and a pretend tenant
// of Exchange Online that hands mail to it and takes it back, over real SMTP
// with TLS. The demo and the stories live in it.
type House struct {
	App      *App
	Exchange *fakeexchange.Exchange
	Params   fakeexchange.Params
	Wire     *fakeexchange.Wire
	plan     Plan
	config   Config
	world    World
	inbound  net.Listener
	outward  string // where the gateway listens
	crashes  int
	dead     atomic.Bool // a gateway that crashed dials nobody while it is torn down
}

// Addresses of the network in memory. Exchange's are in Microsoft's
// published list, the gateway's are documentation addresses.
const (
	exchangeOut = "40.107.1.25"
	exchangeIn  = "40.107.2.25"
	gatewayIP   = "203.0.113.10"
	gatewayAddr = "gw.postern.example:25"
)

// Build makes a House and starts it.
func Build(ctx context.Context, p Plan) (h *House, err error) {
	if p.Setup == "" {
		p.Setup = "postern"
	}
	if p.Preset == "" {
		p.Preset = "postern"
	}
	if p.Log == nil {
		p.Log = telemetry.Discard()
	}
	h = &House{plan: p, Params: p.Params, Wire: fakeexchange.NewWire(), outward: gatewayAddr}
	if h.Params.Name == "" {
		h.Params = fakeexchange.DefaultParams()
	}
	if p.Loopback {
		h.Params.Egress = "127.0.0.1"
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	authority, err := fakeexchange.NewAuthority()
	if err != nil {
		return h, err
	}
	if err := h.exchange(authority); err != nil {
		return h, err
	}
	if err := h.gateway(authority); err != nil {
		return h, err
	}
	return h, h.Start(ctx)
}

// exchange starts the pretend tenant.
func (h *House) exchange(authority *fakeexchange.Authority) error {
	setup, err := fakeexchange.ReadySetup(h.plan.Setup, h.Params)
	if err != nil {
		return err
	}
	if h.plan.Edit != nil {
		h.plan.Edit(&setup)
	}
	dial := h.Wire.DialFrom(exchangeOut)
	h.Exchange, err = fakeexchange.New(fakeexchange.Config{
		Setups: []mailflow.Setup{setup}, Authority: authority, Switches: h.plan.Switches, Log: h.plan.Log,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if h.plan.Loopback { // the smart host's name is that of the documents
				return (&net.Dialer{}).DialContext(ctx, network, h.outward)
			}
			return dial(ctx, network, h.outward)
		},
	})
	if err != nil {
		return err
	}
	if h.plan.Loopback {
		h.inbound, err = net.Listen("tcp", "127.0.0.1:0")
	} else {
		h.inbound, err = h.Wire.Listen(exchangeIn + ":25")
	}
	if err != nil {
		return err
	}
	go func() { _ = h.Exchange.Serve(h.inbound) }()
	return nil
}

// gateway writes the tenant's files and prepares the world around the app.
func (h *House) gateway(authority *fakeexchange.Authority) error {
	server, err := authority.Certificate(h.Params.GatewayCert, "*.in.postern.example")
	if err != nil {
		return err
	}
	client, err := authority.Certificate(h.Params.ReturnCert)
	if err != nil {
		return err
	}
	chain, key, err := authority.PEM(client)
	if err != nil {
		return err
	}
	if err := h.people(); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"tenants/contoso.pem":                   string(chain) + string(key),
		"tenants/contoso.yaml":                  h.tenantYAML(),
		"tenants/policies.yaml":                 h.plan.Policies,
		"tenants/" + h.Params.ID + ".directory": h.plan.Directory,
	} {
		if text == "" && strings.HasSuffix(name, ".directory") {
			continue
		}
		path := filepath.Join(h.plan.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	h.config = Config{
		Hostname: h.Params.Gateway, Data: filepath.Join(h.plan.Dir, "data"), Keys: "file:" + filepath.Join(h.plan.Dir, "postern.key"),
		Apply: []string{filepath.Join(h.plan.Dir, "tenants")}, Console: Console{Listen: "off"}, dir: h.plan.Dir,
	}
	h.config.SMTP.Listen = "127.0.0.1:0"
	h.config.defaults()
	if h.plan.Configure != nil {
		h.plan.Configure(&h.config)
	}
	h.world = World{
		Roots: authority.Pool(), ClientRoots: authority.Pool(), Certificate: &server,
		InProcess: h.plan.InProcess, ChildEnv: h.plan.ChildEnv, Log: h.plan.Log,
	}
	if !h.plan.Loopback {
		dial := h.Wire.DialFrom(gatewayIP)
		h.world.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if h.dead.Load() {
				return nil, net.ErrClosed
			}
			return dial(ctx, network, address)
		}
		zone := h.zone()
		if h.plan.Zone != nil {
			h.plan.Zone(zone)
		}
		h.world.Resolver = zone
	}
	if h.plan.World != nil {
		h.plan.World(&h.world)
	}
	return nil
}

// zone is the DNS of the network in memory.
func (h *House) zone() dns.Static {
	zone := dns.Static{}
	for _, domain := range []string{h.Params.Domain + ".example", h.Params.Domain + ".onmicrosoft.com"} {
		host := fakeexchange.HostOf(domain)
		zone[domain] = dns.Records{MX: []net.MX{{Host: host, Pref: 0}}}
		zone[host] = dns.Records{Addresses: []netip.Addr{netip.MustParseAddr(exchangeIn)}}
	}
	return zone
}

// people makes the directory of the pretend tenant.
func (h *House) people() error {
	if !h.plan.People || h.plan.Directory != "" {
		return nil
	}
	setup, found := h.Exchange.Setup(h.Params.Name)
	if !found {
		return fmt.Errorf("app: the pretend Exchange has no tenant %s", h.Params.Name)
	}
	var text strings.Builder
	err := fakeexchange.WriteDirectory(&text, h.Params.ID, setup, time.Now())
	h.plan.Directory = text.String()
	return err
}

func (h *House) tenantYAML() string {
	p := h.Params
	var b strings.Builder
	fmt.Fprintf(&b, "kind: tenant\nid: %s\nentra_tenant: %s\ndomains: [%s.example, %s.onmicrosoft.com]\n", p.ID, p.Entra, p.Domain, p.Domain)
	fmt.Fprintf(&b, "headers: %s\n", h.plan.Preset)
	if h.plan.Preset == "postern" {
		fmt.Fprintf(&b, "secret: [%s]\nmark: [%s]\n", p.Secret, p.Mark)
	}
	fmt.Fprintf(&b, "copies: { bcc: [\"%s@%s\"], journal: [\"%s-journal@%s\"] }\n", p.ID, p.Copy, p.ID, p.Copy)
	if h.plan.Loopback {
		fmt.Fprintf(&b, "peers: { exchange: { networks: [127.0.0.0/8] } }\n")
		fmt.Fprintf(&b, "return: { host: %q, server_name: %s, client_cert: file:./contoso.pem }\n",
			h.inbound.Addr().String(), fakeexchange.HostOf(p.Domain+".example"))
	} else {
		fmt.Fprintf(&b, "return: { host: mx, client_cert: file:./contoso.pem }\n")
	}
	if h.plan.Directory != "" {
		fmt.Fprintf(&b, "directory: file:./%s.directory\n", p.ID)
	}
	b.WriteString(h.plan.Tenant)
	return b.String()
}

// Start opens the gateway and its front door; after Stop it starts again on
// the same data.
func (h *House) Start(ctx context.Context) error {
	a, err := Open(ctx, &h.config, h.world)
	if err != nil {
		return err
	}
	h.App = a
	if err := a.Start(ctx); err != nil {
		return err
	}
	var ln net.Listener
	if h.plan.Loopback {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			h.outward = ln.Addr().String()
		}
	} else {
		ln, err = h.Wire.Listen(gatewayAddr)
	}
	if err != nil {
		return err
	}
	a.Serve(ln)
	return nil
}

// Stop closes the gateway; the pretend Exchange goes on and queues.
func (h *House) Stop() error {
	if h.App == nil {
		return nil
	}
	err := h.App.Close()
	h.App = nil
	return err
}

// Crash ends the gateway as a power failure would: what is on the disk now is
// all that Start finds, and every connection breaks. Nothing may be in motion
// when it is called.
func (h *House) Crash() error {
	if h.App == nil {
		return nil
	}
	h.crashes++
	disk := filepath.Join(h.plan.Dir, fmt.Sprintf("data-%d", h.crashes))
	if err := os.CopyFS(disk, os.DirFS(h.config.Data)); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(disk, "admin.sock"))
	h.Wire.Cut()
	h.dead.Store(true)
	err := h.Stop()
	h.dead.Store(false)
	h.config.Data = disk
	return err
}

// Close ends everything.
func (h *House) Close() error {
	err := h.Stop()
	if h.Exchange != nil {
		err = errors.Join(err, h.Exchange.Close())
	}
	return err
}

// Settle waits until nothing moves: Exchange is idle, and the gateway has no
// task that is due. It gives up when ctx ends.
func (h *House) Settle(ctx context.Context) error {
	for still := 0; still < 3; {
		if err := h.Exchange.Idle(ctx); err != nil {
			return err
		}
		ans, err := h.App.Do(ctx, "queue-list", Call{}, "house")
		if err != nil {
			return err
		}
		due := 0
		for _, t := range ans.Tasks {
			if t.Stuck == "" && !t.Held && t.Due.Before(time.Now().Add(100*time.Millisecond)) {
				due++
			}
		}
		if due == 0 {
			still++
		} else {
			still = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
