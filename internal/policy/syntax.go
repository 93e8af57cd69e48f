package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// Expr is a part of a condition as it is written: macros stay what they are,
// and a chain of && or || is one part with many arguments.
type Expr struct {
	Kind ExprKind
	// Name is the operator, function, field or variable.
	Name string
	// Value is that of a literal: bool, int64, uint64, float64, string, []byte
	// or nil.
	Value any
	// Args are the parts. Of a method the first one is what it is called on.
	Args []*Expr
}

// ExprKind says what an Expr is.
type ExprKind int

// The kinds of an Expr.
const (
	ExprLiteral  ExprKind = iota
	ExprName              // direction
	ExprField             // recipient.inside
	ExprCall              // header("X")
	ExprMethod            // recipient.in("partners"), attachments.exists(a, …)
	ExprOperator          // && || ! ? == != < <= > >= in + - * / % neg [
	ExprList              // ["a", "b"]
	ExprMap               // {"a": 1}: key, value, key, value
)

// binding is how tightly an operator holds its arguments.
func binding(operator string) int {
	switch operator {
	case "?":
		return 1
	case "||":
		return 2
	case "&&":
		return 3
	case "==", "!=", "<", "<=", ">", ">=", "in":
		return 4
	case "+", "-":
		return 5
	case "*", "/", "%":
		return 6
	case "!", "neg":
		return 7
	}
	return 8
}

// operatorName is the sign of one of CEL's operators.
func operatorName(function string) (string, bool) {
	switch function {
	case operators.LogicalAnd:
		return "&&", true
	case operators.LogicalOr:
		return "||", true
	case operators.LogicalNot:
		return "!", true
	case operators.Conditional:
		return "?", true
	case operators.Negate:
		return "neg", true
	case operators.Index:
		return "[", true
	}
	return operators.FindReverseBinaryOperator(function)
}

// Syntax reads a condition as it is written, without looking at types.
func Syntax(source string) (*Expr, error) {
	p, err := parser.NewParser(parser.Macros(), parser.MaxRecursionDepth(100), parser.ErrorRecoveryLimit(1),
		parser.ExpressionSizeCodePointLimit(maxCondition))
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	tree, issues := p.Parse(common.NewTextSource(methodIn(source)))
	if len(issues.GetErrors()) > 0 {
		return nil, fmt.Errorf("policy: %s", issues.GetErrors()[0].Message)
	}
	return surface(tree.Expr())
}

