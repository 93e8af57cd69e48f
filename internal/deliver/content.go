package deliver

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"postern.dev/postern/internal/mail"
)

const (
	chunkSize = 1 << 20  // octets in a BDAT command
	chunkHead = 64       // room for the command in front of them
	window    = 4        // chunks without an answer, when the host pipelines
	sliceSize = 64 << 10 // octets in one write, each with its own time limit
)

var errBare = errors.New("a bare line end")

// content writes the message to a connection and knows whether its last octet
// was handed over: until then a broken connection means "not delivered", from
// then on "unknown".
type content struct {
	ctx   context.Context
	c     *conn
	final bool
}

func (w *content) write(p []byte, last bool) (n int, err error) {
	for {
		part := p[n:min(len(p), n+sliceSize)]
		if err := w.c.SetWriteDeadline(time.Now().Add(w.c.limits.Block)); err != nil {
			return n, err
		}
		if err := w.ctx.Err(); err != nil {
			return n, err
		}
		w.final = w.final || last && n+len(part) == len(p)
		m, err := w.c.Write(part)
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// abort breaks the connection, so that the host does not take what came so
// far for a message, and says what that means.
func (w *content) abort(r mail.Reply) mail.Reply {
	w.c.broken = true
	w.c.Close()
	if w.final {
		return mail.Reply{}
	}
	return r
}

// sendChunks sends the octets as they are by BDAT (RFC 3030).
func (t *Transaction) sendChunks(ctx context.Context) mail.Reply {
	left := t.out.Size()
	if left <= chunkSize {
		return t.sendChunk(ctx)
	}
	w := &content{ctx: ctx, c: t.c}
	chunks := int((left + chunkSize - 1) / chunkSize)
	if w.c.SetReadDeadline(time.Time{}) != nil || ctx.Err() != nil {
		return w.abort(replyBroken())
	}
	answers := make(chan answer, chunks)
	go w.listen(answers, chunks)
	src := t.out.Reader()
	buf := make([]byte, chunkHead+chunkSize)
	for open := 0; ; {
		n := min(left, chunkSize)
		if _, err := io.ReadFull(src, buf[chunkHead:chunkHead+n]); err != nil {
			return w.abort(replyUnreadable())
		}
		left -= n
		if _, err := w.write(head(buf, n, left == 0), left == 0); err != nil {
			return w.lastWords(answers)
		}
		open++
		allowed := window
		if !t.c.ext.pipelining {
			allowed = 1
		}
		for open > 0 && (open >= allowed || left == 0 || len(answers) > 0) {
			a := w.wait(answers)
			if open--; a.err != nil {
				return w.abort(replyBroken())
			}
			if !a.reply.Ok() || left == 0 && open == 0 {
				return w.settle(a.reply, answers, open)
			}
		}
	}
}

// head puts the BDAT command in front of n octets of buf, and returns both.
func head(buf []byte, n int64, last bool) []byte {
	s := "BDAT " + strconv.FormatInt(n, 10)
	if last {
		s += " LAST"
	}
	s += "\r\n"
	start := chunkHead - len(s)
	copy(buf[start:], s)
	return buf[start : chunkHead+n]
}

type answer struct {
	reply mail.Reply
	err   error
}

// listen reads the answers while the content is still being written: a host
// may answer early, and must not have to wait for us to listen.
func (w *content) listen(answers chan<- answer, n int) {
	defer close(answers)
	for range n {
		r, err := readReply(w.c.r)
		answers <- answer{r, err}
		if err != nil {
			return
		}
	}
}

// wait waits for an answer, as long as RFC 5321 §4.5.3.2.6 says.
func (w *content) wait(answers <-chan answer) answer {
	timer := time.NewTimer(w.c.limits.Final)
	defer timer.Stop()
	select {
	case a, ok := <-answers:
		if !ok {
			return answer{err: io.ErrUnexpectedEOF}
		}
		return a
	case <-timer.C:
		return answer{err: context.DeadlineExceeded}
	}
}

// settle ends the exchange with an answer. After a refused chunk the answers
// to those already sent are read, so that the connection can be used again;
// a listener that still waits for chunks that never come ends the connection.
func (w *content) settle(r mail.Reply, answers <-chan answer, open int) mail.Reply {
	for ; open > 0; open-- {
		if a := w.wait(answers); a.err != nil {
			w.abort(r)
			return r
		}
	}
	if r.Code == 421 {
		w.abort(r)
		return r
	}
	if w.final {
		return r
	}
	w.c.SetReadDeadline(time.Unix(1, 0)) // nothing more is expected: stop listening
	for a := range answers {
		if a.err == nil || !isTimeout(a.err) {
			w.abort(r)
		}
	}
	return r
}

// lastWords looks for a reason after a write has failed: a host that refuses
// a message may say so and close before it has read all.
func (w *content) lastWords(answers <-chan answer) mail.Reply {
	w.c.SetReadDeadline(time.Now().Add(time.Second))
	for a := range answers {
		if a.err != nil {
			break
		}
		if !a.reply.Ok() {
			w.abort(a.reply)
			return a.reply
		}
	}
	return w.abort(replyBroken())
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// sendData sends the content by DATA (RFC 5321 §4.1.1.4).
func (t *Transaction) sendData(ctx context.Context) mail.Reply {
	w := &content{ctx: ctx, c: t.c}
	r, err := t.data, error(nil)
	if !t.asked {
		r, err = t.c.command(ctx, "DATA")
	}
	switch {
	case err != nil:
		return replyBroken()
	case r.Code/100 >= 4:
		return r
	case r.Code != 354:
		return w.abort(replyBroken())
	}
	out := w.outlet()
	defer out.free()
	stuffed := &stuffer{w: out, start: true}
	var sink io.Writer = stuffed
	if t.plan.convert {
		sink = &normalizer{w: stuffed}
	}
	if reply := t.copyTo(sink, out, w); reply != nil {
		return *reply
	}
	added, err := stuffed.end()
	if err != nil {
		return w.abort(refusal(err))
	}
	if added {
		t.plan.modified = append(t.plan.modified, "a line end was added at the end")
	}
	return w.end(out)
}

// sendChunk sends the octets as they are by one BDAT (RFC 3030).
func (t *Transaction) sendChunk(ctx context.Context) mail.Reply {
	w := &content{ctx: ctx, c: t.c}
	out := w.outlet()
	defer out.free()
	if _, err := io.WriteString(out, "BDAT "+strconv.FormatInt(t.out.Size(), 10)+" LAST\r\n"); err != nil {
		return w.abort(replyBroken())
	}
	if reply := t.copyTo(out, out, w); reply != nil {
		return *reply
	}
	return w.end(out)
}

// end hands the last octets over and waits for the answer. What asks for more
// is none: nobody knows then what became of the message.
func (w *content) end(out *outlet) mail.Reply {
	if w.ctx.Err() != nil {
		return w.abort(replyBroken())
	}
	if err := out.last(); err != nil {
		if w.final {
			return w.abort(replyBroken())
		}
		return w.abort(w.early(err))
	}
	if err := w.c.limit(w.ctx, w.c.limits.Final); err != nil {
		return w.abort(replyBroken())
	}
	r, err := readReply(w.c.r)
	if err != nil || r.Code/100 == 3 {
		return w.abort(replyBroken())
	}
	w.c.broken = w.c.broken || r.Code == 421
	return r
}

// copyTo sends all but the end; a reply means that it failed.
func (t *Transaction) copyTo(sink io.Writer, out *outlet, w *content) *mail.Reply {
	var broke error
	room := func() (p []byte, err error) {
		p, broke = out.room()
		return p, broke
	}
	err := t.out.Pieces(room, func(p []byte) error {
		_, broke = sink.Write(p)
		return broke
	})
	var r mail.Reply
	switch {
	case broke != nil:
		r = w.abort(w.early(broke))
	case err != nil:
		r = w.abort(replyUnreadable())
	default:
		return nil
	}
	return &r
}

// early is the answer of a host that closed while it was being sent to, or
// ours when it gave none.
func (w *content) early(err error) mail.Reply {
	if errors.Is(err, errBare) || w.ctx.Err() != nil {
		return refusal(err)
	}
	w.c.SetReadDeadline(time.Now().Add(time.Second))
	if r, err := readReply(w.c.r); err == nil && r.Code/100 >= 4 {
		return r
	}
	return replyBroken()
}

func refusal(err error) mail.Reply {
	if errors.Is(err, errBare) {
		return replyNeedsChunking()
	}
	return replyBroken()
}
