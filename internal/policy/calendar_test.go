package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const calendarText = `kind: calendar
id: office
name: The office in Utrecht
zone: Europe/Amsterdam
from: "08:30"
to: "17:30"
hours: { fri: "09:00-12:00", sat: "10:00-24:00" }
holidays: ["2026-12-25"]
---
`

func TestCalendars(t *testing.T) {
	t.Parallel()
	s := load(t, calendarText+policyText("a", ModeEnforce, `!now.working_hours("office")`, "block")+"---\n"+
		policyText("b", ModeEnforce, `now.holiday("office") && now.weekday("office") == "fri"`, "notify"))
	for _, tt := range []struct {
		name, at string
		works    bool
	}{
		{"before the day begins", "2026-11-23T07:29:00Z", false},
		{"as the day begins", "2026-11-23T07:30:00Z", true},
		{"before the day ends", "2026-11-23T16:29:59Z", true},
		{"as the day ends", "2026-11-23T16:30:00Z", false},
		{"in summer an hour earlier", "2026-07-06T06:30:00Z", true},
		{"on Friday before noon", "2026-11-27T10:59:00Z", true},
		{"on Friday after noon", "2026-11-27T11:00:00Z", false},
		{"on Saturday until midnight", "2026-11-28T22:59:00Z", true},
		{"on Sunday", "2026-11-29T11:00:00Z", false},
		{"on Christmas, a Friday", "2026-12-25T10:00:00Z", false},
	} {
		f := facts()
		f.Now, _ = time.Parse(time.RFC3339, tt.at)
		r := Decide(s, f, nil).Recipients[0]
		if works := r.Action != Block; works != tt.works || r.Notify || len(r.Unknown) > 0 {
			t.Errorf("%s: %+v", tt.name, r)
		}
		if holiday := len(r.Lost) > 0; holiday != strings.Contains(tt.name, "Christmas") {
			t.Errorf("%s: holiday %v", tt.name, holiday)
		}
	}
	if load(t, calendarText).Version() == load(t, strings.Replace(calendarText, "12-25", "12-26", 1)).Version() {
		t.Error("a holiday changes no version")
	}
}

func TestAHoldTakesItsTimeFromACalendar(t *testing.T) {
	t.Parallel()
	hold := policyText("a", ModeEnforce, "true", "{ hold: { approver: manager, for: 4h, working: office } }")
	for _, text := range []string{calendarText + hold, hold + "---\n" + strings.TrimSuffix(calendarText, "---\n")} {
		h := Decide(load(t, text), facts(), nil).Recipients[0].Hold
		friday := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC) // 11:00 in Utrecht, an hour before the end
		if got := h.Until(friday).UTC(); !got.Equal(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)) {
			t.Errorf("until %v", got)
		}
	}
	for in, want := range map[string]string{
		"working: ofice": `there is no calendar "ofice"; did you mean "office"?`,
		"working: short": "longer than half a year",
	} {
		text := strings.Replace(strings.Replace(hold, "working: office", in, 1), "for: 4h", "for: 29d", 1)
		_, err := Load([]File{{"p", []byte(calendarText + text + "---\nkind: calendar\nid: short\ndays: [mon]\nfrom: \"09:00\"\nto: \"09:01\"\n")}}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMistakesOfCalendars(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, new, want string }{
		{"Europe/Amsterdam", "Europe/Amsterdm", "is not a time zone"},
		{`"09:00-12:00"`, `"12:00-09:00"`, "must be a span of a day"},
		{`"09:00-12:00"`, `"noon"`, "must be a span of a day"},
		{"fri:", "fry:", `did you mean "fri"`},
		{"2026-12-25", "25 December", "is not a date"},
		{"zone:", "zonee:", `a calendar has no key "zonee"; did you mean "zone"?`},
		{"id: office", "id: Office", "an id is lower-case words"},
	} {
		_, err := Load([]File{{"p", []byte(strings.TrimSuffix(strings.Replace(calendarText, tt.old, tt.new, 1), "---\n"))}}, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
	for _, when := range []string{`now.working_hours("ofice")`, `now.holiday(subject)`, `now.weekday() == "mon"`} {
		if _, err := Load([]File{{"p", []byte(calendarText + fmt.Sprintf("kind: policy\nid: a\nmode: log\nwhen: '%s'\nthen: log\n", when))}}, Options{}); err == nil {
			t.Errorf("%s is a condition", when)
		}
	}
}
