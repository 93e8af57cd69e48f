package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/vault"
)

func TestKeysAreRotatedRewrappedAndRetiredWhileMailWaits(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: everyWay, InProcess: true})
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
	do := func(verb string) Answer {
		t.Helper()
		ans, err := h.App.Do(ctx, verb, Call{}, "uid:7")
		if err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
		return ans
	}
	bodies := func(role vault.Role) (current, former int) {
		for _, k := range do("keys-list").Keys {
			switch {
			case k.Role != role:
			case k.Current:
				current += k.Bodies
			default:
				former += k.Bodies
			}
		}
		return current, former
	}
	path := filepath.Join(h.plan.Dir, "postern.key")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	do("keys-rotate")
	for _, role := range []vault.Role{vault.Delivery, vault.Reading, vault.Emergency} {
		if now, old := bodies(role); now != 0 || old != 1 {
			t.Errorf("%s after rotate: %d and %d", role, now, old)
		}
	}
	if n := do("keys-retire").Number; n != 0 {
		t.Errorf("%d keys that are needed were retired", n)
	}
	do("keys-rewrap")
	for _, role := range []vault.Role{vault.Delivery, vault.Reading, vault.Emergency} {
		if now, old := bodies(role); now != 1 || old != 0 {
			t.Errorf("%s after rewrap: %d and %d", role, now, old)
		}
	}
	if n := do("keys-retire").Number; n != 1 {
		t.Errorf("%d keys retired", n)
	}
	after, err := os.ReadFile(path)
	if err != nil || bytes.Contains(after, bytes.TrimSpace(before[bytes.Index(before, []byte("AGE-SECRET")):])) {
		t.Error("the old key is still in the file", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(ctx); err != nil { // the audit chain was signed with what the old key derived
		t.Fatal(err)
	}
	for _, tenant := range []string{"contoso", installation} {
		if r, err := h.App.Audit.Verify(ctx, tenant); err != nil || !r.Ok() || r.Events == 0 {
			t.Errorf("%s: %+v %v", tenant, r, err)
		}
	}
	held, err := h.App.Do(ctx, "held-list", Call{}, "uid:0")
	if err != nil || len(held.Held) != 1 {
		t.Fatal(err)
	}
	if _, err := h.App.Do(ctx, "held-release", Call{Message: held.Held[0].Message}, "uid:0"); err != nil {
		t.Fatal(err)
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if now, old := bodies(vault.Reading); now+old != 0 {
		t.Errorf("%d wrappings are left of a body that is gone", now+old)
	}
	if _, err := h.App.Do(ctx, "held-list", Call{}, "uid:0"); err != nil {
		t.Fatal(err)
	}
}

func TestKeysThatComeFromElsewhereAreNotWritten(t *testing.T) {
	ctx := t.Context()
	k, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("POSTERN_TEST_KEYS", k.Text())
	h, err := Build(ctx, Plan{
		Dir: t.TempDir(), Policies: demoPolicies, InProcess: true, Configure: func(c *Config) { c.Keys = "env:POSTERN_TEST_KEYS" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	for _, verb := range []string{"keys-rotate", "keys-retire"} {
		if _, err := h.App.Do(ctx, verb, Call{}, "uid:7"); err == nil || strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if _, err := h.App.Do(ctx, "keys-rewrap", Call{}, "uid:7"); err != nil {
		t.Error(err)
	}
}
