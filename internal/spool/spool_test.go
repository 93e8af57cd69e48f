package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func openSpool(t *testing.T, path string, db *store.DB, k *vault.Ring) *Spool {
	t.Helper()
	dir, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, db, k, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testKeys(t testing.TB) *vault.Ring {
	t.Helper()
	k, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return vault.NewRing(k, nil)
}

func octets(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func message(id string, stored Stored) Message {
	return Message{
		ID: id, Tenant: "contoso", Kind: "inline-out", Direction: mail.Out, MessageID: "<" + id + "@x>", Received: start,
		Stored: stored, Cut: []mail.Range{{Start: 0, End: 3}}, Front: []byte("X-Postern-Checked: yes\r\n"), Bare: true,
		EightBit: true, Extra: []byte(`{"a":1}`),
		Envelope: mail.Envelope{From: "s@contoso.example", UTF8: true, To: []mail.Recipient{
			{Address: "a@x.example", Notify: mail.NotifyNever}, {Address: "held@x.example"}}},
	}
}

func take(t *testing.T, s *Spool, id string, body []byte) Message {
	t.Helper()
	stored, err := s.Store(context.Background(), id, mail.Bytes(body))
	if err != nil {
		t.Fatal(err)
	}
	m := message(id, stored)
	update(t, s.db, func(tx *store.Tx) error { return Add(tx, m) })
	return m
}

func read(s *Spool, id string) ([]byte, error) {
	b, err := s.Open(context.Background(), id)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
}

func TestTheLifeOfAMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		body := octets(200_000)
		want := take(t, s, "m1", body)
		want.State, want.Changed = Accepted, start
		update(t, db, func(tx *store.Tx) error {
			got, err := Get(tx, "m1")
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Message{})); diff != "" {
				t.Error(diff)
			}
			for _, step := range []struct {
				on   Event
				want State
			}{{Hold, Held}, {Settle, Held}, {Release, Sending}} {
				got, err := Move(tx, "m1", step.on, start.Add(time.Minute))
				if got != step.want || (err != nil) != (step.on == Settle) {
					t.Errorf("%s: %s, %v", step.on, got, err)
				}
			}
			if list, err := List(tx, Filter{Tenant: "contoso", State: Sending}); err != nil || len(list) != 1 {
				t.Errorf("%v %d", err, len(list))
			}
			return err
		})
		if got, err := read(s, "m1"); err != nil || !bytes.Equal(got, body) {
			t.Error(err)
		}
		if err := s.Erase(ctx, "m1", start); err == nil {
			t.Error("a message that is not done was erased")
		}
		update(t, db, func(tx *store.Tx) error { _, err := Move(tx, "m1", Settle, start); return err })
		if err := s.Erase(ctx, "m1", start.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if _, err := read(s, "m1"); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		update(t, db, func(tx *store.Tx) error {
			ids, err := Forget(tx, start.Add(time.Hour), 10)
			if err != nil || len(ids) != 0 {
				t.Errorf("too soon: %v %v", ids, err)
			}
			if ids, err = Forget(tx, start.Add(2*time.Hour), 10); len(ids) != 1 {
				t.Errorf("%v", ids)
			}
			return err
		})
		if _, err := read(s, "m1"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

// bodies lists the body files below path.
func bodies(t *testing.T, path string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWhatOpenFinds(t *testing.T) {
	path := t.TempDir()
	db := storetest.SQLite(t)
	k := testKeys(t)
	s := openSpool(t, path, db, k)
	take(t, s, "kept", []byte("kept"))
	lost := take(t, s, "lost", []byte("lost"))
	gone := take(t, s, "gone", []byte("gone"))
	if _, err := s.Store(context.Background(), "unowned", mail.Bytes("never answered")); err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *store.Tx) error { return markGone(tx, "gone", start) }) // and died before the unlink
	if err := os.Remove(filepath.Join(path, lost.File[:1], lost.File)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	dir, _ := durable.Open(path)
	again, err := Open(dir, db, k, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := Swept{Unowned: 1, Erased: 1, Missing: []string{"lost"}}
	if diff := cmp.Diff(want, again.Swept()); diff != "" {
		t.Error(diff)
	}
	for _, code := range []problem.Code{problem.BodyMissing, problem.BodyUnowned} {
		if !strings.Contains(log.String(), string(code)) {
			t.Errorf("%s is not in the log:\n%s", code, &log)
		}
	}
	if files := bodies(t, path); len(files) != 1 {
		t.Errorf("left: %v; %s was erased", files, gone.File)
	}
	if got, err := read(again, "kept"); err != nil || string(got) != "kept" {
		t.Error(err)
	}
	if _, err := read(again, "lost"); !errors.Is(err, ErrMissing) || Problem(err) != problem.BodyMissing {
		t.Error(err)
	}
	update(t, db, func(tx *store.Tx) error { _, err := Get(tx, "lost"); return err }) // the row is kept
}

func TestAFileThatIsAnotherMessagesIsNotGivenOut(t *testing.T) {
	path := t.TempDir()
	db := storetest.SQLite(t)
	s := openSpool(t, path, db, testKeys(t))
	a, b := take(t, s, "a", []byte("for ann")), take(t, s, "b", []byte("for bob"))
	data, err := os.ReadFile(filepath.Join(path, b.File[:1], b.File))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("bob")) {
		t.Error("the file is readable")
	}
	if err := os.WriteFile(filepath.Join(path, a.File[:1], a.File), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(s, "a"); !errors.Is(err, ErrDamaged) || Problem(err) != problem.BodyDamaged {
		t.Error(err)
	}
}

// The order of custody, killed before every single operation of disk and
// database, under every loss that a power cut could bring: what was answered
// 250 is there and readable, and what is not was never answered.
func TestEveryAcknowledgedMessageSurvivesEveryCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	k := testKeys(t)
	body := func(i int) []byte { return octets(70_000 + i) }
	// run takes three messages and erases the first; it returns what was
	// acknowledged, and stops where the process dies.
	run := func(s *Spool, f *durable.Faults) (acked []string, erased bool) {
		for i := range 3 {
			id := fmt.Sprintf("m%d", i)
			stored, err := s.Store(context.Background(), id, mail.Bytes(body(i)))
			if err != nil || f.Op("COMMIT") != nil {
				return acked, false
			}
			if err := s.db.Update(context.Background(), func(tx *store.Tx) error {
				return errors.Join(Add(tx, message(id, stored)), move2(tx, id))
			}); err != nil {
				return acked, false
			}
			if f.Op("250") != nil {
				return acked, false
			}
			acked = append(acked, id)
		}
		if f.Op("COMMIT") != nil {
			return acked, false
		}
		_ = s.Erase(context.Background(), "m0", start)
		return acked, true
	}
	check := func(t *testing.T, path string, db *store.DB, acked []string, erased bool) {
		s := openSpool(t, path, db, k)
		if len(s.Swept().Missing) > 0 {
			t.Errorf("rows without a body: %v", s.Swept().Missing)
		}
		for i, id := range acked {
			got, err := read(s, id)
			if id == "m0" && erased {
				if !errors.Is(err, ErrGone) {
					t.Errorf("%s: %v", id, err)
				}
				continue
			}
			if err != nil || !bytes.Equal(got, body(i)) {
				t.Errorf("%s was answered 250 and is lost: %v", id, err)
			}
		}
		rows := 0
		update(t, db, func(tx *store.Tx) error {
			list, err := List(tx, Filter{})
			rows = len(list)
			return err
		})
		if files := len(bodies(t, path)); files != rows {
			t.Errorf("%d files for %d rows", files, rows)
		}
	}
	total := 1000
	for n := 0; n <= total; n++ {
		var faults durable.Faults
		root := t.TempDir()
		db, err := store.Open(context.Background(), store.Config{Path: filepath.Join(root, "db")})
		if err != nil {
			t.Fatal(err)
		}
		dir, err := durable.OpenFaulty(filepath.Join(root, "spool"), &faults)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, db, k, telemetry.Discard())
		if err != nil {
			t.Fatal(err)
		}
		before := faults.Ops()
		faults.CrashAfter(before + n)
		acked, erased := run(s, &faults)
		if !faults.Crashed() {
			total = n // it came to its end: the next would be the same
		}
		losses := []durable.Loss{durable.LoseAll, durable.Losses()[n%len(durable.Losses())]}
		for i, loss := range losses {
			after := filepath.Join(root, fmt.Sprint(i))
			if err := faults.Reboot(after, loss); err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("operation %d, %s", n, loss), func(t *testing.T) { check(t, after, db, acked, erased) })
		}
		db.Close()
	}
	if total < 20 || total == 1000 {
		t.Errorf("%d operations", total)
	}
}

