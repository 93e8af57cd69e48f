//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask sends raw octets to an HTTP listener and returns the status, the header
// and the body; status 0 is no answer.
func ask(address, request string) (status int, header http.Header, body string) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(slack))
	_, _ = io.WriteString(conn, request)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(text)
}

// enter begins a session and returns its cookie.
func (g *gateway) enter(t *testing.T) string {
	t.Helper()
	link := g.link(t)
	_, h, _ := ask(g.console, "GET "+link[strings.Index(link, "/enter/"):]+" HTTP/1.1\r\nHost: "+g.console+"\r\nConnection: close\r\n\r\n")
	cookie, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	if cookie == "" {
		t.Fatalf("no session: %v", h)
	}
	if all := h.Get("Set-Cookie"); !strings.Contains(all, "HttpOnly") || !strings.Contains(all, "SameSite=Strict") {
		t.Errorf("the cookie is not kept from scripts and other sites: %s", all)
	}
	return cookie
}

func TestTheConsoleTakesNoOrdersFromElsewhere(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	sent, _ := routed(message("a secret subject", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	g.recorded(t, 1)
	cookie := g.enter(t)
	get := func(path string, fields ...string) string {
		host := "Host: " + g.console
		for _, f := range fields {
			if strings.HasPrefix(f, "Host:") {
				host = ""
			}
		}
		all := append([]string{"GET " + path + " HTTP/1.1", "Connection: close", "Cookie: " + cookie}, fields...)
		if host != "" {
			all = append(all, host)
		}
		return strings.Join(all, "\r\n") + "\r\n\r\n"
	}
	if code, h, body := ask(g.console, get("/")); code != 200 || !strings.Contains(body, "a secret subject") ||
		!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Frame-Options") != "DENY" ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("the honest way: %d %v", code, h)
	}
	post := func(path string, fields ...string) string {
		return strings.Replace(get(path, append(fields, "Content-Length: 0")...), "GET ", "POST ", 1)
	}
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"a name that was made to point here", get("/", "Host: evil.example:"+portOf(g.console)), 421},
		{"a name that begins like ours", get("/", "Host: 127.0.0.1.evil.example:"+portOf(g.console)), 421},
		{"our address at another port", get("/", "Host: 127.0.0.1:80"), 421},
		{"two Host fields", get("/", "Host: "+g.console, "Host: evil.example"), 400},
		{"no Host", "GET / HTTP/1.1\r\nCookie: " + cookie + "\r\n\r\n", 400},
		{"an absolute address of another host", get("http://evil.example/"), 421},
		{"a form of another site", post("/leave", "Origin: http://evil.example"), 403},
		{"a form of a sandbox", post("/leave", "Origin: null"), 403},
		{"a cross-site fetch", post("/leave", "Sec-Fetch-Site: cross-site"), 403},
		{"a fetch of the same site at another port", post("/leave", "Sec-Fetch-Site: same-site"), 403},
		{"PUT", strings.Replace(get("/"), "GET", "PUT", 1), 405},
		{"DELETE", strings.Replace(get("/"), "GET", "DELETE", 1), 405},
		{"TRACE", strings.Replace(get("/"), "GET", "TRACE", 1), 405},
		{"CONNECT", strings.Replace(get("/"), "GET /", "CONNECT evil.example:25", 1), 404},
		{"OPTIONS", strings.Replace(get("*"), "GET", "OPTIONS", 1), 0},
		{"an override of the method", post("/", "X-HTTP-Method-Override: GET"), 405},
		{"a session that was made up", strings.Replace(get("/"), cookie, strings.Split(cookie, "=")[0]+"="+strings.Repeat("A", 43), 1), 401},
		{"no session", strings.Replace(get("/"), cookie, "x=y", 1), 401},
		{"the interface without a session", strings.Replace(get("/api/v1/messages"), cookie, "x=y", 1), 401},
		{"dots in the path", get("/../../../etc/passwd"), 0},
		{"dots in disguise", get("/%2e%2e/%2e%2e/etc/passwd"), 0},
		{"dots in a name", get("/m/..%2f..%2f..%2fetc%2fpasswd"), 404},
		{"a NUL in the path", get("/m/x%00y"), 404},
		{"a folder of files", get("/templates/"), 404},
		{"a link that was made up", get("/enter/" + strings.Repeat("A", 43)), 403},
		{"a query of SQL", get("/?q=%27+OR+1%3D1--"), 0},
		{"a line break in the address", get("/?q=x\r\nX-Injected: y"), 400},
		{"an address of 20,000 characters", get("/?q=" + strings.Repeat("a", 20_000)), 414},
		{"a header of 300 kB", get("/", "X-Big: "+strings.Repeat("a", 300_000)), 431},
		{"10,000 header fields", get("/", strings.TrimSuffix(strings.Repeat("X-Many: "+strings.Repeat("y", 20)+"\r\n", 10_000), "\r\n")), 431},
		{"two lengths", post("/", "Content-Length: 5"), 400},
		{"a length and chunks", post("/", "Transfer-Encoding: chunked"), 405},
		{"chunks in disguise", post("/", "Transfer-Encoding: xchunked"), 501},
		{"a folded field", get("/", "X-A: b\r\n c"), 0},
		{"HTTP 0.9", "GET /\r\n\r\n", 400},
		{"SMTP", "EHLO x.example\r\nMAIL FROM:<>\r\n\r\n", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, body := ask(g.console, c.request)
			if c.want != 0 && code != c.want {
				t.Errorf("answered %d, want %d: %.200s", code, c.want, body)
			}
			if c.want == 0 && code/100 == 2 && strings.Contains(body, "root:") || code >= 500 && code != 501 || strings.Contains(body, "root:x") {
				t.Errorf("answered %d: %.200s", code, body)
			}
			if code/100 != 2 && strings.Contains(body, "a secret subject") {
				t.Errorf("a refusal shows mail")
			}
		})
	}
	if code, _, _ := ask(g.console, get("/")); code != 200 {
		t.Errorf("the session did not survive the attacks: %d", code)
	}
	g.linksWorkOnce(t)
	g.unharmed(t, 220)
}

