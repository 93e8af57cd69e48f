package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/settings"
)

// Query chooses records. ParseQuery makes it from what a person typed.
type Query struct {
	Terms []Term
	// After and Before bound the time of receipt; zero is no bound.
	After, Before time.Time
	// Limit is 100 when it is 0.
	Limit int
	// Behind continues a list behind the last record of the page before.
	Behind Place
}

// Place is a record's place in the order of the results.
type Place struct {
	Received time.Time
	ID       string
}

// Term is one condition; a word has no key.
type Term struct {
	Key, Value string
}

// QueryError explains what is wrong with a query.
type QueryError struct {
	// At is the offset of the token, in octets.
	At int
	// Why is a sentence; Hint is what to type instead, or "".
	Why, Hint string
}

func (e *QueryError) Error() string {
	s := fmt.Sprintf("audit: query, at character %d: %s", e.At+1, e.Why)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// maxQuery and maxTerms keep a query to what a person types.
const (
	maxQuery = 2000
	maxTerms = 30
)

// key is a name before the colon.
type key struct {
	name, same string // same: this key is another's synonym
	values     []string
	help       string
}

// keys lists the keys of a query, for parsing and for help.
var keys = []key{
	{"from", "", nil, "envelope sender or From, any part of it"},
	{"to", "", nil, "envelope recipient, any part of it"},
	{"envto", "to", nil, "the same as to:"},
	{"subject", "", nil, "any part of the subject"},
	{"verdict", "", []string{
		"deliver", "log", "header", "notify", "copy", "redirect", "secure", "override", "hold", "block",
	}, "what the policy decided for a recipient"},
	{"delivery", "", deliveryNames(), "what became of a recipient's copy"},
	{"tenant", "", nil, "tenant id"},
	{"id", "", nil, "our id of the message, or its beginning"},
	{"ref", "", nil, "the reference in a report, with or without the hyphen"},
	{"message-id", "", nil, "any part of the Message-ID field"},
	{"detector", "", nil, "detector or type of a finding, e.g. credit-card"},
	{"kind", "", nil, "what arrived, e.g. journal"},
	{"direction", "", []string{"in", "out"}, "which way the message went"},
	{"way", "", []string{string(CutThrough), string(Custody), string(Rejected)}, "how it was taken"},
	{"mode", "", []string{"inline", "monitor"}, "whether the verdict was carried out"},
	{"after", "", nil, "received at or after: 2026-11-01, 2026-11-01T10:00, today, yesterday, or 3d, 12h, 30m ago"},
	{"before", "", nil, "received before; values as for after:"},
}

func deliveryNames() []string {
	var list []string
	for _, d := range Deliveries() {
		list = append(list, string(d))
	}
	return list
}

// Keys lists the keys and what they mean, for the help of the command line
// and the console.
func Keys() [][2]string {
	var list [][2]string
	for _, k := range keys {
		list = append(list, [2]string{k.name + ":", k.help})
	}
	return list
}

// ParseQuery reads tokens "key:value" and words, separated by white space;
// quotes keep white space together. All of them must hold. The error is a
// *QueryError.
func ParseQuery(text string, now time.Time) (Query, error) {
	var q Query
	if len(text) > maxQuery || !utf8.ValidString(text) {
		return q, &QueryError{0, fmt.Sprintf("a query is at most %d octets of UTF-8", maxQuery), ""}
	}
	for at := 0; ; {
		t, next, err := scan(text, at)
		if err != nil {
			return Query{}, err
		}
		if t == nil {
			return q, nil
		}
		if len(q.Terms) == maxTerms {
			return Query{}, &QueryError{t.at, fmt.Sprintf("more than %d conditions", maxTerms), ""}
		}
		if err := q.add(*t, now); err != nil {
			return Query{}, err
		}
		at = next
	}
}

type token struct {
	at         int
	key, value string
}

// scan reads the token that begins at or behind at; nil at the end.
func scan(text string, at int) (*token, int, error) {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	if at == len(text) {
		return nil, at, nil
	}
	t := &token{at: at}
	var value strings.Builder
	for quoted := false; at < len(text); at++ {
		switch c := text[at]; {
		case c == '"':
			if quoted = !quoted; quoted && !strings.Contains(text[at+1:], `"`) {
				return nil, at, &QueryError{at, "the quotation mark is not closed", `write "two words"`}
			}
		case !quoted && isSpace(c):
			t.value = value.String()
			return t, at, nil
		case c == ':' && !quoted && t.key == "" && isKey(value.String()):
			t.key = strings.ToLower(value.String())
			value.Reset()
		default:
			value.WriteByte(c)
		}
	}
	t.value = value.String()
	return t, at, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isKey: a colon behind anything else (an address literal, a time) is part
// of a word.
func isKey(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && !(s[i] == '-' && i > 0) {
			return false
		}
	}
	return s != ""
}

func (q *Query) add(t token, now time.Time) error {
	if t.key == "" {
		if t.value != "" {
			q.Terms = append(q.Terms, Term{"", fold(t.value)})
		}
		return nil
	}
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == t.key })
	if i < 0 {
		return &QueryError{t.at, fmt.Sprintf("there is no %q", t.key+":"), hint(t.key, keyNames(), ":")}
	}
	k := keys[i]
	if t.value == "" {
		return &QueryError{t.at, t.key + ": needs a value, with no space after the colon", "it is " + k.help}
	}
	value := fold(t.value)
	switch {
	case k.name == "after" || k.name == "before":
		return q.bound(k.name, t, now)
	case k.values != nil:
		value = synonym(k.name, value)
		if !slices.Contains(k.values, value) {
			return &QueryError{t.at, fmt.Sprintf("%s: is never %q", t.key, t.value), hint(value, k.values, "")}
		}
	case k.name == "ref":
		if value = reference(value); value == "" {
			return &QueryError{t.at, "ref: is never empty", "it is " + k.help}
		}
	}
	name := k.name
	if k.same != "" {
		name = k.same
	}
	q.Terms = append(q.Terms, Term{name, value})
	return nil
}

