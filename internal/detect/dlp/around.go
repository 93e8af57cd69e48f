package dlp

import (
	"bytes"

	"postern.dev/postern/internal/detect"
)

// weight is one piece of evidence.
type weight struct {
	bits float64
	why  string
}

// touching looks at what stands directly beside a number. ok is false when
// the number is part of something longer.
func touching(text []byte, runs []detect.Span, i, j int) (list []weight, ok bool) {
	start, end := int(runs[i].Start), int(runs[j].End)
	prev, next := before(text, start), after(text, end)
	if isWord(prev) && prev != '_' || isWord(next) && next != '_' {
		return nil, false
	}
	if prev == '_' || next == '_' {
		list = append(list, weight{-2, "part of a longer token"})
	}
	if decimal(text, prev, start-2) || decimalAfter(text, next, end+1) {
		return nil, false
	}
	inner := byte(0)
	if j > i {
		inner = separator(text, runs[i], runs[i+1])
	}
	if i > 0 {
		sep := separator(text, runs[i-1], runs[i])
		if sep == '-' && (inner == '-' || inner == 0 && adjacent(runs[i-1], runs[i])) {
			return nil, false
		}
		if sep != 0 && sep == inner && runs[i-1].Len() == runs[i].Len() {
			list = append(list, weight{-2, "inside a row of numbers"})
		}
	}
	if j+1 < len(runs) {
		sep := separator(text, runs[j], runs[j+1])
		if sep == '-' && (inner == '-' || inner == 0 && adjacent(runs[j], runs[j+1])) {
			return nil, false
		}
		if sep != 0 && sep == inner && runs[j+1].Len() == runs[i].Len() {
			list = append(list, weight{-1, "inside a row of numbers"})
		}
	}
	switch prev {
	case '+':
		list = append(list, weight{-3, "a plus sign in front"})
	case '$', '€', '£', '¥':
		list = append(list, weight{-3, "an amount of money"})
	case '-', '/', '\\', '%', '&', '=':
		if start >= 2 && isWord(before(text, start-1)) {
			list = append(list, weight{-2, "part of a longer token"})
		}
	}
	if next == '/' || next == '%' || next == '\\' || next == '-' && isWord(after(text, end+1)) {
		list = append(list, weight{-2, "part of a longer token"})
	}
	if inURL(text, start) {
		list = append(list, weight{-4, "inside a URL"})
	}
	return list, true
}

func adjacent(a, b detect.Span) bool { return b.Start-a.End == 1 }

// decimal reports whether prev is a decimal point with a digit in front; at
// is the position before it.
func decimal(text []byte, prev rune, at int) bool {
	return prev == '.' && at >= 0 && isDigit(rune(text[at]))
}

func decimalAfter(text []byte, next rune, at int) bool {
	return next == '.' && at < len(text) && isDigit(rune(text[at]))
}

// inURL reports whether the token that leads to start has a scheme.
func inURL(text []byte, start int) bool {
	from := start
	for from > 0 && start-from < 256 && !endsURL[text[from-1]] {
		from--
	}
	head := text[from:start]
	return bytes.Contains(head, []byte("://")) || bytes.HasPrefix(head, []byte("www."))
}

// endsURL are the octets that end a URL.
var endsURL = func() (t [256]bool) {
	for _, c := range []byte(" \t\r\n\"'<>()|") {
		t[c] = true
	}
	return t
}()

// weigh adds what the words nearby say.
func (d *card) weigh(near *nearby, c *candidate) {
	left, right := near.near(d.of, c.start, c.end)
	switch {
	case left <= 50:
		c.add(4, "a word for cards just before")
	case min(left, right) <= reach:
		c.add(3, "a word for cards nearby")
	}
	other, _ := near.near(ofOther, c.start, c.end)
	if other <= 40 && other < left {
		c.add(-2.5, "a word for other numbers before")
	}
}

// neighbors weighs what the other candidates say: different cards side by
// side speak for each other, unless as many numbers there fail the checksum,
// as in a column of ids.
func neighbors(all []candidate, i int, wrong []int) {
	c := &all[i]
	friends := 0
	for k := i - 1; k >= 0 && all[k].end >= c.start-reach; k-- {
		if all[k].value != c.value {
			friends++
		}
	}
	for k := i + 1; k < len(all) && all[k].start <= c.end+reach; k++ {
		if all[k].value != c.value {
			friends++
		}
	}
	foes := between(wrong, c.start-reach, c.end+reach)
	switch {
	case foes > friends+1:
		c.add(-2, "numbers nearby fail the checksum")
	case friends > 0 && foes == 0 && c.sum >= atMedium:
		c.add(2, "other cards nearby")
	}
}

// between counts the positions of a sorted list in [from, to].
func between(list []int, from, to int) int {
	lo, hi := search(list, from), search(list, to+1)
	return hi - lo
}

func search(list []int, x int) int {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := (lo + hi) / 2; list[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
