package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// directoryOf is the directory of contoso.example with these entries.
func directoryOf(t testing.TB, lines ...string) *directory.Directory {
	t.Helper()
	text := `{"kind":"directory","version":1,"tenant":"contoso","generated":"2026-11-22T06:00:00Z"}` + "\n" +
		strings.Join(lines, "\n") + fmt.Sprintf("\n"+`{"kind":"end","entries":%d}`, len(lines))
	owner := directory.Owner{ID: "contoso", Owns: func(d string) bool { return d == "contoso.example" }, Stale: 72 * time.Hour, Strict: true}
	d, bad := directory.Load("test", strings.NewReader(text), owner)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return d
}

// policiesAsking is a set whose rules ask for these groups.
func policiesAsking(t testing.TB, groups ...string) *policy.Set {
	t.Helper()
	var b strings.Builder
	for i, g := range groups {
		fmt.Fprintf(&b, "kind: policy\nid: p%d\nmode: log\nwhen: recipient.member(%q)\nthen: log\n---\n", i, g)
	}
	set, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(b.String())}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func sampleDirectory(t *testing.T) *directory.Directory {
	return directoryOf(t,
		`{"kind":"user","id":"u1","address":"ann@contoso.example","aliases":["a.visser@contoso.example"],"name":"Ann","manager":"u2","department":"Sales"}`,
		`{"kind":"user","id":"u2","address":"boss@contoso.example","forward":["boss@home.example"]}`,
		`{"kind":"user","address":"gus@fabrikam.example","guest":true}`,
		`{"kind":"contact","address":"pat@contoso.example","external":"pat@rival.example","name":"Pat"}`,
		`{"kind":"group","id":"g1","address":"sales@contoso.example","name":"Sales","members":["g2","u2"]}`,
		`{"kind":"group","id":"g2","address":"emea@contoso.example","name":"EMEA","members":["u1","g1","pat@contoso.example","gus@fabrikam.example"]}`,
		`{"kind":"group","address":"all@contoso.example","type":"dynamic"}`,
	)
}

func factsWith(t *testing.T, who *directory.Directory, set *policy.Set, now time.Time, head string, to ...string) policy.Facts {
	t.Helper()
	b := mail.Bytes(head + "\r\n\r\nx")
	e := mail.Envelope{From: "ann@contoso.example"}
	for _, a := range to {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(a)})
	}
	s := subject{tenant: &tenant.Tenant{ID: "contoso", Domains: []string{"contoso.example"}, Policies: set}, who: who, dir: mail.Out,
		header: mail.ParseHeader(b), body: b, envelope: e}
	return factsOf(s, judgment{message: mail.Parse(b, mail.Limits{})}, now)
}

var morning = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestFactsSayWhoEverybodyIs(t *testing.T) {
	f := factsWith(t, sampleDirectory(t), policiesAsking(t, "sales@contoso.example", "all@contoso.example", "gone@contoso.example"), morning,
		"From: a.visser@contoso.example\r\nTo: sales@contoso.example, Pat@contoso.example",
		"boss@contoso.example", "pat@rival.example", "gus@fabrikam.example", "sales@contoso.example", "x@northwind.example")
	want := []string{
		"boss@contoso.example inside to via sales@contoso.example of 1/0 leaks",
		"pat@rival.example outside to of 1/1",
		"gus@fabrikam.example outside to via sales@contoso.example of 1/1 guest",
		"sales@contoso.example inside to of 4/2",
		"x@northwind.example outside bcc of 1/1",
	}
	var got []string
	for _, r := range f.Recipients {
		line := string(r.Address) + " outside "
		if r.Inside {
			line = string(r.Address) + " inside "
		}
		line += string(r.Role)
		if r.Expanded != "" {
			line += " via " + r.Expanded
		}
		line += fmt.Sprintf(" of %d/%d", r.Members.Total, r.Members.Outside)
		if *r.Guest {
			line += " guest"
		}
		if r.Who != nil && r.Who.Leaks {
			line += " leaks"
		}
		got = append(got, line)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if *f.Mailbox.Manager != "boss@contoso.example" || f.Mailbox.Who.Department != "Sales" || f.Sender.Ways["sales@contoso.example"] != "Ann is in Sales via EMEA" {
		t.Errorf("%+v", f.Mailbox)
	}
	if d := cmp.Diff([]string{"sales@contoso.example", "emea@contoso.example"}, f.Sender.Groups); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"all@contoso.example", "gone@contoso.example"}, f.Directory.Incomplete); d != "" {
		t.Error("what is not known is not empty:", d)
	}
	if f.Direction != policy.Outbound || f.Visible.Outside != 1 {
		t.Errorf("direction %s, visible %+v: the contact's mail leaves", f.Direction, f.Visible)
	}
}

