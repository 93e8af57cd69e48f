package policy

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the binary knows time zones on a machine that does not

	"github.com/goccy/go-yaml/ast"
)

// Working is the time in which people work: the time of a hold counts only
// there. The zero value is Monday to Friday, nine to five, UTC.
type Working struct {
	// Days are mon to sun.
	Days []string `json:"days"`
	// From and To are minutes after midnight.
	From int `json:"from"`
	To   int `json:"to"`
	// Zone is a name of the time zone database.
	Zone string `json:"zone"`
	// Holidays are dates, "2026-12-25".
	Holidays []string `json:"holidays,omitempty"`
	// Hours are those of single days, in the place of From and To.
	Hours map[string][2]int `json:"hours,omitempty"`
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// mostWeeks bounds how long a hold in working time takes.
const mostWeeks = 26

// working reads { days: [mon, tue], from: "09:00", to: "17:00", … }, or the
// name of a calendar.
func (r *reader) working(n ast.Node, span time.Duration) *Working {
	if id, ok := text(n); ok {
		return r.named(n, id, span)
	}
	m, ok := r.mapping(n, "working", parameterKeys(workingParameters())...)
	if !ok {
		return nil
	}
	return r.workingOf(m, n, span)
}

func (r *reader) workingOf(m mapping, n ast.Node, span time.Duration) *Working {
	w := &Working{From: 9 * 60, To: 17 * 60, Zone: "UTC", Days: plain(m.texts("days"))}
	if !m.has("days") {
		w.Days = []string{"mon", "tue", "wed", "thu", "fri"}
	}
	for _, p := range m.texts("days") {
		if !contains(weekdays(), p.text) {
			r.wrong(p.node, "%q is not a day (mon, tue, wed, thu, fri, sat, sun)%s", p.text, didYouMean(p.text, weekdays()))
		}
	}
	for key, to := range map[string]*int{"from": &w.From, "to": &w.To} {
		if m.has(key) {
			*to = m.clock(key)
		}
	}
	if w.From >= w.To {
		r.wrong(n, "working time ends after it begins")
	}
	if zone := m.text("zone"); zone != "" {
		w.Zone = zone
	}
	if _, err := time.LoadLocation(w.Zone); err != nil || strings.EqualFold(w.Zone, "local") {
		r.wrong(m.keys["zone"], "%q is not a time zone such as Europe/Amsterdam", w.Zone)
	}
	for _, p := range m.texts("holidays") {
		if _, err := time.Parse(time.DateOnly, p.text); err != nil {
			r.wrong(p.node, "%q is not a date such as 2026-12-25", p.text)
		}
		w.Holidays = append(w.Holidays, p.text)
	}
	slices.Sort(w.Holidays)
	slices.Sort(w.Days)
	w.Days = slices.Compact(w.Days)
	m.hours(w)
	if w.To > w.From && !w.enough(span) {
		r.wrong(n, "so much working time would take longer than half a year")
	}
	return w
}

// clock reads a time of day in minutes.
func (m mapping) clock(key string) int {
	s, _ := text(m.keys[key])
	if s == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		m.r.wrong(m.keys[key], `%s must be a time of day in quotes, such as "09:00"`, key)
	}
	return t.Hour()*60 + t.Minute()
}

// After is the moment at which so much working time has gone by. Days on
// which the clocks change count as long as they really are.
func (w *Working) After(start time.Time, d time.Duration) time.Time {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil { // it was there when the policy was read
		zone = time.UTC
	}
	local := start.In(zone)
	for day := range mostWeeks*7 + len(w.Holidays) + 14 {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, zone)
		if !w.on(date) {
			continue
		}
		at := func(minutes int) time.Time {
			return time.Date(date.Year(), date.Month(), date.Day(), 0, minutes, 0, 0, zone)
		}
		begin, end, _ := w.span(weekdays()[date.Weekday()])
		from, to := at(begin), at(end)
		if from.Before(start) {
			from = start
		}
		if !from.Before(to) {
			continue
		}
		if d <= to.Sub(from) {
			return from.Add(d).In(start.Location())
		}
		d -= to.Sub(from)
	}
	return start.AddDate(0, 0, mostWeeks*7)
}

func (w *Working) on(date time.Time) bool {
	_, _, ok := w.span(weekdays()[date.Weekday()])
	return ok && !slices.Contains(w.Holidays, date.Format(time.DateOnly))
}
