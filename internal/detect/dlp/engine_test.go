package dlp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
)

// testBase has packs of its own, so that the engine is tested and not them.
func testBase(t *testing.T) *Base {
	t.Helper()
	const head = "name: n\ndescription: d\nregions: [NL]\ncategory: other\nsources: [s]\nsamples: {true: [a], false: [b]}\n"
	var list []Pack
	for id, text := range map[string]string{
		"card":   "class: B\nscanner: card\nkeywords: {en: [card]}\n",
		"sure":   "class: A\nforms: [SUdddddddd]\n",
		"likely": "class: B\nforms: [ddd-dd-dddd, \"MDd{6}\"]\nkeywords: {en: [likely number]}\nnegative: [ticket]\n",
		"maybe":  "class: C\ncheck: US_SSN\nforms: [\"d{9}\"]\nkeywords: {en: [maybe], nl: [mogelijk]}\nreject: [\"222222222\"]\n",
		"weak":   "class: D\nforms: [ddd]\nkeywords: {en: [cvx]}\nbeside: [CREDIT_CARD]\n",
		"long":   "class: B\nforms: [\"d{13}\"]\n",
		"plate":  "class: C\ncapitals: true\nforms: [A~AA~dddd]\nkeywords: {de: [kennzeichen]}\n",
	} {
		p, err := readPack("detectors/"+id+".yaml", "id: "+id+"\n"+head+text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return newBase(list)
}

func TestTheEngineWeighsWhatStandsAround(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"class A with the digits of an example", "SU12345678", []string{"SURE high SU12345678"}},
		{"class A is high alone", "SU12340678", []string{"SURE high SU12340678"}},
		{"class B is medium alone", "536-90-4399", []string{"LIKELY medium 536-90-4399"}},
		{"class B is high after its word", "likely number: 536-90-4399", []string{"LIKELY high 536-90-4399"}},
		{"words of a phrase with an underscore", "likely_number 536-90-4399", []string{"LIKELY high 536-90-4399"}},
		{"words of a phrase written together", "likelyNumber=536-90-4399", []string{"LIKELY high 536-90-4399"}},
		{"class C is low alone", "see 536904399", []string{"MAYBE low 536904399"}},
		{"class C is high behind its word", "mogelijk 536904399", []string{"MAYBE high 536904399"}},
		{"class C is medium near its word", "maybe it is this one, I wrote it down for you somewhere: 536904399",
			[]string{"MAYBE medium 536904399"}},
		{"a wrong checksum is nothing", "maybe 666904399", nil},
		{"a value that is a dummy", "maybe 222222222", nil},
		{"a word of another language counts in part of the sentence only", "maybeline 536904399", []string{"MAYBE low 536904399"}},
		{"class D is nothing alone", "the 123 things", nil},
		{"class D counts with its word", "cvx 128", []string{"WEAK medium 128"}},
		{"class D counts beside what it belongs to", "4012 8888 8888 1881 and 128", []string{"CREDIT_CARD medium 4012 8888 8888 1881", "WEAK medium 128"}},
		{"letters in groups of their own", "Kennzeichen B-AB 1274", []string{"PLATE high B-AB 1274"}},
		{"small letters where none are", "Kennzeichen b-ab 1274", nil},
		{"thirteen digits that are no time", "at 2912340078905", []string{"LONG medium 2912340078905"}},
		{"thirteen digits that could be a time in milliseconds", "at 1712340078905", []string{"LONG low 1712340078905"}},
		{"a ticket is less", "likely number, ticket 536-90-4399", []string{"LIKELY medium 536-90-4399"}},
		{"inside a longer token", "x536-90-4399 y 1536-90-4399 536-90-43991", nil},
		{"inside a row", "12-536-90-4399-7", nil},
		{"inside a decimal number", "1.536904399", nil},
		{"inside a URL", "https://x.example/maybe/536904399", []string{"MAYBE low 536904399"}},
		{"a token as long as encoded data", strings.Repeat("a1", 30) + " maybe 536904399", []string{"MAYBE high 536904399"}},
	}
	base := testBase(t)
	detectors := base.Detectors(detect.Catalogue{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			s := detect.Stream{Detectors: detectors, Found: func(f detect.Found) {
				got = append(got, fmt.Sprintf("%s %s %s", f.Type, f.Confidence, tt.text[f.From:f.To]))
			}}
			_, _ = s.Write([]byte(tt.text))
			_ = s.Close()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAColumnOfNumbersIsWeighed: numbers of which most fail the checksum are
// ids; those that all pass stay.
func TestAColumnOfNumbersIsWeighed(t *testing.T) {
	detectors := testBase(t).Detectors(detect.Catalogue{})
	count := func(text string) int {
		n := 0
		s := detect.Stream{Detectors: detectors, Found: func(detect.Found) { n++ }}
		_, _ = s.Write([]byte(text))
		_ = s.Close()
		return n
	}
	if n := count(strings.Repeat("536904399\n", 300)); n != 300 {
		t.Errorf("%d of 300 that pass", n)
	}
	if n := count(strings.Repeat("536904399\n666904399\n936904399\n000904399\n", 300)); n != 0 {
		t.Errorf("%d of a column that mostly fails", n)
	}
}

// TestSeveralGoroutinesShareTheTables is for the race detector: states of the
// table of shapes are made while others walk it.
func TestSeveralGoroutinesShareTheTables(t *testing.T) {
	base := testBase(t)
	text := strings.Repeat("maybe 536904399, likely number 536-90-4399 B-AB 1274 SU12340678\n", 20)
	counts := make(chan int)
	for range 4 {
		go func() {
			n := 0
			s := detect.Stream{Detectors: base.Detectors(detect.Catalogue{}), Found: func(detect.Found) { n++ }}
			_, _ = s.Write([]byte(text))
			_ = s.Close()
			counts <- n
		}()
	}
	first := <-counts
	for range 3 {
		if n := <-counts; n != first || n < 60 {
			t.Errorf("%d and %d hits", n, first)
		}
	}
}
