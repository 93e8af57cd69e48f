package gateway

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
)

// staff is a tenant's directory as approvals ask for it. Somebody who is gone,
// is a guest or is outside decides nothing.
type staff struct{ who *directory.Directory }

// People is who is who in a tenant now.
func (g *Gateway) People(tenant string, now time.Time) quarantine.People {
	d := g.Directories.Of(tenant)
	if !d.Usable(now) {
		t := g.Tenants.Current().Find(tenant)
		return quarantine.Nobody{Owns: func(a mail.Address) bool { return t != nil && t.Owns(a) }}
	}
	return staff{d}
}

// identified is a person as the tenant knows him now, by his primary address:
// who has left decides nothing with a device or a token from before.
// A shared mailbox decides nothing, but does what its sender may.
func (g *Gateway) identified(tenant string, p quarantine.Person, act quarantine.Act, now time.Time) (quarantine.Person, error) {
	if p.Address == "" || p.By == quarantine.ByClock {
		return p, nil
	}
	people := g.People(tenant, now)
	if p.By != quarantine.ByAdmin && !people.Decides(p.Address) && !(asSender(act) && shared(people, p.Address)) {
		return p, &quarantine.Refusal{Code: quarantine.NotIdentified, Text: string(p.Address) + " is not of the tenant, or no longer there"}
	}
	p.Also = people.Addresses(p.Address)
	p.Address = p.Also[0]
	return p, nil
}

func present(e directory.Entry) bool {
	return e.Kind() == directory.User && e.Inside() && !e.Guest() && !e.Disabled() && e.Address() != ""
}

// Manager implements quarantine.People.
func (s staff) Manager(of mail.Address) (mail.Address, bool) {
	e, found := s.who.Find(of)
	if !found {
		return "", false
	}
	m, known := e.Manager()
	if !known || !present(m) {
		return "", false
	}
	return m.Address(), true
}

func asSender(act quarantine.Act) bool {
	switch act {
	case quarantine.Cancel, quarantine.Remove, quarantine.Send, quarantine.Answer, quarantine.Explain, quarantine.AskAgain:
		return true
	}
	return false
}

// shared reports whether an address is a mailbox of the tenant that is no
// person's. Nobody signs in to it, so that it is switched off.
func shared(people quarantine.People, a mail.Address) bool {
	s, known := people.(staff)
	if !known {
		return false
	}
	e, found := s.who.Find(a)
	return found && e.Kind() == directory.User && e.Shared() && e.Inside()
}

// colleagues are those who work in a shared mailbox that is among the senders:
// each of them may have sent the message, does what its sender may, and decides
// nothing about it.
func colleagues(people quarantine.People, senders []mail.Address) (list []mail.Address) {
	for _, a := range senders {
		if !shared(people, a) {
			continue
		}
		mates, _, _ := people.Members(string(a))
		for _, m := range mates {
			list = append(list, people.Addresses(m)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Decides implements quarantine.People.
func (s staff) Decides(a mail.Address) bool {
	e, found := s.who.Find(a)
	return found && present(e)
}

// Members implements quarantine.People.
func (s staff) Members(name string) (list []mail.Address, whole, known bool) {
	if box, found := s.who.Find(mail.Address(name)); found && box.Kind() == directory.User && box.Shared() {
		for _, e := range box.Delegates() {
			if present(e) {
				list = append(list, e.Address())
			}
		}
		return list, true, len(box.Delegates()) > 0
	}
	group, known := s.who.Group(name)
	if !known && !strings.Contains(name, "@") {
		group, known = s.named(name)
	}
	if !known {
		return nil, false, false
	}
	for _, m := range group.Expand() {
		if present(m.Entry) {
			list = append(list, m.Entry.Address())
		}
	}
	return list, group.Whole(), true
}

// named finds a group by the name that people see. Where groups are made by
// everybody, a second one of the same name must not decide: then none is meant.
func (s staff) named(name string) (group directory.Entry, known bool) {
	n := 0
	for _, e := range s.who.Groups() {
		if strings.EqualFold(e.Name(), name) {
			group = e
			n++
		}
	}
	return group, n == 1
}

// Addresses implements quarantine.People.
func (s staff) Addresses(of mail.Address) []mail.Address {
	e, found := s.who.Find(of)
	if !found || e.Address() == "" {
		return []mail.Address{of}
	}
	return append([]mail.Address{e.Address()}, e.Aliases()...)
}

// holdOf is the hold of a recipient as the quarantine keeps it.
func (e *enacting) holdOf(f fate, h *policy.Hold, p plan) quarantine.Hold {
	from := e.row.Envelope.From
	if e.extra.Writer != "" {
		from = e.extra.Writer
	}
	people := e.g.People(e.row.Tenant, e.now)
	rules := f.verdict.Rules
	if rules == nil {
		rules = []string{}
	}
	own := people.Addresses(e.row.Envelope.From)
	if from != e.row.Envelope.From {
		own = append(append([]mail.Address(nil), own...), people.Addresses(from)...)
	}
	mates := colleagues(people, append([]mail.Address{from}, own...))
	own = append(append([]mail.Address(nil), own...), mates...)
	panel := quarantine.Resolve(h.Approvers, h.Terms.Deputies, needed(h), from, people, mates...)
	if h.Delay || h.Override {
		panel = quarantine.Panel{} // the sender himself decides
	}
	var aliases []mail.Address
	if len(h.Terms.Recipient) > 0 { // he may do something about it, by whatever address
		aliases = people.Addresses(f.to.Address)
		aliases = append(slices.Clone(aliases), colleagues(people, aliases[:1])...)
	}
	return quarantine.New(quarantine.Hold{
		Aliases: aliases,
		Message: e.row.ID, Recipient: f.to.Address, Tenant: e.row.Tenant, Ref: e.extra.Ref, Sender: from, Own: own,
		Subject: p.subject, Size: e.row.Size, Rules: rules, Rule: ruleName(f.verdict), Because: f.verdict.Because, Found: p.found,
		Danger: slices.ContainsFunc(p.found, quarantine.Dangerous),
	}, h, panel, e.now)
}

// typesOf are the types of what was found for sure, each once.
func typesOf(r detect.Report) (list []string) {
	for _, f := range r.Findings {
		if f.Confidence == detect.High && !slices.Contains(list, f.Type) {
			list = append(list, f.Type)
		}
	}
	slices.Sort(list)
	return list
}

// subject is the subject as the record has it.
func (tr *trail) subject() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.m.Subject
}
