package gateway

import (
	"crypto/tls"
	"maps"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// factsOf puts together everything that a rule may look at.
func factsOf(s subject, j judgment, now time.Time) policy.Facts {
	f := policy.Facts{
		Schema: policy.Schema, Tenant: s.tenant.ID, Direction: directionOf(s), Kind: string(s.kind),
		Monitor: s.monitor, Subject: scrub(s.header.Text("Subject"), s.tenant.Secrets()),
		Size: s.body.Size(), Headers: map[string][]string{}, Automatic: j.class.Automatic,
		NullSender: s.envelope.From.Null(), Calendar: j.class.Calendar || hasCalendar(j.message), OOO: s.ooo || j.class.OOO,
		Unseen: j.report.Unseen, Inspected: j.report.Inspected(), Passes: s.passes, Now: now,
		Deferrals: s.deferred.Count, From: []policy.Party{}, Recipients: []policy.Party{},
		Findings: []policy.Finding{}, Labels: []policy.Label{}, Attachments: []policy.Attachment{},
		Report: j.class.Report, Recall: j.class.Recall, Bulk: j.class.Bulk, Forwarded: j.class.Forwarded,
		Redirected: j.class.Redirected, PerPart: true,
	}
	if f.Unseen == nil {
		f.Unseen = []mail.Unseen{}
	}
	if !s.deferred.First.IsZero() {
		f.Deferring = now.Sub(s.deferred.First)
	}
	people(&f, s, now)
	keepHeaders(&f, s)
	f.Own, f.Looked = s.tenant.Policies.Own(), lookedWith(s.tenant)
	if s.tenant.Detectors != nil {
		f.Detectors = slices.AppendSeq(slices.Clone(s.tenant.Sought), maps.Keys(f.Own))
		slices.Sort(f.Detectors)
	}
	if s.secured {
		f.TLS = policy.TLS{Used: true, Version: tls.VersionName(s.peer.Version), Verified: s.peer.Verified}
		if len(s.peer.Names) > 0 {
			f.TLS.Name = s.peer.Names[0]
		}
	}
	findingsOf(&f, s, j.report, now)
	return f
}

// people fills in authors and recipients.
func people(f *policy.Facts, s subject, now time.Time) {
	k := newKnown(s, f, now)
	f.Sender = k.party(s, s.envelope.From)
	for _, a := range s.header.Addresses("From") {
		f.From = append(f.From, k.party(s, a))
	}
	if len(f.From) > 0 {
		f.Mailbox = f.From[0]
	}
	f.User = f.Mailbox
	if by := s.header.Addresses("Sender"); len(by) > 0 {
		f.User = k.party(s, by[0])
	}
	r := roles{named: map[string]policy.Role{}}
	domains := map[string]bool{}
	see := func(role policy.Role, count *int) {
		for _, a := range s.header.Addresses(string(role)) {
			if !r.name(k, a, role) {
				continue
			}
			*count++
			if !s.inside(a) {
				f.Visible.Outside++
				domains[a.Domain()] = true
			}
		}
	}
	see(policy.To, &f.Visible.To)
	see(policy.Cc, &f.Visible.Cc)
	f.Visible.Domains = len(domains)
	who, inside := s.writer()
	for _, to := range s.envelope.To {
		p := k.party(s, to.Address)
		r.of(k, &p)
		p.Contact = s.contactWith(who, inside, to.Address)
		f.Recipients = append(f.Recipients, p)
	}
}

func fromReport(f *policy.Facts, r detect.Report) {
	left, body := distinct(r.Totals)
	files := attachments(r.Parts)
	for _, x := range r.Findings {
		key := x.Type + " " + x.Confidence.String()
		n := min(x.Count, left[key])
		left[key] -= n
		here := x.Count
		if x.Kind == detect.Body && x.Part != "" && outermost(files, x.Part) == "" {
			here = min(x.Count, body[key])
			body[key] -= here
		}
		f.Findings = append(f.Findings, policy.Finding{
			Type: x.Type, Detector: x.Detector, Part: x.Part, Name: x.Name, Count: n,
			Confidence: x.Confidence.String(), Here: here,
		})
	}
	for _, l := range r.Labels {
		f.Labels = append(f.Labels, policy.Label{Scheme: l.Scheme, ID: l.ID, Site: l.SiteID, Name: l.Name, Part: l.Part})
	}
	encrypted := map[string]bool{}
	for _, u := range r.Unseen {
		if u.Reason == mail.Encrypted {
			encrypted[u.Part] = true
		}
	}
	for _, p := range r.Parts {
		if p.Attachment {
			f.Attachments = append(f.Attachments, policy.Attachment{
				Name: p.Name, Type: p.Type, Size: p.Size, Encrypted: encrypted[p.Part],
				Part: p.Part, Parent: parent(files, p.Part), Macro: macro(r, p.Part),
			})
		}
	}
}

// distinct are the numbers of different values by type and confidence, in
// the message and in its texts alone: the same number in text and HTML of one
// mail is one number, so the findings of the parts must not be added up.
func distinct(totals []detect.Total) (left, body map[string]int) {
	left, body = map[string]int{}, map[string]int{}
	for _, t := range totals {
		left[t.Type+" "+detect.High.String()] = t.High
		left[t.Type+" "+detect.Medium.String()] = t.Medium
		left[t.Type+" "+detect.Low.String()] = t.Low
		body[t.Type+" "+detect.High.String()] = t.BodyHigh
		body[t.Type+" "+detect.Medium.String()] = t.BodyMedium
		body[t.Type+" "+detect.Low.String()] = t.BodyLow
	}
	return left, body
}

// macro says whether a file, or a file in it, holds macros; nil when not all
// of it was read.
func macro(r detect.Report, part string) *bool {
	in := func(path string) bool { return path == part || strings.HasPrefix(path, part+".") }
	holds := slices.ContainsFunc(r.Parts, func(p detect.PartInfo) bool { return p.Macros && in(p.Part) })
	if !holds && slices.ContainsFunc(r.Unseen, func(u mail.Unseen) bool { return u.Part == "" || in(u.Part) }) {
		return nil
	}
	return &holds
}

// attachments are the paths of the files.
func attachments(parts []detect.PartInfo) map[string]bool {
	files := map[string]bool{}
	for _, p := range parts {
		if p.Attachment {
			files[p.Part] = true
		}
	}
	return files
}

// parent is the path of the file in which a part lies; "" when there is none.
func parent(files map[string]bool, part string) string {
	for i := strings.LastIndexByte(part, '.'); i > 0; i = strings.LastIndexByte(part[:i], '.') {
		if files[part[:i]] {
			return part[:i]
		}
	}
	return ""
}

// outermost is the path of the file that a part is or lies in.
func outermost(files map[string]bool, part string) string {
	if files[part] {
		return part
	}
	return parent(files, part)
}

// directionOf says the direction in the words of policies: internal is mail
// of the tenant to itself. Outgoing mail to a contact whose mail goes elsewhere
// is outbound, although its address is the tenant's.
func directionOf(s subject) policy.Direction {
	inside := s.tenant.Owns(s.envelope.From)
	for _, a := range s.header.Addresses("From") {
		inside = inside || s.envelope.From.Null() && s.tenant.Owns(a)
	}
	for _, r := range s.envelope.To {
		if !s.tenant.Owns(r.Address) || s.dir == mail.Out && !s.inside(r.Address) {
			return policy.Outbound
		}
	}
	if inside && s.dir == mail.Out {
		return policy.Internal
	}
	return policy.Inbound
}

func hasCalendar(m *mail.Message) bool {
	for _, p := range m.Parts() {
		if p.Type == "text/calendar" {
			return true
		}
	}
	return false
}
