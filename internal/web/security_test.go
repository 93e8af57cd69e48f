package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
)

func TestALinkWorksOnceAndForFifteenMinutes(t *testing.T) {
	inBubble(t, nil, func(h *house) {
		if c := h.cookie; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" ||
			c.MaxAge != 12*60*60 || len(c.Value) != 43 || c.Name != "postern-console-8025" {
			h.t.Errorf("cookie %+v", c)
		}
		h.cookie = nil
		link := strings.TrimPrefix(h.OneTimeLink("http://localhost:8025", Visitor{}), "http://localhost:8025")
		if len(link) != len("/enter/")+43 {
			h.t.Errorf("link %q does not hold 256 bits", link)
		}
		for _, guess := range []string{"HEAD", "prefetch"} {
			res := h.do(map[string]string{"HEAD": "HEAD", "prefetch": "GET"}[guess], link, func(r *http.Request) {
				if guess == "prefetch" {
					r.Header.Set("Sec-Purpose", "prefetch;prerender")
				}
			})
			if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 0 {
				h.t.Errorf("%s: %d, %d cookies", guess, res.StatusCode, len(res.Cookies()))
			}
		}
		if res := h.do("GET", link); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" {
			h.t.Errorf("first use: %d", res.StatusCode)
		}
		res := h.do("GET", link)
		if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			h.t.Errorf("second use: %d, %d cookies", res.StatusCode, len(res.Cookies()))
		}
		has(h.t, body(h.t, res), "This link was used already", "postern console link")
		has(h.t, h.page("/enter/guess", 403), "postern console link")

		late := strings.TrimPrefix(h.OneTimeLink("http://localhost:8025", Visitor{}), "http://localhost:8025")
		time.Sleep(linkLife)
		if res := h.do("GET", late); res.StatusCode != http.StatusForbidden {
			h.t.Errorf("after 15 minutes: %d", res.StatusCode)
		}
	})
}

