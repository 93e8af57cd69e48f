package fakeexchange

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mailflow"
)

// rule is a transport rule made ready to run.
type rule struct {
	*mailflow.Rule
	when, except []predicate
}

// predicate is one condition.
type predicate struct {
	name  string
	holds func(v *view, to recipient) bool
}

// view is what a rule sees of a message.
type view struct {
	tenant *tenant
	m      *message
	raw    []byte
	rule   *mailflow.Rule
	sw     *Switches
}

// verdict is what the rules leave of a fork.
type verdict string

const (
	goesOn      verdict = ""
	rejected    verdict = "rejected"
	deleted     verdict = "deleted"
	quarantined verdict = "quarantined"
	moderated   verdict = "moderated"
	deferred    verdict = "deferred"
)

// fork is a part of a message's recipients on its way through the rules.
type fork struct {
	m       *message
	before  []byte // the octets as the pass began
	stopped bool
	verdict verdict
	// code and reason belong to a rejection.
	code, reason string
	approvers    []string
	// rules are the names of those that matched, with a note where one did
	// nothing.
	rules []string
}

// pass runs all rules over a message (exchange.md 2.4) and returns the forks.
func (t *tenant) pass(m *message, now time.Time, sw *Switches) []*fork {
	m.all = m.addresses()
	forks := []*fork{{m: m, before: m.raw}}
	if sw.ForkByScope {
		forks = forkByScope(t, forks[0])
	}
	for i := range t.rules {
		r := &t.rules[i]
		if !r.active(now) {
			continue
		}
		var next []*fork
		for _, f := range forks {
			next = append(next, r.run(t, f, sw)...)
		}
		forks = next
	}
	return forks
}

// active reports whether the rule is on and inside its dates.
func (r *rule) active(now time.Time) bool {
	return r.Enabled() &&
		(r.ActivationDate == nil || !now.Before(r.ActivationDate.Time)) &&
		(r.ExpiryDate == nil || now.Before(r.ExpiryDate.Time))
}

// forkByScope separates internal from external recipients.
func forkByScope(t *tenant, f *fork) []*fork {
	return f.split(func(to recipient) bool { return t.inside(to.address) })
}

// split divides f into the recipients that choose picks and the others; f
// itself comes back when all or none are picked.
func (f *fork) split(choose func(recipient) bool) []*fork {
	var hit, miss []recipient
	for _, to := range f.m.to {
		if choose(to) {
			hit = append(hit, to)
		} else {
			miss = append(miss, to)
		}
	}
	if len(hit) == 0 || len(miss) == 0 {
		return []*fork{f}
	}
	return []*fork{f.with(hit), f.with(miss)}
}

// with is a copy of f for other recipients.
func (f *fork) with(to []recipient) *fork {
	c := *f
	c.m = f.m.clone(to)
	c.rules = slices.Clone(f.rules)
	return &c
}

// run applies one rule to one fork: the matching part gets the actions.
func (r *rule) run(t *tenant, f *fork, sw *Switches) []*fork {
	if f.stopped {
		return []*fork{f}
	}
	v := &view{tenant: t, m: f.m, raw: f.m.raw, rule: r.Rule, sw: sw}
	if !sw.RulesSeeEarlierChanges {
		v.raw = f.before
	}
	hit := map[string]bool{}
	for _, to := range f.m.to {
		hit[to.address] = r.matches(v, to)
	}
	var out []*fork
	for _, part := range f.split(func(to recipient) bool { return hit[to.address] }) {
		if len(part.m.to) > 0 && hit[part.m.to[0].address] {
			out = append(out, r.apply(t, part, sw)...)
		} else {
			out = append(out, part)
		}
	}
	return out
}

// matches is AND over the conditions and OR over the exceptions.
func (r *rule) matches(v *view, to recipient) bool {
	for _, p := range r.when {
		if !p.holds(v, to) {
			return false
		}
	}
	for _, p := range r.except {
		if p.holds(v, to) {
			return false
		}
	}
	return true
}

// apply does the actions of a rule to a fork all of whose recipients match.
func (r *rule) apply(t *tenant, f *fork, sw *Switches) []*fork {
	if !r.Enforced() {
		f.rules = append(f.rules, r.Name+" (audit)")
		return []*fork{f}
	}
	if r.broken(t, sw) {
		return r.fail(f, sw)
	}
	f.rules = append(f.rules, r.Name)
	r.edit(f, sw)
	forks := append([]*fork{f}, r.addRecipients(t, f)...)
	for _, one := range forks {
		if c := r.Do.RouteMessageOutboundConnector; c != "" {
			one.m.route = c
			one.stopped = one.stopped || !sw.RouteContinues
		}
		one.stopped = one.stopped || r.Do.StopRuleProcessing
	}
	r.moderate(t, f, sw)
	r.finish(f)
	return forks
}

