package app

import "net/http"

// consoleHandler serves administrators: health for probes, and the console.
func (a *App) consoleHandler() http.Handler {
	mux := http.NewServeMux()
	a.health(mux)
	if a.console != nil {
		mux.Handle("/", a.console)
	}
	return mux
}
