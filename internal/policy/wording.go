package policy

import (
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
)

func (l *language) flaws(issues *cel.Issues) (flaws []flaw) {
	if issues == nil || issues.Err() == nil {
		return nil
	}
	unread := 0 // the line with a sign that cannot be read: what follows there follows from it
	for _, e := range issues.Errors() {
		if unread == e.Location.Line() {
			continue
		}
		if noToken.MatchString(e.Message) {
			unread = e.Location.Line()
		}
		column := e.Location.Column()
		if noField.MatchString(e.Message) {
			column++ // CEL names the place of the dot
		}
		flaws = append(flaws, flaw{e.Location.Line(), column, l.explain(e.Message)})
	}
	return flaws
}

// CEL's own messages that name something which nobody knows.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	unexpected = regexp.MustCompile(`^(?:Syntax error: )?(?:mismatched|extraneous) input '((?s:.*?))' expecting`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '([^']*)'`)
	listField  = regexp.MustCompile(`^type 'list\((.*)\)' does not support field selection`)
	noRange    = regexp.MustCompile(`^expression of type '([^']*)' cannot be range of a comprehension`)
	listMethod = regexp.MustCompile(`^list\((.*)\)\.\(`)
	oneOfThem  = regexp.MustCompile(`^type 'type\((.*)\)' does not support field selection`)
	noFields   = regexp.MustCompile(`^type '(.*)' does not support field selection`)
	noToken    = regexp.MustCompile(`^(?:Syntax error: )?token recognition error at: '(.)`)
)

// explain turns a message of CEL into one for a person, with the nearest
// known name.
func (l *language) explain(message string) string {
	message = strings.ReplaceAll(message, "'"+funIn+"'", "'in'")
	if m := undeclared.FindStringSubmatch(message); m != nil {
		name := m[1]
		if contains(quantifierNames(), name) {
			return name + " needs a list, a name for one of it, and a condition: " + name + "(attachments, a, a.size > 0)"
		}
		for _, f := range []string{"in", "lower", "matches", "contains", "startsWith", "endsWith", "exists",
			"any", "all", "none", "member"} {
			if nearest(name, []string{f}) != "" && nearest(name, topNames()) == "" {
				return "the name " + quoted(name) + " is not known" + didYouMean(name, []string{f})
			}
		}
		if near := didYouMean(name, topNames()); near != "" {
			return "the name " + quoted(name) + " is not known" + near
		}
		if len(name) < 3 { // that of one of a list
			return "the name " + quoted(name) + " is not known"
		}
		return "the name " + quoted(name) + " is not known; if it is a text, write it in quotes"
	}
	if m := noField.FindStringSubmatch(message); m != nil {
		return "there is no field or detector " + quoted(m[1]) + l.nearField(m[1])
	}
	if m := noToken.FindStringSubmatch(message); m != nil {
		return quoted(m[1]) + " is no sign of a condition" + operatorFor(m[1])
	}
	if m := listField.FindStringSubmatch(message); m != nil {
		return several(m[1])
	}
	if m := oneOfThem.FindStringSubmatch(message); m != nil {
		return quoted(m[1]) + " is what one of them is called" + didYouMean(m[1], topNames())
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		return fieldless(m[1])
	}
	if m := noRange.FindStringSubmatch(message); m != nil {
		return "any, all and none are for lists; this is a " + m[1]
	}
	if m := overload.FindStringSubmatch(message); m != nil {
		if list := listMethod.FindStringSubmatch(m[2]); list != nil {
			return several(list[1])
		}
		if strings.Contains(m[2], typeCounts) {
			return "say how sure it must be: .high, .medium, .low or .total behind the name"
		}
		return "types do not fit: " + quoted(strings.Trim(m[1], "_@")) + " cannot be used with " + m[2] + fitting(m[1], m[2])
	}
	if m := unexpected.FindStringSubmatch(message); m != nil {
		if m[1] == "<EOF>" {
			return "the condition ends too early"
		}
		return notExpected(m[1])
	}
	if strings.HasPrefix(message, "error parsing regexp: missing argument to repetition") {
		return message + "; matches takes RE2, in which .* stands for anything, not *"
	}
	return strings.TrimPrefix(message, "Syntax error: ")
}

