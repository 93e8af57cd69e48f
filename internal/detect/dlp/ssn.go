package dlp

import (
	"postern.dev/postern/internal/detect"
)

// ssn finds United States social security numbers.
type ssn struct {
	words *vocabulary
	of    topic
}

func (*ssn) ID() string { return "us-ssn" }

// possible reports whether nine digits can have been issued: no area 000, 666
// or 900 to 999, no group 00, no serial 0000 (Social Security
// Administration, rules of 2011), and not one of the numbers that were
// printed on cards in wallets and in advertisements.
func possible(d []byte) bool {
	area, group, serial := string(d[:3]), string(d[3:5]), string(d[5:9])
	if area == "000" || area == "666" || d[0] == '9' || group == "00" || serial == "0000" {
		return false
	}
	switch string(d) {
	case "078051120", "219099999", "457555462", "189092294":
		return false
	}
	return true
}

// made reports whether the digits are those of an example.
func made(d []byte) bool {
	if string(d) == "123456789" || string(d) == "987654321" {
		return true
	}
	for _, c := range d[1:] {
		if c != d[0] {
			return false
		}
	}
	return true
}

func (d *ssn) Scan(w *detect.Window, found func(detect.Hit)) {
	runs := w.Digits()
	near := d.words.over(w)
	for i := range runs {
		switch runs[i].Len() {
		case 9:
			d.try(w, near, runs, i, i, 0, found)
		case 3:
			if i+2 >= len(runs) || runs[i+1].Len() != 2 || runs[i+2].Len() != 4 ||
				!adjacent(runs[i], runs[i+1]) || !adjacent(runs[i+1], runs[i+2]) {
				continue
			}
			sep := separator(w.Text, runs[i], runs[i+1])
			if !usual(sep) && sep != '_' || sep != separator(w.Text, runs[i+1], runs[i+2]) {
				continue
			}
			d.try(w, near, runs, i, i+2, sep, found)
		}
	}
}

// try weighs the number in runs[i] to runs[j].
func (d *ssn) try(w *detect.Window, near *nearby, runs []detect.Span, i, j int, sep byte, found func(detect.Hit)) {
	var buf [32]byte
	digits := buf[:gather(buf[:], w.Text, runs, i, j)]
	if len(digits) != 9 || !possible(digits) {
		return
	}
	touch, ok := touching(w.Text, runs, i, j)
	if !ok {
		return
	}
	start, end := int(runs[i].Start), int(runs[j].End)
	var e evidence
	left, right := near.near(d.of, start, end)
	switch sep {
	case '-':
		e.add(6.5, "printed with dashes")
	case 0:
		if left > 40 {
			return // nine digits alone are anything
		}
		e.add(2, "nine digits")
	default:
		e.add(4, "printed in groups")
	}
	if made(digits) {
		e.add(-3, "the digits of an example")
	}
	switch {
	case left <= 40:
		e.add(5, "a word for social security just before")
	case min(left, right) <= reach && sep != 0:
		e.add(3, "a word for social security nearby")
	}
	if other, _ := near.near(ofOther, start, end); other <= 40 && other < left {
		e.add(-3, "a word for other numbers before")
	}
	for _, t := range touch {
		e.add(t.bits, t.why)
	}
	if h, ok := e.hit("US_SSN", start, end, string(digits)); ok {
		found(h)
	}
}
