package books

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/bench/load"
)

// Class is what is wrong with a message.
type Class string

// The classes.
const (
	Lost        Class = "lost"
	Half        Class = "half"
	Damaged     Class = "damaged"
	Ghost       Class = "ghost"
	Duplicate   Class = "duplicate"
	Unrecorded  Class = "unrecorded"
	Misrecorded Class = "misrecorded"
)

// Classes lists every class.
func Classes() []Class {
	return []Class{Lost, Half, Damaged, Ghost, Duplicate, Unrecorded, Misrecorded}
}

// Finding is one thing that is wrong.
type Finding struct {
	Class     Class  `json:"class"`
	ID        string `json:"id"`
	N         int    `json:"n,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	Why       string `json:"why"`
}

// Report is what the check came to. Messages = Taken + Refused + Open, in
// messages of the source; the places of recipients are those of taken
// messages: Recipients = Delivered + Held + Waiting + Reported + Silent +
// what is missing.
type Report struct {
	Messages int `json:"messages"`
	// Taken: the client has a 2xx; Refused: 4xx or 5xx at last; Open: it has
	// no answer, or sent no end.
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
	Open    int `json:"open"`

	Recipients int `json:"recipients"`
	Delivered  int `json:"delivered"`
	Held       int `json:"held"`
	Waiting    int `json:"waiting"`
	Reported   int `json:"reported"`
	// Silent: the record says that it ended otherwise (refused, failed,
	// redirected), and the sender is null.
	Silent int `json:"silent"`
	// Excused are duplicates with a broken connection or a crash.
	Excused int `json:"excused_duplicates"`
	// Modified are messages with other octets whose record says so.
	Modified int           `json:"modified"`
	Counts   map[Class]int `json:"counts"`
	Findings []Finding     `json:"findings"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// Balance makes the check.
func Balance(in Input) Report {
	if in.Window == 0 {
		in.Window = 5 * time.Second
	}
	b := newBook(in)
	for _, id := range b.order {
		b.message(b.mails[id])
	}
	for _, c := range Classes() {
		b.report.Counts[c] = 0
	}
	for _, f := range b.report.Findings {
		b.report.Counts[f.Class]++
	}
	return b.report
}

// mail is one message of the source, with everything that is known of it.
type mail struct {
	id       string
	n        int
	sent     []load.Sent
	got      []load.Got
	records  []Record
	held     map[string]bool // by address
	waiting  map[string]bool
	reported map[string]bool
	toReport bool // a report is on its way
}

type book struct {
	in     Input
	order  []string
	mails  map[string]*mail
	copies map[string]bool
	report Report
}

func newBook(in Input) *book {
	b := &book{
		in: in, mails: map[string]*mail{}, copies: map[string]bool{},
		report: Report{Counts: map[Class]int{}, Findings: []Finding{}},
	}
	for _, a := range in.Copies {
		b.copies[fold(a)] = true
	}
	for _, s := range in.Sent {
		m := b.mail(s.ID)
		m.n, m.sent = s.N, append(m.sent, s)
	}
	for _, g := range in.Got {
		switch {
		case g.N > 0:
			m := b.mail(g.ID)
			m.n, m.got = g.N, append(m.got, g)
		case g.About != nil && g.Taken() && strings.EqualFold(g.About.Action, "failed"):
			m := b.mail(g.About.ID)
			for _, a := range g.About.To {
				m.reported[fold(a)] = true
			}
		}
	}
	ours := map[string]*mail{}
	for _, r := range in.Records {
		if m := b.mails[r.MessageID]; m != nil {
			m.records = append(m.records, r)
			ours[r.ID] = m
		}
	}
	for _, h := range in.Held {
		if m := ours[h.Message]; m != nil {
			m.held[fold(h.Recipient)] = true
		}
	}
	for _, t := range in.Queue {
		m := ours[t.Message]
		switch {
		case m == nil:
		case t.Kind == "report":
			m.toReport = true
		case t.Kind == "return" || t.Kind == "secure":
			for _, a := range t.Recipients {
				m.waiting[fold(a)] = true
			}
		}
	}
	return b
}

func (b *book) mail(id string) *mail {
	m := b.mails[id]
	if m == nil {
		m = &mail{id: id, held: map[string]bool{}, waiting: map[string]bool{}, reported: map[string]bool{}}
		b.mails[id] = m
		b.order = append(b.order, id)
	}
	return m
}

func (b *book) find(c Class, m *mail, recipient, format string, args ...any) {
	b.report.Findings = append(b.report.Findings, Finding{c, m.id, m.n, recipient, fmt.Sprintf(format, args...)})
}

func (b *book) message(m *mail) {
	if len(m.sent) == 0 {
		if len(m.got) > 0 {
			b.find(Ghost, m, "", "the source never sent it")
		}
		return // or a report about mail of somebody else
	}
	b.report.Messages++
	taken := m.taken()
	switch {
	case len(taken) > 0:
		b.report.Taken++
	case m.unknown() || m.sent[len(m.sent)-1].Reply == "" || m.sent[len(m.sent)-1].Reply[0] < '4':
		b.report.Open++
	default:
		b.report.Refused++
	}
	b.octets(m)
	b.ghosts(m, taken)
	b.duplicates(m)
	if len(taken) > 0 {
		b.places(m, taken)
		b.recorded(m, taken)
	}
}

// taken are the recipients that the gateway took with a 250, each once.
func (m *mail) taken() (list []string) {
	for _, s := range m.sent {
		if !s.Taken() {
			continue
		}
		for _, a := range s.Accepted() {
			if a = fold(a); !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}

func (m *mail) unknown() bool { return slices.ContainsFunc(m.sent, load.Sent.Unknown) }

// delivered reports whether the next hop took it for a.
func (m *mail) delivered(a string) bool {
	return slices.ContainsFunc(m.got, func(g load.Got) bool { return g.Taken() && has(g.To, a) })
}

// octets looks for damage.
func (b *book) octets(m *mail) {
	for _, g := range m.got {
		if !g.Whole() || slices.ContainsFunc(m.sent, func(s load.Sent) bool { return s.Sum == g.Sum }) {
			continue
		}
		if slices.ContainsFunc(m.records, func(r Record) bool { return len(r.Modified) > 0 }) {
			b.report.Modified++
			continue
		}
		b.find(Damaged, m, "", "it arrived as %.12s, and was sent as %.12s", g.Sum, m.sent[0].Sum)
	}
}

// ghosts looks for copies that nobody may have. Where the client has no
// answer to its end, it may be either way.
func (b *book) ghosts(m *mail, taken []string) {
	var seen []string
	for _, g := range m.got {
		if !g.Taken() {
			continue
		}
		for _, a := range g.To {
			a = fold(a)
			if slices.Contains(seen, a) || b.copies[a] || slices.Contains(taken, a) {
				continue
			}
			seen = append(seen, a)
			switch {
			case !m.asked(a):
				b.find(Ghost, m, a, "it arrived for somebody who was not asked for, or refused")
			case !m.unknownFor(a):
				last := m.sent[len(m.sent)-1]
				b.find(Ghost, m, a, "it arrived, and the client was told: %s %q", last.Phase, last.Reply)
			}
		}
	}
}

func (m *mail) asked(a string) bool {
	return slices.ContainsFunc(m.sent, func(s load.Sent) bool { return has(s.Accepted(), a) })
}

func (m *mail) unknownFor(a string) bool {
	return slices.ContainsFunc(m.sent, func(s load.Sent) bool { return s.Unknown() && has(s.Accepted(), a) })
}

// duplicates looks at each recipient's copies in the order of time.
func (b *book) duplicates(m *mail) {
	copies := map[string][]load.Got{}
	var order []string
	for _, g := range m.got {
		if !g.Whole() || !g.Taken() && !g.Broke {
			continue
		}
		for _, a := range g.To {
			a = fold(a)
			if len(copies[a]) == 0 {
				order = append(order, a)
			}
			copies[a] = append(copies[a], g)
		}
	}
	for _, a := range order {
		list := copies[a]
		slices.SortStableFunc(list, func(x, y load.Got) int { return x.At.Compare(y.At) })
		used := map[time.Time]bool{}
		for i, g := range list[:len(list)-1] {
			if g.Broke || b.crashed(g.At, list[i+1].At, used) {
				b.report.Excused++
				continue
			}
			b.find(Duplicate, m, a, "it arrived at %s and again at %s; the next hop had answered %q",
				g.At.Format(time.TimeOnly), list[i+1].At.Format(time.TimeOnly), g.Reply)
		}
	}
}

// crashed finds a crash shortly after a delivery and before the next one. A
// crash excuses one duplicate of a recipient.
func (b *book) crashed(first, second time.Time, used map[time.Time]bool) bool {
	for _, at := range b.in.Crashes {
		if !used[at] && at.After(first) && at.Before(second) && at.Sub(first) <= b.in.Window {
			used[at] = true
			return true
		}
	}
	return false
}

// places looks where the recipients of a taken message are.
func (b *book) places(m *mail, taken []string) {
	b.report.Recipients += len(taken)
	var missing []string
	for _, a := range taken {
		switch {
		case m.delivered(a):
			b.report.Delivered++
		case m.held[a]:
			b.report.Held++
		case m.waiting[a]:
			b.report.Waiting++
		case m.reported[a]:
			b.report.Reported++
		case m.toReport && m.delivery(a, "refused", "failed"):
			b.report.Waiting++
		case m.sent[0].From == "" && m.delivery(a, "refused", "failed") || m.delivery(a, "redirected"):
			b.report.Silent++
		default:
			missing = append(missing, a)
		}
	}
	switch {
	case len(missing) == 0:
	case len(missing) == len(taken):
		b.find(Lost, m, "", "the client was told 250, and none of %d recipients has it, waits or is reported%s",
			len(taken), m.says(missing[0]))
	default:
		for _, a := range missing {
			b.find(Half, m, a, "%d of %d recipients are accounted for, not this one%s",
				len(taken)-len(missing), len(taken), m.says(a))
		}
	}
}

// says is what the record has of a recipient.
func (m *mail) says(a string) string {
	for _, r := range m.records {
		for _, x := range r.Recipients {
			if fold(x.Address) == a {
				return fmt.Sprintf("; the record %s says %s, %s", r.ID, x.Verdict, x.Delivery)
			}
		}
	}
	return ""
}

// delivery reports whether a record has one of these words for a recipient.
func (m *mail) delivery(a string, words ...string) bool {
	for _, r := range m.records {
		for _, x := range r.Recipients {
			if fold(x.Address) == a && slices.Contains(words, x.Delivery) {
				return true
			}
		}
	}
	return false
}

// recorded holds the record against what happened.
func (b *book) recorded(m *mail, taken []string) {
	if b.in.Records == nil {
		return
	}
	if len(m.records) == 0 {
		b.find(Unrecorded, m, "", "it was taken, and there is no record of it")
		return
	}
	for _, a := range taken {
		switch here := m.delivered(a); {
		case !here && m.delivery(a, "delivered"):
			b.find(Misrecorded, m, a, "the next hop did not take it%s", m.says(a))
		case here && !m.delivery(a, "delivered", "unknown", "redirected") && !m.waiting[a]:
			b.find(Misrecorded, m, a, "the next hop took it%s", m.says(a))
		}
	}
}

func has(list []string, a string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return fold(x) == a })
}

func fold(a string) string { return strings.ToLower(strings.Trim(a, "<> ")) }
