package quarantine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func migrate(t testing.TB, db *store.DB) {
	t.Helper()
	if err := Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// kept is hold number n of a tenant, due n seconds from noon.
func kept(tenant string, n int) Hold {
	return New(Hold{
		Message: fmt.Sprintf("%s-%06d", tenant, n), Recipient: "bob@x.example", Tenant: tenant, Ref: fmt.Sprintf("REF-%d", n),
		Sender: mail.Address(fmt.Sprintf("ann%d@%s.example", n%10, tenant)), Subject: fmt.Sprintf("offer %d", n),
		Rules: []string{"cards", "all"}, Rule: "cards", Size: 100,
	}, &policy.Hold{For: time.Hour, Then: policy.EndRefuse, Terms: policy.Terms{Remind: []time.Duration{time.Minute}}},
		Panel{Named: []string{"manager"}, Seats: []mail.Address{mail.Address("boss@" + tenant + ".example")}},
		noon().Add(time.Duration(n)*time.Second))
}

// pages reads a list to its end.
func pages(t *testing.T, tx *store.Tx, f Filter, size int) (ids []string, err error) {
	for behind := (Cursor{}); ; {
		list, next, err := List(tx, f, behind, size)
		if err != nil {
			return nil, err
		}
		if len(list) > size {
			t.Errorf("a page of %d", len(list))
		}
		for _, h := range list {
			ids = append(ids, h.Message)
		}
		if next == (Cursor{}) {
			return ids, nil
		}
		if behind, err = ParseCursor(next.String()); err != nil || behind != next {
			t.Fatalf("%+v is not %+v: %v", behind, next, err)
		}
	}
}

func TestListsShowWhatWaitsAndNothingOfOtherTenants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		update(t, db, func(tx *store.Tx) error {
			for n := range 25 {
				for _, tenant := range []string{"c", "d"} {
					if err := Add(tx, kept(tenant, n)); err != nil {
						return err
					}
				}
			}
			h, _, err := Find(tx, "c-000003", "bob@x.example")
			h.Panel = Panel{Named: h.Panel.Named}
			h.PinDown("uid:0", "case 7", noon())
			return errors.Join(err, Put(tx, h), End(tx, kept("c", 4), Rejected, "boss@c.example", ByDevice, "no", noon()))
		})
		tests := []struct {
			name string
			f    Filter
			want int
			ids  string
		}{
			{"all", Filter{}, 49, ""},
			{"of a tenant", Filter{Tenant: "c"}, 24, ""},
			{"of an approver", Filter{Tenant: "c", Approver: "Boss@c.example"}, 23, ""},
			{"of the approver of another tenant", Filter{Tenant: "d", Approver: "boss@c.example"}, 0, ""},
			{"without anybody who decides", Filter{Approver: "-"}, 1, "c-000003"},
			{"pinned", Filter{Pinned: true}, 1, "c-000003"},
			{"of a sender", Filter{Tenant: "d", Sender: "ann7@d.example"}, 2, "d-000007 d-000017"},
			{"to a domain", Filter{Domain: "X.example", Tenant: "c"}, 24, ""},
			{"to a recipient", Filter{Recipient: "bob@X.example", Tenant: "c"}, 24, ""},
			{"by the second rule", Filter{Rule: "all"}, 49, ""},
			{"by no rule", Filter{Rule: "none"}, 0, ""},
			{"by words", Filter{Text: "offer 12 bob"}, 2, "c-000012 d-000012"},
			{"by the reference", Filter{Tenant: "c", Text: "ref-9"}, 1, "c-000009"},
			{"by a word too much", Filter{Text: "offer 12 eve"}, 0, ""},
			{"by a word that a statement could stumble over", Filter{Text: "' OR 1=1 --"}, 0, ""},
		}
		err := db.View(context.Background(), func(tx *store.Tx) error {
			for _, tt := range tests {
				ids, err := pages(t, tx, tt.f, 7)
				if err != nil {
					return err
				}
				got := slices.Compact(slices.Sorted(slices.Values(ids)))
				if len(ids) != tt.want || len(got) != tt.want || tt.ids != "" && strings.Join(ids, " ") != tt.ids {
					t.Errorf("%s: %d of %d: %q", tt.name, len(ids), tt.want, ids)
				}
			}
			ids, err := pages(t, tx, Filter{Tenant: "c"}, 10)
			if ids[23] != "c-000003" || !slices.IsSorted(ids[:23]) {
				t.Errorf("not by what is due first: %q", ids)
			}
			over, err2 := Ended(tx, "c", 10)
			if len(over) != 1 || over[0].Ended.How != Rejected || over[0].Ended.Comment != "no" {
				t.Errorf("%+v", over)
			}
			none, err3 := Ended(tx, "d", 10)
			waiting, err4 := Standings(tx, "", "")
			few, err5 := Standings(tx, "c-000020", "c-000022")
			if len(few) != 2 {
				t.Errorf("%d wait in a part", len(few))
			}
			if len(none) != 0 || len(waiting) != 49 {
				t.Errorf("%d ended, %d wait", len(none), len(waiting))
			}
			return errors.Join(err, err2, err3, err4, err5)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"x", "eHg", strings.Repeat("A", 2000)} {
			if _, err := ParseCursor(bad); !errors.Is(err, ErrCursor) {
				t.Errorf("%.10q: %v", bad, err)
			}
		}
	})
}

