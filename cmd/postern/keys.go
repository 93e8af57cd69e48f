package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) keysVerb() *cobra.Command {
	return p.group("keys", "Keys that wrap the keys of bodies", p.keysListVerb(), p.keysRotateVerb(), p.keysRewrapVerb(), p.keysRetireVerb())
}

func (p *program) keysListVerb() *cobra.Command {
	cmd := p.verb("list", "Show which keys there are, by role, and how many bodies each opens", takes(0, 0, "nothing"), nil)
	cmd.Long = "Keys are named by a hash of their public half. A key that opens 0 bodies and is not the current one can be\n" +
		"retired. docs/how-to/keys.md says what each role can open."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ans, err := p.change(cmd, "keys-list", app.Call{})
		if err != nil {
			return err
		}
		if p.json {
			return p.document(ans.Keys)
		}
		var rows [][]cell
		for _, k := range ans.Keys {
			id, state, from := k.ID, "former", k.From
			if id == "" {
				id = "(in the files)"
			}
			if k.Current {
				state = "current"
			}
			switch {
			case !k.Here:
				from = "not on this machine"
			case k.Own:
				from += ", the role's own"
			}
			rows = append(rows, []cell{{string(k.Role), plain}, {id, plain}, {state, plain}, {from, plain}, {strconv.Itoa(k.Bodies), plain}})
		}
		p.table([]string{"role", "key", "state", "from", "bodies"}, rows)
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) keysRotateVerb() *cobra.Command {
	cmd := p.verb("rotate", "Put a new key in front of the others of the key file", takes(0, 0, "nothing"), nil)
	cmd.Long = "New bodies are wrapped under it at once, also by a running gateway. Old ones can still be read; keys rewrap\n" +
		"wraps them anew, and keys retire then removes the old keys. Copy the key file to its safe place before that."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if _, err := p.change(cmd, "keys-rotate", app.Call{}); err != nil {
			return err
		}
		p.say("a new key wraps from now on; keep a copy of the key file, then run: postern keys rewrap")
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) keysRewrapVerb() *cobra.Command {
	cmd := p.verb("rewrap", "Wrap the keys of all bodies under the current keys", takes(0, 0, "nothing"), nil)
	cmd.Long = "The keys are read anew from where they come from. It may be stopped and run again: what is done is done, and\n" +
		"every body can be read meanwhile. Run it too after a role got a key of its own."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ans, err := p.change(cmd, "keys-rewrap", app.Call{})
		if p.json && err == nil {
			return p.document(ans.Lines)
		}
		for _, line := range ans.Lines {
			p.say("%s", line)
		}
		return err
	}
	return p.withConfig(cmd)
}

func (p *program) keysRetireVerb() *cobra.Command {
	cmd := p.verb("retire", "Remove the keys that open nothing any more from the key file", takes(0, 0, "nothing"), nil)
	cmd.Long = "Backups from before keys rewrap can then be opened only with a copy of the old key file: destroy those copies\n" +
		"where such backups must not be readable any more. What the audit chain and hashes need of old keys stays."
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ans, err := p.change(cmd, "keys-retire", app.Call{})
		if err != nil {
			return err
		}
		if p.json {
			return p.document(struct {
				Retired int64 `json:"retired"`
			}{ans.Number})
		}
		p.say("retired: %s", many(int(ans.Number), "key"))
		return nil
	}
	return p.withConfig(cmd)
}
