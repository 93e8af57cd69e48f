package policy

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Truth is the answer of a condition or of a part of one.
type Truth string

// The answers.
const (
	True    Truth = "true"
	False   Truth = "false"
	Unknown Truth = "cannot know"
	// Skipped is a part that need not be looked at.
	Skipped Truth = "not evaluated"
)

func (a answer) truth() Truth {
	switch a {
	case yes:
		return True
	case no:
		return False
	}
	return Unknown
}

// Not turns an answer round.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return t
}

// Node is a condition, or a part of one, with its answer.
type Node struct {
	// Text is the part as a condition.
	Text  string `json:"text"`
	Truth Truth  `json:"truth"`
	// Why says why the answer cannot be known.
	Why string `json:"why,omitempty"`
	// Op says how the parts make the answer: and, or, not, choice (a ? b : c),
	// any, all, one, none (of a list's elements); "" for a part that has none.
	Op string `json:"op,omitempty"`
	// Element is the element of the list that the part asks about.
	Element string `json:"element,omitempty"`
	// Values are what the facts say, for a part without parts.
	Values []Value `json:"values,omitempty"`
	Parts  []*Node `json:"parts,omitempty"`
	// More counts the elements of a long list that are left out.
	More int `json:"more,omitempty"`

	// Expr is what was evaluated, and Scope the elements that it names.
	Expr  *Expr   `json:"-"`
	Scope []Bound `json:"-"`
}

// Value is an expression of a condition and what it was.
type Value struct {
	Text  string `json:"text"`
	Value string `json:"value"`
	// Of is the value itself: bool, int64, float64, string, time.Time, or one
	// of the types of Facts; nil when it cannot be known.
	Of any `json:"-"`
	// Expr is the expression.
	Expr *Expr `json:"-"`
}

// Bound is an element of a list for which a part is asked.
type Bound struct {
	// Name is how the condition calls it, List what it is an element of, and
	// Index its place there, from 0.
	Name  string
	List  *Expr
	Index int

	typ *types.Type
	val ref.Val
}

// maxElements bounds the elements of a list in a tree.
const maxElements = 50

// Tracer evaluates the conditions of a set part by part, to say why they are
// what they are. It keeps what it compiled; it is not for several goroutines.
type Tracer struct {
	set      *Set
	syntax   map[string]*Expr
	programs map[string]program
	scopes   map[string]*cel.Env
}

type program struct {
	cel.Program
	typ *types.Type
	err error
}

// Tracer is a new Tracer of the set.
func (s *Set) Tracer() *Tracer {
	return &Tracer{set: s, syntax: map[string]*Expr{}, programs: map[string]program{}, scopes: map[string]*cel.Env{}}
}

// Trace is how a rule was evaluated for one recipient.
type Trace struct {
	When *Node
	// Unless is its exception: of a rule with children, a node whose parts
	// are all of them.
	Unless *Node
	// Truth is "when, and not unless, and no exception".
	Truth Truth
	// Why says why it cannot be known.
	Why string
}

// Rule evaluates a rule for the recipient with this number.
func (t *Tracer) Rule(r Rule, f *Facts, recipient int) (Trace, error) {
	m := t.set.moment(f)
	if recipient < len(f.Recipients) {
		m = (&decision{set: t.set, facts: f, moment: m}).at(&r, f.Recipients[recipient])
	}
	if recipient < len(f.Recipients) {
		m.turn(f.Recipients[recipient])
	}
	m.subject = r.asked(m)
	var out Trace
	var err error
	if out.When, err = t.condition(r.when, m); err != nil {
		return out, err
	}
	out.Truth, out.Why = out.When.Truth, out.When.Why
	if out.Unless, err = t.exception(r.unless, &out, m); err != nil {
		return out, err
	}
	if len(r.Branches) == 0 {
		return out, nil
	}
	all := &Node{Text: "one of its exceptions holds", Op: "or", Truth: False}
	if out.Unless != nil {
		all.add(out.Unless)
	}
	for _, b := range r.Branches {
		n := &Node{Text: b.When, Truth: Skipped}
		if out.Truth == True {
			if n, err = t.exception(b.when, &out, m); err != nil {
				return out, err
			}
		}
		n.Element = "exception " + b.ID
		all.add(n)
	}
	out.Unless = all
	return out, nil
}

