package policy

import (
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/goccy/go-yaml/ast"
)

// Calendar is a document that says when people work: for conditions on now,
// and for holds that count working time only.
type Calendar struct {
	ID   string `json:"id"`
	Name string `json:"-"`
	Working
}

// The functions of a time and a calendar.
const (
	funWorking = "working_hours"
	funHoliday = "holiday"
	funWeekday = "weekday"
)

func (l *loader) calendar(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "a calendar", keysOf("calendar")...)
	if !ok {
		return
	}
	c := &Calendar{Name: m.text("name")}
	c.ID, _ = l.identify(m, "calendar")
	c.Working = *r.workingOf(m, doc, 0)
	l.set.calendars[c.ID] = c
}

// named is a working time that a hold takes from a calendar. The calendar may
// stand in a file that is read later.
func (r *reader) named(n ast.Node, id string, span time.Duration) *Working {
	w := &Working{}
	r.later = append(r.later, func(calendars map[string]*Calendar) {
		c, ok := calendars[id]
		if !ok {
			r.wrong(n, "there is no calendar %q%s", id, didYouMean(id, keys(calendars)))
			return
		}
		*w = c.Working
		if !w.enough(span) {
			r.wrong(n, "so much working time would take longer than half a year")
		}
	})
	return w
}

// hours reads { fri: "09:00-12:00" }.
func (m mapping) hours(w *Working) {
	if !m.has("hours") {
		return
	}
	days, ok := m.r.mapping(m.keys["hours"], "hours", weekdays()...)
	if !ok {
		return
	}
	w.Hours = map[string][2]int{}
	for _, day := range keys(days.keys) {
		s := days.text(day)
		var from, to time.Time
		first, last, ok := cutLast(s, "-")
		from, err := time.Parse("15:04", first)
		if ok && err == nil {
			if last == "24:00" {
				to = from.Truncate(24 * time.Hour).Add(24 * time.Hour)
			} else {
				to, err = time.Parse("15:04", last)
			}
		}
		if !ok || err != nil || !from.Before(to) {
			m.r.wrong(days.keys[day], `%s must be a span of a day in quotes, such as "09:00-12:30"`, day)
			continue
		}
		midnight := from.Truncate(24 * time.Hour)
		w.Hours[day] = [2]int{int(from.Sub(midnight).Minutes()), int(to.Sub(midnight).Minutes())}
	}
}

// span is the working time of a weekday in minutes after midnight; ok is false
// on a day off.
func (w *Working) span(day string) (from, to int, ok bool) {
	if h, there := w.Hours[day]; there {
		return h[0], h[1], true
	}
	return w.From, w.To, contains(w.Days, day)
}

// enough reports whether half a year holds so much working time.
func (w *Working) enough(span time.Duration) bool {
	week := time.Duration(0)
	for _, day := range weekdays() {
		if from, to, ok := w.span(day); ok {
			week += time.Duration(to-from) * time.Minute
		}
	}
	return week*mostWeeks >= span
}

// Holds reports whether t is in working time.
func (w *Working) Holds(t time.Time) bool {
	local := w.local(t)
	from, to, ok := w.span(weekdays()[local.Weekday()])
	minute := local.Hour()*60 + local.Minute()
	return ok && w.on(local) && minute >= from && minute < to
}

func (w *Working) local(t time.Time) time.Time {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil { // it was there when the policy was read
		zone = time.UTC
	}
	return t.In(zone)
}

// calendarOptions are the functions now.working_hours("office"),
// now.holiday("office") and now.weekday("office").
func (l *language) calendarOptions() []cel.EnvOption {
	function := func(name string, out *types.Type, do func(w *Working, t time.Time) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("time_"+name, []*types.Type{types.TimestampType, types.StringType}, out,
			cel.BinaryBinding(func(t, id ref.Val) ref.Val {
				c, ok := l.calendars[string(id.(types.String))]
				if !ok {
					return unknownValue("the calendar")
				}
				return do(&c.Working, t.(types.Timestamp).Time)
			})))
	}
	return []cel.EnvOption{
		function(funWorking, types.BoolType, func(w *Working, t time.Time) ref.Val { return types.Bool(w.Holds(t)) }),
		function(funHoliday, types.BoolType, func(w *Working, t time.Time) ref.Val {
			return types.Bool(contains(w.Holidays, w.local(t).Format(time.DateOnly)))
		}),
		function(funWeekday, types.StringType, func(w *Working, t time.Time) ref.Val {
			return types.String(weekdays()[w.local(t).Weekday()])
		}),
	}
}
