package explain

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// atom lists changes of the facts that a part without parts names, so that it
// gets another answer. They are proposals: the search decides again.
func (c changer) atom(n *policy.Node, want policy.Truth) (list []Change) {
	e := n.Expr
	for _, r := range refsOf(e, n.Scope) {
		if n.Truth == policy.Unknown {
			list = append(list, c.known(r)...)
		}
		list = append(list, c.valued(n, r, want)...)
	}
	return list
}

// valued gives a fact other values.
func (c changer) valued(n *policy.Node, r ref, want policy.Truth) []Change {
	switch {
	case r.count != "":
		return c.counted(n, r, want)
	case r.header != "":
		return c.headed(n, r, want)
	case r.length != "":
		return c.sized(n, r, want)
	}
	if _, ok := c.party(r.path); ok {
		return c.listed(n, r, want)
	}
	name := r.path[len(r.path)-1].key
	if p, ok := c.party(r.path[:len(r.path)-1]); ok {
		if list, special := c.ofParty(n, r.path[:len(r.path)-1], name, p, want); special {
			return list
		}
	}
	v, ok := get(&c.s.facts, r.path, c.s.who, false)
	if !ok || !v.CanInterface() {
		return nil
	}
	var list []Change
	switch old := plain(v.Interface()).(type) {
	case bool:
		list = append(list, c.put(r.path, old, !old, 1))
	case int64:
		if name == "size" && len(r.path) == 1 {
			// of the whole message
			for _, to := range numbers(n, r, old, want) {
				list = append(list, c.put(r.path, old, to, distance(old, to)/1000+1))
			}
			break
		}
		for _, to := range numbers(n, r, old, want) {
			list = append(list, c.put(r.path, old, to, distance(old, to)))
		}
	case string:
		if len(r.path) == 1 && name == "direction" {
			return c.directed(old)
		}
		for _, to := range texts(n, old, want) {
			list = append(list, c.put(r.path, old, to, 1))
		}
	case time.Time:
		list = append(list, c.timed(old)...)
	}
	return list
}

func plain(v any) any {
	switch v := v.(type) {
	case policy.Direction:
		return string(v)
	case mail.Cause:
		return string(v)
	case mail.Address:
		return string(v)
	case int:
		return int64(v)
	case time.Duration:
		return int64(v)
	case *bool:
		if v != nil {
			return *v
		}
	}
	return v
}

func distance(a, b int64) int { return int(max(a-b, b-a)) }

// put sets a value.
func (c changer) put(path []step, old, to any, distance int) Change {
	name := c.called(path)
	return Change{
		Fact: name, From: fmt.Sprint(old), To: fmt.Sprint(to), gone: -1, distance: max(distance, 1),
		Text:  ifWere(name, to),
		apply: func(f *policy.Facts, who int) bool { return set(f, path, who, to) },
	}
}

func (c changer) called(path []step) string {
	var b strings.Builder
	for i, s := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.key)
		if s.index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
		if s.index == me {
			b.Reset()
			b.WriteString("recipient")
		}
	}
	return b.String()
}

func ifWere(name string, to any) string {
	switch v := to.(type) {
	case string:
		return fmt.Sprintf("if %s were %q", name, v)
	case bool:
		words := map[string]string{
			"automatic": "sent by a machine", "null_sender": "from the null sender", "calendar": "a meeting message",
			"ooo": "an out-of-office reply", "monitor": "only watched",
		}
		if w, ok := words[name]; ok {
			if v {
				return "if the message were " + w
			}
			return "if the message were not " + w
		}
	}
	return fmt.Sprintf("if %s were %v", name, to)
}

// numbers are values that bring a comparison to an answer: as far from the
// old one as it must be, and no further.
func numbers(n *policy.Node, r ref, old int64, want policy.Truth) []int64 {
	op, left, right, ok := compared(n)
	if !ok {
		return nil
	}
	onLeft := slices.ContainsFunc(refsOf(n.Expr.Args[0], n.Scope), func(o ref) bool { return same(o, r) })
	if !onLeft {
		op, left, right = turned(op), right, left
	}
	if want == policy.False {
		op = negated(op)
	}
	var to []int64
	switch op { // left op right
	case ">=":
		to = []int64{right}
	case ">":
		to = []int64{right + 1}
	case "<=":
		to = []int64{right}
	case "<":
		to = []int64{right - 1}
	case "==":
		to = []int64{right}
	case "!=":
		to = []int64{right - 1, right + 1}
	}
	for i := range to {
		to[i] = old + to[i] - left // the fact may be a part of a sum
	}
	return slices.DeleteFunc(to, func(v int64) bool { return v < 0 || v == old })
}

func same(a, b ref) bool {
	return a.count == b.count && a.level == b.level && a.header == b.header && a.length == b.length &&
		slices.Equal(a.path, b.path) && slices.Equal(a.of, b.of)
}

