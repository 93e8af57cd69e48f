package fakeexchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mailflow"
)

// journalize writes a report for each journal mailbox whose rule matches
// (exchange.md 2.8). Every fork has its own; reports of two rules with the
// same mailbox are one.
func (x *Exchange) journalize(m *message) {
	if m.kind != ordinary || m.returned && !x.sw.JournalBothPasses {
		return
	}
	var done []string
	for _, j := range m.tenant.setup.JournalRules {
		if !j.Enabled || containsFold(done, j.JournalEmailAddress) || !journals(m, j) {
			continue
		}
		done = append(done, j.JournalEmailAddress)
		r := x.journalReport(m, j.JournalEmailAddress)
		x.note(m, "journaled", j.JournalEmailAddress, "as "+r.id)
		x.spawn(func() { x.process(r) })
	}
}

// journals reports whether a journal rule covers a message. "Internal" is
// decided by the domain of MAIL FROM only, spoofed or not.
func journals(m *message, j mailflow.JournalRule) bool {
	t := m.tenant
	inside := t.inside(m.from) && !slices.ContainsFunc(m.to, func(r recipient) bool { return !t.inside(r.address) })
	switch strings.ToLower(j.Scope) {
	case "internal":
		if !inside {
			return false
		}
	case "external":
		if inside {
			return false
		}
	}
	return j.Recipient == "" || t.same(j.Recipient, m.from) ||
		slices.ContainsFunc(m.to, func(r recipient) bool { return t.same(j.Recipient, r.address) })
}

// journalReport is the message of exchange.md 2.9.
func (x *Exchange) journalReport(m *message, to string) *message {
	raw := without(m.raw, func(name string) bool {
		return hasPrefix(name, organization) || hasPrefix(name, forest)
	})
	id := newGUID()
	boundary := "_jr_" + id + "_"
	var b strings.Builder
	fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(time.RFC1123Z))
	fmt.Fprintf(&b, "From: <%s>\r\nTo: <%s>\r\n", systemAddress(m.tenant), to)
	fmt.Fprintf(&b, "Subject: %s\r\nMessage-ID: <%s@journal.report.generator>\r\n", rawField(m.raw, "Subject"), id)
	b.WriteString("X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n")
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary)
	b.WriteString("Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	subject := strings.NewReplacer("\r", " ", "\n", " ").Replace(value(raw, "Subject")) // decoded: it may hold anything
	fmt.Fprintf(&b, "Sender: %s\r\nSubject: %s\r\nMessage-Id: %s\r\n", m.from, subject, rawField(raw, "Message-ID"))
	for _, r := range m.to {
		b.WriteString(journalLine(m, r))
	}
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: message/rfc822\r\n\r\n", boundary)
	b.Write(raw)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return &message{
		id: x.newID(), tenant: m.tenant, kind: journal, raw: []byte(b.String()), direct: true, trusted: true,
		originating: true, to: []recipient{{address: to, original: to}},
	}
}

// journalLine names one recipient with its class. The class of mail from
// outside is not known.
func journalLine(m *message, r recipient) string {
	class := "Recipient"
	if m.trusted {
		named := r.address
		if r.expanded != "" {
			named = r.expanded
		}
		switch {
		case containsFold(addresses(m.raw, "To"), named):
			class = "To"
		case containsFold(addresses(m.raw, "Cc"), named):
			class = "Cc"
		default:
			class = "Bcc"
		}
	}
	line := class + ": " + r.address
	if r.expanded != "" {
		line += ", Expanded: " + r.expanded
	}
	return line + "\r\n"
}

// rawField is the value of a field as it stands, on one line.
func rawField(raw []byte, name string) string {
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if strings.EqualFold(f.name, name) {
			return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(string(raw[f.value:f.end])))
		}
	}
	return ""
}

// systemAddress is the author of what the service writes.
func systemAddress(t *tenant) string {
	return "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@" + t.domain()
}
