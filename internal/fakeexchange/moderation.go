package fakeexchange

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Approval is a message that waits for a moderator (exchange.md 2.7).
type Approval struct {
	ID        string
	Tenant    string
	Sender    string
	Subject   string
	Recipient string // of several: separated by commas
	Approvers []string
	Since     time.Time
	// State is pending, approved, rejected or expired.
	State string

	m *message
}

// ask holds a message, tells its approvers, and starts the clock.
func (x *Exchange) ask(m *message, approvers []string) {
	a := &Approval{
		ID: x.newID(), Tenant: m.tenant.name(), Sender: m.sender(), Subject: value(m.raw, "Subject"),
		Recipient: strings.Join(m.addresses(), ", "), Approvers: approvers, Since: time.Now(), State: "pending", m: m,
	}
	x.mu.Lock()
	x.approvals = append(x.approvals, a)
	x.mu.Unlock()
	x.note(m, "approval asked", a.Recipient, a.ID+" of "+strings.Join(approvers, ", "))
	for _, to := range approvers {
		x.notice(m, to, "Approval requested: "+a.Subject,
			"A message from "+a.Sender+" to "+a.Recipient+" needs your decision: approve or reject.\r\n", approval, true)
	}
	x.wg.Go(func() {
		if x.sleep(x.sw.ApprovalExpires) && x.decide(a, "expired") {
			x.spawn(func() {
				x.note(m, "approval expired", a.Recipient, a.ID)
				x.tellSender(m, "Undeliverable: "+a.Subject,
					"The message has been returned to the sender because no decision was made.\r\n")
			})
		}
	})
}

// decide moves a pending approval to its outcome, once.
func (x *Exchange) decide(a *Approval, state string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if a.State != "pending" {
		return false
	}
	a.State = state
	return true
}

// Approve lets a held message go on to its recipients. by is one of the
// approvers.
func (x *Exchange) Approve(id, by string) error {
	a, err := x.pending(id, by)
	if err != nil {
		return err
	}
	if !x.decide(a, "approved") {
		return fmt.Errorf("fakeexchange: approval %s is decided", id)
	}
	x.note(a.m, "approved", a.Recipient, a.ID+" by "+by)
	if x.sw.SenderToldOfApproval {
		x.tellSender(a.m, "Approved: "+a.Subject, "The sender responded Approve.\r\n")
	}
	a.m.approved = true
	x.spawn(func() {
		if x.sw.RulesAfterApproval {
			x.process(a.m)
			return
		}
		for _, e := range x.ends(a.m) {
			x.carry(e)
		}
	})
	return nil
}

// Reject refuses a held message and tells the sender, with a comment if the
// moderator gave one.
func (x *Exchange) Reject(id, by, comment string) error {
	a, err := x.pending(id, by)
	if err != nil {
		return err
	}
	if !x.decide(a, "rejected") {
		return fmt.Errorf("fakeexchange: approval %s is decided", id)
	}
	x.note(a.m, "rejected", a.Recipient, a.ID+" by "+by)
	text := "Your message was rejected by a moderator for these recipients: " + a.Recipient + "\r\n"
	if comment != "" {
		text += "\r\nThe moderator wrote: " + comment + "\r\n"
	}
	x.tellSender(a.m, "Rejected: "+a.Subject, text)
	return nil
}

func (x *Exchange) pending(id, by string) (*Approval, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, a := range x.approvals {
		if a.ID != id {
			continue
		}
		if !slices.ContainsFunc(a.Approvers, func(one string) bool { return a.m.tenant.same(one, by) }) {
			return nil, fmt.Errorf("fakeexchange: %s is no approver of %s", by, id)
		}
		return a, nil
	}
	return nil, fmt.Errorf("fakeexchange: no approval %s", id)
}

// Approvals lists what was ever held for a moderator, oldest first.
func (x *Exchange) Approvals() []Approval {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := make([]Approval, len(x.approvals))
	for i, a := range x.approvals {
		list[i] = *a
		list[i].m = nil
	}
	return list
}

// tellSender writes to the author of a message; never to a null sender.
func (x *Exchange) tellSender(m *message, subject, text string) {
	if m.from == "" {
		x.note(m, "not told", "", subject)
		return
	}
	x.notice(m, m.from, subject, text, report, false)
}

// notice is a message of the service about m. The original of an approval
// request travels as an attachment.
func (x *Exchange) notice(m *message, to, subject, text string, k kind, attach bool) {
	boundary := "_n_" + newGUID() + "_"
	var b strings.Builder
	fmt.Fprintf(&b, "From: Microsoft Outlook <%s>\r\nTo: <%s>\r\nSubject: %s\r\n", systemAddress(m.tenant), to,
		strings.NewReplacer("\r", " ", "\n", " ").Replace(subject))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <%s@%s>\r\n",
		time.Now().UTC().Format(time.RFC1123Z), newGUID(), m.tenant.domain())
	if id := value(m.raw, "Message-ID"); id != "" {
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", id, id)
	}
	b.WriteString("Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n")
	if attach {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary)
	}
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n" + text)
	if attach {
		fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n", boundary)
		b.Write(m.raw)
		fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	}
	n := &message{
		id: x.newID(), tenant: m.tenant, kind: k, raw: []byte(b.String()), direct: true, trusted: true, originating: true,
		to: []recipient{{address: to, original: to}},
	}
	x.note(m, "notice", to, n.id+" "+subject)
	x.spawn(func() { x.process(n) })
}

// Held is a message in the hosted quarantine.
type Held struct {
	ID     string
	Tenant string
	From   string
	To     []string
	Raw    []byte
	At     time.Time

	m *message
}

func (x *Exchange) hold(m *message) {
	h := Held{ID: x.newID(), Tenant: m.tenant.name(), From: m.from, To: m.addresses(), Raw: m.raw, At: time.Now(), m: m}
	x.mu.Lock()
	x.held = append(x.held, h)
	x.mu.Unlock()
}

// Quarantine lists what the rules put into the hosted quarantine.
func (x *Exchange) Quarantine() []Held {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.held)
}

// Release lets a quarantined message go on; the remaining rules are not
// evaluated (exchange.md 2.2).
func (x *Exchange) Release(id string) error {
	x.mu.Lock()
	i := slices.IndexFunc(x.held, func(h Held) bool { return h.ID == id })
	if i < 0 {
		x.mu.Unlock()
		return fmt.Errorf("fakeexchange: nothing in quarantine is %s", id)
	}
	m := x.held[i].m
	x.held = slices.Delete(x.held, i, i+1)
	x.mu.Unlock()
	x.note(m, "released", strings.Join(m.addresses(), ", "), id)
	x.spawn(func() {
		for _, e := range x.ends(m) {
			x.carry(e)
		}
	})
	return nil
}
