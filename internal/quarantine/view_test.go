package quarantine

import (
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// waiting is a hold about which dana decides.
func waitingFor(preview policy.Preview, rights ...policy.Right) Hold {
	return New(Hold{Message: "m1", Recipient: "bob@c.example", Tenant: "c", Sender: "ann@c.example"},
		&policy.Hold{For: time.Hour, Then: policy.EndRefuse, Terms: policy.Terms{Preview: preview, Recipient: rights}},
		Panel{Seats: []mail.Address{"dana@c.example"}}, noon())
}

func TestWhoMaySeeWhatOfAHeldMessage(t *testing.T) {
	admin := Person{Name: "uid:0", By: ByAdmin, Rights: Rights{Metadata: true, Decide: true, Malware: true, Emergency: true}}
	reader := admin
	reader.Rights.Content = true
	by := func(a mail.Address) Person { return Person{Tenant: "c", Address: a, By: ByDevice} }
	ended := waitingFor("")
	ended.end(Rejected, "dana@c.example", ByDevice, "", noon())
	altered := waitingFor("")
	altered.Altered = true
	for _, x := range []struct {
		name string
		hold Hold
		who  Person
		want Depth
		as   As
		why  Why
	}{
		{"who decides sees the whole", waitingFor(""), by("dana@c.example"), Whole, AsApprover, ""},
		{"who decides sees what the policy lets him", waitingFor(policy.PreviewRedacted), by("dana@c.example"), Redacted, AsApprover, ""},
		{"a policy may show nothing", waitingFor(policy.PreviewNone), by("dana@c.example"), Nothing, "", NeedsRight},
		{"the sender sees his own mail", waitingFor(policy.PreviewNone), by("ann@c.example"), Whole, AsSender, ""},
		{"an administrator who may decide sees no content", waitingFor(""), admin, Nothing, "", NeedsRight},
		{"the right to content is a right of its own", waitingFor(""), reader, Whole, AsReader, ""},
		{"a recipient sees nothing by himself", waitingFor("", policy.RightSee, policy.RightRequest), by("bob@c.example"), Nothing, "", NeedsRight},
		{"a recipient may look where the policy says so", waitingFor("", policy.RightPreview), by("bob@c.example"), Whole, AsRecipient, ""},
		{"somebody else of the tenant", waitingFor(""), by("eve@c.example"), Nothing, "", NotYours},
		{"the same name of another tenant", waitingFor(""), Person{Tenant: "d", Address: "dana@c.example", By: ByDevice}, Nothing, "", NotYours},
		{"a link identifies nobody", waitingFor(""), Person{Tenant: "c", Address: "dana@c.example"}, Nothing, "", NotIdentified},
		{"a clock reads nothing", waitingFor(""), Person{Name: "deadline", By: ByClock}, Nothing, "", NotIdentified},
		{"what is over is not shown any more", ended, by("dana@c.example"), Nothing, "", OverAlready},
		{"how it ended is nobody else's business", ended, by("eve@c.example"), Nothing, "", NotYours},
		{"a row that was changed lets nobody in", altered, by("dana@c.example"), Nothing, "", WasAltered},
	} {
		t.Run(x.name, func(t *testing.T) {
			depth, as, err := View([]Hold{x.hold}, x.who)
			if depth != x.want || as != x.as || WhyOf(err) != x.why {
				t.Errorf("%q %q %v", depth, as, err)
			}
		})
	}
	if depth, as, err := View([]Hold{waitingFor(policy.PreviewNone), waitingFor(policy.PreviewRedacted)}, by("dana@c.example")); err != nil || depth != Redacted || as != AsApprover {
		t.Errorf("of two holds the one that shows more: %q %q %v", depth, as, err)
	}
	if _, _, err := View(nil, reader); WhyOf(err) != NotPossible {
		t.Error(err)
	}
}

func TestAnEmergencyNeedsTwoPersonsAndIsShort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		root := Person{Name: "uid:0", By: ByAdmin, Rights: Rights{Emergency: true}}
		ann := Person{Tenant: "c", Address: "officer@c.example", By: BySignIn, Rights: Rights{Emergency: true}}
		eve := Person{Tenant: "c", Address: "eve@c.example", By: BySignIn, Rights: Rights{Metadata: true, Decide: true}}
		later := func(d time.Duration) time.Time { return noon().Add(d) }
		update(t, db, func(tx *store.Tx) error {
			may := func(p Person, at time.Time) bool {
				_, found, err := InForce(tx, "m1", p, at)
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			for why, try := range map[Why]func() error{
				NeedsRight:    func() error { _, err := AskEmergency(tx, "m1", "c", eve, "I am curious", noon()); return err },
				NeedsReason:   func() error { _, err := AskEmergency(tx, "m1", "c", root, " ", noon()); return err },
				NotIdentified: func() error { _, err := AskEmergency(tx, "m1", "c", Person{Name: "x"}, "a reason", noon()); return err },
				NotYours: func() error {
					_, err := AskEmergency(tx, "m1", "c", Person{Tenant: "d", Address: "a@d.example", By: BySignIn, Rights: Rights{Emergency: true}}, "a reason", noon())
					return err
				},
				NotPossible: func() error { _, err := AskEmergency(tx, "m1", "", root, "a reason", noon()); return err },
			} {
				if err := try(); WhyOf(err) != why {
					t.Errorf("%s: %v", why, err)
				}
			}
			e, err := AskEmergency(tx, "m1", "c", root, "she is ill, the offer must go", noon())
			if err != nil || may(root, noon()) {
				t.Fatal("one person was enough", err)
			}
			if _, err := ConfirmEmergency(tx, e.ID, root, noon()); WhyOf(err) != OwnMail || may(root, noon()) {
				t.Errorf("the same person confirmed: %v", err)
			}
			if _, err := ConfirmEmergency(tx, e.ID, eve, noon()); WhyOf(err) != NeedsRight {
				t.Errorf("somebody without the right confirmed: %v", err)
			}
			if _, err := ConfirmEmergency(tx, e.ID, ann, later(maxAsking)); WhyOf(err) != OverAlready {
				t.Errorf("too late: %v", err)
			}
			if _, err := ConfirmEmergency(tx, "nonsense", ann, noon()); WhyOf(err) != NotPossible {
				t.Errorf("%v", err)
			}
			if e, err = ConfirmEmergency(tx, e.ID, ann, later(time.Hour)); err != nil || e.Asked != "uid:0" || e.Confirmed != "officer@c.example" {
				t.Fatal(e, err)
			}
			if _, err := ConfirmEmergency(tx, e.ID, ann, later(time.Hour)); WhyOf(err) != SaidAlready {
				t.Errorf("%v", err)
			}
			in, out := later(time.Hour+maxReading-time.Second), later(time.Hour+maxReading)
			if !may(root, in) || !may(ann, in) || may(eve, in) || may(root, out) || may(root, noon()) {
				t.Error("who may read, and for how long")
			}
			if _, found, _ := InForce(tx, "m2", root, in); found {
				t.Error("it opens another message")
			}
			for range maxEmergencies {
				if _, err := AskEmergency(tx, "m1", "c", root, "once more", in); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := AskEmergency(tx, "m1", "c", root, "once more", in); WhyOf(err) != NotPossible {
				t.Errorf("one too many: %v", err)
			}
			if _, err := tx.Exec("UPDATE emergency SET data = REPLACE(data, 'uid:0', 'uid:1') WHERE id = ?", e.ID); err != nil {
				return err
			}
			if may(Person{Name: "uid:1", By: ByAdmin}, in) || may(ann, in) {
				t.Error("a row that was changed opens a message")
			}
			n, err := ForgetEmergencies(tx, out.Add(time.Hour), 100)
			if n != maxEmergencies+1 {
				t.Errorf("%d forgotten", n)
			}
			return err
		})
	})
}
