package ooxml

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// writeNumber puts the digits of a plain number into the places of a section.
func (s *section) writeNumber(dst, plain []byte, signed bool) []byte {
	negative := plain[0] == '-'
	plain = bytes.TrimPrefix(plain, []byte("-"))
	if n := 2*s.percent - 3*s.scale; n != 0 {
		plain = shift(plain, n)
	}
	whole, rest := round(plain, s.decimals)
	if negative && (!signed || len(s.toks) == 0) && len(bytes.Trim(append(bytes.Clone(whole), rest...), "0")) > 0 {
		dst = append(dst, '-')
	}
	body := s.writeWhole(whole)
	dst = append(dst, body...)
	behind, k := false, 0
	for _, t := range s.toks {
		if t.kind == '.' {
			behind = true
			keep := len(rest)
			for keep > 0 && rest[keep-1] == '0' && s.optional(keep) {
				keep--
			}
			rest = rest[:keep]
			if keep > 0 {
				dst = append(dst, '.')
			}
			continue
		}
		if !behind {
			continue
		}
		switch t.kind {
		case '0', '#', '?':
			if k < len(rest) {
				dst = append(dst, rest[k])
			}
			k++
		case '%':
			dst = append(dst, '%')
		case 'l':
			dst = append(dst, t.text...)
		}
	}
	return dst
}

// optional reports whether the n-th decimal is one that is shown only when
// it is not zero.
func (s *section) optional(n int) bool {
	behind := false
	for _, t := range s.toks {
		switch t.kind {
		case '.':
			behind = true
		case '0', '#', '?':
			if behind {
				if n--; n == 0 {
					return t.kind != '0'
				}
			}
		}
	}
	return true
}

// writeWhole lays the whole digits into their places, from the right.
func (s *section) writeWhole(whole []byte) []byte {
	digits := bytes.TrimLeft(whole, "0")
	var out []byte // reversed
	left, given := s.whole, 0
	put := func(c byte) {
		if s.thousands && given > 0 && given%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, c)
		given++
	}
	stop := len(s.toks)
	for i, t := range s.toks {
		if t.kind == '.' {
			stop = i
			break
		}
	}
	for i := stop - 1; i >= 0; i-- {
		switch t := s.toks[i]; t.kind {
		case '0', '#', '?':
			left--
			switch {
			case len(digits) > 0:
				put(digits[len(digits)-1])
				digits = digits[:len(digits)-1]
			case t.kind == '0':
				put('0')
			}
			for left == 0 && len(digits) > 0 {
				put(digits[len(digits)-1])
				digits = digits[:len(digits)-1]
			}
		case 'l':
			for j := len(t.text) - 1; j >= 0; j-- {
				out = append(out, t.text[j])
			}
		case '%':
			out = append(out, '%')
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// round cuts a plain number to so many decimals, half away from zero.
func round(plain []byte, decimals int) (whole, rest []byte) {
	whole, rest, _ = bytes.Cut(plain, []byte("."))
	all := append(append([]byte{'0'}, whole...), rest...)
	at := len(whole) + 1
	for len(all) < at+decimals {
		all = append(all, '0')
	}
	up := len(all) > at+decimals && all[at+decimals] >= '5'
	all = all[:at+decimals]
	for i := len(all) - 1; up && i >= 0; i-- {
		if all[i] == '9' {
			all[i] = '0'
			continue
		}
		all[i]++
		up = false
	}
	whole = all[:at]
	if whole[0] == '0' {
		whole = whole[1:]
	}
	return whole, all[at:]
}

// writeFraction shows a number as a whole and a fraction ("2 1/2").
func (s *section) writeFraction(dst, plain []byte) []byte {
	v, err := strconv.ParseFloat(string(plain), 64)
	if err != nil || math.Abs(v) > 1e15 {
		return append(dst, plain...)
	}
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	limit := 9
	if s.fraction > 2 {
		limit = 99
	}
	whole := math.Floor(v)
	best, over, under := 1.0, 0, 1
	for d := 1; d <= limit; d++ {
		n := math.Round((v - whole) * float64(d))
		if e := math.Abs(v - whole - n/float64(d)); e < best-1e-12 {
			best, over, under = e, int(n), d
		}
	}
	if over == under {
		whole, over = whole+1, 0
	}
	dst = strconv.AppendFloat(dst, whole, 'f', 0, 64)
	if over > 0 {
		dst = append(dst, ' ')
		dst = append(strconv.AppendInt(dst, int64(over), 10), '/')
		dst = strconv.AppendInt(dst, int64(under), 10)
	}
	return dst
}

// lastDay is the serial number of 9999-12-31.
const lastDay = 2958466

// writeDate shows a number as a date or a time (part 1 §18.17.4); ok is false
// for a number that is none.
func (s *section) writeDate(dst, plain []byte, date1904 bool) (out []byte, ok bool) {
	v, err := strconv.ParseFloat(string(plain), 64)
	if err != nil || v < 0 || v >= lastDay {
		return dst, false
	}
	seconds := math.Round(v * 86400)
	day := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date1904 {
		day = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if v < 60 {
		day = day.AddDate(0, 0, 1) // there is a 29 February 1900 in this calendar
	}
	t := day.AddDate(0, 0, int(seconds/86400)).Add(time.Duration(math.Mod(seconds, 86400)) * time.Second)
	for _, k := range s.toks {
		switch k.kind {
		case 'd':
			dst = s.datePart(dst, k.text, t, seconds)
		case 'l':
			dst = append(dst, k.text...)
		case '/', ',', '.':
			dst = append(dst, k.kind)
		case '0':
			dst = append(dst, '0')
		}
	}
	return dst, true
}

func (s *section) datePart(dst []byte, piece string, t time.Time, seconds float64) []byte {
	hour := "15"
	if s.clock12 {
		hour = "3"
	}
	layout := ""
	switch piece {
	case "y", "yy":
		layout = "06"
	case "m":
		layout = "1"
	case "mm":
		layout = "01"
	case "mmm":
		layout = "Jan"
	case "mmmm", "mmmmm":
		layout = "January"
	case "d":
		layout = "2"
	case "dd":
		layout = "02"
	case "ddd":
		layout = "Mon"
	case "dddd":
		layout = "Monday"
	case "h":
		if !s.clock12 {
			return strconv.AppendInt(dst, int64(t.Hour()), 10)
		}
		layout = hour
	case "hh":
		layout = "15"
		if s.clock12 {
			layout = "03"
		}
	case "n":
		layout = "4"
	case "nm":
		layout = "04"
	case "s":
		layout = "5"
	case "ss":
		layout = "05"
	case "am":
		layout = "PM"
	case "[h":
		return strconv.AppendInt(dst, int64(seconds/3600), 10)
	case "[m":
		return strconv.AppendInt(dst, int64(seconds/60), 10)
	case "[s":
		return strconv.AppendInt(dst, int64(seconds), 10)
	default:
		if piece[0] != 'y' {
			return dst
		}
		layout = "2006"
	}
	return t.AppendFormat(dst, layout)
}