// linksWorkOnce checks the one-time links: used twice, prefetched, and not to
// fix a session.
func (g *gateway) linksWorkOnce(t *testing.T) {
	t.Helper()
	path := func() string { l := g.link(t); return l[strings.Index(l, "/enter/"):] }
	once := path()
	request := func(path string, fields ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + g.console + "\r\nConnection: close\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	}
	if code, _, _ := ask(g.console, request(once, "Sec-Purpose: prefetch")); code != 204 {
		t.Errorf("a prefetch: %d", code)
	}
	name := fmt.Sprintf("postern-console-%s", portOf(g.console))
	code, h, _ := ask(g.console, request(once, "Cookie: "+name+"=chosen-by-the-attacker"))
	if code != 303 || strings.Contains(h.Get("Set-Cookie"), "chosen-by-the-attacker") {
		t.Errorf("the first use: %d %v", code, h)
	}
	if code, _, _ := ask(g.console, request("/", "Cookie: "+name+"=chosen-by-the-attacker")); code != 401 {
		t.Errorf("a session was fixed: %d", code)
	}
	if code, _, _ := ask(g.console, request(once)); code != 403 {
		t.Errorf("the second use: %d", code)
	}
	if strings.Contains(g.log.String(), once) {
		t.Error("the link stands in the log")
	}
}

func TestSlowAndManyHTTPClientsDoNotTouchMail(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	before := files(t, g.pid)
	for _, address := range []string{g.console, g.metrics} {
		for range 600 {
			conn, err := net.DialTimeout("tcp", address, 5*time.Second)
			must(t, err)
			defer conn.Close()
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
	}
	time.Sleep(300 * time.Millisecond)
	if used := files(t, g.pid) - before; used > 450 {
		t.Errorf("1,200 slow clients hold %d files of the gateway", used)
	}
	sent, _ := routed(message("in-spite", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Errorf("mail: %v", r)
	}
	eventually(t, 20*time.Second, "the pages answer again", func() bool {
		code, _ := g.get(g.console, "/readyz")
		return code == http.StatusOK
	})
	eventually(t, 20*time.Second, "the figures are there again", func() bool {
		code, _ := g.get(g.metrics, "/metrics")
		return code == http.StatusOK
	})
	for path, want := range map[string]int{"/": 404, "/metrics/../../etc/passwd": 0, "/readyz": 404, "/debug/pprof/": 404} {
		if code, body := g.get(g.metrics, path); want != 0 && code != want || strings.Contains(body, "root:") {
			t.Errorf("metrics%s: %d", path, code)
		}
	}
	_, text := g.get(g.metrics, "/metrics")
	for _, private := range []string{ann, bob, "in-spite", secret, mark} {
		if strings.Contains(text, private) {
			t.Errorf("%q stands in /metrics", private)
		}
	}
	g.unharmed(t, 220)
}
