package receive

import (
	"bytes"
	"strconv"
	"strings"
)

// bdat takes one chunk of a message (RFC 3030 §2).
func (c *conn) bdat(args string) {
	size, last, fine := parseBDAT(args)
	switch {
	case !fine:
		c.lostTrack()
		return
	case size > c.s.cfg.MaxSize-c.tx.chunks.size: // never a sum that could overflow
		c.refuseChunk(size, last)
		return
	}
	if c.tx.body == nil {
		c.tx.body = c.s.cfg.NewBuffer()
		c.tx.chunks = keeper{to: c.tx.body, limit: c.s.cfg.MaxSize}
	}
	c.phase = chunking
	if size < 1 && !last {
		if c.idles++; c.idles > c.s.cfg.MaxIdleCommands { // an endless row of nothing
			c.bye(replyTooManyIdle())
			return
		}
	}
	if err := c.readChunk(size, c.tx.keepChunk); err != nil {
		c.reset(ready) // cut off: never a message
		c.stop(err)
		return
	}
	switch {
	case c.tx.chunks.err != nil && !last:
		c.storeFailed(c.tx.chunks.err)
		c.reset(spoiled)
		c.reply(replyStoreFull())
	case last:
		c.conclude(c.tx.chunks, true)
	default:
		c.reply(replyChunk(size))
	}
}

func (t *transaction) keepChunk(p []byte) {
	t.newlines.feed(p)
	t.chunks.keep(p)
}

// strayBDAT reads a chunk that has no place here to its end and refuses it.
func (c *conn) strayBDAT(args string) {
	size, last, fine := parseBDAT(args)
	if !fine {
		c.lostTrack()
		return
	}
	refusal := misplaced("BDAT", c.phase)
	if c.phase == mailing {
		refusal = replyNoRecipients()
	}
	c.startPace()
	atMost := c.s.cfg.MaxSize
	if c.phase&transacting == 0 {
		atMost = 0 // a stranger, not a client whose group was refused half-way
	}
	if !c.discardChunk(size, atMost) {
		return
	}
	if last && c.phase&transacting != 0 {
		c.reset(ready)
	}
	c.fault(refusal)
}

// refuseChunk throws away a chunk that is too large, and with it the message.
func (c *conn) refuseChunk(size int64, last bool) {
	if !c.discardChunk(size, c.s.cfg.MaxSize) {
		return
	}
	began := c.tx.pace
	if last {
		c.reset(ready)
	} else {
		c.reset(spoiled)
		c.tx.pace = began
	}
	c.fault(replyTooBig(c.s.cfg.MaxSize))
}

// discardChunk reads a refused chunk and throws it away, so that its octets
// are not run as commands. When it is enormous, it hangs up instead.
func (c *conn) discardChunk(size, atMost int64) bool {
	if size > atMost+maxDiscarded {
		c.bye(replyTooBig(c.s.cfg.MaxSize))
		return false
	}
	if err := c.readChunk(size, func([]byte) {}); err != nil {
		c.stop(err)
		return false
	}
	return true
}

// lostTrack answers a BDAT whose size cannot be read: what follows may be
// content or commands, and nobody knows where one begins.
func (c *conn) lostTrack() {
	c.errors++
	c.bye(replyChunkSyntax())
}

// readChunk reads exactly size octets.
func (c *conn) readChunk(size int64, keep func([]byte)) error {
	if size > int64(len(c.in.unread())) {
		c.in.widen(&c.s.windows)
		defer c.in.narrow(&c.s.windows)
	}
	for {
		p := c.in.unread()
		if int64(len(p)) >= size {
			keep(p[:size])
			c.in.consume(int(size))
			return nil
		}
		keep(p)
		c.in.consume(len(p))
		size -= int64(len(p))
		if err := c.fillContent(); err != nil {
			return err
		}
	}
}

// parseBDAT reads "size" or "size LAST".
func parseBDAT(args string) (size int64, last, fine bool) {
	number, end, more := strings.Cut(args, " ")
	if !digits(number) || len(number) > 19 || more && upper(end) != "LAST" {
		return 0, false, false
	}
	size, err := strconv.ParseInt(number, 10, 64)
	return size, more, err == nil
}

// newlines finds a bare CR or LF in content that comes in pieces.
type newlines struct {
	found bool
	cr    bool // the last octet was a CR
}

func (l *newlines) feed(p []byte) {
	if l.found || len(p) == 0 {
		return
	}
	if l.cr {
		if p[0] != '\n' {
			l.found = true
			return
		}
		p = p[1:]
		l.cr = false
	}
	pairs := 0
	for at := 0; ; {
		i := bytes.IndexByte(p[at:], '\r')
		if i < 0 {
			break
		}
		at += i + 1
		if at == len(p) {
			l.cr = true
			break
		}
		if p[at] != '\n' {
			l.found = true
			return
		}
		pairs++
	}
	l.found = bytes.Count(p, newline[1:]) != pairs
}

// bare reports whether the content, which has ended, holds one.
func (l *newlines) bare() bool { return l.found || l.cr }
