package app

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

func post(ctx context.Context, client *http.Client, verb string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://postern/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// drain is how long a stop waits for transactions that are under way. It is
// shorter than the 90 seconds of most service managers.
const drain = 75 * time.Second

// ErrDead ends the process after a failed fsync or COMMIT: what is in memory
// may not be what is on the disk.
var ErrDead = errors.New("app: the store is in an unknown state")

// RunForever serves until a signal: SIGTERM and SIGINT drain, SIGHUP
// reloads.
func (a *App) RunForever(ctx context.Context) error {
	if err := a.Listen(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return a.stopNow()
		case err := <-a.DB.Dead():
			a.Log.Error("the store is dead; the process ends", telemetry.KeyCode, problem.StoreDead, telemetry.KeyError, err)
			return errors.Join(ErrDead, err)
		case s := <-signals:
			if s != syscall.SIGHUP {
				a.Log.Info("draining")
				return a.stopNow()
			}
			if v, err := a.Apply(ctx, a.Config.Apply, "SIGHUP", false); err != nil {
				a.Log.Error("reload failed; the last good state stays", telemetry.KeyCode, problem.ApplyFailed, telemetry.KeyError, err)
			} else {
				a.Log.Info("reloaded", telemetry.KeyCount, v.Version)
			}
		}
	}
}

func (a *App) stopNow() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	return a.Shutdown(ctx)
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
	if c.Console.Listen != "off" {
		if err := a.serveHTTP(c.Console.Listen, a.consoleHandler()); err != nil {
			return err
		}
	}
	if c.Metrics.Listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", a.Metrics.Handler())
		if err := a.serveHTTP(c.Metrics.Listen, mux); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", c.SMTP.Listen)
	if err != nil {
		return err
	}
	a.Serve(ln)
	a.Log.Info("ready", telemetry.KeyHost, ln.Addr())
	return nil
}

func (a *App) serveHTTP(address string, h http.Handler) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	a.servers = append(a.servers, s)
	a.run(func() { _ = s.Serve(ln) })
	return nil
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
		_, _ = w.Write([]byte("ready\n"))
	})
}

func (a *App) ready(ctx context.Context) error {
	if len(a.Tenants.Current().Tenants()) == 0 {
		return errors.New("no tenant is configured")
	}
	_, _, err := a.stored(ctx)
	return err
}
