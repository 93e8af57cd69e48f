package app

import (
	"context"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

func TestHoldsThatEndedAreForgottenAfterAWeekAndThoseThatWaitAreNot(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: everyWay, InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	for range 2 {
		raw := message("account", "IBAN DE89 3704 0044 0532 0130 00")
		if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, raw, fakeexchange.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := h.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (waiting, ended int) {
		t.Helper()
		err := h.App.DB.View(ctx, func(tx *store.Tx) error {
			list, _, err := quarantine.List(tx, quarantine.Filter{Tenant: "contoso"}, quarantine.Cursor{}, 10)
			if err != nil {
				return err
			}
			over, err := quarantine.Ended(tx, "contoso", 10)
			waiting, ended = len(list), len(over)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return waiting, ended
	}
	var list []quarantine.Hold
	err = h.App.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if list, _, err = quarantine.List(tx, quarantine.Filter{}, quarantine.Cursor{}, 10); err == nil {
			_, err = h.App.People.NewCode(tx, "contoso", "boss@contoso.example", quarantine.Asker{Browser: "browser"}, time.Now())
		}
		return err
	})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d wait: %v", len(list), err)
	}
	if _, err := h.App.Do(ctx, "held-reject", Call{Message: list[0].Message}, "uid:0"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		later time.Duration
		ended int
	}{{6 * 24 * time.Hour, 1}, {8 * 24 * time.Hour, 0}} {
		if err := h.App.forgetHolds(ctx, time.Now().Add(tt.later)); err != nil {
			t.Fatal(err)
		}
		if waiting, ended := count(); waiting != 1 || ended != tt.ended {
			t.Errorf("after %s %d wait, and %d ended ones are there", tt.later, waiting, ended)
		}
	}
	err = h.App.DB.View(ctx, func(tx *store.Tx) error {
		var n int
		err := tx.QueryRow("SELECT COUNT(*) FROM device_code").Scan(&n)
		if n != 0 {
			t.Error("a code stays for good")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
