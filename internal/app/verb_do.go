package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"postern.dev/postern/internal/durable"
)

// ErrNotRunning says that a verb needs a running gateway.
var ErrNotRunning = errors.New("no gateway is running with this configuration")

// RedAnswer is the error of a verb whose object is not all right, though it
// was used rightly.
type RedAnswer struct{ Text string }

func (e *RedAnswer) Error() string { return e.Text }

// Change lets the running gateway carry a verb out, or does so itself when
// none runs, under the lock that keeps the data folder to one process.
func Change(ctx context.Context, c *Config, verb string, call Call) (ans Answer, running bool, err error) {
	ans, running, err = Ask(ctx, c, verb, call)
	if err != nil {
		return ans, running, fmt.Errorf("the running gateway at %s: %w", c.adminSocket(), err)
	}
	if running {
		return ans, true, problemOf(ans)
	}
	actor := "uid:" + strconv.Itoa(os.Getuid())
	if verb == "apply" && call.DryRun {
		v, err := dryRun(ctx, c, change{paths: call.Paths, actor: actor, reason: call.Reason, dryRun: true})
		return Answer{Version: &v}, false, redOf(err)
	}
	a, err := Open(ctx, c, World{Log: quietLog()})
	if errors.Is(err, durable.ErrLocked) {
		return ans, false, fmt.Errorf("%w; it runs, but does not answer at %s", err, c.adminSocket())
	}
	if err != nil {
		return ans, false, err
	}
	ans, err = a.Do(ctx, verb, call, actor)
	return ans, false, errors.Join(redOf(err), a.Close())
}

// Running lets the running gateway carry a verb out.
func Running(ctx context.Context, c *Config, verb string, call Call) (Answer, error) {
	ans, running, err := Ask(ctx, c, verb, call)
	switch {
	case err != nil:
		return ans, fmt.Errorf("the running gateway at %s: %w", c.adminSocket(), err)
	case !running:
		return ans, ErrNotRunning
	}
	return ans, problemOf(ans)
}

func problemOf(ans Answer) error {
	switch {
	case ans.Problem == "":
		return nil
	case ans.Red:
		return &RedAnswer{ans.Problem}
	}
	return errors.New(strings.TrimPrefix(ans.Problem, "app: "))
}

func redOf(err error) error {
	var tests *RedError
	if errors.As(err, &tests) {
		return &RedAnswer{tests.Error()}
	}
	return err
}
