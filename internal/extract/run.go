package extract

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// child is a process, seen from its parent.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	from   *os.File      // what it sends
	out    *bufio.Reader // the same by way of Read
	buf    []byte        // of the frame that was read last
	gone   chan struct{} // closed by kill
	once   sync.Once
	jobs   int
	since  time.Time // idle since
	board  *board
	shared []byte // what was sent for all jobs
	watch  *watch // of the job that runs
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// Read waits for what the child sends, and looks after the job meanwhile.
func (c *child) Read(p []byte) (int, error) {
	for {
		n, err := c.from.Read(p)
		if n > 0 || c.watch == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := c.watch.beat(time.Now()); err != nil {
			return 0, err
		}
	}
}

// step is what stands on the board; the zero Step without one.
func (c *child) step() Step {
	if c.board == nil {
		return Step{}
	}
	return c.board.step()
}

// moves changes with every step.
func (c *child) moves() uint32 {
	if c.board == nil {
		return 0
	}
	return c.board.moves().Load()
}

// alive reports whether an idle child has not ended and not spoken.
func (c *child) alive() bool { return c.out.Buffered() == 0 && silent(c.from) }

// kill ends the child and everything it started. It may be called twice.
func (c *child) kill() {
	c.once.Do(func() {
		killGroup(c.pid())
		_ = c.in.Close()
		close(c.gone)
		go func() { _ = c.cmd.Wait() }()
	})
}

// maxRecords and maxRecordBytes bound what one job may answer.
const (
	maxRecords     = 200_000
	maxRecordBytes = 64 << 20
)

// run does one job. After an error the child must be killed. As a rule the
// whole job is laid out before the child is told of it, and one goroutine does
// everything; of a job that is too large for that, another one takes the
// answers while this one feeds, so that neither side waits for the other.
func (c *child) run(ctx context.Context, j Job, conf Config) error {
	if c.board != nil {
		c.board.wipe()
	}
	c.watch = newWatch(ctx, c, j, conf)
	defer func() { c.watch = nil }()
	var end chan error
	fed := make(chan struct{})
	t := newTray(c, func() {
		end = make(chan error, 1)
		go func() { end <- c.attend(fed) }()
	})
	c.feed(t, j)
	close(fed)
	if end != nil {
		return <-end
	}
	return c.watch.answers()
}

// attend takes the answers to a job that is still fed. A child that says that
// it is done has read everything.
func (c *child) attend(fed chan struct{}) error {
	err := c.watch.answers()
	if err != nil {
		c.kill() // frees the feed, which may wait for the child
		return err
	}
	late := time.NewTimer(c.watch.conf.Step)
	defer late.Stop()
	select {
	case <-fed:
		return nil
	case <-late.C:
		c.kill()
		return c.watch.death(Garbage)
	}
}

// watch is what the parent knows about a running job.
type watch struct {
	c       *child // nil in tests of take
	ctx     context.Context
	until   time.Time // when ctx ends; zero: never
	job     Job
	conf    Config
	every   time.Duration // between two beats
	moved   time.Time     // when the last step began, about
	step    Step
	moves   uint32
	records int
	octets  int
}

func newWatch(ctx context.Context, c *child, j Job, conf Config) *watch {
	w := &watch{
		c: c, ctx: ctx, job: j, conf: conf, every: min(50*time.Millisecond, conf.Step/4+1),
		moved: time.Now(), moves: c.moves(),
	}
	w.until, _ = ctx.Deadline()
	w.rest(w.moved)
	return w
}

// rest says when the next beat is.
func (w *watch) rest(now time.Time) {
	next := now.Add(w.every)
	if !w.until.IsZero() && w.until.Before(next) {
		next = w.until
	}
	_ = w.c.from.SetReadDeadline(next) // it worked when the child was greeted
}

// beat looks whether the job may go on.
func (w *watch) beat(now time.Time) error {
	if moves := w.c.moves(); moves != w.moves {
		w.moves, w.moved = moves, now
	}
	switch {
	case now.Sub(w.moved) >= w.conf.Step:
		return w.death(TookTooLong)
	case w.ctx.Err() != nil || !w.until.IsZero() && !now.Before(w.until):
		return w.death(OutOfTime)
	case resident(w.c.pid()) > w.conf.Memory*raceFactor:
		return w.death(OutOfMemory)
	}
	w.rest(now)
	return nil
}

// answers takes frames until the job is done, or the child must die.
func (w *watch) answers() error {
	for {
		kind, payload, err := readFrame(w.c.out, fromChild, &w.c.buf)
		if done, err := w.take(frame{kind, payload, err}); done || err != nil {
			return err
		}
	}
}

// death ends a job. The child is stopped first, so that what stands on its
// board is what it died of; garbage belongs to the step that travelled before
// it.
func (w *watch) death(why Cause) error {
	if w.c == nil || w.c.board == nil || why == Garbage {
		return &Death{Cause: why, Step: w.step}
	}
	w.c.kill()
	return &Death{Cause: why, Step: w.c.step()}
}

// frame is what the child sent.
type frame struct {
	kind    byte
	payload []byte
	err     error
}

// take handles one frame of the child.
func (w *watch) take(f frame) (done bool, err error) {
	var death *Death
	switch {
	case errors.As(f.err, &death):
		return false, death
	case errors.Is(f.err, ErrWire):
		return false, w.death(Garbage)
	case f.err != nil:
		return false, w.death(Crashed)
	}
	switch f.kind {
	case frameStep:
		step, err := parseStep(f.payload)
		if err != nil {
			return false, w.death(Garbage)
		}
		w.step, w.moved = step, time.Now()
	case frameRecord:
		w.records++
		w.octets += len(f.payload)
		if w.records > maxRecords || w.octets > maxRecordBytes || w.job.Record(f.payload) != nil {
			return false, w.death(Garbage)
		}
	case frameDone:
		return true, nil
	default:
		return false, w.death(Garbage)
	}
	return false, nil
}
