package contact

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, db *store.DB, keys ...string) *History {
	t.Helper()
	var list [][]byte
	for _, k := range keys {
		list = append(list, []byte(k))
	}
	h, err := Open(context.Background(), db, list...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func note(t testing.TB, db *store.DB, h *History, tenant string, at time.Time, pairs ...Pair) {
	t.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) error { return h.Note(tx, tenant, pairs, at) })
	if err != nil {
		t.Fatal(err)
	}
}

func out(mailbox, outside string) Pair {
	return Pair{mail.Address(mailbox), mail.Address(outside), true}
}
func in(mailbox, outside string) Pair {
	return Pair{mail.Address(mailbox), mail.Address(outside), false}
}

func TestWhoHasWrittenToWhom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db, "key")
		ann := out("ann@contoso.example", "bob@fabrikam.example")
		if c := h.Find("contoso", ann); c != (Contact{}) {
			t.Errorf("before anything happened: %+v", c)
		}
		note(t, db, h, "contoso", noon, ann, out("ann@contoso.example", "Bob@Fabrikam.example"))
		note(t, db, h, "contoso", noon.Add(time.Hour), in("Ann@contoso.example", "bob@fabrikam.example"))
		want := Contact{Sent: 1, Got: 1, First: noon, Last: noon.Add(time.Hour)}
		for name, x := range map[string]*History{"in memory": h, "after a start": open(t, db, "key")} {
			if c := x.Find("contoso", ann); c != want {
				t.Errorf("%s: %+v", name, c)
			}
			if c := x.Find("fabrikam", ann); c != (Contact{}) {
				t.Errorf("%s: another tenant knows: %+v", name, c)
			}
			if c := x.Find("contoso", out("ann@contoso.example", "rob@fabrikam.example")); c != (Contact{}) {
				t.Errorf("%s: somebody else is known: %+v", name, c)
			}
		}
	})
}

