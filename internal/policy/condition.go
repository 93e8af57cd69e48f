package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Limits of one condition. Cost is CEL's own unit, about one per step; a
// thousand steps take a tenth of a millisecond or so.
const (
	maxCondition = 16 << 10   // characters
	maxNodes     = 2000       // of the syntax tree
	maxEstimate  = 20_000_000 // what it may cost at worst, with every list full
	maxCost      = 200_000    // what it does cost, at most
)

type activation = interpreter.Activation

// The names that a condition cannot write itself: the facts for headers(),
// and "in" as a method, which CEL's grammar keeps for its operator.
const (
	varFacts  = "@facts"
	funHeader = "@header"
	funFirst  = "@first_header"
	funIn     = "IN"
	funMember = "member"
)

// answer is a truth value of three-valued logic.
type answer int

const (
	no answer = iota
	yes
	cannotKnow
)

// condition is a compiled "when" or "unless".
type condition struct {
	Source string
	// program has a cost limit; free has none, because it cannot cost so much
	// with facts of usual size. It is nil when it can.
	program func() (cel.Program, error)
	free    cel.Program
	screen  *screen
	// PerRecipient is set when the answer depends on the recipient.
	PerRecipient bool
	// Counts are the findings that the condition looks at, in the whole
	// message.
	Counts []countRef
	// Asks are the names behind "findings." anywhere, and the texts of a
	// condition that goes through what was found; as celName writes them.
	Asks []string
	// AsksAll is set when it goes through what was found, whatever that is.
	AsksAll bool
	// Headers are the header fields that it looks at, in lower case.
	Headers []string
	// Names are the variables that it looks at.
	Names []string
	// Auth are the fields of auth that it looks at; "*" is all of them.
	Auth []string
	// Lists are the lists that it names.
	Lists []string
	// Groups are the groups whose members it asks for.
	Groups []string
	// Fragile is set when its evaluation can fail for some values: an index
	// beyond the end, a division by zero.
	Fragile bool
	// Undefined are lists that it names and that nobody defined.
	Undefined []string
}

// countRef is findings.<Name>.<Level>.
type countRef struct{ Name, Level string }

// language compiles conditions for one set of lists and detectors.
type language struct {
	env       *cel.Env
	objects   map[string]map[string]field
	lists     map[string]*List
	calendars map[string]*Calendar
	detectors []string
}

func newLanguage(lists map[string]*List, detectors []string) (*language, error) {
	l := &language{lists: lists, detectors: detectors}
	p, err := newProvider(detectors)
	if err != nil {
		return nil, err
	}
	l.objects = p.objects
	opts := []cel.EnvOption{
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(types.DefaultTypeAdapter),
		cel.ParserExpressionSizeLimit(maxCondition), cel.ParserRecursionLimit(100), cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes), cel.RegexProgramSizeLimit(2000),
		cel.DefaultUTCTimeZone(true), cel.EnableMacroCallTracking(),
		cel.Macros(cel.GlobalMacro("headers", 1, headersMacro), cel.GlobalMacro("header", 1, headerMacro)),
		cel.Macros(quantifiers()...),
		cel.Function(funList, cel.Overload("list_of_findings", []*cel.Type{cel.ObjectType(typeFindings)},
			cel.ListType(cel.ObjectType(typeFinding)),
			cel.UnaryBinding(func(f ref.Val) ref.Val { return f.Value().(view).list() }))),
		cel.Variable("recipient", cel.ObjectType(typeRecipient)),
		cel.Variable(varFacts, cel.ObjectType(typeFindings)),
		cel.Function(funHeader, cel.Overload("header_of_facts",
			[]*cel.Type{cel.ObjectType(typeFindings), cel.StringType}, cel.ListType(cel.StringType),
			cel.BinaryBinding(func(f, name ref.Val) ref.Val {
				return f.Value().(view).moment.header(string(name.(types.String)))
			}))),
		cel.Function(funFirst, cel.Overload("first_header_of_facts",
			[]*cel.Type{cel.ObjectType(typeFindings), cel.StringType}, cel.StringType,
			cel.BinaryBinding(func(f, name ref.Val) ref.Val {
				return f.Value().(view).moment.firstHeader(string(name.(types.String)))
			}))),
		cel.Function(funIn, l.ofParty("address_in_list", l.in)...),
		cel.Function(funMember, l.ofParty("address_member_of", l.member)...),
		cel.Function("lower", cel.MemberOverload("string_lower", []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(s ref.Val) ref.Val { return types.String(strings.ToLower(string(s.(types.String)))) }))),
	}
	for _, v := range variables() {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	opts = append(opts, l.calendarOptions()...)
	if l.env, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return l, nil
}

