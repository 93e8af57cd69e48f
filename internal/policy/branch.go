package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Branch is an exception of a policy: a child with its own id, which says
// when the policy does not hold, and what is done then.
type Branch struct {
	ID   string `json:"id"`
	Name string `json:"-"`
	When string `json:"when"`
	// Steps are done in the place of the policy's; none: nothing is done.
	Steps []Step `json:"then,omitempty"`
	// Place is "file:line".
	Place string `json:"-"`

	when  *condition
	given given
}

// maxBranches bounds the exceptions of a policy.
const maxBranches = 50

// branched is the rule that holds in the place of r when an exception does.
// It is called "policy/exception".
func (r *Rule) branched(b *Branch) *Rule {
	child := *r
	child.ID, child.Place, child.Steps, child.Branches = r.ID+"/"+b.ID, b.Place, b.Steps, nil
	if b.Name != "" {
		child.Name = b.Name
	}
	return &child
}

// excuse records that an exception holds, and what is done then.
func (v *RecipientVerdict) excuse(r *Rule, b *Branch, f *Facts) []candidate {
	v.Lost = append(v.Lost, r.strongest(f).match(fmt.Sprintf("its exception %q holds (%s)", b.ID, b.Place)))
	if len(b.Steps) == 0 {
		return nil
	}
	return r.branched(b).candidates(f)
}

// Excused reports whether a rule lost because one of its exceptions holds:
// then it does nothing at all.
func Excused(m Match) bool { return strings.HasPrefix(m.Why, "its exception ") }

// branches reads the exceptions of a policy.
func (l *loader) branches(r *reader, m mapping, rule *Rule) {
	if !m.has("exceptions") {
		return
	}
	seq, ok := m.keys["exceptions"].(*ast.SequenceNode)
	if !ok {
		r.wrong(m.keys["exceptions"], "exceptions must be a list of { id: …, when: … }")
		return
	}
	if len(seq.Values) > maxBranches {
		r.wrong(m.keys["exceptions"], "a policy has %d exceptions at most", maxBranches)
		return
	}
	for _, n := range seq.Values {
		x, ok := r.mapping(n, "an exception", keysOf("policy.exceptions")...)
		if !ok {
			continue
		}
		b := &Branch{ID: x.needText("id", "an exception"), Name: x.text("name"), When: x.needText("when", "an exception"),
			Place: place{r.file, line(n)}.String()}
		if b.ID != "" && (len(b.ID) > 64 || !idForm.MatchString(b.ID)) {
			r.wrong(x.keys["id"], "an id is lower-case words with hyphens, at most 64 characters, e.g. card-team")
		}
		if slices.ContainsFunc(rule.Branches, func(o *Branch) bool { return o.ID == b.ID }) {
			r.wrong(x.keys["id"], "the policy has an exception %q already", b.ID)
		}
		if x.has("then") {
			b.Steps, b.given = r.then(x.keys["then"]), given{}
			b.given.then(r, x.keys["then"])
			if most(b.Steps).Strength() > most(rule.Steps).Strength() {
				r.wrong(x.keys["then"], "an exception is not stronger than its policy: %s is stronger than %s; make it a policy of its own",
					most(b.Steps), most(rule.Steps))
			}
		}
		rule.Branches = append(rule.Branches, b)
		l.pending = append(l.pending, pending{r: r, node: x.keys["when"], source: b.When, into: &b.when})
	}
}

// most is the strongest action of some steps.
func most(steps []Step) Action {
	var all []Action
	for _, s := range steps {
		all = append(all, s.Action)
	}
	return strongest(all)
}
