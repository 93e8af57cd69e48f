package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func ring(t testing.TB) *vault.Ring {
	t.Helper()
	k, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return vault.NewRing(k, nil)
}

func open(t testing.TB, path string, db *store.DB, k *vault.Ring) *Book {
	t.Helper()
	dir, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), dir, db, k, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func change(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func text(i int) string {
	return fmt.Sprintf("Subject: %d\r\n\r\n%s\r\n", i, bytes.Repeat([]byte("words "), 100*i))
}

// keep keeps copy number i for an hour.
func keep(t testing.TB, b *Book, i int) string {
	t.Helper()
	id := fmt.Sprintf("m%03d", i)
	s, err := b.Store(t.Context(), id, mail.Bytes(text(i)))
	if err != nil {
		t.Fatal(err)
	}
	change(t, b.db, func(tx *store.Tx) error {
		return Add(tx, Copy{Message: id, Tenant: "c", Rules: []string{"offers"}, Kept: noon(), Until: noon().Add(time.Hour)}, s)
	})
	return id
}

func read2(b *Book, id string) (string, error) {
	body, err := b.Open(context.Background(), id, nil)
	if err != nil {
		return "", err
	}
	defer body.Close()
	all, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	return string(all), err
}

func TestTheLifeOfACopy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		path := t.TempDir()
		k := ring(t)
		b := open(t, path, db, k)
		a, c := keep(t, b, 1), keep(t, b, 2)
		if got, err := read2(b, a); err != nil || got != text(1) {
			t.Fatal(got, err)
		}
		if _, err := read2(b, "nonsense"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		var file string
		change(t, db, func(tx *store.Tx) error {
			if _, err := SetPin(tx, c, &Pin{By: "uid:7", Why: "a court asks", At: noon()}); err != nil {
				return err
			}
			if due, err := Due(tx, noon().Add(time.Hour-time.Second), 10); err != nil || len(due) != 0 {
				t.Errorf("too early: %v %v", due, err)
			}
			due, err := Due(tx, noon().Add(time.Hour), 10)
			if err != nil || len(due) != 1 || due[0].Message != a {
				t.Errorf("%v %v", due, err)
			}
			if _, err := GiveUp(tx, c, noon()); !errors.Is(err, ErrPinned) {
				t.Errorf("a pinned copy was given up: %v", err)
			}
			if file, err = GiveUp(tx, a, noon().Add(time.Hour)); err != nil {
				return err
			}
			if _, err := SetPin(tx, a, nil); !errors.Is(err, ErrGone) {
				t.Error(err)
			}
			use, err := InUse(tx)
			if err != nil || use[k.Keys().IDs()[0]] != 1 || len(use) != 1 {
				t.Errorf("%v %v", use, err)
			}
			return err
		})
		if err := b.Unlink(file); err != nil {
			t.Fatal(err)
		}
		if _, err := read2(b, a); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		change(t, db, func(tx *store.Tx) error {
			now, err := List(tx, Filter{Tenant: "c"})
			gone, err2 := List(tx, Filter{Gone: true})
			if err != nil || err2 != nil || len(now) != 1 || len(gone) != 1 || now[0].Pinned == nil || gone[0].Ended.IsZero() {
				t.Errorf("%v %v %v %v", now, gone, err, err2)
			}
			st, err := Standings(tx, "", "")
			if err != nil || !st[a].Gone || st[c].Gone {
				t.Errorf("%v %v", st, err)
			}
			for _, id := range []string{a, c} {
				if err := ForgetOne(tx, id); err != nil {
					return err
				}
			}
			st, err = Standings(tx, "", "")
			if _, kept := st[c]; len(st) != 1 || !kept {
				t.Errorf("what is kept was forgotten: %v", st)
			}
			return err
		})
	})
}

func TestWhatHappenedToACopyOnTheDiskIsSaidAndNothingWrongIsGivenOut(t *testing.T) {
	db := storetest.SQLite(t)
	path := t.TempDir()
	k := ring(t)
	b := open(t, path, db, k)
	changed, swapped, gone, row := keep(t, b, 1), keep(t, b, 2), keep(t, b, 3), keep(t, b, 4)
	var files []string
	change(t, db, func(tx *store.Tx) error {
		for _, id := range []string{changed, swapped, gone, row} {
			c, err := Find(tx, id)
			if err != nil {
				return err
			}
			files = append(files, filepath.Join(path, c.stored.File))
		}
		_, err := tx.Exec("UPDATE evidence SET data = REPLACE(data, 'offers', 'offerz') WHERE message = ?", row)
		return err
	})
	data, _ := os.ReadFile(files[0])
	data[len(data)/2] ^= 1
	other, _ := os.ReadFile(files[0])
	for name, content := range map[string][]byte{files[0]: data, files[1]: other} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(files[2]); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]error{changed: ErrDamaged, swapped: ErrDamaged, gone: ErrMissing, row: ErrDamaged} {
		if got, err := read2(b, id); !errors.Is(err, want) || got != "" {
			t.Errorf("%s: %q %v", id, got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(path, "0123456789abcdef0123456789abcdef"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, db, k)
	if s := again.Swept(); s.Removed != 1 || len(s.Missing) != 1 || s.Missing[0] != gone {
		t.Errorf("%+v", s)
	}
	change(t, db, func(tx *store.Tx) error {
		list, err := List(tx, Filter{})
		if err != nil || len(list) != 4 || !list[3].Altered() {
			t.Errorf("%+v %v", list, err)
		}
		return nil
	})
}

// A copy is promised by the commit of its row: killed before every operation
// of the disk, what was promised is there, and nothing else.
func TestEveryPromisedCopySurvivesEveryCrash(t *testing.T) {
	k := ring(t)
	for n, total := 0, 1000; n <= total; n++ {
		root := t.TempDir()
		db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(root, "db")})
		if err != nil {
			t.Fatal(err)
		}
		var faults durable.Faults
		dir, err := durable.OpenFaulty(filepath.Join(root, "evidence"), &faults)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(t.Context(), dir, db, k, telemetry.Discard())
		if err != nil {
			t.Fatal(err)
		}
		faults.CrashAfter(faults.Ops() + n)
		promised := map[string]string{}
		for i := 1; i <= 2; i++ {
			id := fmt.Sprintf("m%d", i)
			s, err := b.Store(t.Context(), id, mail.Bytes(text(i)))
			if err != nil || faults.Op("COMMIT") != nil {
				break
			}
			change(t, db, func(tx *store.Tx) error {
				return Add(tx, Copy{Message: id, Tenant: "c", Kept: noon(), Until: noon().Add(time.Hour)}, s)
			})
			promised[id] = text(i)
		}
		if !faults.Crashed() {
			total = n
		}
		after := filepath.Join(root, "after")
		if err := faults.Reboot(after, durable.LoseAll); err != nil {
			t.Fatal(err)
		}
		again := open(t, after, db, k)
		if s := again.Swept(); len(s.Missing) > 0 {
			t.Errorf("operation %d: lost %v", n, s.Missing)
		}
		for id, want := range promised {
			if got, err := read2(again, id); err != nil || got != want {
				t.Errorf("operation %d: %s: %v", n, id, err)
			}
		}
		if left, _ := os.ReadDir(after); len(left) != len(promised) {
			t.Errorf("operation %d: %d files for %d rows", n, len(left), len(promised))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
