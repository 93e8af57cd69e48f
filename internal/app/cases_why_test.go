package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestARedTestSaysWhichPolicyNobodyCanKnow(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.eml": "From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\n\r\nx\r\n",
		"p.yaml": "kind: policy\nid: first\nmode: enforce\nwhen: recipient.first_contact\nthen: block\n---\n" +
			"kind: policy\nid: other\nmode: enforce\nwhen: size > 1000000\nthen: block\ntests:\n" +
			"  - { mail: a.eml, expect: deliver }\n  - { mail: a.eml, expect: deliver, alone: true }\n" +
			"  - { mail: a.eml, expect: block, alone: true }\n  - { mail: a.eml, expect: deliver, known: [bob@fabrikam.example] }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := OpenBench([]string{folder}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, err := b.Test(t.Context())
	if err != nil || len(r.Cases) != 4 || r.Red() != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	why := strings.Join(r.Cases[0].Why, "\n")
	for _, part := range []string{"defer because the gate for engine-failed is closed", "nobody can know whether first at /",
		"say it in the test (known: [])"} {
		if !strings.Contains(why, part) {
			t.Errorf("no %q in %s", part, why)
		}
	}
	if alone := strings.Join(r.Cases[2].Why, "\n"); strings.Contains(alone, "first") || !strings.Contains(alone, "size is") {
		t.Errorf("a policy that does not judge: %s", alone)
	}
}

func TestATestIsMadeOutOfAMessageWhoseVerdictAnExceptionOrAGateMakes(t *testing.T) {
	for _, tt := range []struct{ name, policy, file, expects string }{
		{"an exception", "when: recipient.outside\nexceptions:\n  - { id: lead, when: 'sender.address == \"ann@contoso.example\"', then: notify }\n",
			"p-lead", "ann@contoso.example"},
		{"a gate", "when: recipient.first_contact\n", "defer", "expect: defer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			text := "kind: policy\nid: p\nmode: enforce\n" + tt.policy + "then: block\n"
			if err := os.WriteFile(filepath.Join(folder, "p.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := OpenBench([]string{folder}, true)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			body := mail.Bytes("From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\n\r\nhello\r\n")
			owner, err := b.Tenant("", body)
			if err != nil {
				t.Fatal(err)
			}
			made, err := b.MakeCase(t.Context(), owner, body)
			if err != nil {
				t.Fatal(err)
			}
			if path, err := made.Save(folder); err != nil || filepath.Base(path) != tt.file+"-1.txtar" {
				t.Errorf("%s %v", path, err)
			}
			if !strings.Contains(string(made.Archive), tt.expects) || (tt.file == "defer") != (len(made.Deferred) > 0) {
				t.Errorf("%+v\n%s", made, made.Archive)
			}
			if r, err := b.Test(t.Context()); err != nil || len(r.Cases) != 1 || r.Red() > 0 {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
}
