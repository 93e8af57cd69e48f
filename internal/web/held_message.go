package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// heldView is what the template of one held message shows.
type heldView struct {
	heldCard
	Sentence   string
	Tone, Icon string
	// Did says what the visitor has just done.
	Did string
	// Acts are the buttons; Waiting is how many recipients one can choose from.
	Acts    []heldButton
	Waiting int
	// Rights are the visitor's, in words.
	Rights string
	// Looks is set when he may look into it; NoLook is why he may not.
	Looks  bool
	NoLook string
	// Seen is how often somebody has looked into it.
	Seen     int
	Findings []detect.Finding
	Unseen   []mail.Unseen
	History  []happening
	Hidden   hidden
	// All is set for a visitor who sees the other pages too.
	All      bool
	Explains bool
}

// heldButton is something that can be done.
type heldButton struct {
	Act, Label string
	Strong     bool
}

// heldMessage is the page "/held/{id}".
func (c *Console) heldMessage(w http.ResponseWriter, r *http.Request) {
	list, ok := c.waiting(w, r)
	if !ok {
		return
	}
	now, who := time.Now(), caller(r)
	id, person := list[0].Message, c.Held.Person(who, list[0].Tenant)
	v := heldView{heldCard: c.card(&list[0], !person.Rights.Subject(), now), Rights: person.Rights.String()}
	v.Sentence, v.Tone, v.Icon = c.heldStanding(list, now)
	v.Did = didWords(r.URL.Query())
	for i := range list {
		v.To = append(v.To, c.line(&list[i], now))
		if list[i].Ended == nil {
			v.Waiting++
		}
	}
	v.Acts = heldButtons(list, person)
	v.To, v.Hidden.To = head(v.To)
	_, _, err := c.Held.Sees(r.Context(), who, id)
	switch {
	case err == nil:
		v.Looks = true
	case quarantine.WhyOf(err) != "":
		v.NoLook = err.Error()
	default:
		c.unreadable(w, r, err)
		return
	}
	if err := c.evidence(r, &v); err != nil {
		c.unreadable(w, r, err)
		return
	}
	visitor, _ := c.visitor(r)
	v.All = !visitor.HeldOnly
	v.Explains = v.Explains && v.All
	title := "Held: " + first(flat(v.Subject, 60), v.Ref, id)
	c.show(w, r, http.StatusOK, "held-message", page{Title: title, Inside: true, Data: v})
}

// evidence reads what the record and the chain hold of a message.
func (c *Console) evidence(r *http.Request, v *heldView) error {
	var m audit.Message
	var events []audit.Event
	err := c.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if m, err = c.Audit.Get(tx, v.ID); err != nil && !errors.Is(err, audit.ErrNotFound) {
			return err
		}
		events, err = c.Audit.Events(tx, v.Tenant, v.ID)
		return err
	})
	if err != nil {
		return err
	}
	v.Explains = c.Explain != nil && m.Policy != "" && !m.Erased
	v.Findings, v.Hidden.Findings = head(m.Findings)
	v.Unseen, v.Hidden.Unseen = head(m.Unseen)
	for _, e := range events {
		if e.Kind == "read" {
			v.Seen++
		}
	}
	v.History = happenings(events)
	if n := len(v.History) - maxRows; n > 0 { // the latest are kept
		v.History, v.Hidden.Timeline = v.History[n:], n
	}
	return nil
}

// heldStanding is the first line: does it wait, for whom, until when, or how
// did it end.
func (c *Console) heldStanding(list []quarantine.Hold, now time.Time) (sentence, tone, icon string) {
	waiting, first := 0, (*quarantine.Hold)(nil)
	for i := range list {
		h := &list[i]
		if h.Ended != nil {
			continue
		}
		waiting++
		if first == nil || !h.Until.IsZero() && (first.Until.IsZero() || h.Until.Before(first.Until)) {
			first = h
		}
	}
	if waiting == 0 {
		return c.heldEnding(list)
	}
	sentence = "It waits for " + askedWords(first)
	if first.Delay {
		sentence = "It waits to leave"
	}
	switch {
	case waiting < len(list):
		sentence += fmt.Sprintf(", for %d of %s", waiting, many(len(list), "recipient"))
	case waiting > 1:
		sentence += ", for " + many(waiting, "recipient")
	}
	if first.Pinned != nil {
		return sentence + ". It is kept: no deadline ends it.", "busy", "pause"
	}
	if first.Until.IsZero() {
		return sentence + ". It has no deadline.", "warn", "pause"
	}
	return sentence + "; the deadline is " + nextWords(first.Until, now) + ".", "warn", "pause"
}

// heldEnding is the first line of a message of which nothing waits.
func (c *Console) heldEnding(list []quarantine.Hold) (sentence, tone, icon string) {
	last := list[0].Ended
	var order []string
	count := map[string]int{}
	for i := range list {
		e := list[i].Ended
		if e.At.After(last.At) {
			last = e
		}
		word := endState(e.How).Word
		if count[word] == 0 {
			order = append(order, word)
		}
		count[word]++
	}
	b := endState(last.How)
	if len(order) == 1 {
		return c.endWords(last), b.Tone, b.Icon
	}
	for i, word := range order {
		order[i] = fmt.Sprintf("%s for %s", word, grouped(count[word]))
	}
	return fmt.Sprintf("Nothing of it waits any more: %s, of %s.", strings.Join(order, ", "), many(len(list), "recipient")), "calm", "check"
}

// heldActs are what can be done, in the order of the buttons.
func heldActs() []heldButton {
	return []heldButton{
		{"approve", "Approve…", true}, {"reject", "Reject…", true}, {"ask", "Ask the sender…", false},
		{"hand-on", "Have somebody else decide…", false}, {"pin", "Keep…", false}, {"unpin", "Let it go on…", false},
	}
}

// heldButtons are those that a person may press for any recipient.
func heldButtons(list []quarantine.Hold, p quarantine.Person) (buttons []heldButton) {
	for _, b := range heldActs() {
		for i := range list {
			if list[i].May(p, quarantine.Act(b.Act)) == nil {
				buttons = append(buttons, b)
				break
			}
		}
	}
	return buttons
}

// didWords says what was done a moment ago; the page below says how it stands.
func didWords(v url.Values) string {
	n, err := parseCount(v.Get("n"))
	if err != nil {
		n = 1
	}
	for_ := "for " + many(n, "recipient")
	switch v.Get("did") {
	case "approve":
		return "Approved " + for_ + "."
	case "agree":
		return "Your word counts " + for_ + "; others must agree too."
	case "disagree":
		return "Your no counts " + for_ + "; others may still agree."
	case "reject":
		return "Rejected " + for_ + "; the sender is told."
	case "ask":
		return "The sender is asked. What waits goes on waiting."
	case "hand-on":
		return "Somebody else decides too, " + for_ + ", and gets a mail."
	case "pin":
		return "Kept " + for_ + ": no deadline ends it."
	case "unpin":
		return "It goes on " + for_ + "."
	case "late":
		return "Nothing was done: it had ended before. How, stands below."
	}
	return ""
}

func parseCount(s string) (n int, err error) {
	if len(s) == 0 || len(s) > 6 || strings.Trim(s, "0123456789") != "" {
		return 0, errors.New("web: not a count")
	}
	_, err = fmt.Sscan(s, &n)
	return n, err
}
