package main

import (
	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) consoleVerb() *cobra.Command {
	link := p.verb("link", "Make a link that opens the console once, within 15 minutes", takes(0, 0, ""),
		func(cmd *cobra.Command, _ []string) error {
			ans, err := p.ask(cmd, "console-link", app.Call{})
			if err != nil {
				return err
			}
			if ans.Link == "" {
				return wrong("the console is off; set console.listen in %s", p.config)
			}
			if p.json {
				return p.document(map[string]string{"link": ans.Link})
			}
			p.say("%s", ans.Link)
			return nil
		})
	return p.group("console", "The pages for administrators", p.withConfig(link))
}
