package pack

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/detect/number"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/packs"
)

func TestEveryFileAndEveryProfileIsAPack(t *testing.T) {
	for _, f := range packs.Policies() {
		id := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(f.Name, "policies/"), ".yaml"), ".txtar")
		if _, ok := Find(id); !ok {
			t.Errorf("%s is no pack", f.Name)
		}
	}
	for _, x := range profile.All() {
		if p, ok := Find(x.ID); !ok || p.Profile != x.ID {
			t.Errorf("the profile %s has no pack", x.ID)
		}
	}
}

func TestAPackBeginsWithWatching(t *testing.T) {
	for _, p := range All() {
		files, err := p.Write(Choice{})
		if err != nil {
			t.Fatal(p.ID, err)
		}
		if len(files) != 2 || strings.Contains(string(files[0].Data)+string(files[1].Data), "${") {
			t.Errorf("%s: %d files, or something was not filled in", p.ID, len(files))
		}
		if n := strings.Count(string(files[0].Data), "\nkind: policy\n"); n == 0 || strings.Count(string(files[0].Data), "\nmode: log\n") != n {
			t.Errorf("%s does not only watch:\n%s", p.ID, files[0].Data)
		}
		for line := range strings.Lines(string(files[0].Data)) {
			if strings.HasPrefix(line, "#") && len(line) > wide+1 {
				t.Errorf("%s: %s", p.ID, line)
			}
		}
	}
}

func TestWhatCannotBeChosenIsSaid(t *testing.T) {
	p, _ := Find("many-recipients")
	for _, tt := range []struct {
		c    Choice
		want string
	}{
		{Choice{Mode: "of"}, `"of" is not a mode`},
		{Choice{Mode: policy.ModeOff}, `"off" is not a mode`},
		{Choice{Values: map[string]string{"mots": "3"}}, `did you mean "most"`},
		{Choice{Values: map[string]string{"most": "0"}}, "most is a number from 1 to 1000"},
		{Choice{Values: map[string]string{"most": "many"}}, "most is a number from 1 to 1000"},
		{Choice{Values: map[string]string{"most": "1001"}}, "most is a number from 1 to 1000"},
		{Choice{Values: map[string]string{"answer": "drop"}}, "answer is one of hold, hide"},
	} {
		if _, err := p.Write(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.c, err)
		}
	}
	p, _ = Find("external-banner")
	for _, bad := range []string{"", "a\nb", `"`, "${mode}", "a\\b", strings.Repeat("x", 201)} {
		if _, err := p.Write(Choice{Values: map[string]string{"tag": bad}}); err == nil {
			t.Errorf("%q is written into a file", bad)
		}
	}
	p, _ = Find("outside-hours")
	if _, err := p.Write(Choice{Values: map[string]string{"zone": "Europe/Nowhere"}}); err == nil {
		t.Error("a zone that does not exist")
	}
}

func TestANumberOfOnesOwnLeavesTheTestsOfAProfileOut(t *testing.T) {
	p, _ := Find("gdpr")
	files, err := p.Write(Choice{Mode: policy.ModeNotify, Values: map[string]string{"least": "12"}})
	if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Data), "medium >= 12") {
		t.Fatal(files, err)
	}
}

func TestMadeValuesPassTheirChecks(t *testing.T) {
	for i := 1; i <= 50; i++ {
		for kind, v := range map[string]string{"ES_NIF": nif(i), "IBAN": iban(i), "NL_BSN": bare(i)} {
			if valid, known := number.Valid(kind, v); !valid || !known {
				t.Errorf("%s %s: %t, %t", kind, v, valid, known)
			}
		}
	}
}
