package gateway

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
)

// letter is a mail of our own that is still to be written: the text is made
// when it is sent, from the original that is in custody until then, so that
// nothing of the original lies in the database.
type letter struct {
	Kind    letterKind    `json:"kind"`
	About   []reported    `json:"about"`
	All     int           `json:"all"`
	Rule    string        `json:"rule,omitempty"`
	Why     string        `json:"why,omitempty"`
	Advice  string        `json:"advice,omitempty"`
	Ref     string        `json:"ref"`
	Outside bool          `json:"outside,omitempty"`
	Who     string        `json:"who,omitempty"`
	Comment string        `json:"comment,omitempty"`
	Waited  time.Duration `json:"waited,omitempty"`
	Due     time.Time     `json:"due,omitzero"`
	End     policy.End    `json:"end,omitempty"`

	// To is who gets it when that is not the sender of the original, Sender who
	// wrote that.
	To     mail.Address `json:"to,omitempty"`
	Sender mail.Address `json:"sender,omitempty"`
	// See is the token of the link, Reply that of the address for an answer.
	See   string `json:"see,omitempty"`
	Reply string `json:"reply,omitempty"`
	// Text is a question, an answer or a reason; Role why somebody was asked.
	Text string `json:"text,omitempty"`
	Role string `json:"role,omitempty"`
	// Before is the number of earlier mails, when somebody counts them.
	Before *int `json:"before,omitempty"`
	// Asked are those who did not decide, for whom the sender may look.
	Asked []mail.Address `json:"asked,omitempty"`
	// Own is set when the sender is reminded of mail of his own.
	Own bool `json:"own,omitempty"`
	// Days is for how many days the sender may ask again.
	Days int       `json:"days,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// reported is a recipient in a letter.
type reported struct {
	Address mail.Address `json:"address"`
	ORcpt   string       `json:"orcpt,omitempty"`
	Reply   mail.Reply   `json:"reply"`
	Host    string       `json:"host,omitempty"`
}

type letterKind string

// The kinds. A row of letterForms says what each is.
const (
	letterBlocked     letterKind = "blocked"
	letterDeclined    letterKind = "declined"
	letterExpired     letterKind = "expired"
	letterUndelivered letterKind = "undelivered"
	letterRelayed     letterKind = "relayed"
	letterNote        letterKind = "note"
	letterWaiting     letterKind = "waiting"
	letterOverride    letterKind = "override"
	letterDecide      letterKind = "decide"
	letterReminder    letterKind = "reminder"
	letterQuestion    letterKind = "question"
	letterAnswer      letterKind = "answer"
	letterApproved    letterKind = "approved"
	letterPassed      letterKind = "passed"
	letterOverridden  letterKind = "overridden"
	letterClosed      letterKind = "closed"
	letterAsked       letterKind = "asked"
	letterReleased    letterKind = "released"
	letterKeptBack    letterKind = "kept-back"
)

// letterForm is what a kind of letter is.
type letterForm struct {
	kind   letterKind
	notice notice.Kind
	// report is set for delivery reports, which have the null sender, are
	// counted by the balance and are never put into a digest.
	report bool
}

func letterForms() []letterForm {
	return []letterForm{
		{letterBlocked, notice.NotSent, true}, {letterDeclined, notice.Declined, true}, {letterExpired, notice.Expired, true},
		{letterUndelivered, notice.Undelivered, true}, {letterRelayed, notice.Relayed, true}, {letterNote, notice.Note, false},
		{letterWaiting, notice.Waiting, false}, {letterOverride, notice.Override, false}, {letterDecide, notice.Decide, false},
		{letterReminder, notice.Reminder, false}, {letterQuestion, notice.Question, false}, {letterAnswer, notice.Answer, false},
		{letterApproved, notice.Approved, false}, {letterPassed, notice.Passed, false}, {letterOverridden, notice.Overridden, false},
		{letterClosed, notice.ExpiredApprover, false}, {letterAsked, notice.Asked, false}, {letterReleased, notice.Released, false},
		{letterKeptBack, notice.KeptBack, false},
	}
}

func (k letterKind) form() letterForm {
	for _, f := range letterForms() {
		if f.kind == k {
			return f
		}
	}
	return letterForm{k, notice.NotSent, true} // a later version wrote it
}

func blockedLetter(list []fate, x extra, all int) letter {
	v := list[0].verdict
	l := letter{
		Kind: letterBlocked, All: all, Rule: ruleName(v), Why: foundWords(v.Because), Advice: v.Text,
		Ref: x.Ref, Outside: x.Outside,
	}
	reply := mail.NewReply(550, "5.7.1", notice.Short(l.Rule, l.Why, l.Ref))
	if x.Outside {
		reply = mail.NewReply(550, "5.7.1", "Stopped by the receiving organisation's mail rules. ref "+l.Ref)
	}
	l.about(list, reply, "")
	return l
}

func noteLetter(list []fate, x extra, all int) letter {
	v := list[0].verdict
	l := letter{Kind: letterNote, All: all, Rule: noteRule(v), Why: foundWords(v.Because), Advice: v.Text, Ref: x.Ref}
	l.about(list, mail.Reply{}, "")
	return l
}

// waitingLetter tells the sender that a message waits: for somebody, or for
// what he himself chooses.
func waitingLetter(list []fate, x extra, all int, now time.Time) letter {
	v := list[0].verdict
	l := letter{Kind: letterWaiting, All: all, Rule: ruleName(v), Why: foundWords(v.Because), Advice: v.Text, Ref: x.Ref}
	if h := v.Hold; h != nil {
		l.End, l.Due = h.Then, h.Until(now)
		l.Who = approverWords(h.Approvers)
		if h.Override {
			l.Kind = letterOverride
		}
	}
	l.about(list, mail.Reply{}, "")
	return l
}

func (l *letter) about(list []fate, r mail.Reply, host string) {
	for _, f := range list {
		l.About = append(l.About, reported{Address: f.to.Address, ORcpt: f.to.ORcpt, Reply: r, Host: host})
	}
}

func only(list []reported, keep []mail.Address) []reported {
	var out []reported
	for _, r := range list {
		for _, a := range keep {
			if r.Address == a {
				out = append(out, r)
				break
			}
		}
	}
	return out
}

func ruleName(v policy.RecipientVerdict) string {
	if len(v.Won) > 0 {
		if v.Won[0].Name != "" {
			return v.Won[0].Name
		}
		return v.Won[0].Rule
	}
	if v.Hold != nil && len(v.Hold.Causes) > 0 {
		return "mail that could not be looked at: " + string(v.Hold.Causes[0])
	}
	return first(v.Rules)
}

// noteRule is the name of the rule that asked for the notice.
func noteRule(v policy.RecipientVerdict) string {
	for _, w := range append(append([]policy.Match(nil), v.Won...), v.Lost...) {
		if w.Action == policy.Notify || w.Would != "" {
			if w.Name != "" {
				return w.Name
			}
			return w.Rule
		}
	}
	return ruleName(v)
}

// foundWords takes the finding out of the verdict's sentence: "3 card
// numbers (high) in plan.docx go outside" becomes "3 card numbers (high) in
// plan.docx".
func foundWords(because string) string {
	for _, cut := range []string{" go ", " goes ", " stay ", " stays ", " come ", " comes "} {
		if i := strings.LastIndex(because, cut); i > 0 {
			return because[:i]
		}
	}
	return because
}

func approverWords(list []string) string {
	switch {
	case len(list) == 0:
		return "administrator"
	case len(list) == 1 && list[0] == "manager":
		return "manager"
	}
	return joinWords(list)
}

func joinWords(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// shortReason is the one line of a refusal in the session.
func (g *Gateway) shortReason(tr *trail, m matter) string {
	v := m.plan.blocked[0].verdict
	if !m.ownSender() {
		return "Stopped by the receiving organisation's mail rules. ref " + refOf(tr.trace)
	}
	return notice.Short(ruleName(v), foundWords(v.Because), refOf(tr.trace))
}

// refOf is the 8-character reference of a message: short enough to be said
// on the phone, made of the random end of its id.
func refOf(trace string) string {
	if len(trace) < 8 {
		return strings.ToUpper(trace)
	}
	r := strings.ToUpper(trace[len(trace)-8:])
	return r[:4] + "-" + r[4:]
}

// relayedLetter answers NOTIFY=SUCCESS where the next hop gives no reports.
func relayedLetter(list []mail.Address, host string, x extra, all int) letter {
	l := letter{Kind: letterRelayed, All: all, Ref: x.Ref}
	for _, a := range list {
		l.About = append(l.About, reported{Address: a, Host: host,
			Reply: mail.NewReply(250, "2.0.0", fmt.Sprintf("handed on to %s, which gives no reports", host))})
	}
	return l
}
