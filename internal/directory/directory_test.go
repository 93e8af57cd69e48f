package directory

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
)

func contoso() Owner {
	return Owner{ID: "contoso", Owns: func(d string) bool { return strings.HasSuffix("."+d, ".contoso.example") }}
}

const head = `{"kind":"directory","version":1,"tenant":"contoso","generated":"2026-11-22T06:00:00Z","source":"test"}` + "\n"

// file is a whole file with these entries.
func file(lines ...string) string {
	return head + strings.Join(lines, "\n") + fmt.Sprintf("\n"+`{"kind":"end","entries":%d}`+"\n", len(lines))
}

func load(t testing.TB, lines ...string) *Directory {
	t.Helper()
	d, bad := Load("test", strings.NewReader(file(lines...)), contoso())
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return d
}

func find(t testing.TB, d *Directory, a string) Entry {
	t.Helper()
	e, ok := d.Find(mail.Address(a))
	if !ok {
		t.Fatalf("%s is not known", a)
	}
	return e
}

func sample(t testing.TB) *Directory {
	return load(t,
		`{"kind":"domain","name":"contoso.example"}`,
		`{"kind":"domain","name":"plant.contoso.example","type":"external-relay"}`,
		`{"kind":"user","id":"u1","address":"eve@contoso.example","aliases":["SMTP:eve@contoso.example","smtp:e.v@contoso.example","X500:/o=x"],"name":"Eve","manager":"u2","department":"Sales","language":"nl","delegates":["u2"]}`,
		`{"kind":"user","id":"u2","address":"boss@contoso.example","name":"Boss","forward":["boss@home.example"]}`,
		`{"kind":"user","id":"u3","address":"gus@fabrikam.example","aliases":["gus_fabrikam.example#EXT#@contoso.example"],"guest":true,"name":"Gus"}`,
		`{"kind":"contact","address":"partner@contoso.example","external":"pat@rival.example","name":"Pat"}`,
		`{"kind":"group","id":"g1","address":"sales@contoso.example","name":"Sales","members":["g2","boss@contoso.example"]}`,
		`{"kind":"group","id":"g2","address":"emea-sales@contoso.example","name":"EMEA-Sales","members":["u1","u3","g1","partner@contoso.example","x@rival.example"]}`,
		`{"kind":"group","id":"g3","address":"all@contoso.example","name":"All","type":"dynamic"}`,
		`{"kind":"group","id":"g4","address":"top@contoso.example","name":"Top","members":["g3"],"moderated":true,"hidden":true}`,
	)
}

func TestWhoIsWho(t *testing.T) {
	d := sample(t)
	eve := find(t, d, "E.V@Contoso.Example")
	boss, ok := eve.Manager()
	if !ok || boss.Address() != "boss@contoso.example" || eve.Name() != "Eve" || eve.Department() != "Sales" ||
		eve.Language() != "nl" || len(eve.Delegates()) != 1 {
		t.Errorf("eve is not who she is: %v %v", boss.Label(), eve.Delegates())
	}
	if !boss.Leaks() || eve.Leaks() {
		t.Error("only the boss's mail is forwarded outside")
	}
	if _, ok := d.Find("nobody@contoso.example"); ok {
		t.Error("nobody is known")
	}
	top := find(t, d, "top@contoso.example")
	if !top.Moderated() || !top.Hidden() || top.Type() != "distribution" {
		t.Error("the group has lost what it is")
	}
	if s := d.Size(); s != (Size{Users: 3, Groups: 4, Contacts: 1, Outside: 1, Incomplete: 2}) {
		t.Errorf("size: %+v", s)
	}
}

func TestInsideIsDomainAndDirectory(t *testing.T) {
	d := sample(t)
	for a, want := range map[string]bool{
		"eve@contoso.example":                       true,
		"sales@contoso.example":                     true,
		"not-known-yet@contoso.example":             true,  // people come sooner than directories
		"partner@contoso.example":                   false, // a contact: its mail leaves
		"gus@fabrikam.example":                      false,
		"gus_fabrikam.example#EXT#@contoso.example": false, // a guest has no mailbox here
		"x@rival.example":                           false,
		"machine@plant.contoso.example":             false, // Exchange only relays this domain
		"":                                          false,
		"bob@fabrikam.example":                      false,
	} {
		if got := d.Inside(mail.Address(a)); got != want {
			t.Errorf("%q inside: %v, want %v", a, got, want)
		}
	}
}

