package gateway

import (
	"slices"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/task"
)

// letGo does what waited with released recipients besides their own mail:
// whom a policy adds gets the message, and the sender the note. Somebody who is
// added for several recipients that are released one after the other gets the
// message once.
func (e *enacting) letGo(list []spool.Pending) {
	var note *letter
	for _, p := range list {
		own := e.extra.Fields[p.Recipient.Address]
		for _, a := range own.Added {
			e.addOnce(a, own.shape)
		}
		if own.Note == nil {
			continue
		}
		if note == nil {
			l := *own.Note
			l.About, note = nil, &l
		}
		note.About = append(note.About, own.Note.About...)
	}
	if note != nil {
		e.tellWriter(*note)
	}
}

// addOnce sends the message to somebody who does not get it anyhow.
func (e *enacting) addOnce(a mail.Address, s shape) {
	same := func(o mail.Address) bool { return o.Fold() == a.Fold() }
	if e.err != nil || slices.ContainsFunc(e.row.Envelope.To, func(r mail.Recipient) bool { return same(r.Address) }) {
		return
	}
	done, err := task.Outcomes(e.tx, e.row.ID)
	if err != nil {
		e.err = err
		return
	}
	open, err := task.Of(e.tx, e.row.ID)
	if err != nil {
		e.err = err
		return
	}
	has := slices.ContainsFunc(done, func(r task.Record) bool { return r.Kind == task.Copy && same(r.Recipient) }) ||
		slices.ContainsFunc(open, func(t task.Task) bool {
			return t.Kind == task.Copy && slices.ContainsFunc(t.Recipients, func(r mail.Recipient) bool { return same(r.Address) })
		})
	if !has {
		e.add(task.Copy, recipients([]mail.Address{a}), e.row.Envelope.From, parcel{shape: s, Inspected: e.extra.Inspected})
	}
}
