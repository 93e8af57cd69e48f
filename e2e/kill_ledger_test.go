//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The ledger of a campaign: what was promised against what is there.

// fault is a class of what must not be.
type fault string

const (
	lost      fault = "lost"      // taken with 250, and nothing of it is there
	half      fault = "half"      // something of it is there, and something is missing
	damaged   fault = "damaged"   // octets other than those that came
	ghost     fault = "ghost"     // there, though it was never taken, or never decided so
	twice     fault = "duplicate" // there again without a reason
	allowed   fault = "allowed"   // there again, and a kill or a broken connection is the reason
	oddAnswer fault = "odd"       // an answer that nobody expects
	unbalance fault = "unbalance" // the gateway's own books
)

// entry is a line of the ledger: a fault and the kill that it is laid to.
type entry struct {
	what  fault
	kill  int // -1 for none
	about string
}

// held is what bench/ledger held against the records, at the end of each
// campaign.
type held struct{ messages, recipients int }

// arrived is something of a message that came to the next hop.
type arrived struct {
	item  string
	d     *delivery
	taken string // names the arrival that it is of
}

// ledger holds what the next hop has, by the token of the message.
type ledger struct {
	kills  []killed
	pieces []*piece
	there  map[string][]arrived
	lines  []entry
	// latest is the longest time between an answer of the next hop and the
	// kill that kept its record from being written.
	latest     time.Duration
	recordings int // outcomes in the chain
	books      held
}

// killed is one end of the gateway.
type killed struct {
	step, call string
	at         time.Time
	lives      bool // only a child was killed
}

var (
	token          = regexp.MustCompile(`^s-([0-9a-f]+)@contoso\.example$`)
	finalRecipient = regexp.MustCompile(`(?mi)^Final-Recipient: *rfc822; *(\S+)\r$`)
	traceID        = regexp.MustCompile(`\(Postern\) with \w+ id (\w+)`)
	reference      = regexp.MustCompile(`\bref:?\s+([0-9A-Z]{4}-[0-9A-Z]{4})`)
	boundary       = regexp.MustCompile(`(?i)boundary="?([^"\r\n;]+)"?`)
)

// copiesGo is where the policy of the campaign sends copies.
const copiesGo = "archive@contoso.example"

// frontFields may stand before the octets that came.
var frontFields = []string{"Received", "X-Postern-Checked", "X-Postern-Inspected"}

// close compares the sender's log with what the next hop has.
func (l *ledger) close(pieces []*piece, all []*delivery) {
	l.pieces, l.there = pieces, map[string][]arrived{}
	known := map[string]*piece{}
	for _, p := range pieces {
		known[p.token] = p
	}
	for _, d := range all {
		l.sort(d, known)
	}
	for _, p := range pieces {
		l.settle(p)
	}
}

func (l *ledger) add(what fault, p *piece, d *delivery, format string, args ...any) {
	e := entry{what: what, kill: -1, about: fmt.Sprintf(format, args...)}
	if p != nil && len(p.tries) > 0 {
		e.about = fmt.Sprintf("%s to %v: %s; %s", p.token, p.to, e.about, p.history())
		for i, k := range l.kills {
			switch {
			case d != nil && k.at.After(p.tries[0].began) && k.at.Before(d.At):
				e.kill = i // the last one before it came
			case d == nil && e.kill < 0 && k.at.After(p.tries[len(p.tries)-1].ended):
				e.kill = i // the first one after its answer
			}
		}
	}
	if e.kill >= 0 {
		e.about += "; after kill " + l.kills[e.kill].String()
	}
	l.lines = append(l.lines, e)
}

func (k killed) String() string {
	return fmt.Sprintf("%q at %s (%s)", k.step, k.at.Format("15:04:05.000"), k.call)
}

func (p *piece) history() string {
	var list []string
	for _, t := range p.tries {
		how := t.reply.String()
		if t.broke {
			how = "broke"
			if t.whole {
				how = "broke after the end"
			}
		}
		took := t.ended.Sub(t.began).Round(time.Millisecond)
		list = append(list, fmt.Sprintf("%s+%s %s", t.began.Format("15:04:05.000"), took, how))
	}
	return "tries [" + strings.Join(list, "; ") + "]"
}