func TestTheWayIntoAGroupIsTold(t *testing.T) {
	d := sample(t)
	sales := find(t, d, "sales@contoso.example")
	for a, want := range map[string]string{
		"eve@contoso.example":        "Eve is in Sales via EMEA-Sales",
		"boss@contoso.example":       "Boss is in Sales",
		"pat@rival.example":          "Pat is in Sales via EMEA-Sales",
		"emea-sales@contoso.example": "EMEA-Sales is in Sales",
		"sales@contoso.example":      "Sales is in Sales",
		"top@contoso.example":        "",
	} {
		if got := find(t, d, a).Words(sales); got != want {
			t.Errorf("%s: %q, want %q", a, got, want)
		}
	}
}

func TestWhoGetsMailToAGroupIsCounted(t *testing.T) {
	d := sample(t)
	c := find(t, d, "sales@contoso.example").Count()
	if got := c.String(); got != "5 people, 3 outside, among them 2 at rival.example, 1 at fabrikam.example" {
		t.Error(got)
	}
	if got := find(t, d, "top@contoso.example").Count().String(); got != "at least 0 people, nobody outside" {
		t.Error(got)
	}
	members := find(t, d, "sales@contoso.example").Expand()
	if len(members) != 5 || members[0].Entry.Name() != "Boss" || len(members[0].Via) != 0 {
		t.Errorf("%+v", members)
	}
}

func TestAContactAndAGuestAreOnePerson(t *testing.T) {
	d := load(t,
		`{"kind":"user","address":"gus@fabrikam.example","guest":true}`,
		`{"kind":"contact","address":"gus@contoso.example","external":"gus@fabrikam.example"}`,
		`{"kind":"group","address":"a@contoso.example","members":["gus@contoso.example"]}`,
		`{"kind":"group","address":"b@contoso.example","members":["gus@fabrikam.example","a@contoso.example"]}`,
	)
	for _, who := range []string{"gus@fabrikam.example", "gus@contoso.example"} {
		for _, g := range []string{"a@contoso.example", "b@contoso.example"} {
			if !find(t, d, who).In(find(t, d, g)) {
				t.Errorf("%s is not in %s", who, g)
			}
		}
	}
	if c := find(t, d, "b@contoso.example").Count(); c.People != 1 || c.Outside != 1 {
		t.Errorf("one person is counted as %+v", c)
	}
}

func TestAnUnknownMemberLeavesTheGroupIncomplete(t *testing.T) {
	d := load(t,
		`{"kind":"user","id":"u1","address":"eve@contoso.example"}`,
		`{"kind":"group","address":"a@contoso.example","members":["u1","a-device"]}`,
		`{"kind":"group","address":"b@contoso.example","members":["a@contoso.example"]}`,
		`{"kind":"group","address":"c@contoso.example","members":[]}`,
	)
	for a, want := range map[string]bool{"a@contoso.example": false, "b@contoso.example": false, "c@contoso.example": true} {
		if got := find(t, d, a).Whole(); got != want {
			t.Errorf("%s whole: %v", a, got)
		}
	}
	if d.Unresolved != 1 {
		t.Errorf("%d references lead nowhere", d.Unresolved)
	}
}

