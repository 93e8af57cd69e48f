package notice

import (
	"cmp"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Item is a line of a list with a link behind it; "" is none.
type Item struct{ Text, Link string }

// Checked is what would happen to a draft for one recipient.
type Checked struct {
	// To is the recipient; "" is somebody outside.
	To mail.Address
	// Would is deliver, secure, override, hold, redirect, block or defer.
	Would string
	// Why is what was found, Rule the policy's name; "" when nothing was.
	Why, Rule string
}

// lines are those of the list.
func (c *Catalog) lines(l *language, a About) (list []Item) {
	for _, x := range a.List {
		list = append(list, Item{Text: oneLine(string(x))})
	}
	for _, x := range a.Lines {
		list = append(list, Item{Text: oneLine(x)})
	}
	for _, x := range a.Items {
		if x.Text = oneLine(x.Text); !a.leadsHome(x.Link) {
			x.Link = ""
		}
		list = append(list, x)
	}
	for _, x := range a.Checked {
		what := c.word(l, "would_"+x.Would)
		if x.Rule != "" {
			what = c.word(l, "found", "what", what, "finding", orElse(x.Why, c.word(l, "finding")), "rule", x.Rule)
		}
		list = append(list, Item{Text: oneLine(cmp.Or(string(x.To), c.word(l, "anybody")) + ": " + what)})
	}
	return list
}

// rest puts what stands in few texts only into words.
func (c *Catalog) rest(l *language, a About, set func(name, value string)) {
	if a.Change != "" {
		set("change", c.word(l, "otherwise", "change", a.Change, "what", c.word(l, "would_"+a.Then)))
	}
	if a.Left > 0 {
		set("left", c.span(l, a.Left))
	}
	switch n := a.Before; {
	case n == nil:
	case *n == 0:
		set("history", c.word(l, "history_first"))
	default:
		set("history", c.word(l, "history_known", "n", strconv.Itoa(*n)))
	}
	if a.Role != "" {
		set("role", c.word(l, "role_"+a.Role, "sender", a.More["sender"]))
	}
	if a.Refused == "" {
		return
	}
	word := "why_" + key(a.Refused)
	if c.languages[English].words[word] == "" || a.Refused == "over" && a.Ended == "" {
		word = "why_other"
	}
	who := a.Who
	if who == "" || who == "deadline" {
		who = c.word(l, "deadline")
	}
	set("reason", c.word(l, word, "how", c.word(l, "ended_"+key(a.Ended)), "who", who, "at", c.moment(l, a.Times["at"], a.Zone)))
}

// key is a word of the program as the files write it.
func key(s string) string { return strings.ReplaceAll(s, "-", "_") }

// cutter keeps a list readable: what is left out is counted in the last line.
func (c *Catalog) cutter(l *language, further int) func([]Item) []Item {
	return func(list []Item) []Item {
		left := further + max(0, len(list)-maxListed)
		if left == 0 {
			return list
		}
		n := min(len(list), maxListed)
		return append(list[:n:n], Item{Text: c.word(l, "more_lines", "n", strconv.Itoa(left))})
	}
}
