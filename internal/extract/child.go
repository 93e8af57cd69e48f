package extract

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"
)

// Bounds are the limits that a child sets on itself before it reads anything.
type Bounds struct {
	// Memory is what the child may use, in octets.
	Memory int64 `json:"memory"`
	// CPU is the processor time for one job.
	CPU time.Duration `json:"cpu"`
}

// Conn is the child's side of the wire.
type Conn struct {
	in     *bufio.Reader
	out    *bufio.Writer
	buf    []byte
	bounds Bounds
	open   bool // a part is being read
	over   bool // the job has no more parts
}

// Serve is the life of a child: it limits itself and does jobs until the
// parent goes away. It returns the exit code of the process.
func Serve(in io.Reader, out io.Writer, work func(c *Conn, request []byte) error) int {
	c := &Conn{in: bufio.NewReaderSize(in, 64<<10), out: bufio.NewWriterSize(out, 32<<10)}
	if err := c.greet(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go leaveWithParent(os.Getppid())
	for {
		request, err := c.job()
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			return 2
		}
		limitCPU(c.bounds.CPU)
		if err := work(c, request); err != nil {
			return 1
		}
		if err := c.finish(); err != nil {
			return 1
		}
	}
}

// greet takes the limits and names the version.
func (c *Conn) greet() error {
	kind, payload, err := readFrame(c.in, fromParent, &c.buf)
	if err != nil {
		return err
	}
	if kind != frameLimits {
		return ErrWire
	}
	if err := json.Unmarshal(payload, &c.bounds); err != nil {
		return fmt.Errorf("extract: limits: %w", err)
	}
	if err := confine(c.bounds); err != nil {
		return err
	}
	if c.bounds.Memory > 0 {
		debug.SetMemoryLimit(c.bounds.Memory / 4 * 3)
	}
	return c.send(frameHello, []byte(wireVersion))
}

func (c *Conn) send(kind byte, payload []byte) error {
	if err := writeFrame(c.out, kind, payload); err != nil {
		return err
	}
	return c.out.Flush()
}

// job waits for the next request.
func (c *Conn) job() ([]byte, error) {
	kind, payload, err := readFrame(c.in, fromParent, &c.buf)
	if err != nil {
		return nil, err
	}
	if kind != frameJob {
		return nil, ErrWire
	}
	c.open, c.over = false, false
	return append([]byte(nil), payload...), nil
}

// Part is the next part of the job; io.EOF after the last. What was not read
// of the one before is skipped.
func (c *Conn) Part() (meta []byte, content io.Reader, err error) {
	for c.open {
		if _, err := io.Copy(io.Discard, &partReader{c: c}); err != nil && !errors.Is(err, ErrSource) {
			return nil, nil, err
		}
	}
	if c.over {
		return nil, nil, io.EOF
	}
	kind, payload, err := readFrame(c.in, fromParent, &c.buf)
	switch {
	case err != nil:
		return nil, nil, cutOff(err)
	case kind == frameOver:
		c.over = true
		return nil, nil, io.EOF
	case kind != framePart:
		return nil, nil, ErrWire
	}
	c.open = true
	return append([]byte(nil), payload...), &partReader{c: c}, nil
}

// ErrSource says that the parent could not read the part to its end.
var ErrSource = errors.New("extract: the source of the part failed")

// partReader reads the data frames of the open part.
type partReader struct {
	c    *Conn
	rest []byte
	err  error
}

func (r *partReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.next()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *partReader) next() error {
	if !r.c.open {
		return io.EOF
	}
	kind, payload, err := readFrame(r.c.in, fromParent, &r.c.buf)
	switch {
	case err != nil:
		r.c.open, r.c.over = false, true
		return cutOff(err)
	case kind == frameData:
		r.rest = payload
		return nil
	case kind != frameEnd:
		r.c.open, r.c.over = false, true
		return ErrWire
	}
	r.c.open = false
	if len(payload) > 0 {
		return ErrSource
	}
	return io.EOF
}

// Step tells the parent what begins now, so that it knows whom to blame.
func (c *Conn) Step(s Step) error { return c.send(frameStep, s.wire()) }

// Record gives the parent a result.
func (c *Conn) Record(b []byte) error { return c.send(frameRecord, b) }

// Raw writes octets that are no frame; only tests of the parent need it.
func (c *Conn) Raw(b []byte) {
	_, _ = c.out.Write(b)
	_ = c.out.Flush()
}

// finish reads what is left of the job and says that it is done.
func (c *Conn) finish() error {
	for {
		_, _, err := c.Part()
		if err == io.EOF {
			return c.send(frameDone, nil)
		}
		if err != nil {
			return err
		}
	}
}

// leaveWithParent ends a child whose parent died while it was busy.
func leaveWithParent(parent int) {
	for {
		time.Sleep(time.Second)
		if os.Getppid() != parent {
			os.Exit(3)
		}
	}
}
