package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/web"
)

// Explanation is why a message had its verdict.
type Explanation struct {
	Message audit.Message `json:"message,omitzero"`
	// File is the message when it is no recorded one.
	File string `json:"file,omitempty"`
	// Verdict is what the policies in force say about the facts that were
	// kept.
	Verdict policy.Verdict `json:"verdict"`
	// Same is set when they are those that decided then.
	Same bool `json:"same"`
	// Unknown lists facts that were not kept.
	Unknown []string `json:"unknown,omitempty"`
	// Why explains the verdicts, those that are alike once; Left counts the
	// recipients that it leaves out.
	Why  []explain.Why `json:"why"`
	Left int           `json:"left,omitempty"`
	// WhyNot is why a chosen rule did not decide.
	WhyNot []explain.WhyNot `json:"why_not,omitempty"`
}

// Question is what is asked about a verdict.
type Question struct {
	// Recipient is of whom; "" is of all.
	Recipient mail.Address
	// WhyNot is a rule of which somebody wants to know why it did not decide.
	WhyNot string
}

// Explain decides again about the facts of a message.
func (r *Reader) Explain(ctx context.Context, name string, q Question) (e Explanation, err error) {
	m, err := r.Find(ctx, name)
	if err != nil {
		return e, err
	}
	_, state, err := r.InForce(ctx)
	if err != nil {
		return e, err
	}
	return explainKept(ctx, r.DB, r.Audit, &inForce{tenants: state.Tenants, set: state.Policies}, m, q)
}

// explainKept explains a recorded message by the policies of a state.
func explainKept(
	ctx context.Context, db *store.DB, log *audit.Log, state *inForce, m audit.Message, q Question,
) (e Explanation, err error) {
	var kept audit.Facts
	err = db.View(ctx, func(tx *store.Tx) (err error) {
		kept, err = log.Facts(tx, m.ID)
		return err
	})
	if errors.Is(err, audit.ErrNotFound) {
		return e, fmt.Errorf("%w: the facts of %s are not kept any more", err, m.ID)
	}
	if err != nil {
		return e, err
	}
	f, err := policy.ReadFacts(kept.Data)
	if err != nil {
		return e, err
	}
	gates := policy.DefaultGates()
	if t := state.tenants.Find(m.Tenant); t != nil {
		gates = t.Gates
	}
	e, err = answer(explain.Case{
		Set: state.set, Facts: f, Gates: gates, Findings: m.Findings, Root: "/", Stop: func() bool { return ctx.Err() != nil },
	}, q)
	e.Message, e.Unknown, e.Same = m, f.Unknown, e.Verdict.Policy == m.Policy
	return e, err
}

// answer explains a decision.
func answer(c explain.Case, q Question) (e Explanation, err error) {
	x := explain.New(c)
	e.Verdict, e.Why = rootedVerdict(x.Verdict), []explain.Why{}
	asked, err := x.Asked(q.Recipient)
	if err != nil {
		return e, err
	}
	if q.WhyNot != "" {
		for _, i := range asked {
			w, err := x.WhyNot(i, q.WhyNot)
			if err != nil {
				return e, err
			}
			e.WhyNot = append(e.WhyNot, w)
		}
		return e, nil
	}
	if q.Recipient == "" {
		e.Why, e.Left, err = x.Whole()
		return e, err
	}
	w, err := x.Full(asked[0])
	e.Why = append(e.Why, w)
	return e, err
}

// rootedVerdict gives the places of rules their leading slash back.
func rootedVerdict(v policy.Verdict) policy.Verdict {
	for _, r := range v.Recipients {
		for _, list := range [][]policy.Match{r.Won, r.Lost, r.Unknown} {
			for i := range list {
				list[i].Place = "/" + strings.TrimPrefix(list[i].Place, "/")
			}
		}
	}
	return v
}

// Explain explains what would be done with a message that is not recorded.
func (b *Bench) Explain(ctx context.Context, t *tenant.Tenant, body mail.Body, q Question) (Explanation, error) {
	return b.ExplainInspection(t, b.Inspect(ctx, t, body), q)
}

// ExplainInspection explains what was found and decided already.
func (b *Bench) ExplainInspection(t *tenant.Tenant, in gateway.Inspection, q Question) (Explanation, error) {
	e, err := answer(explain.Case{
		Set: b.state.set, Facts: in.Facts, Gates: t.Gates, Findings: in.Report.Findings, Root: "/",
	}, q)
	e.Same, e.Unknown = true, in.Facts.Unknown
	return e, err
}

// forConsole explains a recorded message on a page: in five seconds, and with
// what was found by then.
func (a *App) forConsole(ctx context.Context, m audit.Message, to mail.Address, rule string) (e web.Explained, err error) {
	searching, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	now := a.Tenants.Current()
	t := now.Find(m.Tenant)
	if t == nil {
		return e, fmt.Errorf("%w: there is no tenant %q any more", audit.ErrNotFound, m.Tenant)
	}
	kept, sealed, err := a.keptCase(ctx, m, t)
	if err != nil {
		return e, err
	}
	kept.Stop = func() bool { return searching.Err() != nil }
	x, err := answer(kept, Question{Recipient: to, WhyNot: rule})
	if sealed { // the page is for administrators
		blotNames(kept.Facts, &x.Why)
		blotNames(kept.Facts, &x.WhyNot)
	}
	e = web.Explained{Why: x.Why, WhyNot: x.WhyNot, Left: x.Left, Unknown: kept.Facts.Unknown, Policy: x.Verdict.Policy,
		Same: x.Verdict.Policy == m.Policy}
	for _, r := range t.Policies.Rules() {
		e.Rules = append(e.Rules, web.RuleName{ID: r.ID, Name: r.Name})
	}
	for _, r := range x.Verdict.Recipients {
		e.Recipients = append(e.Recipients, r.Address)
	}
	return e, err
}

func (a *App) keptCase(ctx context.Context, m audit.Message, t *tenant.Tenant) (c explain.Case, sealed bool, err error) {
	var kept audit.Facts
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		kept, err = a.Audit.Facts(tx, m.ID)
		return err
	})
	if err != nil {
		return c, false, err
	}
	f, err := policy.ReadFacts(kept.Data)
	return explain.Case{Set: t.Policies, Facts: f, Gates: t.Gates, Findings: m.Findings, Root: "/"}, kept.Sealed, err
}