func TestBrokenFilesAreRefusedWithTheirPlace(t *testing.T) {
	eve := `{"kind":"user","address":"eve@contoso.example"}`
	for name, x := range map[string]struct{ text, want string }{
		"empty":            {"", "the file is empty"},
		"cut off":          {head + eve + "\n", "it was cut off"},
		"cut in a line":    {head + eve[:20], "this is no entry"},
		"another count":    {head + eve + "\n" + `{"kind":"end","entries":2}`, "counts other entries than the 1"},
		"another tenant":   {strings.Replace(file(eve), `"contoso"`, `"fabrikam"`, 1), `directory of tenant "fabrikam", not of "contoso"`},
		"no head":          {eve + "\n", "the first line must be the head"},
		"two heads":        {file(strings.TrimSpace(head)), "a second head"},
		"a newer form":     {strings.Replace(file(eve), `"version":1`, `"version":9`, 1), "version 9 of the form is not known"},
		"no time":          {strings.Replace(file(eve), `"generated":"2026-11-22T06:00:00Z",`, "", 1), "generated is missing"},
		"from the future":  {strings.Replace(file(eve), "2026-11-22", "2226-11-22", 1), "lies in the future"},
		"unknown field":    {file(`{"kind":"user","adress":"eve@contoso.example"}`), `did you mean "address"?`},
		"unknown kind":     {file(`{"kind":"usr","address":"eve@contoso.example"}`), `did you mean "user"?`},
		"foreign field":    {file(`{"kind":"user","address":"eve@contoso.example","members":[]}`), `a user has no field "members"`},
		"no address":       {file(`{"kind":"user","address":"eve at contoso"}`), "what stands under address is not an address"},
		"nameless":         {file(`{"kind":"group","members":[]}`), "a group needs an address or an id"},
		"same address":     {file(eve, `{"kind":"group","address":"x@contoso.example","aliases":["eve@contoso.example"]}`), "test:3:1: an alias of this group belongs to the entry on line 2"},
		"same id":          {file(`{"kind":"user","id":"A"}`, `{"kind":"user","id":"a"}`), "belongs to the entry on line 2 already"},
		"contact nowhere":  {file(`{"kind":"contact","address":"x@contoso.example"}`), "a contact needs external"},
		"type of a group":  {file(`{"kind":"group","address":"x@contoso.example","type":"dynamc"}`), `did you mean "dynamic"?`},
		"type of a domain": {file(`{"kind":"domain","name":"x.example","type":"relay"}`), "is no type of a domain"},
		"after the end":    {file(eve) + eve, "after the end"},
		"two on a line":    {file(eve + eve), "more than one object"},
		"a long text":      {file(`{"kind":"user","id":"u","name":"` + strings.Repeat("x", 2000) + `"}`), "a text is longer than 1024 octets"},
	} {
		t.Run(name, func(t *testing.T) {
			d, bad := Load("test", strings.NewReader(x.text), contoso())
			if d != nil || !strings.Contains(bad.Error(), x.want) {
				t.Errorf("got %v, want %q", bad, x.want)
			}
		})
	}
}

func scanned(text string, most bounds) string {
	return scan("test", strings.NewReader(text), most, func(int, *Line) {}).Error()
}

func TestALineThatIsTooLongIsRefused(t *testing.T) {
	text := file(`{"kind":"user","id":"` + strings.Repeat("x", 500) + `"}`)
	if got := scanned(text, bounds{400, 10}); !strings.Contains(got, "test:2:1: the line is longer than 400 octets") {
		t.Error(got)
	}
}

func TestTooManyEntriesAreRefused(t *testing.T) {
	text := file(`{"kind":"user","id":"a"}`, `{"kind":"user","id":"b"}`, `{"kind":"user","id":"c"}`)
	if got := scanned(text, bounds{1000, 2}); !strings.Contains(got, "more than 2 entries") {
		t.Error(got)
	}
}

func TestAFileThatIsTooLongIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(maxFile+1), f.Close()); err != nil {
		t.Skip("SKIPPED: no sparse files here:", err)
	}
	if _, bad := ReadFile(path, contoso()); len(bad) != 1 || !strings.Contains(bad[0].Text, "no file of at most") {
		t.Error(bad)
	}
}

func TestManyMistakesAreToldUpToABound(t *testing.T) {
	var lines []string
	for range 50 {
		lines = append(lines, `{"kind":"group"}`)
	}
	if _, bad := Load("test", strings.NewReader(file(lines...)), contoso()); len(bad) != maxMistakes {
		t.Errorf("%d mistakes", len(bad))
	}
}

