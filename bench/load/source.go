package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Source sends messages over several connections.
type Source struct {
	// Addr is the host and port of the system under test.
	Addr string
	// Connections send at the same time. Default: 1.
	Connections int
	// Messages is how many are sent; their numbers are First, First + 1, …
	Messages int
	First    int
	// Reuse sends message after message over a connection; else each has its
	// own.
	Reuse bool
	// Templates make the messages, in turn.
	Templates []*Template
	// Envelope gives the sender and the recipients of message n.
	Envelope func(n int) (from string, to []string)
	// Hello is the name in HELO or EHLO.
	Hello string
	// EHLO says EHLO where HELO would do.
	EHLO bool
	// TLS turns STARTTLS on. A config with a ClientSessionCache resumes.
	TLS *tls.Config
	// Chunk sends BDAT in chunks of so many octets; 0: DATA.
	Chunk int
	// Idle connections say hello (with TLS when it is on) and then nothing
	// until all messages are sent, and IdleFor longer.
	Idle    int
	IdleFor time.Duration
	// Tries is how often a message is tried that was not taken and not
	// refused with 5xx; Pause lies between. Default: 1.
	Tries int
	Pause time.Duration
	// Abort is how many percent of the messages are cut off in the middle of
	// their content at the first try, and Deaf how many percent after the
	// end, without waiting for the answer.
	Abort, Deaf int
	// Timeout is for one attempt. Default: 5m.
	Timeout time.Duration
	// Log gets a line of Sent for each attempt.
	Log *Log
	// OnReply is told the answer to the end of each content and how long it
	// took since the attempt began (its connection included, when it is new).
	OnReply func(m Message, reply string, took time.Duration)
}

// Result is what a run of a source came to.
type Result struct {
	// Taken, Refused (5xx) and Lost (not taken after all tries) count
	// messages; Attempts counts transactions, Violating taken messages with
	// card numbers.
	Taken, Refused, Lost, Attempts, Violating int64
	// Resumed counts TLS connections that resumed a session, Connected all
	// connections.
	Resumed, Connected int64
	Took               time.Duration
	// Last is an answer or error of a message that was not taken.
	Last string
}

type run struct {
	*Source
	next atomic.Int64
	taken, refused, lost, attempts, violating,
	resumed, connected atomic.Int64
	last atomic.Value
}

// Run sends everything. The error says what is wrong with the source itself.
func (s Source) Run(ctx context.Context) (Result, error) {
	if len(s.Templates) == 0 || s.Envelope == nil {
		return Result{}, errors.New("load: a source needs templates and an envelope")
	}
	s.Connections, s.Tries, s.First = max(1, s.Connections), max(1, s.Tries), max(1, s.First)
	if s.Timeout == 0 {
		s.Timeout = 5 * time.Minute
	}
	r := &run{Source: &s}
	idle, err := r.idle(ctx)
	defer func() {
		for _, c := range idle {
			c.close()
		}
	}()
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	var workers sync.WaitGroup
	for range min(s.Connections, s.Messages) {
		workers.Go(func() { r.work(ctx) })
	}
	workers.Wait()
	took := time.Since(start)
	if s.IdleFor > 0 {
		select {
		case <-time.After(s.IdleFor):
		case <-ctx.Done():
		}
	}
	last, _ := r.last.Load().(string)
	return Result{
		Taken: r.taken.Load(), Refused: r.refused.Load(), Lost: r.lost.Load(), Attempts: r.attempts.Load(),
		Violating: r.violating.Load(), Resumed: r.resumed.Load(), Connected: r.connected.Load(), Took: took, Last: last,
	}, s.Log.Err()
}

