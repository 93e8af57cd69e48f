package tenant_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func TestAllMistakesOfAFileAreToldAtOnceWithTheirPlaces(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, bad := tenant.NewRegistry(tenant.NewPublished()).Load(documents(t, file, string(text)))
			got := strings.ReplaceAll(bad.Error(), "testdata/mistakes/", "") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
				if !strings.HasPrefix(line, filepath.Base(file)+":") || strings.Contains(line, ".yaml: ") {
					t.Errorf("a mistake without a place: %s", line)
				}
			}
		})
	}
}

const least = `
kind: tenant
id: least
domains: [least.example]
secret: [least-secret-now-123]
mark: [least-mark-now-12345]
`

func TestWhatAFileLeavesOutHasItsDocumentedDefault(t *testing.T) {
	s := load(t, least)
	x := s.Find("least")
	if x.Preset.Name != "postern" || x.Preset.Tenant != "X-Postern-Tenant" {
		t.Errorf("headers: %+v", x.Preset)
	}
	if x.Return.Host != "mx" || x.Return.TLS != mail.TLSRequire || x.Return.ForeignMX {
		t.Errorf("return: %+v", x.Return)
	}
	if x.Refuse != tenant.ByReport || x.StoreFull != policy.Closed || x.Name != "least" || x.Keep.Hours() != 2160 {
		t.Errorf("%+v", x)
	}
	if x.Switches.CrossTenantOnNull != tenant.Required || x.Switches.CrossTenantOnIncoming != tenant.Required {
		t.Errorf("switches: %+v", x.Switches)
	}
	for cause, gate := range policy.DefaultGates() {
		if x.Gates.Of(cause) != gate {
			t.Errorf("on.%s is %s", cause, x.Gates.Of(cause))
		}
	}
	l := outgoing(load(t, street).Find("alpha"))
	l.from = "ann@least.example"
	l.addr = "198.51.100.7"
	if r := l.atRcpt(s); r == nil || r.Fact != "network" {
		t.Errorf("no networks are named, and an address that is not Microsoft's gets in: %v", r)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "now.secret"), "from-a-file-1234567\r\n")
	t.Setenv("POSTERN_TEST_MARK", "from-the-environment")
	t.Setenv("POSTERN_TEST_PASSWORD", "smart host's password")
	text := `
kind: tenant
id: full
entra_tenant: ABCDEFAB-0000-0000-0000-000000000001
domains: [Full.example., full.onmicrosoft.com, other.onmicrosoft.com, full.mail.onmicrosoft.com, full.example]
secret: [file:now.secret, next-secret-1234567]
mark: [env:POSTERN_TEST_MARK]
headers: { preset: netskope, tenant: X-Full-Tenant, spam: X-Full-Spam }
refuse: session
return: { host: "smart.example:587", user: relay, password: env:POSTERN_TEST_PASSWORD, server_name: smart.example }
on: { encrypted: closed, store-full: open }
copies: { journal: [J-Secret@gw.example] }
name: Full Ltd
contact: help@full.example
keep: 24h
disabled: true
`
	s, bad := tenant.NewRegistry(tenant.NewPublished()).Load(documents(t, filepath.Join(dir, "t.yaml"), text))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	x := s.Find("full")
	if x.Secret[0] != "from-a-file-1234567" || x.Mark[0] != "from-the-environment" || x.Initial != "full.onmicrosoft.com" ||
		x.EntraTenant != "abcdefab-0000-0000-0000-000000000001" || len(x.Domains) != 4 {
		t.Errorf("%+v", x)
	}
	if x.Preset.Tenant != "X-Full-Tenant" || x.Preset.Form != tenant.FormPostern || x.Preset.Checked != "X-Netskope-Inspected" ||
		x.Preset.SpamValue != "yes" {
		t.Errorf("%+v", x.Preset)
	}
	if x.Gates.Of(mail.Encrypted) != policy.Closed || x.StoreFull != policy.Open || x.Refuse != tenant.InSession || !x.Disabled {
		t.Errorf("%+v", x)
	}
	for _, secret := range []string{"from-a-file-1234567", "next-secret-1234567", "from-the-environment", "j-secret@gw.example", "smart host's password"} {
		if !contains(x.Secrets(), secret) {
			t.Errorf("%q is not among the secrets that are kept out of everything", secret)
		}
	}
	l := outgoing(load(t, street).Find("alpha"))
	l.from = "ann@full.example"
	if r := l.atRcpt(s); r == nil || r.Fact != "tenant" || r.Reply.Code != 451 {
		t.Errorf("a tenant that is switched off is not deferred at RCPT: %v", r)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The comments of the fields are the reference page.
func TestEveryFieldOfTheConfigurationIsDocumented(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range st.Fields.List {
			n++
			if field.Doc.Text() == "" || len(field.Names) != 1 || field.Tag == nil {
				t.Errorf("%s.%v has no comment or no key of its own", spec.Name, field.Names)
			}
		}
		return true
	})
	if n < 30 {
		t.Fatalf("only %d fields found", n)
	}
}

func TestAReloadReplacesAllTenantsAtOnce(t *testing.T) {
	r := tenant.NewRegistry(tenant.NewPublished())
	if len(r.Current().Tenants()) != 0 || r.Published() == nil {
		t.Fatal("a new registry has tenants")
	}
	s, bad := r.Load(documents(t, "a.yaml", street))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	if len(r.Current().Tenants()) != 0 {
		t.Fatal("Load alone put tenants in force")
	}
	r.Use(s)
	if got := r.Current().Tenants(); len(got) != 9 || got[0].ID != "alpha" || got[8].ID != "secu" {
		t.Fatal(got)
	}
}
