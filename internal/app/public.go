package app

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/public"
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
	s := a.httpServer(a.publicSite().Handler())
	// One request at a time and connection: HTTP/1 has no streams to flood.
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	s.MaxHeaderBytes, s.ReadHeaderTimeout = publicHeader, publicHandshake
	s.ReadTimeout, s.WriteTimeout = publicWholeRead, publicWholeReply
	a.run(func() { _ = s.Serve(ln) })
	a.Log.Info("the pages for people are there", telemetry.KeyHost, a.public)
	return nil
}

// publicSite are the pages.
func (a *App) publicSite() *public.Site {
	return public.New(public.Config{Names: a.publicName, Log: a.Log})
}

// publicName reports whether a host name is one that the links of mails have.
func (a *App) publicName(host string) bool {
	return strings.EqualFold(host, a.Config.Public.Name) ||
		slices.ContainsFunc(a.Tenants.Current().Tenants(), func(t *tenant.Tenant) bool { return t.Console == host })
}
