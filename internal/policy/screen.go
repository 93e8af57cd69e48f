package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/parser"
)

// A screen is a condition without CEL: its skeleton of and, or and not, over
// cheap parts such as direction == "outbound", findings.iban.high >= 3 or
// recipient.in("partners"), over parts that CEL works out one by one, and over
// parts about which nothing is said. The cheap parts read the facts by the same
// functions as CEL does. Each part is asked once a message or once a recipient,
// however many rules hold it, and those of CEL last. A rule whose screen says
// no does not match, whatever CEL would say of the rest: false && unknown is
// false. One whose screen says yes matches, by the same functions and the same
// logic. Every other answer is left to the whole condition, so that unknown
// facts never hide a rule, and somebody is told why.
type screen struct {
	op    screenOp
	parts []*screen
	atom  *atom
}

type screenOp int

const (
	screenMaybe screenOp = iota // nothing is said
	screenAtom
	screenAnd
	screenOr
	screenNot
	screenFirst // the first part that says yes or no
)

// maybe is the answer of a part about which nothing is said.
const maybe = cannotKnow + 1

// atom is a part. Parts with the same key have the same answer.
type atom struct {
	key       string
	recipient bool // it depends on the recipient
	sender    bool // it depends on whom the policy means by its sender
	dear      bool // CEL works it out
	ask       func(m *moment) answer
}

// cheap is a value that is read from the facts.
type cheap struct {
	key       string
	typ       *types.Type
	recipient bool
	sender    bool
	read      func(m *moment) ref.Val
}

// screening makes the screen of a condition.
type screening struct {
	*language
	// written says how macros were written.
	written *celast.SourceInfo
	// whole is set while nothing is taken from the condition: CEL works that
	// out anyhow.
	whole bool
}

// screen makes the screen of a parsed condition.
func (l *language) screen(parsed *celast.AST) *screen {
	return (&screening{l, parsed.SourceInfo(), true}).screen(parsed.Expr())
}

func (l *screening) screen(e celast.Expr) *screen {
	if _, macro := l.written.MacroCalls()[e.ID()]; macro {
		return l.dear(e, l.inside(e))
	}
	return l.inside(e)
}

// inside looks for the parts of a part.
func (l *screening) inside(e celast.Expr) *screen {
	switch e.Kind() {
	case celast.CallKind:
		c := e.AsCall()
		switch c.FunctionName() {
		case operators.LogicalAnd:
			return l.chain(screenAnd, c.Args())
		case operators.LogicalOr:
			return l.chain(screenOr, c.Args())
		case operators.LogicalNot:
			return &screen{op: screenNot, parts: []*screen{l.screen(c.Args()[0])}}
		}
	case celast.ComprehensionKind:
		return l.ofList(e.AsComprehension())
	}
	if a := l.test(e); a != nil {
		return &screen{op: screenAtom, atom: a}
	}
	return l.dear(e, &screen{})
}

// chain joins the parts; a chain in a chain of the same kind is one.
func (l *screening) chain(op screenOp, args []celast.Expr) *screen {
	s := &screen{op: op}
	part := screening{l.language, l.written, false}
	for _, a := range args {
		if one := part.screen(a); one.op == op {
			s.parts = append(s.parts, one.parts...)
		} else {
			s.parts = append(s.parts, one)
		}
	}
	slices.SortStableFunc(s.parts, func(a, b *screen) int { return a.rank() - b.rank() })
	return s
}

// rank orders the parts of a chain: what depends on no recipient comes first,
// and what CEL must work out last.
func (s *screen) rank() (n int) {
	if s.op == screenAtom {
		if s.atom.recipient {
			n++
		}
		if s.atom.dear {
			n += 2
		}
	}
	for _, p := range s.parts {
		n = max(n, p.rank())
	}
	return n
}

// dear is a part that CEL works out where its screen does not decide.
func (l *screening) dear(e celast.Expr, cheap *screen) *screen {
	if l.whole {
		return cheap
	}
	text, err := parser.Unparse(e, l.written)
	if err != nil {
		return cheap // a part of a macro
	}
	program := sync.OnceValues(func() (cel.Program, error) {
		checked, issues := l.env.Compile(text)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		return l.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	})
	a := &atom{key: "CEL " + text, dear: true, ask: func(m *moment) answer {
		if m.large() { // its cost must be counted, with that of the rest
			return maybe
		}
		p, err := program()
		if err != nil {
			return maybe
		}
		m.evaluated++
		out, _, err := p.Eval(m)
		if err != nil {
			return cannotKnow
		}
		return answerIn(out)
	}}
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(x celast.Expr) {
		if x.Kind() == celast.IdentKind {
			a.recipient = a.recipient || x.AsIdent() == "recipient"
			a.sender = a.sender || x.AsIdent() == "sender"
		}
	}))
	own := &screen{op: screenAtom, atom: a}
	if cheap.op == screenMaybe {
		return own
	}
	return &screen{op: screenFirst, parts: []*screen{cheap, own}}
}

