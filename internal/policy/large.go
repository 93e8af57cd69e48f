package policy

// large reports whether the facts hold a list or a text that is longer than
// usual: then the cost of a condition is counted while it runs.
func (m *moment) large() bool {
	if m.size == 0 {
		m.size = 1
		if m.facts.large() {
			m.size = 2
		}
	}
	return m.size == 2
}

func (f *Facts) large() bool {
	if max(len(f.Recipients), len(f.From), len(f.Attachments), len(f.Labels), len(f.Unseen), len(f.Findings)) > usualList ||
		max(len(f.Subject), len(f.Tenant), len(f.Kind), len(f.TLS.Name)) > usualText {
		return true
	}
	for _, values := range f.Headers {
		if len(values) > usualList {
			return true
		}
		for _, v := range values {
			if len(v) > usualText {
				return true
			}
		}
	}
	return f.largeParts() || f.largePeople()
}

func (f *Facts) largeParts() bool {
	for _, a := range f.Attachments {
		if max(len(a.Name), len(a.Type), len(a.Extension), len(a.Part), len(a.Parent)) > usualText {
			return true
		}
	}
	for _, l := range f.Labels {
		if max(len(l.Name), len(l.ID), len(l.Site), len(l.Scheme), len(l.Part)) > usualText {
			return true
		}
	}
	for _, u := range f.Unseen {
		if max(len(u.Name), len(u.Part)) > usualText {
			return true
		}
	}
	for _, x := range f.Findings {
		if max(len(x.Name), len(x.Part)) > usualText {
			return true
		}
	}
	return false
}

func (f *Facts) largePeople() bool {
	large := func(p Party) bool {
		return len(p.Groups) > usualList || max(len(p.Address), len(p.Expanded)) > usualText ||
			p.Who != nil && len(p.Who.Department) > usualText || p.Members != nil && len(p.Members.Domains) > usualList
	}
	for _, list := range [][]Party{f.Recipients, f.From, {f.Sender, f.Mailbox, f.User}} {
		for _, p := range list {
			if large(p) {
				return true
			}
		}
	}
	return false
}
