package dlp

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/detect"
)

// phone finds telephone numbers: by their layout, confirmed by the numbering
// plans of libphonenumber when the country is known from the number itself or
// from the tenant.
//
// Standards: ITU-T E.164 §6.2.1 (15 digits at most), E.123 (how numbers are
// written).
type phone struct {
	words   *vocabulary
	of      topic
	against topic
	longest int // how much text its words may take
	codes   *dialing
	plans   []plan // of the tenant's countries
}

func newPhone(b *Base, of, against topic, regions []string) *phone {
	return &phone{b.words, of, against, b.words.spanOf(of, against, ofOther), b.codes, plansOf(regions)}
}

func (*phone) ID() string { return "phone" }

// Digits of a number with everything.
const (
	leastPhone = 4
	mostPhone  = 15
)

// Scan groups the digits of the window as a reader would.
func (d *phone) Scan(w *detect.Window, found func(detect.Hit)) {
	runs, text := w.Digits(), w.Text
	for i := 0; i < len(runs); {
		j, digits := phoneGroup(text, runs, i)
		if digits >= leastPhone && digits <= mostPhone+4 {
			d.try(w, runs[i:j+1], digits, found)
		}
		i = j + 1
	}
}

// phoneGroup is the last run of the number that begins with run i.
func phoneGroup(text []byte, runs []detect.Span, i int) (j, digits int) {
	digits = runs[i].Len()
	for j = i; j+1 < len(runs) && digits <= mostPhone+4; j++ {
		gap := text[runs[j].End:runs[j+1].Start]
		if len(gap) > 4 || !phoneGap(gap) {
			break
		}
		if zero := text[runs[i].Start] == '0'; zero && digits >= 9 && string(gap) == " " && text[runs[j+1].Start] == '0' {
			break // two numbers with trunk prefixes side by side
		}
		digits += runs[j+1].Len()
	}
	return j, digits
}

