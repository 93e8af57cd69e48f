package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/store/storetest"
)

// everyWay has a policy for each way of a message.
const everyWay = cardsLeave + `---
kind: policy
id: accounts-wait
name: Account numbers wait for the manager
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { hold: { approver: manager, for: 480h, then: refuse } }
`

// diskTrial is a house whose disk fails once in each of its days.
type diskTrial struct {
	*House
	t      *testing.T
	files  durable.Faults  // of the body files
	rows   *storetest.Disk // of the database
	log    *bytes.Buffer
	logMu  sync.Mutex
	deaths int
	small  bool // what fails is for want of room
}

func (d *diskTrial) Write(p []byte) (int, error) {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	return d.log.Write(p)
}

func newDiskTrial(t *testing.T) *diskTrial {
	d := &diskTrial{t: t, log: &bytes.Buffer{}}
	dir := quick(t)
	d.rows = storetest.NewDisk(t, dir)
	h, err := Build(t.Context(), Plan{
		Dir: dir, Policies: everyWay, InProcess: true, Log: slog.New(slog.NewTextHandler(d, nil)),
		World: func(w *World) { w.Faults = &d.files },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.House = h
	return d
}

// quick is a folder in memory, where there is one: nothing here depends on
// what an fsync does, and each costs ten milliseconds on a disk.
func quick(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "postern")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// wait lets time go by; a gateway that died is started again, as its service
// manager does.
func (d *diskTrial) wait(long time.Duration) {
	for range 3 {
		time.Sleep(long / 3)
		synctest.Wait()
		select {
		case <-d.App.Dead():
			d.deaths++
			if op := d.rows.Failed(); d.small && strings.HasPrefix(op, "write") {
				d.t.Errorf("it died of %s on a full disk", op)
			}
			d.disarm() // the disk that failed was repaired
			if err := d.Crash(); err != nil {
				d.t.Log("the dead one closes:", err)
			}
			if err := d.Start(d.t.Context()); err != nil {
				d.t.Fatal("it does not start again:", err)
			}
		default:
		}
	}
}

func (d *diskTrial) disarm() {
	d.rows.FailAt(0, 0)
	d.files.FailAt(0, 0)
}

// day sends one message of each way, releases the one that waits, and looks
// what became of them when everything has settled.
func (d *diskTrial) day(name string) {
	d.t.Helper()
	deaths := d.deaths
	texts := map[string]string{"clean": "hello", "cards": "visa card 4539 1488 0343 6467", "account": "IBAN DE89 3704 0044 0532 0130 00"}
	for what, text := range texts {
		_, err := d.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, message(what+"-"+name, text), fakeexchange.Options{})
		if err != nil {
			d.t.Fatal(err)
		}
		d.wait(3 * time.Second)
	}
	d.wait(40 * time.Minute) // Exchange has tried again
	d.release()
	d.wait(time.Hour)
	d.release() // what was answered with an error
	d.disarm()
	d.wait(3 * time.Hour)
	died := d.deaths > deaths
	d.times(name, "clean", d.internet("clean-"+name), 1, died)
	d.times(name, "account", d.internet("account-"+name), 1, died)
	d.times(name, "cards", d.internet("cards-"+name), 0, died)
	d.times(name, "report", d.mailbox("cards-"+name), 1, died)
	if n := len(d.Exchange.Queue()); n > 0 {
		d.t.Errorf("%s: %d messages wait in Exchange", name, n)
	}
	if sum, lines, err := d.App.Balance(d.t.Context()); err != nil || len(lines) > 0 || sum.Open+sum.Held > 0 {
		d.t.Errorf("%s: the books: %+v %v %v", name, sum, lines, err)
	}
}

func (d *diskTrial) times(name, what string, n, want int, died bool) {
	if n == want || died && want > 0 && n > want { // a death after the next hop's 250 may cost a second copy
		return
	}
	d.logMu.Lock()
	defer d.logMu.Unlock()
	d.t.Errorf("%s: %s came %d times, want %d (died: %v)\n%s", name, what, n, want, died, tailOf(d.log.String(), 3000))
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

func (d *diskTrial) internet(subject string) (n int) {
	for _, m := range d.Exchange.Internet() {
		if bytes.Contains(m.Raw, []byte("Subject: "+subject+"\r\n")) {
			n++
		}
	}
	return n
}

func (d *diskTrial) mailbox(subject string) (n int) {
	for _, m := range d.Exchange.Mailbox("ann@contoso.example") {
		if bytes.Contains(m.Raw, []byte(subject)) {
			n++
		}
	}
	return n
}

// release lets go of everything that waits; a disk that fails just then is
// the administrator's error message.
func (d *diskTrial) release() {
	ans, err := d.App.Do(d.t.Context(), "held-list", Call{}, "admin")
	if err != nil {
		return
	}
	for _, p := range ans.Held {
		_, _ = d.App.Do(d.t.Context(), "held-release", Call{Message: p.Message}, "admin")
	}
}

// TestEveryCallOfTheDiskFailsOnceInTheWholeHouse: at every operation on body
// files and database files, from the arrival to the erasure. After each the
// mail has come, once (twice only where the process died), the books balance,
// and a gateway that did not die needed no new start.
func TestEveryCallOfTheDiskFailsOnceInTheWholeHouse(t *testing.T) {
	long := os.Getenv("POSTERN_LONG") != ""
	for _, test := range []struct {
		name  string
		fault durable.Fault
		step  int // of the short form
	}{{"EIO", durable.IOError, 3}, {"ENOSPC", durable.NoSpace, 5}, {"short write", durable.ShortWrite, 9}} {
		t.Run("body files, "+test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDiskTrial(t)
				defer func() { _ = d.Close() }()
				step := 1
				if !long {
					step = test.step
				}
				if racing {
					step = 4 * test.step
				}
				d.campaign(step, func(n int) { d.files.FailAt(d.files.Ops()+n, test.fault) })
			})
		})
	}
	for how, fault := range map[string]storetest.Failure{"EIO": storetest.IOError, "ENOSPC": storetest.NoSpace} {
		t.Run("database, "+how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDiskTrial(t)
				d.small = how == "ENOSPC"
				defer func() { _ = d.Close() }()
				step := 1
				if !long {
					step = 97
				}
				if racing {
					step = 397
				}
				d.campaign(step, func(n int) { d.rows.FailAt(n, fault) })
			})
		})
	}
}

