package quarantine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Means is how we know who somebody is.
type Means string

// The means. There is no other: a link alone identifies nobody.
const (
	// ByDevice is a browser that a code bound to a mailbox (device.go).
	ByDevice Means = "device"
	// BySignIn is a sign-in at the tenant's own provider (OpenID Connect).
	BySignIn Means = "sign-in"
	// ByReply is a mail of this person's own (reply.go).
	ByReply Means = "reply"
	// ByAdmin is the admin socket or the console of this machine.
	ByAdmin Means = "admin"
	// ByClock is no person: a deadline.
	ByClock Means = "clock"
)

// Rights are what somebody with a role may do besides what a hold itself lets
// him. They are given per tenant in postern.yaml.
type Rights struct {
	// Metadata is the list: who, when, why, how much. The subject of mail is
	// seen by those who decide or read.
	Metadata bool `json:"metadata,omitempty"`
	// Content is the message itself. Each look is in the record.
	Content bool `json:"content,omitempty"`
	// Decide lets go, refuses, pins.
	Decide bool `json:"decide,omitempty"`
	// Malware lets go what a detector of malware found.
	Malware bool `json:"malware,omitempty"`
	// Emergency takes part, with somebody else, in opening a message that
	// neither may read otherwise. Without roles, administrators of the machine
	// have it.
	Emergency bool `json:"emergency,omitempty"`
}

// Subject reports whether somebody sees the subjects of all held mail.
func (r Rights) Subject() bool { return r.Content || r.Decide }

// Person is somebody who is identified.
type Person struct {
	// Tenant is whose person it is; "" only for administrators of everything.
	Tenant string
	// Address is the primary address of a person of the tenant; empty for an
	// administrator whom only the machine knows.
	Address mail.Address
	// Also are his further addresses: one of them may be the one by which a
	// hold knows him, because it was the primary one when the hold began.
	Also []mail.Address
	// Name is who it is where there is no address, e.g. "uid:1000".
	Name   string
	By     Means
	Rights Rights
}

// Key tells people apart.
func (p Person) Key() string {
	if p.Address != "" {
		return keyOf(p.Address)
	}
	return p.Name
}

// as is a person by the address that a hold knows: whose primary address
// changes meanwhile keeps his seat, has one voice, and does not decide about
// what he has sent himself.
func (h *Hold) as(p Person) Person {
	for _, a := range append([]mail.Address{p.Address}, p.Also...) {
		if p.Address != "" && h.knows(a) {
			p.Address = a
			return p
		}
	}
	return p
}

func (h *Hold) knows(a mail.Address) bool {
	return a != "" && (h.isSender(a) || same(h.Panel.Seats, a) || same(h.Panel.Deputies, a) || h.isRecipient(a) ||
		slices.ContainsFunc(h.Votes, func(v Vote) bool { return v.By == keyOf(a) }))
}

// Act is what somebody wants to do about a hold.
type Act string

// The acts.
const (
	Approve Act = "approve"
	Reject  Act = "reject"
	HandOn  Act = "hand-on" // give one's seat to somebody else; an administrator names one more
	Ask     Act = "ask"     // the sender
	Answer  Act = "answer"  // as the sender
	Cancel  Act = "cancel"  // as the sender: do not send it to anybody who waits
	Remove  Act = "remove"  // as the sender: take this recipient out
	Send    Act = "send"    // as the sender, where the policy lets him
	Explain Act = "explain" // as the sender: say why it should go
	// AskAgain is for the sender of what expired: it is taken as a new message.
	AskAgain Act = "ask-again"
	Request  Act = "request" // as the recipient, where the policy lets him
	Release  Act = "release" // as the recipient, where the policy lets him
	PinIt    Act = "pin"
	UnpinIt  Act = "unpin"
	See      Act = "see" // that it waits or has waited, why, and for whom
)

// Acts lists them.
func Acts() []Act {
	return []Act{Approve, Reject, HandOn, Ask, Answer, Cancel, Remove, Send, Explain, AskAgain, Request, Release, PinIt, UnpinIt, See}
}

// Refusal is why somebody may not do something. It is no fault: pages and
// verbs show it.
type Refusal struct {
	Code Why
	Text string
}

