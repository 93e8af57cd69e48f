package detect_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// digits finds runs of at least four digits, of one or more spellings.
type digits struct{ id string }

func (d digits) ID() string { return d.id }

func (d digits) Scan(w *detect.Window, found func(detect.Hit)) {
	for _, s := range w.Digits() {
		if s.Len() >= 4 && s.Len() < 100 {
			found(detect.Hit{
				Type: "NUMBER", Start: int(s.Start), End: int(s.End), Confidence: detect.Medium,
				Value: string(w.Text[s.Start:s.End]),
			})
		}
	}
}

type broken struct {
	scan func(*detect.Window, func(detect.Hit))
}

func (broken) ID() string                                        { return "broken" }
func (b broken) Scan(w *detect.Window, found func(h detect.Hit)) { b.scan(w, found) }

func run(t *testing.T, text string, size int, pieces int, list ...detect.Detector) []detect.Found {
	t.Helper()
	var found []detect.Found
	s := detect.Stream{Detectors: list, Size: size, Found: func(f detect.Found) {
		f.Start, f.End = 0, 0 // positions in a window say nothing
		found = append(found, f)
	}}
	for rest := []byte(text); len(rest) > 0; {
		n := min(pieces, len(rest))
		if _, err := s.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Read() != int64(len(text)) {
		t.Errorf("read %d of %d", s.Read(), len(text))
	}
	return found
}

func TestFoldingFindsHiddenDigits(t *testing.T) {
	tests := []struct{ name, text, raw, value string }{
		{"plain digits", "a 12345 b", "12345", "12345"},
		{"full-width digits", "a 12345 b", "12345", "12345"},
		{"Arabic-Indic digits", "رقم ٤١١١ x", "٤١١١", "4111"},
		{"zero-width characters inside", "a 12\u200b3\u00ad45 b", "12\u200b3\u00ad45", "12345"},
		{"zero-width characters around", "a \u200b12345\u200b b", "12345", "12345"},
		{"keycaps", "a 1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34\ufe0f\u20e3 b", "1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34", "1234"},
		{"mathematical digits", "a 𝟒𝟏𝟏𝟏 b", "𝟒𝟏𝟏𝟏", "4111"},
		{"a footnote is no digit", "a 4012888888881881² b", "4012888888881881", "4012888888881881"},
		{"a unit is no digit", "a 1234 m² b", "1234", "1234"},
		{"raised digits", "a ¹²³⁴⁰ b", "¹²³⁴⁰", "12340"},
		{"lowered digits", "a ₁₂₃₄₀ b", "₁₂₃₄₀", "12340"},
		{"digits in circles", "a ①②⓪⑨ b", "①②⓪⑨", "1209"},
		{"digits in black circles", "a ❶❷⓿➒ b", "❶❷⓿➒", "1209"},
		{"digits with full stops", "a ⒈🄀⒐⒉ b", "⒈🄀⒐⒉", "1092"},
		{"octets that are no UTF-8 separate", "a \xff12345\xfe b", "12345", "12345"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for pieces := 1; pieces < 8; pieces++ {
				found := run(t, tt.text, 0, pieces, digits{"d"})
				if len(found) != 1 {
					t.Fatalf("found %d", len(found))
				}
				if f := found[0]; tt.text[f.From:f.To] != tt.raw || f.Value != tt.value {
					t.Errorf("in pieces of %d: %q as %q", pieces, tt.text[f.From:f.To], f.Value)
				}
			}
		})
	}
}

func TestWindowsDoNotChangeTheResult(t *testing.T) {
	var b strings.Builder
	for i := 0; b.Len() < 40_000; i++ {
		fmt.Fprintf(&b, "%d ä\u200b%d %d ", i*i, i*7919, 100000+i)
	}
	want := run(t, b.String(), 1<<20, 1<<20, digits{"d"})
	for _, size := range []int{499, 4096, 9999} {
		got := run(t, b.String(), size, 777, digits{"d"})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("windows of %d: %d and %d hits", size, len(want), len(got))
		}
	}
}

