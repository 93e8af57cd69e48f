//go:build e2e

package e2e

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The people and the name of the pages.
const (
	boss  = "boss@contoso.example"
	pages = "held.contoso-mail.example"
)

// pagesPolicies hold account numbers for boss, let the sender choose by a word
// of the subject, or wait a moment; mail from outside with a word in its subject is kept back, and
// its recipient may ask for it.
const pagesPolicies = `kind: policy
id: accounts-leave
name: Account numbers leave the organization
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { hold: { approver: boss@contoso.example, for: 48h, then: refuse, recipient: [see, request] } }
---
kind: policy
id: kept-back
name: Offers are kept back
mode: enforce
when: subject.contains("offer")
then: { hold: { approver: boss@contoso.example, for: 48h, then: refuse, recipient: [preview, request, release] } }
---
kind: policy
id: sender-chooses
name: Card numbers need a reason
mode: enforce
when: direction == "outbound" && subject.contains("with a reason")
then: { override: { reasons: [contract, invoice], comment: required, for: 4h, then: refuse } }
---
kind: policy
id: undo-send
name: Mail leaves a moment later
mode: enforce
when: direction == "outbound" && subject.contains("a moment later")
then: { hold: { delay: 10m } }
`

// provider is a provider of sign-ins. Robots see a page that asks for a
// password; when somebody is there, he is signed in at once.
type provider struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu    sync.Mutex
	who   string
	nonce string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	var err error
	p.key, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.who == "" {
			fmt.Fprint(w, `<html><form method="post"><input name="password"><button>Sign in</button></form></html>`)
			return
		}
		p.nonce = q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?code=good&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		body, _ := json.Marshal(map[string]any{
			"iss": p.URL, "aud": "postern", "sub": p.who, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
			"nonce": p.nonce, "email": p.who, "email_verified": true,
		})
		text := b64([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + b64(body)
		sum := sha256.Sum256([]byte(text))
		sig, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text + "." + b64(sig)})
	})
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) signIn(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.who = who
}

// site is a gateway with its pages for people.
type site struct {
	*gateway
	public   string
	provider *provider
}

func startSite(t *testing.T) *site {
	t.Helper()
	s := &site{public: port(t), provider: newProvider(t)}
	roots := write(t, filepath.Join(folder(t), "roots.pem"), string(pem.EncodeToMemory(&pem.Block{
		Type: "CERTIFICATE", Bytes: s.provider.Certificate().Raw,
	})))
	s.gateway = prepare(t, setup{
		policies: pagesPolicies, env: []string{"SSL_CERT_FILE=" + roots},
		tenant: fmt.Sprintf("contact: help@contoso.example\nsign_in: { issuer: %q, client: postern, secret: s-1 }\n", s.provider.URL),
		config: fmt.Sprintf("public: { listen: %q, name: %s, tls: { cert: pages.pem, key: pages.key } }\n", s.public, pages),
	})
	s.certificate(t, "pages", pages)
	s.up(t)
	return s
}

// hold sends a mail that is held, and returns the addresses of its page.
func (s *site) hold(t *testing.T, subject, text string) (id string, links []string) {
	t.Helper()
	sent, _ := routed(message(subject, text))
	if r := s.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	id = s.recorded(t, 1, subject)[0].ID
	base := "https://" + pages + "/approve/my/contoso"
	links = []string{base + "/" + id, base}
	for _, d := range s.sink.find("/approve/") { // what mails to people say
		for _, l := range regexp.MustCompile(`https://[a-z.-]+/approve/[0-9a-zA-Z/]+`).FindAllString(string(d.Raw), -1) {
			if !slices.Contains(links, l) {
				links = append(links, l)
			}
		}
	}
	return id, links
}

// client is a program without a person. It keeps cookies.
func (s *site) client(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, pages) {
				address = s.public
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
}

// undecided fails when anything was decided, seen or changed.
func (s *site) undecided(t *testing.T, who, id string) {
	t.Helper()
	if n := len(s.held(t)); n != 1 {
		t.Errorf("%s: %d mails wait, not 1", who, n)
	}
	for _, m := range s.recorded(t, 1, "id:"+id) {
		for _, step := range m.Steps {
			if slices.Contains([]string{"released", "declined", "agreed", "read", "asked", "handed on", "explained", "requested"}, step.Name) {
				t.Errorf("%s: %s", who, step.Name)
			}
		}
	}
}

// TestRobotsDecideNothing lets programs at the pages that do what link
// scanners, mail programs and browsers do with the links of a mail.
func TestRobotsDecideNothing(t *testing.T) {
	t.Parallel()
	s := startSite(t)
	id, links := s.hold(t, "for robots", ibanText)
	rounds := 2
	if os.Getenv("POSTERN_LONG") != "" {
		rounds = 400
	}
	var visits atomic.Int64
	for _, bot := range []struct {
		name string
		run  func(t *testing.T, s *site, link string, visits *atomic.Int64)
	}{
		{"fetching every link", fetchLinks}, {"asking with other methods", methods}, {"rewriting links", rewrite}, {"filling in every form", submit},
	} {
		for range rounds {
			for _, link := range links {
				bot.run(t, s, link, &visits)
			}
		}
		s.undecided(t, bot.name, id)
	}
	t.Logf("%d requests of programs: 0 decisions", visits.Load())
	n := s.browse(t, links)
	s.undecided(t, "a browser that presses everything", id)
	t.Logf("%d presses and submissions of a browser: 0 decisions", n)
}

