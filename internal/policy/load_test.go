package policy

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/mail"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// load loads one file and fails the test when it is wrong.
func load(t testing.TB, text string) *Set {
	t.Helper()
	s, err := Load([]File{{"policy.yaml", []byte(text)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMistakes compares the messages for wrong files with goldens: each
// archive holds files and what Load says about them.
func TestMistakes(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var files []File
			want := ""
			var kept []txtar.File
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				files = append(files, File{f.Name, f.Data})
				kept = append(kept, f)
			}
			_, err = Load(files, Options{Detectors: []string{"CREDIT_CARD", "IBAN", "US_SSN", "EMAIL"}})
			got := "no mistakes\n"
			if err != nil {
				got = err.Error() + "\n"
			}
			if *update {
				a.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

const contractPolicy = `kind: policy
id: cards-leave
name: Card numbers leave the organisation
mode: enforce                              # off | log | notify | override | enforce
when: direction == "outbound" && findings.credit_card.high >= 3 && !recipient.in("partners")
then: { hold: { approver: manager, for: 48h, then: refuse } }
tests:
  - { mail: cases/three-cards.eml, expect: hold }
  - { mail: cases/one-card.eml, expect: deliver }
---
kind: list
id: partners
members: [fabrikam.example, "*.northwind.example", ann@woodgrove.example, "sales-*@tailspin.example"]
`

func TestTheContractsPolicyLoads(t *testing.T) {
	t.Parallel()
	s := load(t, contractPolicy)
	r := s.Rules()[0]
	if r.ID != "cards-leave" || r.Mode != ModeEnforce || r.Place != "policy.yaml:2" || len(r.Tests) != 2 {
		t.Errorf("%+v", r)
	}
	want := []Step{{Action: HoldFor, Approvers: []string{"manager"}, For: defaultHold, End: EndRefuse}}
	if d := cmp.Diff(want, r.Steps); d != "" {
		t.Error(d)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	base := load(t, contractPolicy).Version()
	tests := []struct {
		name, old, new string
		same           bool
	}{
		{"a comment changes nothing", "# off | log", "# whatever", true},
		{"a test changes nothing", "expect: deliver", "expect: log", true},
		{"a threshold changes the version", ">= 3", ">= 4", false},
		{"a mode changes the version", "mode: enforce", "mode: log", false},
		{"a member of a list changes the version", "fabrikam.example", "adatum.example", false},
		{"a time span changes the version", "48h", "47h", false},
		{"another way to write the same span does not", "48h", "2d", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := load(t, strings.Replace(contractPolicy, tt.old, tt.new, 1)).Version()
			if (got == base) != tt.same {
				t.Errorf("version %s, before %s", got, base)
			}
		})
	}
	parts := strings.Split(contractPolicy, "---\n")
	a, errA := Load([]File{{"a.yaml", []byte(parts[0])}, {"b.yaml", []byte(parts[1])}}, Options{})
	b, errB := Load([]File{{"b.yaml", []byte(parts[1])}, {"c.yaml", []byte(parts[0])}}, Options{})
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if a.Version() != base || b.Version() != base {
		t.Error("the order and the names of the files change the version")
	}
}

func TestDictionariesAndDetectorsAreHandedOn(t *testing.T) {
	t.Parallel()
	text := `kind: dictionary
id: projects
terms: [Bluebird, Kingfisher]
file: more.txt
---
kind: detector
id: tagged-secret
header: { name: X-Class, pattern: "(?i)secret" }
---
kind: detector
id: big-archives
attachment: { name: ["*.zip", "*.7z"], larger: 20MiB }
---
kind: detector
id: zz-marked
property: { name: "Classif*", pattern: "(?i)^secret" }
---
kind: policy
id: projects-leave
mode: enforce
when: findings.projects.total > 0 && findings.tagged_secret.total > 0 || findings.big_archives.total > 0
then: block
`
	s, err := Load([]File{{"p.yaml", []byte(text)}}, Options{
		Detectors: []string{"IBAN"},
		Read:      func(_, name string) ([]byte, error) { return []byte("# " + name + "\nHeron\n\n"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	wantD := []Dictionary{{ID: "projects", Terms: []string{"Bluebird", "Kingfisher", "Heron"}, Confidence: "medium"}}
	if d := cmp.Diff(wantD, s.Dictionaries()); d != "" {
		t.Error(d)
	}
	want := []Detector{
		{ID: "big-archives", Confidence: "high", FileName: []string{"*.zip", "*.7z"}, Larger: 20 << 20},
		{ID: "tagged-secret", Confidence: "high", Header: "X-Class", Pattern: "(?i)secret"},
		{ID: "zz-marked", Confidence: "high", Property: "Classif*", Pattern: "(?i)^secret"},
	}
	if d := cmp.Diff(want, s.Detectors()); d != "" {
		t.Error(d)
	}
	if got := s.Detectors()[1].Type(); got != "TAGGED_SECRET" {
		t.Errorf("type %s", got)
	}
}

func TestListMembers(t *testing.T) {
	t.Parallel()
	s := load(t, `kind: list
id: zone
members: [fabrikam.example, "*.northwind.example", Ann@Woodgrove.example,
  "sales-*@tailspin.example", "bücher.example", "@adatum.example"]
include: [more]
---
kind: list
id: more
members: [included.example]
include: [zone]
`)
	list := s.Lists()[1]
	tests := []struct {
		name, address string
		want          bool
	}{
		{"a domain has its addresses", "bob@fabrikam.example", true},
		{"a domain is compared without case", "bob@FABRIKAM.example", true},
		{"a domain does not have its subdomains", "bob@mail.fabrikam.example", false},
		{"a longer domain is another domain", "bob@evilfabrikam.example", false},
		{"a star has subdomains", "bob@a.northwind.example", true},
		{"a star has subdomains of subdomains", "bob@a.b.northwind.example", true},
		{"a star does not have the domain itself", "bob@northwind.example", false},
		{"an address is compared without case", "ANN@woodgrove.example", true},
		{"another address of the domain is outside", "bob@woodgrove.example", false},
		{"a pattern has what fits", "sales-eu@tailspin.example", true},
		{"a pattern does not have another domain", "sales-eu@tailspin.example.evil.example", false},
		{"an international domain is one name in both spellings", "x@xn--bcher-kva.example", true},
		{"an at-sign before a domain changes nothing", "x@adatum.example", true},
		{"an included list counts", "x@included.example", true},
		{"the null sender is in no list", "", false},
		{"a quoted at-sign does not lead astray", `"x@fabrikam.example"@evil.example`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := list.Has(mail.Address(tt.address)); got != tt.want {
				t.Errorf("Has(%q) = %v", tt.address, got)
			}
		})
	}
}

func TestProtectedHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"From", "to", "SUBJECT", "Date", "Message-ID", "message-id", "Received",
		"DKIM-Signature",
		"X-MS-Exchange-Organization-SCL", "x-ms-exchange-anything", "X-Postern-Checked", "X-Postern-Tenant", "X-Postern-OOO",
		"ARC-Seal", "Content-Type", "MIME-Version", "X-Netskope-Inspected", "X-St-Checked-Casb", "X-MDCES-Data"} {
		if !Protected(name) {
			t.Errorf("%s may be set", name)
		}
	}
	for _, name := range []string{"X-Postern-Action", "X-Netskope-Action", "X-Postern-Spam", "X-Anything"} {
		if Protected(name) {
			t.Errorf("%s may not be set", name)
		}
	}
}

func TestActionsThatThisInstallationCannotDoAreRefused(t *testing.T) {
	t.Parallel()
	text := "kind: policy\nid: a\nmode: MODE\nwhen: \"true\"\nthen: secure\n"
	o := Options{Actions: []Action{Deliver, LogOnly, Notify, HoldFor, Block}}
	if _, err := Load([]File{{"p", []byte(strings.Replace(text, "MODE", "enforce", 1))}}, o); err == nil {
		t.Error("enforced secure was taken")
	}
	if _, err := Load([]File{{"p", []byte(strings.Replace(text, "MODE", "log", 1))}}, o); err != nil {
		t.Error("secure in log mode was refused:", err)
	}
}

func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&keys, "k%d: v\n", i)
	}
	for name, text := range map[string]string{
		"many keys":       keys.String(),
		"many brackets":   strings.Repeat("[", 100_000),
		"many levels":     strings.Repeat("- ", 100_000) + "a",
		"not UTF-8":       "kind: \xff",
		"too large":       strings.Repeat("# comment\n", 500_000),
		"many references": "a: &a [x]\nb: [" + strings.Repeat("*a, ", 1000) + "]\n",
		"long condition":  policyText("a", ModeEnforce, "true"+strings.Repeat(" || true", 5000), "block"),
		"deep condition":  policyText("a", ModeEnforce, strings.Repeat("(", 5000)+"true"+strings.Repeat(")", 5000), "block"),
	} {
		if _, err := Load([]File{{"x.yaml", []byte(text)}}, Options{}); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestZonesHaveGroupsAndPublicProviders(t *testing.T) {
	t.Parallel()
	text := `kind: list
id: trusted
members: ["group:Partners@contoso.example", ann@fabrikam.example]
include: [private]
---
kind: list
id: private
include: [public-providers]
---
kind: policy
id: a
mode: enforce
when: recipient.in("trusted")
then: block
`
	s := load(t, text)
	if d := cmp.Diff([]string{"partners@contoso.example"}, s.Groups()); d != "" {
		t.Error(d)
	}
	for _, tt := range []struct {
		name string
		to   Party
		want Action
	}{
		{"a member of the group", Party{Address: "x@y.example", Groups: []string{"partners@contoso.example"}}, Block},
		{"the group itself", Party{Address: "partners@contoso.example"}, Block},
		{"somebody who came by the group", Party{Address: "x@y.example", Expanded: "partners@contoso.example"}, Block},
		{"an address of the list, whoever it is", Party{Address: "ann@fabrikam.example"}, Block},
		{"a public provider", Party{Address: "someone@Gmail.com"}, Block},
		{"nobody of these", Party{Address: "x@y.example", Groups: []string{}}, Deliver},
	} {
		f := facts()
		f.Recipients = []Party{tt.to}
		if r := Decide(s, f, nil).Recipients[0]; r.Action != tt.want || len(r.Unknown) > 0 {
			t.Errorf("%s: %s %v", tt.name, r.Action, r.Unknown)
		}
	}
	f := facts()
	f.Recipients = []Party{{Address: "x@y.example"}}
	if r := Decide(s, f, nil).Recipients[0]; len(r.Unknown) != 1 {
		t.Errorf("nobody knows the groups: %+v", r)
	}
	other := load(t, "kind: policy\nid: a\nmode: enforce\nwhen: recipient.in(\"public-providers\")\nthen: block\n")
	if len(other.Lists()) != 1 || other.Lists()[0].ID != "public-providers" || len(other.Undefined()) != 0 {
		t.Errorf("%v", other.Lists())
	}
	_, err := Load([]File{{"p", []byte("kind: list\nid: public-providers\nmembers: [a.example]\n---\n" +
		policyText("a", ModeLog, `recipient.in("public-provider")`, "log"))}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "comes with Postern") || !strings.Contains(err.Error(), `did you mean "public-providers"`) {
		t.Error(err)
	}
}
