package app

import (
	"context"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/pack"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/packs"
)

// matched reports whether the policy of a profile matches a mail with a text.
func matched(t *testing.T, l gateway.Looker, p profile.Profile, text string) bool {
	t.Helper()
	of, _ := pack.Find(p.ID)
	files, err := of.Write(pack.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.Load([]policy.File{{Name: p.ID, Data: files[0].Data}}, PolicyOptions())
	if err != nil {
		t.Fatal(err)
	}
	x := &tenant.Tenant{ID: "contoso", Domains: []string{"contoso.example"}, Policies: set}
	body := mail.Bytes("From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\nSubject: sample\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n")
	in := gateway.Inspect(context.Background(), l, x, nil, mail.Out,
		mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{{Address: "bob@fabrikam.example"}}}, body)
	if len(in.Report.Unseen) > 0 {
		t.Errorf("unseen: %+v", in.Report.Unseen)
	}
	return slices.ContainsFunc(in.Verdict.Recipients, func(r policy.RecipientVerdict) bool { return r.Would != "" || len(r.Rules) > 0 })
}

func TestEveryProfileFindsItsSamples(t *testing.T) {
	known := map[string]bool{}
	for _, d := range PolicyOptions().Detectors {
		known[d] = true
	}
	l := look.New(look.Config{InProcess: true})
	for _, f := range packs.Profiles() { // no file is left out
		id := strings.TrimSuffix(strings.TrimPrefix(f.Name, "profiles/"), ".yaml")
		if _, ok := profile.Find(id); !ok {
			t.Errorf("%s is no profile", f.Name)
		}
	}
	samples := 0
	for _, p := range profile.All() {
		samples += len(p.True) + len(p.False)
		t.Run(p.ID, func(t *testing.T) {
			for _, list := range p.Needs {
				if len(list) == 0 {
					t.Error("a list of detectors is empty")
				}
				for _, typ := range list {
					if !known[typ] {
						t.Errorf("there is no detector %s", typ)
					}
				}
			}
			if p.Name == "" || p.Description == "" || p.Guide == "" {
				t.Error("a description is missing")
			}
			for _, text := range p.True {
				if !matched(t, l, p, text) {
					t.Errorf("nothing is found in %q", text)
				}
			}
			for _, text := range p.False {
				if matched(t, l, p, text) {
					t.Errorf("something is found in %q", text)
				}
			}
		})
	}
	if samples < 2*len(packs.Profiles())-1 {
		t.Errorf("only %d samples were read", samples)
	}
}

func TestEveryTypeHasWords(t *testing.T) {
	for _, typ := range PolicyOptions().Detectors {
		one, many := policy.Words(typ, 1), policy.Words(typ, 2)
		if strings.Contains(one, "finding of") || !strings.HasPrefix(one, "a") || !strings.HasPrefix(many, "2 ") || strings.Contains(one, "  ") {
			t.Errorf("%s: %q, %q", typ, one, many)
		}
	}
}

func TestFiftyAddressesAreAList(t *testing.T) {
	p, _ := profile.Find("bulk-contacts")
	l := look.New(look.Config{InProcess: true})
	var list strings.Builder
	for i := range 50 {
		if i == 49 && matched(t, l, p, list.String()) {
			t.Error("49 are one too many")
		}
		list.WriteString("person" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + "@fabrikam.com\r\n")
	}
	if !matched(t, l, p, list.String()) {
		t.Error("50 addresses are not found")
	}
}
