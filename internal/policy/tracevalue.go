package policy

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// value evaluates an expression.
func (t *Tracer) value(e *Expr, scope []Bound, m *moment) (ref.Val, program) {
	p := t.program(e, scope)
	if p.err != nil {
		return nil, p
	}
	var in any = m
	if len(scope) > 0 {
		in = within{m, scope}
	}
	out, _, err := p.Eval(in)
	if err != nil {
		return types.WrapErr(err).(*types.Err), p
	}
	return out, p
}

// within is a moment with the elements of lists for which a part is asked.
type within struct {
	*moment
	scope []Bound
}

// ResolveName gives a variable of a condition.
func (w within) ResolveName(name string) (any, bool) {
	for i := len(w.scope) - 1; i >= 0; i-- {
		if w.scope[i].Name == name {
			return w.scope[i].val, true
		}
	}
	return w.moment.ResolveName(name)
}

// program compiles an expression once.
func (t *Tracer) program(e *Expr, scope []Bound) program {
	var names strings.Builder
	for _, b := range scope {
		fmt.Fprintf(&names, "%s:%s ", b.Name, b.typ)
	}
	key := names.String() + "\x00" + e.String()
	if p, ok := t.programs[key]; ok {
		return p
	}
	p := t.compile(e, scope, names.String())
	t.programs[key] = p
	return p
}

func (t *Tracer) compile(e *Expr, scope []Bound, names string) (p program) {
	env := t.scopes[names]
	if env == nil {
		env = t.set.language.env
		var vars []cel.EnvOption
		for _, b := range scope {
			vars = append(vars, cel.Variable(b.Name, b.typ))
		}
		if len(vars) > 0 {
			if env, p.err = env.Extend(vars...); p.err != nil {
				return p
			}
		}
		t.scopes[names] = env
	}
	parsed, issues := env.Parse(methodIn(e.String()))
	if p.err = issues.Err(); p.err != nil {
		return p
	}
	checked, issues := env.Check(parsed)
	if p.err = issues.Err(); p.err != nil {
		return p
	}
	p.typ = checked.OutputType()
	p.Program, p.err = env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	return p
}