func visit(t *testing.T, c *http.Client, method, link, body string, visits *atomic.Int64, header ...string) string {
	t.Helper()
	req, err := http.NewRequest(method, link, strings.NewReader(body))
	must(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	visits.Add(1)
	res, err := c.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if res.StatusCode >= 500 {
		t.Errorf("%s %s: %d", method, link, res.StatusCode)
	}
	return string(text)
}

// fetchLinks fetches a link and all that its page links to.
func fetchLinks(t *testing.T, s *site, link string, visits *atomic.Int64) {
	c := s.client(t)
	seen, next := map[string]bool{}, []string{link}
	for depth := 0; depth < 3; depth++ {
		var found []string
		for _, at := range next {
			if seen[at] {
				continue
			}
			seen[at] = true
			for _, m := range regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`).FindAllStringSubmatch(visit(t, c, "GET", at, "", visits), -1) {
				found = append(found, "https://"+pages+html.UnescapeString(m[1]))
			}
		}
		next = found
	}
}

func methods(t *testing.T, s *site, link string, visits *atomic.Int64) {
	c := s.client(t)
	for _, method := range []string{"HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"} {
		visit(t, c, method, link, "", visits)
	}
	for _, do := range []string{"approve", "reject", "release", "send", "cancel"} {
		visit(t, c, "GET", link+"?do="+do+"&to="+bob, "", visits)
		visit(t, c, "GET", link+"/"+do, "", visits)
	}
	visit(t, c, "GET", link, "", visits, "Sec-Purpose", "prefetch;prerender")
	visit(t, c, "GET", link, "", visits, "Purpose", "prefetch", "X-Moz", "prefetch")
	visit(t, c, "GET", link, "", visits, "X-HTTP-Method-Override", "POST")
}

// rewrite wraps links as safe-link services do, which fetch them again and
// again before a person comes, and again when he does.
func rewrite(t *testing.T, s *site, link string, visits *atomic.Int64) {
	wrapper := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("url"), http.StatusFound)
	}))
	defer wrapper.Close()
	for _, agent := range []string{"Mozilla/5.0 (compatible; MSIE 10.0)", "Barracuda Sentinel", "python-requests/2.31"} {
		c := s.client(t)
		for range 5 {
			visit(t, c, "GET", wrapper.URL+"/?url="+url.QueryEscape(link)+"&data=x&reserved=0", "", visits, "User-Agent", agent)
		}
	}
}

// submit sends every form of a page with every button, and of the page that
// comes then.
func submit(t *testing.T, s *site, link string, visits *atomic.Int64) {
	c := s.client(t)
	page := visit(t, c, "GET", link, "", visits)
	for range 2 {
		var last string
		for _, form := range regexp.MustCompile(`(?s)<form.*?</form>`).FindAllString(page, -1) {
			fields := url.Values{}
			for _, m := range regexp.MustCompile(`<(?:input|textarea)[^>]* name="([^"]*)"`).FindAllStringSubmatch(form, -1) {
				fields.Set(m[1], map[string]string{"code": "123456", "address": boss, "to": bob}[m[1]])
			}
			does := []string{"approve", "reject", "send", "cancel", "remove", "look", "look-whole"}
			for _, m := range regexp.MustCompile(`<button[^>]* value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
				does = append(does, m[1])
			}
			for _, do := range does {
				fields.Set("do", do)
				fields.Set("to", bob)
				last = visit(t, c, "POST", link, fields.Encode(), visits, "Origin", "https://"+pages, "Sec-Fetch-Site", "same-origin")
			}
		}
		page = last
	}
}

// chromium is a browser that finds the pages.
func (s *site) chromium(t *testing.T) *browser {
	return openBrowser(t, "--ignore-certificate-errors", "--host-resolver-rules=MAP "+pages+":443 "+s.public, "--lang=en")
}

// goes waits a moment for another page.
func (b *browser) goes() {
	select {
	case <-b.loaded:
	case <-time.After(250 * time.Millisecond):
	}
}

// browse runs scripts on every page: each form is submitted as it is, and each
// link and button is pressed, as far as one comes without being somebody.
func (s *site) browse(t *testing.T, links []string) (n int) {
	b := s.chromium(t)
	for _, link := range links {
		b.open(t, link)
		for pass := range 2 { // the second one knows the page that asks for the code
			for i := 0; i < 30; i++ {
				b.open(t, link)
				pressed := b.value(t, fmt.Sprintf(`(() => {
					document.querySelectorAll('details').forEach(d => d.open = true);
					document.querySelectorAll('input, textarea').forEach(f => { if (f.type !== 'hidden') f.value = f.name === 'code' ? '123456' : 'boss@contoso.example'; });
					const list = [...document.querySelectorAll('button, a[href], summary'), ...document.querySelectorAll('form')];
					const e = list[%d];
					if (!e) return 'end';
					if (e.tagName === 'FORM') e.submit(); else e.click();
					return e.outerHTML.slice(0, 60);
				})()`, i))
				if pressed == "end" {
					break
				}
				n++
				b.goes()
			}
			_ = pass
		}
	}
	return n
}