// broken reports whether the rule cannot be executed.
func (r *rule) broken(t *tenant, sw *Switches) bool {
	name := r.Do.RouteMessageOutboundConnector
	if name == "" || !sw.DisabledConnectorIsRuleError {
		return false
	}
	c := t.outbound(name)
	return c == nil || !c.Enabled
}

// fail is the rule error: the message goes on without the rule, or waits.
func (r *rule) fail(f *fork, sw *Switches) []*fork {
	f.rules = append(f.rules, r.Name+" (error)")
	if strings.EqualFold(r.RuleErrorAction, "Defer") {
		f.verdict, f.stopped = deferred, true
	} else if sw.RuleErrorKeepsHeaders {
		r.edit(f, sw)
	}
	return []*fork{f}
}

// edit does the actions that change the header.
func (r *rule) edit(f *fork, sw *Switches) {
	do := &r.Do
	if do.RemoveHeader != "" {
		f.m.raw = removeHeader(f.m.raw, do.RemoveHeader, sw.RemoveHeaderAll)
	}
	if do.SetHeaderName != "" {
		f.m.raw = setHeader(f.m.raw, do.SetHeaderName, do.SetHeaderValue)
	}
	if do.PrependSubject != "" {
		f.m.raw = prependSubject(f.m.raw, do.PrependSubject)
	}
	if do.SetSCL != nil {
		f.m.setSCL(int(*do.SetSCL))
	}
}

// addRecipients does the actions that change the envelope. A recipient that
// is added is a fork of its own: later rules see it like any other.
func (r *rule) addRecipients(t *tenant, f *fork) []*fork {
	do := &r.Do
	manager := t.manager(f.m.sender())
	to, cc, bcc, redirect := do.AddToRecipients, do.CopyTo, do.BlindCopyTo, do.RedirectMessageTo
	if manager != "" {
		switch strings.ToLower(do.AddManagerAsRecipientType) {
		case "to":
			to = append(slices.Clone(to), manager)
		case "cc":
			cc = append(slices.Clone(cc), manager)
		case "bcc":
			bcc = append(slices.Clone(bcc), manager)
		case "redirect":
			redirect = append(slices.Clone(redirect), manager)
		}
	}
	var added []recipient
	for _, a := range to {
		f.m.raw = addToField(f.m.raw, "To", a)
	}
	for _, a := range cc {
		f.m.raw = addToField(f.m.raw, "Cc", a)
	}
	for _, a := range slices.Concat(to, cc, bcc) {
		if !slices.ContainsFunc(f.m.to, func(r recipient) bool { return t.same(r.address, a) }) {
			added = append(added, recipient{address: a, original: a, added: true})
		}
	}
	if len(redirect) > 0 {
		f.m.to = nil
		for _, a := range redirect {
			f.m.to = append(f.m.to, recipient{address: a, original: a, added: true})
		}
	}
	var forks []*fork
	for _, a := range added {
		forks = append(forks, f.with([]recipient{a}))
	}
	return forks
}

// moderate holds the fork for its approvers, unless the sender is one of them
// or has no manager (exchange.md 2.7).
func (r *rule) moderate(t *tenant, f *fork, sw *Switches) {
	approvers := slices.Clone([]string(r.Do.ModerateMessageByUser))
	if r.Do.ModerateMessageByManager {
		if m := t.manager(f.m.sender()); m != "" {
			approvers = append(approvers, m)
		}
	}
	if len(approvers) == 0 || f.m.approved {
		return
	}
	for _, a := range approvers {
		if t.same(a, f.m.sender()) {
			return
		}
	}
	f.verdict, f.approvers = moderated, append(f.approvers, approvers...)
	f.stopped = f.stopped || sw.ModerationStopsRules
}

// finish does the actions that end the evaluation.
func (r *rule) finish(f *fork) {
	do := &r.Do
	switch {
	case do.Reject():
		f.verdict, f.stopped = rejected, true
		f.code, f.reason = do.RejectMessageEnhancedStatusCode, do.RejectMessageReasonText
		if f.code == "" {
			f.code = "5.7.1"
		}
		if f.reason == "" {
			f.reason = "Delivery not authorized, message refused"
		}
	case do.DeleteMessage:
		f.verdict, f.stopped = deleted, true
	case do.Quarantine:
		f.verdict, f.stopped = quarantined, true
	}
}

// addToField adds an address to a To or Cc field.
func addToField(raw []byte, name, address string) []byte {
	if containsFold(addresses(raw, name), address) {
		return raw
	}
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if strings.EqualFold(f.name, name) {
			end := f.end
			for end > f.value && (raw[end-1] == '\n' || raw[end-1] == '\r') {
				end--
			}
			return slices.Concat(raw[:end], []byte(", "+address), raw[end:])
		}
	}
	return prepend(raw, name, address)
}
