package exception

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, db *store.DB) *Book {
	t.Helper()
	b, err := Open(context.Background(), db, [][]byte{[]byte("the key of today"), []byte("that of yesterday")})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func addressOf(s string) mail.Address { return mail.Address(s) }

func card(b *Book, tenant, value string) Exception {
	return Exception{
		ID: store.NewID(noon), Tenant: tenant, Type: "CREDIT_CARD", Detector: "credit-card", From: noon, Until: noon.Add(Life),
		Hash: detect.HashOf(b.Keys(tenant)[0], "CREDIT_CARD", value), Sample: "4539•••6467", By: "uid:0", Reason: "a test card",
	}
}

func add(t *testing.T, db *store.DB, b *Book, list ...Exception) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for _, e := range list {
			if err := b.Add(tx, e, "high"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// found are the totals of a text of values under a tenant's exceptions.
func found(s *Set, values ...string) detect.Total {
	tally := detect.NewTally()
	tally.Except(s.Values())
	tally.Begin(detect.Source{Part: "1", Kind: detect.Body})
	for _, v := range values {
		tally.Add(detect.Found{Hit: detect.Hit{Type: "CREDIT_CARD", Detector: "credit-card", Value: v, Confidence: detect.High}})
	}
	return tally.Totals()[0]
}

func TestAnExceptionIsKeptAndTakenBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		e := card(b, "contoso", "4539148803436467")
		e.Sender, e.Domain, e.Rule = "ann@contoso.example", "fabrikam.example", "cards"
		add(t, db, b, e)
		got := b.Of("contoso").List
		if d := cmp.Diff([]Exception{e}, got, cmp.Comparer(func(x, y time.Time) bool { return x.Equal(y) })); d != "" {
			t.Error(d)
		}
		for _, test := range []struct {
			name string
			ok   bool
			from string
			at   time.Time
		}{
			{"the sender, today", true, "Ann@contoso.example", noon},
			{"another sender", false, "eve@contoso.example", noon},
			{"the day before its end", true, "ann@contoso.example", noon.Add(Life - time.Hour)},
			{"its end", false, "ann@contoso.example", noon.Add(Life)},
			{"before it began", false, "ann@contoso.example", noon.Add(-time.Second)},
		} {
			if _, ok := b.Of("contoso").Find(e.ID, got[0].Sender, noon); !ok {
				t.Fatal("it is not there")
			}
			if e.Applies("x", noon) || e.Applies(addressOf(test.from), test.at) != test.ok {
				t.Error(test.name)
			}
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := b.Remove(tx, e.ID); return err })
		if err != nil || b.Reload(t.Context()) != nil || b.Of("contoso") != nil {
			t.Error(err, b.Of("contoso"))
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error { _, err := b.Remove(tx, e.ID); return err })
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestNothingOfAValueIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		const value = "4539148803436467"
		add(t, db, b, card(b, "contoso", value))
		err := db.View(t.Context(), func(tx *store.Tx) error {
			var row [6]string
			err := tx.QueryRow("SELECT id, type, hash, sample, reason, message FROM exception").
				Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5])
			for _, text := range row {
				if text == value || text == hex.EncodeToString([]byte(value)) {
					t.Errorf("the value stands in %q", row)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// An exception never matches another value: POSTERN_VALUES=10000000 tries so
// many.
func TestAnExceptionMatchesNoOtherValueAndNoOtherTenant(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("POSTERN_VALUES"))
	if err != nil || n < 1 {
		n = 50_000
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		const value = "4539148803436467"
		mine := card(b, "contoso", value)
		old := card(b, "contoso", "5500005555555559")
		old.Hash = detect.HashOf(b.Keys("contoso")[1], "CREDIT_CARD", "5500005555555559") // under the key of yesterday
		stolen := mine
		stolen.ID, stolen.Tenant = store.NewID(noon.Add(time.Hour)), "fabrikam"
		add(t, db, b, mine, old, stolen)
		set := b.Of("contoso")
		if got := found(set, value, "5500005555555559", "4111111111111111"); len(got.Excepted) != 2 || got.High != 3 {
			t.Fatalf("%+v", got)
		}
		if got := found(b.Of("fabrikam"), value); len(got.Excepted) != 0 {
			t.Errorf("a hash of one tenant excepts a value of another: %+v", got)
		}
		random := rand.New(rand.NewPCG(1, 1))
		values := make([]string, 0, 10_000)
		for at := 0; at < n; at += cap(values) {
			values = values[:0]
			for range cap(values) {
				if v := fmt.Sprintf("%016d", random.Uint64()%1e16); v != value && v != "5500005555555559" {
					values = append(values, v)
				}
			}
			if got := found(set, values...); len(got.Excepted) != 0 {
				t.Fatalf("among %d values: %+v", at, got.Excepted)
			}
		}
		t.Logf("%d other values: none is excepted", n)
	})
}

func TestADocumentIsExceptedByItsOctets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		e := card(b, "contoso", "")
		e.Type, e.Detector, e.Hash = "", "", detect.HashOf(b.Keys("contoso")[0], Document, "abc")
		add(t, db, b, e)
		s := b.Of("contoso")
		if len(s.Documents("ABC", "x@y.example", noon)) != 1 || len(s.Documents("abd", "x@y.example", noon)) != 0 ||
			len(s.Documents("abc", "x@y.example", noon.Add(Life))) != 0 || len(s.Values().Values) != 0 {
			t.Error("not by its octets")
		}
	})
}

func TestPrecisionIsWhatPeopleSaid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		add(t, db, b, card(b, "contoso", "1"), card(b, "contoso", "2"), card(b, "fabrikam", "3"))
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			for i := range 6 {
				err := b.Say(tx, Feedback{Tenant: "contoso", Type: "CREDIT_CARD", Detector: "credit-card", Confidence: "high",
					Right: true, At: noon.Add(time.Duration(i)), By: "uid:1"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for tenant, want := range map[string]Precision{
			"contoso": {"credit-card", "CREDIT_CARD", "high", 6, 2}, "": {"credit-card", "CREDIT_CARD", "high", 6, 3},
		} {
			var got []Precision
			err := db.View(t.Context(), func(tx *store.Tx) (err error) { got, err = Measured(tx, tenant); return err })
			if d := cmp.Diff([]Precision{want}, got); d != "" || err != nil {
				t.Error(d, err)
			}
		}
		if p := (Precision{Right: 6, Wrong: 2}).Percent(); p != 75 {
			t.Error(p)
		}
	})
}

func TestWhatCannotBeAnExceptionIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		for name, change := range map[string]func(e *Exception){
			"no value":  func(e *Exception) { e.Hash = "" },
			"no tenant": func(e *Exception) { e.Tenant = "" },
			"no time":   func(e *Exception) { e.Until = e.From },
			"for ever":  func(e *Exception) { e.Until = e.From.Add(2 * maxLife) },
		} {
			e := card(b, "contoso", "1")
			change(&e)
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return b.Add(tx, e, "high") }); err == nil {
				t.Error(name)
			}
		}
	})
}

func TestATenantHasOnlySoManyExceptions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := open(t, db)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO exception (id, tenant, type, detector, hash, sample, sender, domain, rule, since, until, author,
				reason, message) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				SELECT 'e' || CAST(i AS TEXT), 'contoso', 'X', 'x', '', '', '', '', '', 0, 0, '', '', '' FROM n`, maxPerTenant)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error { return b.Add(tx, card(b, "contoso", "1"), "high") })
		if err == nil {
			t.Error("one more is taken")
		}
		add(t, db, b, card(b, "fabrikam", "1"))
	})
}
