package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
)

func (p *program) profilesVerb() *cobra.Command {
	return p.group("profiles", "Detectors put together for a law or a purpose",
		p.verb("list", "List the profiles", takes(0, 0, ""), func(*cobra.Command, []string) error { return p.listProfiles() }),
		p.verb("show ID", "Say what a profile finds and how to use it", takes(1, 1, "the id of a profile"),
			func(_ *cobra.Command, args []string) error { return p.showProfile(args[0]) }),
		p.verb("policy ID", "Write a policy to begin with to standard output; it only logs", takes(1, 1, "the id of a profile"),
			func(_ *cobra.Command, args []string) error {
				x, err := p.profile(args[0])
				if err == nil {
					p.line(strings.TrimSuffix(x.Policy(), "\n"))
				}
				return err
			}),
	)
}

func (p *program) listProfiles() error {
	var rows [][]cell
	for _, x := range profile.All() {
		if p.json {
			if err := p.document(x); err != nil {
				return err
			}
		}
		n := 0
		for _, list := range x.Needs {
			n += len(list)
		}
		rows = append(rows, []cell{{x.ID, plain}, {fmt.Sprint(n), plain}, {x.Name, plain}})
	}
	if !p.json {
		p.table([]string{"id", "detectors", "name"}, rows)
	}
	return nil
}

func (p *program) profile(id string) (profile.Profile, error) {
	x, ok := profile.Find(id)
	if !ok {
		var known []string
		for _, x := range profile.All() {
			known = append(known, x.ID)
		}
		return x, wrong("no profile is called %q%s", id, meant(id, known))
	}
	return x, nil
}

func (p *program) showProfile(id string) error {
	x, err := p.profile(id)
	if err != nil {
		return err
	}
	if p.json {
		return p.document(x)
	}
	p.line(p.paint(bold, x.Name))
	p.line("  " + x.Description)
	p.line("  " + x.Guide)
	for i, list := range x.Needs {
		var names []string
		for _, t := range list {
			names = append(names, t+" ("+policy.Words(t, 1)+")")
		}
		before := "  finds  "
		if i > 0 {
			before = "  and in the same part  "
		}
		p.line(before + strings.Join(names, ", "))
	}
	p.line("  in a policy: findings." + strings.ReplaceAll(x.ID, "-", "_") + ".high, .medium, .low or .total")
	p.line("  to begin with: postern profiles policy " + x.ID)
	return nil
}
