package public

import (
	"net/url"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/tenant"
)

// withRole gives people a role about the tenant's held mail.
func (x *house) withRole(may string, who ...mail.Address) {
	rights, _ := quarantine.ParseRights(strings.Fields(may))
	var names []string
	for _, a := range who {
		names = append(names, string(a))
	}
	roles := quarantine.Roles{{Name: "officers", People: names, Tenants: []string{"contoso"}, Rights: rights}}
	x.site.Officer = func(id string, a mail.Address) quarantine.Person {
		return roles.Person(quarantine.Caller{Tenant: id, Address: a}, id, nil)
	}
}

// crafted is a decision that no button of the page makes.
func (b *browser) crafted(at, do string, to ...mail.Address) *browser {
	fields := url.Values{"do": {do}, "form": {forms(b.page)[0].fields.Get("form")}, "text": {"because I can"}}
	for _, a := range to {
		fields.Add("to", string(a))
	}
	return b.send("POST", at, fields.Encode())
}

func TestWhoseRoleDecidesFindsAndDecidesWhatWaitsForOthers(t *testing.T) {
	x := newHouse(t)
	x.withRole("metadata decide", dora)
	x.hold("m1", nil)
	b := x.known(x.link("m1", dora), dora)
	b.get("/approve/my/contoso").sees("All that waits at Contoso Ltd", "because of your role", "Salaries for the new team", "waits for boss@contoso.example")
	b.get("/approve/my/contoso/m1").sees("May this mail leave?", "3 bank account numbers", "waits for boss@contoso.example").misses(`value="look"`)
	b.press("approve", "text", "The manager is ill")
	b.sees("This is decided", "approved by you", "The manager is ill")
	h := x.state("m1", bob)
	if h.Ended == nil || h.Ended.How != quarantine.Released || h.Ended.By != string(dora) {
		t.Errorf("%+v", h.Ended)
	}
	x.known(x.link("m1", ann), ann).sees("approved by dora@contoso.example")
}

func TestARoleReachesAsFarAsItsRights(t *testing.T) {
	own := mail.Address("dora@contoso.example")
	kept := func(h *quarantine.Hold) { h.Sender, h.Own, h.Recipient = eve, nil, own }
	malware := func(h *quarantine.Hold) { h.Danger = true }
	for _, tt := range []struct {
		name, may string
		who       mail.Address
		change    func(*quarantine.Hold)
		of        mail.Address
		page      int
		has, not  string // buttons
	}{
		{"who has no role sees nothing", "", dora, nil, bob, 403, "", "approve reject look ask hand-on"},
		{"who sees does not decide", "metadata", dora, nil, bob, 200, "", "approve reject look ask hand-on"},
		{"who decides does not read", "metadata decide", dora, nil, bob, 200, "approve reject ask hand-on", "look"},
		{"who reads does not decide", "metadata content", dora, nil, bob, 200, "look", "approve reject ask hand-on"},
		{"malware needs a right of its own", "metadata decide", dora, malware, bob, 200, "reject ask", "approve"},
		{"which is this one", "metadata decide malware", dora, malware, bob, 200, "approve reject", ""},
		{"nobody decides about mail of his own", "metadata decide malware content", ann, nil, bob, 200, "cancel", "approve reject hand-on ask"},
		{"nor about mail for himself", "metadata decide malware content", dora, kept, own, 403, "", "approve reject ask hand-on look"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newHouse(t)
			x.withRole(tt.may, tt.who)
			x.hold("m1", tt.change)
			b := x.known(x.link("m1", tt.who), tt.who)
			if b.get("/approve/my/contoso/m1").code != tt.page {
				t.Errorf("%d", b.code)
			}
			for _, do := range strings.Fields(tt.has) {
				if !strings.Contains(b.page, `value="`+do+`"`) {
					t.Errorf("there is no button %s", do)
				}
			}
			page := b.page
			if tt.page == 403 { // a form from another page of his
				page = b.get("/approve/my/contoso").page
			}
			for _, do := range strings.Fields(tt.not) {
				b.page = page
				b.misses(`value="` + do + `"`)
				if do == "look" {
					continue
				}
				b.crafted("/approve/my/contoso/m1", do, tt.of, bob)
				if h := x.state("m1", tt.of); h.Ended != nil || len(h.Votes)+len(h.Questions) > 0 || len(h.Panel.Seats) != 1 {
					t.Errorf("%s was done: %+v", do, h)
				}
			}
			if len(x.looks) != 0 {
				t.Errorf("%d looks", len(x.looks))
			}
		})
	}
}

func TestARoleCountsAsOneOfThoseWhoMustAgree(t *testing.T) {
	x := newHouse(t)
	x.withRole("metadata decide", dora)
	x.hold("m1", func(h *quarantine.Hold) { h.Of = 2 })
	b := x.known(x.link("m1", dora), dora)
	b.get("/approve/my/contoso/m1").press("approve")
	if h := x.state("m1", bob); h.Ended != nil || len(h.Votes) != 1 {
		t.Fatalf("one voice was enough, or none: %+v", h)
	}
	b.get("/approve/my/contoso/m1").misses(`value="approve"`)
	x.known(x.link("m1", boss), boss).press("approve")
	if h := x.state("m1", bob); h.Ended == nil || h.Ended.By != string(boss) {
		t.Errorf("%+v", h)
	}
}

func TestWherePeopleSignInACodeGivesNoRole(t *testing.T) {
	x := newHouse(t)
	x.withRole("metadata decide", dora)
	x.hold("m1", nil)
	b := x.known(x.link("m1", dora), dora)
	x.site.Tenant("contoso").SignIn = &tenant.SignIn{Issuer: "https://sign-in.example"}
	if b.get("/approve/my/contoso/m1").code != 403 {
		t.Error("a mailbox is enough to decide about everybody's mail")
	}
	b.get("/approve/my/contoso").misses("All that waits at")
}
