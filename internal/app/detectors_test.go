package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// withDetectors builds a tenant whose file and one rule hold these lines.
func withDetectors(t *testing.T, looking, when string) (*inForce, error) {
	t.Helper()
	r := tenant.NewRegistry(tenant.NewPublished())
	r.Offline, r.Detectors = true, look.Choosable()
	return build(r, files{
		"/t.yaml": "kind: tenant\nid: contoso\ndomains: [contoso.example]\nsecret: [one-long-secret-1]\nmark: [one-long-mark-77]\n" +
			"entra_tenant: 0b1c2d3e-0000-4000-8000-00000000abcd\nreturn: { host: mx }\n" + looking + "\n",
		"/p.yaml": "kind: policy\nid: a\nname: A\nmode: enforce\nwhen: '" + when + "'\nthen: block\n",
	})
}

// inspected is what comes of a message with a card, a Dutch citizen number and
// a word of personnel files, in its body and in a file.
func inspected(t *testing.T, s *inForce) gateway.Inspection {
	t.Helper()
	l := look.New(look.Config{InProcess: true})
	t.Cleanup(l.Close)
	const text = "card 4012888888881881, BSN 111222333, a notice of dismissal"
	body := mail.Bytes("From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + text + "\r\n" +
		"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n" + text + "\r\n--b--\r\n")
	return gateway.Inspect(context.Background(), l, s.tenants.Tenants()[0], nil, mail.Out,
		mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{{Address: "bob@fabrikam.example"}}}, body)
}

func found(in gateway.Inspection) []string {
	var list []string
	for _, f := range in.Report.Findings {
		if !slices.Contains(list, f.Type) {
			list = append(list, f.Type)
		}
	}
	slices.Sort(list)
	return list
}

func TestATenantChoosesItsDetectors(t *testing.T) {
	for _, c := range []struct {
		looking, when string
		finds         string
		blocked       bool
	}{
		{"", "findings.nl_bsn.total > 5", "CREDIT_CARD NL_BSN", false},
		{"looking: { detectors: [asked] }", "size > 1000000", "", false},
		{"looking: { detectors: [asked] }", "findings.nl_bsn.total > 0", "NL_BSN", true},
		{"looking: { detectors: [credit_card] }", "findings.nl_bsn.total > 0", "CREDIT_CARD NL_BSN", true},
		{"looking: { detectors: [Banking] }", "findings.iban.total > 0", "CREDIT_CARD", false},
		{"looking: { detectors: [asked] }", "any(findings, f, f.type == \"nl_bsn\")", "CREDIT_CARD NL_BSN", true},
		{"looking: { detectors: [asked] }", "body.findings.nl_bsn.total > 0", "NL_BSN", true},
		{"looking: { detectors: [asked] }", "any(attachments, a, a.findings.credit_card.total > 0)", "CREDIT_CARD", true},
		// Lists of terms and profiles are asked for in the same ways.
		{"", "body.findings.hr_term.total > 0", "CREDIT_CARD HR_TERM NL_BSN", true},
		{"", "any(findings, f, f.type == \"hr_term\")", "CREDIT_CARD HR_TERM NL_BSN", true},
		{"", "any(attachments, a, a.findings.pci_dss.total > 0)", "CREDIT_CARD NL_BSN", true},
		{"looking: { detectors: [asked] }", "any(attachments, a, a.findings.pci_dss.total > 0)", "CREDIT_CARD", true},
	} {
		s, err := withDetectors(t, c.looking, c.when)
		if err != nil {
			t.Errorf("%s, %s: %v", c.looking, c.when, err)
			continue
		}
		in := inspected(t, s)
		if got := strings.Join(found(in), " "); got != c.finds {
			t.Errorf("%s, %s: found %s, want %s", c.looking, c.when, got, c.finds)
		}
		if got := in.Verdict.Recipients[0].Action == policy.Block; got != c.blocked {
			t.Errorf("%s, %s: blocked %v", c.looking, c.when, got)
		}
	}
}

func TestADetectorThatDoesNotExistCannotBeChosen(t *testing.T) {
	for name, want := range map[string]string{
		"credit-crad": `did you mean "credit-card"?`, "something-else-entirely": "postern detectors list", "secrets": `"secret"`,
	} {
		_, err := withDetectors(t, "looking: { detectors: [iban, "+name+"] }", "size > 1")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "t.yaml:8:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestADraftCannotKnowWhatWasNotLookedFor decides over the facts of a message
// for which few detectors ran.
func TestADraftCannotKnowWhatWasNotLookedFor(t *testing.T) {
	s, err := withDetectors(t, "looking: { detectors: [iban] }", "findings.nl_bsn.total > 5")
	if err != nil {
		t.Fatal(err)
	}
	facts := inspected(t, s).Facts
	for when, unknown := range map[string]bool{
		"findings.credit_card.total > 0": true, "findings.iban.total > 0": false, "findings.nl_bsn.total > 3": false,
		"any(findings, f, f.count > 3)": true, "body.findings.hr_term.total > 0": true,
	} {
		draft, err := withDetectors(t, "", when)
		if err != nil {
			t.Fatal(err)
		}
		facts.Now = time.Now()
		v := policy.Decide(draft.set, facts, policy.DefaultGates())
		got := len(v.Recipients[0].Unknown) > 0
		if got != unknown {
			t.Errorf("%s: unknown %v, want %v: %+v", when, got, unknown, v.Recipients[0])
		}
	}
}
