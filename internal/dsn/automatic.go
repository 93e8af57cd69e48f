package dsn

import (
	"strings"

	"postern.dev/postern/internal/mail"
)

// Class is what kind of mail a message is, as far as answering it goes.
type Class struct {
	// Automatic is set for mail that a machine sent: it is never answered.
	Automatic bool
	// OOO is set for out-of-office and other automatic replies.
	OOO bool
	// Calendar is set for meeting requests, updates, cancellations and
	// responses.
	Calendar bool
	// Report is set for delivery and disposition reports.
	Report bool
	// Bulk is set for mailing lists and newsletters.
	Bulk bool
	// Recall is set for the messages of Exchange's recall.
	Recall bool
	// Forwarded is set for mail that a machine passed on: by a rule, by a
	// forwarding mailbox, under a sender rewritten with SRS. Redirected is set
	// when it was passed on under its first author's name.
	Forwarded, Redirected bool
	// Why names the first sign of Automatic.
	Why string
}

// Classify reads the signs of automatic mail (RFC 3834 §2 and §5, and those
// of Exchange). Subjects are no signs: people write them.
func Classify(from mail.Address, h *mail.Header) Class {
	var c Class
	sign := func(why string) {
		c.Automatic = true
		if c.Why == "" {
			c.Why = why
		}
	}
	if from.Null() {
		sign("null reverse-path")
	}
	if v := lower(h.Get("Auto-Submitted")); v != "" && word(v) != "no" {
		sign("Auto-Submitted: " + word(v))
		c.OOO = h.Has("In-Reply-To") || h.Has("X-MS-Exchange-Inbox-Rules-Loop") || word(v) == "auto-replied"
	}
	for _, v := range list(h.Get("X-Auto-Response-Suppress")) {
		if v == "all" || v == "oof" || v == "autoreply" || v == "-1" {
			sign("X-Auto-Response-Suppress")
		}
	}
	switch word(lower(h.Get("Precedence"))) {
	case "bulk", "list", "junk", "auto_reply":
		sign("Precedence")
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "X-MS-Exchange-Inbox-Rules-Loop", "X-MS-Journal-Report"} {
		if h.Has(name) {
			sign(name)
		}
	}
	kind := lower(h.Get("Content-Type"))
	if word(kind) == "multipart/report" {
		sign("multipart/report")
		c.Report = true
	}
	c.Calendar = word(kind) == "text/calendar" || h.Has("X-MS-Exchange-Calendar-Originator-Id") ||
		strings.Contains(lower(h.Get("Content-Class")), "calendarmessage")
	c.passedOn(from, h)
	return c
}

// passedOn reads the signs of mail that was passed on, of lists and of recall.
// An inbox rule and a forwarding mailbox leave a field against loops (Exchange
// team, "Loop prevention in Exchange Online demystified", 2021); Outlook says
// it itself (MS-OXCMAIL §2.1.3.2.21); Resent fields are those of RFC 5322
// §3.6.6. Exchange Online rewrites the sender of what it forwards to
// "user+SRS=…@", others to "SRS0=…@".
func (c *Class) passedOn(from mail.Address, h *mail.Header) {
	switch word(lower(h.Get("Precedence"))) {
	case "bulk", "list", "junk":
		c.Bulk = true
	}
	c.Bulk = c.Bulk || h.Has("List-Id") || h.Has("List-Unsubscribe")
	c.Recall = h.Has("X-MS-Exchange-RecallReportGenerated") || strings.Contains(lower(h.Get("Content-Class")), "recall")
	rewritten := rewrittenSender(from)
	c.Forwarded = rewritten || h.Has("X-MS-Exchange-ForwardingLoop") || h.Has("X-MS-Exchange-Inbox-Rules-Loop") && !c.OOO ||
		lower(h.Get("X-MS-Exchange-Organization-AutoForwarded")) == "true" || h.Has("Resent-From")
	if c.Forwarded {
		authors := h.Addresses("From")
		c.Redirected = h.Has("Resent-From") || len(authors) > 0 && authors[0].Domain() != from.Domain() && !from.Null()
	}
}

func rewrittenSender(from mail.Address) bool {
	local := lower(from.Local())
	return strings.Contains(local, "+srs=") || strings.HasPrefix(local, "srs0=") || strings.HasPrefix(local, "srs1=")
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// word is the value before its parameters or comment.
func word(s string) string {
	if i := strings.IndexAny(s, "; \t("); i >= 0 {
		s = s[:i]
	}
	return s
}

func list(s string) []string {
	var words []string
	for _, w := range strings.Split(lower(s), ",") {
		words = append(words, strings.TrimSpace(w))
	}
	return words
}
