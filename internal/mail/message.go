package mail

// Message is the index of a message: its header and the tree of its parts,
// all as ranges over the original octets.
type Message struct {
	Body   Body
	Header *Header
	Root   *Part
	// Unseen lists what could be read in more than one way, or not at all.
	Unseen []Unseen
	// Bare, EightBit and NUL say that the octets contain a CR or LF that is
	// not part of a pair, one over 127, a zero.
	Bare, EightBit, NUL bool
}

// Limits bound the index. Zero means the default.
type Limits struct {
	// Depth is how deep multiparts and messages may be nested. Default: 50.
	Depth int
	// Parts is how many parts a message may have. Default: 10000.
	Parts int
	// Header is how many octets the header of a part may have.
	// Default: 32 MiB.
	Header int64
}

func (l Limits) orDefault() Limits {
	if l.Depth <= 0 {
		l.Depth = 50
	}
	if l.Parts <= 0 {
		l.Parts = 10_000
	}
	if l.Header <= 0 {
		l.Header = maxHeader
	}
	return l
}

// Parts lists all parts, depth first.
func (m *Message) Parts() []*Part {
	var list []*Part
	m.walk(func(p *Part) { list = append(list, p) })
	return list
}

// Leaves lists the parts that hold content themselves, in the order of the
// message: text, attachments, and the text around the parts of a multipart
// (Part.Hidden).
func (m *Message) Leaves() []*Part {
	var list []*Part
	m.walk(func(p *Part) {
		if p.Leaf() {
			list = append(list, p)
		}
	})
	return list
}

func (m *Message) walk(f func(*Part)) {
	// Not recursive: Limits.Depth is the caller's choice.
	stack := []*Part{m.Root}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f(p)
		for i := len(p.Children) - 1; i >= 0; i-- {
			stack = append(stack, p.Children[i])
		}
	}
}
