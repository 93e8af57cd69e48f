//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// room is a mount namespace of its own, in which the data folder is a small
// file system.
type room struct {
	holder *exec.Cmd
	data   string
}

// newRoom mounts a tmpfs for the data folder of a gateway that is not up yet,
// and has the gateway and its verbs run inside.
func newRoom(t *testing.T, g *gateway, options string) *room {
	t.Helper()
	data := filepath.Join(g.dir, "data")
	must(t, os.MkdirAll(data, 0o700))
	script := `mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted; read -r _`
	cmd := exec.Command(need(t, "unshare"), "-m", "--propagation", "private", "sh", "-c", script, "sh", options, data)
	in, err := cmd.StdinPipe()
	must(t, err)
	log := &transcript{}
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close() // it reads to its end, and its mount goes with it
		_ = cmd.Wait()
	})
	for until := time.Now().Add(slack); !strings.Contains(log.String(), "mounted"); time.Sleep(10 * time.Millisecond) {
		if s := log.String(); s != "" && !strings.Contains(s, "mounted") || time.Now().After(until) {
			fmt.Printf("SKIPPED mount namespace: %s, so %s was not run\n", strings.TrimSpace(s), t.Name())
			t.Skip("SKIPPED mount namespace")
		}
	}
	g.before = []string{need(t, "nsenter"), "-t", itoa(cmd.Process.Pid), "-m", "--"}
	g.inside = g.before
	return &room{cmd, data}
}

// path is a place in the room, seen from outside.
func (r *room) path(name string) string {
	return filepath.Join("/proc", itoa(r.holder.Process.Pid), "root", r.data, name)
}

// fill writes until nothing more fits; free makes room again.
func (r *room) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(r.path("filler"))
	must(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			must(t, err)
		}
	}
}

func (r *room) free(t *testing.T) {
	t.Helper()
	all, err := filepath.Glob(r.path("filler*"))
	must(t, err)
	for _, f := range all {
		must(t, os.Remove(f))
	}
}

// fillInodes makes files until there can be no more.
func (r *room) fillInodes(t *testing.T) {
	t.Helper()
	for i := 0; ; i++ {
		f, err := os.Create(r.path(fmt.Sprint("filler", i)))
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		must(t, err)
		f.Close()
	}
}

func (r *room) remount(t *testing.T, how string) {
	t.Helper()
	out, err := exec.Command("nsenter", "-t", itoa(r.holder.Process.Pid), "-m", "--", "mount", "-o", "remount,"+how, r.data).CombinedOutput()
	if err != nil {
		t.Fatalf("remount %s: %v\n%s", how, err, out)
	}
}

func expect(t *testing.T, when string, a answered, codes ...int) {
	t.Helper()
	for _, c := range codes {
		if a.code == c {
			return
		}
	}
	t.Errorf("%s: a %s message is answered %d %s, want %v", when, a.kind, a.code, a.text, codes)
}

