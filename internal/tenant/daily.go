package tenant

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Daily is a moment of some days of the week, where the tenant is. The zero
// Daily is never.
type Daily struct {
	minute int // after midnight
	days   [7]bool
	zone   *time.Location
}

// weekdays are the days as files write them, in the order of time.Weekday.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// Around returns the last moment that is not after now, and the next one; both
// are zero when there is none. A time that a change of the clocks leaves out
// is an hour away from it; one that comes twice counts once.
func (d Daily) Around(now time.Time) (last, next time.Time) {
	if d.days == [7]bool{} {
		return last, next
	}
	for back := -1; last.IsZero(); back++ {
		if at, ok := d.on(now, -back); ok && !at.After(now) {
			last = at
		}
	}
	for ahead := -1; next.IsZero(); ahead++ {
		if at, ok := d.on(now, ahead); ok && at.After(now) {
			next = at
		}
	}
	return last, next
}

// on is the moment of the day that is some days after today.
func (d Daily) on(now time.Time, days int) (at time.Time, ok bool) {
	year, month, day := now.In(d.zone).Date()
	noon := time.Date(year, month, day+days, 12, 0, 0, 0, d.zone) // the clocks never change at noon
	return time.Date(year, month, day+days, 0, d.minute, 0, 0, d.zone), d.days[noon.Weekday()]
}

// digest reads when people are told what was kept back for them.
func (b *builder) digest(t *Tenant, c Config) {
	s := c.Notices.Digest
	at, err := time.Parse("15:04", cmp.Or(s.At, "08:00"))
	if err != nil {
		b.add(fmt.Sprintf("%q is no time of day", s.At), "write for example \"08:00\"", "notices", "digest", "at")
	}
	days := s.Days
	if len(days) == 0 {
		days = weekdays()
	}
	d := Daily{minute: 60*at.Hour() + at.Minute(), zone: t.Zone}
	for _, name := range days {
		i := slices.Index(weekdays(), name)
		if i < 0 {
			b.add(fmt.Sprintf("%q is no day", name), "write mon, tue, wed, thu, fri, sat or sun", "notices", "digest", "days")
			continue
		}
		d.days[i] = true
	}
	if !s.Off {
		t.Digest = d
	}
}
