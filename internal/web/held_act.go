package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// confirmation is the page before something is done: what will happen to whom.
type confirmation struct {
	heldCard
	Act, Title, Label string
	// Sentence says what it means, Field is what to fill in besides: comment,
	// text or other; Words is its label, Hint what becomes of it.
	Sentence           string
	Field, Words, Hint string
	Required           bool
	Typed              string
	// Will are those to whom it happens, Left those who stay, each with why.
	Will, Left []effect
	// Chosen are the recipients, none for all that wait.
	Chosen  []mail.Address
	Mistake string
	// Depths are the buttons of a look.
	Redacted, Whole bool
}

// effect is what an act does to a recipient.
type effect struct {
	Address mail.Address
	Words   string
}

// heldConfirm is the page that an act begins with. It changes nothing.
func (c *Console) heldConfirm(w http.ResponseWriter, r *http.Request) {
	list, ok := c.waiting(w, r)
	if !ok || !c.form(w, r) {
		return
	}
	if r.PathValue("act") == "look" {
		c.lookConfirm(w, r, list)
		return
	}
	c.confirm(w, r, list, http.StatusOK, "")
}

// confirm shows what an act will do.
func (c *Console) confirm(w http.ResponseWriter, r *http.Request, list []quarantine.Hold, status int, mistake string) {
	x, ok := confirmations()[r.PathValue("act")]
	if !ok {
		c.fail(w, r, http.StatusNotFound, fault{Sentence: "Nothing like this can be done with held mail.", Next: "Go back to the message."})
		return
	}
	x.Act, x.Chosen, x.Mistake, x.Typed = r.PathValue("act"), recipients(r), mistake, r.Form.Get(x.Field)
	all, err := c.Held.Foresee(r.Context(), caller(r), quarantine.Act(x.Act), list[0].Message, x.Chosen)
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	for _, f := range all {
		e := effect{Address: f.Hold.Recipient, Words: effectWords(quarantine.Act(x.Act), f)}
		switch {
		case f.No == nil:
			x.Will = append(x.Will, e)
		case f.Hold.Ended == nil || len(x.Chosen) > 0: // whoever is long over need not be named
			x.Left = append(x.Left, e)
		}
	}
	x.heldCard = c.card(&list[0], !c.Held.Person(caller(r), list[0].Tenant).Rights.Subject(), list[0].Since)
	if len(x.Will) == 0 {
		x.Sentence = "This is not possible for any recipient. Nothing was done."
	}
	c.show(w, r, status, "held-confirm", page{Title: x.Title, Inside: true, Data: x})
}

// confirmations are the pages of the acts.
func confirmations() map[string]confirmation {
	return map[string]confirmation{
		"approve": {
			Title: "Approve?", Label: "Approve",
			Sentence: "It is looked at once more and sent as it was written. This cannot be taken back.",
			Field:    "comment", Words: "Comment (may be empty)", Hint: "It stays in the record; those who asked may see it.",
		},
		"reject": {
			Title: "Reject?", Label: "Reject",
			Sentence: "It is not sent, and its sender is told by mail. This cannot be taken back.",
			Field:    "comment", Words: "Comment for the sender (may be empty)", Hint: "The sender reads it, with the name of the policy.",
		},
		"ask": {
			Title: "Ask the sender?", Label: "Ask",
			Sentence: "The sender gets your question by mail and answers on his page. The deadline does not move.",
			Field:    "text", Words: "Question", Hint: "Write no numbers or names from the mail itself.", Required: true,
		},
		"hand-on": {
			Title: "Have somebody else decide?", Label: "Have them decide",
			Sentence: "Whoever you name decides too and gets a mail with the link.",
			Field:    "other", Words: "Address", Hint: "Somebody of the tenant, not the sender.", Required: true,
		},
		"pin": {
			Title: "Keep it?", Label: "Keep",
			Sentence: "No deadline ends it, and nobody approves or rejects it, until somebody lets it go on.",
			Field:    "text", Words: "Why", Hint: "It stays in the record, for example a court's file number.", Required: true,
		},
		"unpin": {
			Title: "Let it go on?", Label: "Let it go on", Sentence: "Its deadline runs again, with the time that was left and a day at least.",
		},
	}
}

// effectWords says what an act does to one recipient.
func effectWords(act quarantine.Act, f quarantine.Foreseen) string {
	if f.No != nil {
		return "stays as it is: " + f.No.Error()
	}
	switch missing := f.Hold.Of - len(f.Hold.AgreedBy()) - 1; {
	case act == quarantine.Approve && f.Standing == quarantine.Open:
		return fmt.Sprintf("your word counts; then %s must agree too", many(missing, "more person"))
	case act == quarantine.Approve:
		return "gets the message"
	case act == quarantine.Reject && f.Standing == quarantine.Open:
		return "your no counts; others may still agree"
	case act == quarantine.Reject:
		return "does not get the message"
	case act == quarantine.PinIt:
		return "is kept"
	case act == quarantine.UnpinIt:
		return "goes on waiting with a deadline"
	}
	return "goes on waiting"
}