func (r *Refusal) Error() string { return r.Text }

// Why is the kind of a refusal.
type Why string

// The kinds.
const (
	NotIdentified Why = "not-identified"
	NotYours      Why = "not-yours"
	OwnMail       Why = "own-mail"
	OverAlready   Why = "over"
	SaidAlready   Why = "said-already"
	IsPinned      Why = "pinned"
	NeedsRight    Why = "needs-right"
	NeedsReason   Why = "needs-reason"
	NotPossible   Why = "not-possible"
	NoSuch        Why = "no-such" // or one that nobody tells the caller of
	WasAltered    Why = "altered"
)

func refuse(code Why, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}

// WhyOf is the kind of an error that is a Refusal, else "".
func WhyOf(err error) Why {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// May reports whether a person may do something about a hold: nil, or a
// *Refusal. It is the only place where that is decided.
func (h *Hold) May(p Person, a Act) error {
	switch p = h.as(p); {
	case p.By == "" || p.Key() == "":
		return refuse(NotIdentified, "nobody is identified")
	case p.By != ByClock && p.Tenant != h.Tenant && !(p.By == ByAdmin && p.Tenant == ""):
		return refuse(NotYours, "this is another tenant's")
	case a == See:
		return h.readerMay(p)
	case a == AskAgain:
		return h.askerMay(p)
	case h.Ended != nil && !h.concerns(p):
		return refuse(NotYours, "this waited for somebody else, and is over")
	case h.Ended != nil:
		return refuse(OverAlready, "this was %s by %s at %s", h.Ended.How, h.Ended.By, h.Ended.At.UTC().Format(time.DateTime))
	case h.Altered && p.By != ByAdmin && p.By != ByClock:
		return refuse(WasAltered, "the row of this hold was changed; an administrator must decide")
	case h.Pinned != nil && a != UnpinIt && a != Ask && a != Answer:
		return refuse(IsPinned, "this is kept by %s: %s", h.Pinned.By, h.Pinned.Why)
	case p.By == ByClock:
		return h.clockMay(a)
	}
	switch a {
	case Approve, Reject, HandOn, Ask:
		return h.deciderMay(p, a)
	case Answer, Cancel, Remove, Send, Explain:
		return h.senderMay(p, a)
	case Request, Release:
		return h.recipientMay(p, a)
	case PinIt, UnpinIt:
		switch {
		case p.By != ByAdmin || !p.Rights.Decide:
			return refuse(NeedsRight, "only who has the right to decide about all mail may do this")
		case a == UnpinIt && h.Pinned == nil:
			return refuse(NotPossible, "this is not pinned")
		}
		return nil
	}
	return refuse(NotPossible, "%q is not something that one does with held mail", a)
}

// concerns reports whether somebody may know how a hold ended.
func (h *Hold) concerns(p Person) bool {
	voted := slices.ContainsFunc(h.Votes, func(v Vote) bool { return v.By == p.Key() })
	return p.By == ByAdmin || p.By == ByClock || voted || h.isSender(p.Address) ||
		h.isRecipient(p.Address) && h.Allows(policy.RightSee) ||
		same(h.Panel.Seats, p.Address) || same(h.Panel.Deputies, p.Address)
}

// readerMay is about seeing that it waits, before and after it has ended. Who
// may look into it is in view.go.
func (h *Hold) readerMay(p Person) error {
	asked := p.Address != "" && same(h.Panel.active(), p.Address) && h.Ended == nil
	if p.Rights.Metadata || asked || p.Address != "" && h.isSender(p.Address) {
		return nil
	}
	return refuse(NeedsRight, "this needs a role with the right to see held mail")
}

// askerMay is about asking again, as far as it does not depend on the time.
func (h *Hold) askerMay(p Person) error {
	switch {
	case p.Address == "" || !h.isSender(p.Address):
		return refuse(NotYours, "only who sent it may do this")
	case h.Altered:
		return refuse(WasAltered, "the row of this hold was changed")
	case h.Ended == nil || h.Ended.How != Expired:
		return refuse(NotPossible, "only what nobody decided about can be asked for again")
	case h.Again != nil:
		return refuse(SaidAlready, "it was asked for again at %s", h.Again.At.UTC().Format(time.DateTime))
	case h.AskUntil.IsZero():
		return refuse(NotPossible, "the mail is not here any more: send it again")
	}
	return nil
}

// MayAskAgain is May for asking again now.
func (h *Hold) MayAskAgain(p Person, now time.Time) error {
	if err := h.May(p, AskAgain); err != nil {
		return err
	}
	if !now.Before(h.AskUntil) {
		return refuse(NotPossible, "it could be asked for until %s: send it again", h.AskUntil.UTC().Format(time.DateTime))
	}
	return nil
}

func (h *Hold) clockMay(a Act) error {
	switch {
	case h.Altered || a != Approve && a != Reject:
		return refuse(WasAltered, "the row of this hold was changed; an administrator must decide")
	case a == Approve && !h.mayGoByItself():
		return refuse(NeedsRight, "a deadline does not let this go")
	}
	return nil
}

// deciderMay is about those who decide.
func (h *Hold) deciderMay(p Person, a Act) error {
	admin := p.By == ByAdmin && p.Rights.Decide
	member := p.Address != "" && same(h.Panel.active(), p.Address)
	switch {
	case p.Address != "" && h.isSender(p.Address):
		return refuse(OwnMail, "nobody decides about mail of his own")
	case p.By == ByAdmin && !admin:
		return refuse(NeedsRight, "this needs the right to decide")
	case !admin && !member:
		return refuse(NotYours, "this waits for somebody else")
	case h.Delay && !admin:
		return refuse(NotPossible, "this only waits; nobody was asked")
	case a == HandOn && !member && !admin:
		return refuse(NotPossible, "who hands on must have been asked")
	case a == Approve && !p.Rights.Malware:
		if err := h.harmless(); err != nil {
			return err
		}
	}
	if a == Approve || a == Reject {
		for _, v := range h.Votes {
			if v.By == p.Key() && !(admin && a == Reject) {
				return refuse(SaidAlready, "you said %q at %s", word(v.Approve), v.At.UTC().Format(time.DateTime))
			}
		}
	}
	return nil
}

func word(approve bool) string {
	if approve {
		return "approve"
	}
	return "reject"
}

// harmless is why only somebody with a right of its own lets a hold go, or nil.
func (h *Hold) harmless() error {
	switch {
	case h.Danger:
		return refuse(NeedsRight, "malware was found in it: letting it go needs a right of its own")
	case len(h.Later) > 0:
		return refuse(NeedsRight, "%s was found in it since it is held: letting it go needs a right of its own",
			strings.Join(h.Later, ", "))
	}
	return nil
}

// senderMay is about whose mail it is. Administrators may cancel nothing in
// his name: they reject.
func (h *Hold) senderMay(p Person, a Act) error {
	if p.Address == "" || !h.isSender(p.Address) {
		return refuse(NotYours, "only who sent it may do this")
	}
	switch {
	case a == Send && !h.Override && !h.Delay:
		return refuse(NotPossible, "this waits for somebody else's decision")
	case a == Send && h.harmless() != nil:
		return h.harmless()
	case a == Explain && (h.Override || h.Delay):
		return refuse(NotPossible, "nobody else decides about it")
	case a == Answer && (len(h.Questions) == 0 || h.Questions[len(h.Questions)-1].Answer != ""):
		return refuse(NotPossible, "nothing was asked")
	}
	return nil
}

func (h *Hold) isSender(a mail.Address) bool { return keyOf(h.Sender) == keyOf(a) || same(h.Own, a) }

// mostComment is how long a comment, a question or an answer may be, in
// characters.
const mostComment = 2000

// ReasonFor checks what a sender gives as the reason for sending.
func (h *Hold) ReasonFor(choice, text string, now time.Time) (*Reason, error) {
	choice, text = strings.TrimSpace(choice), plain(text)
	if len(h.Reasons) == 0 {
		choice = ""
	}
	switch {
	case h.Delay:
		return nil, nil
	case len(h.Reasons) > 0 && !slices.Contains(h.Reasons, choice):
		return nil, refuse(NeedsReason, "choose one of the reasons")
	case h.Comment == policy.CommentRequired && utf8.RuneCountInString(text) < 3:
		return nil, refuse(NeedsReason, "write why it should be sent")
	case utf8.RuneCountInString(text) > mostComment:
		return nil, refuse(NeedsReason, "%d characters at most", mostComment)
	}
	return &Reason{Choice: choice, Text: text, At: now}, nil
}

// Standing is what a vote led to.
type Standing int

// The standings.
const (
	Open Standing = iota // more must agree
	Agreed
	Refused
)

// Say enters what a person said and tells what it leads to. With one who must
// agree, the first word counts. With k of n, it is refused when so many have
// said no that k cannot be reached any more; an administrator's no always
// counts.
func (h *Hold) Say(p Person, approve bool, comment string, now time.Time) (Standing, error) {
	act := Reject
	if approve {
		act = Approve
	}
	comment = plain(comment)
	if utf8.RuneCountInString(comment) > mostComment {
		return Open, refuse(NotPossible, "a comment has %d characters at most", mostComment)
	}
	if err := h.May(p, act); err != nil {
		return Open, err
	}
	h.Votes = append(h.Votes, Vote{By: h.as(p).Key(), Approve: approve, Comment: comment, At: now, Means: p.By})
	yes, no := 0, 0
	for _, v := range h.Votes {
		if v.Approve {
			yes++
		} else {
			no++
		}
	}
	switch {
	case p.By == ByAdmin && !approve:
		return Refused, nil
	case yes >= h.Of:
		return Agreed, nil
	case approve: // a yes refuses nothing, also when seats have gone
		return Open, nil
	case h.Of <= 1:
		return Refused, nil
	case max(len(h.Panel.Seats)+len(h.Panel.Deputies), h.Of)-no < h.Of:
		return Refused, nil
	}
	return Open, nil
}

// Change does to a hold what a person may do without ending it.
func (h *Hold) Change(p Person, a Act, text string, other mail.Address, now time.Time) error {
	text, p = plain(text), h.as(p)
	if err := h.May(p, a); err != nil {
		return err
	}
	switch {
	case utf8.RuneCountInString(text) > mostComment:
		return refuse(NotPossible, "%d characters at most", mostComment)
	case text == "" && (a == Ask || a == Answer || a == PinIt || a == Explain):
		return refuse(NeedsReason, "some words belong to it")
	}
	switch a {
	case PinIt:
		h.PinDown(p.Key(), text, now)
	case UnpinIt:
		h.Unpin(now)
	case Ask:
		if len(h.Questions) == mostQuestions {
			return refuse(NotPossible, "%d questions at most", mostQuestions)
		}
		h.Questions = append(h.Questions, Question{By: p.Key(), Text: text, At: now})
	case Explain:
		h.Reason = &Reason{Text: text, At: now}
	case Request:
		h.Request = &Reason{Text: text, At: now}
	case Answer:
		last := &h.Questions[len(h.Questions)-1]
		last.Answer, last.Answered = text, now
	case HandOn:
		switch {
		case other == "":
			return refuse(NotPossible, "only somebody of the tenant can decide")
		case h.isSender(other):
			return refuse(OwnMail, "nobody decides about mail of his own")
		case slices.ContainsFunc(h.Votes, func(v Vote) bool { return v.By == keyOf(other) || v.By == p.Key() }):
			return refuse(SaidAlready, "one of the two has decided already")
		}
		if len(h.Panel.Seats) >= mostSeats {
			return refuse(NotPossible, "%d can be asked at most", mostSeats)
		}
		h.Panel.replace(p.Address, other)
	default:
		return refuse(NotPossible, "%q ends a hold", a)
	}
	return nil
}

// mostQuestions bounds what may be asked about one hold.
const mostQuestions = 20

// Occasion is something that somebody should be told of: one mail at most.
type Occasion struct {
	Kind Kind
	// Holds are of one message.
	Holds []Hold
	To    []mail.Address
	// Text is a question or an answer.
	Text string
}

// Kind is the kind of an occasion.
type Kind string

// The kinds.
const (
	Asked      Kind = "asked"      // to decide, for the first time
	Reminded   Kind = "reminded"   // to decide
	Questioned Kind = "questioned" // the sender
	Answered   Kind = "answered"   // those who decide
	Requested  Kind = "requested"  // those who decide: the recipient asks for it
)