func TestALinkOnAForeignPageLeadsOnFromOurOwn(t *testing.T) {
	inBubble(t, nil, func(h *house) {
		link := strings.TrimPrefix(h.OneTimeLink("http://localhost:8025", Visitor{}), "http://localhost:8025")
		res := h.do("GET", link, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		if res.StatusCode != 200 || len(res.Cookies()) != 1 {
			h.t.Fatalf("%d, %d cookies", res.StatusCode, len(res.Cookies()))
		}
		has(h.t, body(h.t, res), `http-equiv="refresh"`, `href="/"`)
	})
}

func TestASessionEnds(t *testing.T) {
	inBubble(t, nil, func(h *house) {
		h.page("/", 200)
		time.Sleep(sessionLife - time.Second)
		h.page("/", 200)
		time.Sleep(time.Second)
		text := h.page("/", 401)
		has(h.t, text, "You need a link", "postern console link")
		hasNot(h.t, text, "End session", "Search messages")

		h.cookie = h.enter()
		res := h.do("POST", "/leave", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
		if res.StatusCode != 200 || res.Cookies()[0].MaxAge != -1 {
			h.t.Errorf("leave: %d, %v", res.StatusCode, res.Cookies())
		}
		h.page("/", 401)
	})
}

func TestTheOldestSessionMakesRoom(t *testing.T) {
	var d doors
	now := time.Now()
	first, _ := d.exchange(d.link(Visitor{}, now), now)
	var last string
	for i := range 3 * maxDoors {
		at := now.Add(time.Duration(i+1) * time.Second)
		last, _ = d.exchange(d.link(Visitor{}, at), at)
		d.link(Visitor{}, at)
	}
	if len(d.sessions) != maxDoors || len(d.links) > maxDoors {
		t.Errorf("%d sessions and %d links are kept", len(d.sessions), len(d.links))
	}
	_, one := d.open(first, now)
	if _, other := d.open(last, now); one || !other {
		t.Error("the wrong session ended")
	}
}

func TestNothingIsShownWithoutASession(t *testing.T) {
	inBubble(t, three, func(h *house) {
		h.cookie = &http.Cookie{Name: h.cookie.Name, Value: strings.Repeat("A", 43)}
		for _, target := range []string{
			"/", "/?q=x", "/m/K7TQ-0024", "/m/none", "/api/v1/messages", "/api/v1/messages/K7TQ-0024", "/else",
		} {
			text := h.page(target, 401)
			hasNot(h.t, text, "contoso", "K7TQ-0024")
		}
		has(h.t, h.page("/api/v1/messages", 401), `"error":"You need a link`)
		for _, target := range []string{"/style.css", "/icon.svg", "/api/v1/openapi.json"} {
			h.page(target, 200)
		}
	})
}

func TestOnlyTheListenersOwnNamesAreAnswered(t *testing.T) {
	tests := []struct {
		name, local, host string
		ok                bool
	}{
		{"the address", "127.0.0.1:8025", "127.0.0.1:8025", true},
		{"the name", "127.0.0.1:8025", "localhost:8025", true},
		{"the name in capitals", "127.0.0.1:8025", "LOCALHOST:8025", true},
		{"IPv6", "[::1]:8025", "[::1]:8025", true},
		{"another loopback address that it listens on", "127.0.0.2:8025", "127.0.0.2:8025", true},
		{"port 80 need not be said", "127.0.0.1:80", "localhost", true},
		{"IPv6 at port 80", "[::1]:80", "[::1]", true},
		{"a name that was made to point here", "127.0.0.1:8025", "evil.example:8025", false},
		{"a name that begins like ours", "127.0.0.1:8025", "127.0.0.1.evil.example:8025", false},
		{"a name below ours", "127.0.0.1:8025", "x.localhost:8025", false},
		{"a loopback address that it does not listen on", "127.0.0.1:8025", "127.0.0.9:8025", false},
		{"all addresses", "127.0.0.1:8025", "0.0.0.0:8025", false},
		{"a mapped address", "127.0.0.1:8025", "[::ffff:127.0.0.1]:8025", false},
		{"another port", "127.0.0.1:8025", "localhost:8026", false},
		{"no port", "127.0.0.1:8025", "localhost", false},
		{"no host", "127.0.0.1:8025", "", false},
		{"its own address that is not loopback", "192.0.2.1:8025", "192.0.2.1:8025", false},
	}
	inBubble(t, three, func(h *house) {
		for _, tt := range tests {
			local, err := net.ResolveTCPAddr("tcp", tt.local)
			if err != nil {
				t.Fatal(err)
			}
			res := h.do("GET", "/style.css", func(r *http.Request) {
				*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
				r.Host = tt.host
			})
			want := http.StatusMisdirectedRequest
			if tt.ok {
				want = 200
			}
			if res.StatusCode != want {
				t.Errorf("%s: %d, want %d", tt.name, res.StatusCode, want)
			}
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		if w.Code != http.StatusMisdirectedRequest {
			t.Errorf("a request without a listener: %d", w.Code)
		}
	})
}

func TestRequestsOfOtherSitesChangeNothing(t *testing.T) {
	tests := []struct {
		name, field, value string
		status             int
	}{
		{"our own page", "Origin", "http://127.0.0.1:8025", 200},
		{"our own page, said by the browser", "Sec-Fetch-Site", "same-origin", 200},
		{"another site", "Origin", "https://evil.example", 403},
		{"another port of this machine", "Origin", "http://127.0.0.1:9000", 403},
		{"a page without origin", "Origin", "null", 403},
		{"another site, said by the browser", "Sec-Fetch-Site", "cross-site", 403},
		{"another port, said by the browser", "Sec-Fetch-Site", "same-site", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(h *house) {
				res := h.do("POST", "/leave", func(r *http.Request) { r.Header.Set(tt.field, tt.value) })
				if res.StatusCode != tt.status {
					h.t.Errorf("%d, want %d", res.StatusCode, tt.status)
				}
				want := 401
				if tt.status != 200 {
					want = 200 // the session goes on
				}
				h.page("/", want)
			})
		})
	}
}

func TestMethodsAndSizesAreLimited(t *testing.T) {
	inBubble(t, three, func(h *house) {
		own := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "GE", "get"} {
			for _, target := range []string{"/", "/m/K7TQ-0024", "/api/v1/messages", "/nothing"} {
				res := h.do(method, target, own)
				if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
					h.t.Errorf("%s %s: %d, Allow %q", method, target, res.StatusCode, res.Header.Get("Allow"))
				}
			}
		}
		if res := h.do("GET", "/leave"); res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
			h.t.Errorf("GET /leave: %d", res.StatusCode)
		}
		if res := h.do("HEAD", "/"); res.StatusCode != 200 {
			h.t.Errorf("HEAD /: %d", res.StatusCode)
		}
		h.page("/?q="+strings.Repeat("x", maxURL), 414)
		h.page("/?q="+strings.Repeat("x", 2001), 400)
		h.page("/nothing", 404)
		h.page("/?behind=nonsense", 200)
		h.page("/?behind=99999999999999999999.x", 200)
		h.page("/?q=%ff", 400)
	})
}

