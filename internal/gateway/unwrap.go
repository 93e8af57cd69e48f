package gateway

import (
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/journal"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// unwrap opens a copy: what is judged and recorded is the message that was
// reported or copied, with the envelope it had, not the address of ours that
// the copy was sent to (which is a secret where it is for journal reports).
func (g *Gateway) unwrap(s subject, tr *trail) subject {
	switch s.kind {
	case tenant.Journal:
		r, ok := journal.Open(mail.Parse(s.body, g.Limits))
		s.notes = r.Problems
		if !ok || r.Original == nil {
			s.notes = append(s.notes, mail.Unseen{Reason: mail.Malformed, Detail: "no message in the journal report"})
		}
		s.envelope = r.Envelope
		if r.Original != nil {
			s.body, s.header = r.Original, mail.ParseHeader(r.Original)
		}
	case tenant.Copy:
		// The envelope of a BCC copy is lost; the header tells what it can.
		s.envelope = journal.Copied(mail.Parse(s.body, g.Limits))
	default:
		return s
	}
	s.dir = mail.In
	if s.tenant.Owns(s.envelope.From) {
		s.dir = mail.Out
	}
	tr.copied(s)
	return s
}

// copied puts the message that was reported in the place of the copy.
func (tr *trail) copied(s subject) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.m.From, tr.m.Direction, tr.m.Recipients = s.envelope.From, s.dir, nil
	for _, r := range unique(s.envelope.To) {
		tr.m.Recipients = append(tr.m.Recipients, audit.Recipient{Address: r.Address})
	}
	tr.words(s.header, s.tenant.Secrets())
}
