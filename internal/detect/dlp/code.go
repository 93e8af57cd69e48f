package dlp

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/detect"
)

// sourceCode finds program text by what stands in its lines: words with which
// statements begin, calls, assignments, operators and the signs at their ends.
// One line says little, and prose has each of these now and then; that most of
// a dozen lines in a row have them says enough. It knows no language by name.
type sourceCode struct {
	words map[string]uint8 // each has a number, behind alone those that are a line alone
	alone uint8
}

func (*sourceCode) ID() string { return "source-code" }

// newSourceCode knows the words with which lines of programs begin, of many
// languages. Words that many sentences begin with are there, too: what else
// the line has decides.
func newSourceCode() *sourceCode {
	c := &sourceCode{words: map[string]uint8{}}
	add := func(list string) {
		for _, w := range strings.Fields(list) {
			c.words[w] = uint8(len(c.words) + 1)
		}
	}
	add("if for while switch case return def class func function fn import package from using namespace public private " +
		"protected static void const let var val mut struct enum interface impl trait type typedef template elif elsif elseif " +
		"foreach async await extends throws int char bool boolean float double long short unsigned signed auto size_t string " +
		"catch except lambda yield raise throw echo print println printf local my sub use require module include export new " +
		"delete this self super null nil None True False defer go chan select range with as in assert global nonlocal del until " +
		"unless when match where lock unsafe extern inline virtual override abstract final sealed readonly volatile register " +
		"goto sizeof object fun data companion pub mod crate dim Dim Sub Function sudo exit set unset shift source alias test " +
		"exec eval SELECT INSERT UPDATE CREATE ALTER DROP DELETE FROM WHERE JOIN GROUP ORDER VALUES SET DECLARE BEGIN END EXEC " +
		"#include #define #ifdef #ifndef #if #else #endif #pragma #undef @Override @Test @param @Autowired @property " +
		"@staticmethod @classmethod")
	c.alone = uint8(len(c.words))
	add("else break continue pass fi done esac end begin then do try finally default endif loop")
	return c
}

const (
	codeLines  = 12  // that are looked at together
	fewLines   = 6   // when the text is over
	codeBefore = 12  // lines that must not begin a block, for another to begin
	maxCode    = 160 // octets of a line of a program that somebody wrote
)

// codeLine is a line that is not blank.
type codeLine struct {
	start, end int
	code       bool
	word       uint8 // the number of its first word, 0 for none of ours
	does       bool  // it calls, assigns or compares
	begins     bool  // a block of code begins here
}

