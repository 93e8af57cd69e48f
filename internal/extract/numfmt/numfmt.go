// Package numfmt writes numbers as a sheet shows them: by the number format
// of their cell.
//
// It upholds one law: the digits of a number are never lost. When a format
// hides them (an exponent, thousands, a short width), they stand beside what
// is shown.
//
// It knows no file format.
//
// Standards: ECMA-376 part 1 §18.8.30 and §18.8.31 (number formats), MS-XLS
// §2.4.126 (Format).
package numfmt

import (
	"math"
	"strconv"
	"strings"
)

// maxCode is the length of a format that is looked at; Excel allows 255
// characters.
const maxCode = 1024

// Builtin is the format with a number below 164, "" for one that is not
// known.
func Builtin(id int) string {
	if id >= 0 && id < len(builtin) {
		return builtin[id]
	}
	return ""
}

var builtin = [...]string{
	0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00",
	5: `"$"#,##0_);("$"#,##0)`, 6: `"$"#,##0_);[Red]("$"#,##0)`,
	7: `"$"#,##0.00_);("$"#,##0.00)`, 8: `"$"#,##0.00_);[Red]("$"#,##0.00)`,
	9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	14: "m/d/yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
	20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm",
	27: "yyyy-mm-dd", 28: "yyyy-mm-dd", 29: "yyyy-mm-dd", 30: "m/d/yy", 31: "yyyy-mm-dd", 32: "h:mm", 33: "h:mm:ss",
	34: "h:mm", 35: "h:mm:ss", 36: "yyyy-mm-dd",
	37: "#,##0_);(#,##0)", 38: "#,##0_);[Red](#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);[Red](#,##0.00)",
	41: "#,##0_);(#,##0)", 42: `"$"#,##0_);("$"#,##0)`, 43: "#,##0.00_);(#,##0.00)", 44: `"$"#,##0.00_);("$"#,##0.00)`,
	45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
	50: "yyyy-mm-dd", 51: "yyyy-mm-dd", 52: "yyyy-mm-dd", 53: "yyyy-mm-dd", 54: "yyyy-mm-dd", 55: "yyyy-mm-dd",
	56: "yyyy-mm-dd", 57: "yyyy-mm-dd", 58: "yyyy-mm-dd",
}

// Format is a number as a format shows it, and its digits when they cannot be
// seen in that.
func Format(code string, v float64, since1904 bool) string {
	shown, date := show(code, v, since1904)
	if date {
		return shown
	}
	full := Plain(v)
	if shown == "" {
		return full
	}
	if math.Abs(v) >= 1e6 && !strings.Contains(digits(shown), digits(full)) {
		return shown + " " + full
	}
	return shown
}

func digits(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// Plain is a number with all its digits; sheets keep 15 of them.
func Plain(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return ""
	case math.Abs(v) < 1e15 && v == math.Trunc(v):
		return strconv.FormatInt(int64(v), 10)
	case math.Abs(v) >= 1e21 || math.Abs(v) < 1e-9:
		return strconv.FormatFloat(v, 'G', 15, 64)
	case math.Abs(v) >= 1e15:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	s := strconv.FormatFloat(v, 'f', 15-int(math.Ceil(math.Log10(math.Abs(v)))), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// show applies a format; date says that it is one of dates or times.
func show(code string, v float64, since1904 bool) (shown string, date bool) {
	if code == "" || len(code) > maxCode || math.IsNaN(v) || math.IsInf(v, 0) {
		return "", false
	}
	section, negative := choose(split(code), v)
	tokens := tokenize(section)
	for _, t := range tokens {
		if t.kind == datePart {
			return dateText(tokens, v, since1904), true
		}
	}
	if negative {
		v = -v
	}
	return numberText(tokens, v), false
}

// split parts a format into its sections.
func split(code string) []string {
	var list []string
	start, quoted := 0, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\' || c == '_' || c == '*':
			i++
		case c == ';':
			list = append(list, code[start:i])
			start = i + 1
		}
	}
	return append(list, code[start:])
}

// choose finds the section for a value. negative says that the section is one
// for negative numbers: it shows the sign itself.
func choose(list []string, v float64) (section string, negative bool) {
	conditions := false
	for _, s := range list {
		op, limit, ok := condition(s)
		if !ok {
			continue
		}
		conditions = true
		if holds(op, v, limit) {
			return s, v < 0 && limit <= 0 && op[0] == '<'
		}
	}
	if conditions {
		for _, s := range list {
			if _, _, ok := condition(s); !ok {
				return s, false
			}
		}
	}
	switch {
	case v < 0 && len(list) > 1:
		return list[1], true
	case v == 0 && len(list) > 2:
		return list[2], false
	}
	return list[0], false
}

func condition(s string) (op string, limit float64, ok bool) {
	for {
		i := strings.IndexByte(s, '[')
		if i < 0 {
			return "", 0, false
		}
		inner, rest, found := strings.Cut(s[i+1:], "]")
		if !found {
			return "", 0, false
		}
		n := 0
		for n < len(inner) && strings.IndexByte("<>=", inner[n]) >= 0 {
			n++
		}
		if n > 0 {
			limit, err := strconv.ParseFloat(strings.TrimSpace(inner[n:]), 64)
			return inner[:n], limit, err == nil
		}
		s = rest
	}
}

func holds(op string, v, limit float64) bool {
	switch op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	case ">=":
		return v >= limit
	case "=":
		return v == limit
	case "<>":
		return v != limit
	}
	return false
}

