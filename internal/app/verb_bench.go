package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// Bench looks at messages and decides as a gateway would, without a store
// and without sending anything: for inspect and for the tests of policies.
type Bench struct {
	state  *inForce
	looker *look.Looker
	keys   senderauth.Resolver // nil: nobody asks the DNS
}

// AskDNS has the keys of signatures looked up.
func (b *Bench) AskDNS(c dns.Config) error {
	r, err := dns.New(c)
	if err == nil {
		b.keys = r
	}
	return err
}

// OpenBench loads tenants and policies from files and folders; without any,
// there is one tenant, contoso.example, and no policy. inProcess looks in
// this process: then hostile content can hurt it.
func OpenBench(paths []string, inProcess bool) (*Bench, error) {
	f, err := readFiles(paths)
	if err != nil {
		return nil, err
	}
	r := tenant.NewRegistry(tenant.NewPublished())
	r.Offline = true // a look at policies needs no secret and no certificate
	state, err := build(r, f)
	if err == nil {
		err = state.meet(&directory.Registry{})
	}
	if err != nil {
		return nil, err
	}
	return &Bench{state: state, looker: newBenchLooker(inProcess)}, nil
}

// newBenchLooker logs nothing: what was not seen is in the report.
func newBenchLooker(inProcess bool) *look.Looker {
	return look.New(look.Config{InProcess: inProcess, Log: quietLog()})
}

// quietLog is for verbs, which say themselves what happened.
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Close ends the children.
func (b *Bench) Close() { b.looker.Close() }

// Documents is how many tenants, policies and the like are loaded.
func (b *Bench) Documents() int { return b.state.files.documents() }

// Policies are the rules that are loaded.
func (b *Bench) Policies() *policy.Set { return b.state.set }

// Tenant finds a tenant; "" is the one whose mail the body is: the tenant
// that owns the sender, else a recipient, else the first.
func (b *Bench) Tenant(id string, body mail.Body) (*tenant.Tenant, error) {
	all := b.state.tenants.Tenants()
	if id != "" {
		if t := b.state.tenants.Find(id); t != nil {
			return t, nil
		}
		if t := firstTenant(b.state.tenants, b.state.set); len(all) == 0 && t.ID == id {
			return t, nil
		}
		return nil, fmt.Errorf("no tenant is called %q; %s", id, b.known(id))
	}
	h := mail.ParseHeader(body)
	for _, name := range []string{"From", "To", "Cc"} {
		for _, a := range h.Addresses(name) {
			if i := slices.IndexFunc(all, func(t *tenant.Tenant) bool { return t.Owns(a) }); i >= 0 {
				return all[i], nil
			}
		}
	}
	return firstTenant(b.state.tenants, b.state.set), nil
}

func (b *Bench) known(id string) string {
	var ids []string
	for _, t := range b.state.tenants.Tenants() {
		ids = append(ids, t.ID)
	}
	if len(ids) == 0 {
		ids = []string{"contoso"}
	}
	return settings.Nearest(id, ids)
}

// Inspect says what would be found in a message and done with it. The
// envelope is taken from its header.
func (b *Bench) Inspect(ctx context.Context, t *tenant.Tenant, body mail.Body) gateway.Inspection {
	env, dir := EnvelopeOf(t, body)
	return gateway.InspectSender(ctx, b.looker, b.keys, t, b.state.people.Of(t.ID), dir, env, body)
}

// Test runs the policies' own tests. The places in the result are absolute.
func (b *Bench) Test(ctx context.Context) (policy.Result, error) {
	r, err := b.state.run(ctx, b.looker)
	for i := range r.Cases {
		r.Cases[i].Place = "/" + strings.TrimPrefix(r.Cases[i].Place, "/")
	}
	return r, err
}