func (l *language) in(party, list ref.Val) ref.Val {
	named, ok := l.list(string(list.(types.String)))
	if !ok {
		return types.False // an undefined list has no members; Set.Undefined tells
	}
	p := party.Value().(person)
	asked := membership{p.Party, named}
	val, known := p.moment.listed[asked]
	if !known {
		val = truthOf(named.holds(*p.Party, p.moment.facts.Directory), "whether an address is in the list ", named.ID)
		p.moment.listed[asked] = val
	}
	return val
}

// truthOf is an answer as a value of CEL.
func truthOf(a answer, what ...string) ref.Val {
	switch a {
	case yes:
		return types.True
	case no:
		return types.False
	}
	return unknownValue(strings.Join(what, ""))
}

// ofParty makes a function of any address and the name of something.
func (l *language) ofParty(id string, f func(party, name ref.Val) ref.Val) []cel.FunctionOpt {
	var list []cel.FunctionOpt
	for _, t := range []string{typeParty, typeRecipient} {
		list = append(list, cel.MemberOverload(t+"_"+id, []*cel.Type{cel.ObjectType(t), cel.StringType}, cel.BoolType,
			cel.BinaryBinding(f)))
	}
	return list
}

func (l *language) member(party, group ref.Val) ref.Val {
	p, name := party.Value().(person), string(group.(types.String))
	return truthOf(p.member(name, p.moment.facts.Directory), "whether an address belongs to ", name)
}

func headersMacro(eh cel.MacroExprFactory, _ celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
	return eh.NewCall(funHeader, eh.NewIdent(varFacts), args[0]), nil
}

// headerMacro makes header("X") the first value, or "" when there is none.
func headerMacro(eh cel.MacroExprFactory, _ celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
	return eh.NewCall(funFirst, eh.NewIdent(varFacts), args[0]), nil
}

// flaw is a mistake inside a condition; Offset counts characters.
type flaw struct {
	Line, Column int // from 1 and from 0, as CEL counts
	Text         string
}

// compile checks a condition. It returns every flaw at once.
func (l *language) compile(source string) (*condition, []flaw) {
	parsed, issues := l.env.Parse(methodIn(source))
	if flaws := l.flaws(issues); len(flaws) > 0 {
		return nil, flaws
	}
	c := &condition{Source: source}
	flaws := l.walk(c, parsed)
	checked, issues := l.env.Check(parsed)
	if flaws = append(flaws, l.flaws(issues)...); len(flaws) > 0 {
		return nil, flaws
	}
	if checked.OutputType() != cel.BoolType {
		return nil, []flaw{{1, 0, fmt.Sprintf("a condition must be true or false; this is %s: compare it with something",
			checked.OutputType())}}
	}
	estimate, err := l.env.EstimateCost(checked, sizes{})
	if err == nil && estimate.Max > maxEstimate {
		return nil, []flaw{{1, 0, fmt.Sprintf(
			"this condition can cost %d steps at worst; the limit is %d: avoid lists inside lists", estimate.Max, maxEstimate)}}
	}
	if err == nil {
		err = l.programs(c, checked, estimate.Max)
	}
	if err != nil {
		return nil, []flaw{{1, 0, l.explain(err.Error())}}
	}
	c.screen = l.screen(parsed.NativeRep())
	if c.free == nil {
		c.screen = c.screen.cheapest()
	}
	return c, nil
}

