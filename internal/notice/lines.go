package notice

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode"

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

// Kept is a mail that was kept back for the reader.
type Kept struct {
	At time.Time
	// From and Subject are those of the mail, Why what was found in it.
	From         mail.Address
	Subject, Why string
	// May are the reader's rights: see, preview, request, release.
	May []string
	// Ended is how it ended, e.g. rejected; "" while it waits.
	Ended string
	// Link is its page.
	Link string
}

// Bounds of what a line says of a mail.
const (
	longFrom = 100
	longWhy  = 200
)

// kept is the line of a mail that was kept back.
func (c *Catalog) kept(l *language, a About, k Kept) Item {
	what := ""
	if k.Ended != "" {
		what = c.word(l, "kept_over", "how", c.word(l, "ended_"+key(k.Ended)))
	} else {
		var list []string
		for _, right := range k.May {
			list = append(list, c.word(l, "may_"+key(right)))
		}
		what = c.word(l, "kept_may", "what", strings.Join(list, ", "))
	}
	text := c.word(l, "kept", "at", c.moment(l, k.At, a.Zone), "from", cut(string(k.From), longFrom),
		"subject", orElse(unlinked(cut(k.Subject, subjectLength)), c.word(l, "no_subject")),
		"finding", orElse(cut(k.Why, longWhy), c.word(l, "finding")), "what", what)
	item := Item{Text: oneLine(text)}
	if a.leadsHome(k.Link) {
		item.Link = k.Link
	}
	return item
}

// unlinked is what a stranger wrote, so that no mail program makes a link of
// it: the only links of our mails lead to the console.
func unlinked(s string) string {
	s = strings.ReplaceAll(s, "://", "[:]//")
	var b strings.Builder
	r := []rune(s)
	wordly := func(i int) bool { return i >= 0 && i < len(r) && (unicode.IsLetter(r[i]) || unicode.IsDigit(r[i])) }
	for i, x := range r {
		if x == '.' && wordly(i-1) && wordly(i+1) && !unicode.IsDigit(r[i+1]) {
			b.WriteString("[.]")
			continue
		}
		b.WriteRune(x)
	}
	return b.String()
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
	for _, x := range a.Kept {
		list = append(list, c.kept(l, a, x))
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
