package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/store"
)

func TestReadinessTellsOfAnOldDirectoryAndIsReadyAllTheSame(t *testing.T) {
	for generated, want := range map[string]string{
		time.Now().Add(-time.Hour).UTC().Format(time.RFC3339):       "directory of contoso: 1h0m0s old\n",
		time.Now().Add(-100 * time.Hour).UTC().Format(time.RFC3339): "directory of contoso: 100h0m0s old, too old\n",
	} {
		people := strings.Replace(peopleFile(annLine), "2026-11-23T06:00:00Z", generated, 1)
		h, err := Build(t.Context(), Plan{Dir: t.TempDir(), Policies: demoPolicies, Directory: people, InProcess: true})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.App.consoleHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", http.NoBody))
		if got := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%d %q, want %q", w.Code, got, want)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestHousekeepingForgetsTheContactsOfWhoWantsNone(t *testing.T) {
	for tenant, want := range map[string]int{"": 1, "contacts: { off: true }\n": 0, "contacts: { keep: 1h }\n": 0} {
		h, err := Build(t.Context(), Plan{Dir: t.TempDir(), Policies: demoPolicies, Tenant: tenant, InProcess: true})
		if err != nil {
			t.Fatal(err)
		}
		a, now := h.App, time.Now()
		if err := a.DB.Update(t.Context(), func(tx *store.Tx) error {
			return a.Contacts.Note(tx, "contoso", []contact.Pair{{Mailbox: "ann@contoso.example", Outside: "bob@fabrikam.example"}}, now.Add(-2*time.Hour))
		}); err != nil {
			t.Fatal(err)
		}
		if n, _ := a.Contacts.Size("contoso"); n != 1 {
			t.Fatalf("%d before", n)
		}
		if err := a.forgetContacts(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if n, _ := a.Contacts.Size("contoso"); n != want {
			t.Errorf("%q: %d contacts, not %d", tenant, n, want)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
