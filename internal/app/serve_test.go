package app

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A probe that sends mail here must find somebody who takes it.
func TestTheGatewayIsReadyWhenItTakesMailAndNotBefore(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: demoPolicies, InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	a, err := Open(ctx, &h.config, h.world)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	probe := func() (int, string) {
		w := httptest.NewRecorder()
		a.consoleHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", http.NoBody))
		return w.Code, w.Body.String()
	}
	if code, text := probe(); code != http.StatusServiceUnavailable {
		t.Errorf("before the listener is open: %d %s", code, text)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.Serve(ln)
	if code, text := probe(); code != http.StatusOK {
		t.Errorf("with the listener open: %d %s", code, text)
	}
}
