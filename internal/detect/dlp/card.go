package dlp

import (
	"strings"

	"postern.dev/postern/internal/detect"
)

// card finds payment card numbers.
type card struct {
	words *vocabulary
	of    topic
}

func (*card) ID() string { return "credit-card" }

// issuer is a range of leading digits with the lengths that its cards have.
// Bits is what the range is worth: common issuers say more than the wide
// ranges of Maestro.
type issuer struct {
	name     string
	from, to int // first six digits
	lengths  []int
	bits     float64
}

var issuers = []issuer{
	{"Visa", 400000, 499999, []int{16}, 3},
	{"Visa (old)", 400000, 499999, []int{13}, 0.5},
	{"Visa (long)", 400000, 499999, []int{18, 19}, 1},
	{"Mastercard", 510000, 559999, []int{16}, 3},
	{"Mastercard", 222100, 272099, []int{16}, 3},
	{"American Express", 340000, 349999, []int{15}, 3},
	{"American Express", 370000, 379999, []int{15}, 3},
	{"Discover", 601100, 601199, []int{16, 17, 18, 19}, 3},
	{"Discover", 622126, 622925, []int{16, 17, 18, 19}, 2},
	{"Discover", 644000, 659999, []int{16, 17, 18, 19}, 2.7},
	{"Diners Club", 300000, 305999, []int{14, 16, 17, 18, 19}, 2.7},
	{"Diners Club", 309500, 309599, []int{14, 16, 17, 18, 19}, 2.7},
	{"Diners Club", 360000, 369999, []int{14, 15, 16, 17, 18, 19}, 2.7},
	{"Diners Club", 380000, 399999, []int{14, 16, 17, 18, 19}, 2},
	{"JCB", 352800, 358999, []int{16, 17, 18, 19}, 3},
	{"JCB (old)", 180000, 180099, []int{15}, 2.7},
	{"JCB (old)", 213100, 213199, []int{15}, 2.7},
	{"UnionPay", 620000, 629999, []int{16, 17, 18, 19}, 2},
	{"UnionPay", 810000, 817199, []int{16, 17, 18, 19}, 1},
	{"Mir", 220000, 220499, []int{16, 17, 18, 19}, 2.7},
	{"Troy", 979200, 979299, []int{16}, 2.7},
	{"RuPay", 508500, 508999, []int{16}, 2.7},
	{"RuPay", 606900, 608599, []int{16}, 2},
	{"Dankort", 501900, 501999, []int{16}, 2.7},
	{"Maestro", 675900, 675999, []int{12, 13, 14, 15, 16, 17, 18, 19}, 1},
	{"Maestro", 500000, 509999, []int{12, 13, 14, 15, 16, 17, 18, 19}, 0.5},
	{"Maestro", 560000, 589999, []int{12, 13, 14, 15, 16, 17, 18, 19}, 0.5},
	{"Maestro", 600000, 699999, []int{12, 13, 14, 15, 16, 17, 18, 19}, 0.5},
	{"JCB (unassigned)", 350000, 359999, []int{16}, 0.5},
	{"Maestro (old)", 60400, 60499, []int{12, 13, 14, 15, 16, 17, 18, 19}, -1},
	{"UATP", 100000, 199999, []int{15}, 0},
}

// issuerOf finds the most telling range of a number.
func issuerOf(digits []byte) (best issuer, ok bool) {
	if digits[0] == '7' {
		return best, false
	}
	head := 0
	for _, d := range digits[:6] {
		head = head*10 + int(d-'0')
	}
	for _, s := range issuers {
		if head < s.from || head > s.to || ok && s.bits <= best.bits {
			continue
		}
		for _, n := range s.lengths {
			if n == len(digits) {
				best, ok = s, true
			}
		}
	}
	return best, ok
}

// luhn is the checksum of ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

func validCard(value string) bool {
	var digits []byte
	gap := true
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case isDigit(rune(c)):
			digits, gap = append(digits, c), false
		case (c == ' ' || c == '-' || c == '.') && !gap:
			gap = true
		default:
			return false
		}
	}
	if gap || len(digits) < 12 || len(digits) > 19 || !luhn(digits) {
		return false
	}
	_, ok := issuerOf(digits)
	return ok
}

