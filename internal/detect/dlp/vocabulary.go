package dlp

import (
	"math/bits"
	"slices"
	"unicode/utf8"
)

// topic is what a word speaks of: a detector, what speaks against it, or
// ofOther.
type topic int

// ofOther is the topic of words for numbers that are nothing to protect.
const ofOther topic = 0

// vocabulary finds the words of all topics: whole, without regard to case and
// accents, with any white space, hyphen or underscore between the words of a
// phrase. It is a tree of letters that is walked from the beginning of each
// word, since a word's beginning is known: so it needs a hundredth of the
// memory that an automaton for 10,000 words in 30 languages needs.
type vocabulary struct {
	letters *letters
	root    [256]int32 // first octet → node
	nodes   []wordNode
	labels  []byte // of the children of all nodes
	targets []int32
	words   []string
	stride  int
	length  int      // octets of the longest word
	span    int      // octets of text that it may take
	longest []int    // octets of the longest word of each topic
	topics  []uint64 // bit sets, stride for each word

	beginnings *beginnings

	speaks  map[string]topic // by detector id
	against map[string]topic
	count   int // topics
}

// wordNode is a node of the tree; its children stand in labels and targets, in
// the order of their octets.
type wordNode struct {
	first, n int32
	word     int32  // -1: none ends here
	letters  int32  // the first child that is a letter of ASCII
	has      uint32 // which letters there are
}

// newVocabulary builds the tree from the words of the packs.
func newVocabulary(l *letters, list []Pack) *vocabulary {
	v := &vocabulary{letters: l, speaks: map[string]topic{}, against: map[string]topic{}, count: 1}
	type entry struct {
		word string
		of   topic
	}
	var all []entry
	add := func(words []string, of topic) {
		for _, w := range words {
			key := v.key(w)
			if key == "" {
				continue
			}
			all = append(all, entry{key, of})
			if joined := withoutSpaces(key); len(joined) >= 5 && joined != key {
				all = append(all, entry{joined, of})
			}
		}
	}
	add(otherWords(), ofOther)
	for _, p := range list {
		v.speaks[p.ID] = topic(v.count)
		v.count++
		for _, lang := range p.languages() {
			add(p.Keywords[lang], v.speaks[p.ID])
		}
		if len(p.Negative) > 0 {
			v.against[p.ID] = topic(v.count)
			v.count++
			add(p.Negative, v.against[p.ID])
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		if a.word < b.word {
			return -1
		} else if a.word > b.word {
			return 1
		}
		return 0
	})
	v.stride = (v.count + 63) / 64
	v.longest = make([]int, v.count)
	for _, e := range all {
		v.longest[e.of] = max(v.longest[e.of], len(e.word))
		if n := len(v.words); n == 0 || v.words[n-1] != e.word {
			v.words = append(v.words, e.word)
			v.topics = append(v.topics, make([]uint64, v.stride)...)
		}
		at := (len(v.words)-1)*v.stride + int(e.of)/64
		v.topics[at] |= 1 << (e.of % 64)
	}
	v.plant(0, len(v.words), 0)
	v.length = slices.Max(v.longest)
	v.span = spanOf(v.length)
	for i := range v.nodes[0].n {
		at := v.nodes[0].first + i
		v.root[v.labels[at]] = v.targets[at]
		if c := v.labels[at]; c < utf8.RuneSelf && kinds[c] == 0 {
			panic("dlp: words begin with a letter or a figure") // the tests load every pack
		}
	}
	v.beginnings = newBeginnings(v)
	return v
}

// spanOf is how much text a word of so many octets may take.
func spanOf(n int) int { return min(2*n+16, 2*maxWord) }

// spanOf is how much text the longest word of some topics may take.
func (v *vocabulary) spanOf(topics ...topic) int {
	n := 0
	for _, of := range topics {
		n = max(n, v.longest[of])
	}
	return spanOf(n)
}

