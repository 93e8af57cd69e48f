package secret

// set is a set of classes of bytes.
type set uint16

// The classes; a byte is in one at most.
const (
	digits    set = 1 << iota
	lowHex        // a to f
	upHex         // A to F
	low           // g to z
	up            // G to Z
	under         // _
	dash          // -
	dot           // .
	slashPlus     // / and +
	equal         // =
	tilde         // ~
	percent       // %
	other         // $ : { and other signs that no word has
)

// Sets that tokens are made of.
const (
	hexLow    = digits | lowHex
	hexAny    = digits | lowHex | upHex
	lowers    = lowHex | low
	uppers    = upHex | up
	letters   = lowers | uppers
	lowNum    = digits | lowers
	upNum     = digits | uppers
	alnum     = digits | letters
	wordSet   = alnum | under
	base64url = alnum | under | dash
	base64std = alnum | slashPlus | equal
)

// classOf says which class a byte is in.
var classOf = func() (t [256]set) {
	for b := 'a'; b <= 'z'; b++ {
		t[b], t[b-32] = low, up
	}
	for b := 'a'; b <= 'f'; b++ {
		t[b], t[b-32] = lowHex, upHex
	}
	for b := '0'; b <= '9'; b++ {
		t[b] = digits
	}
	t['_'], t['-'], t['.'], t['/'], t['+'] = under, dash, dot, slashPlus, slashPlus
	t['='], t['~'], t['%'] = equal, tilde, percent
	t['$'], t[':'], t['{'] = other, other, other
	return t
}()

func is(b byte, s set) bool { return classOf[b]&s != 0 }

// run is the end of the bytes of s that begin at i, at most most of them.
func run(t []byte, i int, s set, most int) int {
	end := min(len(t), i+most)
	for i < end && classOf[t[i]]&s != 0 {
		i++
	}
	return i
}

// back is the beginning of the bytes of s that end at i, at most most.
func back(t []byte, i int, s set, most int) int {
	from := max(0, i-most)
	for i > from && classOf[t[i-1]]&s != 0 {
		i--
	}
	return i
}

// at gives the byte at i, 0 beyond the text.
func at(t []byte, i int) byte {
	if i < 0 || i >= len(t) {
		return 0
	}
	return t[i]
}

// lower folds an ASCII letter.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 32
	}
	return b
}

// folds reports whether t begins with word, which is written in small ASCII
// letters.
func folds(t []byte, word string) bool {
	if len(t) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(t[i]) != word[i] {
			return false
		}
	}
	return true
}

// has reports whether word, in small ASCII letters, stands in t.
func has(t []byte, word string) bool {
	for i := 0; i+len(word) <= len(t); i++ {
		if lower(t[i]) == word[0] && folds(t[i:], word) {
			return true
		}
	}
	return false
}

// starts reports whether t begins with s, as it is written.
func starts(t []byte, s string) bool { return len(t) >= len(s) && string(t[:len(s)]) == s }