// programs compiles a condition. Counting the cost while it runs takes as
// long as running, so that is done only where the limit can be reached.
func (l *language) programs(c *condition, checked *cel.Ast, most uint64) (err error) {
	c.program = sync.OnceValues(func() (cel.Program, error) {
		return l.env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	})
	if most > maxCost {
		_, err = c.program()
		return err
	}
	c.free, err = l.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	return err
}

// walk collects what the condition looks at and checks the names in strings.
func (l *language) walk(c *condition, parsed *cel.Ast) (flaws []flaw) {
	native := parsed.NativeRep()
	bad := func(e celast.Expr, format string, args ...any) {
		at := native.SourceInfo().GetStartLocation(e.ID())
		flaws = append(flaws, flaw{at.Line(), at.Column(), fmt.Sprintf(format, args...)})
	}
	literal := func(e celast.Expr) (string, bool) {
		if e.Kind() != celast.LiteralKind {
			return "", false
		}
		s, ok := e.AsLiteral().(types.String)
		return string(s), ok
	}
	whole := 0 // how often auth stands, alone or before a field
	defer func() {
		if whole > len(c.Auth) {
			c.Auth = append(c.Auth, "*")
		}
	}()
	var texts []string
	defer func() {
		if c.AsksAll { // any(findings, f, f.type == "hr_term")
			c.Asks = sortedUnique(append(c.Asks, texts...))
		}
	}()
	celast.PreOrderVisit(native.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.IdentKind:
			c.note(e.AsIdent())
			if e.AsIdent() == typeAuth {
				whole++
			}
		case celast.SelectKind:
			c.selected(e.AsSelect())
		case celast.LiteralKind:
			if text, is := e.AsLiteral().Value().(string); is {
				texts = append(texts, celName(text))
			}
		case celast.StructKind:
			bad(e, "a condition cannot make a new %s", e.AsStruct().TypeName())
		case celast.CallKind:
			call := e.AsCall()
			c.Fragile = c.Fragile || fragile(call.FunctionName())
			c.AsksAll = c.AsksAll || call.FunctionName() == funList
			if text, why := never(call); why != "" {
				bad(text, "%s", why)
			}
			switch call.FunctionName() {
			case funIn:
				if len(call.Args()) != 1 {
					return // the checker says so
				}
				name, ok := literal(call.Args()[0])
				if !ok {
					bad(call.Args()[0], "the name of a list must be written out here")
				} else if _, known := l.list(name); known {
					c.Lists = append(c.Lists, name)
				} else if len(l.lists) == 0 && nearest(name, keys(zones())) == "" {
					c.Undefined = append(c.Undefined, name)
				} else {
					bad(call.Args()[0], "there is no list %q%s", name, didYouMean(name, append(keys(l.lists), keys(zones())...)))
				}
			case funWorking, funHoliday, funWeekday:
				if len(call.Args()) != 1 {
					return
				}
				if name, ok := literal(call.Args()[0]); !ok {
					bad(call.Args()[0], "the name of a calendar must be written out here")
				} else if _, known := l.calendars[name]; !known {
					bad(call.Args()[0], "there is no calendar %q%s", name,
						cmp.Or(didYouMean(name, keys(l.calendars)), "; add a document of kind calendar with that id"))
				}
			case funMember:
				if len(call.Args()) != 1 {
					return
				}
				if name, ok := literal(call.Args()[0]); !ok {
					bad(call.Args()[0], "the name of a group must be written out here")
				} else if foldGroup(name) == "" {
					bad(call.Args()[0], "the name of a group is empty")
				} else if !slices.Contains(c.Groups, foldGroup(name)) {
					c.Groups = append(c.Groups, foldGroup(name))
				}
			case funHeader, funFirst:
				name, ok := literal(call.Args()[1])
				if !ok {
					bad(call.Args()[1], "the name of a header field must be written out here")
				} else if !fieldName(name) {
					bad(call.Args()[1], "%q is not the name of a header field", name)
				} else if secretHeader(name) {
					bad(call.Args()[1], "the header field %q carries a secret: a condition cannot look at it", name)
				} else if lower := strings.ToLower(name); !slices.Contains(c.Headers, lower) {
					c.Headers = append(c.Headers, lower)
				}
			}
		}
	}))
	return flaws
}

