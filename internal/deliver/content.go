package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"postern.dev/postern/internal/buffers"
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

// Write implements io.Writer.
func (w *content) Write(p []byte) (int, error) { return w.write(p, false) }

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
	w := &content{ctx: ctx, c: t.c}
	left := t.out.Size()
	chunks := max(1, int((left+chunkSize-1)/chunkSize))
	if w.c.SetReadDeadline(time.Time{}) != nil || ctx.Err() != nil {
		return w.abort(replyBroken())
	}
	answers := make(chan answer, chunks)
	go w.listen(answers, chunks)
	src := t.out.Reader()
	buf := make([]byte, chunkHead+min(left, chunkSize))
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
	r, err := t.c.command(ctx, "DATA")
	switch {
	case err != nil:
		return replyBroken()
	case r.Code/100 >= 4:
		return r
	case r.Code != 354:
		return w.abort(replyBroken())
	}
	out := buffers.Writer(w)
	defer buffers.PutWriter(out)
	stuffed := &stuffer{w: out, start: true}
	var sink io.Writer = stuffed
	if t.plan.convert {
		sink = &normalizer{w: stuffed}
	}
	if reply := t.copyTo(sink, w); reply != nil {
		return *reply
	}
	added, err := stuffed.end()
	if err != nil {
		return w.abort(refusal(err))
	}
	if added {
		t.plan.modified = append(t.plan.modified, "a line end was added at the end")
	}
	if ctx.Err() != nil {
		return w.abort(replyBroken())
	}
	w.final = true
	if err := out.Flush(); err != nil {
		return w.abort(replyBroken())
	}
	if err := t.c.limit(ctx, t.c.limits.Final); err != nil {
		return w.abort(replyBroken())
	}
	if r, err = readReply(t.c.r); err != nil {
		return w.abort(replyBroken())
	}
	if r.Code == 421 || r.Code/100 == 3 {
		w.c.broken = true
	}
	return r
}

// copyTo sends all but the end; a reply means that it failed.
func (t *Transaction) copyTo(sink io.Writer, w *content) *mail.Reply {
	src := t.out.Reader()
	block := buffers.Get()
	defer buffers.Put(block)
	for {
		n, err := src.Read(block[:])
		if n > 0 {
			if _, werr := sink.Write(block[:n]); werr != nil {
				r := w.abort(w.early(werr))
				return &r
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			r := w.abort(replyUnreadable())
			return &r
		}
	}
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

// stuffer doubles the dot at the start of a line (RFC 5321 §4.5.2), in large
// slices. It lets no bare CR or LF through: what one server reads as the end
// of a message, another must not read as text. For the same reason NULs before
// a first dot get a dot in front too, as a server that drops NULs would find
// the end there. Every receiver takes that dot off again, whatever follows it.
type stuffer struct {
	w     io.Writer
	start bool // at the start of a line
	cr    bool // the last octet was a CR
	any   bool
	held  int // NULs at the start of a line that are not written yet
}

// Write implements io.Writer.
func (s *stuffer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !s.clean(p) {
		return 0, errBare
	}
	last := p[len(p)-1]
	s.cr, s.any = last == '\r', true
	if s.held > 0 || bytes.IndexByte(p, 0) >= 0 {
		return len(p), s.withNULs(p)
	}
	rest := p
	if s.start && rest[0] == '.' {
		if _, err := io.WriteString(s.w, "."); err != nil {
			return 0, err
		}
	}
	for {
		i := bytes.Index(rest, []byte("\n."))
		if i < 0 {
			break
		}
		if _, err := s.w.Write(rest[:i+2]); err != nil {
			return 0, err
		}
		rest = rest[i+1:] // the dot once more
	}
	if _, err := s.w.Write(rest); err != nil {
		return 0, err
	}
	s.start = last == '\n'
	return len(p), nil
}

// withNULs is Write for the rare content with NULs, octet by octet.
func (s *stuffer) withNULs(p []byte) error {
	out := make([]byte, 0, len(p)+len(p)/8+2)
	for _, c := range p {
		if s.start && c == 0 {
			s.held++
			continue
		}
		if s.start && c == '.' {
			out = append(out, '.')
		}
		if s.held > 0 {
			if _, err := s.w.Write(out); err != nil {
				return err
			}
			out = out[:0]
			if err := s.release(); err != nil {
				return err
			}
		}
		out = append(out, c)
		s.start = c == '\n'
	}
	_, err := s.w.Write(out)
	return err
}

// release writes the NULs that were held back.
func (s *stuffer) release() error {
	var nuls [512]byte
	for s.held > 0 {
		n, err := s.w.Write(nuls[:min(s.held, len(nuls))])
		if err != nil {
			return err
		}
		s.held -= n
		s.start = false
	}
	return nil
}

// clean reports whether each CR is followed by LF and each LF preceded by CR,
// as far as p shows; a CR at its end is judged with the next octet.
func (s *stuffer) clean(p []byte) bool {
	if s.cr != (p[0] == '\n') {
		return false
	}
	cr := bytes.Count(p, []byte{'\r'})
	if p[len(p)-1] == '\r' {
		cr--
	}
	at := 0
	if p[0] == '\n' {
		at = 1
	}
	for ; ; cr-- { // each LF takes the CR before it, and none is left over
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			return cr == 0
		}
		if i == 0 || p[at+i-1] != '\r' {
			return false
		}
		at += i + 1
	}
}

// end writes the line with the dot, after a line end if there was none.
func (s *stuffer) end() (added bool, err error) {
	if s.cr {
		return false, errBare
	}
	if err := s.release(); err != nil {
		return false, err
	}
	if s.any && !s.start {
		_, err = io.WriteString(s.w, "\r\n.\r\n")
		return true, err
	}
	_, err = io.WriteString(s.w, ".\r\n")
	return false, err
}

// normalizer makes every line end CR LF.
type normalizer struct {
	w  io.Writer
	cr bool // the last octet was a CR, and its line end is already out
}

// Write implements io.Writer.
func (n *normalizer) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+len(p)/16+2)
	for _, c := range p {
		switch {
		case c == '\r':
			out = append(out, '\r', '\n')
		case c == '\n' && n.cr: // the second half of a pair that is already out
		case c == '\n':
			out = append(out, '\r', '\n')
		default:
			out = append(out, c)
		}
		n.cr = c == '\r'
	}
	_, err := n.w.Write(out)
	return len(p), err
}
