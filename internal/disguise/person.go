package disguise

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"postern.dev/postern/internal/mail"
)

// people gives addresses and names of nobody in the place of others, always
// the same for the same.
type people struct {
	inside     func(mail.Address) bool
	keep       func(mail.Address) bool
	keepDomain func(string) bool
	to         map[string]string // address, in lower case
	domains    map[string]string // outside
	words      map[string]string // of names, in lower case
	kept       map[string]bool
	n          int
}

// nobody are names for those whose names are replaced; none of them is rare.
func nobody() []string {
	return []string{"Robin", "Sasha", "Kim", "Jamie", "Morgan", "Taylor", "Jordan", "Casey", "Riley", "Quinn", "Avery", "Rowan",
		"Skyler", "Emery", "Finley", "Harper", "Lennon", "Marlow", "Nevada", "Oakley", "Parker", "Reese", "Sage", "Tatum"}
}

// common are words of addresses that name nobody.
func common() []string {
	return []string{"info", "sales", "support", "admin", "administrator", "noreply", "no-reply", "reply", "office", "team", "mail",
		"contact", "service", "help", "helpdesk", "billing", "finance", "hr", "it", "all", "everybody", "postmaster", "abuse",
		"security", "marketing", "news", "newsletter", "the", "and", "von", "van", "der", "den", "del", "desk", "group", "dept"}
}

// address is the address in the place of another one.
func (p *people) address(a string) string {
	key := strings.ToLower(a)
	if to, ok := p.to[key]; ok {
		return to
	}
	parsed := mail.Address(a)
	if p.keep(parsed) {
		p.to[key], p.kept[key] = a, true
		return a
	}
	p.n++
	domain := strings.ToLower(parsed.Domain())
	local := fmt.Sprintf("person%d", p.n)
	if slices.Contains(common(), strings.ToLower(parsed.Local())) {
		local = strings.ToLower(parsed.Local()) // names nobody, and rules may look at it
	}
	if !p.inside(parsed) && !p.keepDomain(domain) {
		domain = p.domain(domain)
	}
	to := local + "@" + domain
	if to == key { // nobody could tell that it was replaced
		to = fmt.Sprintf("person%d@%s", p.n, domain)
	}
	p.to[key] = to
	for _, w := range strings.FieldsFunc(parsed.Local(), func(r rune) bool { return !unicode.IsLetter(r) }) {
		p.word(w)
	}
	return to
}

// domain is the domain in the place of one that is outside.
func (p *people) domain(d string) string {
	if to, ok := p.domains[d]; ok {
		return to
	}
	to := fmt.Sprintf("outside%d.example", len(p.domains)+1)
	p.domains[d] = to
	return to
}

// name learns the words of a person's name.
func (p *people) name(text string) {
	if strings.Contains(text, "@") {
		return
	}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' }) {
		p.word(w)
	}
}

// word is a word of a name. Short and common ones are not.
func (p *people) word(w string) {
	key := strings.ToLower(w)
	if len([]rune(w)) < 3 || p.words[key] != "" || slices.Contains(common(), key) {
		return
	}
	list := nobody()
	to := list[len(p.words)%len(list)]
	if n := len(p.words) / len(list); n > 0 {
		to += strings.Repeat("n", n)
	}
	if strings.EqualFold(to, w) {
		to = "Nobody"
	}
	p.words[key] = to
}

// inCase writes a name as the original was written.
func inCase(name, original string) string {
	switch {
	case strings.ToUpper(original) == original:
		return strings.ToUpper(name)
	case strings.ToLower(original) == original:
		return strings.ToLower(name)
	}
	return name
}
