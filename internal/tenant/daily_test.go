package tenant

import (
	"testing"
	"time"
)

func TestADailyMomentIsWhereTheTenantIs(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	every := [7]bool{true, true, true, true, true, true, true}
	weekday := [7]bool{false, true, true, true, true, true, false}
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name            string
		d               Daily
		now, last, next string
	}{
		{"before it", Daily{8 * 60, every, berlin}, "2026-11-24T06:59:59Z", "2026-11-23T07:00:00Z", "2026-11-24T07:00:00Z"},
		{"at it", Daily{8 * 60, every, berlin}, "2026-11-24T07:00:00Z", "2026-11-24T07:00:00Z", "2026-11-25T07:00:00Z"},
		{"another day there", Daily{30, every, berlin}, "2026-11-23T23:40:00Z", "2026-11-23T23:30:00Z", "2026-11-24T23:30:00Z"},
		{"over a weekend", Daily{8 * 60, weekday, berlin}, "2026-11-22T12:00:00Z", "2026-11-20T07:00:00Z", "2026-11-23T07:00:00Z"},
		{"one day of the week", Daily{0, [7]bool{true}, time.UTC}, "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"the clocks go forward", Daily{8 * 60, every, berlin}, "2026-03-28T12:00:00Z", "2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"},
		{"and back", Daily{8 * 60, every, berlin}, "2026-10-25T06:30:00Z", "2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"},
	} {
		last, next := c.d.Around(at(c.now))
		if !last.Equal(at(c.last)) || !next.Equal(at(c.next)) {
			t.Errorf("%s: %s and %s", c.name, last.UTC(), next.UTC())
		}
	}
	// An hour that is not there, or is there twice: once a day all the same.
	for _, day := range []string{"2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"} {
		d, seen := Daily{2*60 + 30, every, berlin}, map[time.Time]bool{}
		for now := at(day).Add(-12 * time.Hour); now.Before(at(day).Add(36 * time.Hour)); now = now.Add(time.Minute) {
			last, next := d.Around(now)
			if !next.After(last) || next.After(now.Add(26*time.Hour)) {
				t.Fatal(now, last, next)
			}
			seen[last] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s: %v", day, seen)
		}
	}
	if last, next := (Daily{}).Around(time.Now()); !last.IsZero() || !next.IsZero() {
		t.Error(last, next)
	}
}
