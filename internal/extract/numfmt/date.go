package numfmt

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Time is the moment that a serial number of a sheet means. The day 60 of the
// calendar of 1900 does not exist; programs count it.
func Time(v float64, since1904 bool) (time.Time, bool) {
	if v < 0 || v > 2958466 || math.IsNaN(v) {
		return time.Time{}, false
	}
	day := math.Floor(v)
	start := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if since1904 {
		start = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if v < 60 {
		start = start.AddDate(0, 0, 1)
	}
	ms := math.Round((v - day) * 86400000)
	return start.AddDate(0, 0, int(day)).Add(time.Duration(ms) * time.Millisecond), true
}

// dateText writes a date or a time by the tokens of a section.
func dateText(tokens []token, v float64, since1904 bool) string {
	t, ok := Time(v, since1904)
	if !ok {
		return Plain(v)
	}
	half := false
	for _, k := range tokens {
		if k.kind == datePart && k.s[0] == 'A' {
			half = true
		}
	}
	t = rounded(tokens, t)
	var b strings.Builder
	last := ""
	for i, k := range tokens {
		if k.kind != datePart {
			b.WriteString(k.s)
			continue
		}
		b.WriteString(datePartText(k.s, t, v, half, minutes(tokens[i:], last)))
		last = k.s
	}
	return strings.TrimSpace(b.String())
}

// rounded takes fractions of a second away where they are not shown.
func rounded(tokens []token, t time.Time) time.Time {
	for i, k := range tokens {
		if k.kind == place && i > 0 && tokens[i-1].kind == point {
			return t
		}
	}
	return t.Round(time.Second)
}

// minutes reports whether an m means minutes: after hours, or before seconds.
func minutes(rest []token, last string) bool {
	if strings.Trim(last, "[") != "" && strings.Trim(last, "[")[0] == 'h' {
		return true
	}
	for _, k := range rest[1:] {
		if k.kind == datePart {
			return strings.Trim(k.s, "[")[0] == 's'
		}
	}
	return false
}

func datePartText(s string, t time.Time, v float64, half, minutes bool) string {
	hour := t.Hour()
	if half {
		hour = (hour+11)%12 + 1
	}
	switch s {
	case "yyyy", "yyy":
		return fmt.Sprintf("%04d", t.Year())
	case "yy", "y":
		return fmt.Sprintf("%02d", t.Year()%100)
	case "m", "mm":
		n := int(t.Month())
		if minutes {
			n = t.Minute()
		}
		return fmt.Sprintf("%0*d", len(s), n)
	case "mmm":
		return t.Month().String()[:3]
	case "mmmm":
		return t.Month().String()
	case "mmmmm":
		return t.Month().String()[:1]
	case "d", "dd":
		return fmt.Sprintf("%0*d", len(s), t.Day())
	case "ddd":
		return t.Weekday().String()[:3]
	case "dddd":
		return t.Weekday().String()
	case "h", "hh":
		return fmt.Sprintf("%0*d", len(s), hour)
	case "s", "ss":
		return fmt.Sprintf("%0*d", len(s), t.Second())
	case "AM/PM":
		return t.Format("PM")
	case "A/P":
		return t.Format("PM")[:1]
	}
	if strings.HasPrefix(s, "[") { // a time that goes on over a day
		seconds := math.Round(v * 86400)
		switch s[1] {
		case 'h':
			return fmt.Sprintf("%0*.0f", len(s)-1, math.Floor(seconds/3600))
		case 'm':
			return fmt.Sprintf("%0*.0f", len(s)-1, math.Floor(seconds/60))
		default:
			return fmt.Sprintf("%0*.0f", len(s)-1, seconds)
		}
	}
	if s[0] == 'd' {
		return t.Weekday().String()
	}
	return fmt.Sprintf("%04d", t.Year())
}