func TestKeptFactsAreReadBackAsTheyWere(t *testing.T) {
	f := factsWith(t, sampleDirectory(t), policiesAsking(t, "sales@contoso.example"), morning,
		"From: Ann@contoso.example\r\nSender: boss@contoso.example\r\nTo: sales@contoso.example", "boss@contoso.example", "x@northwind.example")
	data := kept(f).Data
	back, err := policy.ReadFacts(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f, back, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if n := strings.Count(string(data), "Ann is in Sales via EMEA"); n != 1 {
		t.Errorf("what is known of the sender is kept %d times", n)
	}
}

func TestAContactOfAnOwnDomainGoesOut(t *testing.T) {
	f := factsWith(t, sampleDirectory(t), nil, morning, "From: ann@contoso.example\r\nTo: pat@contoso.example", "pat@contoso.example")
	if f.Direction != policy.Outbound || f.Recipients[0].Inside {
		t.Errorf("%s %+v", f.Direction, f.Recipients[0])
	}
	f = factsWith(t, nil, nil, morning, "From: ann@contoso.example\r\nTo: pat@contoso.example", "pat@contoso.example")
	if f.Direction != policy.Internal || f.Recipients[0].Groups != nil || f.Directory != nil {
		t.Errorf("without a directory the domain decides: %s %+v", f.Direction, f.Recipients[0])
	}
}

func TestADirectoryThatIsTooOldSaysNothingToAStrictTenant(t *testing.T) {
	f := factsWith(t, sampleDirectory(t), nil, morning.AddDate(0, 0, 7), "From: ann@contoso.example\r\nTo: pat@contoso.example", "pat@contoso.example")
	if f.Directory == nil || !f.Directory.Stale || f.Sender.Groups != nil || f.Sender.Manager != nil {
		t.Errorf("%+v %+v", f.Directory, f.Sender)
	}
	if f.Recipients[0].Inside {
		t.Error("an old directory still takes a contact out")
	}
}

func TestFactsOfManyGroupsAreCut(t *testing.T) {
	lines := []string{`{"kind":"user","address":"ann@contoso.example"}`}
	for i := range maxPartyGroups + 1 {
		lines = append(lines, fmt.Sprintf(`{"kind":"group","address":"g%d@contoso.example","members":["ann@contoso.example"]}`, i))
	}
	for i := range maxDomains + 1 {
		lines = append(lines, fmt.Sprintf(`{"kind":"group","address":"d%d@contoso.example"}`, i))
	}
	var outside []string
	for i := range maxDomains + 1 {
		outside = append(outside, fmt.Sprintf(`"x@d%d.example"`, i))
	}
	lines = append(lines, `{"kind":"group","address":"out@contoso.example","members":[`+strings.Join(outside, ",")+`]}`)
	asked := fmt.Sprintf("g%d@contoso.example", maxPartyGroups)
	f := factsWith(t, directoryOf(t, lines...), policiesAsking(t, asked), morning, "From: ann@contoso.example", "out@contoso.example")
	if !f.Sender.Cut || len(f.Sender.Groups) != 1 || f.Sender.Groups[0] != asked {
		t.Errorf("%v %d groups", f.Sender.Cut, len(f.Sender.Groups))
	}
	if !f.Directory.More || len(f.Directory.Incomplete) != maxDomains {
		t.Errorf("%d incomplete groups, more: %v", len(f.Directory.Incomplete), f.Directory.More)
	}
	if m := f.Recipients[0].Members; len(m.Domains) != maxDomains || m.Outside != maxDomains+1 {
		t.Errorf("%+v", m)
	}
	var many []string
	for i := range maxFactGroups/100 + 2 {
		who := fmt.Sprintf("u%d@contoso.example", i)
		lines = append(lines, fmt.Sprintf(`{"kind":"user","address":%q}`, who))
		many = append(many, who)
	}
	for i := range 100 {
		lines = append(lines, fmt.Sprintf(`{"kind":"group","address":"h%d@contoso.example","members":["%s"]}`, i, strings.Join(many, `","`)))
	}
	f = factsWith(t, directoryOf(t, lines...), nil, morning, "From: u0@contoso.example", many...)
	last := f.Recipients[len(f.Recipients)-1]
	if f.Recipients[0].Cut || len(f.Recipients[0].Groups) != 100 || !last.Cut || len(last.Groups) != 0 {
		t.Errorf("first %v, last %v with %d groups", f.Recipients[0].Cut, last.Cut, len(last.Groups))
	}
}
