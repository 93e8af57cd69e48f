package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
)

func (p *program) policyShowVerb() *cobra.Command {
	var tenantID, group string
	cmd := p.verb("show DIR", "Show what each policy says for a tenant, and where each value comes from",
		takes(1, 1, "a folder with policies"), nil)
	cmd.Long = "Values come from the policy, from documents of kind defaults (for a group, a tenant, the installation), or are\n" +
		"built in. 2: a file is wrong."
	cmd.Flags().StringVar(&tenantID, "tenant", "", "the tenant; without it, what holds for all others")
	cmd.Flags().StringVar(&group, "group", "", "as for senders who belong to this group")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if _, err := os.Stat(args[0]); err != nil {
			return wrong("%v; name a folder with policies", err)
		}
		b, err := app.OpenBench(args, true)
		if err != nil {
			return err
		}
		defer b.Close()
		list := b.Policies().Show(tenantID, group)
		if p.json {
			if list == nil {
				list = []policy.Shown{}
			}
			return p.document(list)
		}
		var rows [][]cell
		for _, v := range list {
			rows = append(rows, []cell{{v.Policy, plain}, {v.Key, plain}, {v.Value, plain}, {at(v.Origin), plain}})
		}
		if len(rows) == 0 {
			p.note("there is no policy for this tenant")
			return nil
		}
		p.table([]string{"policy", "key", "value", "origin"}, rows)
		return nil
	}
	return cmd
}

// at is a place in a file, which policies know without the leading slash.
func at(origin string) string {
	if strings.Contains(origin, ":") {
		return "/" + strings.TrimPrefix(origin, "/")
	}
	return origin
}