// cheapest leaves out the parts that CEL works out: of a condition that can
// reach its limit of cost, all of it is counted.
func (s *screen) cheapest() *screen {
	if s.op == screenAtom && s.atom.dear {
		return &screen{}
	}
	bare := &screen{op: s.op, atom: s.atom}
	for _, p := range s.parts {
		bare.parts = append(bare.parts, p.cheapest())
	}
	return bare
}

// ofList says what any or none of an empty list is.
func (l *screening) ofList(c celast.ComprehensionExpr) *screen {
	over := l.value(c.IterRange())
	start, ok := c.AccuInit().AsLiteral().(types.Bool)
	plain := c.Result().Kind() == celast.IdentKind && c.Result().AsIdent() == c.AccuVar()
	if over == nil || !ok || !plain || over.typ.Kind() != types.ListKind {
		return &screen{}
	}
	empty := answerOf(bool(start))
	return &screen{op: screenAtom, atom: over.asked("empty("+over.key+")="+strconv.Itoa(int(empty)), func(m *moment) answer {
		list, ok := over.read(m).(traits.Sizer)
		if !ok {
			return cannotKnow
		}
		if list.Size() == types.IntZero {
			return empty
		}
		return maybe
	})}
}

// asked is an atom about values.
func (c *cheap) asked(key string, ask func(m *moment) answer, others ...*cheap) *atom {
	a := &atom{key, c.recipient, c.sender, false, ask}
	for _, o := range others {
		a.recipient, a.sender = a.recipient || o.recipient, a.sender || o.sender
	}
	return a
}

// test is a cheap part that is true or false; nil when e is none.
func (l *language) test(e celast.Expr) *atom {
	if v := l.value(e); v != nil {
		if v.typ.Kind() != types.BoolKind {
			return nil
		}
		return v.asked(v.key, func(m *moment) answer { return answerIn(v.read(m)) })
	}
	if e.Kind() != celast.CallKind {
		return nil
	}
	c := e.AsCall()
	switch name := c.FunctionName(); name {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return l.comparison(name, c.Args())
	case operators.In:
		return l.oneOf(c.Args())
	case "contains", "startsWith", "endsWith":
		return l.textual(c)
	}
	return nil
}

func answerIn(v ref.Val) answer {
	b, ok := v.(types.Bool)
	if !ok {
		return cannotKnow
	}
	return answerOf(bool(b))
}

// comparison compares two numbers, texts or truths of one type.
func (l *language) comparison(name string, args []celast.Expr) *atom {
	a, b := l.value(args[0]), l.value(args[1])
	if a == nil || b == nil || a.typ.Kind() != b.typ.Kind() {
		return nil
	}
	switch a.typ.Kind() {
	case types.IntKind, types.StringKind, types.BoolKind:
	default:
		return nil
	}
	holds := func(order types.Int) bool {
		switch name {
		case operators.Equals:
			return order == 0
		case operators.NotEquals:
			return order != 0
		case operators.Less:
			return order < 0
		case operators.LessEquals:
			return order <= 0
		case operators.Greater:
			return order > 0
		}
		return order >= 0
	}
	return a.asked(name+"("+a.key+","+b.key+")", func(m *moment) answer {
		x, ok := a.read(m).(traits.Comparer)
		if !ok {
			return cannotKnow
		}
		order, ok := x.Compare(b.read(m)).(types.Int)
		if !ok {
			return cannotKnow
		}
		return answerOf(holds(order))
	}, b)
}

// oneOf asks whether a value is one of a written list.
func (l *language) oneOf(args []celast.Expr) *atom {
	v := l.value(args[0])
	if v == nil || args[1].Kind() != celast.ListKind || v.typ.Kind() != types.StringKind && v.typ.Kind() != types.IntKind {
		return nil
	}
	key := "in(" + v.key
	known := map[ref.Val]bool{}
	for _, e := range args[1].AsList().Elements() {
		one := l.value(e)
		if e.Kind() != celast.LiteralKind || one.typ.Kind() != v.typ.Kind() {
			return nil
		}
		known[e.AsLiteral()] = true
		key += "," + one.key
	}
	return v.asked(key+")", func(m *moment) answer {
		val := v.read(m)
		if types.IsError(val) {
			return cannotKnow
		}
		return answerOf(known[val])
	})
}

