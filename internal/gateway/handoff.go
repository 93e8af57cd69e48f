package gateway

import (
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// HandoffField is the header field by which a tenant's rules in Exchange are
// told what to do with a message; ok is false when the tenant's preset has
// none for it. The spam confidence level itself cannot be handed over: Exchange
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
	return field, field.Name != "" && field.Value != ""
}
