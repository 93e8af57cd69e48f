package numfmt

import (
	"math"
	"strconv"
	"strings"
)

// numberText writes a number by the tokens of a section.
func numberText(tokens []token, v float64) string {
	places, hasSlash, hasExponent := 0, false, false
	for _, t := range tokens {
		switch t.kind {
		case place:
			places++
		case slash:
			hasSlash = places > 0
		case exponent:
			hasExponent = true
		case general, text:
			return around(tokens, Plain(v))
		}
	}
	switch {
	case places == 0:
		return around(tokens, "")
	case hasSlash:
		return fraction(tokens, v)
	case hasExponent:
		return scientific(tokens, v)
	}
	return decimal(tokens, v)
}

// around writes the literals, with a value in the place of General.
func around(tokens []token, value string) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case literal:
			b.WriteString(t.s)
		case general, text:
			b.WriteString(value)
		case percent:
			b.WriteByte('%')
		}
	}
	return strings.TrimSpace(b.String())
}

// layout is what the places of a section ask for.
type layout struct {
	whole, least, decimals, leastDecimals int
	grouped, percent                      bool
	scale                                 float64
}

func measure(tokens []token) layout {
	l := layout{scale: 1}
	after := false
	for i, t := range tokens {
		switch t.kind {
		case place:
			if after {
				l.decimals++
				if t.s != "#" {
					l.leastDecimals = l.decimals
				}
				continue
			}
			l.whole++
			if t.s == "0" || l.least > 0 {
				l.least++
			}
		case point:
			after = true
		case percent:
			l.scale *= 100
			l.percent = true
		case comma:
			if l.whole == 0 {
				continue
			}
			if follows(tokens[i+1:]) {
				l.grouped = true
			} else {
				l.scale /= 1000
			}
		}
	}
	return l
}

// follows reports whether a place before the point comes after a comma.
func follows(rest []token) bool {
	for _, t := range rest {
		switch t.kind {
		case place:
			return true
		case point:
			return false
		}
	}
	return false
}

func decimal(tokens []token, v float64) string {
	l := measure(tokens)
	v *= l.scale
	s := strconv.FormatFloat(math.Abs(round(v, l.decimals)), 'f', l.decimals, 64)
	whole, part, _ := strings.Cut(s, ".")
	for len(part) > l.leastDecimals && strings.HasSuffix(part, "0") {
		part = part[:len(part)-1]
	}
	if whole == "0" && l.least == 0 {
		whole = ""
	}
	for len(whole) < l.least {
		whole = "0" + whole
	}
	negative := v < 0 && strings.Trim(s, "0.") != ""
	return fill(tokens, whole, part, l, negative)
}

// round keeps halves away from zero, as sheets do.
func round(v float64, decimals int) float64 {
	if decimals > 15 || math.Abs(v) > 1e15 {
		return v
	}
	p := math.Pow10(decimals)
	r := math.Round(v*p*(1+1e-15)) / p
	if math.IsInf(r, 0) || math.IsNaN(r) {
		return v
	}
	return r
}

// fill puts the digits in their places: a literal between places stands
// between digits (000-00-0000).
func fill(tokens []token, whole, part string, l layout, negative bool) string {
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	seen, after := 0, false
	for _, t := range tokens {
		switch t.kind {
		case literal, slash:
			b.WriteString(t.s)
		case percent:
			b.WriteByte('%')
		case point:
			after = true
			if part != "" || l.leastDecimals > 0 {
				b.WriteByte('.')
			}
		case place:
			if after {
				if part != "" {
					b.WriteByte(part[0])
					part = part[1:]
				}
				continue
			}
			seen++
			take := len(whole) - (l.whole - seen) // digits that are due up to here
			for ; take > 0; take-- {
				b.WriteByte(whole[0])
				whole = whole[1:]
				if l.grouped && len(whole) > 0 && len(whole)%3 == 0 {
					b.WriteByte(',')
				}
			}
		}
	}
	return strings.TrimSpace(b.String())
}

func scientific(tokens []token, v float64) string {
	l := layout{}
	after := false
	for _, t := range tokens {
		if t.kind == exponent {
			break
		}
		switch {
		case t.kind == point:
			after = true
		case t.kind == place && after:
			l.decimals++
		}
	}
	return strconv.FormatFloat(v, 'E', l.decimals, 64)
}

// fraction writes a mixed number, as "2 1/2".
func fraction(tokens []token, v float64) string {
	most, fixed, after := 1, 0, false
	mixed, runs := false, 0
	last := literal
	for _, t := range tokens {
		switch {
		case t.kind == slash:
			after = true
			most = 1
		case t.kind == place && after:
			most *= 10
		case t.kind == place:
			if last != place {
				runs++
			}
		case t.kind == literal && after && t.s >= "1" && t.s <= "9":
			fixed = fixed*10 + int(t.s[0]-'0')
		}
		last = t.kind
	}
	mixed = runs > 1
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	whole := 0.0
	if mixed {
		whole = math.Floor(v)
		v -= whole
	}
	n, d := nearest(v, min(max(most-1, 1), 9999), min(fixed, 9999))
	switch {
	case mixed && n == d:
		return sign + Plain(whole+1)
	case n == 0:
		return sign + Plain(whole)
	case mixed && whole != 0:
		return sign + Plain(whole) + " " + Plain(n) + "/" + Plain(d)
	}
	return sign + Plain(n) + "/" + Plain(d)
}

func nearest(v float64, most, fixed int) (n, d float64) {
	if fixed > 0 {
		return math.Round(v * float64(fixed)), float64(fixed)
	}
	best := math.Inf(1)
	for i := 1; i <= most; i++ {
		x := math.Round(v * float64(i))
		if e := math.Abs(v - x/float64(i)); e < best-1e-12 {
			best, n, d = e, x, float64(i)
		}
	}
	return n, d
}