// several says that a list is not one thing.
func several(one string) string {
	return "this is a list of " + one + ": say whether any, all or none of it is meant, e.g. any(list, x, x." +
		exampleOf(one) + ")"
}

// exampleOf is a condition on one thing of a list.
func exampleOf(one string) string {
	switch one {
	case typeRecipient, typeParty:
		return "outside"
	case typeLabel:
		return `name == "Secret"`
	case typeUnseen:
		return `reason == "encrypted"`
	case typeFinding:
		return "count > 3"
	}
	return `extension == "exe"`
}

func quantifierNames() []string { return []string{"any", "all", "none"} }

func quoted(s string) string { return `"` + s + `"` }

// fieldNames are all names that may stand after a dot.
func (l *language) fieldNames() []string {
	list := append([]string(nil), l.detectors...)
	for _, fields := range objectTypes() {
		list = append(list, keys(fields)...)
	}
	return sortedUnique(list)
}

// nearField suggests a field or detector. Ids of detectors have underscores
// here: a hyphen is a minus, which cuts them.
func (l *language) nearField(name string) string {
	for _, d := range l.detectors {
		if strings.HasPrefix(d, strings.ToLower(name)+"_") {
			return "; did you mean " + quoted(d) + "? Ids have underscores here, not hyphens"
		}
	}
	if name == "email" || name == "mail" {
		return `; did you mean "address"?`
	}
	return didYouMean(name, slices.DeleteFunc(l.fieldNames(), func(known string) bool { return known == name }))
}

// operatorFor is what to write in the place of a sign of other languages.
func operatorFor(sign string) string {
	switch sign {
	case "=":
		return `; to compare, write ==`
	case "&":
		return `; for "and" write &&`
	case "|":
		return `; for "or" write ||`
	}
	return ""
}

// fieldless says that a value has no fields.
func fieldless(typ string) string {
	if typ == "timestamp" {
		return `a time has no fields: write for example now.getHours("Europe/Amsterdam")`
	}
	return "a " + typ + " has no fields"
}

// fitting says how something is written that people mean by two types which
// do not fit.
func fitting(function, operands string) string {
	party := strings.HasPrefix(operands, "("+typeParty+",") || strings.HasPrefix(operands, "("+typeRecipient+",")
	switch {
	case function == "@in" && party:
		return `; of a list by its name write recipient.in("partners"), of addresses recipient.address in ["a@b.example"]`
	case function == "@in" && operands == "(string, string)":
		return `; write "x" in ["x", "y"] for one of several, text.contains("x") for a part, recipient.in("partners") for a list`
	case operands == "(int, string)" || operands == "(string, int)":
		return "; a number stands without quotes"
	case strings.HasPrefix(operands, "(type("):
		one, _, _ := strings.Cut(strings.TrimPrefix(operands, "(type("), ")")
		return didYouMean(one, topNames())
	case party:
		return "; compare its .address or .domain"
	}
	return ""
}

// notExpected says what stands there in the place of a sign.
func notExpected(word string) string {
	hint := ""
	switch strings.ToLower(word) {
	case "and":
		hint = "; write &&"
	case "or":
		hint = "; write ||"
	case "contains", "startswith", "endswith", "matches":
		hint = `; it stands behind a dot: subject.contains("x")`
	case "kb", "mb", "gb", "kib", "mib", "gib":
		hint = "; write the number of octets: 10 MB is 10000000"
	default:
		if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz_") == "" {
			hint = `; between two conditions stands && or ||, before one that must not hold !`
		}
	}
	if strings.ContainsAny(word, `"'`) {
		return word + " is not expected here" + hint
	}
	return quoted(word) + " is not expected here" + hint
}
