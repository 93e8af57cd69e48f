package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
)

func (p *program) policyVerb() *cobra.Command {
	return p.group("policy", "Test and explain policies", p.policyTestVerb(), p.policyExplainVerb(),
		p.policyReplayVerb())
}

func (p *program) policyTestVerb() *cobra.Command {
	var inProcess bool
	cmd := p.verb("test DIR", "Run the policies' own tests", takes(1, 1, "a folder with policies"), nil)
	cmd.Long = "Uses the tenant files in DIR; where there is none, the tenant is contoso.example.\n" +
		"0: all pass; 1: a test is red; 2: a file is wrong."
	cmd.Flags().BoolVar(&inProcess, "in-process", false, "look in this process instead of a child, for debugging")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := os.Stat(args[0]); err != nil {
			return wrong("%v; name a folder with policies", err)
		}
		b, err := app.OpenBench(args, inProcess)
		if err != nil {
			return err
		}
		defer b.Close()
		if b.Documents() == 0 {
			return wrong("%s holds no policy; name a file, or a folder with .yaml or .yml files", args[0])
		}
		p.undefined(b)
		return p.tested(b.Test(cmd.Context()))
	}
	return cmd
}

// undefined warns of lists without a definition.
func (p *program) undefined(b *app.Bench) {
	for _, u := range b.Undefined() {
		p.note("%s", u)
	}
}

func (p *program) tested(r policy.Result) error {
	if p.json {
		if r.Cases == nil {
			r.Cases = []policy.CaseResult{}
		}
		if err := p.document(r); err != nil {
			return err
		}
	} else {
		p.cases(r)
	}
	switch n := r.Red(); {
	case n > 0:
		return red("%s of %d failed", many(n, "test"), len(r.Cases))
	case len(r.Cases) == 0:
		p.note("there are no tests; add to a policy: tests: [{mail: case.eml, expect: hold}]")
	default:
		p.note("all tests pass: %d", len(r.Cases))
	}
	return nil
}

func (p *program) cases(r policy.Result) {
	var rows [][]cell
	for _, c := range r.Cases {
		mark := cell{"pass", green}
		if !c.Pass {
			mark = cell{"RED", alarm}
		}
		rows = append(rows, []cell{mark, {c.Policy, plain}, {c.Mail, plain}, {c.Want, plain}, {c.Got, plain}, {c.Because, plain}})
	}
	if len(rows) > 0 {
		p.table([]string{"result", "policy", "mail", "expected", "got", "because"}, rows)
	}
	for _, c := range r.Cases {
		if !c.Pass {
			p.note("%s: expected %s, got %s", c.Place, c.Want, c.Got)
		}
	}
}

func (p *program) policyExplainVerb() *cobra.Command {
	cmd := p.verb("explain MESSAGE-ID", "Say why a message had its verdict",
		takes(1, 1, "our id, a reference or a Message-ID"), nil)
	cmd.Long = "Decides again about the facts that were kept, by the policies that are in force now."
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			e, err := r.Explain(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if p.json {
				return p.document(e)
			}
			p.explained(e)
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) explained(e app.Explanation) {
	m := e.Message
	p.line(p.paint(bold, oneLine(m.ID)) + printable(fmt.Sprintf("  %s, from %s, inspected: %s", m.Tenant, m.From, m.Inspected)))
	if !e.Same {
		p.line("  The policies changed since: then version " + m.Policy + ", now " + e.Verdict.Policy + ".")
	}
	if len(e.Unknown) > 0 {
		p.line("  These facts were not kept: " + strings.Join(e.Unknown, ", "))
	}
	for _, r := range e.Verdict.Recipients {
		then := ""
		if was := m.To(r.Address); was != nil && was.Verdict != string(r.Action) {
			then = " (then: " + was.Verdict + ")"
		}
		p.line(printable("  "+string(r.Address)+": ") + p.paint(actionColor(r.Action), string(r.Action)) + then)
		if r.Because != "" {
			p.line(printable("    because " + r.Because))
		}
		for _, list := range []struct {
			word  string
			rules []policy.Match
		}{{"won", r.Won}, {"lost", r.Lost}, {"cannot be known", r.Unknown}} {
			for _, x := range list.rules {
				word := list.word
				if adds := addsTo(r, x); word == "lost" && adds != "" {
					word, x.Why = adds, ""
				}
				p.line(printable("    " + matchLine(word, x)))
			}
		}
	}
	if e.Verdict.Defer {
		p.line("  deferred: something could not be looked at, and its gate is closed")
	}
}

// addsTo says what a rule that did not decide does all the same; "" is
// nothing.
func addsTo(r policy.RecipientVerdict, m policy.Match) string {
	switch {
	case m.Action == policy.SetHeader && r.Action != policy.Block:
		return "adds its header"
	case m.Action == policy.Copy:
		return "adds its copy"
	case m.Action == policy.Notify && r.Notify:
		return "adds its notice"
	}
	return ""
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

// reading opens the store for a verb that only reads.
func (p *program) reading(cmd *cobra.Command, do func(r *app.Reader) error) error {
	c, err := p.load()
	if _, missing := os.Stat(p.config); missing != nil && !cmd.Flags().Changed("config") {
		return wrong("%s reads what a gateway has recorded, and there is no %s here; name the gateway's configuration with -c FILE",
			cmd.CommandPath(), p.config)
	}
	if err != nil {
		return err
	}
	r, err := app.OpenReader(cmd.Context(), c)
	if err != nil {
		return err
	}
	defer r.Close()
	return do(r)
}
