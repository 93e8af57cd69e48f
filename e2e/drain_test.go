//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestADiskThatDiesWhileDrainingEndsTheProcessAtOnce: a stop waits for
// messages that are under way; a failed fsync among them ends the waiting, and
// the exit code is that of a failure.
func TestADiskThatDiesWhileDrainingEndsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	g := start(t, setup{})
	sent, _ := routed(message("drained", ibanText))
	half := len(sent) / 2
	begin := func() *client {
		c := g.dial(t)
		if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
			t.Fatal(r, err)
		}
		_, err := fmt.Fprintf(c.conn, "BDAT %d LAST\r\n%s", len(sent), sent[:half])
		must(t, err)
		return c
	}
	slow, doomed := begin(), begin()
	g.breakFsync(t, "")
	must(t, g.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, 10*time.Second, "it drains", func() bool { return strings.Contains(g.log.String(), "draining") })
	_, err := doomed.conn.Write(sent[half:])
	must(t, err)
	if r, err := doomed.read(); err == nil && r.Code/100 != 4 {
		t.Errorf("the client was told %v", r)
	}
	// The slow one would keep it for 75 seconds.
	if code := g.waitEnd(t, 20*time.Second); code == 0 {
		t.Error("the process ended with 0")
	}
	if r, err := slow.read(); err == nil && r.Code/100 != 4 {
		t.Errorf("the slow client was told %v", r)
	}
	if !strings.Contains(g.log.String(), "code=P400") {
		t.Error("the operator was not told")
	}
	g.up(t)
	if r := g.send(t, sent); r.Code != 250 {
		t.Errorf("the same message after a new start: %v", r)
	}
	if b := g.balance(t); !b.OK || len(g.held(t)) != 1 {
		t.Errorf("balance: %+v, held %+v", b, g.held(t))
	}
}
