package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
	"postern.dev/postern/internal/public"
	"postern.dev/postern/internal/quarantine"
)

// The subjects of T5, T8 and T9 in English, as far as they tell them apart.
const (
	reminded = "Still open"
	expired  = "No decision was made in time"
	closed   = "Closed without a decision"
)

// counted counts the mails of our own to somebody that say something.
func counted(h *House, who, words string) (n int) {
	for _, m := range h.Exchange.Mailbox(who + "@contoso.example") {
		if strings.Contains(strings.ReplaceAll(string(m.Raw), "=\r\n", ""), words) {
			n++
		}
	}
	return n
}

// Whichever clock ends a hold, everybody hears of it once: who was asked and
// said nothing is reminded before (T5) and told after (T9), the sender is told
// (T8), out of a message that is still there. Who has said something is not
// told; and no other clock ends anything before, or tells anybody anything.
func TestNoClockEndsAHoldSilently(t *testing.T) {
	for name, c := range map[string]struct {
		keep, hold time.Duration
		pin        bool
	}{
		"the deadline":                     {keep: 5 * time.Hour, hold: 3 * time.Hour},
		"the clock of octets":              {keep: 3 * time.Hour, hold: 480 * time.Hour},
		"the clock of octets, after a pin": {keep: 3 * time.Hour, hold: 480 * time.Hour, pin: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { endsLoudly(t, c.keep, c.hold, c.pin) })
		})
	}
}

func endsLoudly(t *testing.T, keep, hold time.Duration, pin bool) {
	t.Helper()
	ctx := t.Context()
	h, err := Build(ctx, Plan{
		Dir: quick(t), InProcess: true, Tenant: "retention: { bytes: " + keep.String() + " }\nconsole: mail.contoso-checks.example\n",
		Policies: `kind: policy
id: two-of-three
name: Account numbers wait for two
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { hold: { approver: [boss@contoso.example, dan@contoso.example], of: 2, for: ` + hold.String() + `, remind: [1h], then: refuse } }
`,
		Edit: func(s *mailflow.Setup) {
			s.Mailboxes = append(s.Mailboxes, mailflow.Mailbox{Address: "dan@contoso.example"})
		},
		Configure: func(c *Config) {
			c.Retention = Retention{Bytes: 5 * time.Hour, Metadata: 6 * time.Hour, Audit: 8 * 24 * time.Hour}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	raw := message("account", "IBAN DE89 3704 0044 0532 0130 00")
	if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, raw, fakeexchange.Options{}); err != nil {
		t.Fatal(err)
	}
	wait := func(d time.Duration) {
		time.Sleep(d)
		synctest.Wait()
	}
	wait(90 * time.Minute)
	list := do(t, h, "held-list", Call{}, "uid:0").Held
	if len(list) != 1 {
		t.Fatalf("%d wait", len(list))
	}
	id := list[0].Message
	_, err = h.App.doFor(ctx, public.Deed{
		Message: id, Act: quarantine.Approve, To: []mail.Address{"bob@fabrikam.example"},
		Person: quarantine.Person{Address: "boss@contoso.example", Tenant: "contoso", By: quarantine.ByDevice},
	})
	if err != nil {
		t.Fatal(err)
	}
	told := func(when string, t8, t9 int) {
		t.Helper()
		for who, want := range map[string][3]int{"ann": {0, t8, 0}, "boss": {1, 0, 0}, "dan": {1, 0, t9}} {
			got := [3]int{counted(h, who, reminded), counted(h, who, expired), counted(h, who, closed)}
			if got != want {
				t.Errorf("%s, %s got %v of T5, T8 and T9, and not %v", when, who, got, want)
			}
		}
	}
	told("before anything ends", 0, 0)
	if pin {
		do(t, h, "held-deed", Call{Message: id, HeldMail: &HeldCall{Act: quarantine.PinIt, Text: "case 7"}}, "uid:0")
		wait(8 * time.Hour) // beyond the clocks of octets and of metadata
		m, err := h.App.Audit.Search(ctx, audit.Query{})
		if err != nil || len(m) != 1 || m[0].From == "" {
			t.Fatalf("the record of what is pinned: %+v %v", m, err)
		}
		told("while it is pinned", 0, 0)
		do(t, h, "held-deed", Call{Message: id, HeldMail: &HeldCall{Act: quarantine.UnpinIt}}, "uid:0")
		wait(23 * time.Hour)
		told("a day after it was unpinned", 0, 0)
	}
	wait(3 * time.Hour)
	told("after its end", 1, 1)
	if n := len(do(t, h, "held-list", Call{}, "uid:0").Held); n != 0 {
		t.Errorf("%d wait", n)
	}
	if counted(h, "ann", "Subject: account") == 0 {
		t.Error("the report does not say which mail it is about")
	}
	mails := len(h.Exchange.Mailbox("ann@contoso.example")) + len(h.Exchange.Mailbox("boss@contoso.example")) +
		len(h.Exchange.Mailbox("dan@contoso.example"))
	balanced(t, h, 0, 0)
	for range 3 { // the clocks of metadata and of the chain
		h.App.hour(ctx, time.Now().Add(9*24*time.Hour))
		wait(time.Minute)
	}
	after := len(h.Exchange.Mailbox("ann@contoso.example")) + len(h.Exchange.Mailbox("boss@contoso.example")) +
		len(h.Exchange.Mailbox("dan@contoso.example"))
	if after != mails {
		t.Errorf("%d mails more, long after", after-mails)
	}
}