// heldDo carries an act out, and leads back to the message.
func (c *Console) heldDo(w http.ResponseWriter, r *http.Request) {
	list, ok := c.waiting(w, r)
	if !ok || !c.form(w, r) {
		return
	}
	act := r.PathValue("act")
	if act == "look" {
		c.openLetter(w, r, list)
		return
	}
	x, known := confirmations()[act]
	if !known {
		c.confirm(w, r, list, http.StatusNotFound, "")
		return
	}
	s := quarantine.Saying{
		Message: list[0].Message, To: recipients(r), Approve: act == "approve", Text: strings.TrimSpace(r.PostForm.Get(x.Field)),
	}
	if x.Required && s.Text == "" {
		c.confirm(w, r, list, http.StatusBadRequest, "Fill in: "+x.Words+".")
		return
	}
	did, n, err := c.carryOut(r, act, s)
	switch why := quarantine.WhyOf(err); {
	case err == nil:
	case why == quarantine.OverAlready:
		did, n = "late", 0
	case why == "" || why == quarantine.NeedsRight || why == quarantine.NotYours:
		c.notAllowed(w, r, err)
		return
	default:
		c.confirm(w, r, list, http.StatusConflict, "Nothing was done: "+flat(err.Error(), 300)+".")
		return
	}
	v := url.Values{"did": {did}, "n": {strconv.Itoa(n)}}
	http.Redirect(w, r, "/held/"+url.PathEscape(s.Message)+"?"+v.Encode(), http.StatusSeeOther)
}

// carryOut does it at the desk. did is the word for what came of it, n for how
// many recipients.
func (c *Console) carryOut(r *http.Request, act string, s quarantine.Saying) (did string, n int, err error) {
	if act != "approve" && act != "reject" {
		if act == "hand-on" {
			other, err := mail.ParseAddress(s.Text)
			if err != nil {
				return "", 0, &quarantine.Refusal{Code: quarantine.NeedsReason, Text: fmt.Sprintf("%q is not an address", flat(s.Text, 80))}
			}
			s.Other, s.Text = other, ""
		}
		n, err = c.Held.Do(r.Context(), caller(r), quarantine.Act(act), s)
		return act, n, err
	}
	said, err := c.Held.Say(r.Context(), caller(r), s)
	switch {
	case err != nil:
		return "", 0, err
	case said.Done > 0:
		return act, said.Done, nil
	case said.Agreed > 0 && s.Approve:
		return "agree", said.Agreed, nil
	case said.Agreed > 0:
		return "disagree", said.Agreed, nil
	}
	return "late", 0, nil
}

// lookConfirm says, before anything is opened, that a look is recorded.
func (c *Console) lookConfirm(w http.ResponseWriter, r *http.Request, list []quarantine.Hold) {
	depth, as, err := c.Held.Sees(r.Context(), caller(r), list[0].Message)
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	x := confirmation{
		Act: "look", Title: "Look into it?", Redacted: true, Whole: depth == quarantine.Whole,
		Sentence: "That you looked, when and how much stays in the record, and the sender sees it on his page.",
	}
	if as == quarantine.InEmergency {
		x.Sentence = "You may look because two persons agreed on an emergency. " + x.Sentence
	}
	x.heldCard = c.card(&list[0], !c.Held.Person(caller(r), list[0].Tenant).Rights.Subject(), list[0].Since)
	c.show(w, r, http.StatusOK, "held-confirm", page{Title: x.Title, Inside: true, Data: x})
}

// letter is what the template of a look shows.
type letter struct {
	heldCard
	quarantine.Letter
	Lines [][]run
	Whole bool
}

// Of the text of a message the page shows as many lines, of as many characters.
const (
	letterLines = 5000
	letterLine  = 2000
)

// openLetter opens a message for the visitor. It is in the record before he gets it.
func (c *Console) openLetter(w http.ResponseWriter, r *http.Request, list []quarantine.Hold) {
	depth := quarantine.Redacted
	if r.PostForm.Get("depth") == string(quarantine.Whole) {
		depth = quarantine.Whole
	}
	l, err := c.Held.Look(r.Context(), caller(r), list[0].Message, depth)
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	x := letter{
		heldCard: c.card(&list[0], !c.Held.Person(caller(r), list[0].Tenant).Rights.Subject(), list[0].Since),
		Letter:   l, Whole: l.Depth == quarantine.Whole,
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(l.Text), "\n")
	if len(lines) > letterLines {
		lines, x.Cut = lines[:letterLines], true
	}
	for _, line := range lines {
		x.Lines = append(x.Lines, seen(line, letterLine))
	}
	x.Lines = slices.Clip(x.Lines)
	c.show(w, r, http.StatusOK, "held-letter", page{Title: "What it says", Inside: true, Data: x})
}
