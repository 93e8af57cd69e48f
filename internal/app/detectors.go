package app

import (
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// pickDetectors settles which built-in detectors run for each tenant: those
// that it chose, and whatever its rules ask for, so that no rule can count on
// something that nobody looks for.
func pickDetectors(set *policy.Set, tenants []*tenant.Tenant) {
	for _, t := range tenants {
		asked, all := set.Asked(t.ID)
		if len(t.Looking.Detectors) == 0 || all {
			continue
		}
		c := look.Choose(t.Looking.Detectors, asked)
		t.Detectors, t.Sought = c.IDs, c.Names
	}
}