func TestADetectorThatFailsCostsNobodyElse(t *testing.T) {
	tests := []struct {
		name string
		scan func(*detect.Window, func(detect.Hit))
		why  error
	}{
		{"a panic", func(*detect.Window, func(detect.Hit)) { panic("4111 1111 1111 1111") }, nil},
		{"a hit outside the window", func(w *detect.Window, f func(detect.Hit)) {
			f(detect.Hit{Type: "X", Start: 0, End: len(w.Text) + 1, Confidence: detect.High})
		}, detect.ErrGarbage},
		{"a hit that ends before it starts", func(_ *detect.Window, f func(detect.Hit)) {
			f(detect.Hit{Type: "X", Start: 3, End: 3, Confidence: detect.High})
		}, detect.ErrGarbage},
		{"no such confidence", func(_ *detect.Window, f func(detect.Hit)) {
			f(detect.Hit{Type: "X", Start: 0, End: 1, Confidence: 99})
		}, detect.ErrGarbage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var why error
			n, failures := 0, 0
			s := detect.Stream{
				Detectors: []detect.Detector{broken{tt.scan}, digits{"d"}}, Size: 1000,
				Failed: func(_ detect.Detector, err error) { why, failures = err, failures+1 },
				Found:  func(detect.Found) { n++ },
			}
			_, _ = s.Write([]byte(strings.Repeat("1234 ", 4000)))
			_ = s.Close()
			if n != 4000 || failures != 1 {
				t.Errorf("%d hits, %d failures", n, failures)
			}
			if tt.why != nil && !errors.Is(why, tt.why) || strings.Contains(why.Error(), "4111") {
				t.Errorf("failed with %v", why)
			}
		})
	}
}

