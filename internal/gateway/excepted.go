package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// findingsOf makes facts of a report, and counts apart what the tenant's
// exceptions are about. Never more is excepted than was found: where two
// texts hold the same value, it is taken from one of them.
func findingsOf(f *policy.Facts, s subject, r detect.Report, now time.Time) {
	documents := map[string][]policy.Exception{}
	if s.except != nil {
		for _, p := range r.Parts {
			if list := s.except.Documents(p.SHA256, s.envelope.From, now); len(list) > 0 {
				documents[p.Part] = narrowed(list)
			}
		}
	}
	within := func(part string) []policy.Exception {
		for outer, list := range documents {
			if rest, ok := strings.CutPrefix(part, outer); ok && (rest == "" || rest[0] == '.') {
				return list
			}
		}
		return nil
	}
	if len(documents) > 0 { // a value that also stands elsewhere counts there
		r.Findings = slices.Clone(r.Findings)
		slices.SortStableFunc(r.Findings, func(a, b detect.Finding) int {
			return min(len(within(a.Part)), 1) - min(len(within(b.Part)), 1)
		})
	}
	fromReport(f, r)
	f.Excepted = []policy.Excepted{}
	if s.except == nil {
		return
	}
	left, body := map[string]int{}, map[string]int{}
	for _, t := range r.Totals {
		for _, e := range t.Excepted {
			left[exceptKey(t.Type, e.Confidence, e.By)] += e.Count
		}
		for _, e := range t.BodyExcepted {
			body[exceptKey(t.Type, e.Confidence, e.By)] += e.Count
		}
	}
	files := attachments(r.Parts)
	for i, x := range r.Findings {
		in := f.Findings[i]
		add := func(count, here int, by []policy.Exception) {
			if len(by) > 0 && count+here > 0 {
				f.Excepted = append(f.Excepted, policy.Excepted{
					Type: in.Type, Detector: in.Detector, Part: in.Part, Confidence: in.Confidence, Count: count, Here: here, By: by,
				})
			}
		}
		for _, e := range x.Excepted {
			key := exceptKey(x.Type, x.Confidence, e.By)
			count, here := min(e.Count, left[key], in.Count), min(e.Count, in.Here)
			left[key] -= count
			if x.Kind == detect.Body && x.Part != "" && outermost(files, x.Part) == "" {
				here = min(here, body[key])
				body[key] -= here
			}
			add(count, here, applying(s, e.By, now))
		}
		add(in.Count, in.Here, within(x.Part))
	}
}

func exceptKey(kind string, c detect.Confidence, by []string) string {
	return kind + " " + c.String() + " " + strings.Join(by, " ")
}

// applying are the exceptions among some that hold for the sender today.
func applying(s subject, ids []string, now time.Time) []policy.Exception {
	var list []exception.Exception
	for _, id := range ids {
		if e, ok := s.except.Find(id, s.envelope.From, now); ok {
			list = append(list, e)
		}
	}
	return narrowed(list)
}

func narrowed(list []exception.Exception) (out []policy.Exception) {
	for _, e := range list {
		out = append(out, policy.Exception{ID: e.ID, Rule: e.Rule, Domain: e.Domain})
	}
	return out
}

// Candidate is something found in a message that a person may call not
// sensitive. It holds no value: a hash, and what a record shows anyway.
type Candidate struct {
	Number     int    `json:"number"`
	Type       string `json:"type,omitempty"`
	Detector   string `json:"detector,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Part       string `json:"part"`
	Name       string `json:"name,omitempty"`
	Place      string `json:"place,omitempty"`
	Sample     string `json:"sample"`
	Hash       string `json:"hash"`
}

// Candidates looks at a message for a person who wants to choose. The look
// goes on as ever, in the process that may die: only hashes come out of it.
func Candidates(ctx context.Context, l Looker, t *tenant.Tenant, keys [][]byte, b mail.Body) []Candidate {
	c := catalogueFor(t, nil)
	c.Exceptions = detect.Exceptions{Keys: keys, Show: true}
	r := l.Look(ctx, mail.Parse(b, mail.Limits{}), look.Options{Catalogue: func() detect.Catalogue { return c }})
	list := []Candidate{}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		for _, v := range f.Values {
			if key := f.Type + v.Hash; !seen[key] {
				seen[key] = true
				list = append(list, Candidate{
					Type: f.Type, Detector: f.Detector, Confidence: f.Confidence.String(), Part: f.Part, Name: f.Name, Place: v.Place,
					Sample: v.Sample, Hash: v.Hash,
				})
			}
		}
	}
	for _, p := range r.Parts {
		found := slices.ContainsFunc(r.Findings, func(f detect.Finding) bool { return f.Part == p.Part || strings.HasPrefix(f.Part, p.Part+".") })
		if p.Attachment && p.SHA256 != "" && found {
			list = append(list, Candidate{
				Part: p.Part, Name: p.Name, Sample: p.Name, Hash: detect.HashOf(keys[0], exception.Document, strings.ToLower(p.SHA256)),
			})
		}
	}
	for i := range list {
		list[i].Number = i + 1
	}
	return list
}

// HeldCandidates are those of a message in custody.
func (g *Gateway) HeldCandidates(ctx context.Context, id string) (list []Candidate, owner string, err error) {
	row, body, err := g.inCustody(ctx, id)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	t, err := g.tenantOf(row.Tenant)
	if err != nil {
		return nil, "", err
	}
	return Candidates(ctx, g.Look, t, g.Exceptions.Keys(t.ID), body), t.ID, nil
}
