package rtf

// Bounds of the reading.
const (
	// maxDepth is how deep groups may be nested; what is deeper counts as
	// part of the group at the limit.
	maxDepth = 5000
	// maxFonts is how many fonts are remembered.
	maxFonts = 10000
	// maxWord is the length of a control word; Word reads 32 letters, too.
	maxWord = 32
)

// reader is the state of reading one document.
type reader struct {
	p  []byte
	at int

	out Out
	err error

	group group
	stack []group
	extra int // groups over maxDepth

	page     int // the code page of the document
	fonts    map[int]int
	font     int // in the table of fonts: the one that is described
	standard int // \deff

	pending []byte // octets in the code page of the group, not yet decoded
	half    rune   // the first half of a pair of UTF-16
	skip    int    // characters to leave out after \u

	text  []byte // of the body, not yet given out
	side  [sides][]byte
	table table

	value  []byte // of the property, picture or object that is read
	nibble int    // of octets in hexadecimal, -1 for none
	date   [5]int
	name   string // of a custom property or of a property of a shape
	kind   string // of a picture
	number int    // of pictures and objects

	fromHTML bool
	html     []byte

	deep, damaged bool
}

// group is what ends with a closing brace.
type group struct {
	dest    dest
	own     bool // this group began the destination
	star    bool // \* was read
	hidden  bool
	deleted bool
	rtfOnly bool // \htmlrtf
	inTable bool // \intbl
	uc      int
	font    int // -1 for none yet
}

// run reads to the end. Text between control words is taken in pieces.
func (r *reader) run() {
	for r.at < len(r.p) && r.err == nil {
		switch c := r.p[r.at]; c {
		case '{':
			r.at++
			r.begin()
		case '}':
			r.at++
			if len(r.stack) > 0 || r.extra > 0 {
				r.end()
			}
			if len(r.stack) == 0 && r.tail() {
				return
			}
		case '\\':
			r.at++
			r.control()
		case '\r', '\n', 0:
			r.at++
		default:
			r.plain()
		}
		if len(r.text) >= 8<<10 {
			r.flush(r.cellOpen())
		}
	}
}

// tail looks at what stands after the last brace. Text may go on there: Word
// does not read it, other programs do.
func (r *reader) tail() bool {
	r.chars()
	r.group.dest, r.group.hidden = notRead, false
	for i := r.at; i < len(r.p); i++ {
		switch r.p[i] {
		case 0, ' ', '\t', '\r', '\n', '}':
		default:
			r.at, r.group.dest = i, beside
			return false
		}
	}
	return true
}

// plain takes characters up to the next sign that means something.
func (r *reader) plain() {
	start := r.at
	for r.at < len(r.p) {
		switch r.p[r.at] {
		case '{', '}', '\\', '\r', '\n', 0:
			r.octets(r.p[start:r.at])
			return
		}
		r.at++
	}
	r.octets(r.p[start:r.at])
}

// control reads a control word or symbol; the backslash is behind.
func (r *reader) control() {
	if r.at >= len(r.p) {
		return
	}
	c := r.p[r.at]
	if !letter(c) {
		r.at++
		r.symbol(c)
		return
	}
	start := r.at
	for r.at < len(r.p) && letter(r.p[r.at]) && r.at-start < maxWord {
		r.at++
	}
	word := r.p[start:r.at]
	value, has := r.parameter()
	if r.at < len(r.p) && r.p[r.at] == ' ' {
		r.at++
	}
	if r.skip > 0 && !keepsSkip(word) {
		r.skip--
		if string(word) == "bin" {
			r.at = min(r.at+max(value, 0), len(r.p))
		}
		return
	}
	r.word(word, value, has)
}

// keepsSkip are the words that do not count as a character that \u replaces:
// a writer that puts \u after \u without the character in between means both.
func keepsSkip(word []byte) bool { return string(word) == "u" || string(word) == "uc" }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (r *reader) parameter() (value int, has bool) {
	negative := false
	if r.at+1 < len(r.p) && r.p[r.at] == '-' && digit(r.p[r.at+1]) {
		negative = true
		r.at++
	}
	for r.at < len(r.p) && digit(r.p[r.at]) {
		has = true
		if value < 1<<40 {
			value = value*10 + int(r.p[r.at]-'0')
		}
		r.at++
	}
	if negative {
		value = -value
	}
	return value, has
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// begin opens a group.
func (r *reader) begin() {
	r.flushOctets()
	r.skip = 0
	if len(r.stack) >= maxDepth {
		r.deep = true
		r.extra++
		return
	}
	r.stack = append(r.stack, r.group)
	r.group.own, r.group.star = false, false
}

// end closes a group, and with it the destination that it began.
func (r *reader) end() {
	r.flushOctets()
	r.skip = 0
	if r.extra > 0 {
		r.extra--
		return
	}
	if r.group.own {
		r.close()
	}
	last := len(r.stack) - 1
	r.group = r.stack[last]
	r.stack = r.stack[:last]
}

// symbol reads a control symbol.
func (r *reader) symbol(c byte) {
	if c == '\'' {
		r.escaped()
		return
	}
	if r.skip > 0 && c != '*' {
		r.skip--
		return
	}
	switch c {
	case '\\', '{', '}':
		r.octets([]byte{c})
	case '~':
		r.rune(0xA0)
	case '-':
		r.rune(0xAD)
	case '_':
		r.rune(0x2011)
	case '\r', '\n':
		r.rune('\n')
	case '\t':
		r.rune('\t')
	case '*':
		r.group.star = true
	}
}

// escaped reads \'hh. A single digit counts as an octet, too.
func (r *reader) escaped() {
	value, n := 0, 0
	for n < 2 && r.at < len(r.p) {
		d := hexadecimal(r.p[r.at])
		if d < 0 {
			break
		}
		value = value<<4 | d
		r.at++
		n++
	}
	if n == 0 {
		return
	}
	r.octets([]byte{byte(value)})
}

func hexadecimal(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
