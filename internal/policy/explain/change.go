package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Change is one change of the facts of a message.
type Change struct {
	// Fact is what changes, From and To its values.
	Fact string `json:"fact"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Text says it as a change of the message.
	Text string `json:"text"`

	distance int
	// gone is the number of the recipient who is left out, or -1.
	gone  int
	apply func(f *policy.Facts, who int) bool
}

func (c Change) key() string { return c.Fact + "\x00" + c.To }

// state is a message on the way to another verdict.
type state struct {
	facts   policy.Facts
	who     int
	changes []Change
}

// with is the state after one more change.
func (s state) with(c Change) (state, bool) {
	next := state{facts: s.facts, who: s.who, changes: append(slices.Clone(s.changes), c)}
	if !c.apply(&next.facts, s.who) {
		return s, false
	}
	if c.gone >= 0 && c.gone < s.who {
		next.who--
	}
	return next, true
}

// changer makes changes for one state.
type changer struct {
	x *Explainer
	s state
}

// toward lists changes that bring a condition nearer to an answer. What must
// change in any case is tried first: of a chain with "and" the first part that
// is not true, of one with "or" each part.
func (c changer) toward(n *policy.Node, want policy.Truth) []Change {
	if n.Truth == want || n.Expr == nil && len(n.Parts) == 0 {
		return nil
	}
	first := func(want policy.Truth) []Change {
		for _, p := range n.Parts {
			if p.Truth != want {
				return c.toward(p, want)
			}
		}
		return nil
	}
	every := func(want policy.Truth) (list []Change) {
		for _, p := range n.Parts {
			list = append(list, c.toward(p, want)...)
		}
		return list
	}
	switch n.Op {
	case "and", "or":
		if (n.Op == "and") == (want == policy.True) {
			return first(want)
		}
		return every(want)
	case "not":
		return c.toward(n.Parts[0], want.Not())
	case "choice":
		list := every(want)
		return append(list, c.toward(n.Parts[0], n.Parts[0].Truth.Not())...)
	case "any", "none", "all", "one":
		return c.quantified(n, want, first, every)
	}
	return c.atom(n, want)
}

// quantified changes what a condition says about the elements of a list.
func (c changer) quantified(n *policy.Node, want policy.Truth, first, every func(policy.Truth) []Change) []Change {
	op := n.Op
	if op == "none" {
		op, want = "any", want.Not()
	}
	switch {
	case op == "any" && want == policy.True:
		return append(every(policy.True), c.added(n)...)
	case op == "any":
		return append(first(policy.False), c.removed(n, policy.True)...)
	case op == "all" && want == policy.True:
		return append(first(policy.True), c.removed(n, policy.False)...)
	case op == "all":
		return append(every(policy.False), c.added(n)...)
	}
	return slices.Concat(every(policy.True), every(policy.False), c.removed(n, policy.True), c.added(n))
}

// removed leaves out the first element that has not the answer.
func (c changer) removed(n *policy.Node, not policy.Truth) (list []Change) {
	for _, p := range n.Parts {
		if p.Truth != not && p.Truth != policy.Unknown || len(p.Scope) == 0 {
			continue
		}
		b := p.Scope[len(p.Scope)-1]
		r, ok := refOf(b.List, p.Scope[:len(p.Scope)-1])
		if !ok || len(r.path) != 1 {
			continue
		}
		if ch, ok := c.leaveOut(r.path[0].key, b.Index); ok {
			list = append(list, ch)
		}
		break
	}
	return list
}

// leaveOut takes an element out of a list of the facts.
func (c changer) leaveOut(list string, i int) (Change, bool) {
	f := &c.s.facts
	switch list {
	case "attachments":
		if i < len(f.Attachments) {
			return leaveAttachment(f.Attachments[i]), true
		}
	case "recipients":
		if i != c.s.who && i < len(f.Recipients) {
			a := f.Recipients[i].Address
			return Change{Fact: fmt.Sprintf("recipients[%d]", i), From: a.Fold(), To: "gone", gone: i, distance: 1,
				Text: "leave out the recipient " + a.Fold(),
				apply: func(f *policy.Facts, _ int) bool {
					f.Recipients = slices.Delete(slices.Clone(f.Recipients), i, i+1)
					direct(f)
					return true
				}}, true
		}
	case "labels":
		if i < len(f.Labels) {
			l := f.Labels[i]
			return Change{Fact: fmt.Sprintf("labels[%d]", i), From: l.Name, To: "gone", gone: -1, distance: 1,
				Text: fmt.Sprintf("without the label %q", labelName(l)),
				apply: func(f *policy.Facts, _ int) bool {
					f.Labels = slices.DeleteFunc(slices.Clone(f.Labels), func(o policy.Label) bool { return o == l })
					return true
				}}, true
		}
	case "unseen":
		if i < len(f.Unseen) {
			return seen(f.Unseen[i].Reason, f.Unseen[i].Name), true
		}
	}
	return Change{}, false
}

func labelName(l policy.Label) string {
	if l.Name != "" {
		return l.Name
	}
	return l.ID
}

// leaveAttachment takes a file out, with all that was found in it.
func leaveAttachment(a policy.Attachment) Change {
	return Change{Fact: "attachments", From: a.Name, To: "gone", gone: -1, distance: 2,
		Text: fmt.Sprintf("leave out the attachment %q", a.Name),
		apply: func(f *policy.Facts, _ int) bool {
			before := len(f.Attachments)
			done := false
			f.Attachments = slices.DeleteFunc(slices.Clone(f.Attachments), func(o policy.Attachment) bool {
				gone := !done && o.Name == a.Name && o.Type == a.Type && o.Size == a.Size && o.Part == a.Part
				done = done || gone
				return gone
			})
			f.Findings = slices.DeleteFunc(slices.Clone(f.Findings), func(o policy.Finding) bool { return within(a, o.Part, o.Name) })
			f.Unseen = slices.DeleteFunc(slices.Clone(f.Unseen), func(o mail.Unseen) bool { return within(a, o.Part, o.Name) })
			if a.Part != "" {
				f.Labels = slices.DeleteFunc(slices.Clone(f.Labels), func(o policy.Label) bool { return within(a, o.Part, "") })
			}
			return len(f.Attachments) < before
		}}
}

// within reports whether a part belongs to a file: by its path where that is
// known, else by its name.
func within(a policy.Attachment, part, name string) bool {
	if a.Part != "" && part != "" {
		return part == a.Part || strings.HasPrefix(part, a.Part+".")
	}
	return a.Name != "" && name == a.Name
}

// added puts a new element into a list, with what the condition asks of it.
func (c changer) added(n *policy.Node) []Change {
	list, ok := refOf(n.Expr.Args[0], n.Scope)
	if !ok || len(list.path) != 1 || list.path[0].index != -1 {
		return nil
	}
	element, asked := n.Expr.Args[1].Name, n.Expr.Args[2]
	text := map[string]string{}
	number := map[string]int64{}
	wish(asked, element, text, number)
	switch list.path[0].key {
	case "labels":
		l := policy.Label{Scheme: text["scheme"], ID: text["id"], Name: text["name"], Site: text["site"]}
		return []Change{{Fact: "labels", To: labelName(l), gone: -1, distance: 1,
			Text: fmt.Sprintf("with the label %q", labelName(l)),
			apply: func(f *policy.Facts, _ int) bool {
				f.Labels = append(slices.Clone(f.Labels), l)
				return true
			}}}
	case "attachments":
		a := policy.Attachment{Name: text["name"], Type: text["type"], Extension: text["extension"], Size: number["size"],
			Encrypted: text["encrypted"] != ""}
		if a.Name == "" && a.Extension != "" {
			a.Name = "file." + a.Extension
		}
		return []Change{{Fact: "attachments", To: a.Name + " " + a.Type, gone: -1, distance: 3,
			Text: fmt.Sprintf("with one more attachment %q", a.Name),
			apply: func(f *policy.Facts, _ int) bool {
				f.Attachments = append(slices.Clone(f.Attachments), a)
				return true
			}}}
	}
	return nil
}

// wish collects what a condition asks of the fields of an element.
func wish(e *policy.Expr, element string, text map[string]string, number map[string]int64) {
	field := func(e *policy.Expr) string {
		for e.Kind == policy.ExprMethod && len(e.Args) == 1 {
			e = e.Args[0] // lower()
		}
		if e.Kind == policy.ExprField && e.Args[0].Kind == policy.ExprName && e.Args[0].Name == element {
			return e.Name
		}
		return ""
	}
	if name := field(e); name != "" {
		text[name] = "true"
		return
	}
	if len(e.Args) == 2 {
		name, v := field(e.Args[0]), e.Args[1]
		if v.Kind == policy.ExprList && len(v.Args) > 0 {
			v = v.Args[0]
		}
		switch v := v.Value.(type) {
		case string:
			if name != "" {
				text[name] = v
				return
			}
		case int64:
			if name != "" {
				number[name] = v + 1
				return
			}
		}
	}
	for _, a := range e.Args {
		wish(a, element, text, number)
	}
}

// direct makes the direction what follows from sender and recipients.
func direct(f *policy.Facts) {
	out := slices.ContainsFunc(f.Recipients, func(p policy.Party) bool { return !p.Inside })
	switch {
	case out:
		f.Direction = policy.Outbound
	case f.Sender.Inside:
		f.Direction = policy.Internal
	default:
		f.Direction = policy.Inbound
	}
}

// where says in which files findings are.
func where(files []string) string {
	switch {
	case len(files) == 0:
		return ""
	case len(files) > 2:
		return fmt.Sprintf(" in %s and %d other files", files[0], len(files)-1)
	}
	return " in " + strings.Join(files, " and ")
}
