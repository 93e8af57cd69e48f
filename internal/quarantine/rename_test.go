package quarantine

import (
	"errors"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// Somebody's primary address changes while his mail waits, or mail that he
// decides about: by marriage, or because a domain is given up.
func TestWhoGetsAnotherAddressStaysWhoHeIs(t *testing.T) {
	now := noon()
	as := func(primary mail.Address, also ...mail.Address) Person {
		return Person{Tenant: "c", Address: primary, Also: append(also, primary), By: ByDevice}
	}
	hold := func() Hold {
		return Hold{
			Message: "m", Tenant: "c", Sender: "ann@c.example", Own: []mail.Address{"ann@c.example"}, Recipient: "bob@x.example", Of: 2,
			Panel: Panel{Seats: []mail.Address{"boss@c.example", "dan@c.example", "eva@c.example"}},
		}
	}
	was, is := as("boss@c.example"), as("chief@c.example", "boss@c.example")
	h := hold()
	if s, err := h.Say(is, true, "", now); s != Open || err != nil {
		t.Errorf("with the new address: %v, %v", s, err)
	}
	if len(h.Silent()) != 2 {
		t.Errorf("%v have said nothing", h.Silent())
	}
	h = hold()
	if s, err := h.Say(was, true, "", now); s != Open || err != nil {
		t.Fatal(s, err)
	}
	if s, err := h.Say(is, true, "", now); WhyOf(err) != SaidAlready {
		t.Errorf("one person has two voices: %v, %v", s, err)
	}
	admin := is
	admin.By, admin.Rights = ByAdmin, Rights{Metadata: true, Decide: true}
	if _, err := h.Say(admin, true, "", now); WhyOf(err) != SaidAlready {
		t.Errorf("as an administrator: %v", err)
	}
	h = hold()
	ann := as("ann.new@c.example", "ann@c.example")
	ann.By, ann.Rights = ByAdmin, Rights{Metadata: true, Decide: true}
	if err := h.May(ann, Approve); WhyOf(err) != OwnMail {
		t.Errorf("the sender decides about his own mail: %v", err)
	}
	if err := h.May(as("ann.new@c.example", "ann@c.example"), Cancel); err != nil {
		t.Errorf("the sender: %v", err)
	}
	if depth, as, err := h.Shows(as("ann.new@c.example", "ann@c.example")); depth != Whole || as != AsSender {
		t.Errorf("%s %s %v", depth, as, err)
	}
	if err := h.Change(is, HandOn, "", "fay@c.example", now); err != nil || same(h.Panel.Seats, "boss@c.example") || len(h.Panel.Seats) != 3 {
		t.Errorf("%v %v", h.Panel.Seats, err)
	}
	if err := h.May(as("eve@c.example", "else@c.example"), Approve); WhyOf(err) != NotYours {
		t.Errorf("somebody else: %v", err)
	}
}

// A clock that was ahead, or is set back, keeps nobody from getting in by a
// code.
func TestACodeWorksAfterTheClockWasSetBack(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	d, err := NewDoors(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	const boss = mail.Address("boss@c.example")
	ahead := noon().Add(90 * 24 * time.Hour)
	code := func(browser string, now time.Time) (code Code) {
		t.Helper()
		update(t, db, func(tx *store.Tx) (err error) {
			code, err = d.NewCode(tx, "c", boss, Asker{Browser: browser, Linked: true}, now)
			return err
		})
		return code
	}
	for range mostCodes {
		code("b1", ahead)
	}
	for _, back := range []time.Duration{0, 5 * time.Minute} {
		now := noon().Add(-back)
		c := code("b1", now)
		update(t, db, func(tx *store.Tx) error {
			_, ok, err := d.Bind(tx, "c", boss, Asker{Browser: "b1"}, c.Text, "phone", now)
			if !ok {
				t.Errorf("set back by %s: the code does not work", back)
			}
			if again, twice, err2 := d.Bind(tx, "c", boss, Asker{Browser: "b1"}, c.Text, "phone", now); twice || again != "" || err2 != nil {
				t.Errorf("a code works twice: %v", err2)
			}
			return err
		})
	}
}

// The id of a bulk decision is what its caller says. One of somebody else's is
// neither shown nor taken for his.
func TestTheIDOfABulkDecisionIsNobodyElses(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	update(t, db, func(tx *store.Tx) error { return errors.Join(Add(tx, kept("c", 0)), Add(tx, kept("d", 0))) })
	rights := Rights{Metadata: true, Decide: true}
	desk := &Desk{DB: db, Roles: Roles{
		{Name: "c", UIDs: []uint32{1}, Tenants: []string{"c"}, Rights: rights}, {Name: "d", UIDs: []uint32{2}, Tenants: []string{"d"}, Rights: rights},
	}}
	begin := func(uid uint32, approve bool) (Bulk, error) {
		return desk.Begin(t.Context(), Caller{UID: uid}, "b1", Filter{}, approve, "to the point", 0)
	}
	for range 2 { // asking twice is no error
		if b, err := begin(1, true); err != nil || b.Tenant != "c" || b.Total != 1 {
			t.Fatalf("%+v %v", b, err)
		}
	}
	if b, err := begin(2, true); WhyOf(err) != NotPossible || b.Tenant == "c" {
		t.Errorf("of another tenant: %+v %v", b, err)
	}
	if b, err := begin(1, false); WhyOf(err) != NotPossible {
		t.Errorf("the other way round: %+v %v", b, err)
	}
}
