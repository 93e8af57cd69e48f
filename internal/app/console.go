package app

import (
	"net/http"
	"runtime/debug"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/web"
)

// newConsole is the console with its API.
func (a *App) newConsole() *web.Console {
	return web.New(web.Config{
		Audit: a.Audit, DB: a.DB, Balance: a.Balance, Started: a.started, Log: a.Log, Version: BuildVersion(),
		Explain: a.forConsole, Held: a.Desk, Looks: a.looksForConsole,
		Off: func(id string) bool {
			t := a.Tenants.Current().Find(id)
			return t == nil || t.Disabled
		},
		Tenants: func() (ids []string) {
			for _, t := range a.Tenants.Current().Tenants() {
				ids = append(ids, t.ID)
			}
			return ids
		},
	})
}

// looksForConsole lists who has looked into a held message.
func (a *App) looksForConsole(tx *store.Tx, tenant, message string) (list []web.Look, err error) {
	all, err := a.Gateway.Looks(tx, tenant, message)
	for _, l := range all {
		list = append(list, web.Look{At: l.At, Kind: l.Kind, By: l.By, Actor: l.Actor, As: l.As, Depth: l.Depth, Why: l.Why})
	}
	return list, err
}

// serveHeld answers /api/v1/held on the admin socket, with the rights of the
// user at its other end.
func (a *App) serveHeld(w http.ResponseWriter, r *http.Request) {
	if a.console == nil {
		http.Error(w, "the gateway is about to start", http.StatusServiceUnavailable)
		return
	}
	a.console.HeldAPI(func(r *http.Request) (web.Visitor, bool) {
		uid, ok := peerOf(r.Context())
		return web.Visitor{UID: uid, HeldOnly: !administers(uid)}, ok && (administers(uid) || a.Desk.Roles.Knows(uid))
	}).ServeHTTP(w, r)
}

// consoleHandler serves administrators: health for probes, and the console.
func (a *App) consoleHandler() http.Handler {
	mux := http.NewServeMux()
	a.health(mux)
	mux.Handle("/", a.console.Handler())
	return mux
}

// ConsoleLink is a link that opens the console once, within 15 minutes; ""
// when the console is off.
// Its session has the rights of the user who asks for it.
func (a *App) ConsoleLink(uid uint32) string {
	if a.listens == "" {
		return ""
	}
	return a.console.OneTimeLink("http://"+a.listens, web.Visitor{UID: uid, HeldOnly: !administers(uid)})
}

// BuildVersion is the program's version as its build recorded it.
func BuildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