// move2 brings a message to its end, so that it may be erased.
func move2(tx *store.Tx, id string) error {
	_, err := Move(tx, id, Pass, start)
	if err == nil {
		_, err = Move(tx, id, Settle, start)
	}
	return err
}

// Every operation fails once: Store gives an error, a failed fsync can be
// told from the others, and the next message goes through.
func TestEveryOperationFailsOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	k := testKeys(t)
	for _, fault := range []durable.Fault{durable.IOError, durable.NoSpace, durable.ShortWrite} {
		for n := 1; ; n++ {
			var faults durable.Faults
			db := storetest.SQLite(t)
			dir, err := durable.OpenFaulty(filepath.Join(t.TempDir(), "spool"), &faults)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, db, k, telemetry.Discard())
			if err != nil {
				t.Fatal(err)
			}
			faults.FailAt(faults.Ops()+n, fault)
			_, err = s.Store(context.Background(), "m", mail.Bytes(octets(600_000)))
			failed := faults.Log()
			op := failed[min(len(failed), len(failed))-1]
			if err == nil {
				if n < 5 {
					t.Fatalf("operation %d never failed: %v", n, failed)
				}
				break
			}
			if strings.Contains(op, " sync") && !errors.Is(err, durable.ErrSync) && !strings.Contains(op, "remove") {
				t.Errorf("%s: %v is not ErrSync", op, err)
			}
			if _, err := s.Store(context.Background(), "m", mail.Bytes("next")); err != nil {
				t.Errorf("after %s: %v", op, err)
			}
		}
	}
}

func TestHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		openSpool(t, t.TempDir(), db, testKeys(t))
		update(t, db, func(tx *store.Tx) error {
			for i, a := range []string{"a@x", "b@x"} {
				p := Pending{Message: "m", Tenant: "t", Recipient: mail.Recipient{Address: mail.Address(a)}, Rules: []string{"r"},
					Since: start, Until: start.Add(time.Duration(i+1) * time.Hour), AtEnd: "refuse"}
				if err := AddPending(tx, p); err != nil {
					return err
				}
			}
			for after, want := range map[time.Time]time.Time{
				start: start.Add(time.Hour), start.Add(time.Hour): start.Add(2 * time.Hour), start.Add(2 * time.Hour): {},
			} {
				if at, err := NextDeadline(tx, after); err != nil || !at.Equal(want) {
					t.Errorf("after %v: %v %v, want %v", after, at, err, want)
				}
			}
			if list, err := Overdue(tx, start.Add(90*time.Minute), 10); err != nil || len(list) != 1 || list[0].Recipient.Address != "a@x" {
				t.Errorf("%v %+v", err, list)
			}
			for _, tenant := range []string{"", "t"} {
				if list, err := ListPending(tx, tenant, 10); err != nil || len(list) != 2 || list[0].AtEnd != "refuse" {
					t.Errorf("%v %+v", err, list)
				}
			}
			if list, err := PendingOf(tx, "m"); err != nil || len(list) != 2 {
				t.Errorf("%v %+v", err, list)
			}
			for _, want := range []struct {
				left  int
				ended bool
			}{{1, true}, {1, false}} {
				left, ended, err := EndPending(tx, "m", "a@x")
				if err != nil || left != want.left || ended != want.ended {
					t.Errorf("%d %v %v", left, ended, err)
				}
			}
			return nil
		})
	})
}