// campaign plays a day for every step-th operation until none is left.
func (d *diskTrial) campaign(step int, arm func(n int)) {
	const most = 4000
	days := 0
	for n := 1; n < most && !d.t.Failed(); n += step {
		arm(n)
		before := d.fired()
		d.day(fmt.Sprintf("day%d", n))
		days++
		if d.fired() == before {
			break
		}
	}
	for _, id := range []string{"contoso", "-"} {
		if r, err := d.App.Audit.Verify(d.t.Context(), id); err != nil || !r.Ok() {
			d.t.Errorf("the chain of %s: %+v %v", id, r, err)
		}
	}
	list, err := d.App.Audit.Search(context.Background(), audit.Query{Limit: 10000})
	if err != nil || len(list) == 0 {
		d.t.Errorf("%d records, %v", len(list), err)
	}
	// What could not be unlinked goes at the next start.
	if err := d.Stop(); err != nil {
		d.t.Error(err)
	}
	if err := d.Start(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(d.config.Data, "bodies", "*", "*"))
	if err != nil || len(left) > 0 {
		d.t.Errorf("bodies are left: %v %v", left, err)
	}
	d.t.Logf("%d days, %d deaths", days, d.deaths)
}

func (d *diskTrial) fired() int { return d.files.Failed() + d.rows.Fired() }
