package gateway

import (
	"context"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/tenant"
)

// Inspection is what would be found in a message and done with it.
type Inspection struct {
	Message *mail.Message
	Report  detect.Report
	Facts   policy.Facts
	Verdict policy.Verdict
	// Auth is what is known of the sender, whether or not a policy asks;
	// Verified is what was verified here.
	Auth     policy.Auth
	Verified senderauth.Verdict
}

// Inspect looks at a message and decides, exactly as Accept does, without
// keeping or sending anything. It serves the command line, the tests of
// policies, and stories. who may be nil.
func Inspect(
	ctx context.Context, l Looker, t *tenant.Tenant, who *directory.Directory, dir mail.Direction, e mail.Envelope, b mail.Body,
) Inspection {
	i, _ := inspect(ctx, Config{Look: l}, t, who, dir, e, b)
	return i
}

// InspectSender is Inspect that also says all that can be known of the
// sender. keys answers for the DNS; nil is asked nothing, and what a key is
// needed for is temperror.
func InspectSender(
	ctx context.Context, l Looker, keys senderauth.Resolver, t *tenant.Tenant, who *directory.Directory, dir mail.Direction,
	e mail.Envelope, b mail.Body,
) Inspection {
	c := Config{Look: l, Auth: &senderauth.Verifier{Resolver: keys}}
	i, s := inspect(ctx, c, t, who, dir, e, b)
	a, v := New(c).auth(ctx, s, []string{"*"})
	i.Auth, i.Verified = *a, v
	return i
}

func inspect(
	ctx context.Context, c Config, t *tenant.Tenant, who *directory.Directory, dir mail.Direction, e mail.Envelope, b mail.Body,
) (Inspection, subject) {
	g := New(c)
	kind := tenant.InlineOut
	if dir == mail.In {
		kind = tenant.InlineIn
	}
	s := subject{tenant: t, who: who, kind: kind, dir: dir, envelope: e, header: mail.ParseHeader(b), body: b}
	j := g.judge(ctx, s, func(string) {})
	return Inspection{Message: j.message, Report: j.report, Facts: j.facts, Verdict: j.verdict}, s
}

// CatalogueOf is what a set adds to the built-in detectors; app checks it
// before the set comes into force.
func CatalogueOf(set *policy.Set) detect.Catalogue { return catalogueOf(set) }
