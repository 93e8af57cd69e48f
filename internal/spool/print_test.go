package spool

import (
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestTheKeyOfBodiesIsMadeOnceForADatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := openSpool(t, t.TempDir(), db, testKeys(t))
		again := openSpool(t, t.TempDir(), db, testKeys(t))
		if first.PrintKey() == (PrintKey{}) || again.PrintKey() != first.PrintKey() {
			t.Errorf("%x, then %x", first.PrintKey(), again.PrintKey())
		}
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec("UPDATE print_key SET octets = ?", []byte("short"))
			return err
		})
		if err := first.readPrintKey(t.Context()); err == nil {
			t.Error("a key of five octets was taken")
		}
	})
}
