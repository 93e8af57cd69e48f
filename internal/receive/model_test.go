package receive

import (
	"bytes"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
)

// model is the server written for the eye: the whole input lies before it, it
// answers line by line, and it knows nothing of windows, pools or time. What
// the real one does in any slicing must be what the model does.
type model struct {
	cfg     Config
	rcpt    func(mail.Address) int // the Handler's answers
	accept  func(n int) int
	replies []int
	got     []modelMessage

	phase    string // fresh, ready, mailing, addressed, chunking, spoiled
	tls      bool
	esmtp    bool
	hello    string
	envelope mail.Envelope
	chunks   []byte
	tried    int
	messages int
	errors   int
	idles    int

	closed   bool   // the server has closed the connection
	secure   bool   // the handshake comes next
	injected []byte // what stood behind STARTTLS
	inside   bool   // the input ended within content or a line
	vague    bool   // what happens depends on the slicing
}

type modelMessage struct {
	content, hello string
	envelope       mail.Envelope
	chunked, tls   bool
}

func (m *model) say(code int) { m.replies = append(m.replies, code) }
func (m *model) bye(code int) { m.say(code); m.closed = true }
func (m *model) fault(code int) {
	m.errors++
	m.say(code)
}

func (m *model) reset(phase string) {
	m.phase, m.envelope, m.chunks, m.tried = phase, mail.Envelope{}, nil, 0
}

// idle counts a command that leads nowhere; it reports whether that was one
// too many.
func (m *model) idle() bool {
	if m.idles++; m.idles > m.cfg.MaxIdleCommands {
		m.bye(421)
		return true
	}
	return false
}

// run reads one input to its end.
func (m *model) run(in []byte) {
	for !m.closed && len(in) > 0 {
		if !m.tls && in[0] == handshakeRecord {
			m.bye(530)
			return
		}
		end := bytes.IndexByte(in, '\n')
		if long := end < 0 && len(in) > maxLine || end >= maxLine; long && bytes.IndexByte(in, handshakeRecord) >= 0 {
			m.vague = true
			return
		}
		switch {
		case end < 0:
			m.inside = true
			return
		case end == 0 || in[end-1] != '\r':
			m.bye(500)
			return
		}
		line := string(in[:end-1])
		in = in[end+1:]
		if len(line)+2 > maxLine {
			m.fault(500)
			continue
		}
		in = m.command(line, in)
		if m.secure && len(in) > 0 {
			m.secure, m.injected, m.closed = false, in, true
		}
	}
}

// plainUpper folds ASCII only: a verb with a long s is another verb.
func plainUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// command runs one line and returns what is left of the input.
func (m *model) command(line string, in []byte) []byte {
	if m.errors >= m.cfg.MaxErrors {
		m.bye(421)
		return nil
	}
	line = strings.TrimRight(line, " ")
	verb, args, _ := strings.Cut(line, " ")
	verb = plainUpper(verb)
	switch {
	case verb != "" && strings.Contains(httpVerbs, " "+verb+" "):
		m.bye(554)
		return nil
	case !clean(line) && strings.HasPrefix(verb, "BDAT"):
		m.bye(500)
		return nil
	case !clean(line):
		m.fault(500)
		return in
	}
	switch verb {
	case "BDAT":
		return m.bdat(args, in)
	case "DATA":
		return m.data(args, in)
	case "MAIL":
		m.mail(args)
	case "RCPT":
		m.recipient(args)
	case "STARTTLS":
		m.startTLS(args)
	default:
		m.plain(verb, args)
	}
	return in
}

// plain runs the commands that may come at any time.
func (m *model) plain(verb, args string) {
	if !strings.Contains(" EHLO HELO RSET NOOP VRFY EXPN TURN AUTH HELP QUIT ", " "+verb+" ") || verb == "" {
		m.fault(500)
		return
	}
	if m.idle() {
		return
	}
	switch verb {
	case "EHLO", "HELO":
		if args == "" || len(args) > 255 || strings.Contains(args, " ") || !visible(args) {
			m.fault(501)
			return
		}
		m.reset("ready")
		m.esmtp, m.hello = verb == "EHLO", args
		m.say(250)
	case "RSET":
		if args != "" {
			m.fault(501)
			return
		}
		if m.phase != "fresh" {
			m.reset("ready")
		}
		m.say(250)
	case "NOOP":
		m.say(250)
	case "VRFY":
		if args == "" {
			m.fault(501)
			return
		}
		m.say(252)
	case "HELP":
		m.say(214)
	case "QUIT":
		if args != "" {
			m.fault(501)
			return
		}
		m.bye(221)
	default:
		m.fault(502)
	}
}