// cardGroups are the ways in which card numbers are printed.
var cardGroups = [][]int{
	{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 3}, {4, 4, 4, 2}, {4, 4, 4, 1}, {4, 3, 3, 3},
	{4, 4, 4}, {8, 8}, {6, 10}, {6, 13},
}

// secondGroup reports whether the second group of one of them is so long.
func secondGroup(n int) bool { return n == 3 || n == 4 || n == 6 || n == 8 || n == 10 || n == 13 }

// candidate is a number that passes the checksum, before its surroundings
// are weighed.
type candidate struct {
	evidence
	start, end int
	value      string
}

// maxDigits is the longest run that is read; longer ones are no number.
const maxDigits = 19

func (d *card) Scan(w *detect.Window, found func(detect.Hit)) {
	runs := w.Digits()
	near := d.words.over(w)
	var all []candidate
	var wrong []int // where numbers stand that look the same and fail the checksum
	for i := 0; i < len(runs); i++ {
		n := runs[i].Len()
		if n > maxDigits {
			continue
		}
		var c candidate
		var took int
		switch {
		case n >= 12:
			c, took = single(w.Text, runs, i)
			if took < 0 {
				wrong = append(wrong, int(runs[i].Start))
			}
		case n == 4 || n == 6 || n == 8:
			c, took = printed(w.Text, runs, i)
			if took < 0 {
				wrong = append(wrong, int(runs[i].Start))
			}
		}
		if took <= 0 && n < 8 && n != 4 && n != 6 {
			c, took = scattered(w.Text, runs, i)
		}
		if took <= 0 {
			continue
		}
		d.weigh(near, &c)
		all = append(all, c)
		i += took - 1
	}
	for i := range all {
		neighbors(all, i, wrong)
		if h, ok := all[i].hit("CREDIT_CARD", all[i].start, all[i].end, all[i].value); ok {
			found(h)
		}
	}
}

// single reads a number without separators. took is -1 for one that looks
// like a card's and fails the checksum.
func single(text []byte, runs []detect.Span, i int) (c candidate, took int) {
	r := runs[i]
	return cardNumber(text, runs, i, i, text[r.Start:r.End])
}

// printed reads a number in one of the usual groupings.
func printed(text []byte, runs []detect.Span, i int) (c candidate, took int) {
	if i+1 == len(runs) || !secondGroup(runs[i+1].Len()) || separator(text, runs[i], runs[i+1]) == 0 {
		return c, 0
	}
	var digits [32]byte
	failed := 0
	for _, groups := range cardGroups {
		sep, ok := grouping(text, runs, i, groups)
		if !ok {
			continue
		}
		j := i + len(groups) - 1
		n := gather(digits[:], text, runs, i, j)
		if c, took = cardNumber(text, runs, i, j, digits[:n]); took > 0 {
			switch {
			case sep == '\n':
				c.add(-2, "broken over lines")
			case usual(sep):
				c.add(2, "printed in groups")
			case listing(sep):
				c.add(-3, "between the items of a list")
			}
			return c, took
		}
		failed = min(failed, took)
	}
	return c, failed
}

// scattered reads a number whose digits stand alone or in groups that no card
// is printed in: a way of hiding it, and how tables of small numbers look.
// Single digits are rarely such a table; the others count only with a word
// nearby.
func scattered(text []byte, runs []detect.Span, i int) (c candidate, took int) {
	size := runs[i].Len()
	if i > 0 && runs[i-1].Len() == size && separator(text, runs[i-1], runs[i]) != 0 {
		return c, 0 // only from the beginning of such a row
	}
	var digits [32]byte
	n, j := size, i
	first := byte(0)
	for ; n <= maxDigits && j+1 < len(runs); j++ {
		sep := separator(text, runs[j], runs[j+1])
		if sep == 0 || sep == '\n' || runs[j+1].Len() > size {
			break
		}
		if first != 0 && sep != first && (size > 1 || listing(sep) || listing(first)) {
			break
		}
		first = sep
		n += runs[j+1].Len()
		if runs[j+1].Len() < size {
			j++
			break
		}
	}
	if n < 13 || n > maxDigits {
		return c, 0
	}
	n = gather(digits[:], text, runs, i, j)
	if c, took = cardNumber(text, runs, i, j, digits[:n]); took > 0 {
		switch {
		case size > 1:
			c.add(-3, "digits stand apart")
		case listing(first) && first != '\t':
			c.add(-1, "between the items of a list")
		}
	}
	return c, took
}

