package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/vault"
)

// What is pinned, and what cannot be ended, must not stand in front of all
// others whose octets have been kept for long enough.
func TestTheClockOfOctetsComesToEverybody(t *testing.T) {
	if testing.Short() {
		t.Skip("many holds, and nothing that runs at the same time")
	}
	w := newWorld(t, &script{})
	ids := w.keep(t, endsAtOnce+3, nil)
	for _, id := range ids[:endsAtOnce] {
		if _, err := w.g.Handle(t.Context(), Deed{Message: id, Act: quarantine.PinIt, Person: root(), Text: "case 7"}); err != nil {
			t.Fatal(err)
		}
	}
	w.change(t, "DELETE FROM audit_message WHERE id = ?", ids[endsAtOnce])
	n, err := w.g.EndHolds(t.Context(), "contoso", time.Now().Add(time.Hour))
	if n != 2 || err == nil || !strings.Contains(err.Error(), ids[endsAtOnce]) {
		t.Errorf("%d of 2 ended: %v", n, err)
	}
	if s := w.outcomes(t, ids); s["held"] != endsAtOnce+1 || s["sent"] != 0 {
		t.Errorf("%v", s)
	}
}

// A recipient who asks for a mail that only administrators decide about is told
// that he was heard (T18).
func TestWhoAsksAdministratorsForAMailIsTold(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 1, func(h *policy.Hold) {
		h.Approvers, h.Recipient = nil, []policy.Right{policy.RightSee, policy.RightRequest}
	})
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		h, _, err := quarantine.Find(tx, ids[0], "r0@fabrikam.example")
		h.Aliases = []mail.Address{"dora@contoso.example"}
		return errors.Join(err, quarantine.Put(tx, h))
	})
	if err != nil {
		t.Fatal(err)
	}
	dora := quarantine.Person{Tenant: "contoso", Address: "dora@contoso.example", By: quarantine.ByDevice}
	if n, err := w.g.Handle(t.Context(), Deed{Message: ids[0], Act: quarantine.Request, Person: dora, Text: "I wait for it"}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	told := 0
	err = w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		list, err := task.List(tx, task.Filter{Message: ids[0], Kind: task.Notice})
		for _, k := range list {
			if k.Recipients[0].Address == "r0@fabrikam.example" && strings.Contains(string(k.Payload), string(letterAsked)) {
				told++
			}
		}
		return err
	})
	if told != 1 || err != nil {
		t.Errorf("the recipient was told %d times: %v", told, err)
	}
}

// meanwhile looks, and somebody does something while it does.
type meanwhile struct {
	once sync.Once
	do   func()
}

func (m *meanwhile) Look(context.Context, *mail.Message, look.Options) detect.Report {
	m.once.Do(m.do)
	return detect.Report{}
}

// A deadline that lets a message go looks into it once more. Who pins it or
// decides about it in that time has the last word, and no fault is alarmed.
func TestADeadlineThatSomebodyOvertakesLeavesNothingBehind(t *testing.T) {
	for name, do := range map[string]func(w *world, id string) error{
		"pinned": func(w *world, id string) error {
			_, err := w.g.Handle(t.Context(), Deed{Message: id, Act: quarantine.PinIt, Person: root(), Text: "case 7"})
			return err
		},
		"rejected": func(w *world, id string) error {
			_, err := w.g.Decide(t.Context(), Decision{Message: id, Act: quarantine.Reject, Person: root()})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &script{})
			var log bytes.Buffer
			w.g.Log = slog.New(slog.NewTextHandler(&log, nil))
			ids := w.keep(t, 1, func(h *policy.Hold) { h.For, h.Then = time.Nanosecond, policy.EndRelease })
			w.g.Look = &meanwhile{do: func() {
				if err := do(w, ids[0]); err != nil {
					t.Error(err)
				}
			}}
			w.g.tendOnce(t.Context())
			if n := w.outcomes(t, ids); n["sent"] != 0 {
				t.Errorf("%v", n)
			}
			if strings.Contains(log.String(), string(problem.LateWrite)) {
				t.Errorf("an alarm: %s", log.String())
			}
			err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
				h, _, err := quarantine.Find(tx, ids[0], "r0@fabrikam.example")
				list, err2 := spool.PendingOf(tx, ids[0])
				if name == "pinned" && (h.Pinned == nil || !h.Until.IsZero() || len(list) != 1 || !list[0].Until.IsZero()) {
					t.Errorf("what is pinned has a deadline: %s, %+v", h.Until, list)
				}
				return errors.Join(err, err2)
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// emptied makes room on a disk as soon as something is logged.
type emptied struct {
	slog.Handler
	disk *storetest.Disk
}

func (e emptied) Handle(context.Context, slog.Record) error {
	e.disk.Fill(false)
	return nil
}

// A store that is full for a while stops a bulk decision; it leaves nothing out.
func TestAFullStoreLeavesNothingOutOfABulkDecision(t *testing.T) {
	folder := t.TempDir()
	disk := storetest.NewDisk(t, folder)
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(folder, "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir, err := durable.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, &script{}, dir, db, keys)
	ids := w.keep(t, 5, nil)
	w.beginBulk(t, true, len(ids))
	if _, err := w.g.lookAhead(t.Context(), "b1", 2); err != nil { // reading needs no room from now on
		t.Fatal(err)
	}
	disk.Fill(true)
	w.g.Log = slog.New(emptied{slog.NewTextHandler(io.Discard, nil), disk}) // that a hold is left out is logged just before
	for range 3 {
		if b, over, err := w.g.BulkStep(t.Context(), "b1", 2); err == nil {
			t.Fatalf("the store is full: %+v %t", b, over)
		}
	}
	disk.Fill(false)
	var b quarantine.Bulk
	for over := false; !over; {
		if b, over, err = w.g.BulkStep(t.Context(), "b1", 2); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.outcomes(t, ids); b.Done != 5 || b.Skipped != 0 || n["sent"] != 5 {
		t.Errorf("%+v %v", b, n)
	}
}
