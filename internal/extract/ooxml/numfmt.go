package ooxml

import (
	"bytes"
	"strconv"
	"strings"
)

// Number formats, ECMA-376 part 1 §18.8.30 and §18.8.31. A format decides
// how a number is shown: "000-00-0000" shows 78051120 as 078-05-1120. A
// format that would hide digits is not applied.

// format is one format code.
type format struct {
	sections []section
}

// section is one of its up to four parts.
type section struct {
	toks      []tok
	general   bool
	date      bool
	clock12   bool
	exp       bool
	fraction  int // digits of the denominator
	percent   int
	thousands bool
	scale     int // commas behind the last digit
	whole     int // digits before the point
	decimals  int
	point     bool
}

// tok is one piece of a section: '0', '#' or '?' for a digit, '.' for the
// point, 'l' for a literal, 'd' for a piece of a date, '%', '@'.
type tok struct {
	kind byte
	text string
}

func builtin(id int) string {
	switch {
	case id == 14 || 27 <= id && id <= 31 || id == 36 || 50 <= id && id <= 58:
		return "yyyy-mm-dd"
	case id >= 0 && id < len(builtins):
		return builtins[id]
	}
	return "General"
}

var builtins = [...]string{
	1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00",
	5: "$#,##0_);($#,##0)", 6: "$#,##0_);($#,##0)", 7: "$#,##0.00_);($#,##0.00)", 8: "$#,##0.00_);($#,##0.00)",
	9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
	22: "yyyy-mm-dd h:mm", 32: "h:mm", 33: "h:mm:ss", 34: "h:mm", 35: "h:mm:ss",
	37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);(#,##0.00)",
	41: "#,##0_);(#,##0)", 42: "$#,##0_);($#,##0)", 43: "#,##0.00_);(#,##0.00)", 44: "$#,##0.00_);($#,##0.00)",
	45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}

const formatLength = 1024

func parseFormat(code string) *format {
	f := &format{}
	if len(code) > formatLength {
		code = ""
	}
	for range 4 {
		s, rest, more := parseSection(code)
		f.sections = append(f.sections, s)
		code = rest
		if !more {
			break
		}
	}
	return f
}

// parseSection reads up to the semicolon.
func parseSection(code string) (s section, rest string, more bool) {
	lit := func(t string) { s.toks = append(s.toks, tok{'l', t}) }
	if strings.HasPrefix(strings.ToLower(code), "general") || code == "" {
		s.general = true
	}
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			s.count()
			return s, code[i+1:], true
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				end = len(code) - i - 1
			}
			lit(code[i+1 : i+1+end])
			i += end + 1
		case '\\':
			if i++; i < len(code) {
				lit(code[i : i+1])
			}
		case '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				end = len(code) - i - 1
			}
			s.bracket(code[i+1 : i+max(end, 1)])
			i += end
		case '0', '#', '?', '.', ',', '%', '@', '/':
			s.toks = append(s.toks, tok{c, ""})
		case 'E', 'e':
			if i+1 < len(code) && (code[i+1] == '+' || code[i+1] == '-') {
				s.exp = true
				i++
			}
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S', 'A', 'a':
			i += s.datePiece(code[i:]) - 1
		default:
			lit(code[i : i+1])
		}
	}
	s.count()
	return s, "", false
}

// bracket takes colors, conditions, currencies and elapsed times.
func (s *section) bracket(b string) {
	switch low := strings.ToLower(b); {
	case strings.HasPrefix(b, "$"):
		sign, _, _ := strings.Cut(b[1:], "-")
		s.toks = append(s.toks, tok{'l', sign})
	case low != "" && strings.Trim(low, "hms") == "":
		s.date = true
		s.toks = append(s.toks, tok{'d', "[" + low[:1]})
	}
}

// datePiece takes a run of one letter, or AM/PM, and says how long it is.
func (s *section) datePiece(code string) int {
	low := strings.ToLower(code[:min(len(code), 5)])
	switch {
	case strings.HasPrefix(low, "am/pm"):
		s.clock12 = true
		s.toks = append(s.toks, tok{'d', "am"})
		return 5
	case strings.HasPrefix(low, "a/p"):
		s.clock12 = true
		s.toks = append(s.toks, tok{'d', "am"})
		return 3
	case low[0] == 'a':
		return 1
	}
	n := 1
	for n < len(code) && code[n]|0x20 == low[0] {
		n++
	}
	s.date = true
	s.toks = append(s.toks, tok{'d', strings.ToLower(code[:n])})
	return n
}

// count finds out how many digits there are, and what commas mean.
func (s *section) count() {
	if s.date {
		s.months()
		return
	}
	kept := s.toks[:0]
	last := -1 // the last digit before or behind the point
	for i, t := range s.toks {
		if t.kind == '0' || t.kind == '#' || t.kind == '?' {
			last = i
		}
	}
	for i, t := range s.toks {
		switch t.kind {
		case ',':
			if i < last {
				s.thousands = true
			} else if last >= 0 {
				s.scale++
			}
			continue
		case '.':
			if s.point {
				continue
			}
			s.point = true
		case '/':
			s.fraction = 1
			continue
		case '0', '#', '?':
			switch {
			case s.fraction > 0:
				s.fraction++
				continue
			case s.point:
				s.decimals++
			default:
				s.whole++
			}
		case '%':
			s.percent++
		}
		kept = append(kept, t)
	}
	s.toks = kept
}

