package public

import (
	"context"
	"errors"
	"slices"
	"strings"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/visible"
)

// matter is a message as one visitor may see it: the recipients of whom he
// decides, or all when it is his own, or himself.
type matter struct {
	v     *visit
	holds []quarantine.Hold
	// record is what is known of the message, looks who has looked into it.
	record audit.Message
	looks  []Look

	// before is how many mails its sender wrote to them before; nil when nobody
	// knows.
	before *int
	// newer is the message as which its sender has asked again, if people decide
	// about that.
	newer string

	// Decider, Sender and Recipient are what the visitor is in it.
	Decider, Sender, Recipient bool
	// Typed is what was typed and could not be taken.
	Typed string
}

// matter reads what the visitor may see of his message. ok is false when there
// is no such message, and when it is none of his business: nobody can tell.
func (v *visit) matter(ctx context.Context) (m *matter, ok bool, err error) {
	m = &matter{v: v}
	err = v.DB.View(ctx, func(tx *store.Tx) error {
		all, err := quarantine.Of(tx, v.message)
		if err != nil {
			return err
		}
		for _, h := range all {
			m.enter(h)
		}
		if len(m.holds) == 0 {
			return nil
		}
		if m.record, err = v.Audit.Get(tx, v.message); err != nil && !errors.Is(err, audit.ErrNotFound) {
			return err
		}
		if err = m.findNewer(tx); err != nil {
			return err
		}
		m.looks, err = v.Looks(tx, v.tenant.ID, v.message)
		return err
	})
	if err == nil && m.Decider && v.Earlier != nil {
		m.before = v.Earlier(v.tenant.ID, m.holds)
	}
	return m, len(m.holds) > 0, err
}

// enter takes a recipient in when he is the visitor's business.
func (m *matter) enter(h quarantine.Hold) {
	v := m.v
	if h.Tenant != v.tenant.ID {
		return
	}
	sender := v.is(h.Sender) || slices.ContainsFunc(h.Own, v.is)
	decider := !sender && (slices.ContainsFunc(h.Panel.Seats, v.is) || h.Panel.Deputized && slices.ContainsFunc(h.Panel.Deputies, v.is) ||
		slices.ContainsFunc(h.Votes, func(x quarantine.Vote) bool { return v.is(mail.Address(x.By)) }))
	recipient := v.is(h.Recipient) && h.Allows(policy.RightSee)
	officer := v.officer != nil && !sender && !v.is(h.Recipient)
	decider = decider || officer && v.officer.Rights.Decide
	if sender || decider || recipient || officer {
		m.holds = append(m.holds, h)
		m.Sender, m.Decider, m.Recipient = m.Sender || sender, m.Decider || decider, m.Recipient || recipient
	}
}

// may are the recipients for whom the visitor may do something.
func (m *matter) may(a quarantine.Act) (list []mail.Address) {
	for _, h := range m.holds {
		no := h.May(m.v.as(&h, a), a)
		if a == quarantine.AskAgain {
			no = h.MayAskAgain(m.v.who, m.v.now)
		}
		if no == nil {
			list = append(list, h.Recipient)
		}
	}
	return list
}

// May reports whether the visitor may do something for anybody.
func (m *matter) May(a string) bool { return len(m.may(quarantine.Act(a))) > 0 }

// one is the hold that stands for all: the first that waits, else the first.
func (m *matter) one() *quarantine.Hold {
	for i := range m.holds {
		if m.holds[i].Ended == nil {
			return &m.holds[i]
		}
	}
	return &m.holds[0]
}

// Over reports whether nobody waits any more.
func (m *matter) Over() bool { return m.one().Ended != nil }

// Incoming reports whether the mail comes from outside.
func (m *matter) Incoming() bool { return m.record.Direction == mail.In }

// Override and Delay are of mail whose sender decides himself, or that only
// waits.
func (m *matter) Override() bool { return m.one().Override }

// Delay is of mail that leaves by itself.
func (m *matter) Delay() bool { return m.one().Delay }

// Danger is set for malware.
func (m *matter) Danger() bool { return m.one().Danger }

// Title is the question that the page answers.
func (m *matter) Title() string {
	switch {
	case m.Over():
		return "title_over"
	case m.Decider && m.Incoming():
		return "title_decide_in"
	case m.Decider:
		return "title_decide"
	case m.Recipient && !m.Sender:
		return "title_kept"
	case m.Delay():
		return "title_delay"
	case m.Override():
		return "title_override"
	}
	return "title_waits"
}

// run is a piece of a text from mail.
type run struct{ Text, Mark string }

