package extract

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"postern.dev/postern/internal/heap"
)

// Bounds are the limits that a child sets on itself before it reads anything.
type Bounds struct {
	// Memory is what the child may use, in octets.
	Memory int64 `json:"memory"`
	// CPU is the processor time for one job.
	CPU time.Duration `json:"cpu"`
	// Board says that file 3 is a board on which to write the steps.
	Board bool `json:"board,omitempty"`
}

// Conn is the child's side of the wire.
type Conn struct {
	in     *bufio.Reader
	buf    []byte
	near   []byte // frames on the board that were not read
	bounds Bounds
	board  *board // nil: steps travel in frames
	step   Step   // with a board: what stands there
	told   bool   // it has travelled too
	shared []byte // what the parent has sent for all jobs
	open   bool   // a part is being read
	over   bool   // the job has no more parts

	mu    sync.Mutex // guards what follows: late flushes too
	out   *bufio.Writer
	waits bool // there are records that were not flushed
}

// lateness is how long a record may wait for others before it travels. What
// waits when a child dies is lost; it is found again in the next attempt.
const lateness = 250 * time.Millisecond

// Serve is the life of a child: it limits itself and does jobs until the
// parent goes away. It returns the exit code of the process.
func Serve(in io.Reader, out io.Writer, work func(c *Conn, request []byte) error) int {
	c := &Conn{in: bufio.NewReaderSize(in, 64<<10), out: bufio.NewWriterSize(out, 32<<10)}
	if err := c.greet(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go c.attend(os.Getppid())
	var limited time.Time
	for {
		request, err := c.job()
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			return 2
		}
		if now := time.Now(); now.Sub(limited) >= limitEvery {
			limitCPU(c.bounds.CPU)
			limited = now
		}
		if err := work(c, request); err != nil {
			return 1
		}
		if err := c.finish(); err != nil {
			return 1
		}
	}
}

// limitEvery is how long the bound of processor time holds for the jobs that
// follow: they cannot have used more of it than this.
const limitEvery = time.Second

// garbage is how much memory a child may take before it collects at every
// turn. It is no limit: what lives may be more, up to the child's bound.
const garbage = 192 << 20

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
	if c.bounds.Board {
		if c.board, err = openBoard(); err != nil {
			return err
		}
	}
	if err := confine(c.bounds); err != nil {
		return err
	}
	// Little lives longer than a message. With four times as much a child took
	// 50 to 60 MB, and did no more for it.
	heap.Set(heap.Growth{Most: 150, Least: 50, Step: 12 << 20})
	limit := int64(garbage)
	if c.bounds.Memory > 0 {
		limit = min(limit, c.bounds.Memory/4*3)
	}
	debug.SetMemoryLimit(limit)
	return c.send(frameHello, []byte(wireVersion))
}

// next is the next frame of the parent: from the board, or from the pipe.
func (c *Conn) next() (kind byte, payload []byte, err error) {
	if len(c.near) > 0 {
		kind, payload, c.near, err = cutFrame(c.near, fromParent)
		return kind, payload, err
	}
	kind, payload, err = readFrame(c.in, fromParent, &c.buf)
	if err != nil || kind != frameBoard {
		return kind, payload, err
	}
	if len(payload) != 4 || c.board == nil {
		return 0, nil, ErrWire
	}
	n, room := binary.BigEndian.Uint32(payload), c.board.room()
	if n == 0 || int64(n) > int64(len(room)) {
		return 0, nil, ErrWire
	}
	kind, payload, c.near, err = cutFrame(room[:n], fromParent)
	return kind, payload, err
}

// send writes a frame, with those that wait.
func (c *Conn) send(kind byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := writeFrame(c.out, kind, payload); err != nil {
		return err
	}
	c.waits = false
	return c.out.Flush()
}

// queue writes a frame that may wait for others.
func (c *Conn) queue(kind byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = true
	if err := c.tell(); err != nil {
		return err
	}
	return writeFrame(c.out, kind, payload)
}

// tell says whose the next frame is: the board has gone on when it arrives.
func (c *Conn) tell() error {
	if c.board == nil || c.told {
		return nil
	}
	c.told = true
	return writeFrame(c.out, frameStep, c.step.wire())
}

func (c *Conn) flushLate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits {
		c.waits = false
		_ = c.out.Flush() // its error stays in the writer
	}
}

// job waits for the next request.
func (c *Conn) job() ([]byte, error) {
	for {
		kind, payload, err := c.next()
		switch {
		case err != nil:
			return nil, err
		case kind == frameShared && len(payload) == 0:
			c.shared = nil
		case kind == frameShared:
			c.shared = append(c.shared, payload...)
		case kind == frameJob:
			c.open, c.over, c.told = false, false, true
			return append([]byte(nil), payload...), nil
		default:
			return nil, ErrWire
		}
	}
}

// Shared is what the job shares with others. It stays as it is, in the same
// place, until the parent sends something else.
func (c *Conn) Shared() []byte { return c.shared }

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
	kind, payload, err := c.next()
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
	kind, payload, err := r.c.next()
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
func (c *Conn) Step(s Step) error {
	if c.board == nil {
		return c.send(frameStep, s.wire())
	}
	c.board.put(s)
	c.step, c.told = s, false
	return nil
}

// Record gives the parent a result.
func (c *Conn) Record(b []byte) error { return c.queue(frameRecord, b) }

// Raw writes octets that are no frame; only tests of the parent need it.
func (c *Conn) Raw(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.tell()
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

// attend flushes records that have waited, and ends a child whose parent died
// while it was busy.
func (c *Conn) attend(parent int) {
	for {
		time.Sleep(lateness)
		c.flushLate()
		if os.Getppid() != parent {
			os.Exit(3)
		}
	}
}