// TestMembershipsEqualAWalk compares memberships, ways, expansions and counts
// of random directories, with circles, with a plain walk.
func TestMembershipsEqualAWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		users, groups := 1+r.IntN(25), 1+r.IntN(40)
		names := make([]string, 0, users+groups)
		for i := range users {
			domain := "contoso.example"
			if r.IntN(3) == 0 {
				domain = fmt.Sprintf("d%d.example", r.IntN(3))
			}
			names = append(names, fmt.Sprintf("u%d@%s", i, domain))
		}
		for i := range groups {
			names = append(names, fmt.Sprintf("g%d@contoso.example", i))
		}
		members := map[string][]string{}
		var lines []string
		for _, n := range names[:users] {
			lines = append(lines, fmt.Sprintf(`{"kind":"user","address":%q}`, n))
		}
		for _, g := range names[users:] {
			var in []string
			for range r.IntN(5) {
				in = append(in, names[r.IntN(len(names))])
			}
			members[g] = in
			quoted := make([]string, len(in))
			for i, m := range in {
				quoted[i] = fmt.Sprintf("%q", m)
			}
			lines = append(lines, fmt.Sprintf(`{"kind":"group","address":%q,"members":[%s]}`, g, strings.Join(quoted, ",")))
		}
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		d := load(t, lines...)
		for _, g := range names[users:] {
			compare(t, d, members, names, g)
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}

// compare holds one group against a walk through the lists of members.
func compare(t *testing.T, d *Directory, members map[string][]string, names []string, g string) {
	t.Helper()
	reached := map[string]int{g: 0} // steps
	for line := []string{g}; len(line) > 0; line = line[1:] {
		for _, m := range members[line[0]] {
			if _, seen := reached[m]; !seen {
				reached[m] = reached[line[0]] + 1
				line = append(line, m)
			}
		}
	}
	group := find(t, d, g)
	people, outside := 0, 0
	for _, n := range names {
		steps, in := reached[n]
		e := find(t, d, n)
		if e.In(group) != in || slices.Contains(e.Within(), group) != in {
			t.Errorf("%s in %s: %v, want %v", n, g, e.In(group), in)
		}
		path := e.Path(group)
		if want := max(steps, 1); in && len(path) != want || !in && path != nil {
			t.Errorf("%s to %s takes %d steps, want %d", n, g, len(path), want)
		}
		at := n
		for _, p := range path {
			if at != g && !slices.Contains(members[string(p.Address())], at) {
				t.Errorf("%s to %s: %s does not name %s", n, g, p.Label(), at)
			}
			at = string(p.Address())
		}
		if in && e.Kind() == User {
			people++
			if !strings.HasSuffix(n, "@contoso.example") {
				outside++
			}
		}
	}
	if c := group.Count(); c.People != people || c.Outside != outside || !c.Whole {
		t.Errorf("%s counts %+v, want %d people, %d outside", g, c, people, outside)
	}
	if list := group.Expand(); len(list) != people {
		t.Errorf("%s expands to %d, want %d", g, len(list), people)
	}
}

