package app

import (
	"context"
	"errors"
	"net"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
)

func (a *App) work() {
	if a.Tasks != nil {
		a.Tasks.Wake()
	}
}

func (a *App) claim(tenant, hop string) *task.Claim {
	if a.Tasks == nil {
		return nil
	}
	return a.Tasks.Claim(tenant, hop)
}

func (a *App) wake() {
	a.work()
	for _, c := range []chan struct{}{a.tend, a.post} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Dead gives one error when the process must end: a failed fsync, or a COMMIT
// whose outcome nobody knows.
func (a *App) Dead() <-chan error { return a.fatal }

func (a *App) die(err error) {
	select {
	case a.fatal <- err:
	default: // dead already
	}
}

// Start runs everything that does not listen: what a crash left is swept and
// listed, tasks and deadlines are worked on.
func (a *App) Start(ctx context.Context) error {
	a.started = time.Now()
	a.console = a.newConsole()
	if err := a.startClock(ctx, a.started); err != nil {
		return err
	}
	if err := a.Recover(ctx); err != nil {
		return err
	}
	ctx, a.stop = context.WithCancel(ctx)
	a.run(func() {
		if err := a.Tasks.Run(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("the task runner ended", telemetry.KeyCode, problem.RunnerEnded, telemetry.KeyError, err)
		}
	})
	a.run(func() { a.Gateway.Tend(ctx, a.tend) })
	a.run(func() { a.Gateway.Mailing(ctx, a.post) })
	a.run(func() { a.Gateway.Bulks(ctx, a.bulk) })
	a.run(func() { a.housekeeping(ctx) })
	a.run(func() { a.watchDirectories(ctx) })
	a.watch()
	return nil
}

// watch hears of the death of the store until Close, that is also while
// Shutdown drains.
func (a *App) watch() {
	a.closing = make(chan struct{})
	a.run(func() {
		select {
		case err, open := <-a.DB.Dead():
			if open {
				a.die(err)
			}
		case <-a.closing:
		}
	})
}

func (a *App) run(fn func()) {
	a.running.Add(1)
	go func() {
		defer a.running.Done()
		fn()
	}()
}

// Serve takes mail on a listener until it is closed.
func (a *App) Serve(ln net.Listener) {
	a.taking.Store(true)
	a.run(func() { _ = a.SMTP.Serve(ln) })
}

// Shutdown drains: no new connections, running transactions end, tasks that
// run are waited for; what is due meanwhile waits for the next start.
func (a *App) Shutdown(ctx context.Context) error {
	var errs []error
	a.taking.Store(false)
	if a.stop != nil {
		a.stop()
	}
	if a.SMTP != nil {
		errs = append(errs, a.SMTP.Shutdown(ctx))
	}
	for _, s := range a.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	errs = append(errs, a.Close())
	return errors.Join(errs...)
}

// lastWrites is how long Close waits for messages that are being taken when
// their connections are cut, so that what they write is whole. One that waits
// for the next hop's last answer waits longer: its intent is in the store.
const lastWrites = 5 * time.Second

// Close stops what runs and closes every room, in the order that loses
// nothing. Its error is that of the store too, when it has died meanwhile.
func (a *App) Close() error {
	if a.SMTP != nil {
		a.SMTP.Close()
		limited, cancel := context.WithTimeout(context.Background(), lastWrites)
		_ = a.SMTP.Wait(limited) // then they are cut
		cancel()
	}
	for _, s := range a.servers {
		_ = s.Close() // what Shutdown has drained is closed already
	}
	if a.stop != nil {
		a.stop()
	}
	if a.closing != nil {
		a.once.Do(func() { close(a.closing) })
	}
	a.running.Wait()
	if a.Gateway != nil {
		a.Gateway.Wait()
	}
	if a.looker != nil {
		a.looker.Close()
	}
	if a.door != nil {
		a.door.Close()
	}
	var err error
	if a.DB != nil {
		err = errors.Join(a.DB.Close(), a.lastWords())
	}
	if a.lock != nil {
		err = errors.Join(err, a.lock.Close())
	}
	return err
}

// lastWords is why the process had to end, when nobody has heard it yet.
func (a *App) lastWords() error {
	select {
	case err := <-a.fatal:
		return err
	default:
	}
	select {
	case err := <-a.DB.Dead(): // nil when it was heard
		return err
	default:
		return nil
	}
}