// sort puts a delivery to its message and checks its octets.
func (l *ledger) sort(d *delivery, known map[string]*piece) {
	address := d.From
	if address == "" && len(d.To) > 0 {
		address = d.To[0]
	}
	m := token.FindStringSubmatch(address)
	if m == nil || known[m[1]] == nil {
		l.add(ghost, nil, d, "%s to %v is of no message that was sent", address, d.To)
		return
	}
	p := known[m[1]]
	if d.From != "" {
		if why := p.differs(d.Raw, d.To); why != "" {
			l.add(damaged, p, d, "to %v: %s", d.To, why)
		}
		for _, a := range d.To {
			l.there[p.token] = append(l.there[p.token], arrived{"mail to " + a, d, "id " + word(traceID, d.Raw)})
		}
		return
	}
	ref := "ref " + word(reference, d.Raw)
	if !bytes.Contains(d.Raw, []byte("multipart/report")) {
		if !bytes.Contains(d.Raw, []byte("\r\nSubject: Waiting for approval")) {
			return // how it went on: one mail for each decision, which the stories count
		}
		l.there[p.token] = append(l.there[p.token], arrived{"notice", d, ref})
		return
	}
	end := boundary.FindSubmatch(d.Raw)
	if end == nil || !bytes.HasSuffix(bytes.TrimSpace(d.Raw), []byte("--"+string(end[1])+"--")) ||
		!bytes.Contains(d.Raw, []byte(p.token)) {
		l.add(damaged, p, d, "its report is not whole: %.200q", d.Raw)
	}
	for _, f := range finalRecipient.FindAllSubmatch(d.Raw, -1) {
		l.there[p.token] = append(l.there[p.token], arrived{"report about " + string(f[1]), d, ref})
	}
}

func word(re *regexp.Regexp, raw []byte) string {
	if m := re.FindSubmatch(raw); m != nil {
		return string(m[1])
	}
	return ""
}

// differs says how octets differ from those that came. A copy for somebody
// else, and nothing but that, is marked as one.
func (p *piece) differs(raw []byte, to []string) string {
	at := bytes.Index(raw, []byte(marker))
	if at < 0 {
		return "its first line is missing"
	}
	if sha256.Sum256(raw[at:]) != p.sum {
		return fmt.Sprintf("%d octets came, %d were sent, and they differ", len(raw)-at, len(p.sent))
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(raw[:at]), "\r\n"), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		if name == "X-Postern-Copy" && slices.Equal(to, []string{copiesGo}) {
			continue
		}
		if line != "" && line[0] != ' ' && line[0] != '\t' && !slices.Contains(frontFields, name) {
			return fmt.Sprintf("a field that is not documented stands in front: %q", line)
		}
	}
	return ""
}

// settle closes the account of one message.
func (l *ledger) settle(p *piece) {
	there := map[string][]*delivery{}
	for _, a := range l.there[p.token] {
		there[a.item] = append(there[a.item], a.d)
	}
	due := p.due()
	if !p.given || p.refused() {
		due = nil
	}
	missing := 0
	for _, item := range due {
		list := there[item]
		if len(list) == 0 {
			missing++
		}
		l.repeats(p, item, list)
		delete(there, item)
	}
	switch {
	case missing == len(due) && missing > 0:
		l.add(lost, p, nil, "nothing of it is there")
	case missing > 0:
		l.add(half, p, nil, "%d of %v are missing, there are %v", missing, due, items(l.there[p.token]))
	}
	for item, list := range there {
		if !p.given && p.whole() && slices.Contains(p.due(), item) {
			continue // its sender had no answer, and it may be either way
		}
		l.add(ghost, p, list[0], "%s is there", item)
	}
	l.answers(p, l.there[p.token])
	l.once(p, l.there[p.token])
}

