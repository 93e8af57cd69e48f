package detect

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Folding undoes what hides a number from a scanner and not from a reader:
// full-width forms, digits of other scripts and in circles, exotic spaces,
// dashes and dots, and characters without width. It is NFKC for the characters
// that matter here, except that a superscript behind a long number stays:
// "4111111111111111²" is a number and a footnote.

// foldRune returns what stands for r: 0 for nothing, r itself when it stays.
func foldRune(r rune) rune {
	switch {
	case r < 0xA0:
		return r
	case r == 0xA0 || r == 0x1680 || r >= 0x2000 && r <= 0x200A || r == 0x202F || r == 0x205F || r == 0x3000:
		return ' '
	case r >= 0x2010 && r <= 0x2015 || r == 0x2043 || r == 0x2212 || r == 0xFE58 || r == 0xFE63:
		return '-'
	case r == 0xB7 || r == 0x2022 || r == 0x2024 || r == 0x2027 || r == 0x2219 || r == 0x22C5 || r == 0x30FB:
		return '.'
	case r == 0xB2 || r == 0xB3:
		return r - 0xB0 + '0'
	case r == 0xB9:
		return '1'
	case invisible(r):
		return 0
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r < 0x660:
		return r
	case unicode.Is(unicode.Nd, r):
		return digit(r)
	case unicode.Is(unicode.No, r):
		return ornate(r)
	}
	return r
}

// ornates are the digits of category No: raised, lowered, in circles, in
// brackets, with a full stop. From is the character for Digit; up to To the
// others follow in order.
var ornates = [...]struct {
	from, to rune
	digit    rune
}{
	{0x1369, 0x1371, '1'}, {0x19DA, 0x19DA, '1'}, {0x2070, 0x2070, '0'}, {0x2074, 0x2079, '4'}, {0x2080, 0x2089, '0'},
	{0x2460, 0x2468, '1'}, {0x2474, 0x247C, '1'}, {0x2488, 0x2490, '1'}, {0x24EA, 0x24EA, '0'},
	{0x24F5, 0x24FD, '1'}, {0x24FF, 0x24FF, '0'}, {0x2776, 0x277E, '1'}, {0x2780, 0x2788, '1'}, {0x278A, 0x2792, '1'},
	{0x3192, 0x3195, '1'}, {0x3220, 0x3228, '1'}, {0x3280, 0x3288, '1'},
	{0x10A40, 0x10A43, '1'}, {0x10E60, 0x10E68, '1'}, {0x11052, 0x1105A, '1'}, {0x1F100, 0x1F100, '0'},
	{0x1F101, 0x1F10A, '0'}, {0x1F10B, 0x1F10C, '0'},
}

func ornate(r rune) rune {
	for _, o := range ornates {
		if o.from <= r && r <= o.to {
			return o.digit + r - o.from
		}
	}
	return r
}

// raised reports whether r is a superscript digit.
func raised(r rune) bool {
	return r == 0xB2 || r == 0xB3 || r == 0xB9 || r == 0x2070 || r >= 0x2074 && r <= 0x2079
}

// footnote reports whether a raised digit that comes next belongs to the word
// or number in front of it and is no digit of one.
func (f *folded) footnote() bool {
	n := len(f.text)
	if n == 0 || f.raised == n {
		return false
	}
	if last := f.text[n-1]; last >= utf8.RuneSelf || 'a' <= last|0x20 && last|0x20 <= 'z' {
		return true
	}
	digits := 0
	for i := n - 1; i >= max(0, n-32); i-- {
		switch c := f.text[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c != ' ' && c != '-' && c != '.' && c != '_' || i == n-1:
			return digits >= 9
		}
	}
	return digits >= 9
}

func invisible(r rune) bool {
	switch {
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x180E, r == 0x20E3, r == 0xFEFF:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE01EF:
		return true
	}
	return false
}

// digit gives the ASCII digit of a decimal digit of any script: Unicode
// assigns them in contiguous tens.
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

// seg says that from folded position At on, positions and original offsets
// run in parallel from Raw; End is where the original of the byte before At
// ended.
type seg struct {
	at       int
	raw, end int64
}

// folded is text after folding, with the way back to original offsets.
type folded struct {
	text []byte
	segs []seg
	raw  int64 // original offset behind text

	raised int // length of text behind the last raised digit that was folded
}

// add folds p, which ends with a whole rune unless it is the end of the text.
func (f *folded) add(p []byte) {
	for len(p) > 0 {
		n := plain(p)
		f.text = append(f.text, p[:n]...)
		f.raw += int64(n)
		p = p[n:]
		if len(p) == 0 {
			return
		}
		r, size := utf8.DecodeRune(p)
		to := foldRune(r)
		if raised(r) {
			if f.footnote() {
				to = r
			} else {
				f.raised = len(f.text) + 1
			}
		}
		if r == utf8.RuneError && size == 1 || to == r {
			f.text = append(f.text, p[:size]...)
			f.raw += int64(size)
			p = p[size:]
			continue
		}
		f.replace(to, size)
		p = p[size:]
	}
}

func (f *folded) replace(to rune, size int) {
	before := f.raw
	if to != 0 {
		f.text = utf8.AppendRune(f.text, to)
	}
	f.raw += int64(size)
	end := f.raw
	if to == 0 {
		end = before // what is dropped belongs to nothing
		if k := len(f.segs); k > 0 && f.segs[k-1].at == len(f.text) {
			end = f.segs[k-1].end
		}
	}
	f.segs = append(f.segs, seg{at: len(f.text), raw: f.raw, end: end})
}

// plain is the length of the ASCII prefix of p.
func plain(p []byte) int {
	i := 0
	for ; i+32 <= len(p); i += 32 {
		q := p[i : i+32 : i+32]
		if (binary.LittleEndian.Uint64(q)|binary.LittleEndian.Uint64(q[8:])|
			binary.LittleEndian.Uint64(q[16:])|binary.LittleEndian.Uint64(q[24:]))&highest != 0 {
			break
		}
	}
	for i < len(p) && p[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// cut drops the first n bytes.
func (f *folded) cut(n int) {
	first := f.start(n)
	f.raised = max(0, f.raised-n)
	k := copy(f.text, f.text[n:])
	f.text = f.text[:k]
	j := f.find(n)
	rest := append([]seg(nil), f.segs[j+1:]...)
	f.segs = append(f.segs[:0], seg{at: 0, raw: first, end: first})
	for _, s := range rest {
		f.segs = append(f.segs, seg{at: s.at - n, raw: s.raw, end: s.end})
	}
}

// find is the index of the last seg at or before i, or -1.
func (f *folded) find(i int) int {
	lo, hi := 0, len(f.segs)
	for lo < hi {
		mid := (lo + hi) / 2
		if f.segs[mid].at <= i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// start is the original offset of the byte at i.
func (f *folded) start(i int) int64 {
	j := f.find(i)
	if j < 0 {
		return int64(i)
	}
	return f.segs[j].raw + int64(i-f.segs[j].at)
}

// end is the original offset behind the byte before i.
func (f *folded) end(i int) int64 {
	j := f.find(i)
	for j >= 0 && f.segs[j].at == i { // the first of those at i knows what stood before
		if j == 0 || f.segs[j-1].at != i {
			return f.segs[j].end
		}
		j--
	}
	return f.start(i)
}
