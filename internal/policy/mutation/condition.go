package mutation

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"postern.dev/postern/internal/policy"
)

// change is a changed condition.
type change struct {
	kind, text string
	expr       *policy.Expr
	same       bool
}

// changes lists the changes of a condition, one place each.
func changes(root *policy.Expr) (list []change) {
	before := canonical(root)
	seen := map[string]bool{root.String(): true}
	add := func(kind string, old, fresh *policy.Expr, text string, same bool) {
		e := replaced(root, old, fresh)
		if key := e.String(); !seen[key] {
			seen[key] = true
			list = append(list, change{kind, text, e, same || canonical(e) == before})
		}
	}
	var walk func(e *policy.Expr, truth bool)
	walk = func(e *policy.Expr, truth bool) {
		mutate(e, truth, add)
		for i, a := range e.Args {
			walk(a, truthOf(e, i))
		}
	}
	walk(root, true)
	return list
}

// truthOf reports whether an argument is true or false, and is turned round
// by itself: what stands behind ! is turned round without it.
func truthOf(e *policy.Expr, i int) bool {
	switch {
	case e.Kind == policy.ExprOperator && (e.Name == "&&" || e.Name == "||"):
		return true
	case e.Kind == policy.ExprOperator && e.Name == "?":
		return i == 0
	case e.Quantifier() != "":
		return i == 2
	}
	return false
}

type adder func(kind string, old, fresh *policy.Expr, text string, same bool)

// mutate proposes changes of one part.
func mutate(e *policy.Expr, truth bool, add adder) {
	if e.Kind == policy.ExprOperator {
		switch e.Name {
		case "&&", "||":
			chain(e, add)
		case "<", "<=", ">", ">=", "==", "!=":
			threshold(e, add)
		case "in":
			options(e, add)
		case "!":
			add("negation", e, e.Args[0], fmt.Sprintf("%s instead of %s", e.Args[0], e), false)
		}
	}
	if e.Kind == policy.ExprField {
		confidence(e, add)
	}
	if q := e.Quantifier(); q != "" {
		quantifier(e, q, add)
	}
	if truth && !logical(e) && e.Kind != policy.ExprLiteral {
		not := &policy.Expr{Kind: policy.ExprOperator, Name: "!", Args: []*policy.Expr{e}}
		add("negation", e, not, fmt.Sprintf("%s instead of %s", not, e), false)
	}
}

func logical(e *policy.Expr) bool {
	return e.Kind == policy.ExprOperator && slices.Contains([]string{"&&", "||", "!", "?"}, e.Name)
}

// chain leaves a part of a chain out, and exchanges and and or.
func chain(e *policy.Expr, add adder) {
	word, other := "condition", "||"
	if e.Name == "||" {
		word, other = "alternative", "&&"
	}
	for i, gone := range e.Args {
		rest := slices.Delete(slices.Clone(e.Args), i, i+1)
		fresh := rest[0]
		if len(rest) > 1 {
			fresh = &policy.Expr{Kind: e.Kind, Name: e.Name, Args: rest}
		}
		same := slices.ContainsFunc(rest, func(o *policy.Expr) bool {
			if e.Name == "&&" {
				return implies(o, gone)
			}
			return implies(gone, o)
		})
		add(word, e, fresh, fmt.Sprintf("without the %s %s", word, gone), same)
	}
	fresh := &policy.Expr{Kind: e.Kind, Name: other, Args: e.Args}
	add("and-or", e, fresh, fmt.Sprintf("%s instead of %s", fresh, e), false)
}

// implies reports whether a comparison of counts follows from another one:
// more with a high confidence are as many with any.
func implies(a, b *policy.Expr) bool {
	if a.String() == b.String() || a.Value == false || b.Value == true {
		return true
	}
	typA, levelA, leastA, okA := countAtLeast(a)
	typB, levelB, leastB, okB := countAtLeast(b)
	return okA && okB && typA == typB && levelA >= levelB && leastA >= leastB
}

// countAtLeast reads findings.<type>.<level> >= n.
func countAtLeast(e *policy.Expr) (typ string, level int, least int64, ok bool) {
	if e.Kind != policy.ExprOperator || len(e.Args) != 2 {
		return "", 0, 0, false
	}
	n, number := e.Args[1].Value.(int64)
	typ, level, counts := countOf(e.Args[0])
	switch {
	case !number || !counts:
		return "", 0, 0, false
	case e.Name == ">":
		return typ, level, n + 1, true
	case e.Name == ">=":
		return typ, level, n, true
	}
	return "", 0, 0, false
}

