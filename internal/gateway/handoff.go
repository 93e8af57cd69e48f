package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// HandoffField is the header field by which a tenant's rules in Exchange are
// told what to do with a message; ok is false when the tenant's preset has
// none for it. Rules that were written for another product know one verdict
// only: another value would be heard by nobody. The spam confidence level itself cannot be handed over: Exchange
// strips X-MS-Exchange-Organization-SCL at its border, so that a rule of the
// tenant sets it where it finds the field.
func HandoffField(t *tenant.Tenant, h policy.Handoff) (field policy.Header, ok bool) {
	field = policy.Header{Name: t.Preset.Action, Exists: policy.Replace}
	switch h {
	case policy.Quarantine:
		field.Value = "Quarantine"
	case policy.Moderate:
		field.Value = "Moderate"
	case policy.Encrypt:
		field.Value = "Encrypt"
	case policy.Junk:
		field.Name, field.Value = t.Preset.Spam, t.Preset.SpamValue
	}
	known := h == policy.Quarantine || h == policy.Junk || t.Preset.Name == "postern"
	return field, known && field.Name != "" && field.Value != ""
}

// handOver has what is released now handed to one of Exchange's means. Without
// a field for it nothing is released.
func (e *enacting) handOver(h policy.Handoff) {
	t := e.g.Tenants.Current().Find(e.row.Tenant)
	if t == nil {
		e.err = errors.Join(e.err, fmt.Errorf("gateway: no tenant %s", e.row.Tenant))
		return
	}
	field, ok := HandoffField(t, h)
	if !ok {
		e.err = errors.Join(e.err, fmt.Errorf("gateway: the tenant %s has no header field for the hand-off %q", t.ID, h))
		return
	}
	e.front = []policy.Header{field}
	e.err = errors.Join(e.err, e.g.Audit.Change(e.tx, e.row.ID, func(m *audit.Message) {
		m.Did("handed over", string(h)+": "+field.Name+": "+field.Value, e.now)
	}))
}

// with is the shape with more fields in front; each stands in the place of
// those of its name.
func (s shape) with(front []policy.Header) shape {
	for _, f := range front {
		s.Headers = slices.DeleteFunc(slices.Clone(s.Headers), func(o policy.Header) bool { return strings.EqualFold(o.Name, f.Name) })
		s.Headers = append(s.Headers, f)
	}
	return s
}

// attainable brings a verdict to what can be done here. Hand-offs become header
// fields; what cannot be handed over, and what should be sent securely, waits
// for an administrator or is blocked: nothing weaker than the policy says ever
// happens. Policies that would come to this are refused when they are applied.
func attainable(v *policy.Verdict, t *tenant.Tenant) {
	for i := range v.Recipients {
		r := &v.Recipients[i]
		done := map[string]bool{}
		for _, h := range r.Handoff { // the strictest first
			field, ok := HandoffField(t, h)
			name := strings.ToLower(field.Name)
			switch {
			case !ok:
				instead(r, policy.HoldFor, fmt.Sprintf("the tenant has no header field for the hand-off %q", h))
			case !done[name]:
				done[name] = true
				r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(o policy.Header) bool { return strings.EqualFold(o.Name, name) })
				r.Headers = append(r.Headers, field)
			}
		}
		switch {
		case r.Action == policy.Secure && r.Otherwise == policy.Block:
			instead(r, policy.Block, "it cannot be sent securely")
		case r.Action == policy.Secure:
			instead(r, policy.HoldFor, "it cannot be sent securely")
		}
	}
}

// instead does something stricter than was decided.
func instead(r *policy.RecipientVerdict, a policy.Action, why string) {
	waits := r.Hold != nil && r.Hold.Delay
	if r.Action.Strength() >= a.Strength() && !waits {
		return
	}
	r.Action, r.Redirect, r.Hold, r.Notify = a, nil, nil, false
	r.Because = strings.TrimPrefix(r.Because+"; "+why, "; ")
	if a == policy.HoldFor {
		r.Hold = &policy.Hold{Rule: first(r.Rules), For: 48 * time.Hour, Then: policy.EndRefuse}
	}
	if r.AtMost.Strength() < a.Strength() {
		r.AtMost = a
	}
}
