package dlp

import (
	"slices"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
)

// reach is how far from a number a word still speaks of it, in bytes. It is
// Purview's 300 characters.
const reach = 300

// mark is a word in a window.
type mark struct {
	start, end int
	word       int32
}

// nearby answers what is said near a position. It reads a window block by
// block, when it is asked, and each block once for all detectors.
type nearby struct {
	v      *vocabulary
	text   []byte
	blocks []block
}

// block holds the words that begin in one piece of the text.
type block struct {
	read  bool
	marks []mark
}

const blockSize = 64

// maxWord bounds the length of a word in the vocabulary, in bytes of text.
const maxWord = 64

func (v *vocabulary) over(w *detect.Window) *nearby {
	return w.Shared(v, func() detect.Renewed { return &nearby{v: v} }).(*nearby)
}

// Renew begins with another window.
func (n *nearby) Renew(w *detect.Window) {
	n.text = w.Text
	size := len(w.Text)/blockSize + 1
	n.blocks = slices.Grow(n.blocks[:0], size)[:size]
	for i := range n.blocks {
		n.blocks[i].read = false
	}
}

// near is the distance in bytes from [start, end) to the closest word of a
// topic, on the left and on the right; reach+1 when there is none.
func (n *nearby) near(of topic, start, end int) (left, right int) {
	return n.within(of, start, end, reach, reach)
}

// within is near for words at most back octets in front and ahead behind: no
// others are read.
func (n *nearby) within(of topic, start, end, back, ahead int) (left, right int) {
	return n.shorter(n.v.span, of, start, end, back, ahead)
}

// shorter is within for words whose last letter begins less than longest
// octets behind the first.
func (n *nearby) shorter(longest int, of topic, start, end, back, ahead int) (left, right int) {
	left, right = reach+1, reach+1
	first, last := n.begin(start-back, n.v.longest[of], longest)/blockSize, min(len(n.text), end+ahead)/blockSize
	for b := first; b <= last; b++ {
		for _, m := range n.marksOf(b) {
			if !n.v.has(m.word, of) || m.end-m.start > longest && !n.isShorter(m, longest) {
				continue
			}
			if d := start - m.end; d >= 0 && d <= back {
				left = min(left, d)
			}
			if d := m.start - end; d >= 0 && d <= ahead {
				right = min(right, d)
			}
		}
	}
	return left, right
}

func (n *nearby) isShorter(m mark, longest int) bool {
	_, size := utf8.DecodeLastRune(n.text[m.start:m.end])
	return m.end-size-m.start < longest
}

// about collects the topics of all words in reach of [start, end), and of
// those just before and just behind it. When it is narrow only these are read.
func (n *nearby) about(start, end int, narrow bool, wide, tight []uint64) {
	clear(wide)
	clear(tight)
	v := n.v
	back, ahead := reach, reach
	if narrow {
		back, ahead = justBefore, justBehind
	}
	first, last := n.around(start, end, back, ahead, v.length)
	for b := first; b <= last; b++ {
		for _, m := range n.marksOf(b) {
			left, right := start-m.end, m.start-end
			if left < 0 && right < 0 || left > back || right > ahead {
				continue
			}
			strong := left >= 0 && left <= justBefore || right >= 0 && right <= justBehind
			for i, bits := range v.topics[int(m.word)*v.stride : (int(m.word)+1)*v.stride] {
				wide[i] |= bits
				if strong {
					tight[i] |= bits
				}
			}
		}
	}
}

// around are the first and the last block with words, of up to longest octets,
// that end at most back octets before a number or begin at most ahead octets
// behind it.
func (n *nearby) around(start, end, back, ahead, longest int) (first, last int) {
	return n.begin(start-back, longest, n.v.span) / blockSize, min(len(n.text), end+ahead) / blockSize
}

// begin is where a word of up to longest octets may begin that reaches at, and
// takes up to span octets of text. Where each character before at stands for
// one octet of a word it begins no further back than it is long.
func (n *nearby) begin(at, longest, span int) int {
	from := at - longest - 1
	if from <= 0 {
		return max(0, at-span)
	}
	last := uint8(0)
	for _, c := range n.text[from:at] {
		k := stretches[c]
		if k&(last|inOthers) != 0 {
			return max(0, at-span)
		}
		last = k
	}
	return from
}

// Why a character may stand for no octet of a word, or for several.
const (
	inGaps   = 1 << iota // behind another of its kind
	inOthers             // it is not of ASCII
)

var stretches = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = inOthers
		case gapByte(byte(c)):
			t[c] = inGaps
		}
	}
	return t
}()

// holds reports whether a topic is in a set.
func holds(set []uint64, of topic) bool { return set[of/64]>>(of%64)&1 != 0 }

// closest is near with the word that is closest; -1 when there is none.
func (n *nearby) closest(of topic, start, end int) (left, right int, word int32) {
	left, right, word = reach+1, reach+1, -1
	first, last := n.around(start, end, reach, reach, n.v.longest[of])
	for b := first; b <= last; b++ {
		for _, m := range n.marksOf(b) {
			if !n.v.has(m.word, of) {
				continue
			}
			if m.end <= start && start-m.end <= reach {
				if d := start - m.end; d < left && d < right {
					word = m.word
				}
				left = min(left, start-m.end)
			}
			if m.start >= end && m.start-end <= reach {
				if d := m.start - end; d < left && d < right {
					word = m.word
				}
				right = min(right, m.start-end)
			}
		}
	}
	return left, right, word
}

func (n *nearby) marksOf(b int) []mark {
	if k := &n.blocks[b]; !k.read {
		k.read = true
		from := b * blockSize
		k.marks = n.v.scan(n.text, from, min(len(n.text), from+blockSize), k.marks[:0])
	}
	return n.blocks[b].marks
}
