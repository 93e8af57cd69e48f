package app

import (
	"context"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/public"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// Somebody with a role decides on the pages for people about mail that waits
// for another one. What his role does not allow stands in the chain.
func TestAnOfficerDecidesOnThePages(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: quick(t), Policies: everyWay, InProcess: true, Configure: func(c *Config) {
		c.Roles = []Role{{Name: "privacy", People: []string{"dora@contoso.example"}, Tenants: []string{"contoso"}, May: []string{"metadata", "decide"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	raw := message("account", "IBAN DE89 3704 0044 0532 0130 00")
	if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, raw, fakeexchange.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	var hold quarantine.Hold
	change := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := h.App.DB.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	find := func(tx *store.Tx) error {
		list, _, err := quarantine.List(tx, quarantine.Filter{Tenant: "contoso"}, quarantine.Cursor{}, 1)
		if len(list) == 1 {
			hold = list[0]
		}
		return err
	}
	change(find)
	press := func(who mail.Address, act quarantine.Act) (public.Done, error) {
		return h.App.doFor(ctx, public.Deed{
			Message: hold.Message, To: []mail.Address{hold.Recipient}, Act: act, Person: h.App.officer("contoso", who), Text: "a reason",
		})
	}
	if p := h.App.officer("fabrikam", "dora@contoso.example"); p.Rights != (quarantine.Rights{}) {
		t.Errorf("a role in another tenant: %+v", p)
	}
	if _, err := press("eve@contoso.example", quarantine.Approve); quarantine.WhyOf(err) != quarantine.NotYours {
		t.Errorf("somebody without a role: %v", err)
	}
	change(func(tx *store.Tx) error { hold.Danger = true; return quarantine.Put(tx, hold) })
	if _, err := press("dora@contoso.example", quarantine.Approve); quarantine.WhyOf(err) != quarantine.NeedsRight {
		t.Errorf("malware: %v", err)
	}
	change(func(tx *store.Tx) error { hold.Danger = false; return quarantine.Put(tx, hold) })
	if done, err := press("dora@contoso.example", quarantine.Approve); err != nil || done.Done != 1 {
		t.Errorf("%+v %v", done, err)
	}
	kinds := map[string]int{}
	change(func(tx *store.Tx) error {
		list, err := h.App.Audit.Events(tx, "contoso", hold.Message)
		for _, e := range list {
			kinds[e.Kind+" by "+e.Actor]++
		}
		return err
	})
	if kinds["not allowed by officer"] != 1 {
		t.Errorf("the chain has %v", kinds)
	}
}