func (c *sourceCode) Scan(w *detect.Window, found func(detect.Hit)) {
	text := w.Text
	if !mayBeCode(text) {
		return
	}
	var ring [32]codeLine
	n := 0 // lines so far
	judge := func(i, size int) {
		l := &ring[i%len(ring)]
		level := blockAt(&ring, i, size)
		l.begins = level != 0
		for k := i - 1; k >= max(0, i-codeBefore); k-- {
			if ring[k%len(ring)].begins {
				return
			}
		}
		if l.begins {
			found(detect.Hit{
				Type: "SOURCE_CODE", Start: l.start, End: l.end, Confidence: level, Score: atHigh, Aside: true,
				Value: string(text[l.start:l.end]), Why: []string{"lines of a program"},
			})
		}
	}
	for at := 0; at < len(text); {
		end := bytes.IndexByte(text[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(text)-at, len(text)
		}
		if l, ok := c.line(text, at, at+end); ok {
			ring[n%len(ring)] = l
			if n++; n >= codeLines {
				judge(n-codeLines, codeLines)
			}
		}
		at = next
	}
	for i := max(0, n-codeLines+1); i+fewLines <= n; i++ {
		judge(i, n-i)
	}
}

// mayBeCode reports whether a text has some of the signs at all: prose is left
// at once.
func mayBeCode(text []byte) bool {
	calls := bytes.Count(text, []byte("("))
	return calls >= 3 && (bytes.Count(text, []byte("=")) >= 2 || bytes.Count(text, []byte(";")) >= 4 || calls >= 8)
}

// blockAt is how surely a program stands in size lines from line i on; 0 is
// not at all. What it needs besides the share of lines is what lists, data and
// contracts do not have: several words of programs, and lines that do
// something.
func blockAt(ring *[32]codeLine, i, size int) detect.Confidence {
	if !ring[i%len(ring)].code {
		return 0
	}
	lines, words, does := 0, 0, 0
	var seen [4]uint64
	different := 0
	for k := i; k < i+size; k++ {
		l := &ring[k%len(ring)]
		if !l.code {
			continue
		}
		lines++
		if l.does {
			does++
		}
		if l.word > 0 {
			words++
			if bit := uint64(1) << (l.word % 64); seen[l.word/64]&bit == 0 {
				seen[l.word/64] |= bit
				different++
			}
		}
	}
	switch {
	case lines*4 < size*3 || does < 2 || words < 2:
		return 0
	case size == codeLines && lines*5 >= size*4 && different >= 2 && does >= 3:
		return detect.High
	case size == codeLines && different >= 2 || different >= 3 && lines*5 >= size*4:
		return detect.Medium
	}
	return detect.Low
}

// line looks at text[start:end]; ok is false for a blank line, and for
// one that is a comment: it says nothing either way.
func (c *sourceCode) line(text []byte, start, end int) (l codeLine, ok bool) {
	for start < end && isSpace(text[start]) {
		start++
	}
	for start < end && isSpace(text[end-1]) {
		end--
	}
	b := text[start:end]
	l = codeLine{start: start, end: end}
	if len(b) == 0 || comment(b) {
		return l, false
	}
	if len(b) > maxCode {
		return l, true
	}
	word := firstWord(b)
	l.word = c.words[string(word)]
	signs := signsOf(b)
	l.does = signs&(calls|assigns|operates) != 0
	last := b[len(b)-1]
	closed := last == ';' || last == '{' || last == '}'
	switch {
	case len(b) <= 3 && signs&brackets != 0: // "}", "});"
		l.code = true
	case closed && (signs != 0 || l.word > 0 || bytes.IndexByte(b, ' ') < 0):
		l.code = true
	case l.word > 0 && len(word) == len(b): // "else", "break", "fi"
		l.code = l.word > c.alone
	case l.word > 0:
		l.code = l.does || signs&brackets != 0 || last == ':' || last == '"' || last == '\'' || spaces(b) <= 2
	default:
		l.code = signs&calls != 0 && signs&(assigns|operates) != 0 || signs&(calls|assigns) != 0 && spaces(b) <= 3 ||
			signs&assigns != 0 && (last == ',' || last == ')')
	}
	if !l.code {
		l.word = 0
	}
	return l, true
}

// comment reports whether a line is one, in most languages.
func comment(b []byte) bool {
	switch b[0] {
	case '*', '%':
		return true
	case '/':
		return len(b) > 1 && (b[1] == '/' || b[1] == '*')
	case '#':
		return len(b) == 1 || !nameLetter(b[1]) // "#include" is none
	case '-':
		return len(b) > 1 && b[1] == '-'
	}
	return false
}

func nameLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// firstWord is the word with which a line begins, with a sign before it.
func firstWord(b []byte) []byte {
	i := 0
	if b[0] == '#' || b[0] == '@' || b[0] == '}' {
		for i++; i < len(b) && b[i] == ' '; i++ {
		}
		if b[0] == '}' { // "} else {"
			b, i = b[i:], 0
		}
	}
	for i < len(b) && nameLetter(b[i]) {
		i++
	}
	return b[:i]
}

func spaces(b []byte) int { return bytes.Count(b, []byte(" ")) }

// signs are what a line has besides words.
const (
	calls    = 1 << iota // a name, and "(" right behind it
	assigns              // a name, and "=" behind it
	operates             // operators that prose does not have
	brackets
)

func signsOf(b []byte) (signs int) {
	for i, c := range b {
		switch c {
		case '(':
			signs |= brackets
			if i > 0 && (nameLetter(b[i-1]) || '0' <= b[i-1] && b[i-1] <= '9') {
				signs |= calls
			}
		case ')', '[', ']', '{', '}':
			signs |= brackets
		case '=':
			signs |= equals(b, i)
		case '&', '|', ':', '+':
			if i > 0 && b[i-1] == c {
				signs |= operates
			}
		case '>':
			if i > 1 && (b[i-1] == '-' || b[i-1] == '=') && b[i-2] != c && b[i-2] != '-' { // an arrow of prose has a long shaft
				signs |= operates
			}
		}
	}
	return signs
}

// equals says what "=" at i does.
func equals(b []byte, i int) int {
	if i == 0 || i+1 == len(b) {
		return 0
	}
	switch before := b[i-1]; before {
	case '=', '!', '<', '>', '+', '-', ':', '|', '&', '*', '~':
		return operates
	case ' ':
		if i > 1 && (nameLetter(b[i-2]) || b[i-2] == ']' || b[i-2] == ')' || '0' <= b[i-2] && b[i-2] <= '9') && b[i+1] == ' ' {
			return assigns
		}
	default:
		if bytes.IndexByte(b[:i], ' ') < 0 && nameLetter(b[0]) && !bytes.Contains(b[:i], []byte("/")) { // "name=value"
			return assigns
		}
	}
	return 0
}
