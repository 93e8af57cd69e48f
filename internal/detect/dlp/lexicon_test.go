package dlp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// spots are what a finder says of a text.
func spots(scan func(found func(term, start, end int))) (list []string) {
	scan(func(term, start, end int) { list = append(list, fmt.Sprint(term, " ", start, " ", end)) })
	slices.Sort(list)
	return slices.Compact(list)
}

func TestALexiconFindsWhatAnAutomatonFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "ab", "Über", "uber", " ", "  ", "\n", "-", "C++", ".net", "#1", "é", "e", "ß", "ss", "漢", "字", "x1", "_"}
	made := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	}
	for _, l := range []*letters{newLetters(), nil} {
		for range 300 {
			var terms []string
			seen := map[string]bool{}
			for range 1 + r.IntN(8) {
				term := strings.TrimSpace(made(1 + r.IntN(4)))
				a := automaton{letters: l}
				if key := string(a.key(term)); key != "" && !seen[key] {
					seen[key] = true
					terms = append(terms, term)
				}
			}
			text := []byte(made(40))
			a, x := newAutomaton(terms, l), newLexicon(terms, l)
			want := spots(func(found func(int, int, int)) {
				a.scan(text, 0, len(text), func(term, start, end int) {
					if whole(text, start, end) {
						found(term, start, end)
					}
				})
			})
			got := spots(func(found func(int, int, int)) { x.scan(text, found) })
			if !slices.Equal(got, want) {
				t.Fatalf("%q in %q: %v, want %v", terms, text, got, want)
			}
		}
	}
}

func TestALexiconOfAHundredThousandTermsIsSmall(t *testing.T) {
	var terms []string
	for i := range 100_000 {
		terms = append(terms, fmt.Sprintf("Project %d of the %dth house", i*7919%1_000_003, i%89))
	}
	x := newLexicon(terms, newLetters())
	if size := len(x.slots)*16 + len(x.keys) + 4*len(x.ends) + 64<<10; size > 16<<20 {
		t.Errorf("%d bytes", size)
	}
	text := []byte(strings.Repeat("This PROJECT 7919 of\n the 1th  HOUSE is finished. Other projects are not.\n", 3))
	n := 0
	x.scan(text, func(term, start, end int) {
		if term != 1 || string(text[start:start+12]) != "PROJECT 7919" {
			t.Errorf("term %d at %d", term, start)
		}
		n++
	})
	if n != 3 {
		t.Errorf("found %d times", n)
	}
}

func BenchmarkLexicon(b *testing.B) {
	text := []byte(strings.Repeat("Dear Ms. Jones, thank you for your letter of 12 November about order 4711; we will send it.\r\n", 10_000))
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var terms []string
			for i := range n {
				terms = append(terms, fmt.Sprintf("%c%cproject%d name", 'a'+i%26, 'a'+i/26%26, i))
			}
			x := newLexicon(terms, newLetters())
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				x.scan(text, func(int, int, int) {})
			}
		})
	}
}
