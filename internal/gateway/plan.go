package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// maxGroup is how many recipients go in one transaction: Exchange Online
// refuses more than 200 of one domain, and half of that leaves room.
const maxGroup = 100

// way is how a message is taken.
type way string

const (
	wayThrough way = "cut-through" // the next hop's answer is ours
	wayCustody way = "custody"     // our spool, then 250
	wayRefuse  way = "refused"     // a 550 in the session
	wayDefer   way = "deferred"    // 451: try again
	wayWatch   way = "watched"     // a copy: recorded, not kept
)

// plan is what follows from a verdict. It is made by planFor, which is pure,
// and carried out by cutThrough or takeCustody.
type plan struct {
	way way
	// apart is set when the next hop's answers to RCPT were mixed: then every
	// recipient gets an attempt of its own.
	apart bool
	// back are the groups that are handed back; each fits one transaction.
	back []group
	// held wait for a person; blocked get a report; redirected go to others.
	held, blocked, redirected []fate
	// copies are further mailboxes that get the message, marked as a copy;
	// added are further recipients of it.
	copies []mail.Address
	added  []group
	// noted are the recipients for whom the sender gets a notice.
	noted []fate
	// keep is how long a copy is kept as evidence, keepers the rules that want
	// it; zero is none.
	keep    time.Duration
	keepers []string

	// subject and found, the types of findings, are of the message, for those
	// who decide about it.
	subject string
	found   []string
}

// shape is what policy puts in front of a message, and changes of it.
type shape struct {
	Headers []policy.Header `json:"headers,omitempty"`
	Edit    policy.Edit     `json:"edit,omitzero"`
}

func shapeOf(v policy.RecipientVerdict) shape { return shape{v.Headers, v.Edit} }

// group is mail for one next hop with the same fields in front.
type group struct {
	Key string `json:"-"`
	shape
	To      []mail.Recipient          `json:"-"`
	Route   string                    `json:"-"`
	Verdict []policy.RecipientVerdict `json:"-"`
}

// fate is a recipient and what was decided for it.
type fate struct {
	to      mail.Recipient
	verdict policy.RecipientVerdict
}

// manner is what planFor must know of the tenant.
type manner struct {
	// refuseInSession answers a block with 550 when it is for everybody,
	// where the policy does not say how; nobody must be answered so in a
	// session without a sender.
	refuseInSession, noSender bool
	// watching means that nothing is done to the message.
	watching, copyOnly bool
	// hop names the next hop of a recipient, so that one group is one
	// transaction.
	hop func(mail.Address) string
}

// planFor turns a verdict into what is done. It decides nothing: it sorts
// recipients by their action and chooses the way.
func planFor(to []mail.Recipient, v policy.Verdict, m manner) plan {
	var p plan
	if m.copyOnly {
		p.way = wayWatch
		return p
	}
	seen := map[mail.Address]bool{}
	for i, r := range to {
		if seen[r.Address] { // named twice: one mailbox, one copy
			continue
		}
		seen[r.Address] = true
		rv := policy.RecipientVerdict{Address: r.Address, Action: policy.Deliver}
		if i < len(v.Recipients) {
			rv = v.Recipients[i]
		}
		if m.watching {
			rv.Action, rv.Headers, rv.Copy, rv.Notify, rv.Edit, rv.Added = policy.Deliver, nil, nil, false, policy.Edit{}, nil
			rv.Keep, rv.Keepers = 0, nil
		}
		p.place(r, rv, m)
	}
	p.added = slices.DeleteFunc(p.added, func(g group) bool { // who gets it anyhow gets it once
		return slices.ContainsFunc(to, func(r mail.Recipient) bool { return r.Address.Fold() == g.To[0].Address.Fold() }) ||
			slices.ContainsFunc(p.copies, func(a mail.Address) bool { return a.Fold() == g.To[0].Address.Fold() })
	})
	p.way = p.choose(v.Defer && !m.watching, m)
	return p
}