func TestNothingIsNotedThatWasNotCommitted(t *testing.T) {
	db := storetest.SQLite(t)
	h := open(t, db, "key")
	broken := errors.New("no outcome")
	err := db.Update(context.Background(), func(tx *store.Tx) error {
		return errors.Join(h.Note(tx, "contoso", []Pair{out("a@contoso.example", "b@x.example")}, noon), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if c := h.Find("contoso", out("a@contoso.example", "b@x.example")); c != (Contact{}) {
		t.Errorf("%+v", c)
	}
}

func TestTheStoreHoldsNoAddress(t *testing.T) {
	db := storetest.SQLite(t)
	h := open(t, db, "key")
	note(t, db, h, "contoso", noon, out("ann@contoso.example", "bob@fabrikam.example"))
	err := db.View(context.Background(), func(tx *store.Tx) error {
		for _, table := range []string{"contact", "contact_domain"} {
			rows, err := tx.Query("SELECT * FROM " + table)
			if err != nil {
				return err
			}
			for rows.Next() {
				var c [7]any
				dest := []any{&c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6]}
				if table != "contact" {
					dest = dest[:4]
				}
				if err := rows.Scan(dest...); err != nil {
					return err
				}
				if text := fmt.Sprint(c); strings.Contains(text, "ann") || strings.Contains(text, "bob") {
					t.Error(text)
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := open(t, db, "another").Find("contoso", out("ann@contoso.example", "bob@fabrikam.example")); c != (Contact{}) {
		t.Errorf("it is found without the key: %+v", c)
	}
}

func TestARotatedKeyKeepsTheHistory(t *testing.T) {
	db := storetest.SQLite(t)
	p := out("ann@contoso.example", "bob@fabrikam.example")
	note(t, db, open(t, db, "old"), "contoso", noon, p)
	h := open(t, db, "new", "old")
	if c := h.Find("contoso", p); c.Sent != 1 {
		t.Errorf("%+v", c)
	}
	note(t, db, h, "contoso", noon.Add(time.Hour), p)
	for _, x := range []*History{h, open(t, db, "new")} { // it has moved to the new key
		if c := x.Find("contoso", p); c.Sent != 2 || !c.First.Equal(noon) {
			t.Errorf("%+v", c)
		}
	}
	if n, _ := h.Size("contoso"); n != 1 {
		t.Errorf("%d pairs", n)
	}
}

func TestAHistoryIsForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db, "key")
		err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
			for i := range 20 {
				p := out("ann@contoso.example", fmt.Sprintf("b%d@d%d.example", i, i))
				err = errors.Join(err, h.Note(tx, "contoso", []Pair{p}, noon.Add(time.Duration(i)*time.Hour)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		forget := func(before time.Time, few int) (n int) {
			err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
				n, err = h.Forget(tx, "contoso", before, few)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := forget(noon.Add(5*time.Hour), 3); n != 6 {
			t.Errorf("%d rows in the first round, of pairs and domains", n)
		}
		for forget(noon.Add(5*time.Hour), 3) > 0 {
		}
		if pairs, domains := h.Size("contoso"); pairs != 15 || domains != 15 {
			t.Errorf("%d pairs, %d domains stay", pairs, domains)
		}
		h.most.pairs, h.most.domains = 10, 10 // too many: the oldest go
		note(t, db, h, "contoso", noon, in("ann@contoso.example", "got@only.example"))
		for forget(noon, 100) > 0 {
		}
		again := open(t, db, "key")
		if pairs, domains := again.Size("contoso"); pairs != 10 || domains != 10 {
			t.Errorf("%d pairs, %d domains stay", pairs, domains)
		}
		if c := again.Find("contoso", in("ann@contoso.example", "got@only.example")); c.Got != 0 {
			t.Error("what was only received goes first")
		}
		if c := again.Find("contoso", out("ann@contoso.example", "b19@d19.example")); c.Sent != 1 {
			t.Error("the newest has gone")
		}
	})
}

func TestAnAddressIsErased(t *testing.T) {
	db := storetest.SQLite(t)
	h := open(t, db, "key")
	note(t, db, h, "contoso", noon, out("ann@contoso.example", "bob@x.example"), out("ann@contoso.example", "eve@x.example"),
		out("cid@contoso.example", "bob@x.example"))
	var n int
	erase := func(do func(tx *store.Tx) error) {
		if err := db.Update(context.Background(), do); err != nil {
			t.Fatal(err)
		}
	}
	erase(func(tx *store.Tx) (err error) { n, err = h.Erase(tx, "contoso", "Bob@x.example"); return err })
	for _, x := range []*History{h, open(t, db, "key")} {
		if pairs, _ := x.Size("contoso"); n != 2 || pairs != 1 {
			t.Errorf("%d erased, %d stay", n, pairs)
		}
	}
	erase(func(tx *store.Tx) error { return h.EraseTenant(tx, "contoso") })
	if list := open(t, db, "key").Tenants(); len(list)+len(h.Tenants()) != 0 {
		t.Errorf("%v", list)
	}
}

func TestMailToVeryManyIsNoCorrespondence(t *testing.T) {
	db := storetest.SQLite(t)
	h := open(t, db, "key")
	var pairs []Pair
	for i := range maxNoted + 1 {
		pairs = append(pairs, out("ann@contoso.example", fmt.Sprintf("b%d@x.example", i)))
	}
	note(t, db, h, "contoso", noon, pairs...)
	if n, _ := h.Size("contoso"); n != 0 {
		t.Errorf("%d pairs", n)
	}
	note(t, db, h, "contoso", noon, pairs[1:]...)
	if n, _ := h.Size("contoso"); n != maxNoted {
		t.Errorf("%d pairs", n)
	}
	var none *History
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return none.Note(tx, "contoso", pairs[1:], noon) }); err != nil {
		t.Error(err)
	}
}

func TestDomainsThatLookAlike(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want bool
	}{
		{"fabrikam.example", "fabrlkam.example", true},
		{"fabrikam.example", "fabrikarn.example", true},
		{"fabrikam.example", "fabrikan.example", true},
		{"fabrikam.example", "farbikam.example", true},
		{"fabrikam.example", "fabrikamm.example", true},
		{"fabrikam.example", "fabikam.example", true},
		{"fabrikam.example", "fаbrikam.example", true}, // a Cyrillic letter
		{"fabrikam.example", "xn--fbrikam-2fg.example", true},
		{"contoso.example", "c0ntoso.example", true},
		{"contoso.example", "contóso.example", true},
		{"mail.fabrikam.example", "mail.fabrlkam.example", true},
		{"fabrikam.com", "fabrikam.co", true},
		{"fabrikam.com", "fabrikam.cm", true},
		{"woodgrove.co.uk", "woodgrave.co.uk", true},

		{"fabrikam.example", "fabrikam.example", false},
		{"fabrikam.example", "mail.fabrikam.example", false},
		{"fabrikam.de", "fabrikam.dk", false},
		{"fabrikam.nl", "fabrikam.be", false},
		{"branch1.example", "branch2.example", false},
		{"team10.example", "team1.example", false},
		{"ing.nl", "ind.nl", false},
		{"rabo.nl", "rado.nl", false},
		{"shell.com", "shelf.com", false}, // five letters: too often chance
		{"a.co.uk", "a.ac.uk", false},
		{"fabrikam.example", "contoso.example", false},
		{"fabrikam.example", "fabrikam", false},
		{"fabrikam.info", "fabrlkam.example", false}, // two labels differ
	} {
		for _, pair := range [][2]string{{x.a, x.b}, {x.b, x.a}} {
			if got := alike(unicodeForm(pair[0]), unicodeForm(pair[1])); got != x.want {
				t.Errorf("%s and %s: %v", pair[0], pair[1], got)
			}
		}
	}
}

func TestALookAlikeOfADomainOftenWrittenTo(t *testing.T) {
	db := storetest.SQLite(t)
	h := open(t, db, "key")
	own := []string{"contoso.example"}
	for i := range oftenSent + 20 {
		if got := h.LooksLike("contoso", "fabrlkam.example", own); (got != "") != (i >= oftenSent) {
			t.Errorf("after %d messages: %q", i, got)
		}
		note(t, db, h, "contoso", noon, out("ann@contoso.example", "bob@fabrikam.example"))
	}
	for _, x := range []*History{h, open(t, db, "key")} {
		for name, want := range map[string]string{
			"fabrlkam.example":        "fabrikam.example",
			"FABRIKAM.example":        "",
			"northwind.example":       "",
			"cont0so.example":         "contoso.example",
			"contoso.example":         "",
			"xn--fbrikam-2fg.example": "fabrikam.example",
		} {
			if got := x.LooksLike("contoso", name, own); got != want {
				t.Errorf("%s looks like %q, want %q", name, got, want)
			}
		}
		if got := x.LooksLike("fabrikam", "fabrlkam.example", nil); got != "" {
			t.Errorf("another tenant's partners are told: %q", got)
		}
	}
	for range seldom { // a partner of its own after all
		note(t, db, h, "contoso", noon, out("ann@contoso.example", "bob@fabrlkam.example"))
	}
	if got := h.LooksLike("contoso", "fabrlkam.example", own); got != "" {
		t.Errorf("%q", got)
	}
	var none *History
	if got := none.LooksLike("contoso", "cont0so.example", own); got != "contoso.example" {
		t.Errorf("own domains need no history: %q", got)
	}
}

// TestTheIndexFindsWhatAComparisonFinds holds the index against comparing
// with every domain.
func TestTheIndexFindsWhatAComparisonFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	letters := []rune("aco01lrn2о")
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	x := newIndex()
	var all []string
	for range 600 {
		name := word(6) + ".example"
		all = append(all, name)
		x.add(name)
	}
	hits := 0
	for range 600 {
		name := word(5+r.IntN(3)) + ".example"
		want := false
		for _, o := range all {
			want = want || o != name && alike(name, o)
		}
		if want {
			hits++
		}
		if got := x.find(name, name); (got != "") != want {
			t.Errorf("%s: %q, want %v", name, got, want)
		}
	}
	if hits == 0 {
		t.Error("nothing was alike: the test shows nothing")
	}
	for _, name := range all {
		x.remove(name)
	}
	if len(x.of) != 0 {
		t.Errorf("%d hashes stay", len(x.of))
	}
	if x.add(strings.Repeat("x", maxIndexed+1)); len(x.of) != 0 {
		t.Error("a domain that is too long is indexed")
	}
}

func FuzzLooksLike(f *testing.F) {
	f.Add("fabrikam.example", "fabrlkam.example")
	f.Add("xn--fbrikam-2fg.example", "..")
	f.Fuzz(func(t *testing.T, a, b string) {
		if alike(unicodeForm(a), unicodeForm(b)) != alike(unicodeForm(b), unicodeForm(a)) {
			t.Error("not the same both ways")
		}
		var h *History
		h.LooksLike("t", a, []string{domainKey(b)})
	})
}

func BenchmarkFind(b *testing.B) {
	h := full(b)
	p := out("u7@contoso.example", "x7@d7.example")
	b.ReportAllocs()
	for b.Loop() {
		h.Find("contoso", p)
	}
}

func BenchmarkLooksLike(b *testing.B) {
	h := full(b)
	own := []string{"contoso.example", "contoso.onmicrosoft.com", "contoso-group.example"}
	for _, name := range []string{"northwindtraders.example", "d7.example", "partner-numher-77.example"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.LooksLike("contoso", name, own)
			}
		})
	}
}

