package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Member is somebody whom mail to a group reaches.
type Member struct {
	Entry Entry
	// Via are the groups between the expanded group and the member, the outer
	// one first; empty when the group names the member itself.
	Via []Entry
}

// Expand lists everybody whom mail to the group reaches, each once, by the
// shortest way, in the order in which they are reached.
func (e Entry) Expand() []Member {
	d := e.d
	from := map[int32]int32{e.i: none}
	line := []int32{e.i}
	var out []Member
	for ; len(line) > 0; line = line[1:] {
		for _, m := range d.nodes[line[0]].members {
			if _, seen := from[m]; seen {
				continue
			}
			from[m] = line[0]
			if d.nodes[m].kind == Group {
				line = append(line, m)
				continue
			}
			x := Member{Entry: Entry{d, m}}
			for g := line[0]; g != e.i; g = from[g] {
				x.Via = append(x.Via, Entry{d, g})
			}
			slices.Reverse(x.Via)
			out = append(out, x)
		}
	}
	return out
}

// Count is how many people mail to a group reaches.
type Count struct {
	// People is how many, Outside those of them whose mail leaves the tenant.
	People  int `json:"people"`
	Outside int `json:"outside"`
	// Domains are the domains outside, those with most people first.
	Domains []DomainCount `json:"domains,omitempty"`
	// Whole is false when there are more, whom nobody knows.
	Whole bool `json:"whole"`
}

// DomainCount is how many people are at a domain.
type DomainCount struct {
	Domain string `json:"domain"`
	People int    `json:"people"`
}

// Count counts whom mail to a group reaches. It is worked out once.
func (e Entry) Count() Count {
	n := e.d.ofNode[e.i]
	if n == none {
		return Count{}
	}
	if c := e.d.counts[n].Load(); c != nil {
		return *c
	}
	c := e.d.count(e.i)
	e.d.counts[n].Store(&c)
	return c
}

func (d *Directory) count(group int32) Count {
	c := Count{Whole: d.nodes[group].whole}
	seen := make([]uint64, (len(d.nodes)+63)/64)
	domains := map[string]int{}
	mailboxes := map[string]bool{} // outside: a contact and a guest may be one person
	mark := func(i int32) bool {
		was := seen[i>>6]&(1<<(i&63)) != 0
		seen[i>>6] |= 1 << (i & 63)
		return !was
	}
	mark(group)
	for line := []int32{group}; len(line) > 0; line = line[1:] {
		for _, m := range d.nodes[line[0]].members {
			if !mark(m) {
				continue
			}
			v := &d.nodes[m]
			switch {
			case v.kind == Group:
				line = append(line, m)
				continue
			case v.inside:
				c.People++
				continue
			}
			to := cmp.Or(v.external, v.address)
			if mailboxes[to] && to != "" {
				continue
			}
			mailboxes[to] = true
			c.People++
			c.Outside++
			domains[mail.Address(to).Domain()]++
		}
	}
	for name, n := range domains {
		c.Domains = append(c.Domains, DomainCount{name, n})
	}
	slices.SortFunc(c.Domains, func(a, b DomainCount) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Domain, b.Domain))
	})
	return c
}

// String says it for people: "412 people, 9 outside, among them 2 at
// rival.example".
func (c Count) String() string {
	var b strings.Builder
	if c.Whole {
		fmt.Fprintf(&b, "%s", people(c.People))
	} else {
		fmt.Fprintf(&b, "at least %s", people(c.People))
	}
	if c.Outside == 0 {
		return b.String() + ", nobody outside"
	}
	fmt.Fprintf(&b, ", %d outside", c.Outside)
	const most = 3
	for i, x := range c.Domains[:min(len(c.Domains), most)] {
		word := ", among them"
		if i > 0 {
			word = ","
		}
		fmt.Fprintf(&b, "%s %d at %s", word, x.People, x.Domain)
	}
	if n := len(c.Domains) - most; n > 0 {
		fmt.Fprintf(&b, " and others at %d more domains", n)
	}
	return b.String()
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// Words says how an entry comes to be in a group: "eve is in Sales via
// EMEA-Sales". It is "" when it is not.
func (e Entry) Words(group Entry) string {
	path := e.Path(group)
	if path == nil {
		return ""
	}
	text := e.Label() + " is in " + group.Label()
	for i, g := range path[:len(path)-1] {
		word := " via "
		if i > 0 {
			word = ", "
		}
		text += word + g.Label()
	}
	return text
}
