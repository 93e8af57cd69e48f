package app

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mailflow"
)

// sample is one mail of the demo and what must become of it.
type sample struct {
	name, about string
	from        string
	to          []string
	raw         []byte
	options     fakeexchange.Options
	by          byWay
	// found are the finding types that the record must name.
	found []string
	// action is the expected verdict of every recipient; ends where each
	// must end up.
	action map[string]string
	ends   map[string]end
	// problem is the operator's code that the record must carry.
	problem string
	// rewritten is set when octets may differ: a forged field was removed.
	rewritten bool
	// answer is what the manager writes when he is asked.
	answer string
}

// byWay is how a sample is sent.
type byWay string

const (
	byUser     byWay = "a user of the tenant"
	byInternet byWay = "the internet"
	byStranger byWay = "another tenant of Exchange"
)

// end is where a recipient's copy of a sample ends.
type end string

const (
	endInternet end = "internet"
	endMailbox  end = "mailbox"
	endReport   end = "report to sender"
	endHeld     end = "held"
	endRefused  end = "refused"
	endLooped   end = "loop stopped"
)

const (
	ann, bob = "ann@contoso.example", "bob@fabrikam.example"
	cid, eve = "cid@contoso.example", "eve@partner.example"
)

// demoPolicies are the policies of the demo's tenant.
const demoPolicies = `kind: list
id: partners
members: [partner.example]
---
kind: policy
id: cards-leave
name: Card numbers leave the organisation
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 1 && !recipient.in("partners")
then: { block: { text: "Use the customer portal for card data." } }
---
kind: policy
id: many-ibans
name: Several account numbers leave
mode: enforce
when: direction == "outbound" && findings.iban.high >= 2
then: { hold: { approver: manager, for: 48h, then: refuse } }
---
kind: policy
id: watch-ssn
name: Social security numbers are watched
mode: log
when: findings.us_ssn.medium >= 1
then: { block: {} }
`

// brokenException makes the mark of one subject useless: what a wrong rule
// in Exchange does, and why loops are counted.
func brokenException(s *mailflow.Setup) {
	for i := range s.TransportRules {
		s.TransportRules[i].Priority++
	}
	s.TransportRules = append(s.TransportRules, mailflow.Rule{
		Properties: mailflow.Properties{Name: "Demo - a rule that breaks the exception"},
		When:       mailflow.Predicates{SubjectContainsWords: mailflow.Strings{"loop attempt"}},
		Do:         mailflow.Actions{RemoveHeader: "X-Postern-Checked"},
	})
}

func samples(p fakeexchange.Params) []sample {
	text := "Content-Type: text/plain; charset=utf-8\n\n"
	list := []sample{
		out("clean", "a plain message", text+"See you at ten.\n", nil, "deliver", endInternet),
		out("cards-in-body", "two card numbers in the text",
			text+"Visa card 4539 1488 0343 6467 and Mastercard 5425 2334 3010 9903, please charge.\n",
			[]string{"CREDIT_CARD"}, "block", endReport),
		out("cards-in-csv", "card numbers in a CSV attachment", attached("customers.csv", "text/csv",
			"name,card number\nJane Roe,4539148803436467\nJohn Doe,5425233430109903\n"), []string{"CREDIT_CARD"}, "block", endReport),
		{
			name: "split-recipients", about: "a card number: outsider blocked, partner and colleague get it", from: ann,
			to:  []string{bob, eve, cid},
			raw: written("split-recipients", ann, bob+", "+eve+", "+cid, text+"credit card 4539 1488 0343 6467\n"), found: []string{"CREDIT_CARD"},
			action: map[string]string{bob: "block", eve: "deliver"},
			ends:   map[string]end{bob: endReport, eve: endInternet, cid: endMailbox},
		},
		out("held-for-manager", "two account numbers: a manager decides", text+
			"IBAN DE89 3704 0044 0532 0130 00 and IBAN GB82 WEST 1234 5698 7654 32\n", []string{"IBAN"}, "hold", endHeld),
		approved(text),
		out("large", "3 MiB attachment", attached("plan.bin", "application/octet-stream", strings.Repeat("0123456789abcdef", 3<<16)),
			nil, "deliver", endInternet),
		calendar(),
		out("out-of-office", "an automatic reply, null sender", text+"I am away.\n", nil, "deliver", endInternet),
		{
			name: "null-sender", about: "a delivery report from outside", from: "", to: []string{ann}, by: byInternet,
			raw: written("null-sender", "mailer-daemon@fabrikam.example", ann, "Content-Type: multipart/report; "+
				"report-type=delivery-status; boundary=b\nAuto-Submitted: auto-replied\n\n--b\nContent-Type: text/plain\n\nNot delivered.\n--b--\n"),
			action: map[string]string{ann: "deliver"}, ends: map[string]end{ann: endMailbox},
		},
		out("eight-bit", "8-bit text and names", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße aus Köln\n",
			nil, "deliver", endInternet),
		bareLF(),
		{
			name: "incoming", about: "mail from outside", from: bob, to: []string{ann}, by: byInternet,
			raw:    written("incoming", bob, ann, text+"Hello Ann\n"),
			action: map[string]string{ann: "deliver"}, ends: map[string]end{ann: endMailbox},
		},
		loopAttempt(text),
		forgedMark(p, text),
		{
			name: "forged-tenant", about: "another tenant forges the tenant header", from: "ann@contoso.example",
			to: []string{bob}, by: byStranger,
			raw:  written("forged-tenant", ann, bob, "X-Postern-Tenant: "+p.ID+";guessed-secret-123456;out;inline\n"+text+"pay now\n"),
			ends: map[string]end{bob: endRefused}, problem: "P104",
		},
		out("malformed", "two contradicting Content-Type fields", "Content-Type: text/plain\nContent-Type: text/html\n\n<b>x</b>\n",
			nil, "hold", endHeld),
		out("watched", "a rule in log mode", text+"social security number 536-90-4399\n", []string{"US_SSN"}, "log", endInternet),
	}
	for i := range list {
		if list[i].name == "out-of-office" {
			list[i].options.Class = fakeexchange.OOF
		}
		if list[i].by == "" {
			list[i].by = byUser
		}
	}
	return list
}

