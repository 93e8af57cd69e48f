package dlp

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// slowly finds the words of a text by trying each character.
func (v *vocabulary) slowly(text []byte) (list []mark) {
	prev := rune(0)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if starts(prev, r) {
			list = v.walk(text, i, i, 0, list)
		}
		prev = r
		i += size
	}
	return list
}

// TestWordsAreFoundAsIfEachCharacterWereTried draws texts of keywords in many
// spellings, with whatever stands between and inside them.
func TestWordsAreFoundAsIfEachCharacterWereTried(t *testing.T) {
	v := NewBase().words
	between := []string{" ", " ", "  ", "_", "-", "", "", "x", "é", "ß", "日本", "\u0301", "\xff", "\xe2\x80", "K", "2", ".", "\n",
		strings.Repeat(" ", 70)}
	found := 0
	for n := range 3000 {
		r := rand.New(rand.NewPCG(5, uint64(n)))
		var b strings.Builder
		for size := 1 << r.IntN(10); b.Len() < size; {
			word := v.words[r.IntN(len(v.words))]
			switch r.IntN(6) {
			case 0:
				word = strings.ToUpper(word)
			case 1:
				word = strings.ToUpper(word[:1]) + word[1:]
			case 2:
				at := r.IntN(len(word))
				word = word[:at] + between[r.IntN(len(between))] + word[at:]
			case 3:
				word = word[:r.IntN(len(word))]
			}
			b.WriteString(word)
			b.WriteString(between[r.IntN(len(between))])
		}
		text := []byte(b.String())
		var got []mark
		for from := 0; from < len(text); from += blockSize {
			got = v.scan(text, from, min(len(text), from+blockSize), got)
		}
		want := v.slowly(text)
		if found += len(want); !slices.Equal(got, want) {
			t.Fatalf("in %q: %v, want %v", text, got, want)
		}
	}
	if found < 10000 {
		t.Errorf("only %d words were drawn", found)
	}
}