// once: what went into custody was taken once, however often its sender had
// to come. Only what goes back while the sender waits may be of two arrivals.
func (l *ledger) once(p *piece, there []arrived) {
	if p.mayGoBack() {
		return
	}
	of := map[string]string{} // by the kind of name
	for _, a := range there {
		kind, name, _ := strings.Cut(a.taken, " ")
		switch {
		case name == "":
			l.add(damaged, p, a.d, "%s names no arrival", a.item)
		case of[kind] == "":
			of[kind] = name
		case of[kind] != name:
			l.add(twice, p, a.d, "%s is of the arrival %s, and another thing of %s", a.item, name, of[kind])
		}
	}
}

func items(list []arrived) (names []string) {
	for _, a := range list {
		names = append(names, a.item)
	}
	return names
}

// repeats judges what is there more than once. A repeat is allowed when the
// gateway was killed between the beginning of the delivery before it and this
// one, or when the next hop broke the connection instead of answering: one
// for each delivery and kill. That the record of the first was not yet
// written is for recorded to say.
func (l *ledger) repeats(p *piece, item string, list []*delivery) {
	slices.SortFunc(list, func(a, b *delivery) int { return a.At.Compare(b.At) })
	for i := 1; i < len(list); i++ {
		before := list[i-1]
		struck := slices.IndexFunc(l.kills, func(k killed) bool {
			return !k.at.Before(before.Began) && k.at.Before(list[i].Began) && !k.lives
		})
		switch {
		case struck >= 0:
			l.lines = append(l.lines, entry{what: allowed, kill: struck, about: item})
			if !before.Done.IsZero() {
				l.latest = max(l.latest, l.kills[struck].at.Sub(before.Done))
			}
		case before.Broke:
			l.lines = append(l.lines, entry{what: allowed, kill: -1, about: item})
		default:
			l.add(twice, p, list[i], "%s is there again: first %s–%s, then %s", item,
				before.Began.Format("15:04:05.000"), before.Done.Format("15:04:05.000"), list[i].Began.Format("15:04:05.000"))
		}
	}
}

// attempt is a line of the exported chain.
type attempt struct {
	Kind     string
	Message  string
	Public   struct{ Task string }
	Personal string
}

// recorded looks into the chain of events: what is recorded as delivered was
// never delivered again. Together with repeats this leaves for a duplicate
// only the time between the next hop's answer and our record of it.
func (l *ledger) recorded(chain []attempt) {
	done := map[string]int{}
	for _, a := range chain {
		if a.Kind != "attempted" {
			continue
		}
		var said struct {
			Results []struct{ Recipient, Outcome string }
		}
		if err := json.Unmarshal([]byte(a.Personal), &said); err != nil {
			l.add(unbalance, nil, nil, "an event cannot be read: %v", err)
		}
		for _, r := range said.Results {
			name := fmt.Sprintf("%s of %s to %s", a.Public.Task, a.Message, r.Recipient)
			switch {
			case done[name] > 0 && a.Public.Task != "report" && a.Public.Task != "notice":
				l.add(twice, nil, nil, "%s was tried again after it was recorded as %s", name, "done")
			case r.Outcome == "done":
				done[name]++
			}
			l.recordings++
		}
	}
}

// answers looks for answers that nobody expects, and for deliveries of a
// message that its sender was told to bring again.
func (l *ledger) answers(p *piece, there []arrived) {
	open := false // an earlier try had no answer: it may be on its way still
	for _, t := range p.tries {
		switch {
		case t.broke:
			open = open || t.whole
		case t.reply.Code/100 == 4 && t.whole && p.onlyBack() && !open:
			for _, a := range there {
				if a.d.Began.After(t.began) && a.d.Began.Before(t.ended) && !a.d.Broke {
					l.add(ghost, p, a.d, "%s is there, and the answer was %v", a.item, t.reply)
				}
			}
		case t.reply.Code/100 == 4:
		case t.reply.Code == 250:
		case t.reply.Code == 550 && p.refused():
		default:
			l.add(oddAnswer, p, nil, "the answer was %v", t.reply)
		}
	}
	if !p.given && !p.left {
		l.add(unbalance, p, nil, "its sender has no answer after a minute without a kill")
	}
}