func synonym(key, value string) string {
	if key == "direction" {
		switch value {
		case "inbound", "incoming":
			return "in"
		case "outbound", "outgoing":
			return "out"
		}
	}
	return value
}

// reference is a reference as it is stored, however it was typed.
func reference(s string) string {
	s = strings.ToUpper(strings.ReplaceAll(s, "-", ""))
	if len(s) == 8 {
		s = s[:4] + "-" + s[4:]
	}
	return s
}

func (q *Query) bound(name string, t token, now time.Time) error {
	at, ok := when(t.value, now)
	if !ok {
		return &QueryError{t.at, fmt.Sprintf("%q is not a time", t.value),
			"write 2026-11-01, 2026-11-01T10:00, today, yesterday, or 3d, 12h, 30m"}
	}
	if name == "after" {
		q.After = later(q.After, at)
	} else if q.Before.IsZero() || at.Before(q.Before) {
		q.Before = at
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func when(s string, now time.Time) (time.Time, bool) {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch strings.ToLower(s) {
	case "today":
		return midnight, true
	case "yesterday":
		return midnight.AddDate(0, 0, -1), true
	case "now":
		return now, true
	}
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		// Years that do not fit nanoseconds are not times of a message.
		if at, err := time.ParseInLocation(form, strings.ToUpper(s), now.Location()); err == nil {
			return at, at.Year() >= 1970 && at.Year() < 2262
		}
	}
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	unit, known := units[s[len(s)-1]|0x20]
	n, err := strconv.Atoi(s[:len(s)-1])
	if !known || err != nil || n < 0 || n > 100_000 {
		return time.Time{}, false
	}
	at := now.Add(-time.Duration(n) * unit)
	return at, at.Year() >= 1970
}

func keyNames() []string {
	var list []string
	for _, k := range keys {
		list = append(list, k.name)
	}
	return list
}

// hint names the nearest permitted word, or all of them.
func hint(got string, permitted []string, suffix string) string {
	best, distance := "", max(3, len(got)/3+1)
	for _, p := range permitted {
		if d := settings.Distance(got, p); d < distance {
			best, distance = p, d
		}
	}
	if best != "" {
		return "did you mean " + best + suffix + "?"
	}
	return "it is one of " + strings.Join(permitted, suffix+", ") + suffix
}