func (r *run) idle(ctx context.Context) (list []*client, err error) {
	for i := range r.Idle {
		c, _, err := r.dial(ctx)
		if err != nil {
			return list, fmt.Errorf("load: idle connection %d: %w", i+1, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// work sends messages until there are none.
func (r *run) work(ctx context.Context) {
	var c *client
	for ctx.Err() == nil {
		i := r.next.Add(1) - 1
		if i >= int64(r.Messages) {
			break
		}
		n := r.First + int(i)
		m := r.Templates[int(i)%len(r.Templates)].Message(n)
		c = r.message(ctx, c, m)
	}
	c.quit()
}

// message sends one until it is taken, refused or given up. It returns the
// connection when it can be used again.
func (r *run) message(ctx context.Context, c *client, m Message) *client {
	var line Sent
	if r.Log != nil {
		line.ID, line.N, line.Sum, line.Violates = m.ID, m.N, m.Sum(), m.Violates
	}
	line.From, line.To = r.Envelope(m.N)
	for try := 1; ; try++ {
		line.Try, line.Refused = try, nil
		c = r.attempt(ctx, c, m, &line)
		r.attempts.Add(1)
		if r.Log != nil {
			line.At = time.Now()
			r.Log.Put(line)
		}
		if !r.Reuse {
			c.quit()
			c = nil
		}
		switch {
		case line.Taken():
			r.taken.Add(1)
			if m.Violates {
				r.violating.Add(1)
			}
			return c
		case len(line.Reply) > 0 && line.Reply[0] == '5':
			r.refused.Add(1)
			r.last.Store(string(line.Phase) + ": " + line.Reply)
			return c
		case try >= r.Tries || ctx.Err() != nil:
			r.lost.Add(1)
			r.last.Store(string(line.Phase) + ": " + line.Reply)
			return c
		}
		select {
		case <-time.After(r.Pause):
		case <-ctx.Done():
		}
	}
}

// attempt is one transaction, on a new connection when c is nil.
func (r *run) attempt(ctx context.Context, c *client, m Message, line *Sent) *client {
	start := time.Now()
	line.Phase, line.Reply = PhaseConnect, ""
	if c == nil {
		var err error
		if c, line.Reply, err = r.dial(ctx); err != nil {
			return nil
		}
	} else {
		c.deadline(r.Timeout)
	}
	ended, err := r.envelope(c, line)
	if err == nil && ended {
		return c
	}
	if err == nil {
		err = r.content(c, m, line)
	}
	switch {
	case errors.Is(err, errCut):
		c.conn.Close() // not with a reset: what was sent shall arrive
		return nil
	case err != nil:
		c.close()
		return nil
	}
	if r.OnReply != nil && line.Phase == PhaseDot {
		r.OnReply(m, line.Reply, time.Since(start))
	}
	return c
}

// envelope says MAIL and RCPT. ended is set when nobody is left to send to
// and the connection can be used again.
func (r *run) envelope(c *client, line *Sent) (ended bool, err error) {
	line.Phase = PhaseMail
	if line.Reply, err = c.command("MAIL FROM:<", line.From, ">"); err != nil {
		return false, err
	}
	if line.Reply[0] != '2' {
		return true, c.reset()
	}
	line.Phase = PhaseRcpt
	for _, to := range line.To {
		if line.Reply, err = c.command("RCPT TO:<", to, ">"); err != nil {
			return false, err
		}
		if line.Reply[0] != '2' {
			line.Refused = append(line.Refused, Refusal{to, line.Reply})
		}
	}
	if len(line.Refused) == len(line.To) {
		return true, c.reset()
	}
	return false, nil
}

func (r *run) content(c *client, m Message, line *Sent) (err error) {
	line.Phase = PhaseData
	abort := line.Try == 1 && m.N*r.Abort%100 < r.Abort
	deaf := line.Try == 1 && m.N*r.Deaf%100 < r.Deaf
	if r.Chunk > 0 {
		line.Reply = ""
		line.Reply, err = c.chunks(m, r.Chunk, abort, func() error {
			line.Phase = PhaseDot
			return cutIf(deaf)
		})
		return err
	}
	if line.Reply, err = c.command("DATA", "", ""); err != nil {
		return err
	}
	if line.Reply[0] != '3' {
		return c.reset()
	}
	line.Reply = ""
	if err := c.data(m, abort); err != nil {
		return err
	}
	line.Phase = PhaseDot
	if err := cutIf(deaf); err != nil {
		return err
	}
	line.Reply, err = c.reply()
	return err
}

// errCut ends a connection on purpose.
var errCut = errors.New("load: cut off on purpose")

func cutIf(cut bool) error {
	if cut {
		return errCut
	}
	return nil
}
