package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/tenant"
)

// Bounds of the check of a draft.
const (
	mostDrafts  = 30              // that somebody has checked within an hour
	mostParties = 100             // recipients of a draft that are looked at
	mostSearch  = 3 * time.Second // for the smallest change
)

// checkDraft looks at a draft that somebody of the tenant has sent to us, and
// answers what would happen to it. Nothing of it is kept: no body, no record,
// and the event says how many recipients would be treated how. The answer is
// handed on before the client has ours, so that it need not be kept either.
func (g *Gateway) checkDraft(ctx context.Context, a *mail.Arrival, h *mail.Header, id tenant.Identity) mail.Reply {
	from := a.Envelope.From
	if dsn.Classify(from, h).Automatic || from.Null() {
		return replyTaken(a.Trace) // it is never answered
	}
	authors := h.Addresses("From")
	if !id.Internal || !id.Tenant.Owns(from) || len(h.All("From")) != 1 || len(authors) != 1 {
		return mail.NewReply(550, "5.7.1", "Drafts are checked for people whom Exchange has authenticated as the tenant's own")
	}
	now := time.Now()
	may := false
	err := g.DB.Update(ctx, func(tx *store.Tx) (err error) {
		may, err = post.May(tx, id.Tenant.ID, from, "check", mostDrafts, now)
		return err
	})
	switch {
	case err != nil:
		return replyStoreDown()
	case !may:
		return mail.NewReply(550, "5.7.1", "Too many drafts were checked for this sender within an hour; try again later")
	}
	patient, cancel := context.WithDeadline(ctx, a.Ended.Add(g.Patience))
	defer cancel()
	s := subject{
		trace: a.Trace, tenant: id.Tenant, kind: tenant.InlineOut, dir: mail.Out, header: h, body: a.Body,
		envelope: mail.Envelope{From: from, To: g.parties(h)}, monitor: id.Monitor || id.Tenant.TrustedTag(h) != "",
	}
	assumed := len(s.envelope.To) == 0
	if assumed {
		s.envelope.To = []mail.Recipient{{Address: somebody}}
	}
	if a.Peer.TLS != nil {
		s.peer, s.secured = *a.Peer.TLS, true
	}
	j := g.judge(patient, s, func(string) {})
	text := g.checked(s, j, assumed, a.Trace, cleanID(h.Get("Message-ID")), now)
	switch o := g.handOwn(ctx, id.Tenant, from, text).(type) {
	case task.Done:
	case task.Failed:
		return mail.NewReply(550, "5.3.0", "The answer was not taken at "+o.Host)
	default:
		return mail.NewReply(451, "4.4.1", "The answer could not be handed on; try again")
	}
	g.Metrics.Count("drafts_checked", 1, "tenant", id.Tenant.ID)
	counts := map[policy.Action]int{}
	for _, v := range j.verdict.Recipients {
		counts[v.Action]++
	}
	public, _ := json.Marshal(map[string]any{"actions": counts})
	personal, _ := json.Marshal(map[string]any{"from": from})
	g.write("check of a draft", func(tx *store.Tx) error {
		return g.Audit.Append(tx, audit.Event{
			Tenant: id.Tenant.ID, Kind: "draft checked", Actor: "sender", At: now, Public: public, Personal: personal,
		})
	})
	return replyTaken(a.Trace)
}

// somebody stands for a recipient outside whom a draft does not name yet
// (RFC 2606 §2: nobody has such an address).
const somebody mail.Address = "somebody@outside.invalid"

// parties are those whom a draft names, but for ourselves.
func (g *Gateway) parties(h *mail.Header) (list []mail.Recipient) {
	s := g.Tenants.Current()
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, a := range h.Addresses(name) {
			if !s.Ours(a) && len(list) < mostParties {
				list = append(list, mail.Recipient{Address: a})
			}
		}
	}
	return unique(list)
}

// checked composes what would happen to a draft.
func (g *Gateway) checked(s subject, j judgment, assumed bool, trace, draft string, now time.Time) []byte {
	t, v := s.tenant, j.verdict
	a := notice.About{
		Languages: t.Languages, Zone: t.Zone, Contact: t.Contact, Organization: t.Name, Ref: refOf(trace), Console: t.Console,
		Subject: subjectOf(s.header, t.Secrets()), More: map[string]string{},
	}
	if assumed {
		a.More["assumed"] = "yes"
	}
	worst := -1
	for i, r := range v.Recipients {
		c := notice.Checked{To: r.Address, Would: would(v, r)}
		if s.monitor { // nothing is done to mail that is only watched
			c.Would = wouldGo
		}
		if assumed {
			c.To = ""
		}
		if c.Would != wouldGo {
			c.Why, c.Rule = inWords(t, notice.Draft, t.Languages, foundWords(r.Because)), ruleName(r)
			if worst < 0 || stronger(r.Action, v.Recipients[worst].Action) {
				worst, a.Advice = i, r.Text
			}
		}
		a.Checked = append(a.Checked, c)
	}
	if worst >= 0 && !v.Defer && !s.monitor {
		a.Change, a.Then = nearest(t, j, worst)
	}
	var causes []string
	for _, u := range v.Unseen {
		if !slices.Contains(causes, string(u.Reason)) {
			causes = append(causes, string(u.Reason))
		}
	}
	a.More["cause"] = strings.Join(causes, ", ")
	r := g.frame(t, t.Notices.Write(notice.Draft, a), trace, now)
	r.To, r.InReplyTo = s.envelope.From, draft
	return g.signed(t, r.Notice(), now)
}

// nearest is the smallest change after which less would be done, and what
// would be done then.
func nearest(t *tenant.Tenant, j judgment, i int) (change, then string) {
	begun := time.Now()
	x := explain.New(explain.Case{
		Set: t.Policies, Facts: j.facts, Gates: t.Gates, Findings: j.report.Findings, Root: "/",
		Stop: func() bool { return time.Since(begun) > mostSearch },
	})
	if i >= len(x.Verdict.Recipients) {
		return "", ""
	}
	found := x.Weaker(i).Found
	if found == nil || found.Defer {
		return "", ""
	}
	return found.Text(), wouldWord(found.Action)
}

// What would happen, as notice.Checked calls it.
const wouldGo = "deliver"

func would(v policy.Verdict, r policy.RecipientVerdict) string {
	if v.Defer {
		return "defer"
	}
	return wouldWord(r.Action)
}

func wouldWord(a policy.Action) string {
	switch a {
	case policy.Secure, policy.Override, policy.Redirect, policy.Block:
		return string(a)
	case policy.HoldFor:
		return "hold"
	}
	return wouldGo
}

// stronger reports whether an action does more than another.
func stronger(a, b policy.Action) bool {
	order := []string{wouldGo, "secure", "override", "redirect", "hold", "block"}
	return slices.Index(order, wouldWord(a)) > slices.Index(order, wouldWord(b))
}
