package fakeexchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mailflow"
)

// end is where a recipient's copy goes.
type end struct {
	how       ending
	m         *message
	connector *mailflow.OutboundConnector
	tenant    *tenant // for toTenant
	code      string  // for toSender
	reason    string
	approvers []string
	rules     []string
}

// ending is the kind of an end.
type ending string

const (
	toMailbox    ending = "mailbox"
	toConnector  ending = "connector"
	toTenant     ending = "tenant"
	toInternet   ending = "internet"
	toSender     ending = "ndr"
	toModerator  ending = "approval"
	toQuarantine ending = "quarantine"
	toNobody     ending = "deleted"
	toLater      ending = "deferred"
)

// process takes a message through the tenant: groups, rules, journal, ends.
func (x *Exchange) process(m *message) {
	if m.hops() > x.sw.HopLimit {
		x.note(m, "loop", "", replyLoop.String())
		x.bounce(m, m.to, replyLoop, false)
		return
	}
	ends, forks := x.plan(m, time.Now())
	for _, f := range forks {
		x.journalize(f)
	}
	for _, e := range ends {
		x.carry(e)
	}
}

// plan says where each recipient's copy goes and which forks the journal
// sees, without doing anything.
func (x *Exchange) plan(m *message, now time.Time) (all []end, forks []*message) {
	t := x.current(m.tenant)
	m.tenant = t
	m.to = t.expand(m.to)
	if m.kind != ordinary {
		return x.ends(m), nil
	}
	for _, f := range t.pass(m, now, &x.sw) {
		f.m.to = t.expand(f.m.to)
		if len(f.rules) > 0 {
			x.note(f.m, "rules", strings.Join(f.m.addresses(), ", "), strings.Join(f.rules, "; "))
		}
		for _, e := range x.endsOf(f) {
			e.rules = f.rules
			all = append(all, e)
		}
		if f.verdict != deleted && f.verdict != deferred {
			forks = append(forks, f.m)
		}
	}
	return all, forks
}

// endsOf turns the verdict of the rules into ends.
func (x *Exchange) endsOf(f *fork) []end {
	switch f.verdict {
	case rejected:
		return []end{{how: toSender, m: f.m, code: f.code, reason: f.reason}}
	case deleted:
		return []end{{how: toNobody, m: f.m}}
	case quarantined:
		return []end{{how: toQuarantine, m: f.m}}
	case deferred:
		return []end{{how: toLater, m: f.m}}
	case moderated:
		if !x.sw.OneApprovalPerRecipient {
			return []end{{how: toModerator, m: f.m, approvers: f.approvers}}
		}
		var all []end
		for _, to := range f.m.to {
			all = append(all, end{how: toModerator, m: f.m.clone([]recipient{to}), approvers: f.approvers})
		}
		return all
	}
	return x.ends(f.m)
}

// ends routes a message: by the rule's connector, else each recipient by its
// domain. Recipients of one end stay together, chipped to the limit.
func (x *Exchange) ends(m *message) []end {
	t := m.tenant
	if m.route != "" {
		return x.chip(end{how: toConnector, m: m, connector: t.outbound(m.route)})
	}
	var all []end
	for _, to := range m.to {
		e := x.destination(t, to.address)
		i := slices.IndexFunc(all, func(o end) bool {
			return o.how == e.how && o.connector == e.connector && o.tenant == e.tenant && e.how != toMailbox
		})
		if i >= 0 {
			all[i].m.to = append(all[i].m.to, to)
			continue
		}
		e.m = m.clone([]recipient{to})
		all = append(all, e)
	}
	var chipped []end
	for _, e := range all {
		chipped = append(chipped, x.chip(e)...)
	}
	return chipped
}

// chip keeps the recipients of one outgoing message under the limit.
func (x *Exchange) chip(e end) []end {
	if e.how != toConnector || x.sw.MaxRecipients <= 0 {
		return []end{e}
	}
	var all []end
	for part := range slices.Chunk(e.m.to, x.sw.MaxRecipients) {
		one := e
		one.m = e.m.clone(part)
		all = append(all, one)
	}
	return all
}