// separator is what stands between two runs of one number: one sign, with
// spaces around it or without, '\n' for a line break, 0 for anything else.
func separator(text []byte, a, b detect.Span) byte {
	gap := text[a.End:b.Start]
	switch {
	case len(gap) == 1:
		if c := gap[0]; c == ' ' || c == '\n' || sign(c) {
			return c
		}
		return 0
	case len(gap) > 6:
		return 0
	}
	kind := byte(' ')
	for _, c := range gap {
		switch {
		case c == '\n':
			kind = '\n'
		case kind == ' ' && c != ' ' && (c == '-' || c == '\t' || odd(c)):
			kind = c
		case c != ' ' && c != '\r' && (c != '\t' || kind != '\t'):
			return 0
		}
	}
	return kind
}

// sign reports whether c separates the groups of a number, in print or to
// hide it.
func sign(c byte) bool { return usual(c) || listing(c) || odd(c) }

// odd are the separators that no card is printed with.
func odd(c byte) bool { return strings.IndexByte("_/\\|*+~=#", c) >= 0 }

// usual are the separators of print.
func usual(c byte) bool { return c == ' ' || c == '-' || c == '.' }

// listing are the separators that stand between numbers that have nothing to
// do with each other.
func listing(c byte) bool { return c == ',' || c == ';' || c == ':' || c == '\t' }

// grouping reports whether the runs from i on have these lengths, and by
// what they are separated ('\n' when a line break is among it).
func grouping(text []byte, runs []detect.Span, i int, groups []int) (sep byte, ok bool) {
	if i+len(groups) > len(runs) {
		return 0, false
	}
	for k, n := range groups {
		if runs[i+k].Len() != n {
			return 0, false
		}
	}
	broken := false
	for k := 1; k < len(groups); k++ {
		s := separator(text, runs[i+k-1], runs[i+k])
		switch {
		case s == 0:
			return 0, false
		case s == '\n':
			broken = true
		case sep != 0 && s != sep && (listing(s) || listing(sep)):
			return 0, false
		case sep != 0 && s != sep:
			sep = '_' // each usual, together odd
		default:
			sep = s
		}
	}
	if broken {
		sep = '\n'
	}
	return sep, true
}

func gather(to, text []byte, runs []detect.Span, i, j int) int {
	n := 0
	for ; i <= j; i++ {
		n += copy(to[n:], text[runs[i].Start:runs[i].End])
	}
	return n
}

// cardNumber weighs the digits themselves and what touches them.
func cardNumber(text []byte, runs []detect.Span, i, j int, digits []byte) (c candidate, took int) {
	if len(digits) < 12 || len(digits) > maxDigits {
		return c, 0
	}
	who, ok := issuerOf(digits)
	if !ok {
		return c, 0
	}
	if !luhn(digits) {
		return c, -1
	}
	c.start, c.end = int(runs[i].Start), int(runs[j].End)
	touch, ok := touching(text, runs, i, j)
	if !ok {
		return c, 0
	}
	c.value = string(digits)
	c.add(3.3, "checksum")
	if who.bits != 0 {
		c.add(who.bits, "issuer "+who.name)
	}
	for _, t := range touch {
		c.add(t.bits, t.why)
	}
	if monotonous(digits) {
		c.add(-3, "one digit repeated")
	}
	return c, j - i + 1
}

// monotonous finds numbers like 4000000000000002. Published test numbers
// count like real ones, since people try a gateway with them: 4111 1111 1111
// 1111 is the best known one of all.
func monotonous(digits []byte) bool {
	if string(digits) == "4111111111111111" {
		return false
	}
	var count [10]int
	most := 0
	for _, d := range digits {
		count[d-'0']++
		most = max(most, count[d-'0'])
	}
	return most >= len(digits)-1
}