func TestWhatIsDueIsFoundAndForgottenInTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		ahead := kept("c", 7200)
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(Add(tx, kept("c", 0)), Add(tx, kept("c", 30)), Add(tx, ahead))
		})
		update(t, db, func(tx *store.Tx) error {
			list, err := Due(tx, noon().Add(time.Minute), 10)
			if len(list) != 1 || list[0].Message != "c-000000" {
				t.Errorf("%+v", list)
			}
			at, err2 := Next(tx, noon().Add(time.Minute))
			if !at.Equal(noon().Add(90 * time.Second)) {
				t.Errorf("next at %s", at)
			}
			list[0].Remember(noon().Add(time.Minute))
			return errors.Join(err, err2, Put(tx, list[0]), Rebase(tx, noon().Add(time.Minute)))
		})
		update(t, db, func(tx *store.Tx) error {
			h, _, err := Find(tx, ahead.Message, "bob@x.example")
			if want := noon().Add(time.Minute); !h.Since.Equal(want) || !h.Until.Equal(want.Add(time.Hour)) ||
				!h.Remind[0].Equal(want.Add(time.Minute)) {
				t.Errorf("the clock was ahead: %+v", h)
			}
			list, err2 := Due(tx, noon().Add(time.Minute), 10)
			if len(list) != 0 {
				t.Errorf("again: %+v", list)
			}
			return errors.Join(err, err2, End(tx, h, Released, "x", ByAdmin, "", noon()))
		})
		update(t, db, func(tx *store.Tx) error {
			tenants, err := Tenants(tx)
			if !slices.Equal(tenants, []string{"c"}) {
				t.Errorf("%q", tenants)
			}
			early, err2 := Forget(tx, "c", noon(), 10)
			other, err3 := Forget(tx, "d", noon().Add(time.Hour), 10)
			n, err4 := Forget(tx, "c", noon().Add(time.Hour), 10)
			if early != 0 || other != 0 || n != 1 {
				t.Errorf("forgot %d, %d, %d", early, other, n)
			}
			return errors.Join(err, err2, err3, err4)
		})
	})
}

func TestARowThatWasChangedIsShownAndEndsOnlyByAPerson(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	update(t, db, func(tx *store.Tx) error { return errors.Join(Add(tx, kept("c", 0)), Add(tx, kept("c", 1))) })
	update(t, db, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE hold SET data = REPLACE(data, 'boss@', 'evil@') WHERE message = 'c-000000'")
		return err
	})
	update(t, db, func(tx *store.Tx) error {
		list, _, err := List(tx, Filter{Tenant: "c"}, Cursor{}, 10)
		if len(list) != 2 || !list[0].Altered || list[1].Altered {
			t.Fatalf("%+v %v", list, err)
		}
		h := list[0]
		if Put(tx, h) == nil {
			t.Error("what was changed is written as if it were ours")
		}
		if why := WhyOf(h.May(by("evil@c.example"), Approve)); why != WasAltered {
			t.Errorf("%q", why)
		}
		return errors.Join(Quiet(tx, h), End(tx, h, Rejected, "uid:0", ByAdmin, "", noon()))
	})
	update(t, db, func(tx *store.Tx) error {
		list, _, err := List(tx, Filter{}, Cursor{}, 10)
		if len(list) != 1 {
			t.Errorf("%d stay", len(list))
		}
		return err
	})
}

