package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern.dev/postern/internal/settings"
)

// group is a command that only has other commands.
func (p *program) group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := p.verb(use, short, anyArgs, nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		if len(args) == 0 {
			return wrong("%s needs a verb: %s", cmd.CommandPath(), strings.Join(names, ", "))
		}
		return wrong("%s has no verb %q%s", cmd.CommandPath(), args[0], meant(args[0], names))
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// verb is a command with the house's manners: mistakes of use are answered
// with a suggestion and never with a page of help.
func (p *program) verb(
	use, short string, args cobra.PositionalArgs, do func(cmd *cobra.Command, args []string) error,
) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args, RunE: do, SilenceErrors: true, SilenceUsage: true,
	}
	cmd.SetFlagErrorFunc(flagMistake)
	return cmd
}

// meant says what was probably meant.
func meant(name string, known []string) string {
	return "; " + settings.Nearest(name, known)
}

func flagMistake(cmd *cobra.Command, err error) error {
	text := err.Error()
	name, unknown := strings.CutPrefix(text, "unknown flag: --")
	if !unknown {
		return wrong("%s: %s; see %s --help", cmd.CommandPath(), text, cmd.CommandPath())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	return wrong("%s: unknown flag --%s%s", cmd.CommandPath(), name, meant(name, known))
}

func anyArgs(*cobra.Command, []string) error { return nil }

// takes says how many arguments a verb has, in its own words.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return wrong("%s needs %s; usage: %s", cmd.CommandPath(), what, cmd.UseLine())
		case most >= 0 && len(args) > most:
			return wrong("%s: %q is too much; usage: %s", cmd.CommandPath(), args[most], cmd.UseLine())
		}
		return nil
	}
}
