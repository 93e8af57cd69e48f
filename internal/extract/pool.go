package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how children are started and bounded. The zero value of each
// field but Args is its default.
type Config struct {
	// Program is the binary to start. Default: this one.
	Program string
	// Args make it call Serve.
	Args []string
	// Env is the child's whole environment.
	Env []string
	// Warm is the number of children kept ready for good; those above it end
	// when they had nothing to do for a minute. Default: 1.
	Warm int
	// Max is the number of children at a time. Default: the processors, at
	// least 2.
	Max int
	// Memory is what one child may use. Default: 512 MiB.
	Memory int64
	// Step is how long one step may take. Default: 10s.
	Step time.Duration
	// CPU is the processor time for one job. Default: 2m.
	CPU time.Duration
	// Jobs is the number of jobs after which a child is replaced. Default: 5000.
	Jobs int
}

func (c Config) withDefaults() Config {
	c.Warm = orInt(c.Warm, 1)
	c.Max = orInt(c.Max, max(2, runtime.GOMAXPROCS(0)))
	c.Jobs = orInt(c.Jobs, 5000)
	if c.Memory <= 0 {
		c.Memory = 512 << 20
	}
	if c.Step <= 0 {
		c.Step = 10 * time.Second
	}
	if c.CPU <= 0 {
		c.CPU = 2 * time.Minute
	}
	return c
}

func orInt(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// Pool keeps children ready and gives them jobs.
type Pool struct {
	config  Config
	room    chan struct{}
	waiting atomic.Int64 // for a place in room

	mu     sync.Mutex
	idle   []*child
	closed bool
	thin   *time.Timer // runs when there are more idle ones than warm ones
	wait   sync.WaitGroup
}

// NewPool returns a pool; children are started when they are needed, and
// kept warm from then on.
func NewPool(c Config) *Pool {
	c = c.withDefaults()
	return &Pool{config: c, room: make(chan struct{}, c.Max)}
}

// ErrNoChild means that no child could be started: nothing was looked at.
var ErrNoChild = errors.New("extract: no child process")

// Job is one piece of work for a child.
type Job struct {
	// Shared is what many jobs have in common. A child keeps it and is told
	// again only when it is something else.
	Shared []byte
	// Request tells the child what to do.
	Request []byte
	// Parts are what it works on: what a part is, and its octets.
	Parts iter.Seq2[[]byte, io.Reader]
	// Record is called for each result, in order, before Run returns; the
	// octets are valid during the call. Its error means that the result
	// cannot be true.
	Record func([]byte) error
	// Step, when set, replaces how long one step may take.
	Step time.Duration
}

// Cause says how a child came to its end.
type Cause string

// The causes of a Death.
const (
	TookTooLong Cause = "a step took too long"
	OutOfTime   Cause = "the job ran out of time"
	OutOfMemory Cause = "too much memory"
	Crashed     Cause = "it ended by itself"
	Garbage     Cause = "it sent garbage"
)

// Death is the error of a job whose child died.
type Death struct {
	Cause Cause
	// Step is what the child was doing; the zero Step when it had not begun.
	Step Step
}

func (d *Death) Error() string {
	return fmt.Sprintf("extract: the child died in %s of part %q: %s", d.Step.Who, d.Step.Part, d.Cause)
}

// Run gives a job to a child and waits for its end. The error is nil, a
// *Death, ErrNoChild or that of ctx before a child was free.
func (p *Pool) Run(ctx context.Context, j Job) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	conf := p.config
	if j.Step > 0 {
		conf.Step = j.Step
	}
	if err := c.run(ctx, j, conf); err != nil {
		c.kill()
		p.warm()
		return err
	}
	p.give(c)
	return nil
}

