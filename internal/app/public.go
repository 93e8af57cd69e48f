package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/public"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Connections of the listener for people: everybody can reach it, so nobody
// may fill it.
const (
	maxPublic        = 200
	maxPublicOfOne   = 40 // client; an office behind one address has several people
	publicHeader     = 16 << 10
	publicHandshake  = 10 * time.Second
	publicWholeRead  = 20 * time.Second
	publicWholeReply = 30 * time.Second
)

// servePublic opens the listener for people, where the file asks for it.
func (a *App) servePublic() error {
	c := a.Config.Public
	if c.Listen == "" {
		return nil
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	a.public = ln.Addr()
	ln = newPlaces(ln, maxPublic, maxPublicOfOne)
	if c.TLS.Cert != "" {
		cert, err := loadCertificate(a.Config.resolve(c.TLS.Cert), a.Config.resolve(c.TLS.Key))
		if err != nil {
			ln.Close()
			return err
		}
		ln = tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get})
	}
	site := a.publicSite()
	s := a.publicServer(site.Handler())
	a.run(func() { _ = s.Serve(ln) })
	a.Log.Info("the pages for people are there", telemetry.KeyHost, a.public)
	return nil
}

// publicServer is a server that nobody can keep busy.
func (a *App) publicServer(h http.Handler) *http.Server {
	s := a.httpServer(h)
	// One request at a time and connection: HTTP/1 has no streams to flood.
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	s.MaxHeaderBytes, s.ReadHeaderTimeout = publicHeader, publicHandshake
	s.ReadTimeout, s.WriteTimeout = publicWholeRead, publicWholeReply
	return s
}

// publicSite are the pages.
func (a *App) publicSite() *public.Site {
	return public.New(public.Config{
		Names: a.publicName, At: a.publicAt, Key: a.publicKey, DB: a.DB, Doors: a.People, Audit: a.Audit, Log: a.Log,
		// One that is turned off too: what waits there must be decided.
		Tenant: func(id string) *tenant.Tenant { return a.Tenants.Current().Find(id) },
		Person: a.somebody, Officer: a.officer, Do: a.doFor, Read: a.readFor, Earlier: a.Gateway.Earlier, Looks: a.looks, Redact: redact,
		Code: func(tx *store.Tx, t *tenant.Tenant, p public.Somebody, c quarantine.Code) error {
			return a.Gateway.SendCode(tx, t, p.Address, p.Languages, c.At)
		},
	})
}

// publicName reports whether a host name is one that the links of mails have.
func (a *App) publicName(host string) bool {
	return strings.EqualFold(host, a.Config.Public.Name) ||
		slices.ContainsFunc(a.Tenants.Current().Tenants(), func(t *tenant.Tenant) bool { return t.Console == host })
}

// publicAt reports whether the pages of a tenant are at a host name: its own,
// or that of the installation.
func (a *App) publicAt(t *tenant.Tenant, host string) bool {
	return t.Console == host || strings.EqualFold(host, a.Config.Public.Name)
}

// somebody is a person who may decide about a tenant's mail.
func (a *App) somebody(id string, who mail.Address) (p public.Somebody, ok bool) {
	if who.Null() {
		return p, false
	}
	people := a.Gateway.People(id, time.Now())
	if !people.Decides(who) {
		return p, false
	}
	p.All = people.Addresses(who)
	p.Address = p.All[0]
	if d := a.Directories.Of(id); d != nil {
		if e, found := d.Find(who); found {
			p.Name = e.Name()
			if language, _, _ := strings.Cut(e.Language(), "-"); language != "" {
				p.Languages = []string{strings.ToLower(language)}
			}
		}
	}
	return p, true
}

// officer is somebody with the rights of his roles about a tenant's held mail.
func (a *App) officer(id string, who mail.Address) quarantine.Person {
	return a.Desk.Person(quarantine.Caller{Tenant: id, Address: who}, id)
}

// doFor carries out what somebody does on a page. What a role does not let its
// owner do is noted.
func (a *App) doFor(ctx context.Context, d public.Deed) (public.Done, error) {
	done, err := a.doOnPage(ctx, d)
	if d.Person.Rights != (quarantine.Rights{}) {
		who := quarantine.Caller{Tenant: d.Person.Tenant, Address: d.Person.Address}
		err = a.Desk.Note(ctx, who, d.Act, d.Person.Tenant, d.Message, err)
	}
	return done, err
}

func (a *App) doOnPage(ctx context.Context, d public.Deed) (public.Done, error) {
	switch d.Act {
	case quarantine.Approve, quarantine.Reject, quarantine.Send, quarantine.Cancel, quarantine.Remove, quarantine.Release:
		done, err := a.Gateway.Decide(ctx, gateway.Decision{
			Message: d.Message, To: d.To, Act: d.Act, Person: d.Person, Comment: d.Text, Choice: d.Choice,
		})
		if errors.Is(err, spool.ErrNotFound) {
			err = &quarantine.Refusal{Code: quarantine.OverAlready, Text: "it is long over"}
		}
		if err == nil && done.Done+done.Agreed == 0 {
			err = done.No
			if err == nil {
				err = &quarantine.Refusal{Code: quarantine.NotPossible, Text: "nobody of these waits"}
			}
		}
		return public.Done{Done: done.Done, Agreed: done.Agreed}, err
	}
	if d.Act == quarantine.AskAgain {
		_, n, err := a.Gateway.AskAgain(ctx, gateway.Deed{Message: d.Message, To: d.To, Act: d.Act, Person: d.Person})
		return public.Done{Done: n}, err
	}
	n, err := a.Gateway.Handle(ctx, gateway.Deed{
		Message: d.Message, To: d.To, Act: d.Act, Person: d.Person, Text: d.Text, Other: d.Other,
	})
	return public.Done{Done: n}, err
}

// readFor opens a held mail for somebody.
func (a *App) readFor(ctx context.Context, r public.Reading) (public.Opened, error) {
	depth := quarantine.Redacted
	if r.Whole {
		depth = quarantine.Whole
	}
	c, err := a.Gateway.Read(ctx, gateway.Reading{Message: r.Message, Person: r.Person, Depth: depth})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (a *App) looks(tx *store.Tx, id, message string) (list []public.Look, err error) {
	all, err := a.Gateway.Looks(tx, id, message)
	for _, l := range all {
		list = append(list, public.Look{
			By: l.By, At: l.At, Whole: l.Depth == quarantine.Whole, Emergency: l.As == quarantine.InEmergency,
		})
	}
	return list, err
}

// redact blots out of a text what the detectors of a tenant find in it.
func redact(t *tenant.Tenant, text string) string {
	c := gateway.CatalogueOf(t.Policies)
	c.Regions = t.Looking.Regions
	var places [][2]int
	for _, p := range look.DetectText(text, look.Detectors(c)) {
		places = append(places, [2]int{int(p.Start), int(p.End)})
	}
	return public.Masked(text, places)
}
