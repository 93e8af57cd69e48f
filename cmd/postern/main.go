// Command postern is the e-mail security gateway: the gateway itself (serve),
// and everything that an administrator does with it.
//
// It keeps one law for all verbs: with --json there is one JSON document (or
// JSON Lines for lists) on standard output and nothing else; messages for
// people go to standard error; the exit code is 0 when it is done or clean, 1
// when the thing looked at is not all right, and 2 for wrong use or wrong
// configuration, always with the place and a suggestion.
//
// It knows nothing of mail of its own: each verb is a few lines around a
// room.
//
// Standards: none of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/look"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == look.ChildArgument {
		os.Exit(look.Child())
	}
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		loosen()
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but its process.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	p := &program{in: in, out: out, errs: errs}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	return p.exit(root.ExecuteContext(context.Background()))
}

// program is what every verb has: where it reads and writes, and how.
type program struct {
	in        io.Reader
	out, errs io.Writer
	json      bool
	config    string
}

func (p *program) root() *cobra.Command {
	root := p.group("postern", "Look into a Microsoft 365 tenant's mail, decide, and hand it back")
	root.Long = "Postern takes mail from Exchange Online, looks into it, decides, and hands it back.\n\n" +
		"Exit codes: 0 done or clean; 1 what was looked at is not all right; 2 wrong use or configuration."
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolVar(&p.json, "json", false, "print JSON on standard output, and nothing else there")
	root.AddCommand(
		p.serveVerb(), p.checkVerb(), p.inspectVerb(), p.extractVerb(), p.detectVerb(), p.detectorsVerb(), p.packsVerb(),
		p.noticesVerb(), p.edmVerb(), p.fingerprintVerb(),
		p.policyVerb(), p.exceptionsVerb(), p.applyVerb(), p.reloadVerb(), p.heldVerb(), p.queueVerb(), p.auditVerb(),
		p.tenantVerb(), p.directoryVerb(), p.contactsVerb(), p.keysVerb(), p.evidenceVerb(), p.emergencyVerb(), p.retentionVerb(),
		p.consoleVerb(), p.versionVerb(), p.demoVerb(),
	)
	return root
}

// exit says what went wrong and turns it into the code of the process.
func (p *program) exit(err error) int {
	if err == nil {
		return 0
	}
	var e *ending
	if !errors.As(err, &e) {
		e = &ending{code: 2, why: err.Error()}
	}
	if e.why != "" {
		fmt.Fprintf(p.errs, "postern: %s\n", printable(roomless(e.why)))
	}
	return e.code
}

// roomless takes off the names of rooms with which errors begin: they are for
// those who read the code.
func roomless(s string) string {
	for {
		room, rest, ok := strings.Cut(s, ": ")
		switch {
		case !ok:
			return s
		case slices.Contains([]string{"app", "audit", "contact", "directory", "durable", "gateway", "settings", "spool", "store", "task", "tenant"}, room):
			s = rest
		default:
			return strings.ReplaceAll(s, ": app: ", ": ")
		}
	}
}

// ending is an error with the exit code that it means.
type ending struct {
	code int
	why  string
}

func (e *ending) Error() string { return e.why }

// red ends with 1: what was looked at is not all right.
func red(format string, args ...any) error { return &ending{1, fmt.Sprintf(format, args...)} }

// wrong ends with 2: wrong use or wrong configuration.
func wrong(format string, args ...any) error { return &ending{2, fmt.Sprintf(format, args...)} }

// withConfig gives a verb the flag -c.
func (p *program) withConfig(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVarP(&p.config, "config", "c", "postern.yaml", "the configuration file")
	return cmd
}

// load reads the configuration file.
func (p *program) load() (*app.Config, error) {
	c, err := app.LoadConfig(p.config)
	if errors.Is(err, os.ErrNotExist) {
		return nil, wrong("%s does not exist; name the configuration with -c FILE, or see it work with: postern demo", p.config)
	}
	return c, err
}
