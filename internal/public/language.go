package public

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// speech is a language of the pages.
type speech struct {
	name  string
	words map[string]string
	other *speech // English, for what is missing
}

// mustSpeeches reads the texts that come with the program.
func mustSpeeches() []*speech {
	var list []*speech
	for _, name := range []string{"en", "de", "fr", "nl"} {
		text, err := texts.ReadFile("texts/" + name + ".yaml")
		if err != nil {
			panic(err) // a bug: the file is part of the program
		}
		l := &speech{name: name, words: map[string]string{}}
		if bad := settings.Read(name+".yaml", text, &l.words); len(bad) > 0 {
			panic(bad.Error()) // a bug, as above
		}
		if list = append(list, l); len(list) > 1 {
			l.other = list[0]
		}
	}
	return list
}

// say is a text with its values put in. A name that no language knows is a
// mistake of the program, and seen as such.
func (l *speech) say(key string, pairs ...any) string {
	text, found := l.words[key]
	if !found && l.other != nil {
		text, found = l.other.words[key]
	}
	if !found {
		return "[" + key + "]"
	}
	if len(pairs) == 0 {
		return text
	}
	list := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(list...).Replace(text)
}

// has reports whether there is such a text.
func (l *speech) has(key string) bool {
	_, found := l.words[key]
	return found
}

// moment is a time where the tenant is: "Tue 24 Nov 2026 10:00 CET".
func (l *speech) moment(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return l.say("never")
	}
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	days, months := strings.Fields(l.say("weekdays")), strings.Fields(l.say("months"))
	name, _ := at.Zone()
	return fmt.Sprintf("%s %d %s %s %s", days[at.Weekday()], at.Day(), months[at.Month()-1], at.Format("2006 15:04"), name)
}

// left is how much time there is, in words.
func (l *speech) left(d time.Duration) string {
	switch {
	case d <= 0:
		return l.say("left_none")
	case d < 2*time.Hour:
		return l.say("left_minutes", "n", int(d/time.Minute)+1)
	case d < 48*time.Hour:
		return l.say("left_hours", "n", int(d/time.Hour))
	}
	return l.say("left_days", "n", int(d/(24*time.Hour)))
}

// mostAccepted is how much of a browser's list of languages is read, in octets.
const mostAccepted = 200

// accepted are the languages that a browser asks for, the best first (RFC 9110
// §12.5.4), as far as their first subtag (RFC 4647 §3.4). What cannot be read
// is passed over.
func accepted(header string) (list []string) {
	if len(header) > mostAccepted {
		header = header[:mostAccepted]
		header = header[:strings.LastIndexByte(header, ',')+1]
	}
	type wish struct {
		name    string
		quality float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(header, ",") {
		tag, param, _ := strings.Cut(part, ";")
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		quality := 1.0
		if value, found := strings.CutPrefix(strings.ReplaceAll(param, " ", ""), "q="); found {
			quality, _ = strconv.ParseFloat(value, 64) // 0 when it is no number: not wanted
		}
		if name != "" && quality > 0 {
			wishes = append(wishes, wish{name, quality})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.quality, a.quality) })
	for _, w := range wishes {
		list = append(list, w.name)
	}
	return list
}

// speechFor is the language of a reader: what his browser asks for, then what
// his tenant writes in, then English.
func (s *Site) speechFor(r *http.Request, t *tenant.Tenant) *speech {
	wanted := accepted(r.Header.Get("Accept-Language"))
	if t != nil {
		wanted = append(wanted, t.Languages...)
	}
	for _, name := range wanted {
		if i := slices.IndexFunc(s.speeches, func(l *speech) bool { return l.name == name }); i >= 0 {
			return s.speeches[i]
		}
	}
	return s.speeches[0]
}
