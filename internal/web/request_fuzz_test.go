package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
)

// pipes is a listener at 127.0.0.1:8025 that needs no network.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8025} }

// theirs is the server's end of a pipe.
type theirs struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *theirs) LocalAddr() net.Addr { return pipes(nil).Addr() }
func (c *theirs) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// pressed is a console that is fuzzed.
type pressed struct {
	*Console
	doorway pipes
	log     *bytes.Buffer // read when no request is under way
	session string        // one that is open
	form    map[string]bool
}

// brief is how long the server waits for the rest of a request.
const brief = 100 * time.Millisecond

// press opens a console for fuzzing, behind a server like that of app.
func press(f *testing.F) *pressed {
	db := storetest.SQLite(f)
	records, err := audit.Open(f.Context(), db, []byte(strings.Repeat("k", 32)))
	if err == nil {
		err = task.Migrate(f.Context(), db)
	}
	if err == nil {
		err = db.Update(f.Context(), func(tx *store.Tx) error {
			for _, m := range three(time.Now()) {
				if err := records.Save(tx, m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		f.Fatal(err)
	}
	p := &pressed{doorway: make(pipes), log: new(bytes.Buffer), form: map[string]bool{}}
	p.Console = New(Config{
		Audit: records, DB: db, Version: "test", Started: time.Now(), Log: slog.New(slog.NewTextHandler(p.log, nil)),
		Tenants: func() []string { return []string{"contoso"} },
	})
	s := &http.Server{
		Handler: p.Handler(), MaxHeaderBytes: 64 << 10, ReadHeaderTimeout: brief, ReadTimeout: brief,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
	}
	go func() { _ = s.Serve(p.doorway) }()
	f.Cleanup(func() {
		close(p.doorway)
		s.Close()
	})
	p.enter()
	for _, target := range []string{"/", "/?q=invoice", "/?q=from:", "/?behind=1.x", "/m/K7TQ-0024", "/m/none", "/else", "/enter/x"} {
		a, err := p.ask("GET "+target+" HTTP/1.1\r\nHost: 127.0.0.1:8025\r\nCookie: "+p.cookie()+"\r\n\r\n", "GET")
		if err != nil {
			f.Fatal(target, err)
		}
		p.note(a.text, func(name string) bool { p.form[name] = true; return true })
	}
	return p
}

func (p *pressed) enter() {
	p.session, _ = p.doors.exchange(p.doors.link(Visitor{}, time.Now()), time.Now())
}
func (p *pressed) cookie() string { return "postern-console-8025=" + p.session }

// given is an answer.
type given struct {
	code int
	head http.Header
	text string
}

// ask sends octets, reads one answer, and waits until the server has done
// with the connection. An error is a connection without an answer.
func (p *pressed) ask(raw, method string) (a given, err error) {
	ours, other := net.Pipe()
	server := &theirs{Conn: other, closed: make(chan struct{})}
	p.doorway <- server
	_ = ours.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(ours, raw) }()
	res, err := http.ReadResponse(bufio.NewReader(ours), &http.Request{Method: method})
	if err == nil {
		var text []byte
		text, err = io.ReadAll(res.Body)
		a = given{res.StatusCode, res.Header, string(text)}
	}
	ours.Close()
	<-server.closed
	return a, err
}

// note calls each with the elements and attributes of a page.
func (p *pressed) note(page string, each func(name string) bool) {
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		if !each(token.Data) {
			return
		}
		for _, at := range token.Attr {
			if !each(token.Data + " " + at.Key) {
				return
			}
		}
	}
}

// mayLeave reports whether the octets hold a request to end the session that
// is not known to come from elsewhere.
func mayLeave(raw string) bool {
	in := bufio.NewReader(strings.NewReader(raw))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		u, bad := url.Parse(r.Header.Get("Origin"))
		foreign := bad != nil || r.Header.Get("Origin") != "" && !strings.EqualFold(u.Host, r.Host)
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
			foreign = site != "same-origin" && site != "none"
		}
		if r.Method == http.MethodPost && r.URL.Path == "/leave" && ownName(r.Host) && !foreign {
			return true
		}
	}
}

func ownName(host string) bool {
	return slices.Contains([]string{"127.0.0.1:8025", "localhost:8025", "[::1]:8025", "::1:8025"}, strings.ToLower(host))
}

