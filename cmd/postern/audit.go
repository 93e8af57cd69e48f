package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/audit"
)

func (p *program) auditVerb() *cobra.Command {
	return p.group("audit", "The record of what was seen, decided and done",
		p.auditSearchVerb(), p.auditVerifyVerb(), p.auditExportVerb(), p.auditBalanceVerb())
}

// queryHelp explains the language of queries.
func queryHelp() string {
	var b strings.Builder
	b.WriteString("A query is words and key:value pairs, all of which must hold; quotes keep spaces together:\n")
	for _, k := range audit.Keys() {
		fmt.Fprintf(&b, "  %-12s %s\n", k[0], k[1])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func query(args []string, limit int) (audit.Query, error) {
	if limit < 1 {
		return audit.Query{}, wrong("--limit: %d is not a number of records; write 1 or more", limit)
	}
	q, err := audit.ParseQuery(strings.Join(args, " "), time.Now())
	var bad *audit.QueryError
	if errors.As(err, &bad) {
		return q, wrong("the query, at character %d: %s; %s", bad.At+1, bad.Why, orElse(bad.Hint, "see postern audit search --help"))
	}
	q.Limit = limit
	return q, err
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (p *program) auditSearchVerb() *cobra.Command {
	var limit int
	cmd := p.verb("search QUERY...", "Search the messages, newest first", anyArgs, nil)
	cmd.Long = queryHelp()
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := query(args, limit)
		if err != nil {
			return err
		}
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.Audit.Search(cmd.Context(), q)
			if err != nil {
				return err
			}
			return p.found(list, limit)
		})
	}
	return p.withConfig(cmd)
}

func (p *program) found(list []audit.Message, limit int) error {
	var rows [][]cell
	for _, m := range list {
		if p.json {
			if err := p.document(m); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []cell{
			{when(m.Received), plain}, {m.ID, plain}, {m.Tenant, plain}, {string(m.From), plain}, {recipients(m), plain},
			{m.Subject, plain}, {outcomes(m), plain},
		})
	}
	switch {
	case p.json:
	case len(rows) == 0:
		p.say("nothing was found")
	default:
		p.table([]string{"received", "message", "tenant", "from", "to", "subject", "outcome"}, rows)
	}
	if len(list) == limit {
		p.note("there may be more: narrow the query, or raise --limit")
	}
	return nil
}

func recipients(m audit.Message) string {
	switch n := len(m.Recipients); n {
	case 0:
		return ""
	case 1:
		return string(m.Recipients[0].Address)
	default:
		return fmt.Sprintf("%s and %d more", m.Recipients[0].Address, n-1)
	}
}

// outcomes says, each once, what was decided and became of the recipients.
func outcomes(m audit.Message) string {
	var list []string
	seen := map[string]bool{}
	for _, r := range m.Recipients {
		s := r.Verdict + ", " + string(r.Delivery)
		if !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return string(m.Way)
	}
	return strings.Join(list, "; ")
}

func (p *program) auditVerifyVerb() *cobra.Command {
	var only string
	cmd := p.verb("verify", "Recompute the chains of events and find what was changed", takes(0, 0, ""), nil)
	cmd.Long = "Keep the heads that it prints elsewhere: they find a database that was put back to an earlier state.\n" +
		"1: a chain is broken."
	cmd.Flags().StringVar(&only, "tenant", "", "only this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			tenants, err := r.Audit.Tenants(cmd.Context())
			if err != nil {
				return err
			}
			bad, seen := 0, 0
			for _, id := range tenants {
				if only != "" && id != only {
					continue
				}
				seen++
				result, err := r.Audit.Verify(cmd.Context(), id)
				if err != nil {
					return err
				}
				if !result.Ok() {
					bad++
				}
				if err := p.verified(result); err != nil {
					return err
				}
			}
			switch {
			case only != "" && seen == 0:
				return wrong("there is no chain of a tenant %q; known here: %s", only, orElse(strings.Join(tenants, ", "), "none"))
			case bad > 0:
				return red("%s of %d broken", many(bad, "chain"), seen)
			case seen == 0:
				p.note("there are no events yet")
			}
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) verified(r audit.Result) error {
	if p.json {
		return p.document(r)
	}
	if r.Ok() {
		p.line(fmt.Sprintf("%s: %s, %s, %d erased, head %s", r.Tenant, p.paint(green, "holds"), many(int(r.Events), "event"), r.Erased, r.Head))
		return nil
	}
	p.line(fmt.Sprintf("%s: %s %s", r.Tenant, p.paint(alarm, "BROKEN"), printable(string(r.Problem)+": "+r.Why)))
	return nil
}

func (p *program) auditExportVerb() *cobra.Command {
	var limit int
	var chain string
	cmd := p.verb("export [QUERY...]", "Write records as JSON Lines, newest first, or a chain of events", anyArgs, nil)
	cmd.Long = "With --chain TENANT the events of a tenant, oldest first, so that they can be verified without this program.\n" +
		queryHelp()
	cmd.Flags().IntVar(&limit, "limit", 1_000_000, "at most so many records")
	cmd.Flags().StringVar(&chain, "chain", "", "the chain of events of this tenant instead")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if chain != "" && len(args) > 0 {
			return wrong("a chain is exported whole: leave the query or --chain out")
		}
		q, err := query(args, limit)
		if err != nil {
			return err
		}
		return p.reading(cmd, func(r *app.Reader) error {
			if chain != "" {
				// The octets of a chain are what its hashes were made of.
				return r.Audit.ExportEvents(cmd.Context(), p.out, chain)
			}
			return r.Audit.Export(cmd.Context(), escaped{p.out}, q)
		})
	}
	return p.withConfig(cmd)
}
