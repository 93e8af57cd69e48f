package tenant_test

import (
	"context"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

func TestValidationsAreCountedForEachTenantAndKept(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "p.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(ctx, "tenant", tenant.Schema()); err != nil {
		t.Fatal(err)
	}
	count := func(id string) (n int) {
		t.Helper()
		if err := db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tenant.CountValidation(tx, id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for want := 1; want <= tenant.MaxValidations+1; want++ {
		if got := count("alpha"); got != want {
			t.Fatalf("validation %d is counted as %d", want, got)
		}
	}
	if got := count("beta"); got != 1 {
		t.Fatalf("another tenant begins at %d", got)
	}
}