func doors(t *testing.T, key string) *Doors {
	t.Helper()
	d, err := NewDoors([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestACodeBindsOneDeviceToOneMailboxOfOneTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		d := doors(t, "a key of 16 octets")
		update(t, db, func(tx *store.Tx) error {
			made, err := d.NewCode(tx, "c", "Dana@C.example", Asker{Browser: "b"}, noon())
			if err != nil {
				return err
			}
			code := made.Text
			try := func(tenant string, a mail.Address, code string, at time.Time) string {
				cookie, ok, err := d.Bind(tx, tenant, a, Asker{Browser: "b"}, code, "phone", at)
				if err != nil || ok != (cookie != "") {
					t.Fatal(err)
				}
				return cookie
			}
			for _, no := range []string{
				try("d", "dana@c.example", code, noon()), try("c", "lex@c.example", code, noon()),
				try("c", "dana@c.example", code+"1", noon()), try("c", "dana@c.example", code, noon().Add(codeLife)),
			} {
				if no != "" {
					t.Error("bound")
				}
			}
			cookie := try("c", "dana@c.example", " "+code[:3]+" "+code[3:], noon())
			if cookie == "" || try("c", "dana@c.example", code, noon()) != "" {
				t.Error("a code is used once")
			}
			for _, tt := range []struct {
				d      *Doors
				tenant string
				cookie string
				at     time.Time
				ok     bool
			}{
				{d, "c", cookie, noon(), true}, {d, "d", cookie, noon(), false}, {d, "c", cookie + "x", noon(), false},
				{d, "c", "", noon(), false}, {d, "c", cookie, noon().Add(deviceLife), false},
				{doors(t, "another key of 16"), "c", cookie, noon(), false},
			} {
				p, ok, err := tt.d.Known(tx, tt.tenant, tt.cookie, tt.at)
				if want := (Person{Tenant: "c", Address: "dana@c.example", By: ByDevice}); err != nil || ok != tt.ok || ok && !reflect.DeepEqual(p, want) {
					t.Errorf("%s %s: %+v %t %v", tt.tenant, tt.at, p, ok, err)
				}
			}
			other, err := d.Unbind(tx, "d", "dana@c.example", cookie)
			n, err2 := d.Unbind(tx, "c", "Dana@c.example", "")
			if other != 0 || n != 1 {
				t.Errorf("%d and %d were unbound", other, n)
			}
			_, found, err3 := d.Known(tx, "c", cookie, noon())
			if found {
				t.Error("still known")
			}
			return errors.Join(err, err2, err3)
		})
	})
}

