package gateway

import (
	"encoding/json"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// enacting collects the writes of one plan; after the first error it does
// nothing more.
type enacting struct {
	g     *Gateway
	tx    *store.Tx
	row   spool.Message
	extra extra
	now   time.Time
	begun []quarantine.Hold
	front []policy.Header // fields that are put in front of what is released
	tasks int             // that were planned
	// claims are the places of those that begin with the commit; nil has all
	// of them wait for the runner.
	claims *claims
	err    error
}

// add plans a task and returns its id.
func (e *enacting) add(kind task.Kind, to []mail.Recipient, from mail.Address, p parcel) string {
	if e.err != nil || len(to) == 0 {
		return ""
	}
	payload, err := json.Marshal(p)
	if err != nil {
		e.err = err
		return ""
	}
	t := task.Task{
		ID: store.NewID(e.now), Message: e.row.ID, Tenant: e.row.Tenant, Kind: kind, Hop: e.hop(kind, to[0].Address),
		Recipients: to, From: from, Payload: payload, Due: e.now,
	}
	e.tasks++
	if c := e.claims.ask(e.g, t); c != nil {
		e.err = c.Add(e.tx, t)
	} else {
		e.err = task.Add(e.tx, t)
	}
	return t.ID
}

// hop names the next hop that a task really has: outgoing mail to a hundred
// domains goes to one, the sender's Exchange, and must share its places.
func (e *enacting) hop(kind task.Kind, to mail.Address) string {
	t := e.g.Tenants.Current().Find(e.row.Tenant)
	if t == nil {
		return to.Domain()
	}
	r := t.Route(e.row.Direction, e.row.Envelope.From, to)
	if kind == task.Report || kind == task.Notice {
		r = t.RouteOwn(to)
	}
	if r.Host != "" {
		return r.Host
	}
	return r.Domain
}

// handBack plans the return of a group. When the next hop answered RCPT with
// mixed answers, every recipient gets a task of its own.
func (e *enacting) handBack(grp group, apart bool) {
	p := parcel{shape: grp.shape, Inspected: e.extra.Inspected}
	if !apart {
		e.add(task.Return, grp.To, e.row.Envelope.From, p)
		return
	}
	for _, r := range grp.To {
		e.add(task.Return, []mail.Recipient{r}, e.row.Envelope.From, p)
	}
}

func (e *enacting) hold(f fate, p plan) {
	if e.err != nil {
		return
	}
	h := f.verdict.Hold
	if h == nil {
		h = &policy.Hold{For: 48 * time.Hour, Then: policy.EndRefuse}
	}
	terms, err := json.Marshal(h)
	if err != nil {
		e.err = err
		return
	}
	q := e.holdOf(f, h, p)
	e.err = spool.AddPending(e.tx, spool.Pending{
		Message: e.row.ID, Tenant: e.row.Tenant, Recipient: f.to, Rules: f.verdict.Rules, Because: f.verdict.Because,
		Approver: whoDecides(h), Since: e.now, Until: q.Until, AtEnd: string(q.End), Of: needed(h), Terms: terms,
	})
	if e.err != nil {
		return
	}
	if e.err = quarantine.Add(e.tx, q); e.err == nil && !h.Quiet {
		e.begun = append(e.begun, q)
		e.tellLater(q)
	}
}

// share lets those read who decide, and those who may in an emergency.
func (e *enacting) share(held []fate) {
	if e.err == nil && len(held) > 0 {
		e.err = e.g.Spool.Share(e.tx, e.row)
	}
}

// whoDecides names who may end a hold.
func whoDecides(h *policy.Hold) string {
	switch {
	case h.Delay || h.Override:
		return "sender"
	case len(h.Approvers) > 0:
		return joinWords(h.Approvers)
	}
	return "administrators"
}

// needed is how many people must agree before a message is released. Where the
// sender chooses, it is the sender.
func needed(h *policy.Hold) int {
	if h.Override || h.Delay || h.Of < 2 {
		return 0
	}
	return h.Of
}

// refuse gives every blocked recipient its outcome, and the sender one
// report per deciding rule.
func (e *enacting) refuse(list []fate) {
	var rules []string
	by := map[string][]fate{}
	for _, f := range list {
		rule := first(f.verdict.Rules)
		if by[rule] == nil {
			rules = append(rules, rule)
		}
		by[rule] = append(by[rule], f)
	}
	for _, rule := range rules {
		e.report(by[rule], blockedLetter(by[rule], e.extra, len(unique(e.row.Envelope.To))), task.Refused, "policy "+rule)
	}
}

// report writes outcomes and plans one report about those recipients who may
// be reported.
func (e *enacting) report(list []fate, l letter, fate task.Fate, why string) {
	told := task.Silent
	var tell []mail.Address
	for _, f := range list {
		if f.to.WantsFailure() {
			tell = append(tell, f.to.Address)
		}
	}
	if len(tell) > 0 && e.mayTell() {
		l.About = only(l.About, tell)
		told = e.add(task.Report, []mail.Recipient{{Address: e.row.Envelope.From, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
	}
	for _, f := range list {
		if e.err != nil {
			return
		}
		by := told
		if !f.to.WantsFailure() {
			by = task.Silent
		}
		_, e.err = task.Put(e.tx, task.Record{
			Message: e.row.ID, Tenant: e.row.Tenant, Recipient: f.to.Address, Kind: task.Return,
			Fate: fate, Why: why, Told: by, At: e.now,
		})
	}
}

// note tells the sender what policy thinks of a message that went out.
func (e *enacting) note(list []fate) {
	if len(list) > 0 {
		e.tellWriter(noteLetter(list, e.extra, len(unique(e.row.Envelope.To))))
	}
}

// tellWaiting tells the sender that the message has not left yet.
func (e *enacting) tellWaiting(list []fate) {
	list = slices.DeleteFunc(slices.Clone(list), func(f fate) bool { return f.verdict.Hold != nil && f.verdict.Hold.Delay })
	if len(list) > 0 {
		e.tellWriter(waitingLetter(list, e.extra, len(unique(e.row.Envelope.To)), e.now))
	}
}

// finish calls a message done when nothing is left to do, and has its octets
// erased after the commit, unless they are kept for some days more.
func (g *Gateway) finish(tx *store.Tx, id string, now time.Time) error {
	n, err := task.Open(tx, id)
	if err != nil || n > 0 {
		return err
	}
	file, err := spool.Finish(tx, id, now)
	if err == nil && file != "" {
		tx.OnCommit(func() { g.unlink(id, file) })
	}
	return err
}

func recipients(list []mail.Address) []mail.Recipient {
	var to []mail.Recipient
	for _, a := range list {
		to = append(to, mail.Recipient{Address: a, Notify: mail.NotifyNever})
	}
	return to
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
