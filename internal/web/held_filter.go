package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern/internal/quarantine"
)

// heldChoice is what the address of a list of held mail asks for. The keys are
// those of the API.
type heldChoice struct {
	quarantine.Filter
	// Older is the time span that Before was made of.
	Older  string
	Behind quarantine.Cursor
}

// age is how long something waits at least, to choose from.
type age struct{ Span, Words string }

func ages() []age {
	return []age{{"1h", "an hour"}, {"4h", "4 hours"}, {"1d", "a day"}, {"2d", "2 days"}, {"7d", "a week"}, {"30d", "30 days"}}
}

// heldChoiceOf reads an address. wrong says what of it cannot be read.
func heldChoiceOf(v url.Values, now time.Time) (ch heldChoice, wrong string) {
	get := func(key string) string { return strings.TrimSpace(v.Get(key)) }
	x := choice{
		Tenant: get("tenant"), State: get("state"), Approver: get("approver"), Sender: get("sender"), Recipient: get("recipient"),
		Domain: get("domain"), Policy: get("policy"), Text: get("text"), Pinned: get("pinned") == "true", Older: get("older"),
	}
	if get("nobody") == "true" { // the box beside the field
		x.Approver = "-"
	}
	ch.Filter, wrong = x.filter(now)
	ch.Older = x.Older
	if s := get("before"); s != "" && wrong == "" {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			wrong = "before is not a time such as 2026-11-23T14:00:00Z."
		}
		ch.Before, ch.Older = at, ""
	}
	var err error
	if ch.Behind, err = quarantine.ParseCursor(get("behind")); err != nil {
		ch.Behind = quarantine.Cursor{} // nonsense is the first page
	}
	return ch, wrong
}

// values is the choice as an address has it, from its first page on.
func (ch heldChoice) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{
		"text": ch.Text, "tenant": ch.Tenant, "policy": ch.Rule, "approver": string(ch.Approver), "sender": string(ch.Sender),
		"recipient": string(ch.Recipient), "domain": ch.Domain, "older": ch.Older,
	} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if ch.Older == "" && !ch.Before.IsZero() {
		v.Set("before", ch.Before.UTC().Format(time.RFC3339))
	}
	if ch.Pinned {
		v.Set("pinned", "true")
	}
	if ch.Over {
		v.Set("state", "over")
	}
	return v
}

// with is the address of a list that differs in some keys; an empty value
// takes a key away.
func (ch heldChoice) with(path string, pairs ...string) string {
	v := ch.values()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// fixed is the choice with the moment that its age stands for, so that a
// decision is about what was shown.
func (ch heldChoice) fixed() heldChoice {
	if ch.Older != "" {
		ch.Older, ch.Before = "", ch.Before.Truncate(time.Second)
	}
	return ch
}

// narrow reports whether more than a tenant is chosen by the fields that are
// folded away.
func (ch heldChoice) narrow() bool {
	f := ch.Filter
	f.Text, f.Tenant, f.Over = "", "", false
	return f != quarantine.Filter{}
}

// words says what a filter finds.
func (c *Console) filterWords(f quarantine.Filter) string {
	var list []string
	add := func(used bool, form string, args ...any) {
		if used {
			list = append(list, fmt.Sprintf(form, args...))
		}
	}
	add(f.Tenant != "", "of tenant %s", flat(f.Tenant, 60))
	add(f.Rule != "", "held by policy %s", flat(f.Rule, 60))
	add(f.Approver == "-", "for which nobody could be asked")
	add(f.Approver != "" && f.Approver != "-", "for which %s is asked", flat(string(f.Approver), 80))
	add(f.Sender != "", "from %s", flat(string(f.Sender), 80))
	add(f.Recipient != "", "to %s", flat(string(f.Recipient), 80))
	add(f.Domain != "", "to people at %s", flat(f.Domain, 80))
	add(f.Pinned, "that is kept")
	add(!f.Before.IsZero(), "since before %s", c.when(f.Before))
	add(f.Text != "", "with %q", flat(f.Text, 80))
	if len(list) == 0 {
		return "everything that waits"
	}
	return "what waits " + strings.Join(list, ", ")
}

// heldCommand is the verb that shows the same list.
func heldCommand(ch heldChoice, now time.Time) string {
	words := "postern held find"
	add := func(flag, value string) {
		if value != "" {
			words += " --" + flag + " " + quoted(value)
		}
	}
	f := ch.Filter
	add("tenant", f.Tenant)
	add("rule", f.Rule)
	add("approver", string(f.Approver))
	add("sender", string(f.Sender))
	add("recipient", string(f.Recipient))
	add("domain", f.Domain)
	add("text", f.Text)
	older := ch.Older
	if older == "" && !f.Before.IsZero() {
		older = now.Sub(f.Before).Round(time.Second).String()
	}
	add("older", older)
	if f.Pinned {
		words += " --pinned"
	}
	if f.Over {
		words += " --over"
	}
	return words
}
