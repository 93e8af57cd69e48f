package gateway

import (
	"context"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// Inspection is what would be found in a message and done with it.
type Inspection struct {
	Message *mail.Message
	Report  detect.Report
	Facts   policy.Facts
	Verdict policy.Verdict
}

// Inspect looks at a message and decides, exactly as Accept does, without
// keeping or sending anything. It serves the command line, the tests of
// policies, and stories. who may be nil.
func Inspect(
	ctx context.Context, l Looker, t *tenant.Tenant, who *directory.Directory, dir mail.Direction, e mail.Envelope, b mail.Body,
) Inspection {
	g := New(Config{Look: l})
	kind := tenant.InlineOut
	if dir == mail.In {
		kind = tenant.InlineIn
	}
	s := subject{tenant: t, who: who, kind: kind, dir: dir, envelope: e, header: mail.ParseHeader(b), body: b}
	j := g.judge(ctx, s, func(string) {})
	return Inspection{Message: j.message, Report: j.report, Facts: j.facts, Verdict: j.verdict}
}

// CatalogueOf is what a set adds to the built-in detectors; app checks it
// before the set comes into force.
func CatalogueOf(set *policy.Set) detect.Catalogue { return catalogueOf(set) }
