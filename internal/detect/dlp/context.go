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

func newVocabulary(l *letters) *vocabulary {
	v := &vocabulary{}
	var words []string
	for _, list := range []struct {
		of    topic
		words []string
	}{{ofCard, cardWords()}, {ofIBAN, ibanWords()}, {ofSSN, ssnWords()}, {ofOther, otherWords()}} {
		for _, w := range list.words {
			words = append(words, w)
			v.topics = append(v.topics, list.of)
		}
	}
	v.find = newAutomaton(words, l)
	return v
}

// mark is a word in a window.
type mark struct {
	start, end int
	of         topic
}

// nearby answers what is said near a position. Positions must be asked for in
// rising order, so that no byte is read twice.
type nearby struct {
	v     *vocabulary
	text  []byte
	upto  int
	marks []mark
}

func (v *vocabulary) over(w *detect.Window) *nearby { return &nearby{v: v, text: w.Text} }

// near is the distance in bytes from [start, end) to the closest word of a
// topic, on the left and on the right; reach+1 when there is none.
func (n *nearby) near(of topic, start, end int) (left, right int) {
	n.read(max(0, start-reach), min(len(n.text), end+reach))
	left, right = reach+1, reach+1
	for _, m := range n.marks {
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
	return left, right
}

// read finds the words up to to, and forgets those before from.
func (n *nearby) read(from, to int) {
	k := 0
	for k < len(n.marks) && n.marks[k].start < from-2*reach {
		k++
	}
	n.marks = n.marks[k:]
	// A word that ends behind what was read is found by reading again from a
	// little before; found twice, it changes no distance.
	if to <= n.upto {
		return
	}
	begin := max(from, n.upto-maxWord)
	n.v.find.scan(n.text, begin, to, func(word, start, end int) {
		if end > n.upto && whole(n.text, start, end) {
			n.marks = append(n.marks, mark{start, end, n.v.topics[word]})
		}
	})
	n.upto = to
}

// maxWord bounds the length of a word in the vocabulary, in bytes of text.
const maxWord = 64
