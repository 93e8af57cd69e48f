package public

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/tenant"
)

// provider is a little provider of sign-ins. Its token holds what claims says.
type provider struct {
	*httptest.Server
	key      *rsa.PrivateKey
	claims   map[string]any
	verifier string // what came with the code
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	var err error
	p.key, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	b64 := base64.RawURLEncoding.EncodeToString
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
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.verifier = r.PostForm.Get("code_verifier")
		if r.PostForm.Get("code") != "good" {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		body, _ := json.Marshal(p.claims)
		text := b64([]byte(`{"alg":"RS256","kid":"k","typ":"JWT"}`)) + "." + b64(body)
		sum := sha256.Sum256([]byte(text))
		sig, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": text + "." + b64(sig)})
	})
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	return p
}

func TestPeopleSignInAtTheirProvider(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	p := newProvider(t)
	x.site.Client = p.Client()
	contoso := x.site.Tenant("contoso")
	contoso.SignIn = &tenant.SignIn{Issuer: p.URL, Client: "app", Secret: "s"}
	link := x.link("m1", boss)

	// begin goes to the provider and returns what it is sent there.
	begin := func(b *browser) url.Values {
		t.Helper()
		b.get(link).sees("Sign in with my work account").send("GET", link+"?sign-in", "")
		to, err := url.Parse(b.head.Get("Location"))
		must(t, err)
		if !strings.HasPrefix(to.String(), p.URL+"/authorize?") {
			t.Fatalf("it leads to %s", to)
		}
		return to.Query()
	}
	claims := func(q url.Values, more ...any) {
		p.claims = map[string]any{
			"iss": p.URL, "aud": "app", "sub": "1", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "nonce": q.Get("nonce"),
			"email": string(boss), "email_verified": true,
		}
		for i := 0; i+1 < len(more); i += 2 {
			p.claims[more[i].(string)] = more[i+1]
		}
	}
	b := x.browser()
	q := begin(b)
	if q.Get("redirect_uri") != "https://"+name+"/approve/signed-in" || q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
		t.Errorf("%v", q)
	}
	claims(q)
	b.get("/approve/signed-in?code=good&state="+q.Get("state")).sees("May this mail leave?", "You are boss@contoso.example")
	sum := sha256.Sum256([]byte(p.verifier))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Error("the code could be used by somebody else")
	}
	b.press("approve")
	if e := x.state("m1", bob).Ended; e == nil || e.Means != quarantine.BySignIn {
		t.Errorf("%+v", e)
	}
	kept := b.jar["__Host-postern-is-contoso"]
	b.press("leave").sees("Please show that it is you")
	b.jar["__Host-postern-is-contoso"] = kept // somebody has copied it before
	b.get(link).sees("Please show that it is you")

	for what, change := range map[string]func(q url.Values) string{
		"another state":           func(q url.Values) string { claims(q); return "code=good&state=x" },
		"no code":                 func(q url.Values) string { claims(q); return "error=access_denied&state=" + q.Get("state") },
		"a code that is none":     func(q url.Values) string { claims(q); return "code=bad&state=" + q.Get("state") },
		"another's token":         func(q url.Values) string { claims(q, "aud", "other"); return "code=good&state=" + q.Get("state") },
		"a token that is over":    func(q url.Values) string { claims(q, "exp", 1); return "code=good&state=" + q.Get("state") },
		"a token of another time": func(q url.Values) string { claims(q, "nonce", "x"); return "code=good&state=" + q.Get("state") },
		"another issuer":          func(q url.Values) string { claims(q, "iss", "https://x"); return "code=good&state=" + q.Get("state") },
		"an address nobody checked": func(q url.Values) string {
			claims(q, "email_verified", false)
			return "code=good&state=" + q.Get("state")
		},
		"an address outside": func(q url.Values) string { claims(q, "email", eve); return "code=good&state=" + q.Get("state") },
		"somebody who has left": func(q url.Values) string {
			claims(q, "email", "x@contoso.example")
			return "code=good&state=" + q.Get("state")
		},
	} {
		b := x.browser()
		b.get("/approve/signed-in?" + change(begin(b)))
		if b.code != 403 {
			t.Errorf("%s: %d", what, b.code)
		}
		b.get(link).sees("Please show that it is you").misses("Salaries")
	}
	other := x.browser() // a link that somebody else began is none
	q = begin(b)
	claims(q)
	if other.get("/approve/signed-in?code=good&state=" + q.Get("state")); other.code != 403 {
		t.Errorf("%d", other.code)
	}
	b.jar = map[string]string{"__Host-postern-is-contoso": "s." + b.jar["__Host-postern-sign-in"]}
	b.get(link).sees("Please show that it is you")
}

func TestWhomEntraVouchesFor(t *testing.T) {
	const id = "aaaaaaaa-0000-0000-0000-0000000000a1"
	own := &tenant.Tenant{
		ID: "contoso", EntraTenant: id, Domains: []string{"contoso.example"},
		SignIn: &tenant.SignIn{Issuer: "https://login.microsoftonline.com/" + id + "/v2.0"},
	}
	for _, c := range []struct {
		name   string
		claims claims
		want   string
	}{
		{"an own account", claims{Tenant: id, Username: "boss@contoso.example"}, "boss@contoso.example"},
		{"never by the email claim", claims{Tenant: id, Email: "boss@contoso.example", Verified: true, Username: "eve@elsewhere.example"}, ""},
		{"not of another tenant", claims{Tenant: "b", Username: "boss@contoso.example"}, ""},
		{"not a guest", claims{Tenant: id, Username: "boss@contoso.example", Account: 1.0}, ""},
		{"not one whose account is elsewhere", claims{Tenant: id, Username: "boss@contoso.example", Home: "live.com", Issuer: "x"}, ""},
		{"not one without a name", claims{Tenant: id}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a, err := c.claims.address(own); string(a) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v", a, err)
			}
		})
	}
}
