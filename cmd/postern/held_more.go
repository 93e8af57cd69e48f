package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// age is a flag whose value is a moment so long ago.
type age struct {
	to   *time.Time
	text string
}

func (a *age) String() string { return a.text }
func (a *age) Type() string   { return "age" }

// Set implements pflag.Value.
func (a *age) Set(s string) error {
	d, err := quarantine.ParseAge(s)
	if err == nil {
		a.text, *a.to = s, time.Now().Add(-d)
	}
	return err
}

// heldFilter are the flags that choose held mail.
func heldFilter(flags *pflag.FlagSet, f *quarantine.Filter) {
	flags.Var(&age{to: &f.Before}, "older", "only what waits, or is over, for longer than this, e.g. 48h or 7d")
	flags.Var(&age{to: &f.After}, "younger", "only what waits, or is over, since less than this")
	flags.StringVar(&f.Tenant, "tenant", "", "only of this tenant")
	flags.StringVar((*string)(&f.Approver), "approver", "", "only what waits for this address; - is what waits for administrators")
	flags.StringVar((*string)(&f.Sender), "sender", "", "only of this sender")
	flags.StringVar((*string)(&f.Recipient), "recipient", "", "only for this recipient")
	flags.StringVar(&f.Domain, "domain", "", "only for recipients of this domain")
	flags.StringVar(&f.Rule, "rule", "", "only held by the policy with this id")
	flags.BoolVar(&f.Pinned, "pinned", false, "only what is pinned")
	flags.StringVar(&f.Text, "text", "", "only with all these words in subject, addresses or reference")
}

// heldFindVerb searches held mail page by page.
func (p *program) heldFindVerb() *cobra.Command {
	h := &app.HeldCall{}
	cmd := p.verb("find", "Search held mail, what is due first, page by page", takes(0, 0, ""), nil)
	heldFilter(cmd.Flags(), &h.Filter)
	cmd.Flags().BoolVar(&h.Filter.Over, "over", false, "those whose wait is over instead, the latest first")
	cmd.Flags().IntVar(&h.Limit, "limit", 100, "rows of a page, 1000 at most")
	cmd.Flags().StringVar(&h.After, "after", "", "begin behind this row: the cursor of a row of --json, or what the page before said")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if h.Limit < 1 || h.Limit > 1000 {
			return wrong("--limit: %d is not from 1 to 1000", h.Limit)
		}
		ans, err := p.change(cmd, "held-rows", app.Call{HeldMail: h})
		if err != nil {
			return err
		}
		var rows [][]cell
		for _, x := range ans.HeldMail.Rows {
			if p.json {
				if err := p.document(x); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, heldCells(x))
		}
		switch {
		case p.json:
		case len(rows) == 0 && h.Filter.Over:
			p.say("nothing of that is over")
		case len(rows) == 0:
			p.say("nobody waits")
		default:
			p.table([]string{"message", "recipient", "sender", "subject", "because", "waits for", "then"}, rows)
		}
		if next := ans.HeldMail.Next; next != "" {
			p.note("there are more: --after %s", next)
		}
		return nil
	}
	return p.withConfig(cmd)
}

func heldCells(x quarantine.Row) []cell {
	then := "waits for ever"
	switch {
	case x.Ended != nil:
		then = string(x.Ended.How) + " by " + x.Ended.By + " at " + when(x.Ended.At)
	case x.Pinned != nil:
		then = "pinned by " + x.Pinned.By
	case !x.Until.IsZero():
		then = x.AtEnd + " at " + when(x.Until)
	}
	var who []string
	for _, a := range x.WaitsFor {
		who = append(who, string(a))
	}
	if len(who) == 0 {
		who = []string{"administrators"}
	}
	return []cell{
		{x.Message, plain}, {string(x.Recipient), plain}, {string(x.Sender), plain}, {x.Subject, plain}, {x.Because, plain},
		{strings.Join(who, ", "), plain}, {then, yellow},
	}
}

// heldDeed is a verb that does not end a hold.
func (p *program) heldDeed(use, short string, act quarantine.Act, text bool) *cobra.Command {
	h := &app.HeldCall{Act: act}
	var to []string
	var other string
	least := 1
	if text {
		least = 2
	}
	cmd := p.verb(use, short, takes(least, least, "the id of a message, and the words"), nil)
	cmd.Flags().StringSliceVar(&to, "to", nil, "only for these recipients (default: all that wait)")
	if act == quarantine.HandOn {
		cmd.Flags().StringVar(&other, "other", "", "the address of the one who decides from now on (required)")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		call := app.Call{HeldMail: h}
		var err error
		if call.Message, err = p.heldID(cmd, args[0]); err != nil {
			return err
		}
		for _, s := range to {
			a, err := mail.ParseAddress(s)
			if err != nil {
				return wrong("--to: %q is not an address: %v", s, err)
			}
			call.To = append(call.To, a)
		}
		if act == quarantine.HandOn {
			a, err := mail.ParseAddress(other)
			if err != nil {
				return wrong("--other: %q is not an address: %v", other, err)
			}
			h.Other = a
		}
		if text {
			h.Text = args[1]
		}
		ans, err := p.change(cmd, "held-deed", call)
		if err != nil {
			return err
		}
		if p.json {
			return p.document(map[string]any{"message": call.Message, "act": act, "recipients": ans.Number})
		}
		p.say("%s: %s for %s", call.Message, act, many(int(ans.Number), "recipient"))
		return nil
	}
	return p.withConfig(cmd)
}

