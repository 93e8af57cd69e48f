package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// heldListing is what the template of the list shows.
type heldListing struct {
	heldChoice
	Sentence, Next string
	Tone, Icon     string
	Mistake        string
	// Choose are the tenants of a visitor who must choose one.
	Choose  []string
	Tenants []string
	Chips   []chip
	Ages    []age
	// Folded is unset when a field that is folded away is in use.
	Folded bool
	Cards  []heldCard
	// Further leads to the next page, Begin back to the first.
	Further, Begin string
	// Approve and Reject lead to decisions about all that is found.
	Approve, Reject string
	Finds           string
	// Command and API show the same list elsewhere.
	Command, API string
}

// chip is a filter that one press sets or takes away.
type chip struct {
	Text, Href string
	On         bool
}

// heldCard is a message of the list.
type heldCard struct {
	ID, Ref, Tenant string
	// Veiled is set when there may be a subject that the visitor does not see.
	Subject string
	Veiled  bool
	From    mail.Address
	Size    int64
	Because string
	Rule    string // the name of the first policy
	ByRule  string // the list of what it holds
	Since   time.Time
	Waits   string
	// Off is set when its tenant is switched off.
	Off   bool
	Marks []badge
	To    []heldLine
}

// heldLine is a recipient of it.
type heldLine struct {
	Address mail.Address
	State   badge
	Asked   string
	Votes   string
	Missing string
	Named   string // the policy's words for those who are asked
	Due     string
	Passed  int
	Ended   string
	Comment string
	Kept    string
	hold    *quarantine.Hold
}

// Hold is the row behind the line.
func (l heldLine) Hold() *quarantine.Hold { return l.hold }

// heldList is the page "/held".
func (c *Console) heldList(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	ch, wrong := heldChoiceOf(r.URL.Query(), now)
	who := caller(r)
	tenants, all := c.Held.Tenants(who)
	if all {
		tenants = c.Tenants()
	}
	data := heldListing{
		heldChoice: ch, Mistake: wrong, Tenants: tenants, Ages: ages(), Folded: !ch.narrow(), Command: heldCommand(ch, now),
		API: ch.with("/api/v1/held"),
	}
	status := http.StatusOK
	switch {
	case !all && len(tenants) == 0:
		_, err := c.Held.List(r.Context(), who, ch.Filter, quarantine.Cursor{}, 1) // which says so, and notes it
		c.notAllowed(w, r, err)
		return
	case wrong != "":
		status = http.StatusBadRequest
		data.Sentence, data.Tone, data.Icon = "This filter cannot be read.", "warn", "ask"
	case ch.Tenant == "" && len(tenants) > 1 && !all:
		data.Choose = tenants
		data.Sentence, data.Tone, data.Icon = "Of which tenant?", "calm", "ask"
	default:
		if ch.Tenant == "" && !all {
			data.Tenant = tenants[0]
		}
		if err := c.fillHeld(r.Context(), who, &data, now); err != nil {
			c.notAllowed(w, r, err)
			return
		}
	}
	data.Chips = c.chips(data)
	if ch.Behind != (quarantine.Cursor{}) {
		data.Begin = ch.with("/held")
	}
	c.show(w, r, status, "held", page{Title: "Held mail", Inside: true, Held: true, Query: ch.Text, Data: data})
}

// fillHeld reads the rows and says what they amount to.
func (c *Console) fillHeld(ctx context.Context, who quarantine.Caller, data *heldListing, now time.Time) error {
	found, err := c.Held.List(ctx, who, data.Filter, data.Behind, pageSize)
	if err != nil {
		return err
	}
	subject := map[string]bool{}
	for i := range found.Holds {
		h := &found.Holds[i]
		if _, known := subject[h.Tenant]; !known {
			subject[h.Tenant] = c.Held.Person(who, h.Tenant).Rights.Subject()
		}
		n := len(data.Cards)
		if n == 0 || data.Cards[n-1].ID != h.Message {
			data.Cards = append(data.Cards, c.card(h, !subject[h.Tenant], now))
			n++
		}
		data.Cards[n-1].To = append(data.Cards[n-1].To, c.line(h, now))
	}
	if found.Next != (quarantine.Cursor{}) {
		data.Further = data.with("/held", "behind", found.Next.String())
	}
	n, err := c.Held.Count(ctx, who, data.Filter)
	if err != nil {
		return err
	}
	data.Finds = c.filterWords(data.Filter)
	if n.N > 0 && !data.Over && c.Held.Person(who, data.Tenant).Rights.Decide {
		ch := data.fixed()
		data.Approve, data.Reject = ch.with("/held/bulk/new", "do", "approve"), ch.with("/held/bulk/new", "do", "reject")
	}
	return c.sumUp(ctx, who, data, n, now)
}

