package quarantine

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Hold is one recipient of a message who waits, or has waited.
type Hold struct {
	Message   string       `json:"message"`
	Recipient mail.Address `json:"recipient"`
	Tenant    string       `json:"tenant"`
	Ref       string       `json:"ref"`

	// Sender is the envelope's sender, Own all addresses that are his.
	Sender  mail.Address   `json:"sender"`
	Own     []mail.Address `json:"own,omitempty"`
	Subject string         `json:"subject,omitempty"`
	Size    int64          `json:"size"`

	// Rules are the policies that hold it, Rule the name of the first, Because
	// the verdict's sentence.
	Rules   []string `json:"rules"`
	Rule    string   `json:"rule,omitempty"`
	Because string   `json:"because"`
	// Found are the types of what was found when it began to wait, Later those
	// that only a later look has found: then, too, letting it go needs that
	// right.
	Found []string `json:"found,omitempty"`
	Later []string `json:"later,omitempty"`
	// Danger is set when a detector of malware found something: letting it go
	// needs a right of its own.
	Danger bool `json:"danger,omitempty"`

	// Panel is who may decide, Of how many must agree.
	Panel Panel `json:"panel"`
	Of    int   `json:"of"`
	// Override is set when the sender himself may send it, with a reason;
	// Delay when it only waits.
	Override bool           `json:"override,omitempty"`
	Delay    bool           `json:"delay,omitempty"`
	Reasons  []string       `json:"reasons,omitempty"`
	Comment  policy.Comment `json:"comment,omitempty"`

	Since time.Time `json:"since"`
	// Until is the deadline, zero for none; End is what happens then.
	Until time.Time  `json:"until,omitzero"`
	End   policy.End `json:"end"`
	// Remind are the reminders to come, Escalate when the deputies are asked.
	Remind   []time.Time `json:"remind,omitempty"`
	Escalate time.Time   `json:"escalate,omitzero"`

	Votes     []Vote     `json:"votes,omitempty"`
	Questions []Question `json:"questions,omitempty"`
	Reason    *Reason    `json:"reason,omitempty"`
	Pinned    *Pin       `json:"pinned,omitempty"`
	// Freed is when it was unpinned: it has a day at least then, also where
	// octets have been kept for long enough.
	Freed time.Time `json:"freed,omitzero"`
	// Ended is set when it is over.
	Ended *Ending `json:"ended,omitempty"`
	// AskUntil is until when the sender of what expired may ask again, Again
	// that he did.
	AskUntil time.Time   `json:"ask_until,omitzero"`
	Again    *AskedAgain `json:"again,omitempty"`

	// Rights are those of the recipient, Aliases further addresses that are
	// his; Request is set when he has asked for it.
	Rights  []policy.Right `json:"rights,omitempty"`
	Aliases []mail.Address `json:"aliases,omitempty"`
	Request *Reason        `json:"request,omitempty"`
	// Preview is what those who decide may see of the mail.
	Preview policy.Preview `json:"preview,omitempty"`

	// Altered says that the row is not what was written: a bit has turned.
	Altered bool `json:"-"`

	place int64 // in the order of lists
}