func (c *condition) note(name string) {
	if name == "recipient" {
		c.PerRecipient = true
	}
	if !strings.HasPrefix(name, "@") && !slices.Contains(c.Names, name) {
		c.Names = append(c.Names, name)
	}
}

// selected notes findings.<name>.<level> and auth.<name>.
func (c *condition) selected(s celast.SelectExpr) {
	inner := s.Operand()
	if inner.Kind() == celast.IdentKind && inner.AsIdent() == typeAuth {
		c.Auth = append(c.Auth, s.FieldName())
	}
	if isFindings(inner) && !slices.Contains(c.Asks, s.FieldName()) {
		c.Asks = append(c.Asks, s.FieldName())
	}
	if inner.Kind() != celast.SelectKind {
		return
	}
	base := inner.AsSelect()
	if base.Operand().Kind() != celast.IdentKind || base.Operand().AsIdent() != typeFindings {
		return
	}
	r := countRef{base.FieldName(), s.FieldName()}
	if !slices.Contains(c.Counts, r) {
		c.Counts = append(c.Counts, r)
	}
}

// isFindings reports whether e is what was found: in the message, in its texts
// or in a file.
func isFindings(e celast.Expr) bool {
	return e.Kind() == celast.IdentKind && e.AsIdent() == typeFindings ||
		e.Kind() == celast.SelectKind && e.AsSelect().FieldName() == typeFindings
}

// eval answers the condition; the error says why it cannot be known.
func (c *condition) eval(m *moment) (answer, error) {
	m.evaluated++
	p := c.free
	if p == nil || m.large() {
		var err error
		if p, err = c.program(); err != nil {
			return cannotKnow, err
		}
	}
	out, _, err := p.Eval(m)
	if err != nil {
		return cannotKnow, err
	}
	b, ok := out.(types.Bool)
	switch {
	case !ok:
		return cannotKnow, fmt.Errorf("policy: %v is neither true nor false", out.Type())
	case bool(b):
		return yes, nil
	}
	return no, nil
}

// whyUnknown is a short reason for the record. It holds no values: CEL's own
// errors may quote them.
func whyUnknown(err error) string {
	var canceled interpreter.EvalCancelledError
	switch {
	case errors.Is(err, errUnknown):
		return err.Error()
	case errors.As(err, &canceled):
		return "it reached its cost limit"
	}
	text := err.Error()
	for _, known := range []string{"no such key", "index out of bounds", "divide by zero", "division by zero",
		"modulus by zero", "overflow", "no such overload", "no such attribute"} {
		if strings.Contains(text, known) {
			return "evaluation failed: " + known
		}
	}
	return "evaluation failed"
}

// What is usual: facts with longer lists or texts are evaluated with a limit
// that counts.
const (
	usualList = 200
	usualText = 1000
)

// sizes tells the estimator how long things are at worst.
type sizes struct{}

func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	switch n.Type().Kind() {
	case types.ListKind:
		return &cost.SizeEstimate{Min: 0, Max: usualList}
	case types.StringKind:
		return &cost.SizeEstimate{Min: 0, Max: usualText}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// topNames are the names that may stand at the beginning of an expression.
func topNames() []string {
	list := append([]string{"recipient", "headers", "header", "has", "size"}, quantifierNames()...)
	for _, v := range variables() {
		list = append(list, v.name)
	}
	return list
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