// out is a message of Ann to Bob outside.
func out(name, about, content string, found []string, action string, e end) sample {
	return sample{
		name: name, about: about, from: ann, to: []string{bob}, raw: written(name, ann, bob, content), found: found,
		action: map[string]string{bob: action}, ends: map[string]end{bob: e},
	}
}

// approved is held like the one before it, until the manager answers by mail.
func approved(text string) sample {
	s := out("approved-by-mail", "two account numbers: the manager answers APPROVE", text+
		"IBAN DE89 3704 0044 0532 0130 00 and IBAN GB82 WEST 1234 5698 7654 32\n", []string{"IBAN"}, "hold", endInternet)
	s.answer = "Approve, she may"
	return s
}

func calendar() sample {
	s := out("meeting", "a meeting invitation", "Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\n"+
		"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//demo//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:demo-1\nSUMMARY:Review\n"+
		"DTSTAMP:20261122T100000Z\nDTSTART:20261123T100000Z\nEND:VEVENT\nEND:VCALENDAR\n", nil, "deliver", endInternet)
	s.options.Class = fakeexchange.Calendaring
	return s
}

// bareLF can travel only by BDAT, and must come back as it was.
func bareLF() sample {
	s := out("bare-lf", "a bare LF, by BDAT", "Content-Type: text/plain\n\nline one\n", nil, "deliver", endInternet)
	s.raw = append(s.raw, []byte("line two\nline three\r\n")...)
	return s
}

func loopAttempt(text string) sample {
	s := out("loop", "a rule in Exchange breaks the exception", text+"round and round\n", nil, "deliver", endLooped)
	s.raw = bytes.Replace(s.raw, []byte("Subject: loop"), []byte("Subject: loop attempt"), 1)
	s.problem = "P703"
	return s
}

// forgedMark carries the true mark, stolen, to run past the route rule with
// card numbers: the strip rule must take it off.
func forgedMark(p fakeexchange.Params, text string) sample {
	s := out("forged-mark", "a stolen mark, to get around inspection", "X-Postern-Checked: "+p.Mark+"\n"+text+
		"Visa card 4539 1488 0343 6467\n", []string{"CREDIT_CARD"}, "block", endReport)
	s.rewritten = true
	return s
}

// written is a message with CR LF line ends; content begins with further
// header fields.
func written(name, from, to, content string) []byte {
	head := fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\nMessage-ID: <%s@demo.contoso.example>\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n", from, to, name, name)
	return []byte(strings.ReplaceAll(head+content, "\n", "\r\n"))
}

func attached(name, kind, content string) string {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=demo\n\n--demo\nContent-Type: text/plain\n\nSee the attachment.\n--demo\n")
	fmt.Fprintf(&b, "Content-Type: %s; name=%q\nContent-Disposition: attachment; filename=%q\n", kind, name, name)
	b.WriteString("Content-Transfer-Encoding: base64\n\n")
	text := base64.StdEncoding.EncodeToString([]byte(content))
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	b.WriteString(text + "\n--demo--\n")
	return b.String()
}
