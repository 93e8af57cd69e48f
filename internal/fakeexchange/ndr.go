package fakeexchange

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// NDR is a non-delivery report that the service wrote.
type NDR struct {
	// To is who got it; "" when nobody could be told.
	To string
	// Message is the name of the original in the log.
	Message    string
	Recipients []string
	Reply      mail.Reply
	Raw        []byte
	At         time.Time
}

// refusal is a rule's rejection as a reply.
func refusal(code, reason string) mail.Reply {
	if code == answerNoUser.Enhanced {
		return answerNoUser
	}
	return mail.NewReply(550, code,
		"TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy: "+reason)
}

// bounce tells the sender of m that recipients did not get it. Nobody is told
// about reports (RFC 5321 §4.5.5); an undeliverable journal report goes to
// JournalingReportNdrTo, else it is lost (exchange.md 2.8). remote says that
// why is the answer of another server.
func (x *Exchange) bounce(m *message, to []recipient, why mail.Reply, remote bool) {
	var failed []recipient
	for _, r := range to {
		if r.notify&mail.NotifyNever == 0 && (r.notify == 0 || r.notify&mail.NotifyFailure != 0) {
			failed = append(failed, r)
		}
	}
	if len(failed) == 0 {
		return
	}
	sender := m.from
	if m.kind == journal {
		sender = m.tenant.setup.Organization.JournalingReportNdrTo
	}
	if m.kind == report || m.kind == approval || m.kind == validation {
		sender = ""
	}
	n := NDR{To: sender, Message: m.id, Reply: why, At: time.Now()}
	for _, r := range failed {
		n.Recipients = append(n.Recipients, r.address)
	}
	if sender == "" {
		x.remember(n)
		x.note(m, "lost", strings.Join(n.Recipients, ", "), "no sender to tell: "+why.String())
		return
	}
	diagnostic := why.String()
	if remote && x.sw.WrapDiagnostics && why.Permanent() {
		diagnostic = "550 5.0.350 Remote server returned an error -> " + diagnostic
	}
	status := why.Enhanced
	if status == "" {
		status = "5.0.0"
	}
	n.Raw = x.dsn(m, sender, failed, outcome{
		subject: "Undeliverable", text: "Delivery has failed to these recipients or groups:", action: "failed",
		status: status, diagnostic: diagnostic,
	})
	x.remember(n)
	r := &message{
		id: x.newID(), tenant: m.tenant, kind: report, raw: n.Raw, direct: true, trusted: true, originating: true,
		to: []recipient{{address: sender, original: sender}},
	}
	x.note(m, "ndr", sender, r.id+" "+why.String())
	x.spawn(func() { x.process(r) })
}

func (x *Exchange) remember(n NDR) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ndrs = append(x.ndrs, n)
}

// confirm tells a sender who asked for it that a message has arrived, or that
// it left for a server that may not tell (RFC 3461 §4.1).
func (x *Exchange) confirm(m *message, to recipient, action string) {
	if m.kind != ordinary || m.from == "" || to.notify&mail.NotifySuccess == 0 {
		return
	}
	raw := x.dsn(m, m.from, []recipient{to}, outcome{
		subject: "Delivered", text: "Your message has been " + action + " to these recipients:", action: action,
		status: "2.0.0", diagnostic: "250 2.0.0 OK",
	})
	r := &message{
		id: x.newID(), tenant: m.tenant, kind: report, raw: raw, direct: true, trusted: true, originating: true,
		to: []recipient{{address: m.from, original: m.from}},
	}
	x.note(m, "dsn", m.from, r.id+" "+action)
	x.spawn(func() { x.process(r) })
}

// outcome is what a report says of all its recipients.
type outcome struct{ subject, text, action, status, diagnostic string }

// dsn is a delivery report (RFC 3464 in RFC 6522). It returns the header of
// the original only, and all of it when that is a journal report.
func (x *Exchange) dsn(m *message, to string, about []recipient, o outcome) []byte {
	boundary := "_ndr_" + newGUID() + "_"
	var b strings.Builder
	fmt.Fprintf(&b, "From: Microsoft Outlook <%s>\r\nTo: <%s>\r\n", systemAddress(m.tenant), to)
	fmt.Fprintf(&b, "Subject: %s: %s\r\n", o.subject, rawField(m.raw, "Subject"))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <%s@%s>\r\n",
		time.Now().UTC().Format(time.RFC1123Z), newGUID(), m.tenant.domain())
	if id := value(m.raw, "Message-ID"); id != "" {
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", id, id)
	}
	b.WriteString("Auto-Submitted: auto-replied\r\nX-MS-Exchange-Message-Is-Ndr:\r\nMIME-Version: 1.0\r\n")
	fmt.Fprintf(&b, "Content-Type: multipart/report; report-type=delivery-status; boundary=\"%s\"\r\n", boundary)
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n\r\n", boundary, o.text)
	for _, r := range about {
		b.WriteString(r.address + "\r\n")
	}
	fmt.Fprintf(&b, "\r\nDiagnostic information for administrators:\r\n\r\n%s\r\n", o.diagnostic)
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary)
	fmt.Fprintf(&b, "Reporting-MTA: dns;%s\r\n", mailboxName)
	if m.envid != "" {
		fmt.Fprintf(&b, "Original-Envelope-Id: %s\r\n", m.envid)
	}
	for _, r := range about {
		b.WriteString("\r\n")
		if r.orcpt != "" {
			fmt.Fprintf(&b, "Original-Recipient: %s\r\n", r.orcpt)
		}
		fmt.Fprintf(&b, "Final-Recipient: rfc822;%s\r\nAction: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp;%s\r\n",
			r.address, o.action, o.status, o.diagnostic)
	}
	_, body := fieldsOf(m.raw)
	media, returned := "text/rfc822-headers", m.raw[:body]
	if m.kind == journal {
		media, returned = "message/rfc822", m.raw
	}
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: %s\r\n\r\n", boundary, media)
	b.Write(returned)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return []byte(b.String())
}
