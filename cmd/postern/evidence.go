package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) evidenceVerb() *cobra.Command {
	return p.group("evidence", "Copies that a policy keeps (copy: { keep: 90d })", p.evidenceListVerb(), p.evidenceShowVerb(),
		p.evidenceExportVerb(), p.evidencePinVerb("pin"), p.evidencePinVerb("unpin"))
}

func (p *program) evidenceListVerb() *cobra.Command {
	var call app.Call
	cmd := p.verb("list", "List the copies that are kept", takes(0, 0, "nothing"), nil)
	cmd.Flags().StringVar(&call.Tenant, "tenant", "", "only of this tenant")
	cmd.Flags().BoolVar(&call.All, "gone", false, "those whose time is over instead")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ans, err := p.change(cmd, "evidence-list", call)
		if err != nil {
			return err
		}
		if p.json {
			return p.document(ans.Evidence)
		}
		var rows [][]cell
		for _, c := range ans.Evidence {
			until := when(c.Until)
			switch {
			case !c.Ended.IsZero():
				until = "gone since " + when(c.Ended)
			case c.Pinned != nil:
				until = "pinned by " + c.Pinned.By
			}
			rows = append(rows, []cell{
				{c.Message, plain}, {c.Ref, plain}, {c.Tenant, plain}, {when(c.Kept), plain}, {until, plain}, {fmt.Sprint(c.Size), plain},
			})
		}
		if len(rows) == 0 {
			p.say("nothing is kept")
			return nil
		}
		p.table([]string{"message", "ref", "tenant", "kept", "until", "octets"}, rows)
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) evidenceShowVerb() *cobra.Command {
	cmd := p.verb("show MESSAGE", "Show what is known of a copy, and who has read it", takes(1, 1, "our id of a message"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ans, err := p.change(cmd, "evidence-show", app.Call{Message: args[0]})
		if err != nil {
			return err
		}
		if p.json {
			return p.document(struct {
				Copies any `json:"copies"`
				Access any `json:"access"`
			}{ans.Evidence, ans.Accesses})
		}
		for _, c := range ans.Evidence {
			p.say("%s  %s: %d octets, kept %s until %s, for %v", c.Message, c.Tenant, c.Size, when(c.Kept), when(c.Until), c.Rules)
			if c.Pinned != nil {
				p.say("pinned by %s at %s: %s", c.Pinned.By, when(c.Pinned.At), c.Pinned.Why)
			}
		}
		for _, a := range ans.Accesses {
			p.line(oneLine(fmt.Sprintf("  %s  %s by %s %s %s", when(a.At), a.What, a.Actor, a.Public, a.Why)))
		}
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) evidenceExportVerb() *cobra.Command {
	var call app.Call
	var out, key string
	cmd := p.verb("export MESSAGE", "Write a copy to a file", takes(1, 1, "our id of a message"), nil)
	cmd.Long = "Bring the private key of the role evidence with --key, or let somebody else confirm an emergency before:\n" +
		"postern emergency ask. That it was read stands in the audit chain before the first octet is written."
	cmd.Flags().StringVar(&out, "out", "", "the new file")
	cmd.Flags().StringVar(&key, "key", "", "a file with the private key of the role")
	cmd.Flags().StringVar(&call.Reason, "reason", "", "why, for the access log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		call.Message = args[0]
		if key != "" {
			text, err := os.ReadFile(key)
			if err != nil {
				return wrong("--key: %v", err)
			}
			call.Keys = string(text)
		}
		return p.fetch(cmd, "evidence-export", call, out)
	}
	return p.withConfig(cmd)
}

// fetch writes content to a new file that only its user may read.
func (p *program) fetch(cmd *cobra.Command, verb string, call app.Call, out string) error {
	if out == "" {
		return wrong("%s needs --out FILE", cmd.CommandPath())
	}
	c, err := p.load()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return wrong("--out: %v", err)
	}
	err = app.Fetch(cmd.Context(), c, verb, call, f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(out) // there is nothing in it, or half of it
		return refusal(err)
	}
	p.say("written: %s", out)
	return nil
}

func (p *program) evidencePinVerb(name string) *cobra.Command {
	var call app.Call
	short := "Keep a copy beyond its time, for a dispute"
	if name == "unpin" {
		short = "Let the time of a copy count again"
	}
	cmd := p.verb(name+" MESSAGE", short, takes(1, 1, "our id of a message"), nil)
	cmd.Flags().StringVar(&call.Reason, "reason", "", "why, for the access log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		call.Message = args[0]
		if _, err := p.change(cmd, "evidence-"+name, call); err != nil {
			return err
		}
		p.say("%s: %sned", args[0], name)
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) emergencyVerb() *cobra.Command {
	return p.group("emergency", "Read held mail or evidence, by two persons together", p.emergencyAskVerb(), p.emergencyConfirmVerb(),
		p.emergencyListVerb(), p.emergencyReadVerb())
}

func (p *program) emergencyAskVerb() *cobra.Command {
	var call app.Call
	cmd := p.verb("ask MESSAGE", "Ask that a message is opened for you; somebody else must confirm it", takes(1, 1, "our id of a message"), nil)
	cmd.Long = "Both of you stand in the audit chain with the reason, and the sender of a held message sees it. Persons are told\n" +
		"apart by their user on this machine: one uses the gateway's user, the other root."
	cmd.Flags().StringVar(&call.Reason, "reason", "", "why, for the record")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		call.Message = args[0]
		ans, err := p.change(cmd, "emergency-ask", call)
		if err != nil {
			return err
		}
		return p.emergencies(ans, "somebody else confirms it with: postern emergency confirm %s")
	}
	return p.withConfig(cmd)
}

func (p *program) emergencyConfirmVerb() *cobra.Command {
	cmd := p.verb("confirm ID", "Confirm, as the second person, that a message may be opened", takes(1, 1, "the id of an emergency"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ans, err := p.change(cmd, "emergency-confirm", app.Call{Message: args[0]})
		if err != nil {
			return err
		}
		return p.emergencies(ans, "confirmed: %s; it may be read for an hour")
	}
	return p.withConfig(cmd)
}

func (p *program) emergencyListVerb() *cobra.Command {
	cmd := p.verb("list MESSAGE", "List who asked that a message is opened, and who confirmed", takes(1, 1, "our id of a message"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ans, err := p.change(cmd, "emergency-list", app.Call{Message: args[0]})
		if err != nil {
			return err
		}
		return p.emergencies(ans, "")
	}
	return p.withConfig(cmd)
}

func (p *program) emergencyReadVerb() *cobra.Command {
	var out string
	cmd := p.verb("read MESSAGE", "Write a held message to a file, in an emergency that is confirmed", takes(1, 1, "our id of a message"), nil)
	cmd.Flags().StringVar(&out, "out", "", "the new file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.fetch(cmd, "emergency-read", app.Call{Message: args[0]}, out)
	}
	return p.withConfig(cmd)
}

func (p *program) emergencies(ans app.Answer, then string) error {
	if p.json {
		return p.document(ans.Emergencies)
	}
	var b bytes.Buffer
	for _, e := range ans.Emergencies {
		b.Reset()
		fmt.Fprintf(&b, "%s  asked by %s at %s: %s", e.ID, e.Asked, when(e.At), e.Why)
		if e.Confirmed != "" {
			fmt.Fprintf(&b, "; confirmed by %s at %s", e.Confirmed, when(e.ConfirmedAt))
		}
		p.line(oneLine(b.String()))
		if then != "" {
			p.say(then, e.ID)
		}
	}
	return nil
}