// heldMoreVerbs are the verbs about held mail besides a decision.
func (p *program) heldMoreVerbs() []*cobra.Command {
	return []*cobra.Command{
		p.heldFindVerb(),
		p.heldDeed("ask ID QUESTION", "Ask the sender of a held message", quarantine.Ask, true),
		p.heldDeed("hand-on ID", "Have somebody else decide too", quarantine.HandOn, false),
		p.heldDeed("pin ID REASON", "Keep a held message for good, whatever its deadline says", quarantine.PinIt, true),
		p.heldDeed("unpin ID", "Let a pinned message go on", quarantine.UnpinIt, false),
		p.heldBulkVerb(),
	}
}

// heldBulkVerb decides about everything that a filter finds.
func (p *program) heldBulkVerb() *cobra.Command {
	list := p.withConfig(p.verb("list", "List bulk decisions and how far they are", takes(0, 0, ""),
		func(cmd *cobra.Command, _ []string) error {
			ans, err := p.change(cmd, "held-bulks", app.Call{})
			if err != nil {
				return err
			}
			return p.bulks(ans.HeldMail.Bulks)
		}))
	stop := p.withConfig(p.verb("stop ID", "Stop a bulk decision; what is decided stays so", takes(1, 1, "the id of a bulk decision"),
		func(cmd *cobra.Command, args []string) error {
			ans, err := p.change(cmd, "held-stop", app.Call{HeldMail: &app.HeldCall{ID: args[0]}})
			if err != nil {
				return err
			}
			return p.bulks(ans.HeldMail.Bulks)
		}))
	return p.group("bulk", "Decide about all held mail that a filter finds",
		p.bulkDecision("approve", quarantine.Approve), p.bulkDecision("reject", quarantine.Reject), list, stop)
}

func (p *program) bulkDecision(name string, act quarantine.Act) *cobra.Command {
	h := &app.HeldCall{Act: act}
	var yes bool
	cmd := p.verb(name, "Show in numbers what it would do; with --yes, do it", takes(0, 0, ""), nil)
	heldFilter(cmd.Flags(), &h.Filter)
	cmd.Flags().StringVar(&h.Text, "comment", "", "kept in the record; of a refusal, what the senders read")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.Flags().IntVar(&h.Total, "most", 0, "begin only when it is about so many at most, as a preview has said")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !yes {
			ans, err := p.change(cmd, "held-preview", app.Call{HeldMail: h})
			if err != nil {
				return err
			}
			return p.preview(name, *ans.HeldMail.Numbers)
		}
		h.ID = strings.ToLower(rand.Text())
		ans, err := p.change(cmd, "held-bulk", app.Call{HeldMail: h})
		if err != nil {
			return err
		}
		return p.bulks(ans.HeldMail.Bulks)
	}
	return p.withConfig(cmd)
}

func (p *program) preview(name string, n quarantine.Numbers) error {
	if p.json {
		return p.document(n)
	}
	p.say("%s would decide about %s of %s (%d octets), by %s to %s", name, many(n.Holds, "recipient"), many(n.Messages, "message"),
		n.Octets, many(n.Senders, "sender"), many(n.Domains, "domain"))
	for _, rule := range n.RuleNames() {
		p.say("  %d held by %s", n.Rules[rule], orDash(rule))
	}
	for why, count := range n.Refused {
		p.say("  %d would stay as they are: %s", count, why)
	}
	if n.Votes > 0 {
		p.say("  %d would then wait for others to agree", n.Votes)
	}
	p.note("nothing was done; to do it, add --yes --most %d", n.Holds)
	return nil
}

func (p *program) bulks(list []quarantine.Bulk) error {
	var rows [][]cell
	for _, b := range list {
		if p.json {
			if err := p.document(b); err != nil {
				return err
			}
			continue
		}
		what, state := "reject", "goes on"
		if b.Approve {
			what = "approve"
		}
		switch {
		case b.Stopped:
			state = "stopped"
		case !b.Ended.IsZero():
			state = "done"
		}
		rows = append(rows, []cell{
			{b.ID, plain}, {what, plain}, {b.By, plain}, {when(b.Begun), plain},
			{fmt.Sprintf("%d of %d", b.Done+b.Voted+b.Skipped, b.Total), plain}, {fmt.Sprint(b.Skipped), plain}, {state, yellow},
		})
	}
	switch {
	case p.json:
	case len(rows) == 0:
		p.say("there is no bulk decision")
	default:
		p.table([]string{"id", "what", "by", "begun", "through", "left out", "state"}, rows)
	}
	return nil
}