func TestCodesAndDevicesAreFew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		d := doors(t, "a key of 16 octets")
		update(t, db, func(tx *store.Tx) error {
			who := Asker{Browser: "b", Linked: true}
			var code Code
			for n := range mostCodes {
				more, err := d.NewCode(tx, "c", "dana@c.example", who, noon().Add(time.Duration(n)*time.Minute))
				if err != nil {
					return fmt.Errorf("code %d: %w", n, err)
				}
				if n > 0 && more.Text != code.Text || more.At == code.At {
					t.Errorf("while it is good, another mail brings another: %+v", more)
				}
				code = more
			}
			if _, err := d.NewCode(tx, "c", "Dana@c.example", who, noon().Add(codesWindow-time.Second)); !errors.Is(err, ErrTooMany) {
				t.Errorf("one more: %v", err)
			}
			if _, err := d.NewCode(tx, "d", "dana@c.example", who, noon()); err != nil {
				t.Errorf("another tenant's are counted: %v", err)
			}
			for range mostTries {
				wrong := string('0'+(code.Text[0]-'0'+1)%10) + code.Text[1:]
				if _, ok, err := d.Bind(tx, "c", "dana@c.example", who, wrong, "", noon()); ok || err != nil {
					t.Errorf("%t %v", ok, err)
				}
			}
			if _, ok, _ := d.Bind(tx, "c", "dana@c.example", who, code.Text, "", noon()); ok {
				t.Error("guessed too often, and yet bound")
			}
			return nil
		})
		update(t, db, func(tx *store.Tx) error {
			var first, last string
			for n := range mostDevices + 2 {
				at := noon().Add(time.Duration(n+2) * time.Hour)
				code, err := d.NewCode(tx, "c", "Lex@c.example", Asker{Browser: "b"}, at)
				if err != nil {
					return err
				}
				cookie, ok, err := d.Bind(tx, "c", "Lex@c.example", Asker{Browser: "b"}, code.Text, strings.Repeat("x", 1000), at)
				if err != nil || !ok {
					return fmt.Errorf("device %d: %t %w", n, ok, err)
				}
				if last = cookie; n == 0 {
					first = cookie
				}
			}
			at := noon().Add(48 * time.Hour)
			_, old, err := d.Known(tx, "c", first, at)
			_, recent, err2 := d.Known(tx, "c", last, at)
			var n, label int64
			err3 := tx.QueryRow("SELECT COUNT(*), MAX(LENGTH(label)) FROM device WHERE address = 'lex@c.example'").Scan(&n, &label)
			if old || !recent || n != mostDevices || label != mostLabel {
				t.Errorf("old %t, recent %t, %d devices, labels of %d", old, recent, n, label)
			}
			return errors.Join(err, err2, err3)
		})
	})
}

func TestATokenIsForOnePurposeAndEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		d := doors(t, "a key of 16 octets")
		update(t, db, func(tx *store.Tx) error {
			want := Token{Purpose: ToSee, Tenant: "c", Message: "m", Address: "dana@c.example", Until: noon().Add(time.Hour)}
			text, err := d.NewToken(tx, want)
			if err != nil {
				return err
			}
			got, ok, err := d.FindToken(tx, strings.ToUpper(text), ToSee, noon())
			if !ok || got != want {
				t.Errorf("%+v", got)
			}
			_, decides, err2 := d.FindToken(tx, text, ToDecide, noon())
			_, late, err3 := d.FindToken(tx, text, ToSee, want.Until)
			if decides || late {
				t.Error("for everything, for good")
			}
			if _, err := d.NewCode(tx, "c", "dana@c.example", Asker{Browser: "b"}, noon()); err != nil {
				return err
			}
			err4 := SweepDoors(tx, noon().Add(40*24*time.Hour))
			var n int
			err5 := tx.QueryRow("SELECT (SELECT COUNT(*) FROM hold_token) + (SELECT COUNT(*) FROM device_code)").Scan(&n)
			if n != 0 {
				t.Errorf("%d rows stay", n)
			}
			return errors.Join(err, err2, err3, err4, err5)
		})
		if _, err := NewDoors([]byte("short")); err == nil {
			t.Error("a key that can be guessed")
		}
	})
}

// decideAll is a decision of tests: every hold ends.
func decideAll(tx *store.Tx) Decider {
	return func(b *Bulk, group []Hold) (list []Fate, err error) {
		for _, h := range group {
			fate := Fate{}
			if _, fate.Err = h.Say(b.Person(), b.Approve, b.Comment, noon()); fate.Err == nil {
				err = errors.Join(err, End(tx, h, Released, b.By, ByAdmin, "", noon()))
			}
			list = append(list, fate)
		}
		return list, err
	}
}

