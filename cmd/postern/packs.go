package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/pack"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
)

func (p *program) packsVerb() *cobra.Command {
	return p.group("packs", "Ready policies with tests, to begin with watching",
		p.verb("list", "List the packs", takes(0, 0, ""), func(*cobra.Command, []string) error { return p.listPacks() }),
		p.verb("show ID", "Say what a pack finds, does and costs", takes(1, 1, "the id of a pack"),
			func(_ *cobra.Command, args []string) error { return p.showPack(args[0]) }),
		p.packsPolicyVerb(),
	)
}

func (p *program) listPacks() error {
	var rows [][]cell
	for _, x := range pack.All() {
		if p.json {
			if err := p.document(x); err != nil {
				return err
			}
		}
		rows = append(rows, []cell{{x.ID, plain}, {x.Name, plain}})
	}
	if !p.json {
		p.table([]string{"id", "name"}, rows)
	}
	return nil
}

func (p *program) pack(id string) (pack.Pack, error) {
	x, ok := pack.Find(id)
	if !ok {
		var known []string
		for _, x := range pack.All() {
			known = append(known, x.ID)
		}
		return x, wrong("no pack is called %q%s", id, meant(id, known))
	}
	return x, nil
}

func (p *program) showPack(id string) error {
	x, err := p.pack(id)
	if err != nil {
		return err
	}
	about, ofProfile := profile.Find(x.Profile)
	if p.json {
		return p.document(struct {
			pack.Pack
			Types [][]string `json:"types,omitempty"`
		}{x, about.Needs})
	}
	p.line(p.paint(bold, x.Name))
	p.line("  finds  " + x.Finds)
	p.line("  does   " + x.Does)
	p.line("  costs  " + x.Costs)
	for _, s := range x.Settings {
		p.line("  setting " + s.Name + "=" + s.Value + "  " + s.Means)
	}
	if ofProfile {
		p.typesOf(about)
	}
	p.line("  to begin with: postern packs policy " + x.ID + " -o DIR")
	return nil
}

// typesOf says which detectors a profile puts together.
func (p *program) typesOf(x profile.Profile) {
	for i, list := range x.Needs {
		var names []string
		for _, t := range list {
			names = append(names, t+" ("+policy.Words(t, 1)+")")
		}
		before := "  types  "
		if i > 0 {
			before = "  and in the same part  "
		}
		p.line(before + strings.Join(names, ", "))
	}
	p.line("  in a policy of your own: findings." + strings.ReplaceAll(x.ID, "-", "_") + ".high, .medium, .low or .total")
}

func (p *program) packsPolicyVerb() *cobra.Command {
	var mode, out string
	var set []string
	var force bool
	cmd := p.verb("policy ID", "Write the policies of a pack, and their tests", takes(1, 1, "the id of a pack"), nil)
	cmd.Long = "Without -o, the policies are written to standard output. With -o, ID.yaml and its tests in ID.txtar are\n" +
		"written into a folder, ready for postern policy test and postern apply. Begin with the mode log, look at\n" +
		"what it would have done, and go on to notify and enforce."
	cmd.Flags().StringVar(&mode, "mode", string(policy.ModeLog), "log, notify, override or enforce")
	cmd.Flags().StringVarP(&out, "out", "o", "", "the folder to write to")
	cmd.Flags().StringArrayVar(&set, "set", nil, "a setting, `name=value`; may stand several times")
	cmd.Flags().BoolVar(&force, "force", false, "write over files that are there")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		x, err := p.pack(args[0])
		if err != nil {
			return err
		}
		c := pack.Choice{Mode: policy.Mode(mode), Values: map[string]string{}}
		for _, s := range set {
			name, value, ok := strings.Cut(s, "=")
			if !ok {
				return wrong("--set %s has no value; write --set name=value", s)
			}
			c.Values[name] = value
		}
		files, err := x.Write(c)
		if err != nil {
			return wrong("%s", strings.TrimPrefix(err.Error(), "pack: "))
		}
		if out == "" {
			p.line(strings.TrimSuffix(string(files[0].Data), "\n"))
			return nil
		}
		return p.writePack(files, out, force)
	}
	return cmd
}

func (p *program) writePack(files []pack.File, dir string, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if _, err := os.Lstat(path); err == nil && !force {
			return wrong("%s is there already; remove it, or write over it with --force", path)
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return fmt.Errorf("write a pack: %w", err)
		}
		p.line(path)
	}
	if len(files) == 1 {
		p.note("no tests are written: those of the pack are for the number that it names itself")
	}
	p.note("next: postern policy test %s", dir)
	return nil
}