// enter waits for a place in the pool.
func (p *Pool) enter(ctx context.Context) error {
	select {
	case p.room <- struct{}{}:
		return nil
	default:
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	select {
	case p.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives the place to the next one, who comes first: its child has nothing
// to do meanwhile, whereas who leaves has all that it wanted.
func (p *Pool) leave() {
	waits := p.waiting.Load() > 0
	<-p.room
	if waits {
		runtime.Gosched()
	}
}

// take gives an idle child, or a new one.
func (p *Pool) take(ctx context.Context) (*child, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrNoChild
	}
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if c.alive() {
			p.mu.Unlock()
			return c, nil
		}
		c.kill()
	}
	p.mu.Unlock()
	return start(ctx, p.config)
}

// give takes a child back that did its job.
func (p *Pool) give(c *child) {
	c.jobs++
	c.since = time.Now()
	fits := c.jobs < p.config.Jobs &&
		(c.jobs%weighEvery != 0 || resident(c.pid()) < p.config.Memory*raceFactor/4*3)
	p.mu.Lock()
	keep := fits && !p.closed && len(p.idle) < p.config.Max
	if keep {
		p.idle = append(p.idle, c)
	}
	if keep && len(p.idle) > p.config.Warm && p.thin == nil {
		p.thin = time.AfterFunc(idleFor, p.thinOut)
	}
	p.mu.Unlock()
	if !keep {
		c.kill()
	}
}

// weighEvery is after how many jobs an idle child's memory is looked at; a
// busy one's is looked at all the time.
const weighEvery = 16

// idleFor is how long a child above the warm ones may have nothing to do.
const idleFor = time.Minute

// thinOut ends children that had nothing to do. The last one given back is
// taken first, so the others are at the front.
func (p *Pool) thinOut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thin = nil
	before := time.Now().Add(-idleFor)
	for len(p.idle) > p.config.Warm && !p.idle[0].since.After(before) {
		p.idle[0].kill()
		p.idle = p.idle[1:]
	}
	if len(p.idle) > p.config.Warm && !p.closed {
		p.thin = time.AfterFunc(idleFor, p.thinOut)
	}
}

// warm starts a child in place of one that died.
func (p *Pool) warm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.config.Warm {
		return
	}
	p.wait.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), handshake)
		defer cancel()
		if c, err := start(ctx, p.config); err == nil {
			c.jobs = -1 // give counts a job that was none
			p.give(c)
		}
	})
}

// Close kills the idle children. Jobs that run are not waited for; their
// children end with them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.thin != nil {
		p.thin.Stop()
	}
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.kill()
	}
	p.wait.Wait()
}

// handshake is how long a child may take to say its version.
const handshake = 10 * time.Second

// start starts a child and waits for its greeting.
func start(ctx context.Context, conf Config) (*child, error) {
	cmd, err := command(conf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	// One job at a time: more processors would only look for work.
	cmd.Env = append([]string{"GOMAXPROCS=1"}, conf.Env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = group()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	b, file, err := newBoard()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	if file != nil {
		cmd.ExtraFiles = []*os.File{file}
		defer file.Close()
	}
	widen(in)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	from, ok := out.(*os.File)
	if !ok {
		return nil, fmt.Errorf("%w: a pipe that is no file", ErrNoChild)
	}
	c := &child{cmd: cmd, in: in, from: from, gone: make(chan struct{}), board: b}
	c.out = bufio.NewReaderSize(c, 64<<10)
	if err := c.greet(ctx, conf); err != nil {
		c.kill()
		return nil, fmt.Errorf("%w: %w", ErrNoChild, err)
	}
	return c, nil
}

// command is the program of a child: by default the file that this process
// runs, also when another build has been put in its place meanwhile. Both ends
// of the wire must be of one build.
func command(conf Config) (*exec.Cmd, error) {
	if conf.Program != "" {
		return exec.Command(conf.Program, conf.Args...), nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, conf.Args...)
	if _, err := os.Stat(running); err == nil {
		cmd.Path, cmd.Err = running, nil
	}
	return cmd, nil
}

// running is what this process runs, on Linux.
const running = "/proc/self/exe"

// greet sends the limits and checks the version.
func (c *child) greet(ctx context.Context, conf Config) error {
	limits, err := json.Marshal(Bounds{Memory: conf.Memory, CPU: conf.CPU, Board: c.board != nil})
	if err != nil {
		return err
	}
	if err := writeFrame(c.in, frameLimits, limits); err != nil {
		return err
	}
	if err := c.from.SetReadDeadline(time.Now().Add(handshake)); err != nil {
		return err // without it nothing would end a step that hangs
	}
	stop := context.AfterFunc(ctx, func() { _ = c.from.SetReadDeadline(time.Now()) })
	defer stop()
	kind, payload, err := readFrame(c.out, fromChild, &c.buf)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("extract: it does not answer")
	case err != nil || kind != frameHello || string(payload) != wireVersion:
		return errors.New("extract: it does not speak " + wireVersion)
	}
	return nil
}
