package tenant

import (
	"fmt"
	"net/url"
	"strings"

	"postern.dev/postern/internal/settings"
)

// entraIssuer is the issuer of Microsoft Entra for the accounts of one tenant.
const entraIssuer = "https://login.microsoftonline.com/%s/v2.0"

// signIn reads the provider at which the tenant's people sign in.
func (b *builder) signIn(t *Tenant, c Config) {
	s := c.SignIn
	if s == (SignIn{}) {
		return
	}
	u, err := url.Parse(s.Issuer)
	switch {
	case s.Issuer == "entra" && t.EntraTenant == "":
		b.add("entra_tenant is not set", "set it, so that nobody of another tenant can sign in", "sign_in", "issuer")
	case s.Issuer == "entra":
		s.Issuer = fmt.Sprintf(entraIssuer, t.EntraTenant)
	case err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil:
		b.add(fmt.Sprintf("%q is no provider", s.Issuer), "write entra, or the https address of the issuer", "sign_in", "issuer")
	case strings.HasSuffix(u.Hostname(), "login.microsoftonline.com") && !strings.Contains(strings.ToLower(u.Path), "/"+t.EntraTenant+"/"):
		b.add("this issuer signs in people of other tenants", "write entra", "sign_in", "issuer")
	}
	if s.Client == "" {
		b.add("client is missing", "write the application's id", "sign_in", "client")
	}
	if s.Secret, err = settings.Resolve(s.Secret, b.dir); err != nil && !b.offline {
		b.add(err.Error(), "", "sign_in", "secret")
	}
	t.SignIn = &s
}

// FromEntra reports whether the provider is Microsoft Entra.
func (s *SignIn) FromEntra() bool {
	return strings.HasPrefix(s.Issuer, "https://login.microsoftonline.com/")
}