// plant makes the node for words[from:to], which share depth octets.
func (v *vocabulary) plant(from, to, depth int) int32 {
	id := int32(len(v.nodes))
	v.nodes = append(v.nodes, wordNode{word: -1})
	if from < to && len(v.words[from]) == depth {
		v.nodes[id].word = int32(from)
		from++
	}
	var starts []int
	for i := from; i < to; i++ {
		if i == from || v.words[i][depth] != v.words[i-1][depth] {
			starts = append(starts, i)
		}
	}
	first := int32(len(v.labels))
	v.nodes[id].first, v.nodes[id].n = first, int32(len(starts))
	for _, i := range starts {
		v.labels = append(v.labels, v.words[i][depth])
		v.targets = append(v.targets, 0)
	}
	for k, i := range starts {
		if c := v.words[i][depth] - 'a'; c < 26 {
			if v.nodes[id].has == 0 {
				v.nodes[id].letters = first + int32(k)
			}
			v.nodes[id].has |= 1 << c
		}
		end := to
		if k+1 < len(starts) {
			end = starts[k+1]
		}
		v.targets[first+int32(k)] = v.plant(i, end, depth+1)
	}
	return id
}

// key is a word as the tree holds it.
func (v *vocabulary) key(word string) string {
	var key []byte
	for _, r := range word {
		if r < utf8.RuneSelf && gapByte(byte(r)) {
			if n := len(key); n > 0 && key[n-1] != ' ' {
				key = append(key, ' ')
			}
			continue
		}
		key = append(key, v.letters.fold(r)...)
	}
	if n := len(key); n > 0 && key[n-1] == ' ' {
		key = key[:n-1]
	}
	return string(key)
}

func withoutSpaces(key string) string {
	b := make([]byte, 0, len(key))
	for i := range len(key) {
		if key[i] != ' ' {
			b = append(b, key[i])
		}
	}
	return string(b)
}

// gapByte reports whether c may stand between the words of a phrase.
func gapByte(c byte) bool { return isSpace(c) || c == '-' || c == '_' }

// child is the node behind an octet, 0 for none.
func (v *vocabulary) child(node int32, b byte) int32 {
	n := &v.nodes[node]
	if c := b - 'a'; c < 26 {
		if n.has>>c&1 == 0 {
			return 0
		}
		return v.targets[int(n.letters)+bits.OnesCount32(n.has&(1<<c-1))]
	}
	for i := n.first; i < n.first+n.n && v.labels[i] <= b; i++ {
		if v.labels[i] == b {
			return v.targets[i]
		}
	}
	return 0
}

// has reports whether a word speaks of a topic.
func (v *vocabulary) has(word int32, of topic) bool {
	return v.topics[int(word)*v.stride+int(of)/64]>>(of%64)&1 != 0
}

// The kinds of ASCII characters inside words; 0 for others.
const (
	smallLetter = iota + 1
	capitalLetter
	figure
)

var kinds = func() (t [256]uint8) {
	for c := byte('0'); c <= '9'; c++ {
		t[c] = figure
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c], t[c+'a'-'A'] = capitalLetter, smallLetter
	}
	return t
}()

// lowered is the small letter of each ASCII letter.
var lowered = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] = byte(i) + 'a' - 'A'
		}
	}
	return t
}()

// starts reports whether a word begins between two characters: at the border
// of letters, and inside "cardNumber".
func starts(prev, r rune) bool {
	if r < utf8.RuneSelf && prev < utf8.RuneSelf {
		a, b := kinds[byte(prev)], kinds[byte(r)]
		return a == 0 || b == 0 || a == smallLetter && b == capitalLetter
	}
	if !inWord(r) || !inWord(prev) {
		return true
	}
	return 'a' <= prev && prev <= 'z' && 'A' <= r && r <= 'Z'
}

// inWord is isWord, but an underscore separates.
func inWord(r rune) bool { return r != '_' && isWord(r) }

// walk finds the words that begin at start; the characters from there to i
// lead to node.
func (v *vocabulary) walk(text []byte, start, i int, node int32, list []mark) []mark {
	gap := false
	for {
		if w := v.nodes[node].word; w >= 0 && starts(before(text, i), after(text, i)) {
			list = append(list, mark{start, i, w})
		}
		if i >= len(text) || i-start >= v.span {
			return list
		}
		c := text[i]
		switch {
		case c < utf8.RuneSelf && gapByte(c):
			i++
			if gap {
				continue
			}
			gap = true
			node = v.child(node, ' ')
		case c < utf8.RuneSelf:
			gap = false
			i++
			if node == 0 {
				node = v.root[lowered[c]]
			} else {
				node = v.child(node, lowered[c])
			}
		default:
			gap = false
			r, size := utf8.DecodeRune(text[i:])
			i += size
			folded := v.letters.fold(r)
			for k := range len(folded) {
				if node = v.child(node, folded[k]); node == 0 {
					break
				}
			}
		}
		if node == 0 {
			return list
		}
	}
}
