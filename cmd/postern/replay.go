package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/replay"
)

// replayFlags choose a part of the past.
type replayFlags struct {
	since, until, tenant string
	list                 int
	recorded             bool
}

func (p *program) policyReplayVerb() *cobra.Command {
	var f replayFlags
	cmd := p.verb("replay FILE|DIR", "Say what a draft would have made of the messages of the past",
		takes(0, 1, "a file or folder with the draft"), nil)
	cmd.Long = "Compares the policies in force with the draft in their place, over the facts that were kept. Where the\n" +
		"draft asks for a fact that was not kept, nobody can know; that is counted apart.\n" +
		"With --recorded and without a draft, each verdict is worked out again by the policies that gave it; one\n" +
		"that differs from the record is shown with its cause (1)."
	cmd.Flags().StringVar(&f.since, "since", "30d", "how far back: 30d, 12h, or a day such as 2026-11-01")
	cmd.Flags().StringVar(&f.until, "until", "", "up to when, as --since; now when it is left out")
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "only mail of this tenant")
	cmd.Flags().IntVar(&f.list, "list", 0, "also list so many changes")
	cmd.Flags().BoolVar(&f.recorded, "recorded", false, "compare with what was recorded then")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		span, err := f.span(time.Now())
		if err != nil {
			return err
		}
		if f.recorded != (len(args) == 0) {
			return wrong("%s needs a draft, or --recorded without one", cmd.CommandPath())
		}
		return p.reading(cmd, func(r *app.Reader) error {
			if f.recorded {
				c, err := r.Recorded(cmd.Context(), span)
				if err != nil {
					return err
				}
				return p.recorded(c)
			}
			result, err := r.Replay(cmd.Context(), span, args[0], max(f.list, 1))
			if err != nil {
				return err
			}
			if f.list == 0 {
				result.List = []replay.Change{}
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

func (f replayFlags) span(now time.Time) (s app.Span, err error) {
	s.Tenant = f.tenant
	if s.Since, err = ago("--since", f.since, now); err != nil || f.until == "" {
		return s, err
	}
	s.Until, err = ago("--until", f.until, now)
	if err == nil && !s.Until.After(s.Since) {
		err = wrong("--until is before --since")
	}
	return s, err
}

// ago reads a time of the past.
func ago(flag, s string, now time.Time) (time.Time, error) {
	if n, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") && n > 0 {
		return now.AddDate(0, 0, -n), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	if err != nil || t.After(now) {
		return t, wrong("%s: %q is no time of the past; write 30d, 12h or 2026-11-01", flag, s)
	}
	return t, nil
}

func (p *program) recorded(c replay.Check) error {
	if p.json {
		if err := p.document(c); err != nil {
			return err
		}
	}
	for _, d := range c.Differences {
		p.note("%s to %s: recorded %s, now %s: %s", d.Message, d.To, d.Recorded, d.Now, d.Cause)
	}
	if c.Different > 0 {
		return red("%s of %s do not come out as recorded", many(c.Different, "verdict"), many(c.Messages, "message"))
	}
	p.note("all %s of %s come out as recorded", many(c.Same, "verdict"), many(c.Messages, "message"))
	return nil
}

func (p *program) replayed(r app.Replay) {
	p.say("%s with %s since %s; nothing changes for %d, something for %d, nobody can know for %d (%.1f %%)",
		many(r.Messages, "message"), many(r.Recipients, "recipient"), when(r.Since), r.Same, r.Changed, r.Unknown, r.Share)
	var rows [][]cell
	for _, s := range r.Matrix {
		if s.Old == s.New && s.New == s.AtMost {
			continue
		}
		to := cell{s.New, wordColor(s.New)}
		if s.AtMost != s.New {
			to = cell{s.New + " or up to " + s.AtMost + ", nobody can know", dim}
		}
		rows = append(rows, []cell{
			{strconv.Itoa(s.Recipients), plain}, {s.Old, wordColor(s.Old)}, to, {strings.Join(s.Examples, " "), plain},
		})
	}
	if len(rows) > 0 {
		p.table([]string{"recipients", "now", "then", "for example"}, rows)
	}
	for _, m := range r.Missing {
		p.note("not kept, and it decides for %s: %s", many(m.Recipients, "recipient"), m.What)
	}
	p.changes(r.List)
	p.loads("approvals a day", r.Approvals.Days)
	p.loads("approvals by", r.Approvals.Approvers)
	if len(r.Unread) > 0 {
		p.note("the facts of %s cannot be read", many(len(r.Unread), "message"))
	}
	if len(r.Matrix) > 0 && replay.ActionOf(r.Matrix[0].New).Strength() >= policy.Override.Strength() && r.Changed > 0 {
		p.note("put it in force in mode: log first, and look again")
	}
}

func (p *program) changes(list []replay.Change) {
	var rows [][]cell
	for _, c := range list {
		to := c.New
		if c.AtMost != c.New {
			to += " … " + c.AtMost
		}
		rows = append(rows, []cell{
			{c.Message, plain}, {when(c.At), plain}, {c.To, plain}, {c.Old, wordColor(c.Old)}, {to, wordColor(c.New)}, {c.Why, plain},
		})
	}
	if len(rows) > 0 {
		p.table([]string{"message", "received", "recipient", "now", "then", "because"}, rows)
	}
}

func (p *program) loads(title string, list []replay.Load) {
	var rows [][]cell
	for _, l := range list {
		then := strconv.Itoa(l.New)
		if l.AtMost != l.New {
			then = fmt.Sprintf("%d to %d", l.New, l.AtMost)
		}
		rows = append(rows, []cell{{l.Who, plain}, {strconv.Itoa(l.Old), plain}, {then, plain}})
	}
	if len(rows) > 0 {
		p.table([]string{title, "now", "then"}, rows)
	}
}

// wordColor is the color of an action, or of "defer".
func wordColor(w string) color { return actionColor(replay.ActionOf(w)) }
