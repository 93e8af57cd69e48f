package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/telemetry"
)

// Limits of a request. What the console takes is short: a query, an id, a
// comment of 2000 characters, each as three %XX.
const (
	maxURL     = 8 << 10
	maxBody    = 32 << 10
	maxAPIBody = 64 << 10 // a comment of 2000 characters, each as \uXXXX\uXXXX, and some hundred recipients
)

// policy of the pages: no script at all, nothing from elsewhere, no frames.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// guard checks a request before anything of it is looked at. What a path takes
// besides GET is what was registered for it.
func (c *Console) guard(next *http.ServeMux) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer c.recovered(w, r)
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if status, f := refusal(r, next, origin); status != 0 {
			c.fail(w, r, status, f)
			return
		}
		bounded(next).ServeHTTP(w, r)
	})
}

// bounded reads no more of a body than its path takes.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBody)
		if strings.HasPrefix(r.URL.Path, "/api/") {
			most = maxAPIBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// methods are those that a path takes. One that leads nowhere takes GET: the
// answer says so.
func methods(mux *http.ServeMux, r *http.Request) (list []string) {
	takes := func(method string) bool {
		_, pattern := mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host})
		return strings.HasPrefix(pattern, method+" ")
	}
	post := takes(http.MethodPost)
	if takes(http.MethodGet) || !post {
		list = append(list, http.MethodGet, http.MethodHead)
	}
	if post {
		list = append(list, http.MethodPost)
	}
	return list
}

// refusal is why a request is not served; 0 when it is.
func refusal(r *http.Request, mux *http.ServeMux, origin *http.CrossOriginProtection) (int, fault) {
	if !ownHost(r) {
		return http.StatusMisdirectedRequest, fault{
			Sentence: "This console answers only to localhost, 127.0.0.1 and [::1], at its own port.",
			Next: "Open it by such an address on this machine. Through a tunnel, use the same port at both ends: " +
				"ssh -L 8025:127.0.0.1:8025.",
		}
	}
	if len(r.RequestURI) > maxURL {
		return http.StatusRequestURITooLong, fault{Sentence: "This address is too long.", Next: "Shorten the query."}
	}
	if allow := methods(mux, r); !slices.Contains(allow, r.Method) {
		return http.StatusMethodNotAllowed, fault{
			Sentence: "Only " + strings.Join(allow, " and ") + " works here.", Next: "Begin at the list of messages.",
			Allow: strings.Join(allow, ", "),
		}
	}
	if err := origin.Check(r); err != nil {
		return http.StatusForbidden, fault{
			Sentence: "This request came from a page of another site; nothing was done.",
			Next:     "Use the buttons of the console itself.",
		}
	}
	return 0, fault{}
}

// ownHost reports whether the Host field names the listener that the request
// came in by. A page of another site whose name was made to point at this
// machine still sends its own name.
func ownHost(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	own, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), "80"
	}
	if port != strconv.Itoa(int(own.Port())) {
		return false
	}
	if strings.EqualFold(host, "localhost") || host == "127.0.0.1" || host == "::1" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip == own.Addr().Unmap()
}

func (c *Console) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http's own way to break a connection
	}
	// The value of a panic may quote what came from mail; the stack does not.
	c.Log.Error("a page crashed", telemetry.KeyRoom, "web", telemetry.KeyKind, fmt.Sprintf("%T", p),
		telemetry.KeyError, string(debug.Stack()))
	c.fail(w, r, http.StatusInternalServerError, fault{
		Sentence: "This page crashed. Mail is not affected.",
		Next:     "The log holds the place; please report it.",
	})
}

// fault is an answer that is not what was asked for.
type fault struct {
	// Sentence says what is the matter, Next what to do.
	Sentence, Next string
	// Command is what to type, if anything.
	Command string
	// At and Hint are of a query that could not be read.
	At    *int
	Hint  string
	Allow string
	// Code is a problem of the catalogue, Impact what it does to mail, Why the
	// kind of a refusal at the desk of held mail.
	Code   problem.Code
	Impact string
	Why    quarantine.Why
	// Over says how it ended before.
	Over *quarantine.Ending
}

// fail answers with a fault, as JSON below /api/.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, status int, f fault) {
	if f.Allow != "" {
		w.Header().Set("Allow", f.Allow)
	}
	if status == http.StatusUnauthorized {
		// RFC 9110 §11.6.1 asks for a challenge; no browser knows this one,
		// so none asks for a password.
		w.Header().Set("WWW-Authenticate", `Postern-Link realm="console"`)
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, status, apiFault{
			Error: f.Sentence, Hint: first(f.Hint, f.Next), At: f.At, Code: f.Code, Impact: f.Impact, Why: f.Why, Over: f.Over,
		})
		return
	}
	c.show(w, r, status, "fault", page{
		Title: http.StatusText(status), Inside: status != http.StatusMisdirectedRequest && c.entered(r), Data: f,
	})
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
