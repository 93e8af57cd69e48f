package quarantine

import (
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func keptFor(message string, to, primary mail.Address, since time.Time, rights ...policy.Right) Hold {
	h := Hold{
		Message: message, Tenant: "c", Recipient: to, Sender: "eve@elsewhere.example", Since: since, Rights: rights, Rules: []string{"r"},
	}
	if primary != "" {
		h.Aliases = []mail.Address{primary, to}
	}
	return h
}

func TestWhoIsToldOfWhatWasKeptBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		request := policy.RightRequest
		update(t, db, func(tx *store.Tx) error {
			own := keptFor("m4", "eve@elsewhere.example", "", noon(), request)
			delayed := keptFor("m5", "ann@c.example", "", noon(), request)
			delayed.Delay = true
			for _, h := range []Hold{
				keptFor("m1", "ann@c.example", "ann@c.example", noon(), request),
				keptFor("m2", "A.nn@c.example", "ann@c.example", noon().Add(time.Hour), request),
				keptFor("m3", "bob@c.example", "", noon()), // has no right
				own, delayed,
				keptFor("m6", "cid@c.example", "", noon().Add(2*time.Hour), policy.RightSee),
			} {
				if err := Add(tx, h); err != nil {
					return err
				}
				if err := TellLater(tx, h); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, db, func(tx *store.Tx) error {
			if _, found, err := UntoldBefore(tx, "c", noon()); found || err != nil {
				t.Error("told of what came later", err)
			}
			if _, found, err := UntoldBefore(tx, "d", noon().Add(9*time.Hour)); found || err != nil {
				t.Error("another tenant's", err)
			}
			u, found, err := UntoldBefore(tx, "c", noon().Add(time.Minute))
			if err != nil || !found || u.All != 2 || len(u.Holds) != 2 || u.Holds[0].Message != "m2" || u.Holds[1].Message != "m1" {
				t.Errorf("%v %v %+v", found, err, u)
			}
			if err := Told(tx, u); err != nil {
				return err
			}
			if u, found, _ := UntoldBefore(tx, "c", noon().Add(90*time.Minute)); found {
				t.Errorf("told twice: %+v", u)
			}
			if _, err := tx.Exec("UPDATE hold SET data = '{}' WHERE message = 'm6'"); err != nil {
				return err
			}
			u, found, err = UntoldBefore(tx, "c", noon().Add(3*time.Hour))
			if !found || u.All != 0 || len(u.Holds) != 0 {
				t.Errorf("told of a row that was changed: %+v", u)
			}
			return err
		})
	})
}

func TestWhatIsUntoldForAMonthIsForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		update(t, db, func(tx *store.Tx) error {
			h := keptFor("m1", "ann@c.example", "", noon(), policy.RightSee)
			if err := Add(tx, h); err != nil {
				return err
			}
			if err := TellLater(tx, h); err != nil {
				return err
			}
			if err := SweepUntold(tx, noon().Add(keepUntold)); err != nil {
				return err
			}
			if _, found, err := UntoldBefore(tx, "c", noon().Add(keepUntold)); !found || err != nil {
				t.Error("forgotten too early", err)
			}
			if err := SweepUntold(tx, noon().Add(keepUntold+time.Second)); err != nil {
				return err
			}
			if _, found, err := UntoldBefore(tx, "c", noon().Add(2*keepUntold)); found || err != nil {
				t.Error("kept for too long", err)
			}
			return nil
		})
	})
}
