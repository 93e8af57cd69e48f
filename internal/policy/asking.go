package policy

import "slices"

// Asking is a document that asks who belongs to a group.
type Asking struct {
	// ID is the policy's or the defaults', Place is "file:line".
	ID, Place string
	Group     string
	// Tenants are those that the document is for; none: all.
	Tenants []string
}

// For reports whether the document is for a tenant.
func (a Asking) For(tenant string) bool {
	return len(a.Tenants) == 0 || slices.Contains(a.Tenants, tenant)
}

// Asking lists which documents ask for which groups: where a directory does
// not know a group, nobody can know whether such a policy matches.
func (s *Set) Asking() (all []Asking) {
	if s == nil {
		return nil
	}
	for _, d := range s.defaults {
		if d.Group != "" {
			all = append(all, Asking{d.ID, d.Place, d.Group, d.Tenants})
		}
	}
	for _, r := range s.rules {
		var groups []string
		for _, c := range r.conditions() {
			groups = append(groups, s.groupsOf(c)...)
		}
		for _, g := range sortedUnique(groups) {
			all = append(all, Asking{r.ID, r.Place, g, r.Tenants})
		}
	}
	return all
}

// groupsOf are the groups that a condition asks for, itself and by its lists.
func (s *Set) groupsOf(c *condition) []string {
	groups := slices.Clone(c.Groups)
	for _, name := range c.Lists {
		if list := s.lists[name]; list != nil {
			groups = append(groups, list.groups...)
		}
	}
	return groups
}
