package fakeexchange

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// admit answers a RCPT: attribution, limits, recipient.
func (x *Exchange) admit(tx *transaction, r recipient) mail.Reply {
	same := 0
	for _, to := range tx.to {
		if domainOf(to.address) == domainOf(r.address) {
			same++
		}
	}
	if same >= maxRecipients {
		return replyTooMany
	}
	c, refusal := x.attribute(tx.peer, tx.from, r.address)
	if refusal != nil {
		x.refused(tx, c, r, *refusal)
		return *refusal
	}
	tx.to = append(tx.to, r)
	tx.claims = append(tx.claims, c)
	return replyRcptOK
}

// refused notes what the inbound server did not take.
func (x *Exchange) refused(tx *transaction, c claim, r recipient, why mail.Reply) {
	e := Event{
		At: time.Now(), Step: "not taken", Recipient: r.address, Detail: fmt.Sprintf("from %s: %s", tx.peer.ip, why),
	}
	if c.tenant != nil {
		e.Tenant = c.tenant.name()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.events = append(x.events, e)
}

// take answers the end of data: the message enters each tenant that claimed
// recipients, through the header firewall, and all its rules run.
func (x *Exchange) take(tx *transaction, raw []byte) mail.Reply {
	probe := &message{raw: raw}
	if probe.hops() >= x.sw.HopLimit {
		return replyLoop
	}
	id := value(raw, "Message-ID")
	if id == "" {
		id = "<" + newGUID() + "@" + serverName + ">"
	}
	x.mu.Lock()
	for _, r := range tx.to {
		x.taken = append(x.taken, Delivered{Raw: raw, From: tx.from, To: r.address, At: time.Now(), Kind: "mail"})
	}
	x.mu.Unlock()
	var ids []string
	for _, m := range x.received(tx, raw) {
		ids = append(ids, m.id)
		x.note(m, "received", joined(m.to), fmt.Sprintf("from %s [%s], %s", m.from, tx.peer.ip, m.how()))
		x.spawn(func() { x.process(m) })
	}
	return mail.NewReply(250, "2.6.0", fmt.Sprintf("%s [InternalId=%s, Hostname=%s] Queued mail for delivery",
		id, strings.Join(ids, "+"), mailboxName))
}

// received is one message for each tenant and connector of a transaction.
func (x *Exchange) received(tx *transaction, raw []byte) []*message {
	var list []*message
	var of []claim
	for i, c := range tx.claims {
		found := false
		for j, m := range list {
			if of[j].tenant == c.tenant && of[j].connector == c.connector && of[j].originating == c.originating {
				m.to = append(m.to, tx.to[i])
				found = true
			}
		}
		if !found {
			of = append(of, c)
			list = append(list, &message{
				id: x.newID(), tenant: c.tenant, kind: ordinary, from: tx.from, to: []recipient{tx.to[i]}, raw: raw,
				ret: tx.ret, envid: tx.envid, originating: c.originating, returned: c.connector != nil,
				ip: tx.peer.ip, hello: tx.peer.hello, results: tx.results,
			})
		}
	}
	for i, m := range list {
		m.edit(func() { x.enter(m, of[i].connector, time.Now()) })
	}
	return list
}

// how says how a message was attributed.
func (m *message) how() string {
	switch {
	case m.originating && m.trusted:
		return "originating, internal"
	case m.originating:
		return "originating, anonymous"
	case m.returned:
		return "incoming by connector"
	}
	return "incoming"
}
