package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/heap"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// drain is how long a stop waits for transactions that are under way: less
// than the 90 seconds of most service managers.
const drain = 75 * time.Second

func (p *program) serveVerb() *cobra.Command {
	cmd := p.verb("serve", "Run the gateway", takes(0, 0, ""), func(cmd *cobra.Command, _ []string) error {
		c, err := p.load()
		if err != nil {
			return err
		}
		a, err := app.Open(cmd.Context(), c, app.World{})
		if err != nil {
			return refusal(err)
		}
		return p.serve(cmd.Context(), a)
	})
	cmd.Long = "Runs until SIGTERM or SIGINT, which let running transactions end. SIGHUP reads the tenants and\n" +
		"policies again. Under systemd, Type=notify is told when the gateway is ready."
	return p.withConfig(cmd)
}

// serve runs a gateway until a signal, or until its store is dead: what is in
// memory may then not be what is on the disk, and only a new start can tell.
func (p *program) serve(ctx context.Context, a *app.App) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := a.Listen(ctx); err != nil {
		return errors.Join(err, a.Shutdown(ctx)) // a part of it listens already
	}
	// A hundred messages of 1 MiB in memory would grow by as much again, but
	// there is little to look at in them.
	heap.Set(heap.Growth{Most: 100, Least: 25, Step: 32 << 20})
	spareProcessor()
	notify("READY=1")
	switch link := a.ConsoleLink(uint32(os.Getuid())); {
	case link == "":
	case terminal(p.errs):
		p.note("The console opens once, within 15 minutes, with %s\n(later: postern console link)", link)
	default: // a journal keeps what it is told, and others may read it
		p.note("A link that opens the console: postern console link -c %s", p.config)
	}
	for {
		select {
		case err := <-a.Dead():
			return dead(a, err)
		case s := <-signals:
			if s == syscall.SIGHUP {
				reload(ctx, a)
				continue
			}
			notify("STOPPING=1")
			a.Log.Info("draining")
			return p.drain(a)
		}
	}
}

// drain lets running transactions end. A store that dies meanwhile ends the
// process at once: nothing more may be promised.
func (p *program) drain(a *app.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.Shutdown(ctx) }()
	select {
	case err := <-a.Dead():
		return dead(a, err)
	case err := <-done:
		return err
	}
}

func dead(a *app.App, err error) error {
	a.Log.Error("the store is dead; the process ends", telemetry.KeyCode, problem.StoreDead, telemetry.KeyError, err)
	return red("the store is in an unknown state: %v", err)
}

func reload(ctx context.Context, a *app.App) {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // cannot fail for this clock
	notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
	defer notify("READY=1")
	v, err := a.Reload(ctx, "SIGHUP")
	if err != nil {
		a.Log.Error("reload failed; the last good state stays", telemetry.KeyCode, problem.ApplyFailed, telemetry.KeyError, err)
		return
	}
	a.Log.Info("reloaded", telemetry.KeyCount, v.Version)
}

// notify tells the service manager, when there is one: sd_notify(3). A name
// that begins with "@" is in the abstract namespace.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return // a gateway that runs is worth more than a manager that knows
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}
