package fakeexchange

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Options describe how a message is handed in.
type Options struct {
	// Class is what kind of message the client makes.
	Class Class
	// Notify, Ret and EnvID are the sender's wishes about reports (RFC 3461).
	Notify mail.Notify
	Ret    mail.Ret
	EnvID  string
	// IP and Hello are the internet host that brings a message (Arrive).
	// Default: 198.51.100.25, mx.internet.example.
	IP    string
	Hello string
	// Results are what the service found out about its sender (Arrive): the
	// value of Authentication-Results that it stamps. Default: it stamps none.
	Results string
}

// Submit takes a message from a user of one of the tenants. The octets are
// kept as they are: a message with bare LF leaves by BDAT or not at all. The
// result is the message's name in the log.
func (x *Exchange) Submit(from string, to []string, raw []byte, o Options) (string, error) {
	t := x.owner(domainOf(from))
	if t == nil || t.mailbox(from) == nil {
		return "", fmt.Errorf("fakeexchange: %s is no mailbox here", from)
	}
	if len(to) == 0 {
		return "", fmt.Errorf("fakeexchange: a message from %s without recipients", from)
	}
	m := x.submission(t, from, to, raw, o, time.Now())
	x.note(m, "submitted", "", fmt.Sprintf("from %s, %d recipients, %d octets", from, len(to), len(raw)))
	x.spawn(func() { x.process(m) })
	return m.id, nil
}

// submission is the message as the mailbox server gives it to transport.
func (x *Exchange) submission(t *tenant, from string, to []string, raw []byte, o Options, now time.Time) *message {
	m := &message{
		id: x.newID(), tenant: t, kind: ordinary, class: o.Class, from: from, raw: raw, ret: o.Ret, envid: o.EnvID,
		trusted: true, direct: true, originating: true, scl: -1,
	}
	for _, a := range to {
		m.to = append(m.to, recipient{address: a, original: a, notify: o.Notify})
	}
	m.edit(func() { x.stampSubmission(m, from, now) })
	return m
}

// stampSubmission writes what the client and the mailbox server write.
func (x *Exchange) stampSubmission(m *message, from string, now time.Time) {
	id := newGUID()
	if value(m.raw, "Message-ID") == "" {
		m.raw = prepend(m.raw, "Message-ID", fmt.Sprintf("<%s@%s>", strings.ReplaceAll(id, "-", ""), mailboxName))
	}
	if value(m.raw, "Date") == "" {
		m.raw = prepend(m.raw, "Date", now.UTC().Format(time.RFC1123Z))
	}
	if value(m.raw, "From") == "" {
		m.raw = prepend(m.raw, "From", "<"+from+">")
	}
	x.classHeaders(m)
	for _, h := range [][2]string{
		{"AuthAs", "Internal"}, {"AuthMechanism", "04"}, {"AuthSource", mailboxName},
		{"MessageDirectionality", "Originating"}, {"Network-Message-Id", id}, {"SCL", "-1"},
	} {
		m.raw = setHeader(m.raw, organization+h[0], h[1])
	}
	m.raw = prepend(m.raw, "Received", fmt.Sprintf("from %s ([fe80::1]) by %s with mapi id 15.20.9999.1; %s",
		mailboxName, mailboxName, now.UTC().Format(time.RFC1123Z)))
}

// classHeaders writes what Outlook and the mailbox write for their kinds of
// message (exchange.md 8.2).
func (x *Exchange) classHeaders(m *message) {
	add := func(name, text string) {
		if value(m.raw, name) == "" {
			m.raw = prepend(m.raw, name, text)
		}
	}
	switch m.class {
	case OOF:
		add("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent")
		add("X-MS-Exchange-Inbox-Rules-Loop", m.from)
		add("X-Auto-Response-Suppress", "All")
		add("Auto-Submitted", "auto-generated")
		if x.sw.NullSenderForOOF {
			m.from = ""
		}
	case AutoForward:
		add(organization+"AutoForwarded", "true")
	}
}

// Arrive takes a message that comes from the internet for users of the
// tenants, as if by SMTP without TLS. The replies are those of the inbound
// server, one for each recipient.
func (x *Exchange) Arrive(from string, to []string, raw []byte, o Options) []mail.Reply {
	if o.IP == "" {
		o.IP = "198.51.100.25"
	}
	if o.Hello == "" {
		o.Hello = "mx.internet.example"
	}
	ip, _ := netip.ParseAddr(o.IP)
	tx := &transaction{peer: peer{ip: ip, hello: o.Hello}, from: from, results: o.Results, ret: o.Ret, envid: o.EnvID}
	replies := make([]mail.Reply, len(to))
	for i, a := range to {
		replies[i] = x.admit(tx, recipient{address: a, original: a, notify: o.Notify})
	}
	if len(tx.to) == 0 {
		return replies
	}
	answer := x.take(tx, raw)
	for i := range replies {
		if replies[i].Ok() {
			replies[i] = answer
		}
	}
	return replies
}

// Validate is Validate-OutboundConnector: a message without any tenant header
// (no rule runs) to each recipient through the connector, once. It returns
// the answer of the far side for each.
func (x *Exchange) Validate(ctx context.Context, tenant, connector string, recipients []string) ([]mail.Reply, error) {
	t := x.find(tenant)
	if t == nil {
		return nil, fmt.Errorf("fakeexchange: no tenant %q", tenant)
	}
	c := t.outbound(connector)
	if c == nil {
		return nil, fmt.Errorf("fakeexchange: no outbound connector %q", connector)
	}
	from := "O365ConnectorValidation@" + t.domain()
	m := &message{
		id: x.newID(), tenant: t, kind: validation, from: from, originating: true, direct: true, trusted: true,
		raw: []byte("From: <" + from + ">\r\nTo: <" + strings.Join(recipients, ">, <") + ">\r\n" +
			"Subject: Test email for connector validation\r\nDate: " + time.Now().UTC().Format(time.RFC1123Z) + "\r\n" +
			"Message-ID: <" + newGUID() + "@" + mailboxName + ">\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: text/plain; charset=us-ascii\r\n\r\n" +
			"This test email message was sent from Microsoft 365 to check that email can be delivered.\r\n"),
	}
	for _, a := range recipients {
		m.to = append(m.to, recipient{address: a, original: a})
	}
	x.note(m, "validation", "", connector)
	x.move(1)
	defer x.move(-1)
	return x.send(ctx, c, m, m.to), nil
}