func surface(e celast.Expr) (*Expr, error) {
	switch e.Kind() {
	case celast.LiteralKind:
		return literalOf(e)
	case celast.IdentKind:
		return &Expr{Kind: ExprName, Name: e.AsIdent()}, nil
	case celast.SelectKind:
		return exprOf(ExprField, e.AsSelect().FieldName(), e.AsSelect().Operand())
	case celast.ListKind:
		return exprOf(ExprList, "", e.AsList().Elements()...)
	case celast.MapKind:
		var all []celast.Expr
		for _, entry := range e.AsMap().Entries() {
			all = append(all, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return exprOf(ExprMap, "", all...)
	case celast.CallKind:
		return callOf(e.AsCall())
	}
	return nil, fmt.Errorf("policy: a condition has no %v", e.Kind())
}

func exprOf(kind ExprKind, name string, args ...celast.Expr) (*Expr, error) {
	x := &Expr{Kind: kind, Name: name}
	for _, a := range args {
		y, err := surface(a)
		if err != nil {
			return nil, err
		}
		x.Args = append(x.Args, y)
	}
	return x, nil
}

func callOf(c celast.CallExpr) (*Expr, error) {
	if c.IsMemberFunction() {
		name := c.FunctionName()
		if name == funIn {
			name = "in"
		}
		return exprOf(ExprMethod, name, slices.Concat([]celast.Expr{c.Target()}, c.Args())...)
	}
	sign, ok := operatorName(c.FunctionName())
	if !ok {
		return exprOf(ExprCall, c.FunctionName(), c.Args()...)
	}
	x, err := exprOf(ExprOperator, sign, c.Args()...)
	if err == nil && (sign == "&&" || sign == "||") {
		var flat []*Expr
		for _, a := range x.Args {
			if a.Kind == ExprOperator && a.Name == sign {
				flat = append(flat, a.Args...)
			} else {
				flat = append(flat, a)
			}
		}
		x.Args = flat
	}
	return x, err
}

func literalOf(e celast.Expr) (*Expr, error) {
	x := &Expr{Kind: ExprLiteral}
	switch v := e.AsLiteral().(type) {
	case types.Null:
	case types.Bool, types.Int, types.Uint, types.Double, types.String, types.Bytes:
		x.Value = v.Value()
	default:
		return nil, fmt.Errorf("policy: a condition has no literal %T", v)
	}
	return x, nil
}

// String writes the expression as a condition that means the same.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expr) write(b *strings.Builder) {
	switch e.Kind {
	case ExprLiteral:
		b.WriteString(literal(e.Value))
	case ExprName:
		b.WriteString(e.Name)
	case ExprField:
		e.arg(b, 0, 8)
		b.WriteString("." + e.Name)
	case ExprCall:
		b.WriteString(e.Name)
		e.list(b, "(", e.Args, ")")
	case ExprMethod:
		e.arg(b, 0, 8)
		b.WriteString("." + e.Name)
		e.list(b, "(", e.Args[1:], ")")
	case ExprList:
		e.list(b, "[", e.Args, "]")
	case ExprMap:
		b.WriteByte('{')
		for i := 0; i+1 < len(e.Args); i += 2 {
			if i > 0 {
				b.WriteString(", ")
			}
			e.Args[i].write(b)
			b.WriteString(": ")
			e.Args[i+1].write(b)
		}
		b.WriteByte('}')
	case ExprOperator:
		e.operator(b)
	}
}

func (e *Expr) operator(b *strings.Builder) {
	mine := binding(e.Name)
	switch e.Name {
	case "!":
		b.WriteByte('!')
		e.arg(b, 0, 8)
	case "neg":
		b.WriteByte('-')
		e.arg(b, 0, 8)
	case "[":
		e.arg(b, 0, 8)
		e.list(b, "[", e.Args[1:], "]")
	case "?":
		e.arg(b, 0, mine+1)
		b.WriteString(" ? ")
		e.arg(b, 1, mine+1)
		b.WriteString(" : ")
		e.arg(b, 2, mine)
	default:
		for i := range e.Args {
			if i > 0 {
				b.WriteString(" " + e.Name + " ")
			}
			least := mine
			if i > 0 {
				least++ // operators of equal strength hold from the left
			}
			e.arg(b, i, least)
		}
	}
}

// arg writes an argument, in parentheses when it holds less tightly.
func (e *Expr) arg(b *strings.Builder, i, least int) {
	a := e.Args[i]
	loose := a.Kind == ExprOperator && binding(a.Name) < least
	if n, negative := a.Value.(int64); negative && n < 0 && least >= 8 {
		loose = true
	}
	if !loose {
		a.write(b)
		return
	}
	b.WriteByte('(')
	a.write(b)
	b.WriteByte(')')
}

func (e *Expr) list(b *strings.Builder, open string, args []*Expr, end string) {
	b.WriteString(open)
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		a.write(b)
	}
	b.WriteString(end)
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return quotedText(v)
	case []byte:
		var b strings.Builder
		for _, c := range v {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
		return `b"` + b.String() + `"`
	case uint64:
		return strconv.FormatUint(v, 10) + "u"
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprint(v)
}

// quotedText is a text in double quotes with the escapes that CEL knows.
func quotedText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Clone is a copy that shares nothing.
func (e *Expr) Clone() *Expr {
	c := *e
	c.Args = make([]*Expr, len(e.Args))
	for i, a := range e.Args {
		c.Args[i] = a.Clone()
	}
	return &c
}

// Quantifier reports whether e asks about the elements of a list, and how:
// "any", "all", "one" or "none". Args are then the list, the name of the
// element and what is asked.
func (e *Expr) Quantifier() string {
	if len(e.Args) != 3 || e.Args[1].Kind != ExprName {
		return ""
	}
	if e.Kind == ExprCall && contains(quantifierNames(), e.Name) {
		return e.Name
	}
	if e.Kind != ExprMethod {
		return ""
	}
	switch e.Name {
	case "exists", "any":
		return "any"
	case "all":
		return "all"
	case "exists_one", "existsOne", "one":
		return "one"
	case "none":
		return "none"
	}
	return ""
}

// valueText is a value of CEL for people.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return quotedText(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case Party:
		where := "outside"
		if v.Inside {
			where = "inside"
		}
		return v.Address.Fold() + " (" + where + ")"
	case Attachment:
		return quotedText(v.Name) + " (" + v.Type + ")"
	case Label:
		if v.Name == "" {
			return quotedText(v.ID)
		}
		return quotedText(v.Name)
	}
	return fmt.Sprint(v)
}
