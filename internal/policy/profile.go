package policy

import "slices"

// Profile is a name that stands for several types of findings: a condition
// counts findings.<id> as it counts those of a detector.
type Profile struct {
	// ID is its name.
	ID string `json:"id"`
	// Needs are lists of types. The findings of the first list count; of each
	// other list, something must have been found in the same part.
	Needs [][]string `json:"needs"`
}

// count adds what the profile finds in a scope.
func (p Profile) count(found map[string]counts, f *Facts, s scope) {
	if len(p.Needs) == 0 {
		return
	}
	name := celName(p.ID)
	for _, one := range f.Findings {
		if !s.holds(one.Part, f.Attachments) || !slices.Contains(p.Needs[0], typeName(one.Type)) || !p.met(f.Findings, one.Part) {
			continue
		}
		n := one.Count
		if !s.all {
			n = one.Here
		}
		c := found[name]
		c.add(n, one.Confidence)
		found[name] = c
	}
}

// looked notes that the profile is known, when for every list that it needs
// all types were looked for.
func (p Profile) looked(looked map[string]bool) {
	if looked == nil {
		return
	}
	for _, list := range p.Needs {
		if slices.ContainsFunc(list, func(t string) bool { return !looked[celName(t)] }) {
			return
		}
	}
	looked[celName(p.ID)] = true
}

// strange reports whether nobody can know what the profile would have found:
// a type that counts was not looked for then, or one that must be met was
// not, and a part would need it.
func (p Profile) strange(m *moment) bool {
	unknown := func(list []string) bool {
		return slices.ContainsFunc(list, func(t string) bool { return m.strange[celName(t)] })
	}
	if unknown(p.Needs[0]) {
		return true
	}
	for _, list := range p.Needs[1:] {
		if !unknown(list) {
			continue
		}
		one := Profile{Needs: [][]string{p.Needs[0], list}}
		if slices.ContainsFunc(m.facts.Findings, func(f Finding) bool {
			return slices.Contains(p.Needs[0], typeName(f.Type)) && !one.met(m.facts.Findings, f.Part)
		}) {
			return true
		}
	}
	return false
}

// met reports whether a part holds something of every list but the first.
func (p Profile) met(findings []Finding, part string) bool {
	for _, list := range p.Needs[1:] {
		if !slices.ContainsFunc(findings, func(f Finding) bool {
			return f.Part == part && slices.Contains(list, typeName(f.Type))
		}) {
			return false
		}
	}
	return true
}

// used are the profiles that a rule names, in the order of their ids.
func (s *Set) used(all []Profile) []Profile {
	names, _ := s.Asked("")
	var list []Profile
	for _, p := range all {
		if slices.Contains(names, celName(p.ID)) {
			list = append(list, p)
		}
	}
	return list
}

// Profiles lists the profiles that rules of the set name.
func (s *Set) Profiles() []Profile {
	if s == nil {
		return nil
	}
	return slices.Clone(s.profiles)
}

// Asked lists the types and detectors whose findings the rules of a tenant
// that are not off ask for, and those of their profiles, in lower case with
// underscores; the tenant "" stands for every one. all is set when a rule goes
// through whatever was found.
func (s *Set) Asked(tenant string) (names []string, all bool) {
	if s == nil {
		return nil, false
	}
	for _, r := range s.every() {
		if r.Mode == ModeOff || tenant != "" && len(r.Tenants) > 0 && !slices.Contains(r.Tenants, tenant) {
			continue
		}
		for _, c := range r.conditions() {
			names = append(names, c.Asks...)
			all = all || c.AsksAll
		}
	}
	for _, p := range s.profiles {
		if !slices.Contains(names, celName(p.ID)) {
			continue
		}
		for _, list := range p.Needs {
			for _, t := range list {
				names = append(names, celName(t))
			}
		}
	}
	return sortedUnique(names), all
}