// text is a text from mail with marks in the language of the page.
func (v *visit) text(s string, limit int) []run {
	var list []run
	for _, r := range visible.Runs(s, limit) {
		x := run{Text: r.Text}
		if r.Kind != "" {
			x.Mark = v.speech.say("mark_"+string(r.Kind), "n", r.Rest)
		}
		list = append(list, x)
	}
	return list
}

// Lengths at which texts from mail are cut, in characters.
const (
	longSubject = 200
	longText    = 2000
	longName    = 120
)

// Subject is that of the mail; none when there is none.
func (m *matter) Subject() []run { return m.v.text(m.one().Subject, longSubject) }

// From is who sent it.
func (m *matter) From() []run { return m.v.text(string(m.one().Sender), longName) }

// FromOutside reports whether the sender is no one of the tenant.
func (m *matter) FromOutside() bool { return !m.v.tenant.Owns(m.one().Sender) }

// Because is the verdict's sentence; BecauseIn is its language.
func (m *matter) Because() []run {
	text, _ := policy.SentenceIn(m.v.speech.name, m.one().Because)
	return m.v.text(text, longText)
}

// BecauseIn is the language of the verdict's sentence: English, when that of the
// page lacks something.
func (m *matter) BecauseIn() string {
	if _, ok := policy.SentenceIn(m.v.speech.name, m.one().Because); ok {
		return m.v.speech.name
	}
	return "en"
}

// Rule is the name of the policy that holds it.
func (m *matter) Rule() []run { return m.v.text(m.one().Rule, longName) }

// Ref is the reference.
func (m *matter) Ref() string { return m.one().Ref }

// line is a recipient on the page.
type line struct {
	Address    []run
	Value      string
	Outside    bool
	Icon, Tone string
	// Sentence says where it stands, Comment what was said with it.
	Sentence string
	Comment  []run
	// Removable is set when its sender may take it out.
	Removable bool
}

// mostLines is how many recipients a page shows.
const mostLines = 200

// Lines are the recipients.
func (m *matter) Lines() (list []line) {
	for _, h := range m.holds[:min(len(m.holds), mostLines)] {
		l := line{
			Address: m.v.text(string(h.Recipient), longName), Value: string(h.Recipient), Outside: !m.v.tenant.Owns(h.Recipient),
			Icon: "pause", Tone: "warn", Sentence: m.v.standing(h), Removable: len(m.holds) > 1 && h.May(m.v.who, quarantine.Remove) == nil,
		}
		if e := h.Ended; e != nil {
			l.Icon, l.Tone, l.Comment = "cross", "bad", m.v.text(e.Comment, longText)
			if e.How.Goes() {
				l.Icon, l.Tone = "check", "good"
			}
		}
		list = append(list, l)
	}
	return list
}

// Stands reports whether there is more to say of the recipients than that they
// wait for the visitor.
func (m *matter) Stands() bool {
	return m.Sender || m.Recipient || slices.ContainsFunc(m.holds, func(h quarantine.Hold) bool {
		return h.Ended != nil || h.Of > 1 || h.Pinned != nil || h.May(m.v.who, quarantine.Reject) != nil
	})
}

// More is how many recipients are not shown.
func (m *matter) More() int { return max(0, len(m.holds)-mostLines) }

// standing says where a recipient stands: who decided what and when, or who is
// waited for.
func (v *visit) standing(h quarantine.Hold) string {
	say := v.speech.say
	if e := h.Ended; e != nil {
		text := say("is_"+string(e.How), "who", v.name(e.By, e.Means), "at", v.speech.moment(e.At, v.tenant.Zone))
		if h.Again != nil {
			text += "; " + say("is_again", "at", v.speech.moment(h.Again.At, v.tenant.Zone))
		}
		return text
	}
	switch {
	case h.Pinned != nil:
		return say("is_pinned")
	case h.Delay:
		return say("is_delayed", "at", v.speech.moment(h.Until, v.tenant.Zone))
	case h.Override:
		return say("is_yours")
	case h.Panel.Administrators():
		return say("is_waiting", "who", say("an_administrator"))
	case h.Of > 1:
		return say("is_waiting_of", "who", h.Panel.String(), "n", len(h.AgreedBy()), "of", h.Of)
	}
	return say("is_waiting", "who", h.Panel.String())
}

// name is who did something, for people.
func (v *visit) name(by string, means quarantine.Means) string {
	switch {
	case v.known && v.is(mail.Address(by)):
		return v.speech.say("you")
	case means == quarantine.ByClock:
		return v.speech.say("nobody")
	case strings.Contains(by, "@"):
		return visible.Flat(by, longName)
	}
	return v.speech.say("an_administrator")
}

