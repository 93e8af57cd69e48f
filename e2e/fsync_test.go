//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// breakFsync makes every fsync of a running gateway fail, or only those of
// one file, as a dying disk would.
func (g *gateway) breakFsync(t *testing.T, file string) {
	t.Helper()
	args := []string{"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"}
	if file != "" {
		args = append(args, "-P", file)
	}
	g.attach(t, args...)
}

func TestAFailedFsyncIsDeathAndNeverA250(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	for _, test := range []struct{ name, file, text string }{
		{"of the body of a held message", "", ibanText},
		{"of the write-ahead log of a held message", "postern.db-wal", ibanText},
		{"of the write-ahead log of a message that is cut through", "postern.db-wal", "Hello\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, setup{})
			file := test.file
			if file != "" {
				file = filepath.Join(g.dir, "data", file)
			}
			g.breakFsync(t, file)
			sent, _ := routed(message("doomed", test.text))
			c := g.dial(t)
			if r, err := c.bdat(sent, ann, bob); err == nil && r.Code/100 != 4 {
				t.Errorf("the client was told %v", r)
			}
			if code := g.waitEnd(t, 15*time.Second); code == 0 {
				t.Error("the process ended with 0")
			}
			if n := len(g.sink.got()); n != 0 {
				t.Errorf("%d messages left before their verdict was on the disk", n)
			}
			g.up(t) // the disk is well again
			if r := g.send(t, sent); r.Code != 250 {
				t.Errorf("the same message after a new start: %v", r)
			}
			if b := g.balance(t); !b.OK {
				t.Errorf("balance: %+v", b)
			}
			g.ok(t, "audit", "verify")
			if n := len(g.held(t)) + len(g.sink.to(bob, "doomed")); n != 1 {
				t.Errorf("the message is there %d times", n)
			}
		})
	}
}
