package tenant_test

import (
	"strings"
	"testing"
)

func TestPeopleSignInAtTheTenantsOwnProvider(t *testing.T) {
	const entra = "entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a1\n"
	tn, err := told(t, entra+"sign_in: { issuer: entra, client: c-1, secret: s-1 }\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://login.microsoftonline.com/" + tn.EntraTenant + "/v2.0"; tn.SignIn.Issuer != want || !tn.SignIn.FromEntra() {
		t.Error(tn.SignIn)
	}
	if tn, err := told(t, "sign_in: { issuer: https://id.example/x, client: c-1, secret: s-1 }\n"); err != nil || tn.SignIn.FromEntra() {
		t.Error(err)
	}
	if tn, err := told(t, ""); err != nil || tn.SignIn != nil {
		t.Error(err)
	}
	if _, err := told(t, "sign_in: { issuer: entra, client: c-1, secret: s-1 }\n"); err == nil || !strings.Contains(err.Error(), "entra_tenant is not set") {
		t.Error(err)
	}
	for form, want := range map[string]string{
		"issuer: http://id.example, client: c, secret: s":                                    "is no provider",
		"issuer: nonsense, client: c, secret: s":                                             "is no provider",
		"issuer: https://login.microsoftonline.com/common/v2.0, client: c, secret: s":        "people of other tenants",
		"issuer: entra, secret: s":                                                           "client is missing",
		"issuer: entra, client: c, secret: file:./none":                                      "none",
		"issuer: \"https://user@id.example\", client: c, secret: s":                          "is no provider",
		"issuer: https://login.microsoftonline.com/organizations/v2.0, client: c, secret: s": "people of other tenants",
	} {
		if _, err := told(t, entra+"sign_in: { "+form+" }\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", form, err)
		}
	}
}
