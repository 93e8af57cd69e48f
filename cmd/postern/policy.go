package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/mutation"
)

func (p *program) policyVerb() *cobra.Command {
	return p.group("policy", "Test and explain policies", p.policyTestVerb(), p.policyExplainVerb(), p.policyCaseVerb(),
		p.policyReplayVerb(), p.policyShowVerb(), p.policySchemaVerb(),
		p.policyVersionsVerb(), p.policyVersionVerb(), p.policyDiffVerb(), p.policyRollbackVerb(),
		p.policyShadowVerb())
}

func (p *program) policyTestVerb() *cobra.Command {
	var inProcess, mutants bool
	var budget time.Duration
	var score int
	cmd := p.verb("test DIR", "Run the policies' own tests, or say how good they are", takes(1, 1, "a folder with policies"), nil)
	cmd.Long = "Uses the tenant files in DIR; where there is none, the tenant is contoso.example. Tests stand in the policies, and\n" +
		"in *.txtar beside them or in a folder cases beside them.\n" +
		"0: all pass; 1: a test is red, or the score is less than --score; 2: a file is wrong."
	cmd.Flags().BoolVar(&mutants, "mutants", false, "change the policies one place at a time and name each change that no test notices")
	cmd.Flags().DurationVar(&budget, "budget", time.Minute, "with --mutants: how long it may take")
	cmd.Flags().IntVar(&score, "score", 0, "with --mutants: the least share of changes, in percent, that tests must notice")
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
		if mutants {
			return p.mutants(cmd, b, budget, score)
		}
		r, err := b.Test(cmd.Context())
		if err != nil {
			return err
		}
		return p.tested(r)
	}
	return cmd
}

// mutants says how good the tests are.
func (p *program) mutants(cmd *cobra.Command, b *app.Bench, budget time.Duration, least int) error {
	r, err := b.Mutants(cmd.Context(), budget)
	if errors.Is(err, mutation.ErrRed) {
		return red("a test is red as it is; correct it first: postern policy test")
	}
	if err != nil {
		return err
	}
	if p.json {
		if err := p.document(r); err != nil {
			return err
		}
	} else {
		var rows [][]cell
		for _, m := range r.Missed {
			rows = append(rows, []cell{{m.Place, plain}, {m.Policy, plain}, {m.Kind, plain}, {m.Change, yellow}})
		}
		if len(rows) > 0 {
			p.table([]string{"no test notices", "policy", "kind", "change"}, rows)
		}
	}
	if r.Tried < r.Mutants {
		p.note("%d of %s were tried", r.Tried, many(r.Mutants, "change"))
	}
	p.note("score %d%%: tests notice %d of %s; %d more cannot make another verdict", r.Score, r.Noticed,
		many(r.Noticed+len(r.Missed), "change"), r.Equal)
	if r.Score < least {
		return red("the score is less than %d%%", least)
	}
	return nil
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
			for _, why := range c.Why {
				p.note("    %s", why)
			}
		}
	}
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
