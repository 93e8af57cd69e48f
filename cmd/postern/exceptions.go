package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
)

func (p *program) exceptionsVerb() *cobra.Command {
	return p.group("exceptions", "Findings that somebody called not sensitive", p.exceptionsAddVerb(), p.exceptionsConfirmVerb(),
		p.exceptionsListVerb(), p.exceptionsRemoveVerb(), p.exceptionsPrecisionVerb())
}

// choice names one finding of a message.
type choice struct {
	held, tenant, sample string
	finding              int
}

func (c *choice) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.held, "held", "", "a held message instead of a file, by our id")
	cmd.Flags().StringVar(&c.tenant, "tenant", "", "whose mail a file is, when there are several tenants")
	cmd.Flags().IntVar(&c.finding, "finding", 0, "the number of the finding; without it they are listed")
	cmd.Flags().StringVar(&c.sample, "sample", "", "the masked sample of the finding, instead of its number")
}

func (p *program) exceptionsAddVerb() *cobra.Command {
	var c choice
	var sender, domain, rule, reason, life string
	cmd := p.verb("add [FILE]", "Call one finding of a message not sensitive", takes(0, 1, "a message in a file"), nil)
	cmd.Long = "The value, or the document, is not counted any more: by a hash under a key of the tenant, until the exception\n" +
		"ends. No other value is excepted. Without --finding the findings are listed with their numbers."
	c.flags(cmd)
	cmd.Flags().StringVar(&sender, "sender", "", "only in mail of this sender")
	cmd.Flags().StringVar(&domain, "to-domain", "", "only towards recipients of this domain")
	cmd.Flags().StringVar(&rule, "rule", "", "only for the policy with this id")
	cmd.Flags().StringVar(&life, "for", "90d", "how long it holds, e.g. 30d")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		days, err := strconv.Atoi(strings.TrimSuffix(life, "d"))
		if err != nil || days < 1 || !strings.HasSuffix(life, "d") {
			return wrong("--for: %q is no number of days; write 90d", life)
		}
		found, owner, err := p.chosen(cmd, c, args)
		if err != nil || found == nil {
			return err
		}
		x := app.Excepting{Confidence: found.Confidence, Exception: exception.Exception{
			Tenant: owner, Type: found.Type, Detector: found.Detector, Hash: found.Hash, Sample: found.Sample,
			Sender: mail.Address(sender), Domain: domain, Rule: rule, Reason: reason, Message: c.held,
			Until: time.Now().AddDate(0, 0, days),
		}}
		ans, err := p.change(cmd, "exception-add", app.Call{Excepting: &x})
		if err != nil {
			return err
		}
		if p.json {
			return p.document(ans.Exception)
		}
		p.say("%s: %s is not counted until %s", ans.Exception.ID, nameOf(*found), when(ans.Exception.Until))
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) exceptionsConfirmVerb() *cobra.Command {
	var c choice
	cmd := p.verb("confirm [FILE]", "Say that a finding is right, for the precision of its detector",
		takes(0, 1, "a message in a file"), nil)
	c.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		found, owner, err := p.chosen(cmd, c, args)
		if err != nil || found == nil {
			return err
		}
		x := app.Excepting{Confidence: found.Confidence, Right: true, Exception: exception.Exception{
			Tenant: owner, Type: found.Type, Detector: found.Detector, Message: c.held,
		}}
		if _, err := p.change(cmd, "exception-add", app.Call{Excepting: &x}); err != nil {
			return err
		}
		p.say("%s is noted as right", nameOf(*found))
		return nil
	}
	return p.withConfig(cmd)
}

// chosen looks at a message and finds what somebody means; nil when the
// findings were listed instead.
func (p *program) chosen(cmd *cobra.Command, c choice, args []string) (*gateway.Candidate, string, error) {
	if (c.held == "") == (len(args) == 0) {
		return nil, "", wrong("%s needs a message in a file, or --held ID", cmd.CommandPath())
	}
	var list []gateway.Candidate
	owner := c.tenant
	if c.held != "" {
		ans, err := p.change(cmd, "exception-candidates", app.Call{Message: c.held})
		if err != nil {
			return nil, "", err
		}
		list, owner = ans.Candidates, ans.Tenant
	} else {
		data, err := os.ReadFile(args[0])
		if err != nil {
			return nil, "", err
		}
		err = p.reading(cmd, func(r *app.Reader) (err error) {
			list, owner, err = r.Candidates(cmd.Context(), c.tenant, mail.Bytes(data))
			return err
		})
		if err != nil {
			return nil, "", err
		}
	}
	if c.finding == 0 && c.sample == "" {
		return nil, owner, p.candidates(list)
	}
	for i := range list {
		if list[i].Number == c.finding || c.sample != "" && list[i].Sample == c.sample {
			return &list[i], owner, nil
		}
	}
	return nil, "", wrong("nothing of that number or sample was found there; without --finding the findings are listed")
}

