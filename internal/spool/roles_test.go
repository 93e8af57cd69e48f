package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/vault"
)

// hold brings a message into the state in which people read it.
func hold(t *testing.T, s *Spool, m Message) {
	t.Helper()
	update(t, s.db, func(tx *store.Tx) error {
		if err := s.Share(tx, m); err != nil {
			return err
		}
		_, err := Move(tx, m.ID, Hold, start)
		return err
	})
}

func readFor(s *Spool, role vault.Role, id string) ([]byte, error) {
	b, err := s.OpenFor(context.Background(), role, id)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
}

// roleKey makes a key of a role's own, whose private half lies in a file.
func roleKey(t *testing.T) (lock vault.Lock, path string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "role.key")
	if err := os.WriteFile(path, []byte(id.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if lock, err = vault.NewLock(id.Recipient().String(), "file:"+path, ""); err != nil {
		t.Fatal(err)
	}
	return lock, path
}

func TestReadersUseTheKeyOfTheirRoleOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		reading, path := roleKey(t)
		emergency, _ := roleKey(t)
		delivery, err := vault.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		s := openSpool(t, t.TempDir(), db, vault.NewRing(delivery, map[vault.Role]vault.Lock{vault.Reading: reading, vault.Emergency: emergency}))
		body := octets(1000)
		m := take(t, s, "m1", body)
		if _, err := readFor(s, vault.Reading, "m1"); !errors.Is(err, ErrKeyMissing) {
			t.Errorf("what nobody holds was read: %v", err)
		}
		hold(t, s, m)
		for _, role := range readers() {
			if got, err := readFor(s, role, "m1"); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: %v", role, err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := readFor(s, vault.Reading, "m1"); err == nil {
			t.Error("it was read without the role's key")
		}
		if got, err := read(s, "m1"); err != nil || !bytes.Equal(got, body) {
			t.Error("delivery needs the role's key:", err)
		}
	})
}

func TestErasingABodyDestroysItsKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		path := t.TempDir()
		s := openSpool(t, path, db, testKeys(t))
		m := take(t, s, "m1", octets(1000))
		file, err := os.ReadFile(filepath.Join(path, m.File[:1], m.File))
		if err != nil {
			t.Fatal(err)
		}
		hold(t, s, m)
		update(t, db, func(tx *store.Tx) error {
			for _, e := range []Event{Release, Settle} {
				if _, err := Move(tx, "m1", e, start); err != nil {
					return err
				}
			}
			return nil
		})
		if err := s.Erase(context.Background(), "m1", start); err != nil {
			t.Fatal(err)
		}
		update(t, db, func(tx *store.Tx) error {
			use, err := InUse(tx)
			if err != nil || len(use) != 0 {
				t.Errorf("%v %v", use, err)
			}
			return nil
		})
		if _, err := readFor(s, vault.Reading, "m1"); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		// Who finds the file again has nothing that opens it.
		if _, err := vault.Unseal(bytes.NewReader(file), int64(len(file)), s.keys.Keys(), nil); !errors.Is(err, vault.ErrKeyMissing) {
			t.Error(err)
		}
	})
}

func TestRewrappingCanBeStoppedAndLosesNoBody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		path := t.TempDir()
		old, err := vault.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		ring := vault.NewRing(old, nil)
		s := openSpool(t, path, db, ring)
		bodies := map[string][]byte{}
		for i := range rewrapPage + 30 {
			id := store.NewID(start)
			bodies[id] = octets(10 + i)
			if m := take(t, s, id, bodies[id]); i%10 == 0 {
				hold(t, s, m)
			}
		}
		rotated, err := old.Rotate()
		if err != nil {
			t.Fatal(err)
		}
		ring.Replace(rotated)
		ctx, cancel := context.WithCancel(context.Background())
		db.BeforeCommit(func(tx *store.Tx) error { tx.OnCommit(cancel); return nil })
		if sum, err := s.Rewrap(ctx); err == nil || sum.Changed != rewrapPage {
			t.Fatalf("stopped: %+v %v", sum, err)
		}
		for id, body := range bodies { // half of it is done: all can be read
			if got, err := read(s, id); err != nil || !bytes.Equal(got, body) {
				t.Fatal(err)
			}
		}
		sum, err := s.Rewrap(context.Background())
		if err != nil || sum.Looked != len(bodies) || sum.Changed != 30 || sum.Failed != 0 {
			t.Fatalf("again: %+v %v", sum, err)
		}
		rest, gone := rotated.Retire(func(string) bool { return false }, nil)
		if gone != 1 {
			t.Fatal(gone)
		}
		again := openSpool(t, path, db, vault.NewRing(rest, nil))
		for id, body := range bodies {
			if got, err := read(again, id); err != nil || !bytes.Equal(got, body) {
				t.Fatal(err)
			}
		}
		update(t, db, func(tx *store.Tx) error {
			use, err := InUse(tx)
			if err != nil || use[vault.Delivery][rest.IDs()[0]] != len(bodies) || use[vault.Reading][rest.IDs()[0]] != 13 || len(use[vault.Delivery]) != 1 {
				t.Errorf("%v %v", use, err)
			}
			return nil
		})
	})
}