func TestEveryAnswerCarriesTheFieldsThatProtectIt(t *testing.T) {
	inBubble(t, three, func(h *house) {
		for _, target := range []string{
			"/", "/m/K7TQ-0024", "/m/none", "/enter/x", "/style.css", "/icon.svg", "/api/v1/messages", "/x",
		} {
			res := h.do("GET", target)
			for field, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
					"frame-ancestors 'none'; base-uri 'none'",
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
				"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			} {
				if got := res.Header.Get(field); got != want {
					h.t.Errorf("%s: %s is %q", target, field, got)
				}
			}
			if res.Header.Get("Content-Type") == "" {
				h.t.Errorf("%s: no Content-Type", target)
			}
		}
	})
}

// hostile are texts that a sender may choose.
func hostile() []string {
	return []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "' onmouseover='alert(1)",
		"</title><svg onload=alert(1)>", "javascript:alert(1)", "{{.Data}}",
		"\u202egnp.exe", "\u2066a\u2069", "\x00\x1b[2J", "\xff\xfe", "\ufeff\u200b\u00ad",
		strings.Repeat("\u0301", 500), "\U000e0041\U000e0042",
	}
}

// everywhere puts a text into every field that a sender has a hand in.
func everywhere(now time.Time, i int, text string) audit.Message {
	m := samples(now)[24]
	m.ID = "01hostile" + string(rune('a'+i))
	m.Subject, m.HeaderFrom, m.MessageID, m.From = text, text, text, mail.Address(text)
	m.Forged, m.Modified, m.Ref = []string{text}, []string{text}, "HOST-000"+string(rune('A'+i))
	for j := range m.Recipients {
		m.Recipients[j].Address = mail.Address(text)
		m.Recipients[j].Because, m.Recipients[j].Host, m.Recipients[j].Reply.Text = text, text, text
		m.Recipients[j].Rules, m.Recipients[j].Lost = []string{text}, []string{text}
	}
	for j := range m.Parts {
		m.Parts[j].Name, m.Parts[j].Type, m.Parts[j].SHA256 = text, text, text
	}
	for j := range m.Findings {
		f := &m.Findings[j]
		f.Name, f.Sample, f.Type, f.Detector, f.Why = text, text, text, text, []string{text}
	}
	for j := range m.Labels {
		m.Labels[j].Name, m.Labels[j].ID, m.Labels[j].Scheme, m.Labels[j].Method = text, text, text, text
	}
	for j := range m.Unseen {
		m.Unseen[j].Name, m.Unseen[j].Detail = text, text
	}
	m.Did(text, text, now)
	return m
}

func TestWhatComesFromMailIsData(t *testing.T) {
	// Any element or attribute that our templates do not have.
	forbidden := regexp.MustCompile(`(?i)<(script|img|iframe|object|style|base)\b|` +
		`<[^>]*\son\w+=|href="(javascript|data|//)`)
	invisible := regexp.MustCompile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u00ad\ufeff" +
		"\x00-\x08\x0b-\x1f\x7f\U000e0041\U000e0042]")
	inBubble(t, nil, func(h *house) {
		for i, text := range hostile() {
			h.save(everywhere(time.Now(), i, text))
		}
		pages := map[string]string{"the list": h.page("/", 200)}
		for i, text := range hostile() {
			pages[text] = h.page("/m/01hostile"+string(rune('a'+i)), 200)
		}
		for _, q := range []string{"%3Cscript%3Ealert(1)%3C/script%3E", "%22onfocus=%22alert(1)", "%E2%80%AEx", "%00x"} {
			pages[q] = h.page("/?q="+q, 200)
		}
		pages["an id"] = h.page("/m/%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE", 404)
		for name, text := range pages {
			if hit := forbidden.FindString(text); hit != "" {
				h.t.Errorf("%q became markup: %q", name, hit)
			}
			if !strings.HasPrefix(name, "%") { // a query is given back as it was typed
				if at := invisible.FindStringIndex(text); at != nil {
					h.t.Errorf("%q: an invisible character is on the page: …%q", name, text[max(0, at[0]-60):at[1]+20])
				}
			}
		}
		has(h.t, pages["\u202egnp.exe"],
			`<span class="odd" title="a character that turns the direction of writing">[U&#43;202E]</span>gnp.exe`)
		for i := range hostile() {
			text := h.page("/api/v1/messages/01hostile"+string(rune('a'+i)), 200)
			hasNot(h.t, text, "<", ">")
		}
	})
}

