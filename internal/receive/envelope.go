package receive

import (
	"time"

	"postern.dev/postern/internal/mail"
)

// transaction is what a client said since MAIL.
type transaction struct {
	envelope mail.Envelope
	began    time.Time
	tried    int // RCPT commands, taken or not
	pace     pace

	body     Buffer // nil until content comes for an accepted recipient
	chunks   keeper // of BDAT
	newlines newlines
}

func (c *conn) mail(args string) {
	if c.mustTLS() {
		c.fault(replyMustTLS())
		return
	}
	if c.messages >= c.s.cfg.MaxMessages {
		c.bye(replyTooManyMails())
		return
	}
	e, refusal := c.reversePath(args)
	if refusal != nil {
		c.fault(*refusal)
		return
	}
	c.messages++
	c.phase = mailing
	c.tx = transaction{envelope: e, began: time.Now()}
	c.startPace()
	c.reply(ok("2.1.0", "Sender taken"))
}

// reversePath reads the argument of MAIL (RFC 5321 §4.1.1.2).
func (c *conn) reversePath(args string) (mail.Envelope, *mail.Reply) {
	var e mail.Envelope
	path, rest, refusal := parsePath(args, "FROM:", "5.1.7")
	if refusal != nil {
		return e, refusal
	}
	params, refusal := parseParams(rest)
	if refusal != nil {
		return e, refusal
	}
	if len(params) > 0 && !c.esmtp {
		return e, refuse(replyUnknownParameter())
	}
	offer := offers{maxSize: c.s.cfg.MaxSize, requireTLS: c.offersRequireTLS()}
	if refusal := offer.mailParams(&e, params); refusal != nil {
		return e, refusal
	}
	if path == "" {
		return e, nil
	}
	from, err := mail.ParseAddress(path)
	if err != nil || !visible(path) {
		return e, refuse(replyPathSyntax("5.1.7"))
	}
	if !from.ASCII() && !e.UTF8 {
		return e, refuse(replyNeedsUTF8())
	}
	e.From = from
	return e, nil
}

func (c *conn) rcpt(args string) {
	c.tx.tried++
	if c.tx.tried > c.s.cfg.MaxRecipients {
		c.tooManyRecipients()
		return
	}
	to, refusal := c.forwardPath(args)
	if refusal != nil {
		c.fault(*refusal)
		return
	}
	for _, r := range c.tx.envelope.To {
		if r.Address == to.Address { // said twice, meant once
			c.reply(ok("2.1.5", "Recipient taken already"))
			return
		}
	}
	if refusal := c.s.handler.Rcpt(c.s.ctx, c.peer, c.tx.envelope.With(nil), to); refusal != nil {
		// Not a fault of the client: a list may hold a hundred such.
		c.s.cfg.Metrics.Count("receive_recipients", 1, "result", "refused")
		if refusal.Ok() {
			*refusal = replyNoAnswer()
		}
		c.answer(*refusal)
		return
	}
	c.s.cfg.Metrics.Count("receive_recipients", 1, "result", "taken")
	c.tx.envelope.To = append(c.tx.envelope.To, to)
	c.phase = addressed
	c.reply(ok("2.1.5", "Recipient taken"))
}

// tooManyRecipients answers RCPT over the limit. A client that pipelined a
// list may be a whole list over; more than that is a flood.
func (c *conn) tooManyRecipients() {
	if c.tx.tried > 2*c.s.cfg.MaxRecipients {
		c.fault(replyTooManyRecipients())
		return
	}
	c.reply(replyTooManyRecipients())
}

// forwardPath reads the argument of RCPT (RFC 5321 §4.1.1.3).
func (c *conn) forwardPath(args string) (mail.Recipient, *mail.Reply) {
	var to mail.Recipient
	path, rest, refusal := parsePath(args, "TO:", "5.1.3")
	if refusal != nil {
		return to, refusal
	}
	params, refusal := parseParams(rest)
	if refusal != nil {
		return to, refusal
	}
	if len(params) > 0 && !c.esmtp {
		return to, refuse(replyUnknownParameter())
	}
	if refusal := rcptParams(&to, params, c.tx.envelope.UTF8); refusal != nil {
		return to, refusal
	}
	if upper(path) == "POSTMASTER" { // RFC 5321 §4.5.1
		to.Address = mail.Address(path)
		return to, nil
	}
	address, err := mail.ParseAddress(path)
	if err != nil || !visible(path) {
		return to, refuse(replyPathSyntax("5.1.3"))
	}
	if !address.ASCII() && !c.tx.envelope.UTF8 {
		return to, refuse(replyNeedsUTF8())
	}
	to.Address = address
	return to, nil
}

// answer sends a reply of the Handler. One that is no answer to a command is
// replaced, and 421 closes the connection, as it says (RFC 5321 §3.8).
func (c *conn) answer(r mail.Reply) {
	switch {
	case r.Code == 421:
		c.bye(r)
	case r.Ok(), r.Code/100 == 4, r.Permanent():
		c.reply(r)
	default:
		c.reply(replyNoAnswer())
	}
}

// startPace begins to hold the client to the least rate, when no transaction
// has begun it.
func (c *conn) startPace() {
	if c.tx.pace.rate == 0 {
		c.tx.pace = pace{grace: c.s.cfg.GraceTime, rate: c.s.cfg.MinRate}
	}
}
