package app

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/look"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == look.ChildArgument {
		os.Exit(look.Child())
	}
	os.Exit(m.Run())
}

func message(subject, body string) []byte {
	return []byte(strings.ReplaceAll("From: Ann <ann@contoso.example>\nTo: bob@fabrikam.example\nSubject: "+subject+
		"\nMessage-ID: <"+subject+"@contoso.example>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n"+body+"\n", "\n", "\r\n"))
}

const cardsLeave = `kind: policy
id: cards-leave
name: Card numbers leave the organisation
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 1
then: { block: {} }
`

func TestACleanMessageGoesRoundOnceAndAViolatingOneIsReported(t *testing.T) {
	for _, loopback := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		h, err := Build(ctx, Plan{Dir: t.TempDir(), Policies: cardsLeave, Loopback: loopback})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct{ subject, body string }{{"clean", "hello"}, {"cards", "visa card 4539 1488 0343 6467"}} {
			if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"},
				message(x.subject, x.body), fakeexchange.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		for _, e := range h.Exchange.Log() {
			t.Log(e.Step, e.Recipient, e.Detail)
		}
		if n := len(h.Exchange.Internet()); n != 1 {
			t.Errorf("%d messages on the internet", n)
		} else if raw := string(h.Exchange.Internet()[0].Raw); strings.Contains(raw, h.Params.Secret) || strings.Contains(raw, h.Params.Mark) {
			t.Errorf("a secret travels:\n%s", raw)
		}
		box := h.Exchange.Mailbox("ann@contoso.example")
		if len(box) != 1 || !strings.Contains(string(box[0].Raw), "delivery-status") {
			t.Errorf("%d mails for ann: %q", len(box), box)
		}
		if t.Failed() {
			list, _ := h.App.Audit.Search(ctx, audit.Query{})
			for _, m := range list {
				text, _ := json.MarshalIndent(m, "", " ")
				t.Logf("%s", text)
			}
		}
		if _, lines, err := h.App.Balance(ctx); err != nil || len(lines) > 0 {
			t.Error(lines, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
