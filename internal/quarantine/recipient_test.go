package quarantine

import (
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

func TestARecipientMayWhatThePolicyLetsHim(t *testing.T) {
	const me, alias = mail.Address("ann@contoso.example"), mail.Address("a.nn@contoso.example")
	person := func(a mail.Address) Person { return Person{Address: a, Tenant: "contoso", By: ByDevice} }
	for _, c := range []struct {
		name   string
		rights []policy.Right
		who    mail.Address
		act    Act
		edit   func(h *Hold)
		want   Why
	}{
		{"nothing without a right", nil, me, Request, nil, NotYours},
		{"to see is not to ask", []policy.Right{policy.RightSee}, me, Request, nil, NeedsRight},
		{"to ask is not to get", []policy.Right{policy.RightRequest}, me, Release, nil, NeedsRight},
		{"who may ask asks", []policy.Right{policy.RightRequest}, me, Request, nil, ""},
		{"once", []policy.Right{policy.RightRequest}, me, Request, func(h *Hold) { h.Request = &Reason{} }, SaidAlready},
		{"who may get it gets it", []policy.Right{policy.RightRelease}, me, Release, nil, ""},
		{"by another address of his too", []policy.Right{policy.RightRelease}, alias, Release, nil, ""},
		{"nobody else", []policy.Right{policy.RightRelease}, "bob@contoso.example", Release, nil, NotYours},
		{"no malware", []policy.Right{policy.RightRelease}, me, Release, func(h *Hold) { h.Danger = true }, NeedsRight},
		{"nothing of his own", []policy.Right{policy.RightRelease}, me, Release, func(h *Hold) { h.Sender = me }, OwnMail},
		{"nothing that comes by itself", []policy.Right{policy.RightRelease}, me, Release, func(h *Hold) { h.Delay = true }, NotPossible},
		{"nothing as one who decides", []policy.Right{policy.RightRelease}, me, Approve, nil, NotYours},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := Hold{
				Message: "m", Tenant: "contoso", Recipient: me, Aliases: []mail.Address{alias}, Sender: "eve@fabrikam.example",
				Rights: c.rights, Panel: Panel{Seats: []mail.Address{"boss@contoso.example"}},
			}
			if c.edit != nil {
				c.edit(&h)
			}
			if err := h.May(person(c.who), c.act); WhyOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestASenderSaysWhyItShouldGo(t *testing.T) {
	h := Hold{Message: "m", Tenant: "contoso", Recipient: "bob@fabrikam.example", Sender: "ann@contoso.example"}
	ann := Person{Address: "ann@contoso.example", Tenant: "contoso", By: ByDevice}
	if err := h.Change(ann, Explain, "  ", "", time.Now()); WhyOf(err) != NeedsReason {
		t.Error(err)
	}
	if err := h.Change(ann, Explain, "the customer asked for it", "", time.Now()); err != nil || h.Reason.Text != "the customer asked for it" {
		t.Error(err, h.Reason)
	}
	h.Override = true
	if err := h.Change(ann, Explain, "x", "", time.Now()); WhyOf(err) != NotPossible {
		t.Error(err)
	}
}
