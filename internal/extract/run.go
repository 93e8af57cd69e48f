package extract

import (
	"bufio"
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
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.feed(j)
	}()
	defer func() {
		if err != nil {
			c.kill() // frees a feed that waits for the child
		}
		<-sent
	}()
	w := &watch{
		c: c, conf: conf, timer: time.NewTimer(conf.Step), look: time.NewTicker(min(50*time.Millisecond, conf.Step/4+1)),
		moves: c.moves(),
	}
	defer w.timer.Stop()
	defer w.look.Stop()
	for {
		select {
		case f := <-c.frames:
			done, err := w.take(f, j)
			if done || err != nil {
				return err
			}
		case <-w.timer.C:
			return w.death(TookTooLong)
		case <-w.look.C:
			if now := c.moves(); now != w.moves {
				w.moves = now
				w.timer.Reset(w.conf.Step)
			}
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
	timer   *time.Timer
	look    *time.Ticker
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
		w.step = step
		w.timer.Reset(w.conf.Step)
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

// feed sends the request and the parts. A failure to write is noticed by the
// side that reads.
func (c *child) feed(j Job) {
	w := buffers.Writer(c.in)
	defer buffers.PutWriter(w)
	if writeFrame(w, frameJob, j.Request) != nil {
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
