package main

import (
	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) policySchemaVerb() *cobra.Command {
	cmd := p.verb("schema", "Print the JSON Schema of policy and tenant files, for editors", takes(0, 0, "no argument"), nil)
	cmd.Long = "An editor with a YAML language server completes and checks by it, e.g. with a first line\n" +
		"# yaml-language-server: $schema=policy.schema.json in the file."
	cmd.RunE = func(*cobra.Command, []string) error {
		_, err := p.out.Write(app.EditorSchema())
		return err
	}
	return cmd
}
