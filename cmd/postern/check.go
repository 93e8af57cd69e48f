package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) checkVerb() *cobra.Command {
	var o app.CheckOptions
	cmd := p.verb("check", "Read everything that a gateway needs and say all that is wrong at once", takes(0, 0, ""),
		func(cmd *cobra.Command, _ []string) error {
			o.Now = time.Now()
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			return p.checked(app.Relative(app.Check(cmd.Context(), p.config, o), dir))
		})
	cmd.Long = "Reads the configuration, certificates, keys, the store, tenants and policies, and runs the policies'\n" +
		"tests. It changes nothing and may run beside a gateway. 2: a mistake; 1: only tests are red; 0: at most warnings."
	cmd.Flags().BoolVar(&o.DNS, "dns", false, "ask the DNS for the hosts to which mail goes back")
	cmd.Flags().BoolVar(&o.InProcess, "in-process", false, "look into the tests' messages in this process, for debugging")
	return p.withConfig(cmd)
}

type checkResult struct {
	OK      bool         `json:"ok"`
	Remarks []app.Remark `json:"remarks"`
}

func (p *program) checked(list []app.Remark) error {
	count := map[app.Level]int{}
	for _, r := range list {
		count[r.Level]++
	}
	bad := count[app.LevelMistake] + count[app.LevelRed]
	if p.json {
		if list == nil {
			list = []app.Remark{}
		}
		if err := p.document(checkResult{bad == 0, list}); err != nil {
			return err
		}
	} else {
		p.remarks(list)
	}
	switch {
	case count[app.LevelMistake] > 0:
		return wrong("%s in all: %s cannot be used like this", many(bad, "mistake"), p.config)
	case bad > 0:
		return red("%s of the policies failed", many(bad, "test"))
	}
	if !p.json {
		p.say("%s is all right", p.config)
	}
	return nil
}

func (p *program) remarks(list []app.Remark) {
	colors := map[app.Level]color{
		app.LevelMistake: alarm, app.LevelRed: alarm, app.LevelWarning: yellow, app.LevelNote: dim,
	}
	for _, r := range list {
		text := printable(r.Place + ": " + r.Text)
		if r.Suggestion != "" {
			text += printable(" (" + r.Suggestion + ")")
		}
		p.line(p.paint(colors[r.Level], string(r.Level)) + ": " + text)
	}
}
