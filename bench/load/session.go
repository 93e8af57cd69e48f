package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// session is one connection of a sink.
type session struct {
	sink  *Sink
	conn  net.Conn
	raw   net.Conn
	in    []byte // what came and was not read; a window of small or of a slab
	small []byte
	out   []byte
	env   Envelope
	open  bool // between MAIL and the end
	from  string
	to    []string
	no    []Refusal
	bdat  *content
}

var errEnd = errors.New("load: the session is over")

// slabs are buffers for contents.
var slabs = sync.Pool{New: func() any { b := make([]byte, slabSize); return &b }}

const (
	slabSize   = 256 << 10
	smallSize  = 1 << 10
	mostLine   = 64 << 10
	idleLimit  = 10 * time.Minute
	continueOn = "354 End data with <CR><LF>.<CR><LF>"
)

func (s *session) serve() {
	s.sink.tell(&s.sink.sessions)
	if s.sink.Log != nil || s.sink.OnContent != nil {
		s.env.Client, _, _ = net.SplitHostPort(s.raw.RemoteAddr().String())
	}
	s.small = make([]byte, smallSize)
	if s.say(Step{Phase: PhaseConnect}, "220 "+s.sink.Hello+" ESMTP") != nil || s.flush() != nil {
		return
	}
	for {
		line, err := s.line()
		if err != nil {
			return
		}
		if err := s.command(line); err != nil {
			return
		}
		if bytes.IndexByte(s.in, '\n') < 0 { // the client has said all that it can say without an answer
			if s.flush() != nil {
				return
			}
		}
	}
}

// line reads a command.
func (s *session) line() (string, error) {
	for {
		if i := bytes.IndexByte(s.in, '\n'); i >= 0 {
			line := strings.TrimRight(string(s.in[:i]), "\r")
			s.in = s.in[i+1:]
			return line, nil
		}
		if len(s.in) >= mostLine {
			return "", errEnd
		}
		if len(s.in) >= len(s.small) {
			s.small = append(make([]byte, 0, 2*len(s.in)), s.in...)
			s.small = s.small[:cap(s.small)]
		}
		n := copy(s.small, s.in)
		s.conn.SetReadDeadline(time.Now().Add(idleLimit))
		got, err := s.conn.Read(s.small[n:])
		s.in = s.small[:n+got]
		if got == 0 && err != nil {
			return "", err
		}
	}
}

// say answers: as the rules want, or as usual.
func (s *session) say(step Step, usual string) error {
	if len(s.sink.Answers) == 0 && s.sink.Answer == nil {
		return s.put(usual)
	}
	_, err := s.answer(step, usual)
	return err
}

func (s *session) answer(step Step, usual string) (string, error) {
	a := s.sink.decide(step)
	if a.Wait > 0 {
		if err := s.flush(); err != nil {
			return "", err
		}
		if err := s.pause(a.Wait); err != nil {
			return "", err
		}
	}
	if a.Drop {
		s.flush()
		return "", errEnd
	}
	if a.Reply != "" {
		usual = a.Reply
	}
	return usual, s.put(usual)
}

// pause waits, and finds out whether the client is still there.
func (s *session) pause(d time.Duration) error {
	until := time.Now().Add(d)
	s.conn.SetReadDeadline(until)
	for time.Now().Before(until) {
		var more [512]byte
		n, err := s.conn.Read(more[:])
		s.in = append(bytes.Clone(s.in), more[:n]...)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if len(s.in) >= mostLine {
			return errEnd
		}
	}
	return nil
}

func (s *session) put(line string) error {
	s.out = append(append(s.out, line...), "\r\n"...)
	return nil
}

func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	s.conn.SetWriteDeadline(time.Now().Add(idleLimit))
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

