package dlp

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
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

// drawnWords is a text of keywords in many spellings, with whatever stands
// between and inside them.
func (v *vocabulary) drawnWords(r *rand.Rand) []byte {
	between := []string{" ", " ", "  ", "_", "-", "", "", "x", "é", "ß", "日本", "\u0301", "\xff", "\xe2\x80", "K", "2", ".", "\n",
		strings.Repeat(" ", 70)}
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
	return []byte(b.String())
}

func TestWordsAreFoundAsIfEachCharacterWereTried(t *testing.T) {
	v := NewBase().words
	found := 0
	for n := range 3000 {
		text := v.drawnWords(rand.New(rand.NewPCG(5, uint64(n))))
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

// TestWordsNearbyAreHeardAsIfAllWereRead asks at drawn places of such texts
// for the words around, which are read from where they may begin.
func TestWordsNearbyAreHeardAsIfAllWereRead(t *testing.T) {
	v := NewBase().words
	heard := 0
	for n := range 3000 {
		r := rand.New(rand.NewPCG(6, uint64(n)))
		text := v.drawnWords(r)
		all := v.slowly(text)
		w := &detect.Window{Text: text}
		start := r.IntN(len(text) + 1)
		end := start + r.IntN(min(20, len(text)-start)+1)
		of := topic(r.IntN(v.count))
		if len(all) > 0 { // one that is spoken of
			for word := all[r.IntN(len(all))].word; !v.has(word, of); {
				of = (of + 1) % topic(v.count)
			}
		}
		back, ahead := []int{10, justBefore, reach / 2, reach}[r.IntN(4)], []int{justBehind, reach}[r.IntN(2)]
		left, right := reach+1, reach+1
		wide, tight := make([]uint64, v.stride), make([]uint64, v.stride)
		for _, m := range all {
			l, r := start-m.end, m.start-end
			if l >= 0 && l <= back && v.has(m.word, of) {
				left = min(left, l)
			}
			if r >= 0 && r <= ahead && v.has(m.word, of) {
				right = min(right, r)
			}
			for i := range wide {
				bits := v.topics[int(m.word)*v.stride+i]
				if l >= 0 && l <= reach || r >= 0 && r <= reach {
					wide[i] |= bits
				}
				if l >= 0 && l <= justBefore || r >= 0 && r <= justBehind {
					tight[i] |= bits
				}
			}
		}
		near := v.over(w)
		if l, r := near.within(of, start, end, back, ahead); l != left || r != right {
			t.Fatalf("%q at %d to %d: %d and %d away, want %d and %d", text, start, end, l, r, left, right)
		}
		near = v.over(&detect.Window{Text: text})
		gotWide, gotTight := make([]uint64, v.stride), make([]uint64, v.stride)
		if near.about(start, end, false, gotWide, gotTight); !slices.Equal(gotWide, wide) || !slices.Equal(gotTight, tight) {
			t.Fatalf("%q at %d to %d: other topics", text, start, end)
		}
		if left <= back || right <= ahead {
			heard++
		}
	}
	if heard < 500 {
		t.Errorf("only %d words were heard", heard)
	}
}