// full is a history of 100,000 pairs and 5,000 domains often written to.
func full(b *testing.B) *History {
	h := open(b, storetest.SQLite(b), "key")
	l := h.ledger("contoso")
	for i := range 100_000 {
		p := out(fmt.Sprintf("u%d@contoso.example", i%1000), fmt.Sprintf("x%d@d%d.example", i, i%1000))
		l.pairs[h.keys[0].pair("contoso", p)] = entry{1, 1, 1, 1}
	}
	for i := range 5000 {
		name := fmt.Sprintf("partner-number-%d.example", i)
		l.domains[name] = &domain{sent: 100}
		l.alike.add(name)
	}
	return h
}

// BenchmarkNote is what noting one message to one recipient adds to a group
// of records.
func BenchmarkNote(b *testing.B) {
	db := storetest.SQLite(b)
	h := open(b, db, "key")
	const group = 256
	pairs := make([][]Pair, 4096)
	for i := range pairs {
		pairs[i] = []Pair{out(fmt.Sprintf("u%d@contoso.example", i%50), fmt.Sprintf("x%d@d%d.example", i%2000, i%200))}
	}
	n := 0
	for b.Loop() {
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			for range group {
				if err := h.Note(tx, "contoso", pairs[n%len(pairs)], noon); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
}
