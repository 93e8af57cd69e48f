package main

import (
	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) contactsVerb() *cobra.Command {
	return p.group("contacts", "What is remembered of who has written to whom", p.contactsForgetVerb())
}

func (p *program) contactsForgetVerb() *cobra.Command {
	var tenant string
	cmd := p.verb("forget ADDRESS", "Erase what is remembered of an address, as a mailbox and as somebody outside",
		takes(1, 1, "an address"), nil)
	cmd.Long = "Its record is another thing: that ends with keep of the tenant."
	cmd.Flags().StringVar(&tenant, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := p.load()
		if err != nil {
			return err
		}
		ans, _, err := app.Change(cmd.Context(), c, "contacts-forget", app.Call{Message: args[0], Tenant: tenant})
		if err != nil {
			return refusal(err)
		}
		if p.json {
			return p.document(struct {
				Erased int64 `json:"erased"`
			}{ans.Number})
		}
		p.say("erased: %s", many(int(ans.Number), "contact"))
		return nil
	}
	return p.withConfig(cmd)
}
