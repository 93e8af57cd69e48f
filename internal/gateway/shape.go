package gateway

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/amend"
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// changes are what is changed of the octets that came, for the record.
type changes struct {
	// changed says what is changed; kept what should have been, and why it is
	// not; original are the changed fields as they came, which are personal.
	changed, kept, original []string
	// sealed says in whose name the changed message was sealed, unsealed why it
	// was not.
	sealed, unsealed string
}

// note writes changes into a record. A second delivery of the same message
// changes nothing more.
func (c changes) note(m *audit.Message, now time.Time) {
	for _, s := range c.changed {
		m.Modified = appendNew(m.Modified, s)
	}
	for _, s := range c.original {
		m.Original = appendNew(m.Original, s)
	}
	once := func(name, detail string) {
		if detail != "" && !slices.ContainsFunc(m.Steps, func(x audit.Step) bool { return x.Name == name && x.Detail == detail }) {
			m.Did(name, detail, now)
		}
	}
	for _, s := range c.kept {
		once("not changed", s)
	}
	once("sealed", c.sealed)
	once("not sealed", c.unsealed)
}

func (c changes) none() bool { return len(c.changed)+len(c.kept) == 0 }

// shaping gives a message the shape that policy wants. Header and message are
// read from the body when they are not at hand.
type shaping struct {
	tenant  *tenant.Tenant
	header  *mail.Header
	message *mail.Message
	limits  mail.Limits
}

// shape writes into out what stands in front of the message and what of it is
// left out or changed. The same message always gets the same shape: an attempt
// that is made again sends the same octets.
func (x shaping) shape(out *mail.Outgoing, trace, inspected string, s shape) (c changes) {
	var headers []policy.Header
	for _, h := range s.Headers {
		if h.Exists == policy.Append {
			headers = append(headers, h)
			continue
		}
		there := x.there(out, h.Name)
		switch {
		case len(there) == 0:
		case h.Exists == policy.Fail: // a person let it go as it is
			c.kept = append(c.kept, "header "+h.Name+": it is there already")
			continue
		default:
			out.Cut = append(out.Cut, there...)
			c.changed = appendNew(c.changed, "header "+h.Name)
		}
		headers = append(headers, h)
	}
	out.Front = front(x.tenant, trace, inspected, headers)
	if s.Edit.None() {
		return c
	}
	if x.message == nil {
		x.message = mail.Parse(out.Body, x.limits)
	}
	r := amend.Amend(x.message, x.order(s.Edit))
	out.Put, out.Front = r.Put, append(out.Front, r.Front...)
	c.changed, c.kept, c.original = append(c.changed, r.Changed...), append(c.kept, r.Kept...), r.Original
	for i, s := range c.original {
		c.original[i] = scrub(s, x.tenant.Secrets())
	}
	return c
}

// there are the fields of a name that leave with the message.
func (x *shaping) there(out *mail.Outgoing, name string) (list []mail.Range) {
	if x.header == nil {
		x.header = mail.ParseHeader(out.Body)
	}
	for _, f := range x.header.All(name) {
		if !hasRange(out.Cut, f.Range) {
			list = append(list, f.Range)
		}
	}
	return list
}

func (x shaping) order(e policy.Edit) amend.Order {
	o := amend.Order{Tags: e.Tags, Cc: e.Cc}
	for _, b := range e.Banners {
		o.Banners = append(o.Banners, amend.Banner{Text: b.Text, Style: string(b.Style)})
	}
	switch e.Hide {
	case policy.HideAll:
		o.Hidden = func(mail.Address) bool { return true }
	case policy.HideOutside:
		o.Hidden = func(a mail.Address) bool { return !x.tenant.Owns(a) }
	}
	return o
}

// copyMark is the field that says that a message is a copy for somebody whom
// its sender did not write to.
const copyMark = "X-Postern-Copy"

// markCopy puts the mark in front of a copy; ref names the original's record.
func markCopy(out *mail.Outgoing, ref string) {
	out.Front = append(out.Front, copyMark+": "+strings.ReplaceAll(oneLine(ref), " ", "")+"\r\n"...)
}
