package policy

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// because says in a sentence why a rule matched: what it looked at and was
// found, and where it goes. A rule that looked at no finding is called by its
// name.
func (d *decision) because(r *Rule, to mail.Address) string {
	var what []string
	i := slices.IndexFunc(d.facts.Recipients, func(p Party) bool { return p.Address == to })
	findings := d.at(r, d.facts.Recipients[max(i, 0)]).facts.Findings
	for _, c := range r.counts() {
		for _, one := range d.singles(c) {
			if words := found(one, findings); words != "" {
				what = append(what, words)
			}
		}
	}
	if len(what) == 0 && r.uses("labels") {
		what = d.labelWords()
	}
	if len(what) == 0 {
		return fmt.Sprintf("the rule %q applies", r.Name) + d.ways(r, to)
	}
	return join(what) + d.whereto(to, len(what) == 1 && singular(what[0])) + d.ways(r, to)
}

// ways say how recipient and sender come to be in groups that the rule asks
// for: " (Eve is in Sales via EMEA-Sales)".
func (d *decision) ways(r *Rule, to mail.Address) string {
	parties := []Party{}
	if i := slices.IndexFunc(d.facts.Recipients, func(p Party) bool { return p.Address == to }); i >= 0 {
		parties = append(parties, d.facts.Recipients[i])
	}
	parties = append(parties, d.facts.Sender, d.facts.Mailbox, d.facts.User)
	var list []string
	for _, p := range parties {
		for _, g := range d.set.asked(r.when) {
			if way := p.Ways[g]; way != "" && !slices.Contains(list, way) && len(list) < 3 {
				list = append(list, way)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + join(list) + ")"
}

// asked are the groups that a condition asks for, also through lists.
func (s *Set) asked(c *condition) []string {
	groups := slices.Clone(c.Groups)
	for _, name := range c.Lists {
		if list := s.lists[name]; list != nil {
			groups = append(groups, list.groups...)
		}
	}
	return groups
}

// counts are the findings that both conditions look at, once per type, with
// the highest level that is asked for.
func (r *Rule) counts() (list []countRef) {
	for _, c := range r.when.Counts {
		i := slices.IndexFunc(list, func(o countRef) bool { return o.Name == c.Name })
		switch {
		case i < 0:
			list = append(list, c)
		case levelRank(c.Level) > levelRank(list[i].Level):
			list[i] = c
		}
	}
	return list
}

// singles puts in the place of a profile the types that it stands for.
func (d *decision) singles(c countRef) []countRef {
	for _, p := range d.set.Profiles() {
		if celName(p.ID) != c.Name || len(p.Needs) == 0 {
			continue
		}
		var list []countRef
		for _, typ := range p.Needs[0] {
			list = append(list, countRef{celName(typ), c.Level})
		}
		return list
	}
	return []countRef{c}
}

func (r *Rule) uses(name string) bool { return slices.Contains(r.when.Names, name) }

func levelRank(level string) int {
	switch level {
	case "high":
		return 2
	case "medium":
		return 1
	}
	return 0
}

// found is "3 card numbers (high) in plan.docx", or "".
func found(c countRef, findings []Finding) string {
	total, typ := 0, c.Name
	var files []string
	for _, f := range findings {
		if !slices.Contains(names(f), c.Name) || levelRank(f.Confidence) < levelRank(c.Level) || f.Count <= 0 {
			continue
		}
		total += f.Count
		if celName(f.Type) == c.Name {
			typ = f.Type
		}
		if f.Name != "" && !slices.Contains(files, f.Name) {
			files = append(files, f.Name)
		}
	}
	if total == 0 {
		return ""
	}
	text := Words(typ, total)
	if levelRank(c.Level) > 0 {
		text += " (" + c.Level + ")"
	}
	switch len(files) {
	case 0:
	case 1, 2:
		text += " in " + strings.Join(files, " and ")
	default:
		text += fmt.Sprintf(" in %s and %d other files", files[0], len(files)-1)
	}
	return text
}

func (d *decision) labelWords() []string {
	var list []string
	for _, l := range d.facts.Labels {
		name := l.Name
		if name == "" {
			name = l.ID
		}
		text := fmt.Sprintf("the label %q", name)
		if !slices.Contains(list, text) && len(list) < 3 {
			list = append(list, text)
		}
	}
	return list
}

// whereto ends the sentence.
func (d *decision) whereto(to mail.Address, one bool) string {
	i := slices.IndexFunc(d.facts.Recipients, func(p Party) bool { return p.Address == to })
	inside := i >= 0 && d.facts.Recipients[i].Inside
	switch {
	case d.facts.Direction == Inbound && one:
		return " comes in"
	case d.facts.Direction == Inbound:
		return " come in"
	case inside && one:
		return " stays inside"
	case inside:
		return " stay inside"
	case one:
		return " goes outside"
	}
	return " go outside"
}

// singular reports whether the words are about one thing: they begin with an
// article.
func singular(words string) bool {
	return strings.HasPrefix(words, "a ") || strings.HasPrefix(words, "an ") || strings.HasPrefix(words, "the ")
}

func join(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
