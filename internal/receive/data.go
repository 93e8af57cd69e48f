package receive

import (
	"bytes"
	"errors"
	"log/slog"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// data takes a message by DATA (RFC 5321 §4.1.1.4).
func (c *conn) data(args string) {
	switch {
	case args != "":
		c.fault(replyNoArgument())
		return
	case c.tx.envelope.Body == "BINARYMIME": // RFC 3030 §3
		c.fault(replyNeedsChunks())
		return
	}
	c.reply(replySendData())
	c.tx.body = c.s.cfg.NewBuffer()
	in := unstuffer{atLine: true, normalize: c.s.cfg.BareNewline == BareNormalize}
	k := keeper{to: c.tx.body, limit: c.s.cfg.MaxSize}
	c.in.widen(&c.s.windows)
	err := c.readData(&in, &k)
	c.in.narrow(&c.s.windows)
	switch {
	case errors.Is(err, errEndless):
		c.reset(ready)
		c.bye(replyTooBig(c.s.cfg.MaxSize))
	case err != nil: // cut off: never a message
		c.reset(ready)
		c.stop(err)
	case in.bare && !in.normalize:
		c.s.alarm(slog.LevelWarn, problem.BareNewline, telemetry.KeyPeer, c.peer.Addr.String())
		c.s.cfg.Metrics.Count("receive_bare_newlines", 1)
		c.reset(ready)
		c.fault(replyBareNewline())
	default:
		c.conclude(k, false)
	}
}

// readData reads to the end of data, whatever becomes of the content: an
// answer in the middle would let the rest be run as commands.
func (c *conn) readData(in *unstuffer, k *keeper) error {
	for {
		n, done := in.next(c.in.unread(), k.keep)
		c.in.consume(n)
		if in.bare && !in.normalize {
			k.drop = true
		}
		if done {
			return nil
		}
		if k.size > 2*k.limit+maxDiscarded {
			return errEndless
		}
		if err := c.fillContent(); err != nil {
			return err
		}
	}
}

// keeper writes content into the buffer until there is too much of it, or
// until the buffer fails; it goes on counting.
type keeper struct {
	to    Buffer
	limit int64
	size  int64
	err   error // of the buffer
	drop  bool
}

func (k *keeper) keep(p []byte) {
	k.size += int64(len(p))
	if k.drop || k.err != nil || k.size > k.limit {
		return
	}
	_, k.err = k.to.Write(p)
}

// unstuffer is the receiving side of RFC 5321 §4.5.2 over windows of any
// size. It is strict: a line ends with CR LF and with nothing else, so only
// CR LF . CR LF ends a message.
type unstuffer struct {
	atLine    bool // the next octet stands at the beginning of a line
	normalize bool // repair bare CR and LF
	bare      bool // one was seen
	pairs     int  // of CR LF since the last emit
}

// next consumes input of p and gives the content to keep. It leaves up to
// three octets when only what follows tells their meaning. done is set when
// the end of data was consumed.
func (u *unstuffer) next(p []byte, keep func([]byte)) (n int, done bool) {
	start := 0 // of what is not kept yet
	at := 0
	line, width := 0, 0 // where the line begins, and how wide the one before it was
	even := 0           // up to here no even lines need be looked for
	for {
		if u.atLine {
			if at >= even {
				lines, octets := mail.EvenLines(p[at:], width)
				if even = at + octets; lines > 0 {
					at, u.pairs = even, u.pairs+lines
				}
			}
			line = at
			if at == len(p) || p[at] == '.' {
				u.emit(p[start:at], keep)
				rest := p[at:]
				if bytes.HasPrefix(rest, endLine) {
					return at + len(endLine), true
				}
				if bytes.HasPrefix(endLine, rest) {
					return at, false
				}
				at++
				start = at
			}
			u.atLine = false
		}
		i := bytes.IndexByte(p[at:], '\r')
		if i < 0 {
			u.emit(p[start:], keep)
			return len(p), false
		}
		cr := at + i
		if cr+1 == len(p) { // the next octet decides
			u.emit(p[start:cr], keep)
			return cr, false
		}
		at = cr + 1
		if p[at] == '\n' {
			at++
			width = cr - line
			u.pairs++
			u.atLine = true
			continue
		}
		u.bare = true
		if u.normalize {
			u.emit(p[start:cr], keep)
			keep(space)
			start = at
		}
	}
}

// The end of data, after the CR LF of the line before; and what becomes of a
// bare LF and CR. Never written to.
var (
	endLine = []byte(".\r\n")
	newline = []byte("\r\n")
	space   = []byte(" ")
)

// emit keeps content in which every CR was judged already, so that only a
// bare LF is left to find: there is one when LF outnumber the pairs seen since
// the last emit. Counting is far faster than a second look at each line.
func (u *unstuffer) emit(p []byte, keep func([]byte)) {
	pairs := u.pairs
	u.pairs = 0
	if len(p) == 0 {
		return
	}
	if bytes.Count(p, newline[1:]) == pairs {
		keep(p)
		return
	}
	u.bare = true
	if !u.normalize {
		keep(p) // refused in the end, and only counted until then
		return
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		switch {
		case i < 0:
			keep(p)
			return
		case i > 0 && p[i-1] == '\r':
			keep(p[:i+1])
		default:
			keep(p[:i])
			keep(newline)
		}
		p = p[i+1:]
	}
}
