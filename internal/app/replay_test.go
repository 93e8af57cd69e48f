package app

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
)

// Law 3: the same facts give the same verdict, today and in a replay, also
// after a restart.
func TestFactsFromTheStoreGiveTheRecordedVerdictAfterARestart(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: demoPolicies, InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	for _, s := range samples(h.Params)[:6] {
		if _, err := h.Exchange.Submit(s.from, s.to, s.raw, fakeexchange.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(ctx); err != nil {
		t.Fatal(err)
	}
	records, err := h.App.Audit.Search(ctx, audit.Query{})
	if err != nil || len(records) != 6 {
		t.Fatal(len(records), err)
	}
	for _, m := range records {
		facts := kept(ctx, t, h, m.ID)
		t.Run(m.Subject, func(t *testing.T) { sameAgain(t, h, m, facts) })
	}
}

func kept(ctx context.Context, t *testing.T, h *House, id string) (f audit.Facts) {
	t.Helper()
	err := h.App.DB.View(ctx, func(tx *store.Tx) (err error) {
		f, err = h.App.Audit.Facts(tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sameAgain(t *testing.T, h *House, m audit.Message, kept audit.Facts) {
	facts, err := policy.ReadFacts(kept.Data)
	if err != nil || len(facts.Unknown) > 0 {
		t.Fatal(facts.Unknown, err)
	}
	owner := h.App.Tenants.Current().Find(m.Tenant)
	v := policy.Decide(owner.Policies, facts, owner.Gates)
	if v.Policy != m.Policy {
		t.Errorf("policy %s, recorded %s", v.Policy, m.Policy)
	}
	for _, r := range v.Recipients {
		if x := m.To(r.Address); x == nil || x.Verdict != string(r.Action) || x.Because != r.Because {
			t.Errorf("%s: %s (%s), recorded %+v", r.Address, r.Action, r.Because, x)
		}
	}
	// Facts of an older schema, which did not collect findings: what depends
	// on them cannot be known, and is not called clean.
	var old map[string]json.RawMessage
	if err := json.Unmarshal(kept.Data, &old); err != nil {
		t.Fatal(err)
	}
	delete(old, "findings")
	text, _ := json.Marshal(old)
	before, err := policy.ReadFacts(text)
	if err != nil || len(before.Unknown) != 1 {
		t.Fatal(before.Unknown, err)
	}
	v = policy.Decide(owner.Policies, before, owner.Gates)
	for _, r := range v.Recipients {
		if len(r.Unknown) == 0 && facts.Direction == policy.Outbound {
			t.Errorf("%s: nothing is unknown without findings", r.Address)
		}
	}
}
