package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

func TestAClockThatWasSetIsNoticed(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name        string
		last, until time.Time
		pause       time.Duration
		code        problem.Code
	}{
		{"the first start", time.Time{}, time.Time{}, 0, ""},
		{"a start after a minute", now.Add(-time.Minute), time.Time{}, 0, ""},
		{"a leap second back", now.Add(time.Second), time.Time{}, 0, ""},
		{"another node is five minutes ahead", now.Add(5 * time.Minute), time.Time{}, 0, ""},
		{"another node is five minutes behind", now.Add(-5 * time.Minute), time.Time{}, 0, ""},
		{"an hour back", now.Add(time.Hour), time.Time{}, 0, problem.ClockBack},
		{"a day ahead", now.Add(-24 * time.Hour), time.Time{}, calm, problem.ClockAhead},
		{"ten years ahead", now.AddDate(-10, 0, 0), time.Time{}, calm, problem.ClockAhead},
		{"started again within the pause", now.Add(-time.Minute), now.Add(7 * time.Hour), 7 * time.Hour, ""},
		{"the pause is over", now.Add(-time.Minute), now.Add(-time.Hour), 0, ""},
		{"a pause of a clock that was years ahead", now.AddDate(10, 0, 0), now.AddDate(10, 0, 1), 0, problem.ClockBack},
	} {
		pause, code := read(test.last, test.until, now)
		want := time.Time{}
		if test.pause > 0 {
			want = now.Add(test.pause)
		}
		if !pause.Equal(want) || code != test.code {
			t.Errorf("%s: %v %q", test.name, pause, code)
		}
	}
	for _, test := range []struct {
		name         string
		wall, really time.Duration
		code         problem.Code
	}{
		{"nothing", 15 * time.Second, 15 * time.Second, ""},
		{"slewed", 15 * time.Second, 16 * time.Second, ""},
		{"an hour back", -time.Hour, 15 * time.Second, problem.ClockBack},
		{"a day ahead", 24 * time.Hour, 15 * time.Second, problem.ClockAhead},
		{"summer time, set by hand", time.Hour, time.Second, ""},
	} {
		if code := moved(test.wall, test.really); code != test.code {
			t.Errorf("while it runs, %s: %q", test.name, code)
		}
	}
}

// set is what the rows would hold if the clock had been off by d when they
// were written.
func (d *diskTrial) set(off time.Duration) {
	err := d.App.DB.Update(d.t.Context(), func(tx *store.Tx) error {
		for _, line := range []string{"UPDATE clock SET last = last + ?", "UPDATE task SET due = due + ?, give_up = give_up + ?"} {
			if _, err := tx.Exec(line, []any{int64(off), int64(off)}[:strings.Count(line, "?")]...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *diskTrial) said(code problem.Code) bool {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	return strings.Contains(d.log.String(), "code="+string(code))
}

func (d *diskTrial) held() int {
	ans, err := d.App.Do(d.t.Context(), "held-list", Call{}, "admin")
	if err != nil {
		d.t.Fatal(err)
	}
	return len(ans.Held)
}

func (d *diskTrial) submit(subject, text string) {
	_, err := d.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, message(subject, text), fakeexchange.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.wait(3 * time.Second)
}

// A machine that starts with a clock ten years ahead must not end what waits
// for a person, before anybody could notice.
func TestAHoldDoesNotEndBecauseTheClockLeaped(t *testing.T) {
	for name, leap := range map[string]time.Duration{"ten years": 10 * 365 * 24 * time.Hour, "21 days": 21 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiskTrial(t)
				defer func() { _ = d.Close() }()
				d.submit("account", "IBAN DE89 3704 0044 0532 0130 00")
				if err := d.Stop(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(leap)
				for range 2 { // the second start within the pause changes nothing
					if err := d.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					d.wait(3 * time.Hour)
					if d.held() != 1 || !d.said(problem.ClockAhead) {
						t.Errorf("%d wait; said: %v", d.held(), d.said(problem.ClockAhead))
					}
					if err := d.Stop(); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.wait(24 * time.Hour)
				if d.held() != 0 {
					t.Error("a day later the deadline was not carried out")
				}
			})
		})
	}
}

// What was planned by a clock that was ahead is not late by the difference.
func TestARetryIsNotLateBecauseTheClockWasSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Hour, 10 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := newDiskTrial(t)
			defer func() { _ = d.Close() }()
			d.submit("cards", "visa card 4539 1488 0343 6467") // its report is tried
			d.Exchange.Inject(fakeexchange.Fault{Side: "inbound", Stage: "mail", Drop: true, Times: -1})
			d.submit("more-cards", "visa card 4539 1488 0343 6467")
			d.set(back)
			d.Exchange.ClearFaults()
			if err := d.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.wait(2 * time.Hour)
			if n := d.mailbox("more-cards"); n != 1 || !d.said(problem.ClockBack) {
				t.Errorf("%d reports after two hours; said: %v", n, d.said(problem.ClockBack))
			}
		})
	}
}