// countOf reads findings.<type>.<level>.
func countOf(e *policy.Expr) (typ string, level int, ok bool) {
	if e.Kind != policy.ExprField || e.Args[0].Kind != policy.ExprField {
		return "", 0, false
	}
	of := e.Args[0].Args[0]
	found := of.Kind == policy.ExprName && of.Name == "findings" || of.Kind == policy.ExprField && of.Name == "findings"
	level = slices.Index([]string{"low", "medium", "high"}, strings.Replace(e.Name, "total", "low", 1))
	return of.String() + "." + e.Args[0].Name, level, found && level >= 0
}

// threshold moves the number of a comparison by one; a large one by its half,
// as nobody tests for single octets.
func threshold(e *policy.Expr, add adder) {
	for i, a := range e.Args {
		n, ok := a.Value.(int64)
		if !ok || a.Kind != policy.ExprLiteral {
			continue
		}
		step := int64(1)
		if n >= 1000 || n <= -1000 {
			step = n / 2
		}
		for _, to := range []int64{n - step, n + step} {
			fresh := e.Clone()
			fresh.Args[i] = &policy.Expr{Kind: policy.ExprLiteral, Value: to}
			add("threshold", e, fresh, fmt.Sprintf("%s instead of %s", fresh, e), always(e) && always(fresh))
		}
	}
}

// always reports whether a comparison of a count holds for every message.
func always(e *policy.Expr) bool {
	_, _, least, ok := countAtLeast(e)
	return ok && least <= 0
}

// confidence takes the level above and below.
func confidence(e *policy.Expr, add adder) {
	_, level, ok := countOf(e)
	if !ok {
		return
	}
	names := []string{"low", "medium", "high"}
	for _, to := range []int{level - 1, level + 1} {
		if to < 0 || to >= len(names) {
			continue
		}
		fresh := &policy.Expr{Kind: e.Kind, Name: names[to], Args: e.Args}
		add("confidence", e, fresh, fmt.Sprintf("%s instead of %s", fresh, e), false)
	}
}

// options leaves one value out of a list of them.
func options(e *policy.Expr, add adder) {
	list := e.Args[1]
	if list.Kind != policy.ExprList || len(list.Args) < 2 {
		return
	}
	for i, gone := range list.Args {
		fresh := &policy.Expr{Kind: list.Kind, Args: slices.Delete(slices.Clone(list.Args), i, i+1)}
		twice := slices.ContainsFunc(fresh.Args, func(o *policy.Expr) bool { return o.String() == gone.String() })
		add("option", list, fresh, fmt.Sprintf("without %s: %s", gone, e), twice)
	}
}

// quantifier asks for any instead of all, and the other way round.
func quantifier(e *policy.Expr, q string, add adder) {
	to := map[string]string{"any": "all", "all": "any", "none": "any"}[q]
	if to == "" {
		return
	}
	fresh := &policy.Expr{Kind: policy.ExprCall, Name: to, Args: e.Args}
	add("quantifier", e, fresh, fmt.Sprintf("%s instead of %s", fresh, e), false)
}

// replaced is a copy of a condition with one part in the place of another.
func replaced(root, old, fresh *policy.Expr) *policy.Expr {
	if root == old {
		return fresh
	}
	c := *root
	c.Args = make([]*policy.Expr, len(root.Args))
	for i, a := range root.Args {
		c.Args[i] = replaced(a, old, fresh)
	}
	return &c
}

// canonical is equal for conditions that differ only in the order of a chain,
// in parts that stand there twice, in double negations, and in how a level or
// a comparison of whole numbers is written.
func canonical(e *policy.Expr) string {
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = canonical(a)
	}
	if e.Kind != policy.ExprOperator {
		c := &policy.Expr{Kind: e.Kind, Name: e.Name, Value: e.Value}
		for i := range e.Args {
			c.Args = append(c.Args, &policy.Expr{Kind: policy.ExprName, Name: args[i]})
		}
		if _, _, counts := countOf(e); counts && c.Name == "total" {
			c.Name = "low"
		}
		return c.String()
	}
	switch e.Name {
	case "&&", "||":
		sort.Strings(args)
		args = slices.Compact(args)
		if len(args) == 1 {
			return args[0]
		}
		return "(" + strings.Join(args, " "+e.Name+" ") + ")"
	case "!":
		if inner := e.Args[0]; inner.Kind == policy.ExprOperator && inner.Name == "!" {
			return canonical(inner.Args[0])
		}
		return "!(" + args[0] + ")"
	case "==", "!=":
		sort.Strings(args)
	case ">":
		if n, ok := e.Args[1].Value.(int64); ok {
			return fmt.Sprintf("(%s >= %d)", args[0], n+1)
		}
	case "<":
		if n, ok := e.Args[1].Value.(int64); ok {
			return fmt.Sprintf("(%s <= %d)", args[0], n-1)
		}
	}
	return "(" + e.Name + " " + strings.Join(args, " ") + ")"
}
