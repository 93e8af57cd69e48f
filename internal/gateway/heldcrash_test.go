package gateway

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// watched is a look that has something done, and sees nothing.
type watched func()

func (w watched) Look(context.Context, *mail.Message, look.Options) detect.Report {
	w()
	return detect.Report{}
}

// worldsOnDisk opens worlds on copies of one database: the folder of bodies and
// the keys are the same.
func worldsOnDisk(t *testing.T) (path string, open func(path string) (*world, func())) {
	t.Helper()
	keys, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := durable.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "x.db")
	open = func(path string) (*world, func()) {
		db, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return newWorldOn(t, &script{}, dir, db, keys), func() { db.Close() }
	}
	return path, open
}

// A crash before and after every commit of a bulk decision: what the disk
// holds then is opened anew, the decision goes on there, and every message is
// sent once.
func TestABulkDecisionSurvivesACrashAtEveryCommit(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	const messages, most = 12, 3
	path, open := worldsOnDisk(t)
	w, end := open(path)
	defer end()
	ids := w.keep(t, messages, nil)
	w.beginBulk(t, true, messages)
	var copies []string
	take := func() {
		to := filepath.Join(t.TempDir(), "copy.db")
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(to+suffix, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		copies = append(copies, to)
	}
	w.g.Look = watched(take) // before each transaction
	w.g.Wake = take          // after a commit, before anybody is answered
	finish := func(w *world, each func()) {
		t.Helper()
		for n := 0; ; n++ {
			_, over, err := w.g.BulkStep(t.Context(), "b1", most)
			if err != nil || n > messages {
				t.Fatalf("step %d: %v", n, err)
			}
			if each(); over {
				return
			}
		}
	}
	finish(w, take)
	if len(copies) < 3*messages/most {
		t.Errorf("only %d moments", len(copies))
	}
	began := 0
	for i, at := range append(copies, path) {
		v, end := open(at)
		var before quarantine.Bulk
		err := v.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			before, _, err = quarantine.FindBulk(tx, "b1")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := v.outcomes(t, ids); n["sent"] != before.Done {
			t.Errorf("moment %d: the row says %d, %d are sent", i, before.Done, n["sent"])
		}
		if before.Done > 0 && before.Ended.IsZero() {
			began++
		}
		finish(v, func() {})
		if n := v.outcomes(t, ids); n["sent"] != messages || n["sending"] != messages {
			t.Errorf("moment %d: %v", i, n)
		}
		end()
	}
	if began == 0 {
		t.Error("no moment was in the middle")
	}
}