// FuzzRequest sends HTTP of any kind to the console: it never crashes, shows
// nothing without a session, shows what came in as text only, and does what
// it is told by nobody but its own pages.
func FuzzRequest(f *testing.F) {
	p := press(f)
	f.Add("GET", "/", "", "", byte(3))
	f.Add("GET", "/?q=%3Cscript%3Ealert(1)%3C/script%3E&behind=5.x", "", "", byte(3))
	f.Add("GET", "/?q=from:ann+after:yesterday+-%22x+y%22", "X: y", "", byte(3))
	f.Add("GET", "/m/K7TQ-0024", "Accept: text/html", "", byte(3))
	f.Add("GET", "/m/..%2f..%2fetc%2fpasswd%00%ff", "", "", byte(3))
	f.Add("HEAD", "/api/v1/messages?limit=500&q=", "", "", byte(3))
	f.Add("GET", "/api/v1/messages/K7TQ-0024", "", "", byte(3))
	f.Add("GET", "//evil.example/\\x", "", "", byte(1))
	f.Add("GET", "/enter/"+strings.Repeat("A", 43), "Sec-Purpose: prefetch", "", byte(1))
	f.Add("POST", "/leave", "Origin: http://127.0.0.1:8025\r\nContent-Length: 0", "", byte(3))
	f.Add("POST", "/leave", "Origin: http://evil.example\r\nContent-Length: 3", "a=b", byte(3))
	f.Add("POST", "/leave", "Sec-Fetch-Site: cross-site\r\nTransfer-Encoding: chunked", "0\r\n\r\n", byte(3))
	f.Add("POST", "/leave", "Host: evil.example:8025", "", byte(2))
	f.Add("POST", "http://evil.example/leave", "", "POST /leave HTTP/1.1\r\nHost: 127.0.0.1:8025\r\n\r\n", byte(3))
	f.Add("DELETE", "*", "Cookie: postern-console-8025=x; a=\"", "", byte(0))
	f.Add("OPTIONS", "/%", "X-HTTP-Method-Override: POST", "", byte(3))
	f.Fuzz(func(t *testing.T, method, target, fields, content string, mood byte) {
		if len(method)+len(target)+len(fields)+len(content) > 20_000 {
			return
		}
		raw := method + " " + target + " HTTP/1.1\r\n"
		if mood&1 != 0 {
			raw += "Host: 127.0.0.1:8025\r\n"
		}
		inside := mood&2 != 0
		if inside {
			raw += "Cookie: " + p.cookie() + "\r\n"
		}
		if fields != "" {
			raw += fields + "\r\n"
		}
		raw += "\r\n" + content + "\r\n\r\n"
		p.log.Reset()
		a, err := p.ask(raw, firstMethod(raw))
		if text := p.log.String(); strings.Contains(text, "level=ERROR") {
			t.Fatalf("%q made the console say %s", raw, text)
		}
		if err == nil {
			p.judge(t, raw, a, inside)
		}
		if _, open := p.doors.open(p.session, time.Now()); !open {
			if !mayLeave(raw) {
				t.Fatalf("the session was ended by %q", raw)
			}
			p.enter()
		}
	})
}

func firstMethod(raw string) string {
	m, _, _ := strings.Cut(raw, " ")
	return m
}

// known are the fields that an answer may have.
var known = []string{
	"Allow", "Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Date", "Location", "Referrer-Policy", "Set-Cookie",
	"Transfer-Encoding", "Www-Authenticate", "X-Content-Type-Options", "X-Frame-Options",
}

// judge looks at one answer.
func (p *pressed) judge(t *testing.T, raw string, a given, inside bool) {
	if a.code >= 500 && a.code != http.StatusNotImplemented && a.code != http.StatusHTTPVersionNotSupported {
		t.Fatalf("%q was answered %d: %.300s", raw, a.code, a.text)
	}
	for name := range a.head {
		if !slices.Contains(known, name) {
			t.Fatalf("%q was answered with the field %s", raw, name)
		}
	}
	if a.head.Get("X-Content-Type-Options") != "" && a.head.Get("Content-Security-Policy") != contentPolicy {
		t.Fatalf("%q: no policy: %v", raw, a.head)
	}
	if to := a.head.Get("Location"); to != "" && (to[0] != '/' || len(to) > 1 && strings.ContainsAny(to[1:2], "/\\\t\r\n")) {
		t.Fatalf("%q leads to %q", raw, to)
	}
	kind, _, _ := strings.Cut(a.head.Get("Content-Type"), ";")
	switch kind {
	case "text/html":
		p.note(a.text, func(name string) bool {
			if !p.form[name] {
				t.Fatalf("%q put <%s> on a page", raw, name)
			}
			return true
		})
	case "application/json":
		if len(a.text) > 0 && !json.Valid([]byte(a.text)) || strings.Contains(a.text, "<") {
			t.Fatalf("%q was answered %.300q", raw, a.text)
		}
	case "", "text/plain", "text/css", "image/svg+xml":
	default:
		t.Fatalf("%q was answered as %s", raw, kind)
	}
	if !inside && (strings.Contains(a.text, "K7TQ-") || strings.Contains(a.text, "contoso")) {
		t.Fatalf("%q was shown mail without a session", raw)
	}
}