// TestAFullDiskIsAnsweredWith452AndPasses fills a real file system of a few
// megabytes below the real binary, its octets and its inodes, with each of the
// tenant's settings; the same process goes on when there is room again.
func TestAFullDiskIsAnsweredWith452AndPasses(t *testing.T) {
	t.Parallel()
	for _, storeFull := range []string{"closed", "open"} {
		t.Run("store-full: "+storeFull, func(t *testing.T) {
			t.Parallel()
			g := prepare(t, setup{tenant: "on: { store-full: " + storeFull + " }\n"})
			r := newRoom(t, g, "size=12m,nr_inodes=120")
			g.up(t)
			pid := g.pid
			kept := []answered{g.bring("held"), g.bring("clean"), g.bring("blocked")}
			for _, a := range kept {
				expect(t, "with room", a, 250)
			}
			r.fill(t)
			var put []answered
			for range 3 {
				clean, code := g.bring("clean"), 452
				if storeFull == "open" {
					code = 250
				}
				expect(t, "full", clean, code)
				held, blocked := g.bring("held"), g.bring("blocked")
				expect(t, "full", held, 452)
				expect(t, "full", blocked, 550)
				put = append(put, held)
			}
			g.says(t, "code=P706")
			if storeFull == "open" { // mail passed without a record
				g.says(t, "code=P708")
			}
			r.free(t)
			eventually(t, 20*time.Second, "it goes on by itself", func() bool { return g.bring("clean").code == 250 })
			for _, kind := range []string{"held", "clean", "blocked"} {
				a := g.bring(kind)
				expect(t, "with room again", a, 250)
				kept = append(kept, a)
			}
			eventually(t, 20*time.Second, "only what waits has a body", func() bool {
				all, err := filepath.Glob(r.path("bodies/*/*"))
				return err == nil && len(all) == 2
			})
			r.fillInodes(t)
			expect(t, "no inodes", g.bring("clean"), 250)
			expect(t, "no inodes", g.bring("held"), 452)
			expect(t, "no inodes", g.bring("blocked"), 550)
			r.free(t)
			a := g.bring("held")
			expect(t, "with inodes again", a, 250)
			kept = append(kept, a)
			if !g.alive() || g.pid != pid {
				t.Error("it needed a new start")
			}
			m := &sufferer{gateway: g, all: append(kept, put...)}
			m.reckon(t)
			if n := len(g.held(t)); n != 3 {
				t.Errorf("%d wait, want 3", n)
			}
		})
	}
}

// TestAReadOnlyDataFolderIsRefusedAtStart: a file system that its kernel has
// made read-only is not one that mail can be promised on.
func TestAReadOnlyDataFolderIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	g := prepare(t, setup{})
	r := newRoom(t, g, "size=12m")
	g.up(t)
	a := g.bring("held")
	expect(t, "before", a, 250)
	if code := g.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	r.remount(t, "ro")
	g.spawn(t)
	if code := g.waitEnd(t, 20*time.Second); code == 0 || !strings.Contains(g.log.String(), "read-only") {
		t.Errorf("exit %d: %s", code, g.log)
	}
	r.remount(t, "rw")
	g.up(t)
	m := &sufferer{gateway: g, all: []answered{a, g.bring("held"), g.bring("clean")}}
	m.reckon(t)
}

// TestALockedStoreDefersMailUntilItIsFree: another process holds SQLite's
// write lock, for a moment and for longer than anybody waits.
func TestALockedStoreDefersMailUntilItIsFree(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	db, err := sql.Open("sqlite", "file:"+filepath.Join(g.dir, "data", "postern.db"))
	must(t, err)
	defer db.Close()
	c, err := db.Conn(context.Background())
	must(t, err)
	do := func(statement string) {
		t.Helper()
		_, err := c.ExecContext(context.Background(), statement)
		must(t, err)
	}
	do("PRAGMA busy_timeout = 5000")
	do("BEGIN IMMEDIATE")
	time.AfterFunc(time.Second, func() { _, _ = c.ExecContext(context.Background(), "ROLLBACK") })
	kept := []answered{g.bring("held")}
	expect(t, "locked for a second", kept[0], 250)
	do("BEGIN IMMEDIATE")
	list := make(chan answered)
	kinds := []string{"clean", "held", "clean", "held", "clean", "held", "clean", "held"}
	for _, kind := range kinds {
		go func() { list <- g.bring(kind) }()
	}
	var put []answered
	for range kinds {
		a := <-list
		expect(t, "locked", a, 451)
		put = append(put, a)
	}
	g.says(t, "code=P705")
	do("ROLLBACK")
	for _, kind := range []string{"clean", "held", "blocked"} {
		a := g.bring(kind)
		expect(t, "free again", a, 250)
		kept = append(kept, a)
	}
	if !g.alive() {
		t.Error("a lock is not death")
	}
	for _, a := range put {
		if len(g.sink.to(bob, a.token)) > 0 {
			t.Errorf("%s was delivered though its client was told 451", a.token)
		}
	}
	m := &sufferer{gateway: g, all: append(kept, put...)}
	m.reckon(t)
}
