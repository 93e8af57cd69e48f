package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"time"

	"postern.dev/postern/internal/buffers"
)

// child is a process, seen from its parent.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	frames chan frame
	gone   chan struct{} // closed by kill
	once   sync.Once
	jobs   int
	since  time.Time // idle since
	board  *board
	feeds  chan Job      // to the feeder
	sent   chan struct{} // it has fed
	shared []byte        // what was sent for all jobs
	pulse  *time.Timer   // of the job that runs
}

// frame is what the child sent.
type frame struct {
	kind    byte
	payload []byte
	err     error
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// listen reads frames until the child ends, and reaps it.
func (c *child) listen() {
	for {
		var buf []byte
		kind, payload, err := readFrame(c.out, fromChild, &buf)
		select {
		case c.frames <- frame{kind, payload, err}:
		case <-c.gone:
			err = io.EOF
		}
		if err != nil {
			break
		}
	}
	<-c.gone
	_ = c.cmd.Wait()
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
func (c *child) alive() bool {
	select {
	case <-c.frames:
		return false
	default:
		return true
	}
}

// kill ends the child and everything it started. It may be called twice.
func (c *child) kill() {
	c.once.Do(func() {
		killGroup(c.pid())
		_ = c.in.Close()
		close(c.gone)
	})
}

// maxRecords and maxRecordBytes bound what one job may answer.
const (
	maxRecords     = 200_000
	maxRecordBytes = 64 << 20
)

// run does one job. After an error the child must be killed.
func (c *child) run(ctx context.Context, j Job, conf Config) (err error) {
	if c.board != nil {
		c.board.wipe()
	}
	select {
	case c.feeds <- j:
	case <-c.gone:
		return &Death{Cause: Crashed}
	}
	defer func() {
		if err != nil {
			c.kill() // frees a feed that waits for the child
		}
		<-c.sent
	}()
	beat := min(50*time.Millisecond, conf.Step/4+1)
	w := &watch{c: c, conf: conf, moved: time.Now(), moves: c.moves()}
	c.pulse.Reset(beat)
	defer c.pulse.Stop()
	for {
		select {
		case f := <-c.frames:
			done, err := w.take(f, j)
			if done || err != nil {
				return err
			}
		case now := <-c.pulse.C:
			if moves := c.moves(); moves != w.moves {
				w.moves, w.moved = moves, now
			}
			if now.Sub(w.moved) >= conf.Step {
				return w.death(TookTooLong)
			}
			c.pulse.Reset(beat)
			if resident(c.pid()) > conf.Memory*raceFactor {
				return w.death(OutOfMemory)
			}
		case <-ctx.Done():
			return w.death(OutOfTime)
		}
	}
}

// watch is what the parent knows about a running job.
type watch struct {
	c       *child // nil in tests of take
	conf    Config
	moved   time.Time // when the last step began, about
	step    Step
	moves   uint32
	records int
	octets  int
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

// take handles one frame of the child.
func (w *watch) take(f frame, j Job) (done bool, err error) {
	switch {
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
		if w.records > maxRecords || w.octets > maxRecordBytes || j.Record(f.payload) != nil {
			return false, w.death(Garbage)
		}
	case frameDone:
		return true, nil
	default:
		return false, w.death(Garbage)
	}
	return false, nil
}

// feeder feeds the child, job after job: a goroutine that stays has a stack
// that is large enough.
func (c *child) feeder() {
	for {
		select {
		case j := <-c.feeds:
			c.feed(j)
			c.sent <- struct{}{}
		case <-c.gone:
			return
		}
	}
}

// share sends what jobs share, if it is something else than before.
func (c *child) share(w io.Writer, shared []byte) error {
	if bytes.Equal(c.shared, shared) {
		return nil
	}
	if err := writeFrame(w, frameShared, nil); err != nil {
		return err
	}
	c.shared = shared
	for rest := shared; len(rest) > 0; {
		n := min(len(rest), maxFrame)
		if err := writeFrame(w, frameShared, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// feed sends the request and the parts. A failure to write is noticed by the
// side that reads.
func (c *child) feed(j Job) {
	w := buffers.Writer(c.in)
	defer buffers.PutWriter(w)
	if c.share(w, j.Shared) != nil || writeFrame(w, frameJob, j.Request) != nil {
		return
	}
	block := buffers.Get()
	defer buffers.Put(block)
	buf := block[:]
	for meta, content := range j.Parts {
		if writeFrame(w, framePart, meta) != nil {
			return
		}
		why := copyPart(w, content, buf)
		if why != nil && errors.Is(why, errPipe) {
			return
		}
		var text []byte
		if why != nil {
			text = []byte("failed")
		}
		if writeFrame(w, frameEnd, text) != nil {
			return
		}
	}
	if writeFrame(w, frameOver, nil) == nil {
		_ = w.Flush()
	}
}

// errPipe marks a failure of the pipe, as opposed to the part.
var errPipe = errors.New("extract: the child does not read")

// copyPart sends the octets of one part. A decoder that panics costs the
// rest of its part, not the process.
func copyPart(w io.Writer, r io.Reader, buf []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = ErrSource
		}
	}()
	for {
		n, err := r.Read(buf)
		if n > 0 && writeFrame(w, frameData, buf[:n]) != nil {
			return errPipe
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return ErrSource
		}
	}
}