// destination is where an address lies when no rule has chosen a route.
func (x *Exchange) destination(t *tenant, address string) end {
	domain := domainOf(address)
	kind := t.accepts(domain)
	if kind != "" && t.mailbox(address) != nil {
		return end{how: toMailbox}
	}
	if strings.EqualFold(kind, mailflow.Authoritative) {
		return end{how: toSender, code: answerNoUser.Enhanced, reason: answerNoUser.Text}
	}
	if c := t.connectorFor(domain); c != nil {
		return end{how: toConnector, connector: c}
	}
	if other := x.owner(domain); other != nil && other.name() != t.name() {
		return end{how: toTenant, tenant: other}
	}
	return end{how: toInternet}
}

// carry brings a message to its end.
func (x *Exchange) carry(e end) {
	who := strings.Join(e.m.addresses(), ", ")
	switch e.how {
	case toMailbox:
		x.keep(e.m)
	case toInternet:
		x.release(e.m)
	case toConnector:
		x.enqueue(e.m, e.connector.Name)
	case toTenant:
		x.handOver(e.m, e.tenant)
	case toSender:
		x.note(e.m, "refused", who, e.code+" "+e.reason)
		x.bounce(e.m, e.m.to, refusal(e.code, e.reason), false)
	case toModerator:
		x.ask(e.m, e.approvers)
	case toQuarantine:
		x.note(e.m, "quarantined", who, "")
		x.hold(e.m)
	case toNobody:
		x.note(e.m, "deleted", who, "")
	case toLater:
		x.note(e.m, "deferred", who, "rule error")
		x.postpone(e.m)
	}
}

// postpone runs the rules again later, as RuleErrorAction Defer asks.
func (x *Exchange) postpone(m *message) {
	again := m.clone(m.to)
	again.route = ""
	x.wg.Go(func() {
		if x.sleep(x.wait(0)) {
			x.spawn(func() { x.process(again) })
		}
	})
}

// keep puts a message into mailboxes.
func (x *Exchange) keep(m *message) {
	folder := "Inbox"
	if m.scl >= 5 {
		folder = "Junk Email"
	}
	for _, to := range m.to {
		box := strings.ToLower(m.tenant.primary(to.address))
		x.mu.Lock()
		x.boxes[box] = append(x.boxes[box], Delivered{
			Raw: m.raw, From: m.from, To: to.address, At: time.Now(),
			Folder: folder, Tenant: m.tenant.name(), Kind: string(m.kind),
		})
		x.mu.Unlock()
		x.note(m, "delivered", to.address, folder)
		x.confirm(m, to, "delivered")
	}
}

// release puts a message onto the internet.
func (x *Exchange) release(m *message) {
	raw := x.leave(m, nil, time.Now())
	for _, to := range m.to {
		x.mu.Lock()
		x.internet = append(x.internet, Delivered{
			Raw: raw, From: m.from, To: to.address, At: time.Now(), Tenant: m.tenant.name(), Kind: string(m.kind),
		})
		x.mu.Unlock()
		x.note(m, "internet", to.address, "")
		x.confirm(m, to, "relayed")
	}
}

// handOver is mail from one tenant of this service to another: it leaves the
// first and arrives at the second like any mail from outside.
func (x *Exchange) handOver(m *message, other *tenant) {
	next := &message{
		id: x.newID(), tenant: other, kind: ordinary, from: m.from, to: m.to, raw: x.leave(m, nil, time.Now()),
		hello: clientHello, envid: m.envid, ret: m.ret,
	}
	x.note(m, "handed over", strings.Join(m.addresses(), ", "), fmt.Sprintf("to tenant %s as %s", other.name(), next.id))
	next.edit(func() { x.enter(next, nil, time.Now()) })
	x.spawn(func() { x.process(next) })
}
