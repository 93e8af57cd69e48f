package deliver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/socket"
)

// conn is a session with one host, from the greeting to QUIT.
type conn struct {
	net.Conn          // with TLS once it is started
	raw      net.Conn // below TLS
	r        *bufio.Reader
	hop      hop
	key      key
	ext      extensions
	verified bool // TLS, and the certificate carries the name
	used     int  // messages so far
	old      bool // came from the pool, and nothing was answered since
	broken   bool // must not be used again
	limits   Limits
	pieces   net.Buffers     // empty; memory for an outlet
	sock     syscall.RawConn // of raw; nil when it is no socket
}

func newConn(c net.Conn, h hop, k key, l Limits) *conn {
	return &conn{Conn: c, raw: c, sock: socket.Of(c), r: bufio.NewReaderSize(c, 4096), hop: h, key: k, limits: l}
}

// Limits of a reply. RFC 5321 §4.5.3.1.5 allows lines of 512 octets; longer
// ones exist. What is longer than this is read and left out: the code is what
// counts, and after the end of a message not to know it means to send it
// twice. What does not end is an attack.
const (
	maxReply      = 2 << 20 // octets of one reply
	maxReplyLine  = 2048    // of which are kept
	maxReplyLines = 128     // of which are kept
	maxReplyText  = 8 << 10 // of which are kept
)

// oldPatience is how long the first answer over an idle connection may take.
const oldPatience = 30 * time.Second

var (
	errReplyTooLong = errors.New("the reply does not end")
	errMixed        = errors.New("the reply is not one of SMTP")
)

// readReply reads one reply of one or more lines. Line ends may be LF alone;
// octets that are not UTF-8 are replaced.
func readReply(r *bufio.Reader) (mail.Reply, error) {
	var lines []string
	for kept, left := 0, maxReply; ; {
		line, n, err := readLine(r, left)
		if err != nil {
			return mail.Reply{}, err
		}
		left -= n
		more := len(line) > 3 && line[3] == '-'
		if more && (len(lines) == maxReplyLines-1 || kept+len(line) > maxReplyText) {
			if len(lines) > 0 && !strings.HasPrefix(line, lines[0][:3]) {
				return mail.Reply{}, errMixed
			}
			continue
		}
		lines, kept = append(lines, line), kept+len(line)
		if more {
			continue
		}
		reply, err := mail.ParseReply(lines)
		if err != nil {
			return mail.Reply{}, errMixed
		}
		return reply, nil
	}
}

// readLine reads a line of at most limit octets, and keeps its beginning. n is
// how many were read.
func readLine(r *bufio.Reader, limit int) (line string, n int, err error) {
	part, err := r.ReadSlice('\n')
	if err == nil && len(part) <= min(limit, maxReplyLine) { // nearly all
		return text(part), len(part), nil
	}
	var kept []byte
	for ; ; part, err = r.ReadSlice('\n') {
		if n += len(part); n > limit {
			return "", n, errReplyTooLong
		}
		kept = append(kept, part[:min(len(part), maxReplyLine-len(kept))]...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return "", n, err
		}
		return text(kept), n, nil
	}
}

// text is a line without its end.
func text(line []byte) string {
	return strings.ToValidUTF8(string(bytes.TrimRight(line, "\r\n")), "?")
}

// watch lets the end of ctx interrupt reads and writes until the returned
// function is called.
func (c *conn) watch(ctx context.Context) (stop func()) {
	unwatch := context.AfterFunc(ctx, func() { c.raw.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if !unwatch() {
			c.broken = true // the deadline in the past may come at any time
		}
	}
}

// limit sets the time until which the next reads and writes must be done.
func (c *conn) limit(ctx context.Context, t time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(t)); err != nil {
		return err
	}
	return ctx.Err() // asked last, so that watch cannot come between
}

// command sends a line and reads the answer.
func (c *conn) command(ctx context.Context, line string) (mail.Reply, error) {
	replies, err := c.commands(ctx, []string{line})
	if err != nil {
		return mail.Reply{}, err
	}
	return replies[0], nil
}

// commands sends lines together and reads an answer for each. It writes and
// reads at the same time: a server may answer before it has read all (RFC
// 2920 §3.1). Each answer has its own time. The replies that came before an
// error are returned with it.
func (c *conn) commands(ctx context.Context, lines []string) ([]mail.Reply, error) {
	patience := c.limits.Command
	if c.old { // it may be gone without a word, and a new one can be had
		patience = min(patience, oldPatience)
	}
	if err := c.limit(ctx, patience); err != nil {
		c.broken = true
		return nil, err
	}
	sent := c.say(lines)
	replies := make([]mail.Reply, 0, len(lines))
	var err error
	for range lines {
		var r mail.Reply
		if r, err = readReply(c.r); err != nil {
			break
		}
		replies = append(replies, r)
		if r.Code == 421 { // the server closes; nothing else is answered
			c.broken = true
			break
		}
		if len(replies) < len(lines) {
			if err = c.limit(ctx, c.limits.Command); err != nil {
				break
			}
		}
	}
	if err != nil || c.broken {
		c.broken = true
		c.Close()
		_ = sent()
		return replies, err
	}
	if err = sent(); err != nil {
		c.broken = true
	}
	return replies, err
}

// say writes the lines, at once when that cannot have to wait for the host, and
// else beside us. The returned function waits for the end of it.
func (c *conn) say(lines []string) (sent func() error) {
	size := 0
	for _, l := range lines {
		size += len(l) + 2
	}
	out := make([]byte, 0, size)
	for _, l := range lines {
		out = append(append(out, l...), "\r\n"...)
	}
	if c.takes(out) {
		_, err := c.Write(out)
		return func() error { return err }
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Write(out)
		done <- err
	}()
	return func() error { return <-done }
}

// plain reports whether nothing lies between us and the wire.
func (c *conn) plain() bool { return c.Conn == c.raw }

// surely is what a socket takes at once when all before it was answered: a
// small part of the least that systems keep for sending.
const surely = 2 << 10

// takes reports whether a write cannot have to wait for the host. Nothing that
// was written before is on the way: each command waits for its answers.
func (c *conn) takes(out []byte) bool {
	return c.sock != nil && len(out) <= surely
}

// hello says EHLO, or HELO to a server that does not know it.
func (c *conn) hello(ctx context.Context, name string) (mail.Reply, error) {
	r, err := c.command(ctx, "EHLO "+name)
	if err != nil {
		return r, err
	}
	if r.Ok() {
		c.ext = parseExtensions(r)
		return r, nil
	}
	if r.Code == 500 || r.Code == 502 {
		c.ext = extensions{}
		return c.command(ctx, "HELO "+name)
	}
	return r, nil
}

// Close cuts the line. TLS is not told: after a broken message the host must
// not take the end for a regular one, and its alert could block.
func (c *conn) Close() error { return c.raw.Close() }

// quit ends the session without letting the caller wait.
func (c *conn) quit() {
	if c.broken {
		c.Close()
		return
	}
	c.broken = true
	c.SetDeadline(time.Now().Add(time.Second))
	go func() {
		defer c.Close()
		if _, err := fmt.Fprint(c, "QUIT\r\n"); err == nil {
			_, _ = readReply(c.r) // so that the close does not tear up the QUIT
		}
	}()
}
