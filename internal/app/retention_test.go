package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
)

func TestEachOfThreeClocksEndsWhatItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		h, err := Build(ctx, Plan{
			Dir: quick(t), Policies: everyWay, InProcess: true, Tenant: "retention: { bytes: 3h }\n",
			Configure: func(c *Config) {
				c.Retention = Retention{Bytes: 4 * time.Hour, Metadata: 10 * time.Hour, Audit: 8 * 24 * time.Hour}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		for _, to := range []string{"bob@fabrikam.example", "dan@fabrikam.example"} {
			if _, err := h.Exchange.Submit("ann@contoso.example", []string{to}, message("account", "IBAN DE89 3704 0044 0532 0130 00"), fakeexchange.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		held := func() int { return len(do(t, h, "held-list", Call{}, "uid:0").Held) }
		records := func() (all, personal int) {
			list, err := h.App.Audit.Search(ctx, audit.Query{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				if m.From != "" {
					personal++
				}
			}
			return len(list), personal
		}
		wait(150 * time.Minute)
		if held() != 2 {
			t.Fatal("a hold ended before its time")
		}
		wait(100 * time.Minute) // the policy says 480 hours; octets are kept for 3
		if held() != 0 {
			t.Error("a hold outlived the clock of octets")
		}
		told := 0
		for _, m := range h.Exchange.Mailbox("ann@contoso.example") {
			if strings.Contains(string(m.Raw), "No decision was made in time") {
				told++
			}
		}
		if told != 2 {
			t.Errorf("the sender was told of %d of 2 that ended", told)
		}
		wait(5 * time.Hour)
		if all, personal := records(); all != 2 || personal != 2 {
			t.Errorf("before the clock of metadata: %d records, %d with names", all, personal)
		}
		wait(2 * time.Hour)
		if all, personal := records(); all != 2 || personal != 0 {
			t.Errorf("after the clock of metadata: %d records, %d with names", all, personal)
		}
		if r, err := h.App.Audit.Verify(ctx, "contoso"); err != nil || !r.Ok() || r.Pruned != 0 {
			t.Errorf("%+v %v", r, err)
		}
		h.App.hour(ctx, time.Now().Add(8*24*time.Hour))
		if all, _ := records(); all != 0 {
			t.Errorf("after the clock of the chain: %d records", all)
		}
		if r, err := h.App.Audit.Verify(ctx, "contoso"); err != nil || !r.Ok() || r.Pruned == 0 {
			t.Errorf("%+v %v", r, err)
		}
		balanced(t, h, 0, 0)
		k := do(t, h, "retention", Call{}, "uid:7").Retention
		if len(k) == 0 || k[len(k)-1].Bytes != 3*time.Hour || k[len(k)-1].Audit != 8*24*time.Hour || strings.Join(k[len(k)-1].Own, " ") != "bytes" {
			t.Errorf("%+v", k)
		}
	})
}

func TestClocksThatCannotBeMeantAreSaid(t *testing.T) {
	for name, k := range map[string]Clocks{
		"the chain ends before the records":      {Bytes: 24 * time.Hour, Metadata: 90 * 24 * time.Hour, Audit: 30 * 24 * time.Hour},
		"records end before the mail":            {Bytes: 91 * 24 * time.Hour, Metadata: 90 * 24 * time.Hour, Audit: 900 * 24 * time.Hour},
		"no time at all":                         {Bytes: time.Minute, Metadata: time.Hour, Audit: time.Hour},
		"an audit that is shorter than octets":   {Bytes: 48 * time.Hour, Metadata: 48 * time.Hour, Audit: 24 * time.Hour},
		"a negative one, as YAML lets one write": {Bytes: -time.Hour, Metadata: 48 * time.Hour, Audit: 48 * time.Hour},
	} {
		if len(k.nonsense()) == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
	c := &Config{}
	c.defaults()
	if list := c.clocks("x", nil).nonsense(); len(list) != 0 {
		t.Error(list)
	}
}
