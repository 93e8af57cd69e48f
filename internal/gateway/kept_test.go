package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// A draft may ask for header fields that no policy asks for today: common
// ones are kept, of all others it is known whether they were there.
func TestHeaderFieldsAreKeptForDrafts(t *testing.T) {
	facts := func(header string) policy.Facts {
		own := &tenant.Tenant{ID: "contoso", Secret: []string{"a-very-long-secret-of-a-tenant"}}
		e := mail.Envelope{From: "x@contoso.example", To: recipientsOf(1)}
		return Inspect(t.Context(), nothing{}, own, nil, mail.Out, e, mail.Bytes(header+"\r\nhello\r\n")).Facts
	}
	f := facts("From: x@contoso.example\r\nImportance: high\r\nX-Project: bluebird\r\nX-Mailer: has A-VERY-LONG-SECRET-OF-A-TENANT\r\n" +
		"Keywords: " + strings.Repeat("k ", keepValue) + "\r\n")
	if !slices.Equal(f.Headers["importance"], []string{"high"}) || strings.Contains(fmt.Sprint(f.Headers), "SECRET") {
		t.Errorf("%v", f.Headers)
	}
	if _, kept := f.Headers["x-project"]; kept {
		t.Error("a field that nobody asks for is kept")
	}
	if _, kept := f.Headers["keywords"]; kept {
		t.Error("a long field is kept")
	}
	if want := []string{"from", "x-project", "keywords"}; !slices.Equal(f.Other, want) {
		t.Errorf("others: %v, want %v", f.Other, want)
	}
	var many strings.Builder
	for n := range keepNames + 1 {
		fmt.Fprintf(&many, "X-%d: a\r\n", n)
	}
	if f := facts(many.String()); f.Other != nil {
		t.Errorf("%d names are kept", len(f.Other))
	}
}
