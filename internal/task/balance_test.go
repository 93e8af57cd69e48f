package task

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// ledger is the other side of the books: one message.
func ledger(message string, done bool, accepted ...mail.Address) Ledger {
	return func(tx *store.Tx, row func(string, []mail.Address, []mail.Address, bool) error) error {
		var waiting []mail.Address
		for _, a := range accepted {
			if strings.HasPrefix(string(a), "held") {
				waiting = append(waiting, a)
			}
		}
		return row(message, accepted, waiting, done)
	}
}

func TestBalance(t *testing.T) {
	put := func(to string, fate Fate, told string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			_, err := Put(tx, Record{Message: "m", Tenant: "t", Recipient: mail.Address(to), Kind: Return, Fate: fate, Told: told, At: start})
			return err
		}
	}
	add := func(id string, kind Kind, list ...string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return Add(tx, Task{ID: id, Message: "m", Tenant: "t", Kind: kind, Recipients: to(list...)})
		}
	}
	tests := []struct {
		name     string
		do       []func(tx *store.Tx) error
		accepted []mail.Address
		done     bool
		want     Sum
		line     string
	}{
		{"every recipient has one place", []func(tx *store.Tx) error{
			put("a", Delivered, ""), add("1", Return, "b"), put("c", Refused, "r"), add("r", Report, "s"),
			put("d", Redirected, ""), add("2", Copy, "x"), put("e", Bounced, Silent)},
			[]mail.Address{"a", "b", "c", "d", "e", "held"}, false,
			Sum{Messages: 1, In: 6, Delivered: 1, Refused: 1, Failed: 1, Redirected: 1, Open: 1, Held: 1, Reported: 1, Silent: 1}, ""},
		{"a recipient named twice is one", []func(tx *store.Tx) error{put("a", Delivered, "")},
			[]mail.Address{"a", "a"}, true, Sum{Messages: 1, In: 1, Delivered: 1}, ""},
		{"a lost recipient is named by number", []func(tx *store.Tx) error{put("a", Delivered, "")},
			[]mail.Address{"a", "b"}, false, Sum{Messages: 1, In: 2, Delivered: 1}, "recipient 2 is lost"},
		{"an outcome beside an open task is one too many", []func(tx *store.Tx) error{put("a", Delivered, ""), add("1", Return, "a")},
			[]mail.Address{"a"}, false, Sum{Messages: 1, In: 1, Delivered: 1, Open: 1}, "counted 2 times"},
		{"a hold beside an open task is one too many", []func(tx *store.Tx) error{add("1", Return, "held")},
			[]mail.Address{"held"}, false, Sum{Messages: 1, In: 1, Open: 1, Held: 1}, "counted 2 times"},
		{"two tasks for one recipient are one too many", []func(tx *store.Tx) error{add("1", Return, "a"), add("2", Secure, "a")},
			[]mail.Address{"a"}, false, Sum{Messages: 1, In: 1, Open: 2}, "counted 2 times"},
		{"a refusal must be reported", []func(tx *store.Tx) error{put("a", Refused, "")},
			[]mail.Address{"a"}, true, Sum{Messages: 1, In: 1, Refused: 1}, "its sender is not told"},
		{"a report that does not exist is none", []func(tx *store.Tx) error{put("a", Refused, "r")},
			[]mail.Address{"a"}, true, Sum{Messages: 1, In: 1, Refused: 1}, "its sender is not told"},
		{"done with an open task", []func(tx *store.Tx) error{add("1", Return, "a")},
			[]mail.Address{"a"}, true, Sum{Messages: 1, In: 1, Open: 1}, "called done with 1 open tasks"},
		{"an outcome for a stranger", []func(tx *store.Tx) error{put("a", Delivered, ""), put("z", Delivered, "")},
			[]mail.Address{"a"}, true, Sum{Messages: 1, In: 1, Delivered: 1}, "never accepted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := storetest.SQLite(t)
			if err := Migrate(context.Background(), db); err != nil {
				t.Fatal(err)
			}
			err := db.Update(context.Background(), func(tx *store.Tx) error {
				for _, do := range tt.do {
					if err := do(tx); err != nil {
						return err
					}
				}
				sum, lines, err := Balance(tx, ledger("m", tt.done, tt.accepted...))
				if diff := cmp.Diff(tt.want, sum); diff != "" {
					t.Error(diff)
				}
				if got := strings.Join(lines, "\n"); !strings.Contains(got, tt.line) || (tt.line == "") != (got == "") {
					t.Errorf("lines %q, want %q", got, tt.line)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestARecipientHasOneOutcomeAndTheFirstCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := Migrate(context.Background(), db); err != nil {
			t.Fatal(err)
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			r := Record{Message: "m", Tenant: "t", Recipient: "a", Kind: Return, Task: "1", Fate: Delivered, At: start,
				Reply: mail.NewReply(250, "2.0.0", "caf\xe9\x00")}
			first, err := Put(tx, r)
			if err != nil || !first {
				t.Errorf("first: %v %v", first, err)
			}
			r.Fate, r.Task = Bounced, "2"
			if first, err = Put(tx, r); err != nil || first {
				t.Errorf("second: %v %v", first, err)
			}
			// Two reports to one sender are two.
			for _, id := range []string{"r1", "r2", "r2"} {
				r.Kind, r.Task, r.Recipient = Report, id, "s"
				if _, err := Put(tx, r); err != nil {
					return err
				}
			}
			list, err := Outcomes(tx, "m")
			if len(list) != 3 || list[0].Fate != Delivered {
				t.Errorf("%+v", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestTasksComeBackAsTheyWerePlanned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := Migrate(context.Background(), db); err != nil {
			t.Fatal(err)
		}
		want := Task{
			ID: "1", Message: "m", Tenant: "t", Kind: Return, Hop: "exchange", From: "s@x.example", Payload: []byte(`{"a":1}`),
			Recipients: []mail.Recipient{{Address: "a@b.example", Notify: mail.NotifyFailure, ORcpt: "rfc822;a@b.example"}},
			Due:        start, Attempts: 2, FirstTried: start, GiveUpAt: start.Add(time.Hour), Stuck: "P301", Held: true, Last: "451 x",
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			if err := Add(tx, want); err != nil {
				return err
			}
			list, err := Of(tx, "m")
			if len(list) == 1 {
				if diff := cmp.Diff(want, list[0], cmp.AllowUnexported(Task{})); diff != "" {
					t.Error(diff)
				}
			} else {
				t.Errorf("%d tasks", len(list))
			}
			if n, _ := Open(tx, "m"); n != 1 {
				t.Errorf("%d open", n)
			}
			if err := Forget(tx, "m"); err == nil {
				t.Error("a message with an open task was forgotten")
			}
			for _, f := range []Filter{{Tenant: "x"}, {Kind: Report}, {Message: "n"}, {After: "1"}} {
				if list, _ := List(tx, f); len(list) != 0 {
					t.Errorf("%+v finds %d", f, len(list))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(context.Background(), func(tx *store.Tx) error { return Add(tx, Task{Message: "m", Tenant: "t"}) })
		if err == nil {
			t.Error("a task without recipients was planned")
		}
	})
}

// The line, the leases and their tokens on both engines.
func TestLeases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := Migrate(ctx, db); err != nil {
			t.Fatal(err)
		}
		r := NewRunner(Config{DB: db, Door: func(ctx context.Context, task Task) []Result { return everyone(task, Done{}) }})
		err := db.Update(ctx, func(tx *store.Tx) error {
			for _, id := range []string{"a1", "a2", "a3", "b1"} {
				task := Task{ID: id, Message: id, Tenant: "t", Hop: id[:1], Kind: Return, Recipients: to("x", "y"), Due: start}
				if err := Add(tx, task); err != nil {
					return err
				}
			}
			due, _, err := lineAt(tx, start)
			got := ""
			for _, c := range due {
				got += c.id + " "
			}
			if got != "a1 b1 a2 a3 " {
				t.Errorf("order %q", got)
			}
			if _, next, _ := lineAt(tx, start.Add(-time.Second)); !next.Equal(start) {
				t.Errorf("next due %v", next)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var first, second []Task
		lease := func(into *[]Task, at time.Time) {
			err := db.Update(ctx, func(tx *store.Tx) (err error) {
				*into, err = r.lease(tx, []candidate{{id: "a1"}}, at)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		lease(&first, start)
		lease(&second, start.Add(10*time.Minute))
		if len(first) != 1 || len(second) != 0 {
			t.Fatalf("leased %d and %d times", len(first), len(second))
		}
		lease(&second, start.Add(2*time.Hour)) // the lease is over
		if len(second) != 1 || second[0].Attempts != 2 || !second[0].FirstTried.Equal(start) {
			t.Fatalf("%+v", second)
		}
		r.write(ctx, first[0], everyone(first[0], Failed{Why: "late"}))
		r.write(ctx, second[0], []Result{{"x", Done{}}, {"y", Stuck{Problem: "P301"}}})
		err = db.Update(ctx, func(tx *store.Tx) error {
			out, err := Outcomes(tx, "a1")
			if len(out) != 1 || out[0].Fate != Delivered {
				t.Errorf("%+v", out)
			}
			rest, err2 := Of(tx, "a1")
			if err2 != nil || len(rest) != 1 || rest[0].Stuck != "P301" || !rest[0].Leased.IsZero() {
				t.Errorf("%v %+v", err2, rest)
			}
			open, stuck, err3 := countTasks(tx)
			if err3 != nil || open != 4 || stuck["P301"] != 1 {
				t.Errorf("%v %d %v", err3, open, stuck)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
