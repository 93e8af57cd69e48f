package policy

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"postern.dev/postern/internal/mail"
)

// List is a named set of addresses and domains, a zone. Its members are
// addresses (ann@fabrikam.example), domains (fabrikam.example), everything
// below a domain (*.fabrikam.example), addresses with stars
// (sales-*@fabrikam.example), or the members of a group of the directory
// (group:sales@contoso.example).
type List struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Members []string `json:"members"`
	Include []string `json:"include,omitempty"`

	addresses, domains, below map[string]bool
	patterns                  []string
	groups                    []string
	place                     place
}

// Place is "file:line".
func (l *List) Place() string { return l.place.String() }

// holds reports whether somebody is in the list, or in a group of it.
func (l *List) holds(p Party, d *Directory) answer {
	if l.Has(p.Address) {
		return yes
	}
	all := no
	for _, g := range l.groups {
		switch p.member(g, d) {
		case yes:
			return yes
		case cannotKnow:
			all = cannotKnow
		}
	}
	return all
}

// Has reports whether the address itself is in the list; members of its
// groups may be in it besides.
func (l *List) Has(a mail.Address) bool {
	domain := domainForm(a.Domain())
	whole := a.Fold()
	if local := a.Local(); domain != "" {
		whole = strings.ToLower(local) + "@" + domain
	}
	if l.addresses[whole] || (domain != "" && l.domains[domain]) {
		return true
	}
	for rest := domain; len(l.below) > 0; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok {
			break
		}
		if l.below[parent] {
			return true
		}
		rest = parent
	}
	return slices.ContainsFunc(l.patterns, func(p string) bool { return glob(p, whole) })
}

// domainForm is the form in which domains are compared: A-labels, lower case.
func domainForm(d string) string {
	for i := 0; i < len(d); i++ {
		if d[i] >= 0x80 {
			if ascii, err := idna.Lookup.ToASCII(d); err == nil {
				return ascii
			}
			break
		}
	}
	return strings.ToLower(d)
}

// index sorts the members; it returns what is wrong with one of them.
func (l *List) add(member string) string {
	if l.addresses == nil {
		l.addresses, l.domains, l.below = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	m := strings.ToLower(strings.TrimSpace(member))
	if group, ok := strings.CutPrefix(m, groupPrefix); ok {
		if foldGroup(group) == "" {
			return quoted(member) + " names no group"
		}
		if !slices.Contains(l.groups, foldGroup(group)) {
			l.groups = append(l.groups, foldGroup(group))
		}
		return ""
	}
	local, domain, address := cutLast(m, "@")
	switch {
	case address && (local == "" || local == "*") && validDomain(domain):
		l.domains[domainForm(domain)] = true
	case address && strings.Contains(m, "*"):
		if strings.Count(m, "*") > 8 || !validDomain(strings.ReplaceAll(domain, "*", "x")) {
			return quoted(member) + " is not a pattern of addresses"
		}
		l.patterns = append(l.patterns, local+"@"+domainForm(domain))
	case address:
		if _, err := mail.ParseAddress(m); err != nil {
			return quoted(member) + " is not an address"
		}
		l.addresses[local+"@"+domainForm(domain)] = true
	case strings.HasPrefix(m, "*.") && validDomain(m[2:]):
		l.below[domainForm(m[2:])] = true
	case validDomain(m):
		l.domains[domainForm(m)] = true
	default:
		return quoted(member) + " is neither an address, a domain, a pattern nor a group"
	}
	return ""
}

// take adds the members of an included list.
func (l *List) take(o *List) {
	for _, m := range o.Members {
		l.add(m)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func validDomain(d string) bool {
	if d == "" || strings.Contains(d, "*") {
		return false
	}
	_, err := mail.ParseAddress("x@" + d)
	return err == nil
}

// glob matches a pattern with stars in linear time per star.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
