package dlp

import (
	"bytes"

	"postern.dev/postern/internal/detect"
)

// date finds dates, and among them those of birth.
//
// Standards: ISO 8601-1 §5.2 (year, month, day).
type date struct {
	words       *vocabulary
	date, birth bool
	ofBirth     topic
	months      map[string]int
}

func (*date) ID() string { return "date" }

// monthNames are the beginnings of the names of months, by language, as they
// are when case and accents are folded.
const monthNames = "jan feb mar apr may jun jul aug sep oct nov dec " + // en
	"januar februar marz april mai juni juli august september oktober november dezember " + // de
	"januari februari maart april mei juni juli augustus september oktober november december " + // nl
	"janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre " + // fr
	"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre " + // es
	"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre " + // it
	"janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro " + // pt
	"stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia " + // pl
	"january february march april may june july august september october november december"

func monthTable() map[string]int {
	t := map[string]int{"sept": 9, "dez": 12, "okt": 10, "mrt": 3, "dic": 12, "ene": 1, "ago": 8}
	for i, name := range bytes.Fields([]byte(monthNames)) {
		t[string(name)] = i%12 + 1
	}
	return t
}

// Scan looks at what each group of one, two or four digits begins.
func (d *date) Scan(w *detect.Window, found func(detect.Hit)) {
	runs := w.Digits()
	for i := 0; i < len(runs); i++ {
		n := runs[i].Len()
		if n > 2 && n != 4 {
			continue
		}
		start, end, value, used := d.read(w.Text, runs, i)
		if used == 0 {
			continue
		}
		d.report(w, start, end, value, found)
		i += used - 1
	}
}

// day is a date; a year of 0 is not given.
type day struct{ year, month, day int }

func (d day) possible() bool {
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 {
		return false
	}
	return d.year == 0 || d.year >= 1850 && d.year <= 2099
}

// read reads the date that begins with run i, or whose month stands before
// it; used is the number of runs that it takes.
func (d *date) read(text []byte, runs []detect.Span, i int) (start, end int, value day, used int) {
	start = int(runs[i].Start)
	prev := before(text, start)
	if isWord(prev) || prev == '.' || prev == '-' || prev == '/' || prev == ':' || prev == ',' && isDigit(before(text, start-1)) ||
		prev == '$' || prev == '+' {
		if !(prev == '-' && latin(before(text, start-1))) && !(prev == ':' && latin(before(text, start-1))) {
			return 0, 0, day{}, 0
		}
	}
	if i+2 < len(runs) {
		if v, ok := numericDate(text, runs[i], runs[i+1], runs[i+2]); ok {
			return start, clockEnd(text, int(runs[i+2].End)), v, 3
		}
	}
	return d.named(text, runs, i)
}

// clockEnd is where the time of day ends that is joined to a date by "T".
func clockEnd(text []byte, i int) int {
	if i >= len(text) || text[i] != 'T' {
		return i
	}
	end := i + 1
	for end < len(text) && end-i < 32 && (isDigit(rune(text[end])) || text[end] == ':' || text[end] == '.' ||
		(text[end] == '+' || text[end] == '-') && end > i+5) {
		end++
	}
	if end < len(text) && text[end] == 'Z' {
		end++
	}
	for end > i && (text[end-1] == '.' || text[end-1] == ':' || text[end-1] == '-') {
		end--
	}
	return end
}

// numericDate reads 31.12.1980, 12/31/80, 1980-12-31 and the like.
func numericDate(text []byte, a, b, c detect.Span) (day, bool) {
	if b.Start-a.End != 1 || c.Start-b.End != 1 {
		return day{}, false
	}
	sign := text[a.End]
	if sign != text[b.End] || sign != '-' && sign != '/' && sign != '.' {
		return day{}, false
	}
	next := after(text, int(c.End))
	behind := after(text, int(c.End)+1)
	if isWord(next) && next != 'T' || next == rune(sign) && isWord(behind) || next == '.' && isDigit(behind) {
		return day{}, false
	}
	x, y, z := plainNumber(text[a.Start:a.End]), plainNumber(text[b.Start:b.End]), plainNumber(text[c.Start:c.End])
	var v day
	switch {
	case a.Len() == 4 && b.Len() <= 2 && c.Len() <= 2:
		v = day{x, y, z}
	case a.Len() <= 2 && b.Len() <= 2 && (c.Len() == 4 || c.Len() == 2):
		if c.Len() == 2 {
			if a.Len()+b.Len() < 3 && sign == '.' {
				return day{}, false // "1.2.30" is a version
			}
			z += 1900
			if z < 1930 {
				z += 100
			}
		}
		v = day{z, y, x}
		if y > 12 {
			v = day{z, x, y}
		}
	default:
		return day{}, false
	}
	return v, v.possible()
}

