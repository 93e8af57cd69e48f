package gateway

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// bulkHouse is where the child of the test below finds everything.
const bulkHouse = "POSTERN_TEST_BULK_HOUSE"

func openBulkHouse(t *testing.T, folder string) (w *world, end func()) {
	t.Helper()
	path := filepath.Join(folder, "keys")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		made, bad := vault.NewKeys()
		if bad != nil {
			t.Fatal(bad)
		}
		text, err = []byte(made.Text()), os.WriteFile(path, []byte(made.Text()), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.ParseKeys(string(text))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := durable.Open(filepath.Join(folder, "bodies"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(folder, "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, &script{}, dir, db, keys), func() { db.Close() }
}

// A process that carries out a bulk decision is killed again and again
// (SIGKILL), somewhere. The next one goes on, and every message is sent once.
// POSTERN_BULK=10000 is the full size, and prints figures.
func TestABulkDecisionIsKilledAndGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	if folder := os.Getenv(bulkHouse); folder != "" {
		w, end := openBulkHouse(t, folder)
		defer end()
		w.g.Bulks(t.Context(), nil) // until we are killed
		return
	}
	many, most := 300, 4
	if n, err := strconv.Atoi(os.Getenv("POSTERN_BULK")); err == nil {
		many, most = n, 40
	}
	folder := t.TempDir()
	w, end := openBulkHouse(t, folder)
	ids := w.keep(t, many, nil)
	w.beginBulk(t, true, many)
	end()
	kills, began, b := 0, time.Now(), quarantine.Bulk{}
	for runs := 0; b.Ended.IsZero(); runs++ {
		if runs > most+3 {
			t.Fatalf("not over after %d runs: %+v", runs, b)
		}
		if b = runBulkChild(t, folder, kills < most); b.Ended.IsZero() {
			kills++
		}
	}
	w, end = openBulkHouse(t, folder)
	defer end()
	n := w.outcomes(t, ids)
	if kills == 0 || b.Done != many || b.Skipped != 0 || n["sent"] != many || n["sending"] != many {
		t.Errorf("%d kills, %+v, %v", kills, b, n)
	}
	t.Logf("%d messages, %d kills, %s", many, kills, time.Since(began).Round(time.Millisecond))
}

// runBulkChild lets a child work, kills it after a while or when all is done,
// and says where the decision stands then.
func runBulkChild(t *testing.T, folder string, early bool) quarantine.Bulk {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestABulkDecisionIsKilledAndGoesOn$")
	cmd.Env = append(os.Environ(), bulkHouse+"="+folder)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	first := bulkNow(t, folder)
	more := 1 + rand.IntN(first.Total/2)
	for b := first; b.Ended.IsZero() && (!early || b.Done < first.Done+more/4); b = bulkNow(t, folder) {
		select {
		case err := <-ended:
			t.Fatalf("the child ended by itself: %v\n%s", err, said.String())
		case <-time.After(time.Duration(rand.IntN(15)) * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	<-ended // killed
	return bulkNow(t, folder)
}

func bulkNow(t *testing.T, folder string) (b quarantine.Bulk) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(folder, "x.db"), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(t.Context(), func(tx *store.Tx) (err error) {
		b, _, err = quarantine.FindBulk(tx, "b1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