func TestRepeatsAndDeferrals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		openSpool(t, t.TempDir(), db, testKeys(t))
		key := RepeatKey("t", []mail.Address{"A@x", "b@x"}, "<id>", [32]byte{1}, "date")
		if key != RepeatKey("t", []mail.Address{"b@x", "a@x"}, "<id>", [32]byte{1}, "date") {
			t.Error("order or case of recipients makes another message")
		}
		for _, other := range []Key{
			RepeatKey("u", []mail.Address{"a@x", "b@x"}, "<id>", [32]byte{1}, "date"),
			RepeatKey("t", []mail.Address{"a@x"}, "<id>", [32]byte{1}, "date"),
			RepeatKey("t", []mail.Address{"a@x", "b@x"}, "<ie>", [32]byte{1}, "date"),
			RepeatKey("t", []mail.Address{"a@x", "b@x"}, "<id>", [32]byte{2}, "date"),
			RepeatKey("t", []mail.Address{"a@x", "b@x"}, "<id>", [32]byte{1}, "dat"),
			RepeatKey("ta@x", []mail.Address{"b@x"}, "<id>", [32]byte{1}, "date"),
		} {
			if other == key {
				t.Error("two messages share a key")
			}
		}
		update(t, db, func(tx *store.Tx) error {
			for _, text := range []string{"queued", "queued again"} {
				err := PutRepeat(tx, Repeat{Key: key, Tenant: "t", Message: "m", Reply: mail.NewReply(250, "2.6.0", text), At: start})
				if err != nil {
					return err
				}
			}
			r, found, err := FindRepeat(tx, key, start.Add(47*time.Hour))
			if err != nil || !found || r.Reply.String() != "250 2.6.0 queued again" || r.Message != "m" {
				t.Errorf("%v %v %+v", err, found, r)
			}
			if _, found, _ := FindRepeat(tx, key, start.Add(48*time.Hour)); found {
				t.Error("an answer of 48 hours ago was found")
			}
			if err := SettleRepeat(tx, key); err != nil {
				return err
			}
			if _, found, _ := FindRepeat(tx, key, start); found {
				t.Error("a settled answer was found")
			}

			var d Deferral
			for i := range 3 {
				if d.Exhausted(start.Add(time.Duration(i) * time.Minute)) {
					t.Errorf("exhausted after %d", i)
				}
				if d, err = PutDeferral(tx, key, start.Add(time.Duration(i)*time.Minute)); err != nil {
					return err
				}
			}
			if !d.Exhausted(start.Add(3 * time.Minute)) {
				t.Error("not exhausted after 3")
			}
			if once := (Deferral{1, start}); once.Exhausted(start.Add(29*time.Minute)) || !once.Exhausted(start.Add(30*time.Minute)) {
				t.Error("30 minutes")
			}
			if err := EndDeferral(tx, key); err != nil {
				return err
			}
			if d, _ = FindDeferral(tx, key, start); d.Count != 0 {
				t.Errorf("%+v", d)
			}
			if _, err = PutDeferral(tx, key, start); err != nil {
				return err
			}
			n, err := SweepRepeats(tx, start.Add(48*time.Hour))
			if n != 1 {
				t.Errorf("%d swept", n)
			}
			return err
		})
	})
}

func TestAnIntentWithoutAnOutcomeIsFoundAfterACrash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		update(t, db, func(tx *store.Tx) error {
			for _, id := range []string{"a", "b"} {
				if err := PutIntent(tx, Intent{ID: id, Tenant: "t", Record: `{"n":1}`, At: start}); err != nil {
					return err
				}
			}
			for i, there := range []bool{true, false} {
				if found, err := EndIntent(tx, "a"); err != nil || found != there {
					t.Errorf("time %d: found %v, %v", i+1, found, err)
				}
			}
			list, err := s.ReportIntents(tx, start.Add(time.Minute))
			if len(list) != 1 || list[0].ID != "b" || string(list[0].Record) != `{"n":1}` {
				t.Errorf("%+v", list)
			}
			if list, _ := OpenIntents(tx, start); len(list) != 0 {
				t.Errorf("one of this process: %+v", list)
			}
			return err
		})
	})
}