func TestALongChainAndATangleEndWell(t *testing.T) {
	var lines []string
	const n = 3000
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"kind":"group","id":"g%d","members":["g%d"]}`, i, (i+1)%n))
	}
	d := load(t, lines...) // one circle of 3,000
	if got := len(d.Groups()[0].Within()); got != n {
		t.Errorf("%d groups in the circle", got)
	}
	lines[n-1] = fmt.Sprintf(`{"kind":"group","id":"g%d","members":[]}`, n-1)
	d = load(t, lines...)
	if got := len(d.Groups()[n-1].Path(d.Groups()[0])); got != n-1 {
		t.Errorf("the way is %d groups long", got)
	}
	if err := d.close(1000); err == nil || !strings.Contains(err.Error(), "more than 1000 octets") {
		t.Errorf("no bound: %v", err)
	}
}

func TestAnUnknownTenantHasNoDirectory(t *testing.T) {
	var r Registry
	if r.Of("contoso") != nil || len(r.States()) != 0 {
		t.Error("something is there")
	}
	var none *Registry
	if none.Of("contoso") != nil {
		t.Error("something is there")
	}
}

// shelf is a registry over files.
type shelf struct {
	*Registry
	dir string
}

func newShelf(t *testing.T) shelf {
	data, err := durable.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return shelf{&Registry{Kept: data}, t.TempDir()}
}

func (s shelf) write(t *testing.T, tenant, text string) Source {
	t.Helper()
	path := filepath.Join(s.dir, tenant)
	if err := os.WriteFile(path, []byte(strings.Replace(text, "contoso", tenant, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	o := contoso()
	o.ID = tenant
	return Source{Owner: o, File: path}
}

func (s shelf) use(t *testing.T, list ...Source) []string {
	t.Helper()
	p, bad := s.Prepare(list)
	if err := s.Use(p); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range bad {
		texts = append(texts, m.Text)
	}
	return texts
}

func TestAChangedFileIsInForceAfterTwoLooks(t *testing.T) {
	s := newShelf(t)
	src := s.write(t, "contoso", file(`{"kind":"user","address":"eve@contoso.example"}`))
	s.use(t, src)
	if changed, _ := s.Watch(); len(changed) != 0 {
		t.Error("nothing has changed")
	}
	s.write(t, "contoso", file(`{"kind":"user","address":"eve@contoso.example"}`, `{"kind":"user","address":"ann@contoso.example"}`))
	if changed, _ := s.Watch(); len(changed) != 0 {
		t.Error("a file that somebody writes was read")
	}
	if changed, err := s.Watch(); len(changed) != 1 || err != nil {
		t.Error("the change was not seen", err)
	}
	if _, ok := s.Of("contoso").Find("ann@contoso.example"); !ok {
		t.Error("ann is not known")
	}
}

func TestABrokenFileKeepsTheDirectoryBefore(t *testing.T) {
	s := newShelf(t)
	good := file(`{"kind":"user","address":"eve@contoso.example"}`)
	src := s.write(t, "contoso", good)
	s.use(t, src)
	s.write(t, "contoso", good[:len(good)-20])
	s.Watch()
	changed, _ := s.Watch()
	if len(changed) != 1 || len(changed[0].Mistakes) == 0 || changed[0].Directory == nil {
		t.Fatalf("%+v", changed)
	}
	if changed, _ := s.Watch(); len(changed) != 0 {
		t.Error("the same mistake is told twice")
	}
	again := shelf{&Registry{Kept: s.Kept}, s.dir} // a start with the broken file
	if bad := again.use(t, src); len(bad) != 1 || again.Of("contoso") == nil {
		t.Errorf("the last good directory is lost: %v", bad)
	}
	s.write(t, "contoso", good)
	s.Watch()
	if changed, _ := s.Watch(); len(changed) != 1 || len(changed[0].Mistakes) != 0 {
		t.Errorf("a mended file is not read: %+v", changed)
	}
	gone := shelf{&Registry{Kept: s.Kept}, s.dir}
	gone.use(t) // the tenant has no directory any more
	if names, _ := s.Kept.Names(); len(names) != 0 {
		t.Errorf("copies of nobody stay: %v", names)
	}
}

func TestNoTenantAnswersForAnother(t *testing.T) {
	s := newShelf(t)
	a := s.write(t, "contoso", file(`{"kind":"user","address":"eve@contoso.example"}`))
	b := s.write(t, "fabrikam", file(`{"kind":"user","address":"bob@fabrikam.example"}`))
	s.use(t, a, b)
	if _, ok := s.Of("fabrikam").Find("eve@contoso.example"); ok {
		t.Error("fabrikam knows eve")
	}
	if _, ok := s.Of("contoso").Find("bob@fabrikam.example"); ok {
		t.Error("contoso knows bob")
	}
	x, _ := s.Of("contoso").Find("eve@contoso.example")
	other := load(t, `{"kind":"group","address":"g@contoso.example","members":["eve@contoso.example"]}`)
	if g, _ := other.Find("g@contoso.example"); x.In(g) || x.Path(g) != nil {
		t.Error("an entry is in a group of another directory")
	}
	b.File = a.File // somebody points a tenant at another's file
	if bad := s.use(t, a, b); len(bad) != 1 || !strings.Contains(bad[0], `not of "fabrikam"`) {
		t.Errorf("another tenant's file is read: %v", bad)
	}
	if _, ok := s.Of("fabrikam").Find("eve@contoso.example"); ok {
		t.Error("fabrikam knows eve")
	}
}

func TestADirectoryGetsOld(t *testing.T) {
	d := sample(t)
	now := d.Generated.Add(73 * time.Hour)
	if d.Stale(now) || !d.Usable(now) {
		t.Error("without a limit nothing is too old")
	}
	d.owner.Stale = 72 * time.Hour
	if !d.Stale(now) || !d.Usable(now) || d.Stale(d.Generated) {
		t.Error("old directories are used unless the tenant is strict")
	}
	d.owner.Strict = true
	if d.Usable(now) || !d.Usable(d.Generated) {
		t.Error("a strict tenant wants to know nothing then")
	}
	var nothing *Directory
	if nothing.Usable(now) {
		t.Error("no directory is usable")
	}
}

func TestTablesOfExchangeAreImported(t *testing.T) {
	const table = "\ufeffRecipientTypeDetails,PrimarySmtpAddress,EmailAddresses,DisplayName,Department,Manager,ExternalEmailAddress,Members\n" +
		"UserMailbox,eve@contoso.example,SMTP:eve@contoso.example|smtp:e@contoso.example,Eve,Sales,boss@contoso.example,,\n" +
		"UserMailbox,boss@contoso.example,,Boss,,,,\n" +
		"MailContact,pat@contoso.example,,Pat,,,SMTP:pat@rival.example,\n" +
		"MailUniversalDistributionGroup,sales@contoso.example,,Sales,,,,eve@contoso.example;pat@contoso.example\n" +
		"DynamicDistributionGroup,all@contoso.example,,All,,,,\n" +
		",,,,,,,\n"
	var out strings.Builder
	err := Write(&out, Line{Tenant: "contoso", Generated: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}, func(yield func(Line) error) error {
		return Import(strings.NewReader(table), yield)
	})
	if err != nil {
		t.Fatal(err)
	}
	d, bad := Load("test", strings.NewReader(out.String()), contoso())
	if len(bad) > 0 {
		t.Fatal(bad, out.String())
	}
	if s := d.Size(); s != (Size{Users: 2, Groups: 2, Contacts: 1, Incomplete: 1}) {
		t.Errorf("%+v", s)
	}
	if got := find(t, d, "sales@contoso.example").Count().String(); got != "2 people, 1 outside, among them 1 at rival.example" {
		t.Error(got)
	}
	if m, ok := find(t, d, "e@contoso.example").Manager(); !ok || m.Name() != "Boss" {
		t.Error("eve has no manager")
	}
	if err := Import(strings.NewReader("a,b\n1,2\n"), func(Line) error { return nil }); err == nil {
		t.Error("a table without addresses is taken")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(file(`{"kind":"user","address":"eve@contoso.example","manager":"eve@contoso.example"}`))
	f.Add(file(`{"kind":"group","id":"a","members":["b"]}`, `{"kind":"group","id":"b","members":["a","x@y.example"]}`))
	f.Add(head + `{"kind":"end","entries":0}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, bad := Load("fuzz", strings.NewReader(text), contoso())
		if (d == nil) == (len(bad) == 0) {
			t.Fatal("neither a directory nor a mistake")
		}
		if d == nil {
			return
		}
		for _, g := range d.Groups() {
			g.Count()
			for _, m := range g.Expand() {
				if !m.Entry.In(g) || m.Entry.Path(g) == nil {
					t.Fatal("a member is not in its group")
				}
			}
		}
	})
}
