package policy

import "slices"

// Excepted are values that somebody has called not sensitive. They stand in
// Findings too, and are not counted where one of the exceptions applies.
type Excepted struct {
	Type       string `json:"type"`
	Detector   string `json:"detector"`
	Part       string `json:"part"`
	Confidence string `json:"confidence"`
	// Count is how many of Finding.Count these are, Here how many of
	// Finding.Here.
	Count int `json:"count"`
	Here  int `json:"here"`
	// By are the exceptions of these values; one that applies is enough.
	By []Exception `json:"by"`
}

// Exception is what deciding knows of an exception. That it belongs to the
// tenant and the sender, and has not ended, was found out before.
type Exception struct {
	ID string `json:"id"`
	// Rule is the only rule that it is for, Domain the only domain of
	// recipients; empty is any.
	Rule   string `json:"rule,omitempty"`
	Domain string `json:"domain,omitempty"`
}

// applies reports whether the values do not count for a rule and a recipient.
func (e Excepted) applies(r *Rule, to Party) bool {
	return slices.ContainsFunc(e.By, func(x Exception) bool {
		return (x.Rule == "" || x.Rule == r.ID) && (x.Domain == "" || domainForm(x.Domain) == domainForm(to.Address.Domain()))
	})
}

// at is the moment in which a rule is evaluated for a recipient: the values
// that are excepted there are missing from it.
func (d *decision) at(r *Rule, to Party) *moment {
	if len(d.facts.Excepted) == 0 {
		return d.moment
	}
	mask, some := make([]byte, len(d.facts.Excepted)), false
	for i, e := range d.facts.Excepted {
		if e.applies(r, to) {
			mask[i], some = 1, true
		}
	}
	if !some {
		return d.moment
	}
	m := d.excepting[string(mask)]
	if m == nil {
		f := *d.facts
		f.Findings = f.without(mask)
		m = d.set.moment(&f)
		if d.excepting == nil {
			d.excepting = map[string]*moment{}
		}
		d.excepting[string(mask)] = m
	}
	if m.recipient = m.person(typeRecipient, to); m.unknown["recipients"] {
		m.recipient = unknownValue("recipient")
	}
	return m
}

// without are the findings less the excepted values with a mark. A value that
// cannot be found among them stays counted: nothing wider is excepted.
func (f *Facts) without(mask []byte) []Finding {
	list, emptied := slices.Clone(f.Findings), false
	for i, e := range f.Excepted {
		if mask[i] == 0 {
			continue
		}
		for k := range list {
			x := &list[k]
			if x.Type == e.Type && x.Detector == e.Detector && x.Part == e.Part && x.Confidence == e.Confidence {
				n, here := min(x.Count, e.Count), min(x.Here, e.Here)
				x.Count, x.Here = x.Count-n, x.Here-here
				e.Count, e.Here = e.Count-n, e.Here-here
				emptied = emptied || n+here > 0 && x.Count+x.Here == 0
			}
		}
	}
	if !emptied {
		return list
	}
	return slices.DeleteFunc(list, func(x Finding) bool { return x.Count+x.Here == 0 })
}
