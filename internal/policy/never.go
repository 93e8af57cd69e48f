package policy

import (
	"fmt"
	"slices"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"postern.dev/postern/internal/mail"
)

// never says why a comparison with a written text can never hold: the facts
// have their texts in lower case, or only certain words. It returns "" for
// every other comparison. at is the text.
func never(call celast.CallExpr) (at celast.Expr, why string) {
	args := call.Args()
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals:
		for i, text := range args {
			if why := neverIs(args[1-i], text); why != "" {
				return text, why
			}
		}
	case operators.In:
		if args[1].Kind() != celast.ListKind {
			return nil, ""
		}
		for _, text := range args[1].AsList().Elements() {
			if why := neverIs(args[0], text); why != "" {
				return text, why
			}
		}
	}
	return nil, ""
}

// neverIs says why a fact is never this text.
func neverIs(fact, text celast.Expr) string {
	if text.Kind() != celast.LiteralKind {
		return ""
	}
	written, ok := text.AsLiteral().(types.String)
	name := nameOf(fact)
	if !ok || name == "" {
		return ""
	}
	s := string(written)
	if words := wordsOf(name); words != nil && s != "" && !slices.Contains(words, s) {
		near := didYouMean(strings.ToLower(s), words)
		return fmt.Sprintf("%q is none of the words of %s: %s%s", s, name, strings.Join(words, ", "), near)
	}
	want := s
	switch name {
	case "extension":
		want = strings.ToLower(strings.TrimPrefix(s, "."))
	case "domain", "spf_domain", "dkim_domain", "arc_sealer":
		want = domainForm(s)
	case "address", "local", "manager", "expanded", "type", "spf", "dkim", "dmarc", "arc", "compauth":
		want = strings.ToLower(s)
	}
	switch {
	case want == s || want == "" || s == "":
		return ""
	case name == "extension" && strings.HasPrefix(s, "."):
		return fmt.Sprintf("%q never is an extension: it has no dot; write %q", s, want)
	}
	form := "in lower case"
	if strings.Contains(want, "xn--") {
		form = "in A-labels"
	}
	return fmt.Sprintf("%q never is a value of %s: it is %s; write %q", s, name, form, want)
}

// nameOf is the field or variable that an expression reads.
func nameOf(e celast.Expr) string {
	switch e.Kind() {
	case celast.IdentKind:
		return e.AsIdent()
	case celast.SelectKind:
		return e.AsSelect().FieldName()
	}
	return ""
}

// wordsOf are all values that a fact can have; nil when they are not counted.
func wordsOf(name string) []string {
	switch name {
	case "direction":
		return []string{string(Outbound), string(Inbound), string(Internal)}
	case "role":
		return []string{string(To), string(Cc), string(Bcc)}
	case "confidence":
		return []string{"high", "medium", "low"}
	case "inspected":
		return []string{"full", "partial", "none"}
	case "reason":
		var list []string
		for _, c := range mail.Causes() {
			list = append(list, string(c))
		}
		return list
	}
	return nil
}