func (p *plan) place(r mail.Recipient, rv policy.RecipientVerdict, m manner) {
	switch rv.Action {
	case policy.Block:
		p.blocked = append(p.blocked, fate{r, rv})
	case policy.HoldFor, policy.Override, policy.Secure:
		p.held = append(p.held, fate{r, rv})
	case policy.Redirect:
		p.redirected = append(p.redirected, fate{r, rv})
	default:
		p.handBack(r, rv, m)
		for _, a := range rv.Added {
			p.add(a.Address, rv)
		}
	}
	for _, a := range rv.Copy {
		p.addCopy(a)
	}
	p.keep = max(p.keep, rv.Keep)
	for _, id := range rv.Keepers {
		p.keepers = appendNew(p.keepers, id)
	}
	if rv.Notify && (rv.Hold == nil || !rv.Hold.Delay) { // of a delay the note goes out with the message
		p.noted = append(p.noted, fate{r, rv})
	}
}

// add takes in a further recipient, who gets the message as the recipient does
// whose rule asks for it.
func (p *plan) add(a mail.Address, rv policy.RecipientVerdict) {
	for _, g := range p.added {
		if g.To[0].Address.Fold() == a.Fold() {
			return
		}
	}
	p.added = append(p.added, group{shape: shapeOf(rv), To: recipients([]mail.Address{a})})
}

func (p *plan) addCopy(a mail.Address) {
	for _, x := range p.copies {
		if x.Fold() == a.Fold() {
			return
		}
	}
	p.copies = append(p.copies, a)
}

// handBack puts a recipient into the group with its next hop and header
// fields, or opens a new one.
func (p *plan) handBack(r mail.Recipient, rv policy.RecipientVerdict, m manner) {
	form, _ := json.Marshal(shapeOf(rv))
	hop := m.hop(r.Address)
	key := hop + "\x00" + string(form)
	for i := range p.back {
		if p.back[i].Key == key && len(p.back[i].To) < maxGroup {
			p.back[i].To = append(p.back[i].To, r)
			p.back[i].Verdict = append(p.back[i].Verdict, rv)
			return
		}
	}
	p.back = append(p.back, group{
		Key: key, shape: shapeOf(rv), To: []mail.Recipient{r}, Route: hop,
		Verdict: []policy.RecipientVerdict{rv},
	})
}

// choose picks the way (architecture.md, "Two ways to take a message").
func (p *plan) choose(deferred bool, m manner) way {
	switch {
	case deferred:
		return wayDefer
	case len(p.back) == 1 && p.alone():
		return wayThrough
	case len(p.back) == 0 && len(p.blocked) > 0 && p.onlyBlocked() && p.inSession(m):
		return wayRefuse
	}
	return wayCustody
}

// alone reports whether handing back is all there is to do.
func (p *plan) alone() bool {
	return len(p.held)+len(p.blocked)+len(p.redirected)+len(p.copies)+len(p.added)+len(p.noted) == 0 && p.keep == 0
}

func (p *plan) onlyBlocked() bool {
	return len(p.held)+len(p.redirected)+len(p.copies) == 0 && p.keep == 0
}

// inSession reports whether everybody who decides about a block wants it told
// in the session.
func (p *plan) inSession(m manner) bool {
	for _, f := range p.blocked {
		how := f.verdict.Refuse
		if how == policy.RefuseReport || how == "" && !m.refuseInSession {
			return false
		}
	}
	return !m.noSender
}

// String is the plan in words, for the timeline.
func (p *plan) String() string {
	n := 0
	for _, g := range p.back {
		n += len(g.To)
	}
	more := ""
	if len(p.added) > 0 {
		more = fmt.Sprintf(", %d added", len(p.added))
	}
	if p.keep > 0 {
		more += ", kept as evidence"
	}
	return fmt.Sprintf("%s: %d back in %d groups, %d held, %d blocked, %d redirected, %d copies%s",
		p.way, n, len(p.back), len(p.held), len(p.blocked), len(p.redirected), len(p.copies), more)
}
