package app

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// rule is a policy that does one thing.
func rule(then string) []policy.File {
	text := fmt.Sprintf("kind: policy\nid: a\nmode: enforce\nwhen: \"true\"\nthen: %s\n", then)
	return []policy.File{{Name: "a.yaml", Data: []byte(text)}}
}

// TestNoPolicySetsAProtectedField tries the whole list, and every name of
// every preset, in every way to set a field.
func TestNoPolicySetsAProtectedField(t *testing.T) {
	protected := []string{
		"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
		"Return-Path", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Received",
		"Received-SPF", "Resent-From", "List-Unsubscribe", "Authentication-Results", "DKIM-Signature", "DomainKey-Signature",
		"ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "Auto-Submitted", "X-MS-Exchange-Organization-SCL",
		"X-MS-Exchange-Organization-AuthAs", "X-Microsoft-Antispam", "X-Forefront-Antispam-Report", "X-Postern-Copy", "X-Postern-Anything",
	}
	free := map[string]bool{}
	for _, p := range tenant.Presets() {
		protected = append(protected, reservedOf(p)...)
		free[p.Action], free[p.Spam] = true, true
	}
	for _, how := range []string{"set", "replace", "append", "fail"} {
		for _, name := range protected {
			for _, n := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
				_, err := policy.Load(rule(fmt.Sprintf("{ header: { %s: { %s: x } } }", how, n)), PolicyOptions())
				if err == nil || !strings.Contains(err.Error(), "is protected") {
					t.Errorf("%s %s: %v", how, n, err)
				}
			}
		}
		for name := range free {
			if name == "" {
				continue
			}
			if _, err := policy.Load(rule(fmt.Sprintf("{ header: { %s: { %s: x } } }", how, name)), PolicyOptions()); err != nil {
				t.Errorf("%s %s: %v", how, name, err)
			}
		}
	}
}

func TestWhatThisVersionCannotDoIsRefusedWithAReason(t *testing.T) {
	for then, want := range map[string]string{
		"secure": `cannot carry out the action "secure" yet`,
		"{ secure: { level: verified, otherwise: block } }":                 `cannot carry out the action "secure" yet`,
		"{ hold: { remind: 4h } }":                                          "",
		"{ hold: { approver: manager, deputy: desk@contoso.example } }":     "",
		"{ override: { reasons: [contract], comment: required } }":          "",
		"{ override: { remind: 1h } }":                                      "",
		"{ hold: { approver: [a@x.example, \"group:legal\"], of: 2 } }":     "",
		"{ hold: { for: 8h, working: { zone: Europe/Amsterdam } } }":        "",
		"{ hold: { delay: 10m } }":                                          "",
		"{ block: { refuse: session } }":                                    "",
		"{ header: { tag: \"[X]\", banner: y, hide: all, handoff: junk } }": "",
	} {
		_, err := policy.Load(rule(then), PolicyOptions())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", then, err)
		}
	}
}

func TestARuleMustFitItsTenants(t *testing.T) {
	own := tenant.Presets()[0]
	own.Checked, own.Action = "X-Contoso-Checked", "X-Contoso-Action"
	for _, p := range append(tenant.Presets(), own) {
		x := []*tenant.Tenant{{ID: "contoso", Preset: p}}
		for _, h := range policy.Handoffs() {
			set, err := policy.Load(rule("{ header: { handoff: "+string(h)+" } }"), PolicyOptions())
			if err != nil {
				t.Fatal(err)
			}
			field := p.Action
			switch {
			case h == policy.Junk:
				field = p.Spam
			case h != policy.Quarantine && p.Name != "postern":
				field = "" // no rule of that product asks for it
			}
			err = fitTenants(set, x)
			if (err == nil) != (field != "") || err != nil && !strings.Contains(err.Error(), "a.yaml:2:1: the tenant contoso has no header field") {
				t.Errorf("%s %s: %v", p.Name, h, err)
			}
		}
	}
	set, err := policy.Load(rule("{ hold: { then: release-encrypted } }"), PolicyOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tenant.Presets() {
		err := fitTenants(set, []*tenant.Tenant{{ID: "contoso", Preset: p}})
		if (err == nil) != (p.Name == "postern") || err != nil && !strings.Contains(err.Error(), "which release-encrypted needs") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	set, err = policy.Load(rule("{ header: { set: { x-contoso-checked: forged } } }"), PolicyOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := fitTenants(set, []*tenant.Tenant{{ID: "contoso", Preset: own}}); err == nil || !strings.Contains(err.Error(), "uses it for itself") {
		t.Errorf("a tenant's own mark can be set by a policy: %v", err)
	}
}
