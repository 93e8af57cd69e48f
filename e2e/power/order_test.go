//go:build e2e

package power

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"postern.dev/postern/internal/audit"
)

// log answers questions about the order of the calls.
type log struct {
	calls []Call
	home  string
}

// after is the first call that begins after a place and is asked for.
func (l log) after(place int, is func(Call) bool) (Call, bool) {
	for _, c := range l.calls {
		if c.Begin > place && is(c) {
			return c, true
		}
	}
	return Call{}, false
}

func syncOf(path string) func(Call) bool {
	return func(c Call) bool { return (c.Name == "fsync" || c.Name == "fdatasync") && c.On == path }
}

// commit is when the write-ahead log was synced after it named a message for
// the first time.
func (l log) commit(id string) (wrote, synced Call, ok bool) {
	wal := filepath.Join(l.home, "data/postern.db-wal")
	wrote, ok = l.after(-1, func(c Call) bool {
		return c.Name == "pwrite64" && c.On == wal && bytes.Contains(c.Data, []byte(id))
	})
	if !ok {
		return wrote, synced, false
	}
	synced, ok = l.after(wrote.End, syncOf(wal))
	return wrote, synced, ok
}

// syncedBefore reads from the calls of every message that the order is the
// one of ARCHITECTURE.md: body, rename, folder, row, and only then the 250;
// and for what is cut through the intent before the first octet goes on.
func (r *recording) syncedBefore(t *testing.T) {
	l := log{r.calls, r.home}
	found := r.at(t, r.campaign(t), r.next, Cuts(0, 0)[1])
	for _, w := range found.Wrong {
		t.Error(w)
	}
	custody, through := 0, 0
	for _, f := range r.facts {
		switch m := found.Records[f.Token]; {
		case f.Kind == "promised":
			custody++
			l.custody(t, f, found.Rows[f.ID].File)
		case f.Kind == "onward" && m.Way == audit.CutThrough:
			through++
			if _, synced, ok := l.commit(m.ID); !ok || synced.End > f.At {
				t.Errorf("%s went on at %d; its intent was synced at %d", f.Token, f.At, synced.End)
			}
		}
	}
	t.Logf("%d messages in custody and %d cut through were synced before", custody, through)
	if custody < 10 || through < 4 {
		t.Error("that is too few")
	}
}

// custody checks the five steps of one message.
func (l log) custody(t *testing.T, f Fact, body string) {
	t.Helper()
	moved, ok := l.after(-1, func(c Call) bool {
		return strings.HasPrefix(c.Name, "rename") && filepath.Base(c.Paths[1]) == body
	})
	if !ok || body == "" {
		t.Errorf("%s: no rename to %q", f.Token, body)
		return
	}
	temp, dir := moved.Paths[0], filepath.Dir(moved.Paths[1])
	var wrote int
	for _, c := range l.calls {
		if c.Name == "write" && c.On == temp {
			wrote = c.End
		}
	}
	data, okData := l.after(wrote, syncOf(temp))
	folder, okFolder := l.after(moved.End, syncOf(dir))
	row, wal, okRow := l.commit(f.ID)
	if !okData || !okFolder || !okRow || wrote == 0 {
		t.Errorf("%s: syncs are missing: body %v, folder %v, log %v", f.Token, okData, okFolder, okRow)
		return
	}
	for _, step := range []struct {
		name          string
		before, after int
	}{
		{"the body is synced before it gets its name", data.End, moved.Begin},
		{"the folder is synced before the row is written", folder.End, row.Begin},
		{"the write-ahead log is synced before the 250", wal.End, f.At},
	} {
		if step.before >= step.after {
			t.Errorf("%s: not so: %s (%d, %d)", f.Token, step.name, step.before, step.after)
		}
	}
}

// rowBeforeUnlink cuts the power just before bodies are unlinked, and loses
// all that is not synced: the row must say already that the octets are gone.
func (r *recording) rowBeforeUnlink(t *testing.T) {
	name := regexp.MustCompile(`/data/bodies/[0-9a-f]/[0-9a-f]{32}$`)
	c := r.campaign(t)
	checked, seen := 0, 0
	for _, call := range r.calls {
		if !strings.HasPrefix(call.Name, "unlink") || !name.MatchString(call.Paths[0]) {
			continue
		}
		if seen++; seen%4 != 1 && !long() {
			continue
		}
		checked++
		gone := false
		for _, row := range r.at(t, c, call.Begin, Cuts(0, 0)[0]).Rows {
			gone = gone || row.File == filepath.Base(call.Paths[0]) && row.Gone
		}
		if !gone {
			t.Errorf("%s is unlinked before its row durably says so", call.Paths[0])
		}
	}
	t.Logf("%d of %d deletions looked at", checked, seen)
	if checked < 3 {
		t.Error("that is too few")
	}
}
