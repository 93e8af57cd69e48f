package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/look"
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

// What was recorded before must be told from what the detectors find now by
// the same words.
func TestWhatWasLookedWithIsWrittenAsEver(t *testing.T) {
	for _, l := range []tenant.Looking{
		{}, {Regions: []string{}}, {Regions: []string{"NL", "<\"é\xff>"}, BodyPasswords: true, Passwords: []string{"a", "b", "c"}},
	} {
		text, err := json.Marshal([]any{l.Regions, l.BodyPasswords, len(l.Passwords)})
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256(text)
		want := look.Version() + "-" + hex.EncodeToString(hash[:3])
		if got := lookedWith(&tenant.Tenant{Looking: l}); got != want {
			t.Errorf("%+v: %s, want %s", l, got, want)
		}
	}
}
