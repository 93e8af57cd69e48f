package dlp

import "postern.dev/postern/internal/detect"

// reach is how far from a number a word still speaks of it, in bytes. It is
// Purview's 300 characters.
const reach = 300

// topic is what a word speaks of.
type topic uint8

const (
	ofCard topic = 1 << iota
	ofIBAN
	ofSSN
	ofOther // something that is a number but nothing to protect
)

// vocabulary finds words of all topics.
type vocabulary struct {
	find   *automaton
	topics []topic
}

func newVocabulary(l *letters, list []Pack) *vocabulary {
	v := &vocabulary{}
	var words []string
	add := func(of topic, list []string) {
		for _, w := range list {
			words = append(words, w)
			v.topics = append(v.topics, of)
		}
	}
	for _, p := range list {
		of := map[string]topic{"CREDIT_CARD": ofCard, "IBAN": ofIBAN, "US_SSN": ofSSN}[p.Type]
		for _, words := range p.Keywords {
			add(of, words)
		}
	}
	add(ofOther, otherWords())
	v.find = newAutomaton(words, l)
	return v
}

// mark is a word in a window.
type mark struct {
	start, end int
	of         topic
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

const blockSize = 512

// maxWord bounds the length of a word in the vocabulary, in bytes of text.
const maxWord = 64

func (v *vocabulary) over(w *detect.Window) *nearby {
	return w.Shared(v, func() any {
		return &nearby{v: v, text: w.Text, blocks: make([]block, len(w.Text)/blockSize+1)}
	}).(*nearby)
}

// near is the distance in bytes from [start, end) to the closest word of a
// topic, on the left and on the right; reach+1 when there is none.
func (n *nearby) near(of topic, start, end int) (left, right int) {
	left, right = reach+1, reach+1
	first, last := max(0, start-reach)/blockSize, min(len(n.text), end+reach)/blockSize
	for b := first; b <= last; b++ {
		for _, m := range n.marksOf(b) {
			if m.of&of == 0 {
				continue
			}
			if m.end <= start && m.start >= start-reach {
				left = min(left, start-m.end)
			}
			if m.start >= end && m.end <= end+reach {
				right = min(right, m.start-end)
			}
		}
	}
	return left, right
}

func (n *nearby) marksOf(b int) []mark {
	if k := &n.blocks[b]; !k.read {
		k.read = true
		from := b * blockSize
		to := min(len(n.text), from+blockSize+maxWord)
		n.v.find.scan(n.text, from, to, func(word, start, end int) {
			if start < from+blockSize && whole(n.text, start, end) {
				k.marks = append(k.marks, mark{start, end, n.v.topics[word]})
			}
		})
	}
	return n.blocks[b].marks
}
