package app

import (
	"net/http"
	"runtime/debug"
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
func (a *App) ConsoleLink() string {
	if a.listens == "" {
		return ""
	}
	return a.console.OneTimeLink("http://" + a.listens)
}

// BuildVersion is the program's version as its build recorded it.
func BuildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
