package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/task"
)

// taskForm is a line of queue list --json.
type taskForm struct {
	ID         string         `json:"id"`
	Message    string         `json:"message"`
	Tenant     string         `json:"tenant"`
	Kind       task.Kind      `json:"kind"`
	Hop        string         `json:"hop,omitempty"`
	Recipients []mail.Address `json:"recipients"`
	Due        time.Time      `json:"due"`
	Attempts   int            `json:"attempts"`
	GiveUpAt   time.Time      `json:"give_up_at,omitzero"`
	Stuck      problem.Code   `json:"stuck,omitempty"`
	Held       bool           `json:"held,omitempty"`
	Last       string         `json:"last,omitempty"`
}

func (p *program) queueVerb() *cobra.Command {
	return p.group("queue", "What is in our custody and waits to leave",
		p.queueListVerb(), p.queueRetryVerb(), p.queueHoldVerb())
}

func (p *program) queueListVerb() *cobra.Command {
	var tenant string
	cmd := p.verb("list", "List what waits, oldest first", takes(0, 0, ""), nil)
	cmd.Long = "1: something is stuck and a person must act."
	cmd.Flags().StringVar(&tenant, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.Queue(cmd.Context(), tenant)
			if err != nil {
				return err
			}
			return p.queueList(list)
		})
	}
	return p.withConfig(cmd)
}

func (p *program) queueList(list []task.Task) error {
	var rows [][]cell
	stuck := map[problem.Code]int{}
	for _, t := range list {
		if t.Stuck != "" {
			stuck[t.Stuck]++
		}
		form := taskForm{
			ID: t.ID, Message: t.Message, Tenant: t.Tenant, Kind: t.Kind, Hop: t.Hop, Due: t.Due, Attempts: t.Attempts,
			GiveUpAt: t.GiveUpAt, Stuck: t.Stuck, Held: t.Held, Last: t.Last, Recipients: []mail.Address{},
		}
		names := make([]string, len(t.Recipients))
		for i, r := range t.Recipients {
			form.Recipients = append(form.Recipients, r.Address)
			names[i] = string(r.Address)
		}
		if p.json {
			if err := p.document(form); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []cell{
			{t.ID, plain}, {t.Message, plain}, {t.Tenant, plain}, {string(t.Kind), plain},
			{strings.Join(names, ", "), plain}, {when(t.Due), plain}, taskState(t), {t.Last, plain},
		})
	}
	switch {
	case p.json:
	case len(rows) == 0:
		p.say("nothing waits")
	default:
		p.table([]string{"task", "message", "tenant", "kind", "to", "next attempt", "state", "last answer"}, rows)
	}
	for _, code := range sortedKeys(stuck) {
		if row, ok := problem.Find(code); ok {
			p.note("%s: %s. %s", code, row.Title, row.Action)
		}
	}
	if len(stuck) > 0 {
		return red("something is stuck; when it is solved: postern queue retry --all")
	}
	return nil
}

func taskState(t task.Task) cell {
	switch {
	case t.Held:
		return cell{"kept back", yellow}
	case t.Stuck != "":
		return cell{"stuck " + string(t.Stuck), alarm}
	case time.Now().Before(t.Leased):
		return cell{"being tried", green}
	}
	return cell{"waits", plain}
}

func (p *program) queueRetryVerb() *cobra.Command {
	var call app.Call
	cmd := p.verb("retry [ID...]", "Try now, also what is stuck or was kept back", anyArgs, nil)
	cmd.Flags().BoolVar(&call.All, "all", false, "everything that waits")
	cmd.Flags().StringVar(&call.Tenant, "tenant", "", "everything of this tenant")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error { return p.changeQueue(cmd, "queue-retry", call, ids) }
	return p.withConfig(cmd)
}

func (p *program) queueHoldVerb() *cobra.Command {
	var call app.Call
	cmd := p.verb("hold [ID...]", "Keep back until queue retry", anyArgs, nil)
	cmd.Flags().BoolVar(&call.All, "all", false, "everything that waits")
	cmd.Flags().StringVar(&call.Tenant, "tenant", "", "everything of this tenant")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error { return p.changeQueue(cmd, "queue-hold", call, ids) }
	return p.withConfig(cmd)
}

// changeQueue retries or holds tasks, named by themselves or their messages.
func (p *program) changeQueue(cmd *cobra.Command, verb string, call app.Call, ids []string) error {
	call.IDs = ids
	call.All = call.All || call.Tenant != ""
	if call.All == (len(ids) > 0) {
		return wrong("%s needs ids of tasks or messages, or --all, or --tenant ID; see postern queue list", cmd.CommandPath())
	}
	ans, err := p.change(cmd, verb, call)
	if err != nil {
		return err
	}
	if ans.Number == 0 && len(ids) > 0 {
		return wrong("no task waits with %s; see postern queue list", strings.Join(ids, ", "))
	}
	if p.json {
		return p.document(map[string]any{"verb": cmd.Name(), "tasks": ans.Number})
	}
	p.say("%s: %s", cmd.Name(), many(int(ans.Number), "task"))
	return nil
}
