package quarantine

import (
	"context"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Letter is what somebody sees of a held message: text alone, which nothing in
// it can make more of.
type Letter struct {
	Text  string
	Depth Depth
	As    As
	// Cut is set when there is more of it.
	Cut bool
	// Gone is set when its body is there no more.
	Gone bool
}

// Foreseen is what an act would do to a recipient now.
type Foreseen struct {
	Hold Hold
	// Standing is what a vote would lead to.
	Standing Standing
	// No is why nothing would happen to this one, a *Refusal.
	No error
}

// Count says how many a filter finds.
func (d *Desk) Count(ctx context.Context, c Caller, f Filter) (n Count, err error) {
	if f.Tenant, err = d.scope(ctx, c, f.Tenant, See); err != nil {
		return n, err
	}
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		if f.Text == "" || d.person(c, f.Tenant).Rights.Subject() {
			n, err = CountAll(tx, f)
			return err
		}
		list, _, err := List(tx, f, Cursor{}, enough) // a count must not find what the list does not show
		for i := range list {
			if list[i].namedBy(f.Text) {
				n.N++
			}
		}
		n.More = len(list) == enough
		return err
	})
	return n, err
}

// Foresee says what an act of a caller would do, recipient by recipient, and
// does nothing.
func (d *Desk) Foresee(ctx context.Context, c Caller, a Act, message string, to []mail.Address) (all []Foreseen, err error) {
	list, err := d.Show(ctx, c, message)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	p := d.person(c, list[0].Tenant)
	for _, h := range list {
		if len(to) > 0 && !slices.Contains(to, h.Recipient) {
			continue
		}
		x := Foreseen{Hold: h}
		if a == Approve || a == Reject {
			h.Votes = slices.Clone(h.Votes)
			x.Standing, x.No = h.Say(p, a == Approve, "", time.Now())
		} else {
			x.No = h.May(p, a)
		}
		all = append(all, x)
	}
	return all, nil
}

// Sees says how much of a message a caller may look at, or a *Refusal. It opens
// and records nothing.
func (d *Desk) Sees(ctx context.Context, c Caller, message string) (depth Depth, as As, err error) {
	list, err := d.Show(ctx, c, message)
	switch {
	case err != nil:
		return Nothing, "", err
	case len(list) == 0 || d.Read == nil:
		return Nothing, "", NoHold()
	}
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		depth, as, err = ViewNow(tx, list, d.person(c, list[0].Tenant), time.Now())
		return err
	})
	return depth, as, err
}

// Look shows a message to a caller who may see it. That he looked is in the
// record before he gets anything.
func (d *Desk) Look(ctx context.Context, c Caller, message string, depth Depth) (l Letter, err error) {
	if _, _, err := d.Sees(ctx, c, message); err != nil {
		d.refusedLook(ctx, c, message, err)
		return l, err
	}
	list, err := d.Show(ctx, c, message)
	if err != nil || len(list) == 0 {
		return l, err
	}
	l, err = d.Read(ctx, d.person(c, list[0].Tenant), message, depth)
	d.refusedLook(ctx, c, message, err)
	return l, err
}

func (d *Desk) refusedLook(ctx context.Context, c Caller, message string, err error) {
	if WhyOf(err) != NeedsRight {
		return
	}
	if list, no := d.Show(ctx, c, message); no == nil && len(list) > 0 { // what Show refuses is told already
		d.refused(ctx, c, See, list[0].Tenant, message, err)
	}
}

// veil takes the subjects from holds whose subject a caller may not see.
func (d *Desk) veil(c Caller, list []Hold) {
	people := map[string]Person{}
	for i := range list {
		h := &list[i]
		p, known := people[h.Tenant]
		if !known {
			p = d.person(c, h.Tenant)
			people[h.Tenant] = p
		}
		if !h.subjectFor(p) {
			h.Subject = ""
		}
	}
}

// subjectFor reports whether a person may see the subject. It is written by
// whoever sent the mail, so that it is part of what the mail says: the right to
// the list alone does not show it.
func (h *Hold) subjectFor(p Person) bool {
	return p.Rights.Subject() || p.Address != "" && (h.isSender(p.Address) || same(h.Panel.active(), p.Address))
}

// namedBy reports whether all words of a search stand in the reference or in
// the addresses.
func (h *Hold) namedBy(text string) bool {
	own := Words(h.Ref+" "+string(h.Sender)+" "+string(h.Recipient), mostWords)
	return !slices.ContainsFunc(Words(text, mostAsked), func(w string) bool { return !slices.Contains(own, w) })
}
