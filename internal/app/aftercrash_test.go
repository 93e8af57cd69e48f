package app

import (
	"context"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/vault"
)

// node is what of an App stands behind Recover.
func node(t *testing.T, db *store.DB) *App {
	t.Helper()
	ctx := t.Context()
	if err := task.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(ctx, db, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := durable.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	sp, err := spool.Open(dir, db, vault.NewRing(keys, nil), telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(gateway.Config{DB: db, Spool: sp, Audit: log, Tenants: tenant.NewRegistry(tenant.NewPublished())})
	return &App{DB: db, Spool: sp, Audit: log, Gateway: g, Log: telemetry.Discard(), started: time.Now()}
}

func (a *App) intend(t *testing.T, id string, at time.Time) {
	t.Helper()
	err := a.DB.Update(t.Context(), func(tx *store.Tx) error {
		record := `{"message":{"id":"` + id + `","tenant":"contoso","recipients":[{"address":"bob@fabrikam.example","delivery":"unknown"}]}}`
		return spool.PutIntent(tx, spool.Intent{ID: id, Tenant: "contoso", At: at, Record: record})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a *App) open(t *testing.T) map[string]bool {
	t.Helper()
	open := map[string]bool{}
	err := a.DB.View(context.Background(), func(tx *store.Tx) error {
		list, err := spool.OpenIntents(tx, time.Time{})
		for _, i := range list {
			open[i.ID] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func TestEveryIntentOfTheOnlyProcessIsSettledAtStartWhateverTheClockSays(t *testing.T) {
	a := node(t, storetest.SQLite(t))
	a.intend(t, "before", a.started.Add(-time.Second))
	a.intend(t, "from the future", a.started.Add(time.Hour)) // the clock was set back since
	if err := a.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if open := a.open(t); len(open) > 0 {
		t.Errorf("still open: %v", open)
	}
	list, err := a.Audit.Search(t.Context(), audit.Query{})
	if err != nil || len(list) != 2 || list[0].Recipients[0].Delivery != audit.Unknown {
		t.Errorf("in the books: %v %+v", err, list)
	}
}

func TestTheStartOfOneNodeLeavesTheIntentsOfAnotherAlone(t *testing.T) {
	a := node(t, storetest.Postgres(t))
	a.intend(t, "under way at another node", a.started.Add(-5*time.Minute))
	a.intend(t, "left by a node that crashed", a.started.Add(-time.Hour))
	if err := a.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if open := a.open(t); !open["under way at another node"] || len(open) != 1 {
		t.Errorf("open: %v", open)
	}
	if err := a.lateIntents(t.Context(), a.started.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if open := a.open(t); len(open) > 0 {
		t.Errorf("an hour later still open: %v", open)
	}
}
