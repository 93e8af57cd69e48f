package dlp_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

func TestPatternsOfATenant(t *testing.T) {
	tests := []struct {
		name, text string
		rule       detect.PatternRule
		want       string
	}{
		{"a piece that every match has leads to it", "see EMP-123456, EMP-1 and XEMP-222222",
			detect.PatternRule{Pattern: `\bEMP-\d{6}\b`}, "EMP-123456 high"},
		{"case makes no difference when asked", "emp-123456 and Emp-654321",
			detect.PatternRule{Pattern: `(?i)\bEMP-\d{6}\b`, Confidence: detect.Medium}, "emp-123456 medium, Emp-654321 medium"},
		{"without such a piece all of the text is read", "plates AB12 and C3456 x",
			detect.PatternRule{Pattern: `\b(?:[A-Z]{2}\d{2}|[A-Z]\d{4})\b`}, "AB12 high, C3456 high"},
		{"the first group is the value", "ref=4711; ref=4712.", detect.PatternRule{Pattern: `ref=(\d+)`}, "4711 high, 4712 high"},
		{"without a word nearby a finding is low", "case 1234-5 of the matter; " + strings.Repeat("x ", 400) + "number 9876-5",
			detect.PatternRule{Pattern: `\d{4}-\d`, Near: []string{"matter", "dossier"}}, "1234-5 high, 9876-5 low"},
		{"a word is a whole word", "matters 1234-5", detect.PatternRule{Pattern: `\d{4}-\d`, Near: []string{"matter"}, Window: 50}, "1234-5 low"},
		{"what breaks the rules of a type is left", "a 111222333 b 123456789 c",
			detect.PatternRule{Pattern: `\b\d{9}\b`, Check: "NL_BSN"}, "111222333 high"},
		{"a match that is too long is none", "A" + strings.Repeat("b", 2000) + "Z and AbZ", detect.PatternRule{Pattern: `A[a-z]+Z`}, "AbZ high"},
		{"white space in an expression", "Blue   Harbor 7 and Blue Harbor 8", detect.PatternRule{Pattern: `Blue +Harbor \d`}, "Blue   Harbor 7 high, Blue Harbor 8 high"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rule.ID = "our-number"
			c := detect.Catalogue{Detectors: []string{"none"}, Patterns: []detect.PatternRule{tt.rule}}
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range scan(dlp.Detectors(c), tt.text) {
				if f.Type != "OUR_NUMBER" || f.Detector != "our-number" {
					t.Errorf("%s by %s", f.Type, f.Detector)
				}
				got = append(got, fmt.Sprint(tt.text[f.From:f.To], " ", f.Confidence))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %s, want %s", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

func TestPatternsDoNotDependOnWhereWindowsEnd(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "some words of a letter, number %d and EMP-%06d for dossier %c%d;\n", i, i, 'A'+i%26, 10+i)
	}
	detectors := dlp.Detectors(detect.Catalogue{Detectors: []string{"none"}, Patterns: []detect.PatternRule{
		{ID: "a", Pattern: `EMP-\d{6}`, Near: []string{"dossier"}}, {ID: "b", Pattern: `\b[A-Z]\d{2,3}\b`},
	}})
	for _, size := range []int{1 << 20, 100, 5000} {
		n := 0
		s := detect.Stream{Detectors: detectors, Size: size, Found: func(f detect.Found) {
			if n++; f.Confidence != detect.High {
				t.Errorf("%+v", f)
			}
		}}
		_, _ = s.Write([]byte(b.String()))
		_ = s.Close()
		if n != 600 {
			t.Errorf("windows of %d: %d found, want 600", size, n)
		}
	}
}

func TestPatternsTogetherFindWhatEachFindsAlone(t *testing.T) {
	patterns := []string{
		`\bEMP-\d{6}\b`, `(?i)\b(?:emp|staff)[- ]\d{3}\b`, `\b(?:EMP|ST)-\d+\b`, `\b\d{4}[ -]?\d{2}\b`, `\b[A-Z]{2}\d{4}\b`,
		`\b\d{3}(?:-\d{2})?\b`, `\b(?:\d{5}|\d[A-Z]\d)\b`, `\b[A-Z][a-z]+ \d{1,2}\b`, `(?i)\bstraße \d`, `\b[a-z]{3}\b`, `\bST\d*\b`, `(?m)^\d+-EMP`,
		`\b(?:aa|bb|cc|dd|ee|ff|gg|hh|ii|jj|kk|ll|mm|nn|oo|pp|qq|12|0123)\b`, // more pieces than lead to one pattern
		`\b0\d{2,}[xy]?\b`, `é\d\b`, `\bk\b|\bEMP\b`,
	}
	r := rand.New(rand.NewPCG(3, 9))
	words := strings.Fields("EMP- EMP emp Staff- ST- ST 12 123456 0123 7 A7B AB1234 abc Str straße STRASSE é4 é - x y k K Moving 1234")
	gaps := []string{" ", "", "\n", "-", "  "}
	for range 300 {
		var b strings.Builder
		for range r.IntN(120) {
			b.WriteString(words[r.IntN(len(words))] + gaps[r.IntN(len(gaps))])
		}
		text := b.String()
		c := detect.Catalogue{Detectors: []string{"none"}}
		want := map[string]int{}
		for i, p := range patterns {
			id := fmt.Sprintf("p%d", i)
			c.Patterns = append(c.Patterns, detect.PatternRule{ID: id, Pattern: p})
			for _, m := range regexp.MustCompile(p).FindAllStringIndex(text, -1) {
				want[fmt.Sprint(id, m)]++
			}
		}
		for _, f := range scan(dlp.Detectors(c), text) {
			want[fmt.Sprint(f.Detector, []int{int(f.From), int(f.To)})]--
		}
		for m, n := range want {
			if n != 0 {
				t.Fatalf("%s: %d too few in %q", m, n, text)
			}
		}
	}
}