// Due says by when and what then; "" when there is no time, or it is over.
func (m *matter) Due() string {
	h := m.one()
	if h.Ended != nil || h.Until.IsZero() {
		return ""
	}
	say, end := m.v.speech.say, "end_"+string(h.End)
	if h.Delay {
		end = "end_sent"
	}
	return say("due", "at", m.v.speech.moment(h.Until, m.v.tenant.Zone), "left", m.v.speech.left(h.Until.Sub(m.v.now)), "end", say(end))
}

// Choices are the recipients whom a decision of the visitor is about.
func (m *matter) Choices() []line {
	list := m.may(quarantine.Reject)
	if len(list) == 0 {
		list = m.may(quarantine.Approve)
	}
	return m.named(list)
}

// Own are the recipients of the sender's own mail who wait.
func (m *matter) Own() []line { return m.named(m.may(quarantine.Cancel)) }

// findNewer finds the message as which the sender has asked again.
func (m *matter) findNewer(tx *store.Tx) error {
	for _, h := range m.holds {
		if h.Again == nil || m.newer != "" {
			continue
		}
		list, err := quarantine.Of(tx, h.Again.Message)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			m.newer = h.Again.Message
		}
	}
	return nil
}

// Newer leads to the message as which the sender has asked again; "" for none.
func (m *matter) Newer() string {
	if m.newer == "" || !m.Sender {
		return ""
	}
	return "/approve/my/" + m.v.tenant.ID + "/" + m.newer
}

// Again are the recipients for whom the sender may ask again, and AgainDue
// until when.
func (m *matter) Again() []line { return m.named(m.may(quarantine.AskAgain)) }

// AgainDue says until when the sender may ask again.
func (m *matter) AgainDue() string {
	for _, h := range m.holds {
		if h.MayAskAgain(m.v.who, m.v.now) == nil {
			return m.v.speech.moment(h.AskUntil, m.v.tenant.Zone)
		}
	}
	return ""
}

// TooLate reports whether nobody decided about the visitor's mail, and it can
// only be sent again.
func (m *matter) TooLate() bool {
	return m.Sender && m.Over() && len(m.Again()) == 0 && slices.ContainsFunc(m.holds, func(h quarantine.Hold) bool {
		return h.Ended != nil && h.Ended.How == quarantine.Expired && h.Again == nil
	})
}

// Mine are those copies that were kept back for the visitor.
func (m *matter) Mine() []line {
	return m.named(append(m.may(quarantine.Request), m.may(quarantine.Release)...))
}

func (m *matter) named(list []mail.Address) (lines []line) {
	for _, l := range m.Lines() {
		if slices.Contains(list, mail.Address(l.Value)) {
			lines = append(lines, l)
		}
	}
	return lines
}

// Reasons are those that a sender chooses from.
func (m *matter) Reasons() []string { return m.one().Reasons }

// CommentWord says whether a sender may write why.
func (m *matter) CommentWord() string { return string(m.one().Comment) }

// NeedsText reports whether a sender must write why.
func (m *matter) NeedsText() bool { return m.one().Comment == policy.CommentRequired }

// Sees reports whether the visitor may look into the mail, with what was found
// blotted out.
func (m *matter) Sees() bool { return m.depth() != quarantine.Nothing }

// SeesWhole is Sees for the mail as it is.
func (m *matter) SeesWhole() bool { return m.depth() == quarantine.Whole }

func (m *matter) depth() quarantine.Depth {
	depth, _, _ := quarantine.View(m.holds, m.reader()) // a refusal is Nothing
	return depth
}

// reader is the visitor as he looks into the mail: by his role only where he
// may not otherwise, and never into mail that is for himself.
func (m *matter) reader() quarantine.Person {
	own := m.Sender || slices.ContainsFunc(m.holds, func(h quarantine.Hold) bool { return m.v.is(h.Recipient) })
	if depth, _, _ := quarantine.View(m.holds, m.v.who); depth == quarantine.Nothing && m.v.officer != nil && !own {
		return *m.v.officer
	}
	return m.v.who
}

// doer is the visitor as somebody who does something for recipients, and those
// of them for whom he may try: by his role when it is needed for any.
func (m *matter) doer(a quarantine.Act, to []mail.Address) (quarantine.Person, []mail.Address) {
	var whose []mail.Address
	byRole := false
	for i := range m.holds {
		h := &m.holds[i]
		if !slices.Contains(to, h.Recipient) {
			continue
		}
		p := m.v.as(h, a)
		if m.v.officer != nil && p.Rights == m.v.officer.Rights {
			byRole = true
		} else if h.May(p, a) != nil {
			continue
		}
		whose = append(whose, h.Recipient)
	}
	if !byRole {
		return m.v.who, to
	}
	return *m.v.officer, whose
}
