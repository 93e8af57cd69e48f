//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two gateways on one PostgreSQL would find rows of mail whose bodies lie in
// the other's folder, so the second one does not start.
func TestASecondGatewayOnTheSameDatabaseRefusesToStart(t *testing.T) {
	t.Parallel()
	config := "store: \"" + startPostgres(t) + "\"\n"
	first := start(t, setup{config: config})
	second := prepare(t, setup{config: config, sink: first.sink})
	key, err := os.ReadFile(filepath.Join(first.dir, "postern.key"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(second.dir, "postern.key"), key, 0o600))
	second.spawn(t)
	if code := second.waitEnd(t, 30*time.Second); code == 0 || !strings.Contains(second.log.String(), "another process uses this database") {
		t.Errorf("exit %d: %s", code, second.log)
	}
	sent, _ := routed(message("held", ibanText))
	if r := first.send(t, sent); r.Code != 250 || len(first.held(t)) != 1 {
		t.Errorf("the first one goes on: %v", r)
	}
	// A gateway that was killed gives the database back.
	must(t, first.cmd.Process.Kill())
	first.waitEnd(t, 10*time.Second)
	first.up(t)
	if len(first.held(t)) != 1 {
		t.Error("what was held is gone")
	}
}
