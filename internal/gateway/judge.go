package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/tenant"
)

// subject is a message about which a verdict is wanted, and all that is
// known of it before anybody looks inside.
type subject struct {
	trace    string
	tenant   *tenant.Tenant
	kind     tenant.Kind
	dir      mail.Direction
	monitor  bool
	ooo      bool
	envelope mail.Envelope
	header   *mail.Header
	body     mail.Body
	peer     mail.TLS
	secured  bool
	passes   int
	deferred spool.Deferral
	notes    []mail.Unseen // what was odd before anybody looked
	who      *directory.Directory
	past     *contact.History
	except   *exception.Set // nil for none
}

// judgment is what looking and deciding came to.
type judgment struct {
	report  detect.Report
	facts   policy.Facts
	verdict policy.Verdict
	class   dsn.Class
	message *mail.Message
	// contacts are the pairs that its delivery makes; writer is who wrote it,
	// "" when no person did.
	contacts []contact.Pair
	writer   mail.Address
	// blinded says that the record shows no names of files (blind.go).
	blinded bool
}

// judge looks and decides. It never fails: what it could not see is in the
// facts, and the tenant's gates say what follows.
func (g *Gateway) judge(ctx context.Context, s subject, mark func(step string)) judgment {
	j := judgment{message: mail.ParseUnder(s.header, g.Limits), class: dsn.Classify(s.envelope.From, s.header)}
	mark("indexed")
	if s.who == nil {
		s.who = g.Directories.Of(s.tenant.ID)
	}
	s.past = g.history(s)
	s.except = g.Exceptions.Of(s.tenant.ID)
	budget := g.Judge
	if until, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(until))
	}
	j.report = g.Look.Look(ctx, j.message, look.Options{
		Budget: budget, Trace: s.trace, Key: catalogueKey{s.tenant, s.tenant.Policies, s.except},
		Catalogue: func() detect.Catalogue { return catalogueFor(s.tenant, s.except) },
	})
	for i, l := range j.report.Labels {
		if name := s.tenant.Looking.Labels[l.ID]; name != "" {
			j.report.Labels[i].Name = name
		}
	}
	j.report.Unseen = append(j.report.Unseen, s.notes...)
	if len(s.header.Addresses("From")) >= mail.MaxAddresses {
		j.report.Unseen = append(j.report.Unseen, mail.Unseen{
			Reason: mail.TooLarge, Detail: "From names more authors than are looked at",
		})
	}
	mark("looked")
	j.facts = factsOf(s, j, time.Now())
	j.facts.Auth = g.authenticate(ctx, s)
	j.verdict = policy.Decide(s.tenant.Policies, j.facts, s.tenant.Gates)
	attainable(&j.verdict, s.tenant)
	if j.contacts = s.correspondence(j.class); j.contacts != nil {
		j.writer, _ = s.writer()
	}
	if !s.monitor || watchedOnly(s.kind) {
		j.blind(watchedOnly(s.kind))
	}
	mark("decided")
	return j
}

// catalogueKey stands for what catalogueFor says: a snapshot of the tenants
// never changes.
type catalogueKey struct {
	tenant   *tenant.Tenant
	policies *policy.Set
	except   *exception.Set
}

// catalogueFor is what the look into a tenant's mail is told.
func catalogueFor(t *tenant.Tenant, except *exception.Set) detect.Catalogue {
	c := catalogueOf(t.Policies)
	c.Detectors = t.Detectors
	c.Regions, c.Passwords, c.BodyPasswords = t.Looking.Regions, t.Looking.Passwords, t.Looking.BodyPasswords
	c.Exceptions = except.Values()
	return c
}

// catalogueOf is what a tenant's policies add to the built-in detectors.
func catalogueOf(set *policy.Set) detect.Catalogue {
	var c detect.Catalogue
	for _, d := range set.Dictionaries() {
		c.Dictionaries = append(c.Dictionaries, detect.Dictionary{
			ID: d.ID, Terms: d.Terms, Parts: d.Inside, Exact: d.CaseSensitive, Confidence: level(d.Confidence),
		})
	}
	named, _ := set.Asked("")
	for _, t := range profile.Lists() { // only where somebody asks: each costs a pass over all text
		if slices.Contains(named, strings.ToLower(t.Type)) {
			c.Terms = append(c.Terms, t.ID)
		}
	}
	for _, d := range set.Detectors() {
		if d.Header != "" {
			c.Headers = append(c.Headers, detect.HeaderRule{
				ID: d.ID, Name: d.Header, Pattern: d.Pattern, Confidence: level(d.Confidence),
			})
			continue
		}
		if d.Text != "" {
			c.Patterns = append(c.Patterns, detect.PatternRule{
				ID: d.ID, Pattern: d.Text, Near: d.Near, Window: d.Window, Check: strings.ToUpper(d.Check), Confidence: level(d.Confidence),
			})
			continue
		}
		if d.Table != "" {
			c.Tables = append(c.Tables, detect.TableRule{
				ID: d.ID, File: d.Table, Content: d.Content, Fields: d.Fields, Window: d.Window,
			})
			continue
		}
		if d.Print != "" {
			c.Prints = append(c.Prints, detect.PrintRule{
				ID: d.ID, File: d.Print, Content: d.Content, Threshold: d.Threshold, Confidence: level(d.Confidence),
			})
			continue
		}
		if d.Property != "" {
			c.Properties = append(c.Properties, detect.PropertyRule{
				ID: d.ID, Name: d.Property, Pattern: d.Pattern, Confidence: level(d.Confidence),
			})
			continue
		}
		c.Attachments = append(c.Attachments, detect.AttachmentRule{
			ID: d.ID, Names: d.FileName, Types: d.FileType, MinSize: d.Larger, Confidence: level(d.Confidence),
		})
	}
	return c
}

// level is a policy's word for a confidence; 0, which means high, for none.
func level(word string) (c detect.Confidence) {
	if c.UnmarshalText([]byte(word)) != nil {
		return 0
	}
	return c
}
