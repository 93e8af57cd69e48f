package app

import (
	"net/http"
	"runtime/debug"

	"postern.dev/postern/internal/web"
)

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