func (s *session) command(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "HELO":
		s.env.Hello = arg
		s.clear()
		return s.put("250 " + s.sink.Hello)
	case "EHLO":
		s.env.Hello = arg
		s.clear()
		return s.put(s.extensions())
	case "STARTTLS":
		return s.startTLS()
	case "MAIL":
		return s.mail(line)
	case "RCPT":
		return s.rcpt(line)
	case "DATA":
		return s.data(line)
	case "BDAT":
		return s.chunk(line, arg)
	case "RSET":
		s.clear()
		return s.put("250 2.0.0 Ok")
	case "NOOP":
		return s.put("250 2.0.0 Ok")
	case "QUIT":
		s.sink.tell(&s.sink.quits)
		s.put("221 Bye")
		s.flush()
		return errEnd
	}
	return s.put("500 5.5.1 Error: unknown command")
}

func (s *session) extensions() string {
	list := "250-" + s.sink.Hello + "\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN"
	if s.sink.Chunking {
		list += "\r\n250-CHUNKING\r\n250-BINARYMIME"
	}
	if _, on := s.conn.(*tls.Conn); s.sink.TLS != nil && !on {
		list += "\r\n250-STARTTLS"
	}
	return list + "\r\n250 ENHANCEDSTATUSCODES"
}

func (s *session) startTLS() error {
	if _, on := s.conn.(*tls.Conn); s.sink.TLS == nil || on {
		return s.put("502 5.5.1 Error: command not implemented")
	}
	if len(s.in) > 0 {
		return errEnd // commands before TLS began: RFC 3207 §5
	}
	s.put("220 2.0.0 Ready to start TLS")
	if err := s.flush(); err != nil {
		return err
	}
	c := tls.Server(s.conn, s.sink.TLS)
	c.SetDeadline(time.Now().Add(time.Minute))
	if err := c.Handshake(); err != nil {
		return err
	}
	c.SetDeadline(time.Time{})
	s.conn = c
	s.clear()
	return nil
}

func (s *session) clear() {
	if s.bdat != nil {
		s.bdat.drop()
		s.bdat = nil
	}
	s.open, s.from, s.to, s.no = false, "", nil, nil
	s.env.Mail, s.env.Rcpt = "", nil
}

// argument is what stands behind "MAIL FROM:" and "RCPT TO:", and the
// address in it.
func argument(line string) (arg, address string) {
	_, arg, _ = strings.Cut(line, ":")
	arg = strings.TrimSpace(arg)
	address, _, _ = strings.Cut(strings.TrimPrefix(arg, "<"), ">")
	return arg, address
}

func (s *session) mail(line string) error {
	s.clear()
	reply, err := s.answer(Step{Phase: PhaseMail, Line: line}, "250 2.1.0 Ok")
	if err != nil || reply[0] != '2' {
		return err
	}
	s.env.Mail, s.from = argument(line)
	s.open = true
	return nil
}

func (s *session) rcpt(line string) error {
	if !s.open {
		return s.put("503 5.5.1 Error: MAIL first")
	}
	reply, err := s.answer(Step{Phase: PhaseRcpt, Line: line}, "250 2.1.5 Ok")
	if err != nil {
		return err
	}
	arg, address := argument(line)
	if reply[0] != '2' {
		s.no = append(s.no, Refusal{address, reply})
		return nil
	}
	s.env.Rcpt = append(s.env.Rcpt, arg)
	s.to = append(s.to, address)
	return nil
}

