//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startPostgres runs a private cluster that only a unix socket reaches, with
// fsync on, and returns its URL.
func startPostgres(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		fmt.Printf("SKIPPED postgresql: not installed, so %s was not run\n", t.Name())
		t.Skip("SKIPPED postgresql")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir := folder(t)
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // postgres does not run as root
		u, err := user.Lookup("postgres")
		must(t, err)
		uid, err := strconv.Atoi(u.Uid)
		must(t, err)
		gid, err := strconv.Atoi(u.Gid)
		must(t, err)
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		must(t, os.Chown(dir, uid, gid))
	}
	data := filepath.Join(dir, "d")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	log := &transcript{}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=on")
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = as, dir, log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = cmd.Wait()
	})
	eventually(t, 20*time.Second, "postgres takes connections", func() bool {
		return strings.Contains(log.String(), "ready to accept connections")
	})
	return "postgres:///postgres?host=" + dir + "&user=postgres"
}

func TestTheStoreMayBePostgreSQL(t *testing.T) {
	t.Parallel()
	url := startPostgres(t)
	g := start(t, setup{config: "store: \"" + url + "\"\n"})
	clean, back := routed(message("pg-clean", "Hello\n"))
	if r := g.send(t, clean); r.Code != 250 {
		t.Fatal(r)
	}
	card, _ := routed(message("pg-card", cardText))
	if r := g.send(t, card); r.Code != 250 {
		t.Fatal(r)
	}
	iban, held := routed(message("pg-held", ibanText))
	if r := g.send(t, iban); r.Code != 250 {
		t.Fatal(r)
	}
	below(t, g.sink.to(bob, "pg-clean")[0], back)
	eventually(t, 10*time.Second, "the sender has a report", func() bool {
		return len(g.sink.to(ann, "report-type=delivery-status")) == 1
	})

	// What is held outlives the process, kill -9 included.
	must(t, g.cmd.Process.Kill())
	g.waitEnd(t, 10*time.Second)
	g.up(t)
	list := g.held(t)
	if len(list) != 1 {
		t.Fatalf("held after a restart: %+v", list)
	}
	g.ok(t, "held", "release", list[0].Message)
	eventually(t, 10*time.Second, "the released message is at the next hop", func() bool {
		return len(g.sink.to(bob, "pg-held")) == 1
	})
	below(t, g.sink.to(bob, "pg-held")[0], held)
	eventually(t, 10*time.Second, "the balance is even", func() bool {
		b := g.balance(t)
		return b.OK && b.Held == 0 && b.Open == 0 && b.Delivered == 2 && b.CutThrough == 1 && b.Refused == 1
	})
	g.ok(t, "audit", "verify")
	g.recorded(t, 3)
	if code := g.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}