func TestAMegabyteOfSubjectIsCut(t *testing.T) {
	inBubble(t, nil, func(h *house) {
		m := samples(time.Now())[0]
		m.Subject = strings.Repeat("ß", 500_000)
		h.save(m)
		for target, limit := range map[string]int{"/": 20_000, "/m/" + m.ID: 30_000, "/api/v1/messages": 10_000} {
			if n := len(h.page(target, 200)); n > limit {
				h.t.Errorf("%s has %d octets", target, n)
			}
		}
		has(h.t, h.page("/", 200), `<span class="cut" title="499,860 more characters, not shown">…</span>`)
		if n := len(h.page("/api/v1/messages/"+m.ID, 200)); n < 1_000_000 {
			h.t.Errorf("the record itself is cut: %d octets", n)
		}
	})
}

func TestVeryManyRowsAreNotAllShown(t *testing.T) {
	inBubble(t, nil, func(h *house) {
		m := samples(time.Now())[0]
		for range 10_000 {
			m.Parts = append(m.Parts, m.Parts[0])
			m.Unseen = append(m.Unseen, mail.Unseen{Part: "1", Reason: mail.TooDeep})
		}
		h.save(m)
		text := h.page("/m/"+m.ID, 200)
		has(h.t, text, "9,801 more parts are in the JSON", "9,800 more are in the JSON")
		if len(text) > 200_000 {
			h.t.Errorf("%d octets", len(text))
		}
	})
}

func TestACrashOfAPageIsAnAnswer(t *testing.T) {
	inBubble(t, three, func(h *house) {
		var log strings.Builder
		h.Log = slog.New(slog.NewTextHandler(&log, nil))
		h.Tenants = func() []string { panic("secret@contoso.example") }
		has(h.t, h.page("/", 500), "This page crashed. Mail is not affected.")
		if !strings.Contains(log.String(), "a page crashed") || strings.Contains(log.String(), "secret@") {
			h.t.Errorf("log: %s", log.String())
		}
	})
}

func TestVisible(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "Wörld <会議>", "Wörld <会議>"},
		{"an override is marked", "a\u202eb", "a[U+202E]b"},
		{"a control character is marked", "a\x1bb\x7f\u0085\n", "a[U+001B]b[U+007F][U+0085][U+000A]"},
		{"what is not UTF-8 is marked", "a\xffb", "a[?]b"},
		{"a replacement character stays", "a\uFFFDb", "a\uFFFDb"},
		{"an emoji of several parts stays whole", "👩\u200d💻", "👩\u200d💻"},
		{"a joiner between Latin letters is marked", "pay\u200dpal", "pay[U+200D]pal"},
		{"a soft hyphen is marked", "pay\u00adpal", "pay[U+00AD]pal"},
		{"right-to-left writing stays", "تقرير", "تقرير"},
		{"too long is cut between characters", "ßßßßßßßßßßßß", "ßßßßßßßßßß…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := flat(tt.in, 10); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1000 {
			return
		}
		n := 0
		for _, r := range seen(s, limit) {
			if r.Text == "" {
				t.Error("an empty run")
			}
			if strings.ContainsAny(r.Text, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b\n\r") {
				t.Errorf("a character that one cannot see stays: %q", r.Text)
			}
			n += len([]rune(r.Text))
		}
		if n > 10*(limit+1) {
			t.Errorf("%d characters of at most %d", n, limit)
		}
	})
}