// compared is a comparison of two numbers with their values.
func compared(n *policy.Node) (op string, left, right int64, ok bool) {
	e := n.Expr
	if e.Kind != policy.ExprOperator || len(e.Args) != 2 {
		return "", 0, 0, false
	}
	side := func(a *policy.Expr) (int64, bool) {
		if v, ok := a.Value.(int64); ok {
			return v, true
		}
		for _, v := range n.Values {
			if v.Expr == a {
				i, ok := v.Of.(int64)
				return i, ok
			}
		}
		return 0, false
	}
	left, okLeft := side(e.Args[0])
	right, okRight := side(e.Args[1])
	switch {
	case okLeft && okRight:
		return e.Name, left, right, true
	case n.Truth == policy.Unknown && okRight:
		return e.Name, 0, right, true // not known: as if nothing was found
	case n.Truth == policy.Unknown && okLeft:
		return e.Name, left, 0, true
	}
	return "", 0, 0, false
}

func turned(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}

func negated(op string) string {
	switch op {
	case "<":
		return ">="
	case "<=":
		return ">"
	case ">":
		return "<="
	case ">=":
		return "<"
	case "==":
		return "!="
	case "!=":
		return "=="
	}
	return op
}

// texts are values of a text that may bring a part to an answer.
func texts(n *policy.Node, old string, want policy.Truth) (list []string) {
	e := n.Expr
	add := func(s string) {
		if s != old && !slices.Contains(list, s) && len(list) < 6 {
			list = append(list, s)
		}
	}
	literals := literalsOf(e)
	positive := want == policy.True
	if e.Kind == policy.ExprOperator && e.Name == "!=" {
		positive = !positive
	}
	if positive {
		for _, l := range literals {
			if e.Kind == policy.ExprMethod && e.Name == "matches" {
				if s, ok := matching(l); ok {
					add(s)
				}
				continue
			}
			if e.Kind == policy.ExprMethod && e.Name == "contains" && old != "" {
				add(old + " " + l)
			}
			add(l)
		}
		for _, v := range n.Values {
			if s, ok := v.Of.(string); ok {
				add(s)
			}
		}
		return list
	}
	for _, l := range literals {
		if l != "" && strings.Contains(strings.ToLower(old), strings.ToLower(l)) {
			add(strings.TrimSpace(without(old, l)))
		}
	}
	add("")
	add("other")
	return list
}

// without takes every l out of s, whatever its case.
func without(s, l string) string {
	for {
		i := strings.Index(strings.ToLower(s), strings.ToLower(l))
		if i < 0 || i+len(l) > len(s) {
			return s
		}
		s = s[:i] + s[i+len(l):]
	}
}

func literalsOf(e *policy.Expr) (list []string) {
	if s, ok := e.Value.(string); ok && e.Kind == policy.ExprLiteral {
		return []string{s}
	}
	for _, a := range e.Args {
		list = append(list, literalsOf(a)...)
	}
	return list
}

// matching is the simplest text that a regular expression matches.
func matching(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	if !simplest(&b, re) {
		return "", false
	}
	return b.String(), true
}

func simplest(b *strings.Builder, re *syntax.Regexp) bool {
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
		return true
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return false
		}
		r := re.Rune[0]
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for _, nice := range "a0A" {
				if re.Rune[i] <= nice && nice <= re.Rune[i+1] {
					r = nice
				}
			}
		}
		b.WriteRune(r)
		return true
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
		return true
	case syntax.OpStar, syntax.OpQuest, syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine,
		syntax.OpEndText, syntax.OpWordBoundary:
		return true
	case syntax.OpAlternate:
		return simplest(b, re.Sub[0])
	case syntax.OpRepeat:
		times = re.Min
	case syntax.OpCapture, syntax.OpConcat, syntax.OpPlus:
	default:
		return false
	}
	if times > 100 {
		return false
	}
	for range times {
		for _, s := range re.Sub {
			if !simplest(b, s) {
				return false
			}
		}
	}
	return true
}

// timed tries other hours and days.
func (c changer) timed(old time.Time) (list []Change) {
	for _, d := range []time.Duration{-12 * time.Hour, -6 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
		48 * time.Hour, 72 * time.Hour} {
		to := old.Add(d)
		list = append(list, Change{Fact: "now", From: old.UTC().Format(time.RFC3339), To: to.UTC().Format(time.RFC3339), gone: -1,
			distance: int(max(d, -d) / time.Hour),
			Text:     fmt.Sprintf("if it were %s", to.UTC().Format("Monday 15:04 (UTC)")),
			apply:    func(f *policy.Facts, _ int) bool { f.Now = to; return true }})
	}
	return list
}
