package policy

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Form is what a parameter of an action looks like in a policy file.
type Form string

// The forms.
const (
	FormText      Form = "text"
	FormTexts     Form = "text or list of texts"
	FormAddresses Form = "address or list of addresses"
	FormSpan      Form = "time span"
	FormSpans     Form = "time span or list of time spans"
	FormNumber    Form = "whole number"
	FormWord      Form = "one of these words"
	FormFields    Form = "map of field name to value"
	FormMap       Form = "map"
)

// Parameter is a key of a document, or below an action. The reader of policy files, the
// reference and the schema for editors are made of these tables.
type Parameter struct {
	Key  string
	Form Form
	// Need is set for a key that must be there.
	Need bool
	// Words are the values of FormWord, Keys the parameters below FormMap.
	Words []string
	Keys  []Parameter
	// Short says that a text alone may stand in the place of the map; it is
	// then the first of Keys.
	Short bool
	Means string
}

// Parameters lists the parameters of an action, in the order in which they
// are read.
func Parameters(a Action) []Parameter {
	switch a {
	case SetHeader:
		return headerParameters()
	case Notify:
		return []Parameter{textParameter()}
	case Copy:
		return []Parameter{
			{Key: "to", Form: FormAddresses, Means: "others who get a copy apart, marked as one"},
			{Key: "bcc", Form: FormAddresses, Means: "further recipients, whom nobody sees"},
			{Key: "cc", Form: FormAddresses, Means: "further recipients, whom the Cc field names"},
			{Key: "keep", Form: FormSpan, Means: "how long an encrypted copy is kept as evidence"},
		}
	case Redirect:
		return []Parameter{{Key: "to", Form: FormAddresses, Means: "those who get the message instead"}}
	case Secure:
		return []Parameter{
			{Key: "level", Form: FormWord, Words: levelWords(), Means: "the least that is secure enough"},
			{Key: "otherwise", Form: FormWord, Words: []string{string(HoldFor), string(Block)},
				Means: "what happens when the recipient cannot be reached like this"},
			textParameter(),
		}
	case Override:
		return overrideParameters()
	case HoldFor:
		return holdParameters()
	case Block:
		return []Parameter{
			textParameter(),
			{Key: "refuse", Form: FormWord, Words: []string{string(RefuseReport), string(RefuseSession)},
				Means: "how the sender is told; default: what the tenant says"},
		}
	}
	return nil
}

func textParameter() Parameter {
	return Parameter{Key: "text", Form: FormText, Means: "a sentence for the sender"}
}

func headerParameters() []Parameter {
	return []Parameter{
		{Key: "set", Form: FormFields, Means: "afterwards exactly one such field is there"},
		{Key: "replace", Form: FormFields, Means: "the same as set"},
		{Key: "append", Form: FormFields, Means: "ours in front of those that are there"},
		{Key: "fail", Form: FormFields, Means: "holds the message when such a field is there"},
		{Key: "tag", Form: FormText, Means: "stands in front of the subject"},
		{Key: "banner", Form: FormMap, Short: true, Means: "stands on top of the text", Keys: []Parameter{
			{Key: "text", Form: FormText, Means: "what it says"},
			{Key: "style", Form: FormWord, Words: styleWords(), Means: "its color in HTML"},
		}},
		{Key: "hide", Form: FormWord, Words: hideWords(), Means: "whom To and Cc do not name any more"},
		{Key: "handoff", Form: FormWord, Words: handoffWords(), Means: "what Exchange's rules shall do, by the tenant's header"},
	}
}

func holdParameters() []Parameter {
	return []Parameter{
		{Key: "approver", Form: FormTexts, Means: "who decides: manager, group:NAME, addresses"},
		{Key: "of", Form: FormNumber, Means: "how many of them must agree"},
		{Key: "deputy", Form: FormTexts, Means: "who decides when they are away"},
		{Key: "for", Form: FormSpan, Means: "how long it waits"},
		{Key: "working", Form: FormMap, Short: true, Keys: workingParameters(),
			Means: "for counts in this working time only: a map, or the name of a calendar"},
		{Key: "remind", Form: FormSpans, Means: "when those who decide are reminded"},
		{Key: "then", Form: FormWord, Words: endWords(), Means: "what happens when the time is over"},
		{Key: "recipient", Form: FormTexts,
			Means: "what the one who does not get it may do: see, preview, request, release"},
		{Key: "preview", Form: FormWord, Words: previewWords(), Means: "what those who decide may see of it. Default: whole"},
		{Key: "delay", Form: FormSpan, Means: "waits quietly for so long and leaves by itself; alone"},
		textParameter(),
	}
}

func overrideParameters() []Parameter {
	return []Parameter{
		{Key: "reasons", Form: FormTexts, Means: "the reasons that the sender chooses from"},
		{Key: "comment", Form: FormWord, Words: commentWords(), Means: "whether the sender must write a sentence too"},
		{Key: "for", Form: FormSpan, Means: "how long it waits"},
		{Key: "working", Form: FormMap, Short: true, Keys: workingParameters(),
			Means: "for counts in this working time only: a map, or the name of a calendar"},
		{Key: "remind", Form: FormSpans, Means: "when the sender is reminded"},
		{Key: "then", Form: FormWord, Words: endWords(), Means: "what happens when the time is over"},
		textParameter(),
	}
}

func workingParameters() []Parameter {
	return []Parameter{
		{Key: "days", Form: FormTexts, Means: "mon to sun. Default: mon, tue, wed, thu, fri"},
		{Key: "from", Form: FormText, Means: `a time of day. Default: "09:00"`},
		{Key: "to", Form: FormText, Means: `a time of day. Default: "17:00"`},
		{Key: "zone", Form: FormText, Means: "a time zone such as Europe/Amsterdam. Default: UTC"},
		{Key: "hours", Form: FormMap, Keys: hoursParameters(), Means: "other hours of single days"},
		{Key: "holidays", Form: FormTexts, Means: "dates such as 2026-12-25"},
	}
}

func hoursParameters() (list []Parameter) {
	for _, day := range weekdays() {
		list = append(list, Parameter{Key: day, Form: FormText, Means: `such as "09:00-12:30"`})
	}
	return list
}

// parameters reads the mapping below an action by its table; it may be
// absent.
func (r *reader) parameters(n ast.Node, a Action) mapping {
	return r.optional(n, string(a), parameterKeys(Parameters(a))...)
}

func parameterKeys(list []Parameter) (names []string) {
	for _, p := range list {
		names = append(names, p.Key)
	}
	return names
}

// word reads one of a closed list of words; "" when it is absent or wrong.
func (m mapping) word(key, what string, words []string) string {
	if !m.has(key) {
		return ""
	}
	s, _ := text(m.keys[key])
	if !contains(words, s) {
		m.r.wrong(m.keys[key], "%q is not %s (%s)%s", s, what, strings.Join(words, ", "), didYouMean(s, words))
		return ""
	}
	return s
}
