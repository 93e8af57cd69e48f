package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

// policyShadowVerb sets, ends or shows the version that runs as a shadow.
func (p *program) policyShadowVerb() *cobra.Command {
	var off bool
	var reason string
	var list int
	cmd := p.verb("shadow [PATH...]", "Let a draft run beside the policies in force, without effect; or show what it would do",
		takes(0, -1, "files and folders with the draft"), nil)
	cmd.Long = "With paths, the draft is compared with the policies in force for every message that comes from now on. It acts on\n" +
		"nothing and delays nothing. Without paths, the verdicts that differ since then are shown. What the draft asks of\n" +
		"detectors of its own, nobody can know; that is counted apart."
	cmd.Flags().BoolVar(&off, "off", false, "end it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.Flags().IntVar(&list, "list", 20, "list so many differing verdicts")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if off && len(args) > 0 {
			return wrong("--off takes no files")
		}
		if !off && len(args) == 0 {
			return p.reading(cmd, func(r *app.Reader) error { return p.showShadow(cmd, r, list) })
		}
		c, err := p.load()
		if err != nil {
			return err
		}
		for i := range args {
			if args[i], err = filepath.Abs(args[i]); err != nil {
				return err
			}
		}
		ans, _, err := app.Change(cmd.Context(), c, "shadow", app.Call{Paths: args, Reason: reason})
		switch {
		case err != nil:
			return refusal(err)
		case p.json:
			return p.document(ans.Shadow)
		case off:
			p.note("no policies run as a shadow any more")
		default:
			p.note("version %s runs as a shadow; postern policy shadow shows what it would do", ans.Shadow.Policy)
		}
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) showShadow(cmd *cobra.Command, r *app.Reader, list int) error {
	s, err := r.Shadow(cmd.Context(), max(list, 1))
	if errors.Is(err, app.ErrNoShadow) {
		return wrong("%v; name the files of a draft", err)
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.document(s)
	}
	p.say("shadow %s by %s since %s: %s", s.Policy, s.Shadow.Actor, when(s.At), orDash(s.Reason))
	p.differences(s.Differs)
	p.replayed(s.Replay)
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
