package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
)

// heldForm is a line of held list --json.
type heldForm struct {
	Message   string       `json:"message"`
	Tenant    string       `json:"tenant"`
	Recipient mail.Address `json:"recipient"`
	Rules     []string     `json:"rules"`
	Because   string       `json:"because"`
	Approver  string       `json:"approver,omitempty"`
	Since     time.Time    `json:"since"`
	Until     time.Time    `json:"until,omitzero"`
	AtEnd     string       `json:"at_end,omitempty"`
	// Of is how many must agree, Agreed who did; Terms are the policy's.
	Of     int             `json:"of,omitempty"`
	Agreed []string        `json:"agreed,omitempty"`
	Terms  json.RawMessage `json:"terms,omitempty"`
}

func heldOf(x spool.Pending) heldForm {
	rules := x.Rules
	if rules == nil {
		rules = []string{}
	}
	return heldForm{
		x.Message, x.Tenant, x.Recipient.Address, rules, x.Because, x.Approver, x.Since, x.Until, x.AtEnd,
		x.Of, x.Agreed, x.Terms,
	}
}

func (p *program) heldVerb() *cobra.Command {
	verbs := []*cobra.Command{p.heldListVerb(), p.heldShowVerb(), p.approveVerb(), p.releaseVerb(), p.rejectVerb()}
	return p.group("held", "Held mail", append(verbs, p.heldMoreVerbs()...)...)
}

func (p *program) heldListVerb() *cobra.Command {
	var tenant string
	cmd := p.verb("list", "List who waits for a decision, oldest first", takes(0, 0, ""), nil)
	cmd.Flags().StringVar(&tenant, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			list, err := r.Held(cmd.Context(), tenant, "")
			if err != nil {
				return err
			}
			return p.heldList(list)
		})
	}
	return p.withConfig(cmd)
}

func (p *program) heldList(list []spool.Pending) error {
	var rows [][]cell
	for _, x := range list {
		if p.json {
			if err := p.document(heldOf(x)); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []cell{
			{x.Message, plain}, {x.Tenant, plain}, {string(x.Recipient.Address), plain}, {x.Because, plain},
			{x.Approver, plain}, {when(x.Since), plain}, {atEnd(x), yellow},
		})
	}
	if p.json {
		return nil
	}
	if len(rows) == 0 {
		p.say("nobody waits")
		return nil
	}
	p.table([]string{"message", "tenant", "recipient", "because", "approver", "since", "then"}, rows)
	return nil
}

func atEnd(x spool.Pending) string {
	if x.Until.IsZero() {
		return "waits for ever"
	}
	return x.AtEnd + " at " + when(x.Until)
}

// when writes a time for people.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// heldMessage is the form of held show --json.
type heldMessage struct {
	Message audit.Message `json:"message"`
	Waiting []heldForm    `json:"waiting"`
}

