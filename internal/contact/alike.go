package contact

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"postern.dev/postern/internal/mail"
)

// When a domain is one that the tenant often writes to, and when it is one
// that it has hardly written to.
const (
	oftenSent = 10
	seldom    = 3
)

// shortLabel is the length below which labels are too often alike by chance.
const shortLabel = 6

// LooksLike is the domain that another can be mistaken for: one that the
// tenant often writes to, or one of its own. It is "" when the domain is well
// known itself, or looks like none.
func (h *History) LooksLike(tenant, name string, own []string) string {
	name = domainKey(name)
	if name == "" || slices.Contains(own, name) {
		return ""
	}
	shown := unicodeForm(name)
	for _, o := range own {
		if alike(shown, unicodeForm(o)) {
			return o
		}
	}
	if h == nil {
		return ""
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.ledgerOrNone(tenant)
	if d := l.domains[name]; d != nil && d.sent >= seldom {
		return ""
	}
	return l.alike.find(name, shown)
}

func domainOf(a mail.Address) string { return mail.Address(a.Key()).Domain() }

func domainKey(name string) string { return domainOf(mail.Address("@" + name)) }

// unicodeForm is a domain as people see it.
func unicodeForm(name string) string {
	if !strings.Contains(name, "xn--") {
		return name
	}
	if u, err := idna.Display.ToUnicode(name); err == nil {
		return u
	}
	return name
}

// alike reports whether one domain can be mistaken for another: their letters
// look the same, or one letter is too many, missing, another one, or has
// changed places with its neighbor (Damerau 1964). Both are in the form that
// people see.
//
// It is meant to be precise: only one label may differ, it must be long
// enough, and two domains that differ in one digit (branch1, branch2) or in
// the country are two domains, not one and its copy.
func alike(a, b string) bool {
	if d := utf8.RuneCountInString(a) - utf8.RuneCountInString(b); a == b || d < -2 || d > 2 {
		return false
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if len(x) != len(y) || len(x) < 2 {
		return false
	}
	at := -1
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		if at >= 0 {
			return false
		}
		at = i
	}
	p, q := x[at], y[at]
	if at == len(x)-1 {
		return (p == "com" || q == "com") && slices.Contains([]string{"co", "cm", "om", "con", "com"}, p) &&
			slices.Contains([]string{"co", "cm", "om", "con", "com"}, q)
	}
	if sp, sq := skeleton(p), skeleton(q); sp == sq && utf8.RuneCountInString(sp) >= shortLabel-2 {
		return true
	}
	if min(utf8.RuneCountInString(p), utf8.RuneCountInString(q)) < shortLabel-1 ||
		max(utf8.RuneCountInString(p), utf8.RuneCountInString(q)) < shortLabel {
		return false
	}
	return oneEdit([]rune(p), []rune(q))
}

// oneEdit reports whether two words are one edit apart (Damerau), the change
// of one digit into another left out.
func oneEdit(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) { // one is missing in a
		return len(b)-len(a) == 1 && slices.Equal(a[i:], b[i+1:]) && !unicode.IsDigit(b[i])
	}
	if i == len(a) {
		return false
	}
	if slices.Equal(a[i+1:], b[i+1:]) {
		return !(unicode.IsDigit(a[i]) && unicode.IsDigit(b[i]))
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}

// skeleton is a label with letters that look alike made one (UTS #39 §4; a
// choice of its table that is common in domains).
func skeleton(label string) string {
	if mail.Address(label).ASCII() && !strings.ContainsAny(label, "01irv|ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return label
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(label)) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		b.WriteRune(lookalike(r))
	}
	return pairs.Replace(b.String())
}

// pairs are two letters that look like one.
var pairs = strings.NewReplacer("rn", "m", "vv", "w")

func lookalike(r rune) rune {
	switch r {
	case '0', 'о', 'ο', 'օ':
		return 'o'
	case '1', 'i', 'ı', 'і', 'ι', 'ⅼ', 'ӏ', '|':
		return 'l'
	case 'а', 'α', 'ɑ':
		return 'a'
	case 'е', 'ҽ':
		return 'e'
	case 'с', 'ϲ':
		return 'c'
	case 'р', 'ρ':
		return 'p'
	case 'у', 'υ', 'ү':
		return 'y'
	case 'х', 'χ':
		return 'x'
	case 'ѕ':
		return 's'
	case 'ј':
		return 'j'
	case 'һ':
		return 'h'
	case 'ԁ', 'ɗ':
		return 'd'
	case 'ԛ', 'գ':
		return 'q'
	case 'ѡ', 'ԝ', 'ω':
		return 'w'
	case 'к', 'κ':
		return 'k'
	case 'м':
		return 'm'
	case 'н':
		return 'h'
	case 'т', 'τ':
		return 't'
	case 'в', 'β':
		return 'b'
	case 'ѵ', 'ν':
		return 'v'
	case 'ո', 'п':
		return 'n'
	case 'ɡ':
		return 'g'
	}
	return r
}

// index finds domains that are alike without comparing with each: two words
// one edit apart share a word with one letter left out (as SymSpell does), and
// two that look the same share a skeleton.
type index struct {
	seed maphash.Seed
	of   map[uint64][]string // domains, by the hash of what they share
}

func newIndex() index { return index{maphash.MakeSeed(), map[uint64][]string{}} }

func (x index) add(name string) {
	x.each(unicodeForm(name), func(h uint64) bool {
		if !slices.Contains(x.of[h], name) {
			x.of[h] = append(x.of[h], name)
		}
		return true
	})
}

func (x index) remove(name string) {
	x.each(unicodeForm(name), func(h uint64) bool {
		if x.of[h] = slices.DeleteFunc(x.of[h], func(s string) bool { return s == name }); len(x.of[h]) == 0 {
			delete(x.of, h)
		}
		return true
	})
}

func (x index) find(name, shown string) (found string) {
	if len(x.of) == 0 {
		return ""
	}
	x.each(shown, func(h uint64) bool {
		for _, candidate := range x.of[h] {
			if candidate != name && alike(shown, unicodeForm(candidate)) {
				found = candidate
			}
		}
		return found == ""
	})
	return found
}

// maxIndexed is the length of a domain, in octets, that is compared: a longer
// one is no company's.
const maxIndexed = 64

// each hands on what a domain shares with those that are alike: its skeleton,
// and itself with one letter left out.
func (x index) each(shown string, do func(h uint64) bool) {
	if len(shown) > maxIndexed {
		return
	}
	var labels []string
	for _, l := range strings.Split(shown, ".") {
		labels = append(labels, skeleton(l))
	}
	if !do(maphash.String(x.seed, "="+strings.Join(labels, "."))) || !do(maphash.String(x.seed, shown)) {
		return
	}
	buf := make([]byte, 0, maxIndexed)
	for i := 0; i < len(shown); {
		_, n := utf8.DecodeRuneInString(shown[i:])
		buf = append(append(buf[:0], shown[:i]...), shown[i+n:]...)
		if !do(maphash.Bytes(x.seed, buf)) {
			return
		}
		i += n
	}
}