func TestTheSurestOfOverlappingHitsStays(t *testing.T) {
	at := func(kind string, start, end int, c detect.Confidence, score float64) detect.Hit {
		return detect.Hit{Type: kind, Start: start, End: end, Confidence: c, Score: score, Value: kind}
	}
	scan := func(hits ...detect.Hit) broken {
		return broken{func(_ *detect.Window, found func(detect.Hit)) {
			for _, h := range hits {
				found(h)
			}
		}}
	}
	aside := at("WORD", 0, 3, detect.Low, 0)
	aside.Aside = true
	found := run(t, "0123456789 0123456789", 0, 100, scan(
		at("LOOSE", 0, 20, detect.Low, 9), at("SURE", 4, 8, detect.High, 1), at("NEXT", 8, 9, detect.Low, 1),
		at("WEAK", 12, 16, detect.Medium, 1), at("STRONG", 13, 15, detect.Medium, 2), aside))
	var got []string
	for _, f := range found {
		got = append(got, f.Type)
	}
	if diff := cmp.Diff([]string{"WORD", "SURE", "NEXT", "STRONG"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCountingDifferentValues(t *testing.T) {
	tally := detect.NewTally()
	add := func(value string, c detect.Confidence, at int64) {
		tally.Add(detect.Found{Hit: detect.Hit{Type: "CREDIT_CARD", Detector: "credit-card", Value: value, Confidence: c}, From: at})
	}
	tally.Begin(detect.Source{Part: "1.1"})
	add("4111111111111111", detect.Medium, 5)
	add("4111111111111111", detect.High, 90)
	add("4012888888881881", detect.High, 120)
	add("5555555555554444", detect.Low, 300)
	plain := tally.Findings()
	tally.Begin(detect.Source{Part: "1.2"})
	add("4111111111111111", detect.High, 7)
	html := tally.Findings()

	want := []detect.Finding{
		{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1.1", Count: 2, Confidence: detect.High, Sample: "4111 •••• •••• 1111", Offset: 90},
		{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1.1", Count: 1, Confidence: detect.Low, Sample: "5555 •••• •••• 4444", Offset: 300},
	}
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Error(diff)
	}
	if len(html) != 1 || html[0].Count != 1 || html[0].Part != "1.2" {
		t.Errorf("in the second part: %+v", html)
	}
	if diff := cmp.Diff([]detect.Total{{Type: "CREDIT_CARD", High: 2, Low: 1}}, tally.Totals()); diff != "" {
		t.Error(diff)
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ name, kind, value, want string }{
		{"a card shows its first and last four", "CREDIT_CARD", "4012888888881881", "4012 •••• •••• 1881"},
		{"a card of fifteen digits", "CREDIT_CARD", "378282246310005", "3782 •••• •••0 005"},
		{"an account shows its last four", "IBAN", "GB29NWBK60161331926819", "••••••••••••6819"},
		{"nine digits show three", "US_SSN", "536904399", "••••••399"},
		{"a short word shows little", "PROJECTS", "ab", "••"},
		{"characters are counted, not bytes", "PROJECTS", "über", "•••r"},
		{"nothing is nothing", "PROJECTS", "", ""},
		{"a token shows whose it is", "SECRET_GITHUB", "ghp" + "_0123456789012345678901234567890123456", "ghp_••••••••"},
		{"a password shows nothing, not even its length", "SECRET_PASSWORD", "Tulpe-9x!K", "••••••••"},
		{"a private key shows nothing", "SECRET_PRIVATE_KEY", "-----BEGIN X-----", "••••••••"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := detect.Mask(tt.kind, tt.value); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestInspected(t *testing.T) {
	unseen := []mail.Unseen{{Part: "1.2", Reason: mail.Encrypted}, {Reason: mail.OutOfTime}, {Part: "1.3", Reason: mail.Encrypted}}
	text := []detect.PartInfo{{Part: "1.1", TextBytes: 5}}
	for want, r := range map[string]detect.Report{
		"full": {Parts: text}, "partial": {Parts: text, Unseen: unseen}, "none": {Parts: []detect.PartInfo{{}}, Unseen: unseen},
	} {
		if got := r.Inspected(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if diff := cmp.Diff([]mail.Cause{mail.Encrypted, mail.OutOfTime}, detect.Report{Unseen: unseen}.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func TestConfidenceInJSON(t *testing.T) {
	b, err := json.Marshal(detect.Finding{Type: "IBAN", Count: 1, Confidence: detect.High})
	if err != nil || !bytes.Contains(b, []byte(`"confidence":"high"`)) {
		t.Errorf("%s, %v", b, err)
	}
	var f detect.Finding
	if err := json.Unmarshal(b, &f); err != nil || f.Confidence != detect.High {
		t.Errorf("%+v, %v", f, err)
	}
	if json.Unmarshal([]byte(`{"confidence":"sure"}`), &f) == nil {
		t.Error("an unknown confidence was taken")
	}
}

func TestTheCatalogueIsChecked(t *testing.T) {
	bad := detect.Catalogue{
		Dictionaries: []detect.Dictionary{{ID: "Bad Id", Terms: []string{"x"}}, {ID: "empty"}, {ID: "blank", Terms: []string{" "}}},
		Headers:      []detect.HeaderRule{{ID: "h", Name: "X", Pattern: "("}, {ID: "h", Name: ""}},
		Attachments:  []detect.AttachmentRule{{ID: "all"}, {ID: "glob", Names: []string{"["}}},
	}
	err := bad.Check()
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, want := range []string{"Bad Id", "no terms", "is empty", "missing closing", "used twice", "name is missing", "find everything", "syntax"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in: %v", want, err)
		}
	}
	for want, c := range map[string]detect.Catalogue{
		"more than 100000 terms":    {Dictionaries: []detect.Dictionary{{ID: "p", Terms: slices.Repeat([]string{"x"}, 100_001)}}},
		"more than 50000 terms":     {Dictionaries: []detect.Dictionary{{ID: "p", Parts: true, Terms: slices.Repeat([]string{"x"}, 50_001)}}},
		"matches nothing at all":    {Patterns: []detect.PatternRule{{ID: "p", Pattern: "x*"}}},
		"more than 50 patterns":     {Patterns: slices.Repeat([]detect.PatternRule{{ID: "p", Pattern: "x"}}, 51)},
		"longer than 256 bytes":     {Dictionaries: []detect.Dictionary{{ID: "p", Terms: []string{strings.Repeat("x", 257)}}}},
		"pattern is longer than 10": {Headers: []detect.HeaderRule{{ID: "h", Name: "X", Pattern: strings.Repeat("x", 1025)}}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %.200v", want, err)
		}
	}
	good := detect.Catalogue{Dictionaries: []detect.Dictionary{{ID: "p", Terms: []string{"x"}}}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

func TestAttachmentRules(t *testing.T) {
	exe := detect.PartInfo{Name: "Setup.EXE", Type: "application/vnd.microsoft.portable-executable", Size: 1000}
	tests := []struct {
		name string
		rule detect.AttachmentRule
		want bool
	}{
		{"a name without regard to case", detect.AttachmentRule{Names: []string{"*.exe"}}, true},
		{"another name", detect.AttachmentRule{Names: []string{"*.pdf"}}, false},
		{"a type by content", detect.AttachmentRule{Types: []string{"application/vnd.microsoft.portable-executable"}}, true},
		{"a family of types", detect.AttachmentRule{Types: []string{"application/*"}}, true},
		{"another family", detect.AttachmentRule{Types: []string{"image/*"}}, false},
		{"all conditions must hold", detect.AttachmentRule{Names: []string{"*.exe"}, MinSize: 2000}, false},
		{"a size between limits", detect.AttachmentRule{MinSize: 10, MaxSize: 1000}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rule.Matches(exe); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzStream(f *testing.F) {
	f.Add("a 12\u200b345 b", 3, 2)
	f.Add("\xff\xf0\x9d\x9f12345𝟒", 1, 1)
	f.Fuzz(func(t *testing.T, text string, size, pieces int) {
		size, pieces = 1+abs(size)%5000, 1+abs(pieces)%100
		last := int64(0)
		for _, found := range run(t, text, size, pieces, digits{"d"}) {
			if found.From < last || found.To <= found.From || found.To > int64(len(text)) {
				t.Fatalf("offsets %d to %d of %d", found.From, found.To, len(text))
			}
			last = found.From
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

func ExampleMask() {
	fmt.Println(detect.Mask("CREDIT_CARD", "4012888888881881"))
	// Output: 4012 •••• •••• 1881
}
