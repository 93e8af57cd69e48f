package policy

import (
	"fmt"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// A condition over several things says which of them it means: any, all or
// none. Over no things at all, any is false, none is true, and all is false:
// "all attachments are encrypted" does not hold for a message without
// attachments. CEL's own all would hold there, so it is not to be had.

// funList makes a list of what was found.
const funList = "@list"

// quantifiers are the macros of conditions over several things.
func quantifiers() []parser.Macro {
	global := func(name string, expand parser.MacroExpander) parser.Macro {
		return cel.GlobalMacro(name, 3, func(eh cel.MacroExprFactory, _ celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
			if args[1].Kind() != celast.IdentKind {
				return nil, eh.NewError(args[1].ID(), fmt.Sprintf(
					"the second thing in %s is a name for one of them, e.g. %s(attachments, a, a.size > 0)", name, name))
			}
			return expand(eh, listed(eh, args[0]), args[1:])
		})
	}
	return []parser.Macro{
		global("any", parser.MakeExists),
		global("none", func(eh parser.ExprHelper, list celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
			e, err := parser.MakeExists(eh, list, args)
			if err != nil {
				return nil, err
			}
			return eh.NewCall(operators.LogicalNot, e), nil
		}),
		global("all", func(eh parser.ExprHelper, list celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
			some := eh.NewCall(operators.Greater, eh.NewCall("size", eh.Copy(list)), eh.NewLiteral(types.Int(0)))
			e, err := parser.MakeAll(eh, list, args)
			if err != nil {
				return nil, err
			}
			return eh.NewCall(operators.LogicalAnd, some, e), nil
		}),
		cel.ReceiverMacro("all", 2, func(eh cel.MacroExprFactory, list celast.Expr, _ []celast.Expr) (celast.Expr, *cel.Error) {
			return nil, eh.NewError(list.ID(), "say all(list, x, …), which is false when there is none, "+
				"or none(list, x, !…), which is true then")
		}),
	}
}

// listed makes a list out of findings, which are no list by themselves.
func listed(eh cel.MacroExprFactory, e celast.Expr) celast.Expr {
	if isFindings(e) {
		return eh.NewCall(funList, e)
	}
	return e
}

// finding is one finding in a moment.
type finding struct {
	Finding
	view view
}

func findingFields() map[string]field {
	of := func(v any) Finding { return v.(finding).Finding }
	return map[string]field{
		"type":       textField(func(v any) string { return celName(of(v).Type) }, "as behind `findings.`, e.g. `credit_card`"),
		"detector":   textField(func(v any) string { return of(v).Detector }, "the id of the detector"),
		"confidence": textField(func(v any) string { return of(v).Confidence }, "`high`, `medium` or `low`"),
		"part":       textField(func(v any) string { return of(v).Part }, "the path of the part, `\"\"` for the header"),
		"file":       textField(func(v any) string { return of(v).Name }, "the file name of the part"),
		"count": {types.IntType, func(v any) ref.Val {
			if f := v.(finding); !f.view.moment.facts.PerPart || f.view.moment.unknown["per_part"] {
				return unknownValue("the number of findings of a part")
			}
			return types.Int(of(v).Here)
		}, "how many different values of this type and confidence stand in the part"},
	}
}

// list is what was found there, by type, part and confidence.
func (v view) list() ref.Val {
	m := v.moment
	if m.unknown["findings"] || m.unknown["detectors"] || m.looked != nil || len(m.strange) > 0 {
		return unknownValue("findings")
	}
	if !v.scope.all && (!v.scope.kept || m.unknown["attachments"]) {
		return unknownValue("findings of a part")
	}
	var list []finding
	for _, f := range m.facts.Findings {
		if v.scope.holds(f.Part, m.facts.Attachments) && (f.Here > 0 || f.Count > 0) {
			list = append(list, finding{f, v})
		}
	}
	return objects(typeFinding, list)
}