func (p *program) candidates(list []gateway.Candidate) error {
	if p.json {
		return p.document(map[string]any{"findings": list})
	}
	var rows [][]cell
	for _, c := range list {
		kind := c.Type
		if kind == "" {
			kind = "the whole document"
		}
		rows = append(rows, []cell{
			{strconv.Itoa(c.Number), plain}, {kind, plain}, {c.Confidence, plain}, {place(c.Part) + " " + c.Name, plain}, {c.Place, plain},
			{c.Sample, plain},
		})
	}
	if len(rows) == 0 {
		p.note("nothing was found in this message")
		return nil
	}
	p.table([]string{"number", "type", "confidence", "part", "place", "sample"}, rows)
	return nil
}

func nameOf(c gateway.Candidate) string {
	if c.Type == "" {
		return "the document " + c.Sample
	}
	return c.Type + " " + c.Sample
}

func (p *program) exceptionsListVerb() *cobra.Command {
	var tenantID string
	cmd := p.verb("list", "List the exceptions, those that end first first", takes(0, 0, ""), nil)
	cmd.Flags().StringVar(&tenantID, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.ExceptionsOf(cmd.Context(), tenantID)
			if err != nil {
				return err
			}
			if p.json {
				return p.document(map[string]any{"exceptions": append([]exception.Exception{}, list...)})
			}
			var rows [][]cell
			for _, e := range list {
				state := "until " + when(e.Until)
				if !time.Now().Before(e.Until) {
					state = "ended " + when(e.Until)
				}
				scope := strings.Join(strings.Fields(strings.Join([]string{string(e.Sender), e.Domain, e.Rule}, " ")), ", ")
				rows = append(rows, []cell{
					{e.ID, plain}, {e.Tenant, plain}, {e.Type, plain}, {e.Sample, plain}, {scope, plain}, {state, plain}, {e.By, plain},
					{e.Reason, plain},
				})
			}
			if len(rows) == 0 {
				p.note("there are no exceptions")
				return nil
			}
			p.table([]string{"id", "tenant", "type", "sample", "only for", "holds", "by", "reason"}, rows)
			return nil
		})
	}
	return p.withConfig(cmd)
}

func (p *program) exceptionsRemoveVerb() *cobra.Command {
	var reason string
	cmd := p.verb("remove ID", "Take an exception back", takes(1, 1, "the id of an exception"), nil)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := p.change(cmd, "exception-remove", app.Call{Message: args[0], Reason: reason}); err != nil {
			return err
		}
		p.say("%s: taken back", args[0])
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) exceptionsPrecisionVerb() *cobra.Command {
	var tenantID string
	cmd := p.verb("precision", "Show how often detectors were right, of the findings that people judged", takes(0, 0, ""), nil)
	cmd.Flags().StringVar(&tenantID, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.Precision(cmd.Context(), tenantID)
			if err != nil {
				return err
			}
			if p.json {
				return p.document(map[string]any{"precision": list})
			}
			var rows [][]cell
			for _, m := range list {
				rows = append(rows, []cell{
					{m.Detector, plain}, {m.Type, plain}, {m.Confidence, plain}, {strconv.Itoa(m.Right), plain}, {strconv.Itoa(m.Wrong), plain},
					{strconv.FormatFloat(m.Percent(), 'f', 1, 64) + " %", plain},
				})
			}
			if len(rows) == 0 {
				p.note("nobody has judged a finding yet")
				return nil
			}
			p.table([]string{"detector", "type", "confidence", "right", "wrong", "precision"}, rows)
			return nil
		})
	}
	return p.withConfig(cmd)
}