// sumUp is the first line of the list.
func (c *Console) sumUp(ctx context.Context, who quarantine.Caller, data *heldListing, n quarantine.Count, now time.Time) error {
	none := n.N == 0 && len(data.Cards) == 0
	whole := data.Filter == quarantine.Filter{Tenant: data.Tenant, Over: data.Over}
	data.Tone, data.Icon = "calm", "dash"
	switch {
	case none && !whole:
		data.Sentence = "Nothing is like this."
	case none && data.Over:
		data.Sentence = "Nothing is over yet."
	case none:
		data.Sentence, data.Tone, data.Icon = "Nothing waits.", "good", "check"
		last, err := c.Held.List(ctx, who, quarantine.Filter{Tenant: data.Tenant, Over: true}, quarantine.Cursor{}, 1)
		if err == nil && len(last.Holds) > 0 && last.Holds[0].Ended != nil {
			data.Next = "The last that ended: " + c.endWords(last.Holds[0].Ended)
		}
		return err
	case data.Over:
		data.Sentence, data.Icon = counted(n, "is over", "are over")+", the latest first.", "check"
	default:
		data.Sentence, data.Tone, data.Icon = counted(n, "waits", "wait")+".", "warn", "pause"
		if data.Behind == (quarantine.Cursor{}) && data.Before.IsZero() && len(data.Cards) > 0 { // what is due first stands first
			if h := data.Cards[0].To[0].hold; !h.Until.IsZero() && h.Pinned == nil {
				data.Sentence = counted(n, "waits", "wait") + "; the next deadline is " + nextWords(h.Until, now) + "."
			}
		}
	}
	return nil
}

func nextWords(until, now time.Time) string {
	if left := until.Sub(now); left > 0 {
		return "in " + roughly(left)
	}
	return "over now"
}

// counted is how many recipients do something: one, or several.
func counted(n quarantine.Count, one, several string) string {
	words := many(n.N, "recipient")
	if n.More {
		words = "At least " + words
	}
	if n.N == 1 && !n.More {
		return words + " " + one
	}
	return words + " " + several
}

// card is a message of which a hold is the first row.
func (c *Console) card(h *quarantine.Hold, veiled bool, now time.Time) heldCard {
	x := heldCard{
		ID: h.Message, Ref: h.Ref, Tenant: h.Tenant, Subject: h.Subject, Veiled: veiled, From: h.Sender, Size: h.Size,
		Because: h.Because, Rule: first(h.Rule, strings.Join(h.Rules, ", ")), Since: h.Since, Waits: roughly(now.Sub(h.Since)),
		Off: c.Off != nil && c.Off(h.Tenant), Marks: holdMarks(h),
	}
	if h.Ended != nil {
		x.Waits = roughly(h.Ended.At.Sub(h.Since))
	}
	if len(h.Rules) > 0 && h.Ended == nil {
		x.ByRule = heldChoice{Filter: quarantine.Filter{Tenant: h.Tenant, Rule: h.Rules[0]}}.with("/held")
	}
	return x
}

// line is a recipient in words.
func (c *Console) line(h *quarantine.Hold, now time.Time) heldLine {
	l := heldLine{
		Address: h.Recipient, State: holdState(h), Due: c.deadline(h, now), Passed: passed(h, now), hold: h,
		Votes: votesWords(h), Missing: strings.Join(h.Panel.Missing, "; "),
	}
	if e := h.Ended; e != nil {
		l.Ended, l.Comment, l.Missing = c.endWords(e), e.Comment, ""
		if slices.ContainsFunc(h.Votes, func(v quarantine.Vote) bool { return v.Comment == e.Comment }) {
			l.Comment = "" // it stands with the vote
		}
		return l
	}
	l.Asked = askedWords(h)
	if named := strings.Join(h.Panel.Named, ", "); named != l.Asked {
		l.Named = named
	}
	if p := h.Pinned; p != nil {
		l.Kept = fmt.Sprintf("Kept by %s since %s", whoWords(p.By, ""), c.when(p.At))
	}
	return l
}

// chips are the filters above the list.
func (c *Console) chips(data heldListing) (list []chip) {
	ch := data.heldChoice
	toggle := func(text, key, value string, on bool) {
		if on {
			value = ""
		}
		list = append(list, chip{Text: text, On: on, Href: ch.with("/held", key, value)})
	}
	waits, over := ch, ch
	waits.Over, over.Over = false, true
	list = append(list,
		chip{Text: "Waits", On: !ch.Over, Href: waits.with("/held")}, chip{Text: "Is over", On: ch.Over, Href: over.with("/held")})
	toggle("Nobody could be asked", "approver", "-", ch.Approver == "-")
	toggle("For a day or more", "older", "1d", ch.Older == "1d")
	toggle("Is kept", "pinned", "true", ch.Pinned)
	for _, id := range data.Tenants {
		if c.Off != nil && c.Off(id) {
			toggle("Switched off: "+flat(id, 40), "tenant", id, ch.Tenant == id)
		}
	}
	return slices.Clip(list)
}
