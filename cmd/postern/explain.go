package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
)

func (p *program) policyExplainVerb() *cobra.Command {
	var recipient, whyNot, file, dir, tenant string
	cmd := p.verb("explain [MESSAGE-ID | --file FILE]", "Say why a message had its verdict, why not another, and what would change it",
		takes(0, 1, "our id, a reference or a Message-ID"), nil)
	cmd.Long = "Decides again about the facts that were kept, by the policies that are in force now; with --file, about a\n" +
		"message in a file, by the policies of --policy or -c. Every change that is named was tried."
	cmd.Flags().StringVar(&recipient, "recipient", "", "explain for this recipient only")
	cmd.Flags().StringVar(&whyNot, "why-not", "", "the id of a policy: say why it did not decide")
	cmd.Flags().StringVar(&file, "file", "", "a message in a file; - is standard input")
	cmd.Flags().StringVar(&dir, "policy", "", "with --file: folder or file with policies, and tenants if there are any")
	cmd.Flags().StringVar(&tenant, "tenant", "", "with --file: whose mail it is (default: the owner of the sender or a recipient)")
	p.withConfig(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := app.Question{Recipient: mail.Address(recipient), WhyNot: whyNot}
		switch {
		case file != "" && len(args) > 0:
			return wrong("%s explains a recorded message or a file, not both", cmd.CommandPath())
		case file != "":
			return p.explainFile(cmd, file, dir, tenant, q)
		case len(args) == 0:
			return wrong("%s needs our id, a reference or a Message-ID, or --file FILE; usage: %s", cmd.CommandPath(), cmd.UseLine())
		}
		return p.reading(cmd, func(r *app.Reader) error {
			e, err := r.Explain(cmd.Context(), args[0], q)
			if err != nil {
				return err
			}
			return p.explanation(e)
		})
	}
	return cmd
}

func (p *program) explainFile(cmd *cobra.Command, name, dir, tenant string, q app.Question) error {
	paths, err := p.policyPaths(cmd, dir)
	if err != nil {
		return err
	}
	b, err := app.OpenBench(paths, false)
	if err != nil {
		return err
	}
	defer b.Close()
	p.undefined(b)
	body, done, err := p.body(name)
	if err != nil {
		return err
	}
	defer done()
	t, err := b.Tenant(tenant, body)
	if err != nil {
		return wrong("--tenant: %v", err)
	}
	e, err := b.Explain(cmd.Context(), t, body, q)
	if err != nil {
		return err
	}
	e.File = name
	return p.explanation(e)
}

func (p *program) explanation(e app.Explanation) error {
	if p.json {
		return p.document(e)
	}
	p.explained(e)
	return nil
}

func (p *program) explained(e app.Explanation) {
	if e.File != "" {
		p.line(p.paint(bold, printable(e.File)) + "  policies: version " + e.Verdict.Policy)
	} else {
		m := e.Message
		p.line(p.paint(bold, oneLine(m.ID)) + printable(fmt.Sprintf("  %s, from %s, inspected: %s", m.Tenant, m.From, m.Inspected)))
	}
	if !e.Same {
		p.line("  The policies changed since: then version " + e.Message.Policy + ", now " + e.Verdict.Policy + ".")
	}
	if len(e.Unknown) > 0 {
		p.line("  These facts were not kept: " + strings.Join(e.Unknown, ", "))
	}
	for _, w := range e.WhyNot {
		p.whyNot(w)
	}
	for _, w := range e.Why {
		p.why(e, w)
	}
	if e.Left > 0 {
		p.line(fmt.Sprintf("  %d further recipients have other verdicts; name one with --recipient", e.Left))
	}
	if e.Verdict.Defer {
		p.line("  deferred: something could not be looked at, and its gate is closed")
	}
}

// why prints the tree of one verdict.
func (p *program) why(e app.Explanation, w explain.Why) {
	then := ""
	if was := e.Message.To(w.Recipient); was != nil && was.Verdict != string(w.Action) {
		then = " (then: " + was.Verdict + ")"
	}
	p.line("")
	p.line(p.paint(bold, printable(string(w.Recipient))) + ": " + p.paint(actionColor(w.Action), string(w.Action)) + then)
	if w.Because != "" {
		p.line(printable("  because " + w.Because))
	}
	if n := len(w.Also); n > 5 {
		p.line(printable(fmt.Sprintf("  the same for %s and %d more", strings.Join(addresses(w.Also[:5]), ", "), n-5)))
	} else if n > 0 {
		p.line(printable("  the same for " + strings.Join(addresses(w.Also), ", ")))
	}
	for _, r := range w.Rules {
		p.rule(r)
	}
	for _, g := range w.Gates {
		p.line(printable(fmt.Sprintf("  not seen: %s %s, %s; its gate is %s", place(g.Part), g.Name, g.Cause, g.Gate)))
	}
	if w.Others > 0 {
		noun := "policies"
		if w.Others == 1 {
			noun = "policy"
		}
		p.line(fmt.Sprintf("  %d other %s did not match; ask with --why-not ID", w.Others, noun))
	}
	p.search("less would be done: ", w.Weaker)
	p.search("more would be done: ", w.Stronger)
}

func (p *program) rule(r explain.Rule) {
	m := policy.Match{Rule: r.ID, Mode: r.Mode, Action: r.Action, Would: r.Would, Place: r.Place, Why: r.Why}
	if r.Standing == explain.Adds {
		m.Why = ""
	}
	word := string(r.Standing)
	switch r.Standing {
	case explain.Decides:
		word = "won"
	case explain.Adds:
		word = "adds its " + string(r.Action)
	}
	p.line(printable("  " + matchLine(word, m)))
	p.tree("    ", r.When)
	if r.Unless != nil {
		p.line("    unless")
		p.tree("    ", r.Unless)
	}
	for _, f := range r.Evidence {
		p.line(printable("    found " + explain.Evidence(f)))
	}
}

func (p *program) tree(indent string, n *policy.Node) {
	for _, l := range explain.Lines(n) {
		p.line(printable(indent + l))
	}
}

func (p *program) search(head string, s *explain.Search) {
	if s == nil {
		return
	}
	p.line(printable("  " + head + s.Flip()))
	if s.Policy != nil {
		p.line(printable(fmt.Sprintf("    or by another policy: %s → %s", s.Policy.Text, s.Policy.Action)))
	}
}

func (p *program) whyNot(w explain.WhyNot) {
	p.line(printable(fmt.Sprintf("  %s: why not %s? %s", w.Recipient, w.Rule, w.Standing)))
	p.line(p.paint(bold, printable("    "+w.Text)))
	p.line(printable("    at " + w.Place))
	if w.When != nil && w.Failing != nil {
		p.tree("    ", w.When)
		if w.Unless != nil {
			p.line("    unless")
			p.tree("    ", w.Unless)
		}
	}
	p.search("  it would match: ", w.Change)
}

func addresses(list []mail.Address) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
}

func matchLine(word string, m policy.Match) string {
	s := fmt.Sprintf("%s: %s (%s, %s) at %s", word, m.Rule, m.Mode, m.Action, m.Place)
	if m.Would != "" && m.Would != m.Action {
		s += ", would " + string(m.Would)
	}
	if m.Why != "" {
		s += ": " + m.Why
	}
	return s
}