func (s *session) data(line string) error {
	if len(s.to) == 0 {
		return s.put("503 5.5.1 Error: RCPT first")
	}
	reply, err := s.answer(Step{Phase: PhaseData, Line: line}, continueOn)
	if err != nil || reply[0] != '3' {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	c := s.sink.content()
	if err := s.dots(c); err != nil {
		s.ended(c, "", true, false)
		return err
	}
	return s.end(c)
}

// dots reads a content up to the line with a dot and takes the stuffed dots
// out.
func (s *session) dots(c *content) error {
	slab := slabs.Get().(*[]byte)
	defer slabs.Put(slab)
	buf := *slab
	// buf[:2] is what stood before: the content begins on a new line.
	have := 2 + copy(buf[2:], s.in)
	buf[0], buf[1] = '\r', '\n'
	s.in = nil
	at := 2 // where the search goes on
	s.conn.SetReadDeadline(time.Now().Add(idleLimit))
	for {
		from := at
		for {
			i := bytes.IndexByte(buf[at:have], '.')
			if i < 0 {
				at = have
				break
			}
			at += i
			if buf[at-1] != '\n' || buf[at-2] != '\r' {
				at++
				continue
			}
			if have-at < 3 {
				break // its line is not here yet
			}
			if buf[at+1] == '\r' && buf[at+2] == '\n' {
				c.write(buf[from:at])
				s.keep(buf[at+3 : have])
				return nil
			}
			c.write(buf[from:at])
			at++
			from = at
		}
		c.write(buf[from:at])
		// What is not decided, and the two octets before it, go to the front.
		have = copy(buf, buf[at-2:have])
		at = 2
		n, err := s.conn.Read(buf[have:])
		have += n
		if n == 0 && err != nil {
			return err
		}
	}
}

// keep puts commands that came behind a content back.
func (s *session) keep(rest []byte) {
	if len(rest) > len(s.small) {
		s.small = make([]byte, len(rest)+smallSize)
	}
	s.in = s.small[:copy(s.small, rest)]
}

// chunk is BDAT.
func (s *session) chunk(line, arg string) error {
	size, word, _ := strings.Cut(arg, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 || !s.sink.Chunking {
		return errEnd // what follows cannot be told from commands
	}
	if s.bdat == nil {
		s.bdat = s.sink.content()
	}
	if err := s.octets(s.bdat, n); err != nil {
		c := s.bdat
		s.bdat = nil
		s.ended(c, "", true, false)
		return err
	}
	if len(s.to) == 0 {
		s.clear()
		return s.put("503 5.5.1 Error: RCPT first")
	}
	if !strings.EqualFold(word, "LAST") {
		return s.say(Step{Phase: PhaseData, Line: line}, "250 2.0.0 Ok")
	}
	c := s.bdat
	s.bdat = nil
	return s.end(c)
}

func (s *session) octets(c *content, n int64) error {
	k := min(n, int64(len(s.in)))
	c.write(s.in[:k])
	s.in = s.in[k:]
	if n -= k; n == 0 {
		return nil
	}
	slab := slabs.Get().(*[]byte)
	defer slabs.Put(slab)
	s.conn.SetReadDeadline(time.Now().Add(idleLimit))
	for n > 0 {
		got, err := s.conn.Read((*slab)[:min(n, slabSize)])
		c.write((*slab)[:got])
		n -= int64(got)
		if got == 0 && err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// end answers the end of a content.
func (s *session) end(c *content) error {
	c.finish()
	reply, err := s.answer(Step{Phase: PhaseDot, N: c.n}, "250 2.0.0 Ok")
	if err == nil {
		err = s.flush()
	}
	s.ended(c, reply, err != nil, true)
	if err == nil && reply[0] == '2' {
		s.sink.tell(&s.sink.messages)
	}
	s.clear()
	return err
}

// ended writes the line of a transaction.
func (s *session) ended(c *content, reply string, broke, whole bool) {
	if !whole {
		c.finish()
	}
	if whole && !broke && reply[0] == '2' {
		if s.sink.Count != "" && c.mark != "" {
			s.sink.count(c.mark)
		}
		if s.sink.OnContent != nil {
			s.sink.OnContent(s.env, c.all)
		}
	}
	if s.sink.Log != nil {
		g := Got{
			ID: c.id, N: c.n, Size: c.size, From: s.from, To: s.to, Refused: s.no, Reply: reply, Broke: broke,
			Mark: c.mark, At: time.Now(),
		}
		if whole {
			g.Sum, g.About = c.sum(), c.about()
		}
		s.sink.Log.Put(g)
	}
	c.drop()
}
