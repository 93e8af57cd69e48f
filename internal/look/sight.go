package look

import (
	"errors"
	"slices"
	"sort"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// record is one result on its way from the worker. Exactly one field is set.
type record struct {
	// Text replaces what was found in the same text before.
	Text *textFound
	// Totals replace the former ones.
	Totals []detect.Total
	// Rules are findings of header and attachment rules.
	Rules  []detect.Finding
	Labels []detect.Label
	Part   *detect.PartInfo
	Unseen *mail.Unseen
	// Picture is a piece of a picture inside a file.
	Picture *picture
}

// textFound are the findings in one text.
type textFound struct {
	Part     string
	Kind     detect.Kind
	Findings []detect.Finding
}

// sight collects the records of one attempt to look at a message.
type sight struct {
	texts  map[place][]detect.Finding
	order  []place
	totals []detect.Total
	rules  []detect.Finding
	labels []detect.Label
	parts  []detect.PartInfo
	missed []mail.Unseen

	pictures []picture
	pictured int // octets of them
}

type place struct {
	part string
	kind detect.Kind
}

func newSight() *sight { return &sight{texts: map[place][]detect.Finding{}} }

// errNonsense says that a record cannot be true.
var errNonsense = errors.New("look: a record is nonsense")

// Bounds of what one message can make us remember.
const (
	maxParts    = 200_000
	maxFindings = 10_000
	maxSample   = 512
)

// take adds a record, unless it cannot be true.
func (s *sight) take(r record) error {
	switch {
	case r.Text != nil:
		p := place{r.Text.Part, r.Text.Kind}
		if !credible(r.Text.Findings) || len(s.texts) > maxParts {
			return errNonsense
		}
		if _, known := s.texts[p]; !known {
			s.order = append(s.order, p)
		}
		s.texts[p] = r.Text.Findings
	case r.Part != nil:
		if len(s.parts) > maxParts || r.Part.Size < 0 || r.Part.TextBytes < 0 {
			return errNonsense
		}
		s.parts = append(s.parts, *r.Part)
	case r.Unseen != nil:
		if !known(r.Unseen.Reason) || len(s.missed) > maxParts {
			return errNonsense
		}
		s.unseen(*r.Unseen)
	case r.Rules != nil:
		if !credible(r.Rules) || len(s.rules) > maxFindings {
			return errNonsense
		}
		s.rules = append(s.rules, r.Rules...)
	case r.Picture != nil:
		return s.picture(*r.Picture)
	case r.Labels != nil:
		s.labels = append(s.labels, r.Labels...)
	default:
		s.totals = r.Totals
	}
	return nil
}

func credible(list []detect.Finding) bool {
	if len(list) > maxFindings {
		return false
	}
	for _, f := range list {
		if f.Type == "" || f.Detector == "" || f.Count <= 0 || f.Offset < 0 ||
			len(f.Sample) > maxSample || !plausible(f) || f.Confidence.String() == "none" {
			return false
		}
	}
	return true
}

// plausible reports whether what a finding says of exceptions can be true: no
// more values are excepted than were found.
func plausible(f detect.Finding) bool {
	n := 0
	for _, e := range f.Excepted {
		if e.Count <= 0 || len(e.By) == 0 {
			return false
		}
		n += e.Count
	}
	for _, v := range f.Values {
		if len(v.Sample) > maxSample || len(v.Hash) > maxSample || len(v.Place) > maxSample {
			return false
		}
	}
	return n <= f.Count
}

func known(c mail.Cause) bool {
	for _, k := range mail.Causes() {
		if k == c {
			return true
		}
	}
	return false
}

// unseen notes a cause once for each part and detail.
func (s *sight) unseen(u mail.Unseen) {
	for _, m := range s.missed {
		if m.Part == u.Part && m.Reason == u.Reason && m.Detail == u.Detail {
			return
		}
	}
	s.missed = append(s.missed, u)
}

// add takes over from an earlier attempt what this one did not come to.
func (s *sight) add(earlier *sight) {
	if earlier == nil {
		return
	}
	for _, p := range earlier.order {
		if _, known := s.texts[p]; !known {
			s.order = append(s.order, p)
			s.texts[p] = earlier.texts[p]
		}
	}
	have := map[string]bool{}
	for _, p := range s.parts {
		have[p.Part] = true
	}
	for _, p := range earlier.parts {
		if !have[p.Part] {
			s.parts = append(s.parts, p)
		}
	}
	if len(s.labels) == 0 {
		s.labels = earlier.labels
	}
	if len(s.rules) < len(earlier.rules) {
		s.rules = earlier.rules
	}
	for _, u := range earlier.missed {
		s.unseen(u)
	}
	s.totals = most(s.totals, earlier.totals)
}

// most is the larger count of each type.
func most(a, b []detect.Total) []detect.Total {
	all := map[string]detect.Total{}
	for _, t := range append(append([]detect.Total(nil), a...), b...) {
		old := all[t.Type]
		all[t.Type] = detect.Total{
			Type: t.Type, High: max(t.High, old.High), Medium: max(t.Medium, old.Medium), Low: max(t.Low, old.Low),
			BodyHigh: max(t.BodyHigh, old.BodyHigh), BodyMedium: max(t.BodyMedium, old.BodyMedium), BodyLow: max(t.BodyLow, old.BodyLow),
		}
	}
	var list []detect.Total
	for _, t := range all {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Type < list[j].Type })
	return list
}

// report puts everything together, in the order of the message.
func (s *sight) report() detect.Report {
	slices.SortStableFunc(s.parts, func(a, b detect.PartInfo) int { return byPath(a.Part, b.Part) })
	r := detect.Report{
		Findings: []detect.Finding{}, Totals: s.totals, Labels: s.labels, Parts: s.parts, Unseen: s.missed,
	}
	for _, p := range s.order {
		r.Findings = append(r.Findings, s.texts[p]...)
	}
	r.Findings = append(r.Findings, s.rules...)
	for _, f := range s.rules { // a rule speaks of headers and files, not of values
		r.Totals = counted(r.Totals, f)
	}
	return r
}

// counted adds what a rule found, with its confidence.
func counted(totals []detect.Total, f detect.Finding) []detect.Total {
	i := slices.IndexFunc(totals, func(t detect.Total) bool { return t.Type == f.Type })
	if i < 0 {
		i, totals = len(totals), append(totals, detect.Total{Type: f.Type})
	}
	switch f.Confidence {
	case detect.Low:
		totals[i].Low += f.Count
	case detect.Medium:
		totals[i].Medium += f.Count
	default:
		totals[i].High += f.Count
	}
	return totals
}