// add takes one of several exceptions, of which the first that is not false
// counts.
func (n *Node) add(part *Node) {
	n.Parts = append(n.Parts, part)
	if n.Truth == False && part.Truth != Skipped {
		n.Truth, n.Why = part.Truth, part.Why
	}
}

// exception traces what stands against a rule that holds so far.
func (t *Tracer) exception(c *condition, out *Trace, m *moment) (*Node, error) {
	switch {
	case c == nil:
		return nil, nil
	case out.Truth == False:
		return &Node{Text: c.Source, Truth: Skipped}, nil
	}
	n, err := t.condition(c, m)
	if err != nil {
		return nil, err
	}
	switch {
	case n.Truth == True:
		out.Truth, out.Why = False, ""
	case n.Truth == Unknown && out.Truth == True:
		out.Truth, out.Why = Unknown, n.Why
	}
	return n, nil
}

// asked is the sender for whom the rule comes to what it comes to.
func (r *Rule) asked(m *moment) (best Subject) {
	d, weight := &decision{}, -1
	for _, m.subject = range r.Sender.each() {
		if w := d.ask(r, m).weight(); w > weight {
			best, weight = m.subject, w
		}
	}
	return best
}

// condition traces one condition. Its parts are evaluated on their own; the
// answer is that of the condition itself, which may have hit its cost limit.
func (t *Tracer) condition(c *condition, m *moment) (*Node, error) {
	e, known := t.syntax[c.Source]
	if !known {
		var err error
		if e, err = Syntax(c.Source); err != nil {
			return nil, err
		}
		t.syntax[c.Source] = e
	}
	n := t.node(e, nil, m)
	a, err := c.eval(m)
	if whole := a.truth(); whole != n.Truth {
		n.Truth, n.Why = whole, ""
	}
	if err != nil && n.Why == "" {
		n.Why = whyUnknown(err)
	}
	return n, nil
}

// node evaluates a part that is true or false.
func (t *Tracer) node(e *Expr, scope []Bound, m *moment) *Node {
	n := &Node{Text: e.String(), Expr: e, Scope: scope}
	switch {
	case e.Kind == ExprOperator && e.Name == "&&":
		t.parts(n, "and", False, m)
	case e.Kind == ExprOperator && e.Name == "||":
		t.parts(n, "or", True, m)
	case e.Kind == ExprOperator && e.Name == "!":
		n.Op, n.Parts = "not", []*Node{t.node(e.Args[0], scope, m)}
		n.Truth, n.Why = n.Parts[0].Truth.Not(), n.Parts[0].Why
	case e.Kind == ExprOperator && e.Name == "?":
		t.choice(n, m)
	case e.Quantifier() != "":
		t.quantifier(n, m)
	default:
		t.leaf(n, m)
		t.values(n, m)
	}
	return n
}

// parts is a chain: decides is the answer of one part that decides all. What
// fails after the deciding part is not evaluated: CEL stops there.
func (t *Tracer) parts(n *Node, op string, decides Truth, m *moment) {
	n.Op, n.Truth = op, decides.Not()
	decided := false
	for _, a := range n.Expr.Args {
		p := t.node(a, n.Scope, m)
		if decided && p.Truth == Unknown {
			p = &Node{Text: p.Text, Truth: Skipped, Expr: a, Scope: n.Scope}
		}
		n.Parts = append(n.Parts, p)
		switch {
		case p.Truth == decides:
			n.Truth, n.Why, decided = decides, "", true
		case p.Truth == Unknown && !decided:
			if n.Truth != Unknown {
				n.Why = p.Why
			}
			n.Truth = Unknown
		}
	}
}

func (t *Tracer) choice(n *Node, m *moment) {
	n.Op = "choice"
	for i, a := range n.Expr.Args {
		p := &Node{Text: a.String(), Truth: Skipped, Expr: a, Scope: n.Scope}
		if i == 0 || i == 1 && n.Parts[0].Truth == True || i == 2 && n.Parts[0].Truth == False {
			p = t.node(a, n.Scope, m)
			n.Truth, n.Why = p.Truth, p.Why
		}
		n.Parts = append(n.Parts, p)
	}
}