func (m *model) startTLS(args string) {
	switch {
	case m.phase != "ready":
		m.fault(503)
	case m.idle():
	case args != "":
		m.fault(501)
	case m.tls:
		m.fault(503)
	case m.cfg.Certificate == nil:
		m.fault(502)
	default:
		m.secure = true
	}
}

// begunTLS is the handshake.
func (m *model) begunTLS() {
	m.secure, m.tls, m.esmtp, m.hello = false, true, false, ""
	m.reset("fresh")
}

// reader is a conn for the parsers of paths, which FuzzParameters watches.
func (m *model) reader() *conn {
	c := &conn{s: New(m.cfg, new(desk)), esmtp: m.esmtp}
	c.tx.envelope = m.envelope
	return c
}

func (m *model) mail(args string) {
	if m.phase != "ready" {
		m.fault(503)
		return
	}
	if m.idle() {
		return
	}
	if m.messages >= m.cfg.MaxMessages {
		m.bye(421)
		return
	}
	e, refusal := m.reader().reversePath(args)
	if refusal != nil {
		m.fault(refusal.Code)
		return
	}
	m.messages++
	m.reset("mailing")
	m.envelope = e
	m.say(250)
}

func (m *model) recipient(args string) {
	if m.phase != "mailing" && m.phase != "addressed" {
		m.fault(503)
		return
	}
	if m.tried++; m.tried > m.cfg.MaxRecipients {
		if m.tried > 2*m.cfg.MaxRecipients {
			m.errors++
		}
		m.say(452)
		return
	}
	to, refusal := m.reader().forwardPath(args)
	if refusal != nil {
		m.fault(refusal.Code)
		return
	}
	for _, r := range m.envelope.To {
		if r.Address == to.Address {
			m.say(250)
			return
		}
	}
	code := m.rcpt(to.Address)
	if code == 250 {
		m.envelope.To = append(m.envelope.To, to)
		m.phase = "addressed"
	}
	m.say(code)
}

func (m *model) data(args string, in []byte) []byte {
	switch {
	case m.phase == "mailing":
		m.fault(554)
		return in
	case m.phase != "addressed":
		m.fault(503)
		return in
	case args != "":
		m.fault(501)
		return in
	case m.envelope.Body == mail.BodyBinary:
		m.fault(503)
		return in
	}
	m.say(354)
	content, n, done, bare := plainUnstuff(in, false)
	switch {
	case !done:
		m.inside = true
		return nil
	case bare:
		m.reset("ready")
		m.fault(554)
	case int64(len(content)) > m.cfg.MaxSize:
		m.reset("ready")
		m.fault(552)
	default:
		m.conclude(content, false)
	}
	return in[n:]
}

func (m *model) bdat(args string, in []byte) []byte {
	stray := m.phase != "addressed" && m.phase != "chunking"
	if stray && m.idle() {
		return nil
	}
	number, word, more := strings.Cut(args, " ")
	size, err := strconv.ParseInt(number, 10, 64)
	if err != nil || number[0] == '+' || size < 0 || len(number) > 19 || more && plainUpper(word) != "LAST" {
		m.errors++
		m.bye(501)
		return nil
	}
	room := m.cfg.MaxSize
	if m.phase == "fresh" || m.phase == "ready" {
		room = 0
	}
	big := !stray && size > m.cfg.MaxSize-int64(len(m.chunks))
	if (stray || big) && size > room+maxDiscarded {
		m.bye(552)
		return nil
	}
	if !stray && !big {
		m.phase = "chunking"
		if size == 0 && !more && m.idle() {
			return nil
		}
	}
	if size > int64(len(in)) {
		m.inside = true
		return nil
	}
	chunk, in := in[:size], in[size:]
	switch {
	case stray:
		code := 503
		if m.phase == "mailing" {
			code = 554
		}
		if more && (m.phase == "mailing" || m.phase == "spoiled") {
			m.reset("ready")
		}
		m.fault(code)
	case big && more:
		m.reset("ready")
		m.fault(552)
	case big:
		m.reset("spoiled")
		m.fault(552)
	case more:
		m.conclude(append(m.chunks, chunk...), true)
	default:
		m.chunks = append(m.chunks, chunk...)
		m.say(250)
	}
	return in
}

func (m *model) conclude(content []byte, chunked bool) {
	m.got = append(m.got, modelMessage{string(content), m.hello, m.envelope, chunked, m.tls})
	code := m.accept(len(m.got))
	if code == 250 {
		m.errors, m.idles = 0, 0
	}
	m.reset("ready")
	if code == 421 {
		m.bye(421)
		return
	}
	m.say(code)
}
