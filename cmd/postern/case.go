package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/disguise"
)

func (p *program) policyCaseVerb() *cobra.Command {
	var dir, tenant, out string
	cmd := p.verb("case FILE", "Make a test out of a message, without what it tells of anybody",
		takes(1, 1, "a message in a file; - is standard input"), nil)
	cmd.Long = "Replaces numbers by other valid ones of their kind, and addresses and names by those of nobody, also in texts,\n" +
		"HTML, CSV and Office documents; other files become their text. Writes an archive for postern policy test when the\n" +
		"verdict is that of the message and nothing that was found is left. Read it before you keep it: what no detector\n" +
		"knows stays. 1: the verdict would be another one, or something could not be replaced."
	cmd.Flags().StringVarP(&out, "out", "o", "", "the folder for the test: that of the policies, or cases in it (required)")
	cmd.Flags().StringVar(&dir, "policy", "", "folder or file with policies, and tenants if there are any")
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose mail it is (default: the owner of the sender or a recipient)")
	p.withConfig(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if info, err := os.Stat(out); err != nil || !info.IsDir() {
			return wrong("%s needs -o FOLDER, a folder that exists", cmd.CommandPath())
		}
		paths, err := p.policyPaths(cmd, dir)
		if err != nil {
			return err
		}
		b, err := app.OpenBench(paths, false)
		if err != nil {
			return err
		}
		defer b.Close()
		return p.makeCase(cmd, b, args[0], tenant, out)
	}
	return cmd
}

func (p *program) makeCase(cmd *cobra.Command, b *app.Bench, name, tenantID, out string) error {
	body, done, err := p.body(name)
	if err != nil {
		return err
	}
	defer done()
	t, err := b.Tenant(tenantID, body)
	if err != nil {
		return wrong("--tenant: %v", err)
	}
	made, err := b.MakeCase(cmd.Context(), t, body)
	if errors.Is(err, app.ErrOtherVerdict) || errors.Is(err, disguise.ErrLeft) {
		return red("%v", err)
	}
	if err != nil {
		return err
	}
	path, err := made.Save(out)
	if err != nil {
		return err
	}
	if p.json {
		return p.document(struct {
			File string `json:"file"`
			*app.MadeCase
		}{path, made})
	}
	var list []string
	for _, key := range sortedKeys(made.Replaced) {
		list = append(list, fmt.Sprintf("%d × %s", made.Replaced[key], key))
	}
	p.line(p.paint(bold, printable(path)))
	if len(list) > 0 {
		p.line(printable("  replaced: " + strings.Join(list, ", ")))
	}
	for _, s := range made.StandIns {
		p.line(printable("  only its text: " + s))
	}
	for _, s := range made.Kept {
		p.line(printable("  stays, as a policy names it: " + s))
	}
	for _, s := range made.Weak {
		p.line(printable("  no fake was found that is taken for the same: " + s))
	}
	for _, r := range made.Recipients {
		p.line(printable("  expects ") + p.paint(actionColor(r.Action), string(r.Action)) + printable(" for "+string(r.Address)))
	}
	for _, s := range made.Deferred {
		p.line(printable("  " + s))
	}
	p.note("read it before you keep it: what no detector knows is still there")
	return nil
}
