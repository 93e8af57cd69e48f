package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryLimitOfAPolicyFileIsToldWithItsFigure(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a file of more than 4 MiB", strings.Repeat("# comment\n", 500_000), "larger than 4194304 bytes"},
		{"more than 80 levels", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested too deeply"},
		{"more than 5,000 keys", "a:\n" + strings.Repeat("  b: c\n", 5001), "more than 5000 keys"},
		{"a condition of more than 16 Ki characters", policyText("a", ModeEnforce, `subject == "`+strings.Repeat("x", 17_000)+`"`, "block"), "size"},
		{"a condition of more than 2,000 nodes", policyText("a", ModeEnforce, "true"+strings.Repeat(" || true", 1500), "block"), ""},
		{"a condition that can cost too much", policyText("a", ModeEnforce,
			`recipients.exists(a, recipients.exists(b, recipients.exists(c, a.address == b.address)))`, "block"), "the limit is 20000000"},
		{"a term of more than 200 octets", "kind: dictionary\nid: d\nterms: [" + strings.Repeat("x", 201) + "]\n", "longer than 200 bytes"},
		{"a hold of more than 30 days", policyText("a", ModeEnforce, "true", "{ hold: { approver: manager, for: 721h, then: refuse } }"), "30 days at most"},
		{"a delay of more than 24 hours", policyText("a", ModeEnforce, "true", "{ hold: { delay: 25h } }"), "24 hours at most"},
		{"more than 20 approvers", policyText("a", ModeEnforce, "true", "{ hold: { approver: ["+people(21)+"] } }"), "20 people"},
		{"more than 5 reminders", policyText("a", ModeEnforce, "true", "{ hold: { remind: [1h, 2h, 3h, 4h, 5h, 6h] } }"), "5 reminders"},
		{"more than 20 reasons", policyText("a", ModeEnforce, "true", "{ override: { reasons: ["+people(21)+"] } }"), "20 reasons"},
		{"a reason of more than 200 characters", policyText("a", ModeEnforce, "true",
			"{ override: { reasons: ["+strings.Repeat("x", 201)+"] } }"), "1 to 200 characters"},
		{"working time that takes half a year", policyText("a", ModeEnforce, "true",
			`{ hold: { for: 27h, working: { days: mon, from: "09:00", to: "10:00" } } }`), "half a year"},
		{"evidence for more than 10 years", policyText("a", ModeEnforce, "true", "{ copy: { keep: 4000d } }"), "10 years"},
		{"more than 10 addresses of a copy", policyText("a", ModeEnforce, "true", "{ copy: { bcc: ["+people(11)+"] } }"), "10 addresses"},
		{"a banner of more than 1,000 characters", policyText("a", ModeEnforce, "true",
			"{ header: { banner: "+strings.Repeat("x", 1001)+" } }"), "1000 characters"},
		{"a tag of more than 40 characters", policyText("a", ModeEnforce, "true", "{ header: { tag: "+strings.Repeat("x", 41)+" } }"), "40 characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load([]File{{"x.yaml", []byte(tt.text)}}, Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q: %v", tt.want, err)
			}
		})
	}
}

// people are n addresses.
func people(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("p%d@x.example", i))
	}
	return strings.Join(list, ", ")
}

func TestADictionaryHasAsManyTermsAsTheDetectorsTake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		terms int
		want  string
	}{{100_000, ""}, {100_001, "100,000 terms at most"}} {
		read := func(string, string) ([]byte, error) { return []byte(strings.Repeat("word\n", tt.terms)), nil }
		_, err := Load([]File{{"x.yaml", []byte("kind: dictionary\nid: d\nfile: words.txt\n")}}, Options{Read: read})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%d terms: %v", tt.terms, err)
		}
	}
}
