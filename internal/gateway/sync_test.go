package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// deathbed is a world whose disk fails, and what it died of.
type deathbed struct {
	*world
	faults durable.Faults
	died   []error
}

func newDeathbed(t *testing.T) *deathbed {
	t.Helper()
	var d deathbed
	dir, err := durable.OpenFaulty(t.TempDir(), &d.faults)
	if err != nil {
		t.Fatal(err)
	}
	ok := mail.NewReply(250, "2.1.5", "ok")
	d.world = newWorldIn(t, &script{rcpts: []mail.Reply{ok, ok}, dot: ok}, dir)
	d.g.Fatal = func(err error) { d.died = append(d.died, err) }
	return &d
}

// failSync makes the next but n-th operation of the folder fail, which must
// be an fsync when it comes.
func (d *deathbed) fail(n int) { d.faults.FailAt(d.faults.Ops()+n, durable.IOError) }

func (d *deathbed) mustHaveDied(t *testing.T) {
	t.Helper()
	d.g.Wait()
	if len(d.died) == 0 || !errors.Is(d.died[0], durable.ErrSync) {
		t.Errorf("it lives (%v) after %q", d.died, last(d.faults.Log()))
	}
}

func last(list []string) string { return list[len(list)-1] }

// stored keeps a body with a row in the state that moves lead to.
func (d *deathbed) stored(t *testing.T, moves ...spool.Event) spool.Stored {
	t.Helper()
	d.id = store.NewID(time.Now())
	stored, err := d.g.Spool.Store(t.Context(), d.id, mail.Bytes("hello"))
	if err != nil {
		t.Fatal(err)
	}
	err = d.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		if len(moves) == 0 {
			return nil
		}
		row := spool.Message{ID: d.id, Tenant: "contoso", Stored: stored, Received: time.Now(), Extra: []byte("{}"),
			Envelope: mail.Envelope{To: recipientsOf(1)}}
		err := spool.Add(tx, row)
		for _, m := range moves {
			if err == nil {
				_, err = spool.Move(tx, d.id, m, time.Now())
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// A folder whose fsync failed may forget any of its entries, whatever a later
// fsync says: the process must end, also where only something is removed.
func TestAFailedFsyncOfAnErasureIsDeath(t *testing.T) {
	t.Run("of a finished message", func(t *testing.T) {
		d := newDeathbed(t)
		stored := d.stored(t, spool.Pass, spool.Settle)
		d.fail(2) // remove, sync folder
		d.g.unlink(d.id, stored.File)
		d.mustHaveDied(t)
	})
	t.Run("of a finished message at the hourly sweep", func(t *testing.T) {
		d := newDeathbed(t)
		d.stored(t, spool.Pass, spool.Settle)
		d.fail(2)
		if err := d.g.Sweep(context.Background()); err == nil {
			t.Error("nobody noticed")
		}
		d.mustHaveDied(t)
	})
	t.Run("of a body whose row was not committed", func(t *testing.T) {
		d := newDeathbed(t)
		stored := d.stored(t)
		d.fail(2)
		d.g.discard(stored, store.ErrFull)
		d.mustHaveDied(t)
	})
}

// An unlink that fails is not: the file is swept later.
func TestAnUnlinkThatFailsIsNotDeath(t *testing.T) {
	d := newDeathbed(t)
	stored := d.stored(t)
	d.fail(1)
	d.g.discard(stored, store.ErrFull)
	stored = d.stored(t, spool.Pass, spool.Settle)
	d.fail(1)
	d.g.unlink(d.id, stored.File)
	d.g.Wait()
	if len(d.died) > 0 || !strings.Contains(last(d.faults.Log()), "remove") {
		t.Errorf("%v after %q", d.died, last(d.faults.Log()))
	}
}
