package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

// applied is the form of apply --json.
type applied struct {
	app.Version
	DryRun  bool `json:"dry_run"`
	Running bool `json:"running"`
}

func (p *program) applyVerb() *cobra.Command {
	var dryRun bool
	var reason string
	cmd := p.verb("apply PATH...", "Load tenants and policies, also into a running gateway",
		takes(1, -1, "files or folders with tenants and policies"), nil)
	cmd.Long = "What is in force is replaced at once, without a restart. Nothing is changed while a policy's test fails (1)\n" +
		"or a file is wrong (2). A running gateway is asked over its socket in the data folder."
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show the difference")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := p.load()
		if err != nil {
			return err
		}
		for i := range args { // the gateway runs in another folder
			if args[i], err = filepath.Abs(args[i]); err != nil {
				return err
			}
		}
		ans, running, err := app.Change(cmd.Context(), c, "apply", app.Call{Paths: args, DryRun: dryRun, Reason: reason})
		if err != nil {
			return refusal(err)
		}
		return p.applied(applied{*ans.Version, dryRun, running})
	}
	return p.withConfig(cmd)
}

func (p *program) reloadVerb() *cobra.Command {
	cmd := p.verb("reload", "Let the running gateway read its tenants and policies again", takes(0, 0, ""),
		func(cmd *cobra.Command, _ []string) error {
			ans, err := p.ask(cmd, "reload", app.Call{})
			if err != nil {
				return err
			}
			return p.applied(applied{*ans.Version, false, true})
		})
	cmd.Long = "Reads the folders under apply: in postern.yaml, and the files that tenants name, such as certificates.\n" +
		"The configuration itself is read at start only."
	return p.withConfig(cmd)
}

// ask is for verbs that only a running gateway can carry out.
func (p *program) ask(cmd *cobra.Command, verb string, call app.Call) (app.Answer, error) {
	c, err := p.load()
	if err != nil {
		return app.Answer{}, err
	}
	ans, err := app.Running(cmd.Context(), c, verb, call)
	if errors.Is(err, app.ErrNotRunning) {
		return ans, wrong("no gateway is running with %s; start it with: postern serve -c %s", p.config, p.config)
	}
	return ans, refusal(err)
}

// change carries a verb out, in the running gateway or without one.
func (p *program) change(cmd *cobra.Command, verb string, call app.Call) (app.Answer, error) {
	c, err := p.load()
	if err != nil {
		return app.Answer{}, err
	}
	ans, _, err := app.Change(cmd.Context(), c, verb, call)
	return ans, refusal(err)
}

// refusal gives an error of the gateway its exit code.
func refusal(err error) error {
	var bad *app.RedAnswer
	var tests *app.RedError
	if errors.As(err, &bad) || errors.As(err, &tests) {
		return red("%v", err)
	}
	return err
}

func (p *program) applied(v applied) error {
	if v.Changes == nil {
		v.Changes = []string{}
	}
	for _, w := range v.Warnings {
		p.note("%s", w)
	}
	if p.json {
		return p.document(v)
	}
	p.differences(append(v.Rules, v.Changes...))
	switch {
	case len(v.Changes) == 0:
		p.note("nothing differs from version %d", v.Version.Version)
	case v.DryRun:
		p.note("this would be version %d; nothing was changed", v.Version.Version)
	case v.Running:
		p.note("version %d is in force", v.Version.Version)
	default:
		p.note("version %d will be in force when the gateway starts", v.Version.Version)
	}
	return nil
}
