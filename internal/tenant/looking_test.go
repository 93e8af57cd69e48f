package tenant_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/tenant"
)

// told loads the least tenant with more lines.
func told(t *testing.T, more string) (*tenant.Tenant, error) {
	t.Helper()
	s, bad := tenant.NewRegistry(tenant.NewPublished()).Load(documents(t, "t.yaml", least+more))
	if len(bad) > 0 {
		return nil, bad
	}
	return s.Tenants()[0], nil
}

func TestWhatTheLookIsTold(t *testing.T) {
	const id = "8f1a1c0e-52d4-4a1e-9c3b-0a1b2c3d4e5f"
	tn, err := told(t, "looking: { regions: [nl, BE], passwords: [inline-secret-1], body_passwords: true, labels: { \"{"+strings.ToUpper(id)+"}\": Secret } }\n")
	if err != nil {
		t.Fatal(err)
	}
	l := tn.Looking
	if len(l.Regions) != 2 || l.Regions[0] != "NL" || len(l.Passwords) != 1 || !l.BodyPasswords || l.Labels[id] != "Secret" {
		t.Errorf("%+v", l)
	}
	for form, want := range map[string]string{
		"looking: { regions: [Holland] }\n":                                       "is not a country",
		"looking: { passwords: [\"\"] }\n":                                        "a password is empty",
		"looking: { passwords: [" + strings.Repeat("abc, ", 20) + "abc] }\n":      "more than 20",
		"looking: { labels: { secret: Secret } }\n":                               "is not the GUID of a label",
		"looking: { labels: { " + id + ": " + strings.Repeat("x", 201) + " } }\n": "is empty or longer",
	} {
		if _, err := told(t, form); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", form, err, want)
		}
	}
}