// Vote is what somebody said about a hold.
type Vote struct {
	By      string    `json:"by"` // Person.Key
	Approve bool      `json:"approve"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
	Means   Means     `json:"means"`
}

// Question is what a decider asked the sender.
type Question struct {
	By       string    `json:"by"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Answer   string    `json:"answer,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
}

// Reason is why the sender wants it sent.
type Reason struct {
	Choice string    `json:"choice,omitempty"`
	Text   string    `json:"text,omitempty"`
	At     time.Time `json:"at"`
}

// Pin keeps a hold for good: it does not end by its deadline, and nobody ends
// it otherwise, until it is unpinned.
type Pin struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
	// Left is how much of its time was left.
	Left time.Duration `json:"left,omitempty"`
}

// AskedAgain is that the sender of what expired asked again: what he sent was
// taken as another message.
type AskedAgain struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// Ending is how a hold ended.
type Ending struct {
	How     How       `json:"how"`
	By      string    `json:"by"`
	Means   Means     `json:"means,omitempty"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// How is the way in which a hold ended.
type How string

// The ways.
const (
	Released  How = "released"  // approved, or let go by an administrator
	Sent      How = "sent"      // by its sender, who may, or a delay that ran out
	Rejected  How = "rejected"  // the sender is told
	Expired   How = "expired"   // nobody decided; the policy's end was refuse
	TimedOut  How = "timed-out" // nobody decided; the policy's end was release
	Cancelled How = "cancelled" // by its sender
	Removed   How = "removed"   // its sender took this recipient out
)

// Goes reports whether the message was sent to the recipient.
func (h How) Goes() bool { return h == Released || h == Sent || h == TimedOut }

// New is the hold of a recipient that begins now. What the message is comes
// from the caller, the terms from the verdict, and the panel from Resolve.
func New(m Hold, terms *policy.Hold, panel Panel, now time.Time) Hold {
	m.Panel, m.Of = panel, max(terms.Of, 1)
	m.Override, m.Delay = terms.Override, terms.Delay
	m.Reasons, m.Comment = slices.Clone(terms.Reasons), terms.Comment
	m.Rights, m.Preview = slices.Clone(terms.Recipient), terms.Preview
	m.Since, m.Until, m.End = now, terms.Until(now), terms.Then
	m.Subject = cut(m.Subject, mostSubject)
	m.Rules = slices.Clone(m.Rules)
	if m.End != policy.EndRefuse && !m.mayGoByItself() {
		m.End = policy.EndRefuse
	}
	after := func(d time.Duration) time.Time {
		if terms.Working != nil {
			return terms.Working.After(now, d)
		}
		return now.Add(d)
	}
	for _, d := range terms.Remind {
		if at := after(d); !terms.Quiet && !m.Until.IsZero() && at.Before(m.Until) {
			m.Remind = append(m.Remind, at)
		}
	}
	if len(panel.Deputies) > 0 && !panel.Deputized && terms.For > 0 && !terms.Quiet {
		m.Escalate = after(terms.For / 2)
	}
	return m
}

// mayGoByItself reports whether a deadline may let a hold go. What malware was
// found in does not go by itself, nor does what nobody of those could see whom
// the policy wanted to ask.
func (h *Hold) mayGoByItself() bool {
	asked := !h.Delay && !h.Override && len(h.Panel.Named) > 0
	return !h.Danger && len(h.Later) == 0 && !(asked && h.Panel.Administrators())
}

// LookedAgain notes the types of what a later look has found, and reports
// whether something is new.
func (h *Hold) LookedAgain(types []string) bool {
	n, danger := len(h.Later), h.Danger
	for _, t := range types {
		if !slices.Contains(h.Found, t) && !slices.Contains(h.Later, t) {
			h.Later = append(h.Later, t)
		}
		h.Danger = h.Danger || Dangerous(t)
	}
	return len(h.Later) > n || h.Danger != danger
}

// Dangerous reports whether a type of finding is malware.
func Dangerous(findingType string) bool {
	return strings.HasPrefix(strings.ToLower(findingType), "malware")
}

// next is when something is to be done besides the end; zero for nothing.
func (h *Hold) next() time.Time {
	at := h.Escalate
	if h.Pinned != nil || h.Ended != nil {
		return time.Time{}
	}
	if len(h.Remind) > 0 && (at.IsZero() || h.Remind[0].Before(at)) {
		at = h.Remind[0]
	}
	return at
}

// Reminder is what Remember found to be due.
type Reminder struct {
	// To are those who are reminded or, with Deputies, asked for the first
	// time.
	To       []mail.Address
	Deputies bool
}

// Remember takes what is due out of a hold and says who is told. Several
// reminders that were slept through are one, and who is asked only now is not
// reminded too.
func (h *Hold) Remember(now time.Time) (list []Reminder) {
	if h.Pinned != nil || h.Ended != nil {
		return nil
	}
	if !h.Escalate.IsZero() && !h.Escalate.After(now) {
		h.Escalate, h.Panel.Deputized = time.Time{}, true
		list = append(list, Reminder{To: slices.Clone(h.Panel.Deputies), Deputies: true})
	}
	n := 0
	for n < len(h.Remind) && !h.Remind[n].After(now) {
		n++
	}
	if n > 0 {
		h.Remind = slices.Clone(h.Remind[n:])
		to := h.Silent()
		if h.Override { // it waits for his own choice
			to = []mail.Address{h.Sender}
		}
		if len(list) > 0 {
			to = slices.DeleteFunc(to, func(a mail.Address) bool { return same(list[0].To, a) })
		}
		if len(to) > 0 {
			list = append(list, Reminder{To: to})
		}
	}
	return list
}

// AgreedBy are those who said yes.
func (h *Hold) AgreedBy() (list []string) {
	for _, v := range h.Votes {
		if v.Approve {
			list = append(list, v.By)
		}
	}
	return list
}

// Silent are those who may decide and have not said anything.
func (h *Hold) Silent() (list []mail.Address) {
	for _, a := range h.Panel.active() {
		if !slices.ContainsFunc(h.Votes, func(v Vote) bool { return v.By == keyOf(a) }) {
			list = append(list, a)
		}
	}
	return list
}

// PinDown pins a hold. It has no deadline from now on.
func (h *Hold) PinDown(by, why string, now time.Time) {
	h.Pinned = &Pin{By: by, Why: why, At: now}
	if !h.Until.IsZero() {
		h.Pinned.Left = max(h.Until.Sub(now), time.Second)
		h.Until = time.Time{}
	}
}

// Unpin gives back the time that was left, and a day at least.
func (h *Hold) Unpin(now time.Time) {
	if h.Pinned != nil && h.Pinned.Left > 0 {
		h.Until = now.Add(max(h.Pinned.Left, freedLife))
	}
	h.Pinned, h.Freed = nil, now
}

// freedLife is the time that what was unpinned has at least.
const freedLife = 24 * time.Hour

// JustFreed reports whether that time is not over.
func (h *Hold) JustFreed(now time.Time) bool { return now.Sub(h.Freed) < freedLife }

// End closes a hold.
func (h *Hold) end(how How, by string, means Means, comment string, now time.Time) {
	h.Ended = &Ending{How: how, By: by, Means: means, Comment: comment, At: now}
	h.Remind, h.Escalate = nil, time.Time{}
}

// words are what a search finds a hold by: of the reference, the addresses and
// the subject, which comes last because a stranger has chosen its length.
func (h *Hold) words() []string {
	return Words(h.Ref+" "+string(h.Sender)+" "+string(h.Recipient)+" "+h.Subject, mostWords)
}

// mostSubject is how much of a subject is kept for lists, in characters.
const mostSubject = 300

// cut shortens a text to a number of characters.
func cut(s string, most int) string {
	n := 0
	for at := range s {
		if n == most {
			return s[:at]
		}
		n++
	}
	return s
}

// plain is a text that somebody wrote, without what could disturb who reads
// it: control characters and those that turn the direction of writing.
func plain(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// Bounds of a search.
const (
	mostWords = 40 // of a hold that a search finds
	mostAsked = 8  // of a query
	longWord  = 40 // octets; the rest of a word is not searched
)

// Words are the words of a text in the form in which they are searched: lower
// case, each once, up to most. An address is a word, and so are its parts.
func Words(text string, most int) (list []string) {
	add := func(w string) {
		w = strings.Trim(w, ".-_@")
		if len(w) > longWord {
			w = strings.ToValidUTF8(w[:longWord], "")
		}
		if w != "" && len(list) < most && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), between) {
		add(w)
		if strings.ContainsAny(w, "@.-_") {
			for _, part := range strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune("@.-_", r) }) {
				add(part)
			}
		}
	}
	return list
}

func between(r rune) bool {
	switch {
	case r == '@' || r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
		return false
	}
	return r < 0x80 || r == 0xFFFD || r == 0xA0 || r >= 0x2000 && r <= 0x206F
}
