package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// recordResults adds the outcomes of an attempt to the record.
func (g *Gateway) recordResults(tx *store.Tx, t task.Task, results []task.Result, now time.Time) error {
	kinds := map[string]int{}
	err := g.Audit.Change(tx, t.Message, func(m *audit.Message) {
		for _, r := range results {
			state, reply, host := stateOf(r.Outcome)
			kinds[string(state)]++
			if !t.Kind.Accounts() {
				continue
			}
			if x := m.To(r.Recipient); x != nil {
				x.Delivery, x.Reply, x.Host, x.At = state, reply, host, now
			}
			if s, stuck := r.Outcome.(task.Stuck); stuck {
				m.Problem = string(s.Problem)
			}
		}
		m.Did(string(t.Kind)+" attempted", countWords(kinds), now)
	})
	if err != nil {
		return err
	}
	public, _ := json.Marshal(map[string]any{"task": t.Kind, "attempt": t.Attempts, "results": kinds})
	personal, _ := json.Marshal(map[string]any{"results": results})
	return g.Audit.Append(tx, audit.Event{
		Tenant: t.Tenant, Message: t.Message, Kind: "attempted", Actor: "gateway", At: now, Public: public, Personal: personal,
	})
}

func stateOf(o task.Outcome) (audit.Delivery, mail.Reply, string) {
	switch o := o.(type) {
	case task.Done:
		return audit.Delivered, o.Reply, o.Host
	case task.Failed:
		return audit.Failed, o.Reply, o.Host
	case task.Stuck:
		return audit.Waiting, o.Reply, o.Host
	case task.Later:
		return audit.Waiting, o.Reply, o.Host
	}
	return audit.Waiting, mail.Reply{}, ""
}

func countWords(kinds map[string]int) string {
	var words []string
	for _, d := range audit.Deliveries() {
		if n := kinds[string(d)]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, d))
		}
	}
	return strings.Join(words, ", ")
}

// recordDecision adds a person's decision, or the deadline's.
func (g *Gateway) recordDecision(tx *store.Tx, row spool.Message, d Decision, list []spool.Pending, now time.Time) error {
	word := "declined"
	state := audit.Refused
	switch {
	case d.Release:
		word, state = "released", audit.Waiting
	case d.Expired:
		word = "expired"
	case d.act() == quarantine.Cancel || d.act() == quarantine.Remove:
		word = string(d.how())
	}
	var to []mail.Address
	err := g.Audit.Change(tx, row.ID, func(m *audit.Message) {
		for _, p := range list {
			to = append(to, p.Recipient.Address)
			if x := m.To(p.Recipient.Address); x != nil {
				x.Delivery, x.At = state, now
			}
		}
		m.Did(word, fmt.Sprintf("%d recipients, by %s", len(list), d.Actor), now)
	})
	if err != nil {
		return err
	}
	public, _ := json.Marshal(map[string]any{"recipients": len(list)})
	personal, _ := json.Marshal(map[string]any{"to": to, "comment": d.Comment, "by": d.Person.Address, "choice": d.Choice})
	return g.Audit.Append(tx, audit.Event{
		Tenant: row.Tenant, Message: row.ID, Kind: word, Actor: d.Actor, At: now, Public: public, Personal: personal,
	})
}

// recordAgreement adds that somebody agreed to a release that needs more.
func (g *Gateway) recordAgreement(tx *store.Tx, row spool.Message, d Decision, list []spool.Pending, now time.Time) error {
	word := "agreed"
	if !d.Release {
		word = "disagreed"
	}
	var to []mail.Address
	err := g.Audit.Change(tx, row.ID, func(m *audit.Message) {
		for _, p := range list {
			to = append(to, p.Recipient.Address)
		}
		m.Did(word, fmt.Sprintf("%d recipients, %d of %d, by %s", len(list), len(list[0].Agreed), list[0].Of, d.Actor), now)
	})
	if err != nil {
		return err
	}
	public, _ := json.Marshal(map[string]any{"recipients": len(list)})
	personal, _ := json.Marshal(map[string]any{"to": to, "comment": d.Comment, "by": d.Person.Address})
	return g.Audit.Append(tx, audit.Event{
		Tenant: row.Tenant, Message: row.ID, Kind: word, Actor: d.Actor, At: now, Public: public, Personal: personal,
	})
}

// recordJudgment adds what judging in custody came to.
// It returns the subject as the record has it.
func (g *Gateway) recordJudgment(
	tx *store.Tx, row spool.Message, j judgment, p plan, c *copied, now time.Time,
) (subject string, err error) {
	if err := g.Audit.SaveFacts(tx, row.ID, j.factsFor()); err != nil {
		return "", err
	}
	tr := &trail{g: g, trace: row.ID, tenant: row.Tenant}
	err = g.Audit.Change(tx, row.ID, func(m *audit.Message) {
		fill(m, j)
		m.Did("judged in custody", p.String(), now)
		tr.m = *m
		tr.custody(mail.Reply{})
		c.note(&tr.m)
		*m = tr.m
	})
	if err != nil {
		return "", err
	}
	tr.event = "judged"
	return tr.m.Subject, g.Audit.Append(tx, tr.link(now))
}
