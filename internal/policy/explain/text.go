package explain

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/policy"
)

// Lines are a tree for people, a part a line, indented by what it belongs to.
func Lines(n *policy.Node) []string {
	var list []string
	tree(&list, n, 0)
	return list
}

func tree(list *[]string, n *policy.Node, depth int) {
	mark := map[policy.Truth]string{policy.True: "yes", policy.False: "no ", policy.Unknown: "?  ", policy.Skipped: "-  "}[n.Truth]
	text := mark + " " + strings.Repeat("  ", depth)
	if n.Element != "" {
		text += n.Element + ": "
	}
	switch n.Op {
	case "and":
		text += "all of these:"
	case "or":
		text += "one of these:"
	default:
		text += n.Text
	}
	if len(n.Parts) == 0 {
		text += is(n)
	}
	if n.Why != "" && len(n.Parts) == 0 {
		text += " (" + n.Why + ")"
	}
	if n.Truth == policy.Skipped {
		text += " (not evaluated)"
	}
	*list = append(*list, text)
	for _, p := range n.Parts {
		tree(list, p, depth+1)
	}
	if n.More > 0 {
		*list = append(*list, fmt.Sprintf("    %s… and %d more", strings.Repeat("  ", depth+1), n.More))
	}
}

// is says what the values were: ": 2".
func is(n *policy.Node) string {
	switch {
	case len(n.Values) == 0 || len(n.Values) == 1 && n.Values[0].Text == n.Text:
		return ""
	case len(n.Values) == 1:
		return ": it is " + n.Values[0].Value
	}
	return ": " + values(n)
}

// Evidence says what was found where, as far as people may see it.
func Evidence(f detect.Finding) string {
	s := policy.Words(f.Type, f.Count) + " (" + f.Confidence.String() + ")"
	switch {
	case f.Name != "":
		s += " in " + f.Name
	case f.Part == "":
		s += " in the header"
	default:
		s += " in part " + f.Part
	}
	if f.Sample != "" {
		s += ": " + f.Sample
	}
	if f.Place != "" {
		s += " at " + f.Place
	}
	return s
}

// Flip says what a search found: "remove 1 of the 3 card numbers in plan.docx
// → deliver".
func (s Search) Flip() string {
	if s.Found == nil {
		return s.None()
	}
	to := string(s.Found.Action)
	if s.Found.Defer {
		to = "defer"
	}
	return s.Found.Text() + " → " + to
}