// quantifier asks about every element of a list.
func (t *Tracer) quantifier(n *Node, m *moment) {
	e := n.Expr
	t.leaf(n, m)
	list, p := t.value(e.Args[0], n.Scope, m)
	elements, ok := list.(traits.Lister)
	if !ok || p.typ.Kind() != types.ListKind {
		t.values(n, m)
		return
	}
	n.Op = e.Quantifier()
	size := int(elements.Size().(types.Int))
	for i := range size {
		if i >= maxElements {
			n.More = size - i
			break
		}
		val := elements.Get(types.Int(i))
		if o, bad := val.(*types.Err); bad {
			val = o
		}
		b := Bound{Name: e.Args[1].Name, List: e.Args[0], Index: i, typ: p.typ.Parameters()[0], val: val}
		scope := append(append([]Bound(nil), n.Scope...), b)
		part := t.node(e.Args[2], scope, m)
		part.Element = fmt.Sprintf("%s[%d]", e.Args[0], i)
		if words := valueText(plainValue(val)); words != "" {
			part.Element += " " + words
		}
		n.Parts = append(n.Parts, part)
	}
	if size == 0 {
		n.Values = []Value{{Text: e.Args[0].String(), Value: "empty", Of: int64(0), Expr: e.Args[0]}}
	}
}

// leaf evaluates the whole of a part.
func (t *Tracer) leaf(n *Node, m *moment) {
	val, p := t.value(n.Expr, n.Scope, m)
	switch v := val.(type) {
	case types.Bool:
		n.Truth = answerOf(bool(v)).truth()
	case *types.Err:
		n.Truth, n.Why = Unknown, whyUnknown(v)
	default:
		n.Truth, n.Why = Unknown, "evaluation failed"
		if p.err != nil {
			n.Why = whyUnknown(p.err)
		}
	}
}

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// values notes what the facts say about a part without parts.
func (t *Tracer) values(n *Node, m *moment) {
	e := n.Expr
	asked := []*Expr{e}
	if e.Kind == ExprOperator || e.Kind == ExprMethod || e.Kind == ExprCall && e.Name == "size" {
		asked = e.Args
	}
	for _, a := range asked {
		if a.constant() || a.Kind == ExprName && e.Quantifier() != "" {
			continue
		}
		val, _ := t.value(a, n.Scope, m)
		v := Value{Text: a.String(), Expr: a}
		switch val := val.(type) {
		case *types.Err:
			v.Value = string(Unknown)
		case traits.Lister:
			v.Of, v.Value = int64(val.Size().(types.Int)), listText(val)
		case nil:
			continue
		default:
			v.Of = plainValue(val)
			v.Value = short(valueText(v.Of))
		}
		n.Values = append(n.Values, v)
	}
}

// constant reports whether an expression names no fact.
func (e *Expr) constant() bool {
	if e.Kind == ExprName {
		return false
	}
	for _, a := range e.Args {
		if !a.constant() {
			return false
		}
	}
	return e.Kind != ExprCall || e.Name == "duration" || e.Name == "timestamp"
}

func plainValue(v ref.Val) any {
	if o, ok := v.(object); ok {
		switch v := o.v.(type) {
		case person:
			return *v.Party
		case file:
			return v.Attachment
		case finding:
			return v.Finding
		case contact:
			return v.Contact
		}
		return o.v
	}
	return v.Value()
}

func listText(l traits.Lister) string {
	var words []string
	size := int(l.Size().(types.Int))
	for i := range size {
		if i == 5 {
			words = append(words, fmt.Sprintf("and %d more", size-i))
			break
		}
		words = append(words, short(valueText(plainValue(l.Get(types.Int(i))))))
	}
	if size == 0 {
		return "empty"
	}
	return strings.Join(words, ", ")
}

// short cuts a long value: a tree is read on one screen.
func short(s string) string {
	const most = 80
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
