package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) retentionVerb() *cobra.Command {
	cmd := p.verb("retention", "Show how long things are kept, by tenant", takes(0, 0, "nothing"), nil)
	cmd.Long = "bytes: how long a message waits for a decision at most; then it is refused and its sender told.\n" +
		"metadata: how long the personal part of records stays. audit: how long the audit chain stays.\n" +
		"Copies that a policy keeps have times of their own: postern evidence list."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ans, err := p.change(cmd, "retention", app.Call{})
		if err != nil {
			return err
		}
		if p.json {
			return p.document(ans.Retention)
		}
		var rows [][]cell
		for _, k := range ans.Retention {
			say := func(name string, d time.Duration) cell {
				text := d.String()
				if d%(24*time.Hour) == 0 {
					text = many(int(d/(24*time.Hour)), "day")
				}
				if slices.Contains(k.Own, name) {
					text += " (its own)"
				}
				return cell{text, plain}
			}
			oldest := "-"
			if !k.Oldest.IsZero() {
				oldest = when(k.Oldest)
			}
			rows = append(rows, []cell{
				{k.Tenant, plain}, say("bytes", k.Bytes), say("metadata", k.Metadata), say("audit", k.Audit), {oldest, plain},
			})
		}
		p.table([]string{"tenant", "bytes", "metadata", "audit", "oldest event"}, rows)
		return nil
	}
	return p.withConfig(cmd)
}
