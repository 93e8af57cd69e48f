package public

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const name = "mail.contoso.example"

// ask sends one request to a site as a client from an address.
func ask(h http.Handler, from, method, url, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.RemoteAddr = from
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhatIsNotServed(t *testing.T) {
	h := New(Config{Names: func(s string) bool { return s == name }}).Handler()
	long := strings.Repeat("x", maxURL)
	for _, c := range []struct {
		name, method, url string
		want              int
	}{
		{"another host is not answered", "GET", "https://evil.example/approve/x", 421},
		{"an address is not the name", "GET", "https://127.0.0.1:8443/approve/x", 421},
		{"a broken port is not one", "GET", "https://" + name + ":99999/approve/x", 421},
		{"the console is not here", "GET", "https://" + name + "/", 404},
		{"nor is its API", "GET", "https://" + name + "/api/v1/messages", 404},
		{"nor are health and metrics", "GET", "https://" + name + ":8443/healthz", 404},
		{"a long address is refused", "GET", "https://" + name + "/approve/" + long, 414},
		{"other methods are refused", "PUT", "https://" + name + "/approve/x", 405},
		{"TRACE too", "TRACE", "https://" + name + "/approve/x", 405},
		{"the name may have a port and a dot", "GET", "https://" + name + ".:8443/approve/style.css", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, "192.0.2.1:1000", c.method, c.url, "")
			if w.Code != c.want {
				t.Errorf("%d", w.Code)
			}
			for header, want := range map[string]string{
				"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000", "X-Robots-Tag": "noindex, nofollow",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %q", header, got)
				}
			}
			if strings.Contains(w.Body.String(), long[:100]) {
				t.Error("the page repeats what was asked for")
			}
		})
	}
	w := ask(h, "192.0.2.1:1000", "POST", "https://"+name+"/approve/x", "do=approve", "Origin", "https://evil.example")
	if w.Code != 403 {
		t.Errorf("a press on another site's page: %d", w.Code)
	}
}

func TestOneClientCannotAskForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Names: func(s string) bool { return s == name }}).Handler()
		count := func(method, from string, n int) (taken int) {
			for range n {
				if w := ask(h, from, method, "https://"+name+"/none", ""); w.Code != http.StatusTooManyRequests {
					taken++
				} else if w.Header().Get("Retry-After") == "" {
					t.Error("nobody says when to come again")
				}
			}
			return taken
		}
		if n := count("GET", "192.0.2.1:1", maxReads+50); n != maxReads {
			t.Errorf("%d pages", n)
		}
		if n := count("POST", "192.0.2.1:2", maxWrites+50); n != maxWrites {
			t.Errorf("%d presses", n)
		}
		if n := count("GET", "192.0.2.2:1", 10); n != 10 {
			t.Errorf("another client: %d pages", n)
		}
		if n := count("GET", "[2001:db8::1]:1", maxReads) + count("GET", "[2001:db8::ffff]:1", 10); n != maxReads {
			t.Errorf("%d pages for one network", n)
		}
		if n := count("GET", "127.0.0.1:1", maxReads+50); n != maxReads+50 {
			t.Errorf("a server on this machine: %d pages", n)
		}
		time.Sleep(30 * time.Second)
		if n := count("GET", "192.0.2.1:1", maxReads); n != maxReads/2 {
			t.Errorf("after half a minute: %d pages", n)
		}
		var r rates
		asked := 0
		for range 2 * maxCodes {
			req := httptest.NewRequest("POST", "/", nil)
			req.RemoteAddr = "192.0.2.1:1"
			if r.code(req, time.Now()) == 0 {
				asked++
			}
		}
		if asked != maxCodes {
			t.Errorf("%d codes", asked)
		}
	})
}

func TestManyClientsShareTheLastBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rates
		take := func(from string) time.Duration {
			req := httptest.NewRequest("GET", "/", nil)
			req.RemoteAddr = from
			return r.take(req, time.Now())
		}
		for i := range maxClients {
			if take(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)) != 0 {
				t.Fatal("no place")
			}
		}
		for i := range maxReads {
			if take(fmt.Sprintf("192.0.2.%d:1", i%200)) != 0 {
				t.Fatalf("%d", i)
			}
		}
		if take("192.0.2.222:1") == 0 || len(r.clients) != maxClients {
			t.Errorf("%d are remembered", len(r.clients))
		}
		time.Sleep(2 * time.Hour)
		if take("192.0.2.222:1") != 0 || len(r.clients) != 1 {
			t.Errorf("%d are remembered after two hours", len(r.clients))
		}
	})
}

func TestThePageSpeaksTheReadersLanguage(t *testing.T) {
	s := New(Config{Names: func(s string) bool { return s == name }})
	for accept, want := range map[string]string{
		"": "en", "de-AT,de;q=0.9,en;q=0.5": "de", "fr": "fr", "nl-BE;q=0.3, xx": "nl", "ja, zh": "en", "en;q=0.1,fr;q=0.9": "fr",
		"*": "en", ";;;q=x": "en", strings.Repeat("-", 5000): "en", "de," + strings.Repeat("x-", 5000): "de",
	} {
		w := ask(s.Handler(), "127.0.0.1:1", "GET", "https://"+name+"/none", "", "Accept-Language", accept)
		if got := w.Header().Get("Content-Language"); got != want {
			t.Errorf("%.30q: %s", accept, got)
		}
	}
}
