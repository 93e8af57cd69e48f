package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
)

func (p *program) policyReplayVerb() *cobra.Command {
	var since string
	cmd := p.verb("replay FILE", "Say what a draft would have made of the messages of the past",
		takes(1, 1, "a file or folder with the draft"), nil)
	cmd.Long = "Compares the policies in force with the draft in their place, over the facts that were kept. Where the\n" +
		"draft asks for a fact that was not kept, nobody can know; that is counted apart."
	cmd.Flags().StringVar(&since, "since", "30d", "how far back: 30d, 12h, or a day such as 2026-11-01")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := ago(since, time.Now())
		if err != nil {
			return err
		}
		return p.reading(cmd, func(r *app.Reader) error {
			result, err := r.Replay(cmd.Context(), from, args[0])
			if err != nil {
				return err
			}
			if p.json {
				return p.document(result)
			}
			p.replayed(result)
			return nil
		})
	}
	return p.withConfig(cmd)
}

// ago reads a time of the past.
func ago(s string, now time.Time) (time.Time, error) {
	if n, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") && n > 0 {
		return now.AddDate(0, 0, -n), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	if err != nil || t.After(now) {
		return t, wrong("--since: %q is no time of the past; write 30d, 12h or 2026-11-01", s)
	}
	return t, nil
}

func (p *program) replayed(r app.Replay) {
	p.say("%s with %s since %s; nothing changes for %d", many(r.Messages, "message"), many(r.Recipients, "recipient"),
		when(r.Since), r.Same)
	var rows [][]cell
	for _, s := range r.Changes {
		to := cell{string(s.New), actionColor(s.New)}
		if s.AtMost != s.New {
			to = cell{string(s.New) + " or up to " + string(s.AtMost) + ", nobody can know", dim}
		}
		rows = append(rows, []cell{
			{strconv.Itoa(s.Recipients), plain}, {string(s.Old), actionColor(s.Old)}, to, {strings.Join(s.Examples, " "), plain},
		})
	}
	if len(rows) > 0 {
		p.table([]string{"recipients", "now", "then", "for example"}, rows)
	}
	if len(r.Changes) > 0 && r.Changes[0].New.Strength() >= policy.Override.Strength() {
		p.note("put it in force in mode: log first, and look again")
	}
}
