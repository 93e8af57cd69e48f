package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

// demoConsole is where the demo's console listens; the next free port when
// it is taken.
const demoConsole = "127.0.0.1:8025"

func (p *program) demoVerb() *cobra.Command {
	var once bool
	var console string
	var o app.DemoOptions
	cmd := p.verb("demo", "The whole loop on this machine, against a pretend tenant of Exchange Online", takes(0, 0, ""),
		func(cmd *cobra.Command, _ []string) error {
			if err := ownMachine(console); err != nil {
				return err
			}
			if !once && console != "off" {
				o.Console = console
			}
			d, err := app.RunDemo(cmd.Context(), o)
			defer func() { _ = d.Close() }()
			if err != nil {
				return red("demo: %v", err)
			}
			if p.json {
				if err := p.document(d.Rows); err != nil {
					return err
				}
			} else {
				d.Print(p.out, p.demoPaint)
			}
			if !once {
				p.waitAtConsole(cmd.Context(), d)
			}
			return demoEnd(d)
		})
	cmd.Flags().StringVar(&console, "console", demoConsole, "where the console listens, on this machine; a free port when it is taken; or off")
	cmd.Flags().BoolVar(&once, "once", false, "end after the samples; exit 0 only if every one had its expected outcome")
	cmd.Flags().StringVar(&o.Dir, "data", "", "keep the data in this folder (default: a temporary one, removed at the end)")
	return cmd
}

// ownMachine refuses a console that others could reach: nobody signs in.
func ownMachine(address string) error {
	if address == "off" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return wrong("--console: %q is not host:port; write for example 127.0.0.1:8026, or off", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return wrong("--console: %s is not on loopback; write for example 127.0.0.1:8026 and use a tunnel", address)
	}
	return nil
}

func demoEnd(d *app.Demo) error {
	if d.Ok() {
		return nil
	}
	for _, r := range d.Rows {
		if !r.Ok {
			return red("sample %s did not end as expected: %s", r.Sample, r.Wrong[0])
		}
	}
	return red("the mail balance is not 0: %s", d.Balance[0])
}

// waitAtConsole leaves the console open until Ctrl-C.
func (p *program) waitAtConsole(ctx context.Context, d *app.Demo) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(stop)
	link := d.House.App.ConsoleLink(uint32(os.Getuid()))
	if link == "" {
		fmt.Fprintln(p.errs, "\nCtrl-C ends the demo.")
		<-stop
		return
	}
	fmt.Fprintf(p.errs, "\nThe console is open (this link works once):\n  %s\n", link)
	if about, page := d.Waiting(ctx); page != "" {
		fmt.Fprintf(p.errs, "The mail %q waits for its sender's manager. Be the manager; the code comes to his mailbox, which is shown here:\n  %s\n",
			about, page)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go d.Watch(ctx, func(subject, text string) {
			fmt.Fprintf(p.errs, "\nIn the manager's mailbox: %s\n%s\n", subject, indent(text))
		})
	}
	fmt.Fprintln(p.errs, "Ctrl-C ends the demo.")
	<-stop
}

// indent sets a mail's text off.
func indent(text string) string {
	return "  | " + strings.Join(strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n"), "\n  | ")
}

func (p *program) demoPaint(kind, text string) string {
	return p.paint(map[string]color{"good": green, "bad": alarm, "dim": dim, "bold": bold}[kind], text)
}
