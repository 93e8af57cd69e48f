package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
)

// Described is a name of conditions, for the reference.
type Described struct {
	Name string
	// Type is what it is, "" for a function.
	Type  string
	Means string
	// Example is a condition with it.
	Example string
}

// Names lists what a condition can look at, in alphabetical order.
func Names() []Described {
	list := []Described{{Name: "recipient", Type: typeRecipient, Means: "the recipient that is judged"}}
	for _, v := range variables() {
		list = append(list, Described{Name: v.name, Type: typeWords(v.typ), Means: v.doc})
	}
	slices.SortFunc(list, func(a, b Described) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// DescribedType is a type with fields.
type DescribedType struct {
	Name   string
	Fields []Described
}

// ObjectTypes lists the types that have fields, and their fields.
func ObjectTypes() []DescribedType {
	all := objectTypes()
	all[typeFindings] = map[string]field{"<detector>": {types.NewObjectType(typeCounts), nil,
		"how many different values were found of a type, or by a detector, dictionary or profile, whose id has underscores: `credit_card`"}}
	var list []DescribedType
	for _, name := range keys(all) {
		t := DescribedType{Name: name}
		for _, f := range keys(all[name]) {
			if _, shared := all[typeParty][f]; shared && name == typeRecipient {
				continue // told with addresses
			}
			t.Fields = append(t.Fields, Described{Name: f, Type: typeWords(all[name][f].typ), Means: all[name][f].doc})
		}
		list = append(list, t)
	}
	return list
}

// typeWords is a type for people.
func typeWords(t *types.Type) string {
	switch t.Kind() {
	case types.StringKind:
		return "text"
	case types.ListKind:
		return "list of " + typeWords(t.Parameters()[0])
	case types.TimestampKind:
		return "time"
	case types.DurationKind:
		return "time span"
	}
	return t.TypeName()
}

// Functions lists the functions of conditions. Their examples are true of the
// message that the tests look at.
func Functions() []Described {
	return []Described{
		{Name: `address.in("list")`, Means: "it is in a list, or belongs to a group of the list; the name is written out",
			Example: `recipient.in("partners")`},
		{Name: `address.member("group")`, Means: "it is a group, belongs to it, also through other groups, or came by it; " +
			"the name is written out", Example: `recipient.member("sales@contoso.example")`},
		{Name: "any(list, x, …)", Means: "of one at least it is true; false when the list is empty. Also `list.exists(x, …)`",
			Example: `any(attachments, a, a.extension == "docm" && a.macro)`},
		{Name: "all(list, x, …)", Means: "of each it is true, and there is one; **false when the list is empty**",
			Example: `all(recipients, r, r.address.contains("@"))`},
		{Name: "none(list, x, …)", Means: "of none it is true; true when the list is empty",
			Example: `none(findings, f, f.type == "iban" && f.confidence == "high")`},
		{Name: "list.exists_one(x, …), .filter(x, …), .map(x, …)", Means: "as in CEL",
			Example: `size(recipients.filter(r, r.outside)) >= 2`},
		{Name: `header("Name")`, Means: "the first value of a header field, `\"\"` when there is none; the name is written out",
			Example: `header("X-Class") == "red"`},
		{Name: `headers("Name")`, Means: "all values", Example: `"green" in headers("X-Class")`},
		{Name: `time.working_hours("calendar")`, Means: "it is working time; the name is written out",
			Example: `now.working_hours("office")`},
		{Name: `time.holiday("calendar")`, Means: "it is a holiday", Example: `!now.holiday("office")`},
		{Name: `time.weekday("calendar")`, Means: "`mon` to `sun`, in the calendar's time zone",
			Example: `now.weekday("office") in ["sat", "sun"]`},
		{Name: `time.getHours("zone"), .getDate("zone") …`, Means: "as in CEL; without a zone UTC",
			Example: `now.getHours("Europe/Amsterdam") == 13`},
		{Name: `duration("48h")`, Means: "a time span", Example: `now - recipient.contact.first > duration("24h")`},
		{Name: "text.lower()", Means: "in lower case", Example: `subject.lower() == "for you"`},
		{Name: "text.contains(…), .startsWith(…), .endsWith(…)", Means: "as in CEL", Example: `subject.startsWith("for")`},
		{Name: "text.matches(RE2)", Means: "as in CEL; not anchored", Example: `subject.matches("(?i)^FOR")`},
		{Name: "size(…)", Means: "of a list or a text", Example: `size(attachments) == 2`},
	}
}
