package quarantine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// Somebody asks for codes in the name of another, from one network and from
// many: the mailbox gets few, and its owner gets in all the same, by a link or
// from where he was before.
func TestNobodyLocksAPersonOutByAskingForHisCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		d := doors(t, "a key of 16 octets")
		const dana = mail.Address("dana@c.example")
		office := Asker{Browser: "hers", Network: "192.0.2.1/32"}
		ask := func(tx *store.Tx, who Asker, at time.Time) Code {
			c, err := d.NewCode(tx, "c", dana, who, at)
			if err != nil && !errors.Is(err, ErrTooMany) {
				t.Fatal(err)
			}
			return c
		}
		update(t, db, func(tx *store.Tx) error { // she was here last week
			c := ask(tx, office, noon().Add(-7*24*time.Hour))
			_, ok, err := d.Bind(tx, "c", dana, office, c.Text, "", noon().Add(-7*24*time.Hour))
			if !ok {
				t.Error("she does not get in")
			}
			return err
		})
		update(t, db, func(tx *store.Tx) error {
			sent := 0
			for n := range 50 { // one attacker, who forgets his cookies
				if ask(tx, Asker{Browser: fmt.Sprint(n), Network: "203.0.113.7/32"}, noon()).Text != "" {
					sent++
				}
			}
			if sent != mostOfOne {
				t.Errorf("%d mails from one network", sent)
			}
			if ask(tx, Asker{Browser: "a phone", Network: "198.51.100.1/32"}, noon()).Text == "" {
				t.Error("one network locks out who asks from another")
			}
			for n := range 50 { // and a thousand machines
				if ask(tx, Asker{Browser: fmt.Sprint("x", n), Network: fmt.Sprintf("203.0.113.%d/32", n)}, noon()).Text != "" {
					sent++
				}
			}
			if sent+1 != mostStrange {
				t.Errorf("%d mails from all of them", sent+1)
			}
			for name, who := range map[string]Asker{
				"by a link":       {Browser: "link", Linked: true, Network: "203.0.113.7/32"},
				"from her office": {Browser: "new", Network: office.Network},
			} {
				got := 0
				for range 2 * mostCodes {
					if c := ask(tx, who, noon()); c.Text != "" {
						got++
					}
				}
				if got != mostCodes {
					t.Errorf("%s: %d mails", name, got)
				}
				c, found, err := lastCode(tx, "c", string(dana), d.hash("browser", who.Browser))
				if err != nil || !found {
					t.Fatal(err)
				}
				code, _, err := d.CodeAt(tx, "c", dana, c.at, noon())
				if err != nil {
					return err
				}
				if _, ok, err := d.Bind(tx, "c", dana, who, code, "", noon()); !ok || err != nil {
					t.Errorf("%s: she is locked out: %v", name, err)
				}
			}
			return nil
		})
	})
}

// A mail about a code waits in the store: the code that it brings is the one
// that binds, as long as it does; and no row has it.
func TestACodeIsFoundByItsRowWhileItIsGood(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		d := doors(t, "a key of 16 octets")
		who := Asker{Browser: "b", Linked: true}
		update(t, db, func(tx *store.Tx) error {
			c, err := d.NewCode(tx, "c", "dana@c.example", who, noon())
			if err != nil {
				return err
			}
			at := func(d *Doors, a mail.Address, now time.Time) string {
				code, late, err := d.CodeAt(tx, "c", a, c.At, now)
				if err != nil || late && code != "" {
					t.Error(late, err)
				}
				return code
			}
			if got := at(d, "Dana@c.example", noon().Add(codeLife-time.Second)); got != c.Text || len(got) != 6 {
				t.Errorf("%q, want %q", got, c.Text)
			}
			for name, got := range map[string]string{
				"too late":          at(d, "dana@c.example", noon().Add(codeLife)),
				"for somebody else": at(d, "lex@c.example", noon()),
				"without the key":   at(doors(t, "another key of 16"), "dana@c.example", noon()),
			} {
				if got != "" {
					t.Errorf("%s: %q", name, got)
				}
			}
			again, err := d.NewCode(tx, "c", "dana@c.example", who, noon().Add(time.Minute))
			if err != nil || again.Text != c.Text || at(d, "dana@c.example", noon()) != "" {
				t.Error("two mails bring a code at once, or another one", err)
			}
			later, err := d.NewCode(tx, "c", "dana@c.example", who, noon().Add(codeLife-time.Minute))
			if err != nil || later.Text == c.Text {
				t.Error("a code that is nearly over is sent again", err)
			}
			if _, ok, err := d.Bind(tx, "c", "dana@c.example", who, later.Text, "", noon().Add(codeLife+time.Minute)); !ok || err != nil {
				t.Error("it does not bind", err)
			}
			return nil
		})
	})
}
