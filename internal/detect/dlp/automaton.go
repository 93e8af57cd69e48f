package dlp

import (
	"unicode/utf8"
)

// automaton finds many words at once: the DFA of Aho and Corasick over
// classes of bytes, so that a table row has one entry per byte that occurs in
// a word. It is built once and read by many.
type automaton struct {
	letters *letters // nil: bytes are compared as they are
	class   [256]uint8
	width   int
	next    []int32 // state + class → state, negative when a word ends there; states are multiples of width
	out     []int32 // state/width → index into outs plus 1, 0 for none
	outs    []output
	skip    [256]bool // bytes that leave the first state where it is
}

// output is a word that ends in a state; more leads to shorter ones.
type output struct {
	word   int32
	length int32
	more   int32
}

// newAutomaton builds the DFA. With letters, case and accents make no
// difference and a run of white space equals one space.
func newAutomaton(words []string, l *letters) *automaton {
	a := &automaton{letters: l}
	keys := make([][]byte, len(words))
	for i, w := range words {
		keys[i] = a.key(w)
	}
	a.classes(keys)
	fail := a.trie(keys)
	a.complete(fail)
	for i, to := range a.next {
		if a.out[int(to)/a.width] != 0 {
			a.next[i] = ^to
		}
	}
	for b := range a.skip {
		a.skip[b] = a.next[a.class[b]] == 0 && (b < utf8.RuneSelf || l == nil)
	}
	return a
}

// key is a word as the automaton reads it.
func (a *automaton) key(word string) []byte {
	if a.letters == nil {
		return []byte(word)
	}
	var key []byte
	space := true // leading white space is dropped
	for _, r := range word {
		if r < utf8.RuneSelf && isSpace(byte(r)) {
			if !space {
				key = append(key, ' ')
			}
			space = true
			continue
		}
		space = false
		key = append(key, a.letters.fold(r)...)
	}
	if space && len(key) > 0 {
		key = key[:len(key)-1]
	}
	return key
}

func (a *automaton) classes(keys [][]byte) {
	n := uint8(0)
	for _, key := range keys {
		for _, b := range key {
			if a.class[b] == 0 && n < 255 {
				n++
				a.class[b] = n
			}
		}
	}
	if a.letters != nil {
		for b := byte('A'); b <= 'Z'; b++ {
			a.class[b] = a.class[b+'a'-'A']
		}
		for _, b := range []byte("\t\n\v\f\r") {
			a.class[b] = a.class[' ']
		}
	}
	a.width = int(n) + 1
}

// trie inserts the keys; a missing transition is -1. It returns the room for
// the failure links.
func (a *automaton) trie(keys [][]byte) []int32 {
	grow := func() int32 {
		state := int32(len(a.next))
		for range a.width {
			a.next = append(a.next, -1)
		}
		a.out = append(a.out, 0)
		return state
	}
	grow()
	for i, key := range keys {
		if len(key) == 0 {
			continue
		}
		state := int32(0)
		for _, b := range key {
			at := state + int32(a.class[b])
			if a.next[at] < 0 {
				to := grow()
				a.next[at] = to
			}
			state = a.next[at]
		}
		row := int(state) / a.width
		a.outs = append(a.outs, output{word: int32(i), length: int32(len(key)), more: a.out[row]})
		a.out[row] = int32(len(a.outs))
	}
	return make([]int32, len(a.out))
}

// complete turns the trie into a DFA, level by level.
func (a *automaton) complete(fail []int32) {
	var queue []int32
	for c := 0; c < a.width; c++ {
		if to := a.next[c]; to > 0 {
			queue = append(queue, to)
		} else {
			a.next[c] = 0
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		row := int(state) / a.width
		back := fail[row]
		a.join(row, int(back)/a.width)
		for c := int32(0); c < int32(a.width); c++ {
			to := a.next[state+c]
			if to < 0 {
				a.next[state+c] = a.next[back+c]
				continue
			}
			fail[int(to)/a.width] = a.next[back+c]
			queue = append(queue, to)
		}
	}
}

// join appends the words that end in the failure state to those of row.
func (a *automaton) join(row, back int) {
	if a.out[back] == 0 {
		return
	}
	if a.out[row] == 0 {
		a.out[row] = a.out[back]
		return
	}
	last := a.out[row] - 1
	for a.outs[last].more != 0 {
		last = a.outs[last].more - 1
	}
	a.outs[last].more = a.out[back]
}

// scan calls found for every word in text[from:to], with positions in text.
func (a *automaton) scan(text []byte, from, to int, found func(word, start, end int)) {
	state := int32(0)
	space := false
	for i := from; i < to; i++ {
		b := text[i]
		if state == 0 && a.skip[b] {
			space = isSpace(b)
			continue
		}
		if b >= utf8.RuneSelf && a.letters != nil {
			size := 0
			if state, size = a.rune(state, text[i:to]); size == 0 {
				return
			}
			i += size - 1
			space = false
		} else {
			if b <= ' ' && a.letters != nil && isSpace(b) {
				if space {
					continue
				}
				space = true
			} else {
				space = false
			}
			state = a.next[state+int32(a.class[b])]
		}
		if state < 0 {
			state = ^state
			a.report(text, from, i+1, a.out[int(state)/a.width], found)
		}
	}
}

// rune moves on by a character that is not ASCII; size is 0 when it is cut
// off.
func (a *automaton) rune(state int32, text []byte) (to int32, size int) {
	if !utf8.FullRune(text) {
		return state, 0
	}
	r, size := utf8.DecodeRune(text)
	for _, f := range []byte(a.letters.fold(r)) {
		if state < 0 {
			state = ^state
		}
		state = a.next[state+int32(a.class[f])]
	}
	return state, size
}

func (a *automaton) report(text []byte, from, end int, o int32, found func(word, start, end int)) {
	for ; o != 0; o = a.outs[o-1].more {
		if start := a.start(text, from, end, int(a.outs[o-1].length)); start >= from {
			found(int(a.outs[o-1].word), start, end)
		}
	}
}

// start walks back over n folded bytes from end.
func (a *automaton) start(text []byte, from, end, n int) int {
	if a.letters == nil {
		return end - n
	}
	i := end
	for n > 0 && i > from {
		if text[i-1] < utf8.RuneSelf {
			if i--; isSpace(text[i]) {
				for i > from && isSpace(text[i-1]) {
					i--
				}
			}
			n--
			continue
		}
		r, size := utf8.DecodeLastRune(text[:i])
		i -= size
		n -= len(a.letters.fold(r))
	}
	return i
}

// whole reports whether text[start:end] is not part of a longer word.
func whole(text []byte, start, end int) bool {
	first, last := after(text, start), before(text, end)
	return !(isWord(first) && isWord(before(text, start))) && !(isWord(last) && isWord(after(text, end)))
}
