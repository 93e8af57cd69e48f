package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

// versionsListed is how many versions are listed.
const versionsListed = 200

func (p *program) policyVersionsVerb() *cobra.Command {
	cmd := p.verb("versions", "List the versions of tenants and policies", takes(0, 0, ""), nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.Versions(cmd.Context(), versionsListed)
			if err != nil {
				return err
			}
			if p.json {
				return p.document(map[string]any{"versions": append([]app.Version{}, list...)})
			}
			var rows [][]cell
			for _, v := range list {
				rows = append(rows, []cell{
					{strconv.FormatInt(v.Version, 10), plain}, {when(v.At), plain}, {v.Actor, plain}, {v.Policy, plain},
					{strconv.Itoa(len(v.Changes)), plain}, {v.Reason, plain},
				})
			}
			p.table([]string{"version", "since", "by", "policies", "changes", "reason"}, rows)
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) policyVersionVerb() *cobra.Command {
	var withFiles bool
	cmd := p.verb("version N", "Show a version of tenants and policies", takes(1, 1, "the number of a version"), nil)
	cmd.Flags().BoolVar(&withFiles, "files", false, "also print the files")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := versionNumber(args[0])
		if err != nil {
			return err
		}
		return p.reading(cmd, func(r *app.Reader) error {
			v, err := r.Show(cmd.Context(), n)
			if err != nil {
				return err
			}
			if p.json {
				return p.document(v)
			}
			p.say("version %d of %s by %s, policies %s: %s", v.Version.Version, when(v.At), v.Actor, v.Policy, oneLine(v.Reason))
			p.differences(append(v.Rules, v.Changes...))
			for _, path := range slices.Sorted(maps.Keys(v.Files)) {
				p.line(printable("  " + path))
				if withFiles {
					p.line(printable(v.Files[path]))
				}
			}
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) policyDiffVerb() *cobra.Command {
	cmd := p.verb("diff A B", "Show what differs between two versions", takes(2, 2, "the numbers of two versions"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := versionNumber(args[0])
		if err != nil {
			return err
		}
		b, err := versionNumber(args[1])
		if err != nil {
			return err
		}
		return p.reading(cmd, func(r *app.Reader) error {
			rules, lines, err := r.Between(cmd.Context(), a, b)
			if err != nil {
				return err
			}
			if p.json {
				return p.document(map[string]any{
					"from": a, "to": b, "rules": append([]string{}, rules...), "files": append([]string{}, lines...),
				})
			}
			p.differences(append(rules, lines...))
			if len(rules)+len(lines) == 0 {
				p.note("nothing differs")
			}
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) policyRollbackVerb() *cobra.Command {
	var reason string
	cmd := p.verb("rollback N", "Put an earlier version in force again", takes(1, 1, "the number of a version"), nil)
	cmd.Long = "That is a new version with the policies of the earlier one; its tests run first. Tenants stay as they are. The\n" +
		"folders under apply: are then left alone until one of their files changes."
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := versionNumber(args[0])
		if err != nil {
			return err
		}
		c, err := p.load()
		if err != nil {
			return err
		}
		ans, running, err := app.Change(cmd.Context(), c, "rollback", app.Call{Number: n, Reason: reason})
		if err != nil {
			return refusal(err)
		}
		return p.applied(applied{*ans.Version, false, running})
	}
	return p.withConfig(cmd)
}

// versionNumber reads the number of a version.
func versionNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, wrong("%q is no number of a version; postern policy versions lists them", s)
	}
	return n, nil
}

// differences prints lines with the color of their sign.
func (p *program) differences(lines []string) {
	for _, line := range lines {
		c := plain
		if sign := strings.TrimSpace(line); sign != "" {
			switch sign[:1] {
			case "+":
				c = green
			case "-":
				c = alarm
			case "~":
				c = yellow
			}
		}
		p.line(p.paint(c, printable(line)))
	}
}
