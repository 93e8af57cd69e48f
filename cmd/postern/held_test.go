package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
)

func TestTheTermsOfAHoldAreShown(t *testing.T) {
	hold := policy.Hold{For: 16 * time.Hour, Then: policy.EndRefuse, Terms: policy.Terms{
		Of: 2, Deputies: []string{"desk@contoso.example"}, Remind: []time.Duration{4 * time.Hour},
		Working: &policy.Working{Days: []string{"fri", "mon"}, From: 510, To: 1080, Zone: "Europe/Amsterdam"},
		Reasons: []string{"contract"}, Comment: policy.CommentRequired,
	}}
	terms, err := json.Marshal(hold)
	if err != nil {
		t.Fatal(err)
	}
	x := spool.Pending{
		Recipient: mail.Recipient{Address: "bob@fabrikam.example"}, Approver: "manager", Of: 2, Agreed: []string{"uid 0"}, Terms: terms,
	}
	var out bytes.Buffer
	p := &program{out: &out}
	p.terms(x)
	for _, want := range []string{
		"1 of 2 have agreed (uid 0)", "deputy: desk@contoso.example", "16h0m0s of working time: fri mon, 08:30 to 18:00, Europe/Amsterdam",
		"reminders after [4h0m0s]", "reasons: contract", "comment: required",
	} {
		if !strings.Contains(out.String(), "bob@fabrikam.example  "+want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	form, err := json.Marshal(heldOf(x))
	if err != nil || !strings.Contains(string(form), `"of":2,"agreed":["uid 0"],"terms":{"for":`) {
		t.Errorf("%s, %v", form, err)
	}
	out.Reset()
	p.terms(spool.Pending{Terms: []byte("{damaged")})
	p.terms(spool.Pending{})
	if out.Len() > 0 {
		t.Errorf("of a hold without terms: %s", out.String())
	}
}