type kind byte

const (
	literal kind = iota
	place        // 0 # ?
	point
	comma
	percent
	exponent
	slash
	datePart
	general
	text
)

type token struct {
	kind kind
	s    string
}

// tokenize reads one section.
func tokenize(s string) []token {
	var list []token
	add := func(k kind, s string) { list = append(list, token{k, s}) }
	for i := 0; i < len(s); {
		c := s[i]
		n := 1
		switch {
		case c == '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				end = len(s) - i - 1
			}
			add(literal, s[i+1:i+1+end])
			n = end + 2
		case c == '\\' && i+1 < len(s):
			add(literal, s[i+1:i+2])
			n = 2
		case c == '_' || c == '*':
			if c == '_' {
				add(literal, " ")
			}
			n = 2
		case c == '[':
			n = bracket(s[i:], add)
		case c == '0' || c == '#' || c == '?':
			add(place, s[i:i+1])
		case c == '.':
			add(point, ".")
		case c == ',':
			add(comma, ",")
		case c == '%':
			add(percent, "%")
		case (c == 'E' || c == 'e') && i+1 < len(s) && (s[i+1] == '+' || s[i+1] == '-'):
			add(exponent, s[i:i+2])
			n = 2
		case c == '/':
			add(slash, "/")
		case c == '@':
			add(text, "@")
		case len(s)-i >= 7 && strings.EqualFold(s[i:i+7], "general"):
			add(general, "")
			n = 7
		default:
			n = word(s[i:], add)
		}
		i += n
	}
	return list
}

// bracket reads [Red], [h], [$€-407] and conditions.
func bracket(s string, add func(kind, string)) int {
	inner, _, found := strings.Cut(s[1:], "]")
	if !found {
		return 1
	}
	low := strings.ToLower(inner)
	switch {
	case strings.HasPrefix(inner, "$"):
		money, _, _ := strings.Cut(inner[1:], "-")
		add(literal, money)
	case low != "" && strings.Trim(low, "h") == "", low != "" && strings.Trim(low, "m") == "", low != "" && strings.Trim(low, "s") == "":
		add(datePart, "["+low)
	}
	return len(inner) + 2
}

// word reads the letters of dates; all else stands for itself.
func word(s string, add func(kind, string)) int {
	for _, half := range []string{"AM/PM", "A/P"} {
		if len(s) >= len(half) && strings.EqualFold(s[:len(half)], half) {
			add(datePart, half)
			return len(half)
		}
	}
	c := s[0] | 0x20
	if strings.IndexByte("ymdhsbe", c) < 0 || c == 'b' {
		n := 1
		for n < len(s) && s[n]&0xC0 == 0x80 {
			n++
		}
		add(literal, s[:n])
		return n
	}
	n := 1
	for n < len(s) && s[n]|0x20 == c {
		n++
	}
	if c == 'e' {
		add(datePart, "yyyy")
		return n
	}
	add(datePart, strings.ToLower(s[:n]))
	return n
}
