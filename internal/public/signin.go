package public

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// providers are those at which people have signed in. What a provider says of
// itself is asked once.
type providers struct {
	mu    sync.Mutex
	known map[string]*oidc.Provider
}

// How long a provider may take.
const providerTime = 10 * time.Second

func (s *Site) provider(issuer string) (*oidc.Provider, error) {
	s.providers.mu.Lock()
	p := s.providers.known[issuer]
	s.providers.mu.Unlock()
	if p != nil {
		return p, nil
	}
	// The keys are fetched again later, when the request is long over.
	p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), s.client()), issuer)
	if err != nil {
		return nil, err
	}
	s.providers.mu.Lock()
	defer s.providers.mu.Unlock()
	if s.providers.known == nil {
		s.providers.known = map[string]*oidc.Provider{}
	}
	s.providers.known[issuer] = p
	return p, nil
}

func (s *Site) client() *http.Client {
	if s.Client != nil {
		return s.Client
	}
	return &http.Client{Timeout: providerTime}
}

func (v *visit) signsIn() bool { return v.tenant.SignIn != nil }

func application(t *tenant.Tenant, p *oidc.Provider, host string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: t.SignIn.Client, ClientSecret: t.SignIn.Secret, Endpoint: p.Endpoint(),
		RedirectURL: "https://" + host + "/approve/signed-in", Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
}

// signIn sends a browser to the tenant's provider. It is a link and no form:
// it decides nothing, and whoever follows it has to prove himself there.
func (v *visit) signIn(w http.ResponseWriter) error {
	if !v.signsIn() || v.r.Method != http.MethodGet || v.r.Header.Get("Sec-Purpose") != "" {
		gone(w, v.r, v.base)
		return nil
	}
	p, err := v.provider(v.tenant.SignIn.Issuer)
	if err != nil {
		v.signInFailed(v.tenant.ID, err)
		v.door(w, http.StatusBadGateway, "door_provider", "bad", "")
		return nil
	}
	state, nonce, verifier := random(), random(), oauth2.GenerateVerifier()
	http.SetCookie(w, cookie("sign-in", v.seal("sign-in", v.now.Add(signInLife), v.tenant.ID, state, nonce, verifier, v.base), signInLife))
	to := application(v.tenant, p, v.r.Host).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	gone(w, v.r, to)
	return nil
}

// signedIn is where the provider sends a browser back.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) error {
	now := time.Now()
	parts, ok := s.unseal("sign-in", cookieOf(r, "sign-in"), now)
	query := r.URL.Query()
	if !ok || len(parts) != 5 || query.Get("state") != parts[1] {
		s.fail(w, r, fault{status: http.StatusForbidden, text: "fault_signed"})
		return nil
	}
	t := s.tenantAt(r, parts[0])
	if t == nil || t.SignIn == nil {
		s.fail(w, r, fault{status: http.StatusForbidden, text: "fault_signed"})
		return nil
	}
	http.SetCookie(w, cookie("sign-in", "", 0))
	ctx, cancel := context.WithTimeout(r.Context(), providerTime)
	defer cancel()
	a, err := s.proven(ctx, t, r.Host, query.Get("code"), parts[2], parts[3])
	if err != nil {
		s.signInFailed(t.ID, err)
		s.fail(w, r, fault{status: http.StatusForbidden, text: "fault_signed"})
		return nil
	}
	p, ok := s.Person(t.ID, a)
	if !ok {
		s.fail(w, r, fault{status: http.StatusForbidden, text: "fault_nobody"})
		return nil
	}
	session := "s." + s.seal("session", now.Add(sessionLife), t.ID, string(p.Address), random())
	http.SetCookie(w, cookie("is-"+t.ID, session, sessionLife))
	gone(w, r, parts[4])
	return nil
}

// proven is the address that a provider vouches for.
func (s *Site) proven(ctx context.Context, t *tenant.Tenant, host, code, nonce, verifier string) (mail.Address, error) {
	p, err := s.provider(t.SignIn.Issuer)
	if err != nil {
		return "", err
	}
	if code == "" {
		return "", errors.New("the provider sent no code")
	}
	ctx = oidc.ClientContext(ctx, s.client())
	token, err := application(t, p, host).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		// What the provider answers may quote the code; the kind of error does.
		return "", fmt.Errorf("the code was not exchanged: %T", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: t.SignIn.Client}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("its token does not count: %w", err)
	}
	var c claims
	switch err := id.Claims(&c); {
	case err != nil:
		return "", errors.New("its token cannot be read")
	case id.Nonce != nonce:
		return "", errors.New("its token was made for another sign-in")
	}
	return c.address(t)
}

// claims are what a token says of somebody.
type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"` // some providers write it as a text
	// Username is the user principal name in Entra. It is set by the tenant's
	// own administrators, and nobody changes his own; the email claim of Entra
	// is neither verified nor the tenant's, and never used ("nOAuth", 2023).
	Username string `json:"preferred_username"`
	Tenant   string `json:"tid"`
	// Account is 1 for a guest, where the claim acct is asked for; Home is set
	// for somebody whose account is elsewhere.
	Account any    `json:"acct"`
	Home    string `json:"idp"`
	Issuer  string `json:"iss"`
}

func (c claims) address(t *tenant.Tenant) (mail.Address, error) {
	text := c.Email
	if t.SignIn.FromEntra() {
		text = c.Username
		switch {
		case !strings.EqualFold(c.Tenant, t.EntraTenant):
			return "", errors.New("somebody of another tenant signed in")
		case c.Home != "" && c.Home != c.Issuer, fmt.Sprint(c.Account) == "1":
			return "", errors.New("a guest signed in")
		}
	} else if fmt.Sprint(c.Verified) != "true" {
		return "", errors.New("the provider does not vouch for the address")
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Null() || !t.Owns(a) {
		return "", errors.New("the account has no address of the tenant")
	}
	return a, nil
}

func (s *Site) signInFailed(tenant string, err error) {
	s.Log.Error("a sign-in failed", telemetry.KeyRoom, "public", telemetry.KeyCode, problem.SignInFails,
		telemetry.KeyTenant, tenant, telemetry.KeyError, err)
}
