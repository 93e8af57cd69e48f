package public

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Limits of a request. What these pages take is short: a code, some words.
const (
	maxURL  = 2 << 10
	maxBody = 32 << 10
)

// contentPolicy of the pages: no script at all, nothing from elsewhere. The
// frame of a mail is part of its page (srcdoc), and inherits this.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// guard checks a request before anything of it is looked at.
func (s *Site) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recovered(w, r)
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000") // a year
		}
		if f := s.refusal(r, origin); f.status != 0 {
			s.fail(w, r, f)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// refusal is why a request is not served; its status is 0 when it is.
func (s *Site) refusal(r *http.Request, origin *http.CrossOriginProtection) fault {
	allow := []string{http.MethodGet, http.MethodHead, http.MethodPost}
	switch {
	case !s.ownHost(r):
		return fault{status: http.StatusMisdirectedRequest, text: "fault_host"}
	case len(r.RequestURI) > maxURL:
		return fault{status: http.StatusRequestURITooLong, text: "fault_path"}
	case !slices.Contains(allow, r.Method):
		return fault{status: http.StatusMethodNotAllowed, text: "fault_path", allow: strings.Join(allow, ", ")}
	}
	if wait := s.rates.take(r, time.Now()); wait > 0 {
		return fault{status: http.StatusTooManyRequests, text: "fault_often", wait: wait}
	}
	if err := origin.Check(r); err != nil {
		return fault{status: http.StatusForbidden, text: "fault_origin"}
	}
	return fault{}
}

// ownHost reports whether the Host field is a name of this listener.
func (s *Site) ownHost(r *http.Request) bool {
	host, ok := hostAsked(r)
	return ok && s.Names(host)
}

// hostAsked is the name in the Host field, in lower case and without a port.
func hostAsked(r *http.Request) (string, bool) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), true
}

// tenantAt is a tenant whose pages are at the host name of a request; nil for
// none. At the name of another one nobody learns that there is such a tenant.
func (s *Site) tenantAt(r *http.Request, id string) *tenant.Tenant {
	t := s.Tenant(id)
	if host, ok := hostAsked(r); t == nil || !ok || s.At != nil && !s.At(t, host) {
		return nil
	}
	return t
}

func (s *Site) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http's own way to break a connection
	}
	// The value of a panic may quote what came from mail; the stack does not.
	s.Log.Error("a page crashed", telemetry.KeyRoom, "public", telemetry.KeyKind, fmt.Sprintf("%T", p),
		telemetry.KeyError, string(debug.Stack()))
	s.fail(w, r, fault{status: http.StatusInternalServerError, text: "fault_crash"})
}

// fault is an answer that is not what was asked for.
type fault struct {
	status int
	// text is the name of the sentence.
	text  string
	allow string
	wait  time.Duration
}

// fail answers with a fault.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, f fault) {
	if f.allow != "" {
		w.Header().Set("Allow", f.allow)
	}
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.wait/time.Second)+1))
	}
	l := s.speechFor(r, nil)
	s.show(w, f.status, "fault", page{lang: l, Title: l.say("fault_title"), Data: map[string]string{"text": l.say(f.text)}})
}

// clientOf is whom the bounds of a client are counted for: an address, or the
// network that one customer of IPv6 has (RFC 6177). A client on this machine
// is a server in front of us, which has bounds of its own; it has none here.
func clientOf(r *http.Request) (p netip.Prefix, bounded bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return p, true
	}
	a := at.Addr().Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ = a.WithZone("").Prefix(bits)
	return p, !a.IsLoopback()
}
