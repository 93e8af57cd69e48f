package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"postern.dev/postern/internal/telemetry"
)

func ask(ctx context.Context, client *http.Client, verb string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://postern/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// Listen starts everything and opens the listeners, the SMTP one last: what
// a crash left has been swept by then.
func (a *App) Listen(ctx context.Context) error {
	if err := a.Start(ctx); err != nil {
		return err
	}
	if err := a.serveAdmin(); err != nil {
		return err
	}
	c := a.Config
	if err := a.ServeConsole(); err != nil {
		return err
	}
	if c.Metrics.Listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", a.Metrics.Handler())
		if _, err := a.serveHTTP(c.Metrics.Listen, mux); err != nil {
			return err
		}
	}
	if err := a.servePublic(); err != nil {
		return err
	}
	var doors []net.Listener
	for _, address := range strings.Split(c.SMTP.Listen, ",") {
		ln, err := doorAt(ctx, strings.TrimSpace(address))
		if err != nil {
			for _, open := range doors {
				_ = open.Close()
			}
			return err
		}
		doors = append(doors, ln)
	}
	for _, ln := range doors {
		a.Serve(ln)
		a.Log.Info("ready", telemetry.KeyHost, ln.Addr())
	}
	return nil
}

// ServeConsole opens the console's listener, unless it is off.
func (a *App) ServeConsole() error {
	if a.Config.Console.Listen == "off" {
		return nil
	}
	addr, err := a.serveHTTP(a.Config.Console.Listen, a.consoleHandler())
	if err != nil {
		return err
	}
	a.listens = addr.String()
	return nil
}

func (a *App) serveHTTP(address string, h http.Handler) (net.Addr, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := a.httpServer(h)
	a.run(func() { _ = s.Serve(newPlaces(ln, maxHTTP, maxHTTP)) })
	return ln.Addr(), nil
}

// maxHTTP is how many connections an HTTP listener takes at a time. More could
// use up the files that mail needs.
const maxHTTP = 200

// httpServer is a server whose clients cannot keep it waiting, nor write into
// the log as they like.
func (a *App) httpServer(h http.Handler) *http.Server {
	s := &http.Server{
		Handler: h, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 5 * time.Minute,
		IdleTimeout: 30 * time.Second,
	}
	a.servers = append(a.servers, s)
	return s
}

// health answers whether the process lives, and whether it can take mail.
func (a *App) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("alive\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := a.ready(ctx); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n" + a.ages(time.Now())))
	})
}

func (a *App) ready(ctx context.Context) error {
	if !a.taking.Load() {
		return errors.New("mail is not taken: the gateway starts or drains")
	}
	if len(a.Tenants.Current().Tenants()) == 0 {
		return errors.New("no tenant is configured")
	}
	_, err := a.stored(ctx)
	return err
}
