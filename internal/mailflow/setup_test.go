package mailflow_test

import (
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mailflow"
)

//go:embed testdata/good.json
var good string

//go:embed testdata/mistakes.txt
var mistakes string

func TestAGetOutputIsRead(t *testing.T) {
	s, err := mailflow.Load([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	r := s.TransportRules[0]
	if r.When.FromScope != "InOrganization" || r.When.MessageSizeOver != 10<<20 || len(r.When.FromMemberOf) != 1 ||
		r.Except.HeaderMatchesMessageHeader != "X-Postern-Checked" || !r.Do.StopRuleProcessing || r.Do.SetSCL != nil ||
		!r.Enabled() || !r.Enforced() || r.ActivationDate.Hour() != 10 {
		t.Errorf("%+v", r)
	}
	if s.AcceptedDomains[0].DomainName != "contoso.example" || s.Mailboxes[0].Aliases[1] != "a@contoso.example" ||
		s.Groups[0].Members[0] != "ann@contoso.example" || !s.OutboundConnectors[0].Enabled ||
		s.OutboundConnectors[0].SmartHosts[0] != "gw.postern.example" {
		t.Errorf("%+v", s)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mailflow.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("written and read again:\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	cases := strings.Split(strings.TrimSpace(mistakes), "\n\n")[1:]
	if len(cases) < 25 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		lines := strings.Split(c, "\n")
		if len(lines) != 4 {
			t.Fatalf("not a case: %q", c)
		}
		name, old, fresh, want := lines[0], lines[1][2:], lines[2][2:], lines[3][2:]
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, old, fresh, 1)
			if text == good {
				t.Fatal("the example does not have it")
			}
			_, err := mailflow.Load([]byte(text))
			var m mailflow.Mistakes
			if !errors.As(err, &m) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	text := strings.NewReplacer("11111111-2222", "x", `"Authoritative"`, `"Own"`, `["^T$"]`, `["("]`).Replace(good)
	_, err := mailflow.Load([]byte(text))
	var m mailflow.Mistakes
	if !errors.As(err, &m) || len(m) != 3 {
		t.Errorf("%v", err)
	}
	for _, one := range m {
		if one.Where == "" || one.What == "" {
			t.Errorf("%+v", one)
		}
	}
}

func TestBrokenJSONNamesItsLine(t *testing.T) {
	_, err := mailflow.Load([]byte("{\n \"Organization\": {},\n oops\n}"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v", err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]mailflow.Size{
		"10485760": 10 << 20, "10MB": 10 << 20, "10 MB (10,485,760 bytes)": 10 << 20,
		"1KB": 1024, "7 B": 7, "2 gb": 2 << 30,
	} {
		if got, err := mailflow.ParseSize(text); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "10XB", "99999999999999999999GB"} {
		if _, err := mailflow.ParseSize(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzLoad: what is read without a mistake is the same after writing it.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"TransportRules":[{"Name":1,"Priority":[]}]}`))
	f.Add([]byte(`{"TransportRules":[null],"Groups":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := mailflow.Load(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mailflow.Load(out); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}