func TestLedger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		take(t, s, "m1", []byte("x"))
		take(t, s, "m2", []byte("y"))
		update(t, db, func(tx *store.Tx) error {
			for _, id := range []string{"m2", "stray"} {
				p := Pending{Message: id, Tenant: "t", Recipient: mail.Recipient{Address: "held@x.example"}, Since: start}
				if err := AddPending(tx, p); err != nil {
					return err
				}
			}
			var got []string
			err := Ledger(tx, func(message string, to, waiting []mail.Address, done bool) error {
				got = append(got, fmt.Sprintf("%s %d %d %v", message, len(to), len(waiting), done))
				return nil
			})
			if diff := cmp.Diff([]string{"m1 2 0 false", "m2 2 1 false", "stray 0 1 true"}, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
	})
}

// A bit that turned within a value of the database is noticed by no engine.
// What a delivery is made of is sealed: the message stays, and is not sent.
func TestARowThatIsNotWhatWasWrittenIsNeverSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		for id, change := range map[string]string{
			"recipient": "UPDATE message SET envelope = replace(envelope, 'held@', 'hele@') WHERE id = ?",
			"sender":    "UPDATE message SET envelope = replace(envelope, 's@contoso', 'r@contoso') WHERE id = ?",
			"rest":      "UPDATE message SET rest = replace(rest, 'out', 'oup') WHERE id = ?",
			"tenant":    "UPDATE message SET tenant = tenant || 'x' WHERE id = ?",
		} {
			take(t, s, id, []byte("Hello"))
			if _, err := read(s, id); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			update(t, db, func(tx *store.Tx) error {
				if _, err := tx.Exec(change, id); err != nil {
					return err
				}
				if m, err := Get(tx, id); err != nil || !m.changed {
					t.Errorf("%s: the change is not noticed (%v)", id, err)
				}
				if err := SetExtra(tx, id, []byte("{}")); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: sealed again: %v", id, err)
				}
				return nil
			})
			if _, err := read(s, id); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: read: %v", id, err)
			}
		}
	})
}

// A hold whose row was changed hides no other, is shown as such, and is not
// written anew.
func TestAHoldThatIsNotWhatWasWrittenIsSeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		openSpool(t, t.TempDir(), db, testKeys(t))
		changes := map[string]string{
			"deadline": "until = until - 3600000000000", "beginning": "since = since + 1", "tenant": "tenant = 'contosp'",
			"end": "data = replace(data, 'refuse', 'refusf')", "notify": "data = replace(data, 'held@', 'hele@')",
			"torn": "data = substr(data, 1, 40)", "key": "recipient = 'hele@x.example'",
		}
		update(t, db, func(tx *store.Tx) error {
			add := func(id string) {
				err := AddPending(tx, Pending{
					Message: id, Tenant: "contoso", Recipient: mail.Recipient{Address: "held@x.example"}, AtEnd: "refuse",
					Since: start, Until: start.Add(time.Hour),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			add("whole")
			for id, change := range changes {
				add(id)
				if n, err := tx.Exec("UPDATE pending SET "+change+" WHERE message = ?", id); err != nil || n != 1 {
					t.Fatalf("%s: %d rows, %v", id, n, err)
				}
			}
			list, err := Overdue(tx, start.Add(2*time.Hour), 100)
			if err != nil || len(list) != 1+len(changes) {
				t.Fatalf("%d are overdue, %v", len(list), err)
			}
			for _, p := range list {
				if p.Altered != (p.Message != "whole") {
					t.Errorf("%s: altered %v", p.Message, p.Altered)
				}
				if !p.Altered {
					continue
				}
				if err := AddPending(tx, p); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: sealed again: %v", p.Message, err)
				}
			}
			if err := Rebase(tx, start.Add(-time.Hour)); err != nil {
				t.Error(err)
			}
			list, err = ListPending(tx, "", 100)
			for _, p := range list {
				if p.Altered == p.Since.Equal(start.Add(-time.Hour)) {
					t.Errorf("%s: altered %v, since %s after the clock was set back", p.Message, p.Altered, p.Since)
				}
			}
			return err
		})
	})
}