func TestABulkDecisionGoesOnWhereItsLastCommitWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		later := noon().Add(24 * time.Hour)
		update(t, db, func(tx *store.Tx) error {
			for n := range 50 {
				h := kept("c", n)
				if n == 7 {
					h.Sender = "root@c.example"
				}
				if err := errors.Join(Add(tx, h), Add(tx, kept("d", n))); err != nil {
					return err
				}
			}
			return nil
		})
		b := Bulk{
			ID: "b1", Tenant: "c", Filter: Filter{Tenant: "c", Text: "offer"}, By: "uid:0", Address: "root@c.example",
			Rights: Rights{Decide: true}, Begun: later, Approve: true,
		}
		update(t, db, func(tx *store.Tx) error {
			n, err := Preview(tx, b.Filter, b.Person(), true, later)
			if n.Holds != 50 || n.Messages != 50 || n.Octets != 5000 || n.Senders != 11 || n.Domains != 1 || n.More ||
				n.Rules["cards"] != 50 || n.Refused[OwnMail] != 1 || !slices.Equal(n.RuleNames(), []string{"cards"}) {
				t.Errorf("%+v", n)
			}
			b.Total = n.Holds
			foreign, huge := b, b
			foreign.Filter.Tenant, huge.Total = "d", mostBulk+1
			if WhyOf(AddBulk(tx, foreign)) != NotYours || WhyOf(AddBulk(tx, huge)) != NotPossible {
				t.Error("a bulk decision about another tenant's mail, or about any number")
			}
			late := kept("c", 90)
			late.Since = later.Add(time.Second)
			return errors.Join(err, AddBulk(tx, b), Add(tx, late))
		})
		broken := errors.New("the power is gone")
		for n := 0; ; n++ {
			var over bool
			step := func(fail error) error {
				return db.Update(context.Background(), func(tx *store.Tx) (err error) {
					_, over, err = Step(tx, "b1", 8, later, decideAll(tx))
					return errors.Join(err, fail)
				})
			}
			if err := step(broken); !errors.Is(err, broken) {
				t.Fatal(err)
			}
			if err := step(nil); err != nil {
				t.Fatal(err)
			}
			if over {
				break
			}
			if n > 10 {
				t.Fatal("without end")
			}
		}
		update(t, db, func(tx *store.Tx) error {
			b, _, err := FindBulk(tx, "b1")
			if b.Done != 49 || b.Skipped != 1 || b.Whys[OwnMail] != 1 || b.Ended.IsZero() || b.Stopped {
				t.Errorf("%+v", b)
			}
			mine, err2 := pages(t, tx, Filter{Tenant: "c"}, 10)
			others, err3 := pages(t, tx, Filter{Tenant: "d"}, 10)
			if strings.Join(mine, " ") != "c-000007 c-000090" || len(others) != 50 {
				t.Errorf("%q stay, and %d of another tenant", mine, len(others))
			}
			open, err4 := OpenBulks(tx)
			_, over, err5 := Step(tx, "b1", 8, later, nil)
			if len(open) != 0 || !over {
				t.Errorf("%+v %t", open, over)
			}
			return errors.Join(err, err2, err3, err4, err5)
		})
	})
}

func TestOneBulkDecisionAtATimeAndItCanBeStopped(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	update(t, db, func(tx *store.Tx) error {
		of := func(id, tenant string) Bulk {
			return Bulk{ID: id, Tenant: tenant, Filter: Filter{Tenant: tenant}, Total: 5}
		}
		if err := errors.Join(AddBulk(tx, of("b1", "c")), AddBulk(tx, of("b2", "d"))); err != nil {
			return err
		}
		for _, tenant := range []string{"c", ""} {
			if WhyOf(AddBulk(tx, of("b3", tenant))) != NotPossible {
				t.Errorf("a second one of %q", tenant)
			}
		}
		b, err := StopBulk(tx, "b1", noon())
		if !b.Stopped || b.Ended.IsZero() {
			t.Errorf("%+v", b)
		}
		if _, err := StopBulk(tx, "b9", noon()); !errors.Is(err, ErrNoBulk) {
			t.Errorf("%v", err)
		}
		if _, _, err := Step(tx, "b9", 1, noon(), nil); !errors.Is(err, ErrNoBulk) {
			t.Errorf("%v", err)
		}
		return errors.Join(err, AddBulk(tx, of("b4", "c")))
	})
}
