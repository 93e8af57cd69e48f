package policy

import (
	"fmt"
	"strconv"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// A screen is what can be said of a condition without CEL: its skeleton of
// and, or and not, over cheap parts such as direction == "outbound",
// findings.iban.high >= 3 or recipient.in("partners"), and over parts about
// which nothing is said. The cheap parts read the facts by the same functions
// as CEL does, and each of them once a message or once a recipient, however
// many rules hold it. A rule whose screen says no does not match, whatever
// CEL would say of the rest: false && unknown is false. One whose screen says
// yes matches, by the same functions and the same logic. Every other answer is
// left to CEL, so that unknown facts never hide a rule.
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
)

// maybe is the answer of a part about which nothing is said.
const maybe = cannotKnow + 1

// atom is a cheap part. Parts with the same key have the same answer.
type atom struct {
	key       string
	recipient bool // it depends on the recipient
	sender    bool // it depends on whom the policy means by its sender
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

// screen makes the screen of a parsed condition.
func (l *language) screen(e celast.Expr) *screen {
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
	return &screen{}
}

func (l *language) chain(op screenOp, args []celast.Expr) *screen {
	s := &screen{op: op}
	for _, a := range args {
		s.parts = append(s.parts, l.screen(a))
	}
	return s
}

// ofList says what any or none of an empty list is.
func (l *language) ofList(c celast.ComprehensionExpr) *screen {
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
	a := &atom{key, c.recipient, c.sender, ask}
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
