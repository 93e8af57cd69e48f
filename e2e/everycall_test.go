//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// inFull asks for the long forms: make e2e-long.
func inFull() bool { return os.Getenv("POSTERN_LONG") != "" }

// inject makes the n-th of some system calls fail in the running gateway (the
// n-th of each of its threads: strace counts so), until the result is called,
// which tells how many failed.
func (g *gateway) inject(t *testing.T, calls, errno string, n int) (stop func() int) {
	t.Helper()
	log, end := g.attach(t, "-e", "trace="+calls, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d", calls, errno, n))
	return func() int {
		end()
		return strings.Count(log.String(), "(INJECTED)")
	}
}

// alive says whether the process still runs.
func (g *gateway) alive() bool {
	select {
	case <-g.ended:
		return false
	default:
		return true
	}
}

// answered is a message and what its client was told; code 0 is nothing.
type answered struct {
	token, kind, text string
	code              int
}

// bring sends one message and notes the answer.
func (g *gateway) bring(kind string) (a answered) {
	a = answered{token: "tok" + unique(), kind: kind}
	body := map[string]string{"clean": "Hello\n", "held": ibanText, "blocked": cardText}[kind]
	c, err := g.connect()
	if err != nil {
		return a
	}
	defer c.conn.Close()
	sent, _ := routed(message(a.token, body))
	if r, err := c.bdat(sent, ann, bob); err == nil {
		a.code, a.text = r.Code, r.Text
		_, _ = c.ask("QUIT")
	}
	return a
}

// TestEveryCallOfTheRealBinaryFailsOnce: the n-th write to the database, fsync,
// open, rename or unlink of the running gateway fails; three messages come
// meanwhile. A 250 is kept, anything else is nowhere; a gateway that died did
// so with an exit code, and one that did not goes on by itself. (write(2) is
// left out: Go's runtime wakes its threads with it and ends when it fails.)
func TestEveryCallOfTheRealBinaryFailsOnce(t *testing.T) {
	t.Parallel()
	need(t, "strace")
	kinds := []struct {
		calls  string
		errnos []string
		short  []int // the n of the short form
		most   int   // of the long one
	}{
		{"pwrite64", []string{"ENOSPC", "EIO", "EDQUOT", "EROFS"}, []int{1, 6}, 40},
		{"fsync,fdatasync", []string{"EIO", "ENOSPC"}, []int{1}, 12},
		{"openat", []string{"EMFILE", "ENOSPC", "ENFILE", "ENOMEM", "EACCES", "EROFS"}, []int{1}, 8},
		{"renameat,renameat2,rename", []string{"ENOSPC", "EIO"}, []int{1}, 4},
		{"unlinkat,unlink", []string{"EIO", "EROFS"}, []int{1}, 4},
		{"ftruncate", []string{"EIO", "ENOSPC"}, nil, 4},
	}
	g := start(t, setup{})
	m := &sufferer{gateway: g}
	for _, k := range kinds {
		for i, errno := range k.errnos {
			list := k.short
			if !inFull() && i >= 2 {
				list = nil
			}
			if inFull() {
				list = nil
				for n := 1; n <= k.most; n++ {
					list = append(list, n)
				}
			}
			misses := 0
			for _, n := range list {
				if m.suffer(t, k.calls, errno, n) == 0 {
					if misses++; misses == 3 {
						break // the messages do not make so many calls
					}
				}
			}
		}
	}
	m.reckon(t)
}

// sufferer is a gateway over its failures.
type sufferer struct {
	*gateway
	all            []answered
	runs, injected int
	deaths         int
}

func (m *sufferer) suffer(t *testing.T, calls, errno string, n int) int {
	t.Helper()
	what := fmt.Sprintf("%s %s at %d", calls, errno, n)
	stop := m.inject(t, calls, errno, n)
	var got []answered
	for _, kind := range []string{"clean", "held", "blocked"} {
		got = append(got, m.bring(kind))
	}
	injected := stop()
	m.runs++
	m.injected += injected
	for range 10 { // whoever dies of it says so first
		if strings.Contains(m.log.String(), "code=P400") || !m.alive() {
			m.waitEnd(t, 20*time.Second)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	after := m.bring("held")
	if after.code == 0 { // it is slow to die
		m.waitEnd(t, 20*time.Second)
	}
	died := !m.alive()
	if died {
		m.deaths++
		if m.exit != 1 {
			t.Errorf("%s: it ended with %d\n%s", what, m.exit, m.log.tail(2000))
		}
		m.up(t)
		m.all = append(m.all, after)
		after = m.bring("held")
	}
	for _, a := range got {
		if a.code/100 == 5 && a.kind != "blocked" {
			t.Errorf("%s: a %s message was refused: %d %s", what, a.kind, a.code, a.text)
		}
		if a.code/100 == 4 && !died && !strings.Contains(a.text, "may have taken") && len(m.sink.to(bob, a.token)) > 0 {
			t.Errorf("%s: a %s message was delivered though the client was told %d %s", what, a.kind, a.code, a.text)
		}
	}
	m.all = append(m.all, got...)
	if after.code != 250 {
		t.Errorf("%s: afterwards: %d %s (died: %v)\n%s", what, after.code, after.text, died, m.log.tail(2000))
	}
	m.all = append(m.all, after)
	return injected
}

// reckon looks where every message is.
func (m *sufferer) reckon(t *testing.T) {
	t.Helper()
	eventually(t, 60*time.Second, "nothing is on its way, reports included", func() bool {
		return strings.TrimSpace(m.ok(t, "queue", "list", "--json")) == ""
	})
	b := m.balance(t)
	t.Logf("%d runs, %d calls failed, %d deaths, %d messages; balance %+v", m.runs, m.injected, m.deaths, len(m.all), b)
	if !b.OK {
		t.Errorf("balance: %v", b.Differences)
	}
	if m.injected < m.runs/2 {
		t.Errorf("only %d calls failed in %d runs", m.injected, m.runs)
	}
	m.ok(t, "audit", "verify")
	waits, subjects := map[string]bool{}, map[string]string{}
	for _, h := range m.held(t) {
		waits[h.Message] = true
	}
	for _, r := range m.records(t, "--limit", "100000") {
		subjects[r.Subject] = r.ID
	}
	for _, a := range m.all {
		switch {
		case a.code != 250:
		case a.kind == "clean" && len(m.sink.to(bob, a.token)) == 0:
			t.Errorf("clean %s: 250, and nobody has it", a.token)
		case a.kind == "held" && !waits[subjects[a.token]]:
			t.Errorf("held %s: 250, and it does not wait", a.token)
		case a.kind == "blocked" && len(m.sink.to(ann, a.token)) == 0:
			t.Errorf("blocked %s: 250, and no report", a.token)
		}
		if a.kind != "clean" && len(m.sink.to(bob, a.token)) > 0 {
			t.Errorf("%s %s: it passed", a.kind, a.token)
		}
	}
}