// named reads "12 March 1980", "March 12, 1980", "12-Mar-80" and "May-2021".
func (d *date) named(text []byte, runs []detect.Span, i int) (start, end int, value day, used int) {
	start, end = int(runs[i].Start), int(runs[i].End)
	n := plainNumber(text[start:end])
	short := runs[i].Len() <= 2
	if m, from := d.monthBefore(text, start); m > 0 {
		if !short { // May-2021
			v := day{n, m, 1}
			return from, end, v, one(v.possible())
		}
		value = day{0, m, n}
		if i+1 < len(runs) && runs[i+1].Len() == 4 && yearGap(text, end, int(runs[i+1].Start)) {
			value.year = plainNumber(text[runs[i+1].Start:runs[i+1].End])
			if value.possible() {
				return from, int(runs[i+1].End), value, 2
			}
		}
		return from, end, value, one(value.possible() && !isWord(after(text, end)))
	}
	if !short {
		return 0, 0, day{}, 0
	}
	m, to := d.monthAfter(text, end)
	if m == 0 {
		return 0, 0, day{}, 0
	}
	value = day{0, m, n}
	if i+1 < len(runs) && (runs[i+1].Len() == 4 || runs[i+1].Len() == 2 && text[to] == '-') && yearGap(text, to, int(runs[i+1].Start)) {
		value.year = plainNumber(text[runs[i+1].Start:runs[i+1].End])
		if value.year < 100 {
			value.year += 1900
		}
		if value.possible() {
			return start, int(runs[i+1].End), value, 2
		}
	}
	return start, to, value, one(value.possible())
}

func one(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// yearGap reports whether a year may stand behind this: ", ", " de ", "-".
func yearGap(text []byte, from, to int) bool {
	if to-from < 1 || to-from > 5 {
		return false
	}
	switch string(bytes.TrimSpace(text[from:to])) {
	case "", ",", ".", "-", "/", "de", "del", "th", "th,", "st,", "nd,", "rd,":
		return true
	}
	return false
}

// monthBefore is the month whose name ends just before i.
func (d *date) monthBefore(text []byte, i int) (month, start int) {
	end := i
	for end > 0 && i-end < 2 && (text[end-1] == ' ' || text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	if end == i {
		return 0, 0
	}
	start = end
	for start > 0 && end-start < 24 && isLetterOrMore(text[start-1]) {
		start--
	}
	return d.month(text, start, end), start
}

// monthAfter is the month whose name begins just behind i.
func (d *date) monthAfter(text []byte, i int) (month, end int) {
	start := i
	if start < len(text) && text[start] == '.' {
		start++
	}
	for start < len(text) && start-i < 4 && (text[start] == ' ' || text[start] == '-') {
		start++
	}
	if bytes.HasPrefix(text[start:], []byte("de ")) {
		start += 3
	}
	if start == i {
		return 0, 0
	}
	end = start
	for end < len(text) && end-start < 24 && isLetterOrMore(text[end]) {
		end++
	}
	return d.month(text, start, end), end
}

func isLetterOrMore(c byte) bool { return isLetter(c) || c >= 0x80 }

func (d *date) month(text []byte, start, end int) int {
	if end-start < 3 || end-start > 24 {
		return 0
	}
	var key [64]byte
	n := 0
	for _, r := range string(text[start:end]) {
		n += copy(key[n:], d.words.letters.fold(r))
	}
	return d.months[string(key[:n])]
}

// report gives out a date, and says whether it is one of birth.
func (d *date) report(w *detect.Window, start, end int, v day, found func(detect.Hit)) {
	left, right := reach+1, reach+1
	if d.birth && v.year != 0 {
		left, right = d.words.over(w).near(d.ofBirth, start, end)
	}
	var e evidence
	kind := "DATE"
	switch {
	case left <= justBefore || right <= 10:
		kind = "DATE_OF_BIRTH"
		e.add(5, "a date")
		e.add(4.5, "a word for birth just before")
	case left <= 2*justBefore:
		kind = "DATE_OF_BIRTH"
		e.add(5, "a date")
		e.add(2, "a word for birth nearby")
	default:
		e.add(4, "a date")
	}
	if kind == "DATE" && !d.date {
		return
	}
	if h, ok := e.hit(kind, start, end, string(w.Text[start:end])); ok {
		h.Detector = detect.IDOf(kind)
		found(h)
	}
}