// phoneGap reports whether the groups of one number may have this between
// them.
func phoneGap(gap []byte) bool {
	signs := 0
	for i, c := range gap {
		switch c {
		case ' ':
			if i > 0 && gap[i-1] == ' ' {
				return false
			}
		case '-', '.', '/':
			if signs++; signs > 1 {
				return false
			}
		case '(', ')':
			if i > 0 && gap[i-1] == c {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// dialed is a number as it stands in the text.
type dialed struct {
	start, end int
	runs       []detect.Span
	digits     []byte // at most 20
	plus       bool   // international, with + or 00
	bracket    bool
}

// try weighs the number that these runs make.
func (d *phone) try(w *detect.Window, runs []detect.Span, n int, found func(detect.Hit)) {
	text := w.Text
	var room [24]byte
	p := dialed{start: int(runs[0].Start), end: int(runs[len(runs)-1].End), runs: runs, digits: room[:0]}
	for _, r := range runs {
		p.digits = append(p.digits, text[r.Start:r.End]...)
	}
	if !p.edges(text) {
		return
	}
	var e evidence
	if !d.layout(text, &p, &e) {
		return
	}
	d.weigh(w, &p, &e)
	if e.confidence() == 0 {
		return
	}
	if h, ok := e.hit("PHONE", p.start, p.end, p.value()); ok {
		found(h)
	}
}

// value is what makes two spellings the same number: the digits, without
// those that say "abroad".
func (p *dialed) value() string {
	s := string(p.digits)
	if p.plus {
		return "+" + strings.TrimPrefix(s, "00")
	}
	return s
}

// edges looks at what touches the digits and takes in the plus sign, the
// brackets and the extension.
func (p *dialed) edges(text []byte) bool {
	if p.start > 0 && text[p.start-1] == '+' {
		p.plus = true
		p.start--
	}
	if open := bytes.TrimRight(text[max(0, p.start-2):p.start], " "); bytes.HasSuffix(open, []byte("(")) &&
		bytes.IndexByte(text[p.start:p.end], ')') >= 0 {
		p.start = max(0, p.start-2) + len(open) - 1
		p.bracket = true
		if p.start > 0 && text[p.start-1] == '+' && !p.plus {
			p.plus = true
			p.start--
		}
	}
	if first := p.runs[0]; bytes.HasPrefix(text[first.Start:first.End], []byte("00")) && len(p.digits) > 8 {
		p.plus = true
	}
	prev := before(text, p.start)
	switch back := before(text, p.start-1); {
	case isWord(prev), prev == ')', prev == '*', prev == '^':
		return false
	case p.plus:
	case prev == '-' || prev == '/' || prev == '.':
		if isWord(back) || len(p.runs) == 1 || prev == '.' {
			return false
		}
	case (prev == ':' || prev == '=') && !latin(back) && back != ' ':
		if isDigit(back) || prev == '=' {
			return false
		}
	case prev == '$' || prev == '€' || prev == '£' || prev == '%' || prev == '#':
		return false
	}
	p.extension(text)
	next := after(text, p.end)
	if isWord(next) || decimalAfter(text, next, p.end+1) || next == '%' || next == '@' || next == '=' || next == '*' ||
		next == ':' && isDigit(after(text, p.end+1)) || next == '-' && isDigit(after(text, p.end+1)) || next == '€' {
		return false
	}
	return true
}

// extension takes in "x123", "ext. 123" and the like.
func (p *dialed) extension(text []byte) {
	rest := text[p.end:min(len(text), p.end+16)]
	at := 0
	for at < len(rest) && (rest[at] == ' ' || rest[at] == ',' || rest[at] == ';') {
		at++
	}
	if at == len(rest) || strings.IndexByte("eExX#", rest[at]) < 0 {
		return
	}
	if rest[at]|0x20 == 'e' && (at+2 >= len(rest) || rest[at+1]|0x20 != 'x' || rest[at+2]|0x20 != 't') {
		return // another word
	}
	low := strings.ToLower(string(rest[at:]))
	for _, mark := range []string{"extension", "ext.", "ext", "x", "#"} {
		tail, ok := strings.CutPrefix(low, mark)
		if !ok {
			continue
		}
		k := at + len(mark)
		for len(tail) > 0 && (tail[0] == ' ' || tail[0] == '=' || tail[0] == '.' || tail[0] == ':') {
			tail = tail[1:]
			k++
		}
		n := 0
		for n < len(tail) && isDigit(rune(tail[n])) {
			n++
		}
		if n >= 1 && n <= 6 && !isWord(after(text, p.end+k+n)) {
			p.end += k + n
		}
		return
	}
}

// layout says what the way of writing is worth; false: it is something else.
func (d *phone) layout(text []byte, p *dialed, e *evidence) bool {
	n := len(p.digits)
	if !p.plus && (n > mostPhone || p.looksOtherwise(text)) || same(p.digits) {
		return false
	}
	if p.plus {
		if code := d.codes.code(strings.TrimPrefix(string(p.digits), "00")); code != 0 {
			e.add(6.5, "a number of the numbering plan of +"+plainText(code))
			return true
		}
		e.add(3.5, "written for calls from abroad")
		return n >= 7 && n <= mostPhone+2
	}
	for i := range d.plans {
		if d.plans[i].has(p.digits) {
			bits := 4.0
			if len(p.runs) > 1 {
				bits = 6.5
			}
			e.add(bits, "a number of the numbering plan of "+d.plans[i].region)
			return true
		}
	}
	if n < 7 {
		return false
	}
	switch {
	case p.american():
		e.add(4.5, "the layout of North America")
	case len(p.runs) > 1 && p.digits[0] == '0' && n >= 8 && n <= 12:
		e.add(4, "a trunk prefix and groups")
	case len(p.runs) > 2 && p.grouped():
		e.add(3, "groups of digits")
	case len(p.runs) == 1 && p.digits[0] == '0' && n >= 10 && n <= 11:
		e.add(3, "a trunk prefix")
	case len(p.runs) > 1:
		e.add(1, "groups of digits")
	case n == 10 && p.digits[0] >= '2' && p.digits[3] >= '2':
		e.add(1.5, "ten digits as in North America")
	}
	if p.bracket {
		e.add(1.5, "an area code in brackets")
	}
	return true
}

func plainText(n int32) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return plainText(n/10) + string(rune('0'+n%10))
}

// same reports whether all digits are alike.
func same(digits []byte) bool {
	for _, c := range digits[1:] {
		if c != digits[0] {
			return false
		}
	}
	return true
}

// american reports whether a number has the groups of the North American
// plan: area and exchange begin with 2 to 9.
func (p *dialed) american() bool {
	r, d := p.runs, p.digits
	if len(r) == 4 && r[0].Len() == 1 && d[0] == '1' {
		r, d = r[1:], d[1:]
	}
	return len(r) == 3 && r[0].Len() == 3 && r[1].Len() == 3 && r[2].Len() == 4 && d[0] >= '2' && d[3] >= '2'
}

// grouped reports whether the groups are those of telephone numbers: two to
// five digits each, behind at most one longer or shorter.
func (p *dialed) grouped() bool {
	if n := len(p.digits); n < 7 || n > 13 {
		return false
	}
	for i, r := range p.runs {
		if n := r.Len(); n < 2 && i > 0 || n > 5 && len(p.runs) > 2 || n > 8 {
			return false
		}
	}
	return true
}

// looksOtherwise finds dates, years, social security numbers, addresses and
// amounts.
func (p *dialed) looksOtherwise(text []byte) bool {
	r := p.runs
	if len(r) == 1 {
		return false
	}
	sign := text[r[0].End]
	lengths := [3]int{r[0].Len(), r[1].Len(), 0}
	if len(r) == 3 {
		lengths[2] = r[2].Len()
	}
	one := text[r[0].Start:r[0].End]
	two := text[r[1].Start:r[1].End]
	switch {
	case len(r) == 2 && sign == '.' && r[1].Start-r[0].End == 1:
		return true // a decimal number
	case len(r) == 2 && lengths[0] == 4 && lengths[1] == 4 && year(one) && year(two):
		return true
	case len(r) == 3 && lengths == [3]int{3, 2, 4}:
		return true // a social security number
	case len(r) == 3 && (lengths == [3]int{4, 2, 2} || lengths[2] == 4 && lengths[0] <= 2 && lengths[1] <= 2) &&
		(year(one) || year(text[r[2].Start:r[2].End])):
		return true // a date
	case len(r) >= 4 && sign == '.' && p.allShort(3) && len(r) == 4:
		return true // an address of the network
	case (sign == '.' || sign == ' ') && lengths[0] <= 3 && p.thousands(text, sign) && len(p.digits) != 9:
		return sign == '.'
	}
	return false
}

func (p *dialed) allShort(n int) bool {
	for _, r := range p.runs {
		if r.Len() > n {
			return false
		}
	}
	return true
}

// thousands reports whether all groups behind the first have three digits.
func (p *dialed) thousands(text []byte, sign byte) bool {
	for i, r := range p.runs[1:] {
		if r.Len() != 3 || text[p.runs[i].End] != sign {
			return false
		}
	}
	return true
}

func year(d []byte) bool {
	return len(d) == 4 && (d[0] == '1' && d[1] == '9' || d[0] == '2' && d[1] == '0')
}

// weigh adds what stands around. Text in full of references and amounts has
// a candidate in every line, so the words farther away are only read when they
// can make a finding of it.
func (d *phone) weigh(w *detect.Window, p *dialed, e *evidence) {
	const nearby = 1.5
	near := d.words.over(w)
	left, right := near.shorter(d.longest, d.of, p.start, p.end, justBefore, justBehind)
	beside := left <= justBefore || right <= justBehind
	if !beside && e.sum+nearby < atLow {
		return // all else speaks against it
	}
	against, _ := near.shorter(d.longest, d.against, p.start, p.end, justBefore, justBehind)
	other, _ := near.shorter(d.longest, ofOther, p.start, p.end, justBefore, justBehind)
	if against = min(against, other); against <= justBefore && against < left {
		e.add(-4, "a word for other numbers before")
	}
	if inURL(w.Text, p.start) {
		e.add(-3, "inside a URL")
	}
	switch {
	case beside:
		e.add(5, "a word for telephones just before")
	case e.sum+nearby >= atLow:
		if left, right = near.shorter(d.longest, d.of, p.start, p.end, reach/2, reach/2); min(left, right) <= reach/2 {
			e.add(nearby, "a word for telephones nearby")
		}
	}
}
