package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/balance"
	"postern.dev/postern/internal/problem"
)

// balanceForm is the form of audit balance --json: the sum of all, then each
// tenant's.
type balanceForm struct {
	balance.Sum
	OK          bool          `json:"ok"`
	Tenants     []balance.Sum `json:"tenants"`
	Differences []string      `json:"differences"`
	// Count is how many differences there are; the list ends at 1000.
	Count int `json:"count"`
}

func (p *program) auditBalanceVerb() *cobra.Command {
	cmd := p.verb("balance", "Check that in = out + held + under way + reported, and that all books agree", takes(0, 0, ""), nil)
	cmd.Long = "It counts every recipient that was ever answered 250, handed back at once or kept, and holds the record, custody " +
		"and the tasks against each other. It reads all of them; the gateway may run meanwhile.\n" +
		"1: something does not add up."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			sheet, err := r.Balance(cmd.Context())
			if err != nil {
				return err
			}
			lines := []string{}
			for _, d := range sheet.Differences {
				lines = append(lines, differenceLine(d))
			}
			if p.json {
				err = p.document(balanceForm{sheet.Total, sheet.OK(), sheet.Tenants, lines, sheet.Count})
			} else {
				p.sheet(sheet, lines)
			}
			if err == nil && !sheet.OK() {
				return red("%s not add up", strings.Replace(many(sheet.Count, "thing")+" do", "1 thing do", "1 thing does", 1))
			}
			return err
		})
	}
	return p.withConfig(cmd)
}

func differenceLine(d balance.Difference) string {
	if d.Message == "" {
		return fmt.Sprintf("%s: %s: %s", problem.Unbalanced, d.Tenant, d.Why)
	}
	return fmt.Sprintf("%s: message %s: %s", problem.Unbalanced, d.Message, d.Why)
}

// sheet shows the balance to a person.
func (p *program) sheet(s balance.Sheet, lines []string) {
	t := s.Total
	p.say("%s accepted = %d delivered + %d refused + %d failed + %d redirected + %d under way + %d held",
		many(t.In, "recipient"), t.Delivered, t.Refused, t.Failed, t.Redirected, t.Open, t.Held)
	var rows [][]cell
	for _, x := range append(s.Tenants, t) {
		if x.In == 0 && x.Difference == 0 && x.Tenant != "" {
			continue
		}
		name := x.Tenant
		if name == "" {
			name = "all"
		}
		row := []cell{{name, plain}}
		for _, n := range []int{x.In, x.Out(), x.Held, x.Open, x.Told()} {
			row = append(row, cell{strconv.Itoa(n), plain})
		}
		c := plain
		if x.Difference != 0 {
			c = alarm
		}
		rows = append(rows, append(row, cell{strconv.Itoa(x.Difference), c}))
	}
	p.table([]string{"recipients", "in", "= out", "+ held", "+ under way", "+ reported", "difference"}, rows)
	if t.CutThrough > 0 {
		p.line(fmt.Sprintf("%d of those out were taken by the next hop while Exchange waited for our answer", t.CutThrough))
	}
	if n := t.Unknown; n > 0 {
		p.line(many(n, "recipient") + " without an outcome: delivered, or retried by Exchange; no answer is on record")
	}
	if n := t.Leaving; n > 0 {
		p.line(many(n, "message") + " being handed back: the next hop has not answered yet")
	}
	if t.Silent > 0 {
		p.line(fmt.Sprintf("%d of those reported may not be told: their sender is null or automatic, or wants no report", t.Silent))
	}
	if n := t.Watched; n > 0 {
		p.line(many(n, "message") + " only watched (copies, journal reports, probes): there was nothing to deliver")
	}
	if t.Turned+t.Deferred > 0 {
		p.line(fmt.Sprintf("never ours: %s answered 5xx, %s answered 4xx", many(t.Turned, "message"), many(t.Deferred, "message")))
	}
	for _, l := range lines {
		p.line(p.paint(alarm, printable(l)))
	}
	if s.Count > len(lines) {
		p.note("and %d more", s.Count-len(lines))
	}
}
