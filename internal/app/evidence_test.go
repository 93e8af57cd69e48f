package app

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/quarantine"
)

// accountsKept keeps a copy of what holds account numbers, for two days.
const accountsKept = `
kind: policy
id: accounts-kept
name: Account numbers are kept as evidence
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { copy: { keep: 48h } }
`

// withOfficers lets three users of the machine do all but read alone.
func withOfficers(c *Config) {
	c.Roles = []Role{{Name: "officers", Users: []string{"0", "7", "8"}, May: []string{"metadata", "decide", "malware", "emergency"}}}
}

// do carries a verb out and insists that it works.
func do(t *testing.T, h *House, verb string, c Call, actor string) Answer {
	t.Helper()
	ans, err := h.App.Do(t.Context(), verb, c, actor)
	if err != nil {
		t.Fatalf("%s: %v", verb, err)
	}
	return ans
}

func export(h *House, c Call, actor string) (string, error) {
	body, closer, err := h.App.Content(context.Background(), "evidence-export", c, actor)
	if err != nil {
		return "", err
	}
	defer closer.Close()
	text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	return string(text), err
}

func balanced(t *testing.T, h *House, kept, over int) {
	t.Helper()
	sheet, err := h.App.Books(t.Context())
	if err != nil || !sheet.OK() || sheet.Total.Evidence != kept || sheet.Total.EvidenceOver != over {
		t.Errorf("%+v %v", sheet, err)
	}
}

func TestACopyIsKeptReadPinnedAndEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		dir := quick(t)
		h, err := Build(ctx, Plan{Dir: dir, Policies: accountsKept, InProcess: true, Configure: func(c *Config) {
			c.RoleKeys.Evidence.Public = id.Recipient().String()
			withOfficers(c)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		const text = "IBAN DE89 3704 0044 0532 0130 00"
		for _, x := range []string{text, "nothing in it"} {
			if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, message("account", x), fakeexchange.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		list := do(t, h, "evidence-list", Call{}, "uid:7").Evidence
		if len(list) != 1 || list[0].Tenant != "contoso" || list[0].Until.Sub(list[0].Kept) != 48*time.Hour {
			t.Fatalf("%+v", list)
		}
		balanced(t, h, 1, 0)
		m := list[0].Message
		for name, c := range map[string]Call{
			"no reason": {Message: m, Keys: id.String()}, "no key and no second person": {Message: m, Reason: "a dispute"},
			"a wrong key": {Message: m, Reason: "a dispute", Keys: mustKey(t)}, "no copy": {Message: "x", Reason: "a dispute"},
		} {
			if got, err := export(h, c, "uid:7"); err == nil || got != "" {
				t.Errorf("%s: %q", name, got)
			}
		}
		got, err := export(h, Call{Message: m, Reason: "a dispute", Keys: id.String()}, "uid:7")
		if err != nil || !strings.Contains(got, text) || strings.Contains(got, "X-Postern-Tenant") {
			t.Errorf("%v\n%s", err, got)
		}
		e := do(t, h, "emergency-ask", Call{Message: m, Reason: "a dispute"}, "uid:7").Emergencies[0]
		if _, err := h.App.Do(ctx, "emergency-confirm", Call{Message: e.ID}, "uid:7"); quarantine.WhyOf(err) != quarantine.OwnMail {
			t.Error(err)
		}
		do(t, h, "emergency-confirm", Call{Message: e.ID}, "uid:0")
		if _, err := export(h, Call{Message: m, Reason: "a dispute"}, "uid:7"); err == nil {
			t.Error("two persons opened a copy whose key is not on this machine")
		}
		do(t, h, "evidence-pin", Call{Message: m, Reason: "a court asks"}, "uid:7")
		if err := h.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := h.Start(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Hour)
		if n := len(do(t, h, "evidence-list", Call{}, "uid:7").Evidence); n != 1 {
			t.Error("a pinned copy is gone")
		}
		do(t, h, "evidence-unpin", Call{Message: m, Reason: "it is over"}, "uid:7")
		time.Sleep(2 * time.Hour)
		balanced(t, h, 0, 1)
		if _, err := export(h, Call{Message: m, Reason: "a dispute", Keys: id.String()}, "uid:7"); err == nil {
			t.Error("it can be read after its time")
		}
		if left, _ := os.ReadDir(filepath.Join(h.config.Data, "evidence")); len(left) != 0 {
			t.Errorf("%d files are left", len(left))
		}
		var words []string
		for _, a := range do(t, h, "evidence-show", Call{Message: m}, "uid:7").Accesses {
			words = append(words, a.What+" by "+a.Actor)
		}
		want := "kept by gateway; read by uid:7; pinned by uid:7; unpinned by uid:7; ended by retention"
		if got := strings.Join(words, "; "); got != want {
			t.Errorf("the access log says %s, want %s", got, want)
		}
		if r, err := h.App.Audit.Verify(ctx, "contoso"); err != nil || !r.Ok() {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func mustKey(t *testing.T) string {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func TestTwoPersonsReadACopyWhoseKeyIsHere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: accountsKept, InProcess: true, Configure: withOfficers})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	raw := message("account", "IBAN DE89 3704 0044 0532 0130 00")
	if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, raw, fakeexchange.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	m := do(t, h, "evidence-list", Call{}, "uid:7").Evidence[0].Message
	call := Call{Message: m, Reason: "a dispute"}
	if _, err := export(h, call, "uid:7"); quarantine.WhyOf(err) != quarantine.NeedsRight {
		t.Error(err)
	}
	do(t, h, "keys-rotate", Call{}, "uid:7")
	do(t, h, "keys-rewrap", Call{}, "uid:7")
	if n := do(t, h, "keys-retire", Call{}, "uid:7").Number; n != 1 {
		t.Errorf("%d keys retired", n)
	}
	e := do(t, h, "emergency-ask", call, "uid:7").Emergencies[0]
	do(t, h, "emergency-confirm", Call{Message: e.ID}, "uid:0")
	got, err := export(h, call, "uid:7")
	if err != nil || !bytes.Contains([]byte(got), []byte("DE89 3704")) {
		t.Error(err)
	}
	if _, err := export(h, call, "uid:8"); quarantine.WhyOf(err) != quarantine.NeedsRight {
		t.Errorf("a third person: %v", err)
	}
	balanced(t, h, 1, 0)
}
