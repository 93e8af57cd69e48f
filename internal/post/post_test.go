package post_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// each runs a test on both engines, inside transactions.
func each(t *testing.T, test func(t *testing.T, do func(func(tx *store.Tx) error))) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := post.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		test(t, func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Update(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestTheSixthNoticeOfAnHourWaitsForTheDigest(t *testing.T) {
	each(t, func(t *testing.T, do func(func(tx *store.Tx) error)) {
		single := func(to mail.Address, n int, at time.Time) (ok bool) {
			do(func(tx *store.Tx) (err error) {
				ok, err = post.Single(tx, "contoso", to, json.RawMessage(fmt.Sprint(n)), at)
				return err
			})
			return ok
		}
		for i := range 105 + 5 {
			if got, want := single("Ann@contoso.example", i, noon.Add(time.Duration(i)*time.Second)), i < 5; got != want {
				t.Fatalf("notice %d: %v", i, got)
			}
		}
		if !single("bob@contoso.example", 0, noon) {
			t.Error("somebody else waits too")
		}
		due := func(at time.Time) (b post.Bundle, found bool) {
			do(func(tx *store.Tx) (err error) {
				if b, found, err = post.Due(tx, at); err == nil && found {
					err = post.Take(tx, b, at)
				}
				return err
			})
			return b, found
		}
		if _, found := due(noon.Add(59 * time.Minute)); found {
			t.Error("it does not wait for the end of the hour")
		}
		b, found := due(noon.Add(time.Hour))
		if !found || b.To != "Ann@contoso.example" || b.All != 105 || len(b.Items) != 100 || string(b.Items[0]) != "5" {
			t.Errorf("%v %+v", found, b)
		}
		if _, found := due(noon.Add(2 * time.Hour)); found {
			t.Error("it comes twice")
		}
		// The digest counts: four more within the hour.
		for i := range 5 {
			if got := single("ann@CONTOSO.example", i, noon.Add(61*time.Minute)); got != (i < 4) {
				t.Errorf("after the digest, notice %d: %v", i, got)
			}
		}
	})
}

func TestAMailWaitsUntilItIsHandedOn(t *testing.T) {
	each(t, func(t *testing.T, do func(func(tx *store.Tx) error)) {
		var list []post.Out
		var next time.Time
		at := func(now time.Time, more ...func(tx *store.Tx) error) {
			t.Helper()
			do(func(tx *store.Tx) (err error) {
				for _, fn := range more {
					if err := fn(tx); err != nil {
						return err
					}
				}
				if list, err = post.Waiting(tx, now, 10); err == nil {
					next, err = post.Next(tx)
				}
				return err
			})
		}
		at(noon, func(tx *store.Tx) error {
			return post.Send(tx, post.Out{ID: "a", Tenant: "contoso", To: "ann@contoso.example", Data: json.RawMessage(`{"x":1}`)}, noon)
		}, func(tx *store.Tx) error {
			return post.Send(tx, post.Out{Tenant: "contoso", To: "bob@contoso.example", Data: json.RawMessage(`2`)}, noon.Add(time.Minute))
		})
		if len(list) != 1 || list[0].ID != "a" || list[0].Altered || !list[0].Since.Equal(noon) || !next.Equal(noon) {
			t.Fatalf("%+v %v", list, next)
		}
		at(noon.Add(time.Minute), func(tx *store.Tx) error { return post.PutOff(tx, "a", noon.Add(time.Hour)) })
		if len(list) != 1 || list[0].To != "bob@contoso.example" || list[0].ID == "" {
			t.Fatalf("%+v", list)
		}
		id := list[0].ID
		at(noon.Add(2*time.Minute), func(tx *store.Tx) error { return post.Done(tx, id) })
		if len(list) != 0 || !next.Equal(noon.Add(time.Hour)) {
			t.Fatalf("%+v %v", list, next)
		}
		at(noon.Add(time.Hour), func(tx *store.Tx) error {
			_, err := tx.Exec("UPDATE post_out SET address = 'eve@elsewhere.example'")
			return err
		})
		if len(list) != 1 || !list[0].Altered {
			t.Fatalf("%+v", list)
		}
	})
}

func TestARowOfADigestThatHasChangedIsLeftOut(t *testing.T) {
	each(t, func(t *testing.T, do func(func(tx *store.Tx) error)) {
		var b post.Bundle
		var found bool
		do(func(tx *store.Tx) (err error) {
			for i := range 2 {
				if err = post.Later(tx, "contoso", "ann@contoso.example", json.RawMessage(fmt.Sprint(i)), noon, noon); err != nil {
					return err
				}
			}
			if _, err = tx.Exec("UPDATE post_later SET data = '7' WHERE data = '1'"); err != nil {
				return err
			}
			b, found, err = post.Due(tx, noon)
			return err
		})
		if !found || b.All != 1 || len(b.Items) != 1 || string(b.Items[0]) != "0" {
			t.Errorf("%+v", b)
		}
	})
}

func TestWhatIsCountedIsForgottenAfterTheHour(t *testing.T) {
	each(t, func(t *testing.T, do func(func(tx *store.Tx) error)) {
		may := func(what string, at time.Time) (ok bool) {
			do(func(tx *store.Tx) (err error) {
				ok, err = post.May(tx, "contoso", "ann@contoso.example", what, 2, at)
				return err
			})
			return ok
		}
		for n, want := range []bool{true, true, false} {
			if may("check", noon) != want {
				t.Errorf("number %d: it counts wrong", n+1)
			}
		}
		if !may("reply", noon) {
			t.Error("what is counted by one name counts for another")
		}
		if may("check", noon.Add(59*time.Minute)) || !may("check", noon.Add(time.Hour)) {
			t.Error("the hour is not one")
		}
		do(func(tx *store.Tx) error {
			if err := post.Sweep(tx, noon.Add(90*time.Minute)); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRow("SELECT COUNT(*) FROM post_said").Scan(&n); err != nil || n != 1 {
				return fmt.Errorf("%d rows are left: %w", n, err)
			}
			return nil
		})
	})
}

func TestWhatHappensOftenIsToldOnceAnHour(t *testing.T) {
	each(t, func(t *testing.T, do func(func(tx *store.Tx) error)) {
		count := func(at time.Time) {
			do(func(tx *store.Tx) error {
				return post.Count(tx, "contoso", "loop", json.RawMessage(`{"first":1}`), time.Minute, at)
			})
		}
		take := func(at time.Time) (y post.Tally, found bool) {
			do(func(tx *store.Tx) (err error) {
				y, found, err = post.TakeTally(tx, at)
				return err
			})
			return y, found
		}
		count(noon)
		count(noon.Add(20 * time.Second))
		if _, found := take(noon.Add(59 * time.Second)); found {
			t.Error("it does not wait")
		}
		y, found := take(noon.Add(time.Minute))
		if !found || y.N != 2 || !y.Since.Equal(noon) || !y.Until.Equal(noon.Add(20*time.Second)) || string(y.Data) != `{"first":1}` {
			t.Errorf("%+v", y)
		}
		count(noon.Add(2 * time.Minute))
		if _, found := take(noon.Add(time.Hour)); found {
			t.Error("it comes twice within an hour")
		}
		if y, found := take(noon.Add(61 * time.Minute)); !found || y.N != 1 {
			t.Errorf("%+v", y)
		}
	})
}