func (p *program) heldShowVerb() *cobra.Command {
	cmd := p.verb("show ID", "Show a held message: its record, findings and who waits", takes(1, 1, "the id of a message"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.reading(cmd, func(r *app.Reader) error {
			m, err := r.Find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			list, err := r.Held(cmd.Context(), "", m.ID)
			if err != nil {
				return err
			}
			if p.json {
				form := heldMessage{m, []heldForm{}}
				for _, x := range list {
					form.Waiting = append(form.Waiting, heldOf(x))
				}
				return p.document(form)
			}
			p.record(m)
			if err := p.heldList(list); err != nil {
				return err
			}
			for _, x := range list {
				p.terms(x)
			}
			return nil
		})
	}
	return p.withConfig(cmd)
}

// terms shows the further terms of a hold.
func (p *program) terms(x spool.Pending) {
	var h policy.Hold
	if len(x.Terms) == 0 || json.Unmarshal(x.Terms, &h) != nil {
		return
	}
	var said []string
	add := func(used bool, form string, args ...any) {
		if used {
			said = append(said, fmt.Sprintf(form, args...))
		}
	}
	add(h.Delay, "it only waits, and leaves by itself")
	add(h.Override, "its sender chooses")
	add(x.Of > 1, "%d of %d have agreed (%s)", len(x.Agreed), x.Of, strings.Join(x.Agreed, ", "))
	add(len(h.Deputies) > 0, "deputy: %s", strings.Join(h.Deputies, ", "))
	if w := h.Working; w != nil {
		add(true, "%s of working time: %s, %02d:%02d to %02d:%02d, %s", h.For, strings.Join(w.Days, " "),
			w.From/60, w.From%60, w.To/60, w.To%60, w.Zone)
	}
	add(len(h.Remind) > 0, "reminders after %v", h.Remind)
	add(len(h.Reasons) > 0, "reasons: %s", strings.Join(h.Reasons, "; "))
	add(h.Comment != "", "comment: %s", h.Comment)
	add(len(h.Causes) > 0, "not looked at: %v", h.Causes)
	for _, s := range said {
		p.line(printable("  " + string(x.Recipient.Address) + "  " + s))
	}
}

// decision is what the verbs that decide about held mail are told.
type decision struct {
	verb, done string
	to         []string
	comment    string
}

func (p *program) approveVerb() *cobra.Command {
	d := decision{verb: "held-release", done: "released"}
	cmd := p.verb("approve ID", "Let held mail go, as its approver", takes(1, 1, "the id of a message; see postern held list"), nil)
	cmd.Flags().StringSliceVar(&d.to, "to", nil, "only for these recipients (default: all that wait)")
	cmd.Flags().StringVar(&d.comment, "comment", "", "kept in the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.decide(cmd, args[0], d) }
	return p.withConfig(cmd)
}

func (p *program) releaseVerb() *cobra.Command {
	d := decision{verb: "held-release", done: "released"}
	cmd := p.verb("release ID", "Let held mail go, as an administrator", takes(1, 1, "the id of a message; see postern held list"), nil)
	cmd.Flags().StringSliceVar(&d.to, "to", nil, "only for these recipients (default: all that wait)")
	cmd.Flags().StringVar(&d.comment, "comment", "", "kept in the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.decide(cmd, args[0], d) }
	return p.withConfig(cmd)
}

func (p *program) rejectVerb() *cobra.Command {
	d := decision{verb: "held-reject", done: "refused"}
	cmd := p.verb("reject ID", "Refuse held mail; its sender is told", takes(1, 1, "the id of a message; see postern held list"), nil)
	cmd.Flags().StringSliceVar(&d.to, "to", nil, "only for these recipients (default: all that wait)")
	cmd.Flags().StringVar(&d.comment, "comment", "", "what the sender reads, and the record keeps")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return p.decide(cmd, args[0], d) }
	return p.withConfig(cmd)
}

func (p *program) decide(cmd *cobra.Command, name string, d decision) error {
	call := app.Call{Comment: d.comment}
	for _, s := range d.to {
		a, err := mail.ParseAddress(s)
		if err != nil {
			return wrong("--to: %q is not an address: %v", s, err)
		}
		call.To = append(call.To, a)
	}
	var err error
	if call.Message, err = p.heldID(cmd, name); err != nil {
		return err
	}
	ans, err := p.change(cmd, d.verb, call)
	if err != nil {
		return err
	}
	if p.json {
		return p.document(map[string]any{"message": call.Message, "decision": d.done, "recipients": ans.Number, "notes": ans.Lines})
	}
	for _, line := range ans.Lines {
		p.say("%s: %s", call.Message, line)
	}
	if ans.Number == 0 {
		return nil
	}
	p.say("%s: %s for %s", call.Message, d.done, many(int(ans.Number), "recipient"))
	return nil
}

// record shows the record of a message.
func (p *program) record(m audit.Message) {
	p.line(p.paint(bold, oneLine(m.ID)) + printable("  "+m.Ref))
	for _, row := range [][2]string{
		{"tenant", m.Tenant}, {"received", when(m.Received)}, {"from", string(m.From)}, {"subject", m.Subject},
		{"message-id", m.MessageID}, {"kind", m.Kind + " " + m.Mode}, {"taken", string(m.Way)},
		{"size", fmt.Sprintf("%d octets", m.Size)}, {"inspected", m.Inspected}, {"policy", m.Policy},
		{"forged", strings.Join(m.Forged, ", ")}, {"modified", strings.Join(m.Modified, ", ")}, {"problem", m.Problem},
	} {
		if strings.TrimSpace(row[1]) != "" {
			p.line(fmt.Sprintf("  %-11s", row[0]) + oneLine(row[1]))
		}
	}
	for _, f := range m.Findings {
		where := strings.Trim(f.Name+", "+f.Place, ", ")
		p.line(oneLine(fmt.Sprintf("  found      %d × %s (%s) in %s %s: %s", f.Count, f.Type, f.Confidence, place(f.Part), where, f.Sample)))
	}
	for _, u := range m.Unseen {
		p.line(oneLine(fmt.Sprintf("  not seen   %s %s: %s", place(u.Part), u.Name, u.Reason)))
	}
	for _, x := range m.Recipients {
		p.line(oneLine(fmt.Sprintf("  to         %s: %s, %s %s", x.Address, x.Verdict, x.Delivery, x.Because)))
	}
	start := m.Received
	for _, s := range m.Steps {
		p.line(oneLine(fmt.Sprintf("  %-10s %s %s", "+"+s.At.Sub(start).Round(time.Microsecond).String(), s.Name, s.Detail)))
	}
}

// heldID is the id of a message that somebody calls by its id, its reference or
// its Message-ID. Users of roles cannot read the record, only the socket: they
// write the id.
func (p *program) heldID(cmd *cobra.Command, name string) (id string, err error) {
	err = p.reading(cmd, func(r *app.Reader) error {
		m, err := r.Find(cmd.Context(), name)
		id = m.ID
		return err
	})
	if errors.Is(err, fs.ErrPermission) {
		return name, nil
	}
	return id, err
}