// textual asks whether a text holds another one.
func (l *language) textual(c celast.CallExpr) *atom {
	if !c.IsMemberFunction() || len(c.Args()) != 1 {
		return nil
	}
	text, part := l.value(c.Target()), l.value(c.Args()[0])
	if text == nil || part == nil || text.typ.Kind() != types.StringKind || part.typ.Kind() != types.StringKind {
		return nil
	}
	does := map[string]func(s, part string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
	}[c.FunctionName()]
	return text.asked(c.FunctionName()+"("+text.key+","+part.key+")", func(m *moment) answer {
		s, ok := text.read(m).(types.String)
		p, too := part.read(m).(types.String)
		if !ok || !too {
			return cannotKnow
		}
		return answerOf(does(string(s), string(p)))
	}, part)
}

// value is a cheap value; nil when e is none.
func (l *language) value(e celast.Expr) *cheap {
	switch e.Kind() {
	case celast.LiteralKind:
		v := e.AsLiteral()
		typ, ok := v.Type().(*types.Type)
		if !ok {
			return nil
		}
		key := fmt.Sprintf("%s %q", typ.TypeName(), fmt.Sprint(v.Value()))
		return &cheap{key: key, typ: typ, read: func(*moment) ref.Val { return v }}
	case celast.IdentKind:
		return l.named(e.AsIdent())
	case celast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return nil
		}
		return l.fieldOf(l.value(s.Operand()), s.FieldName())
	case celast.CallKind:
		return l.called(e.AsCall())
	}
	return nil
}

func (l *language) named(name string) *cheap {
	if name == "recipient" {
		return &cheap{name, types.NewObjectType(typeRecipient), true, false, func(m *moment) ref.Val { return m.recipient }}
	}
	if name == varFacts {
		name = typeFindings
	}
	v, ok := variableNamed(name)
	if !ok {
		return nil
	}
	return &cheap{name, v.typ, false, name == "sender", func(m *moment) ref.Val { return m.variable(name) }}
}

func (l *language) fieldOf(of *cheap, name string) *cheap {
	if of == nil || of.typ.Kind() != types.StructKind {
		return nil
	}
	f, ok := l.objects[of.typ.TypeName()][name]
	if !ok {
		return nil
	}
	return &cheap{of.key + "." + name, f.typ, of.recipient, of.sender, func(m *moment) ref.Val {
		v, ok := of.read(m).(object)
		if !ok {
			return unknownValue(of.key)
		}
		return f.get(v.v)
	}}
}

// called are the functions that are cheap.
func (l *language) called(c celast.CallExpr) *cheap {
	var args []*cheap
	var key strings.Builder
	recipient, sender := false, false
	if c.IsMemberFunction() {
		args = append(args, l.value(c.Target()))
	}
	for _, a := range c.Args() {
		args = append(args, l.value(a))
	}
	key.WriteString(c.FunctionName())
	for _, a := range args {
		if a == nil {
			return nil
		}
		key.WriteString("(" + a.key)
		recipient, sender = recipient || a.recipient, sender || a.sender
	}
	key.WriteString(strings.Repeat(")", len(args)))
	typ, do := l.function(c.FunctionName(), args)
	if do == nil {
		return nil
	}
	return &cheap{key.String(), typ, recipient, sender, func(m *moment) ref.Val {
		values := make([]ref.Val, len(args))
		for i, a := range args {
			if values[i] = a.read(m); types.IsError(values[i]) {
				return values[i]
			}
		}
		return do(m, values)
	}}
}

func (l *language) function(name string, args []*cheap) (*types.Type, func(*moment, []ref.Val) ref.Val) {
	is := func(i int, k types.Kind) bool { return len(args) > i && args[i].typ.Kind() == k }
	party := len(args) == 2 && is(1, types.StringKind) && (is(0, types.StructKind) &&
		(args[0].typ.TypeName() == typeParty || args[0].typ.TypeName() == typeRecipient))
	switch {
	case name == funIn && party:
		return types.BoolType, func(_ *moment, v []ref.Val) ref.Val { return l.in(v[0], v[1]) }
	case name == funMember && party:
		return types.BoolType, func(_ *moment, v []ref.Val) ref.Val { return l.member(v[0], v[1]) }
	case name == funFirst && len(args) == 2 && is(1, types.StringKind):
		return types.StringType, func(m *moment, v []ref.Val) ref.Val { return m.firstHeader(string(v[1].(types.String))) }
	case name == "lower" && len(args) == 1 && is(0, types.StringKind):
		return types.StringType, func(_ *moment, v []ref.Val) ref.Val {
			return types.String(strings.ToLower(string(v[0].(types.String))))
		}
	case name == "size" && len(args) == 1 && (is(0, types.ListKind) || is(0, types.StringKind)):
		return types.IntType, func(_ *moment, v []ref.Val) ref.Val { return v[0].(traits.Sizer).Size() }
	}
	return nil, nil
}