// months tells m for minutes from m for months: beside hours or seconds.
func (s *section) months() {
	prev := ""
	for i := range s.toks {
		t := &s.toks[i]
		if t.kind != 'd' {
			continue
		}
		if t.text == "m" || t.text == "mm" {
			next := ""
			for _, n := range s.toks[i+1:] {
				if n.kind == 'd' {
					next = n.text
					break
				}
			}
			if strings.HasPrefix(prev, "h") || strings.HasPrefix(prev, "[h") || strings.HasPrefix(next, "s") {
				t.text = "n" + t.text[1:]
			}
		}
		prev = t.text
	}
}

// write appends a number as the format shows it; where the format would hide
// some of its digits, as it is.
func (f *format) write(dst, value []byte, date1904 bool) []byte {
	value = bytes.TrimSpace(value)
	plain, ok := expand(value)
	if !ok {
		return append(dst, value...)
	}
	s := f.choose(plain)
	switch {
	case s == nil || s.general || s.exp:
		return append(dst, plain...)
	case s.date:
		if out, ok := s.writeDate(dst, plain, date1904); ok {
			return out
		}
		return append(dst, plain...)
	case s.whole+s.decimals == 0:
		return append(dst, plain...)
	case s.fraction > 1:
		return s.writeFraction(dst, plain)
	}
	from := len(dst)
	dst = s.writeNumber(dst, plain, len(f.sections) > 1)
	whole, _, _ := bytes.Cut(plain, []byte("."))
	if s.percent == 0 && !holds(dst[from:], whole) {
		return append(dst[:from], plain...)
	}
	return dst
}

// holds reports whether shown has the digits of a whole number in their
// order; one unit more is a rounding.
func holds(shown, whole []byte) bool {
	want, _ := digits(whole)
	if want <= 4 {
		return true
	}
	have := make([]byte, 0, len(shown))
	for _, c := range shown {
		if '0' <= c && c <= '9' {
			have = append(have, c)
		}
	}
	return bytes.Contains(have, bytes.TrimLeft(whole, "-")[:want-2])
}

// choose is the section for a number: positive, negative, zero.
func (f *format) choose(plain []byte) *section {
	negative := len(plain) > 0 && plain[0] == '-'
	zero := len(bytes.Trim(plain, "-0.")) == 0
	switch n := len(f.sections); {
	case n >= 2 && negative && !zero:
		return &f.sections[1]
	case n >= 3 && zero:
		return &f.sections[2]
	case n == 0:
		return nil
	}
	return &f.sections[0]
}

const digitCount = 330

// expand writes a number without an exponent. More than fifteen digits with
// a fraction are the rest of a binary number, and are rounded away.
func expand(value []byte) ([]byte, bool) {
	if len(value) == 0 || len(value) > digitCount {
		return nil, false
	}
	mantissa, exponent := value, 0
	if i := bytes.IndexAny(value, "eE"); i >= 0 {
		n, err := strconv.Atoi(string(value[i+1:]))
		if err != nil || n > digitCount || n < -digitCount {
			return nil, false
		}
		mantissa, exponent = value[:i], n
	}
	n, plain := digits(mantissa)
	if !plain || n == 0 || bytes.LastIndexByte(mantissa, '-') > 0 || bytes.Count(mantissa, []byte{'.'}) > 1 {
		return nil, false
	}
	point := bytes.IndexByte(mantissa, '.')
	if exponent == 0 && point < 0 {
		return mantissa, true
	}
	if n > 15 && (point >= 0 || exponent != 0) {
		if v, err := strconv.ParseFloat(string(value), 64); err == nil && (v != float64(int64(v)) || v > 1e15 || v < -1e15) {
			rounded := strconv.FormatFloat(v, 'f', -1, 64)
			if v > -1e15 && v < 1e15 {
				rounded = strconv.FormatFloat(v, 'g', 15, 64)
				if strings.ContainsAny(rounded, "eE") {
					rounded = strconv.FormatFloat(v, 'f', -1, 64)
				}
			}
			return []byte(rounded), true
		}
	}
	return shift(mantissa, exponent), true
}

// shift moves the point.
func shift(mantissa []byte, exponent int) []byte {
	var out []byte
	if mantissa[0] == '-' {
		out, mantissa = append(out, '-'), mantissa[1:]
	}
	whole, rest, _ := bytes.Cut(mantissa, []byte("."))
	all := append(append([]byte(nil), whole...), rest...)
	at := len(whole) + exponent
	for at <= 0 {
		all = append([]byte{'0'}, all...)
		at++
	}
	for at > len(all) {
		all = append(all, '0')
	}
	head := bytes.TrimLeft(all[:at], "0")
	if len(head) == 0 {
		head = []byte{'0'}
	}
	if len(whole) > len(head) && exponent == 0 {
		head = whole // zeros in front stay as they were written
	}
	out = append(out, head...)
	if tail := bytes.TrimRight(all[at:], "0"); len(tail) > 0 {
		out = append(append(out, '.'), tail...)
	}
	return out
}
