package fakeexchange

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Limits of the inbound server (exchange.md 5.1, 5.3).
const (
	maxSize       = 150 << 20
	maxLine       = 4096
	maxRecipients = 200
)

// Serve answers SMTP on ln, as the tenants' *.mail.protection.outlook.com
// hosts, until Close or until ln fails.
func (x *Exchange) Serve(ln net.Listener) error {
	x.wg.Add(1)
	defer x.wg.Done()
	x.wg.Go(func() {
		<-x.ctx.Done()
		_ = ln.Close()
	})
	for {
		conn, err := ln.Accept()
		if x.ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("fakeexchange: accept: %w", err)
		}
		if !x.track(conn) {
			return nil
		}
		x.wg.Go(func() {
			defer x.untrack(conn)
			s := &incoming{x: x, tx: &transaction{peer: peer{ip: addressOf(conn)}}}
			s.reset(conn)
			s.serve()
			_ = s.conn.Close()
		})
	}
}

// track remembers an open connection, so that Close ends it; false when the
// service has ended.
func (x *Exchange) track(c net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx.Err() != nil {
		_ = c.Close()
		return false
	}
	x.conns[c] = true
	return true
}

func (x *Exchange) untrack(c net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.conns, c)
}

func addressOf(conn net.Conn) netip.Addr {
	if a, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		return a.Addr().Unmap()
	}
	return netip.Addr{}
}

// transaction is one message at the inbound server.
type transaction struct {
	peer  peer
	open  bool
	from  string
	ret   mail.Ret
	envid string
	// results are what was found out about the sender.
	results string
	to      []recipient
	claims  []claim
	data    []byte // of BDAT chunks
}

func (tx *transaction) clear() {
	*tx = transaction{peer: tx.peer}
}

// incoming is one connection to the inbound server.
type incoming struct {
	x    *Exchange
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	tx   *transaction
	end  bool
}

func (s *incoming) reset(conn net.Conn) {
	s.conn = conn
	s.r = bufio.NewReaderSize(conn, 64<<10)
	s.w = bufio.NewWriter(conn)
}

func (s *incoming) serve() {
	if f := s.x.strike(Inbound, AtConnect); f != nil && s.scripted(f) {
		return
	}
	s.reply(mail.NewReply(220, "", serverName+" Microsoft ESMTP MAIL Service ready"))
	for !s.end {
		line, err := s.line()
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			s.reply(replyTooLong)
			return
		case err != nil:
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		s.command(strings.ToUpper(verb), strings.TrimSpace(rest))
	}
}

func (s *incoming) line() (string, error) {
	if s.r.Buffered() == 0 {
		if err := s.w.Flush(); err != nil {
			return "", err
		}
	}
	_ = s.conn.SetDeadline(time.Now().Add(10 * time.Minute))
	data, err := s.r.ReadSlice('\n')
	if err == nil && len(data) > maxLine {
		err = bufio.ErrBufferFull
	}
	return strings.TrimRight(string(data), "\r\n"), err
}

func (s *incoming) command(verb, rest string) {
	switch verb {
	case "EHLO", "HELO":
		s.hello(verb, rest)
	case "STARTTLS":
		s.startTLS()
	case "MAIL":
		s.mail(rest)
	case "RCPT":
		s.rcpt(rest)
	case "DATA":
		s.data()
	case "BDAT":
		s.bdat(rest)
	case "RSET":
		s.tx.clear()
		s.reply(replyOK)
	case "NOOP":
		s.reply(replyOK)
	case "QUIT":
		s.reply(replyBye)
		s.end = true
	default:
		s.reply(replyCommand)
	}
}

// reply writes an answer; the last one is always flushed.
func (s *incoming) reply(r mail.Reply) {
	_, _ = s.w.WriteString(r.Wire())
	if s.r.Buffered() == 0 || r.Code == 221 || r.Code == 354 {
		_ = s.w.Flush()
	}
}

// scripted plays a fault; true ends the command.
func (s *incoming) scripted(f *Fault) bool {
	if f.Reply.Code != 0 {
		s.reply(f.Reply)
		s.end = s.end || f.Reply.Code == 421
	}
	if f.Drop {
		_ = s.w.Flush()
		_ = s.conn.Close()
		s.end = true
	}
	return f.Drop || f.Reply.Code != 0
}

func (s *incoming) strike(stage Stage) bool {
	f := s.x.strike(Inbound, stage, addressesOf(s.tx.to)...)
	return f != nil && !f.After && s.scripted(f)
}

func (s *incoming) hello(verb, name string) {
	if s.strike(AtHello) {
		return
	}
	s.tx.clear()
	s.tx.peer.hello = name
	if verb == "HELO" {
		s.reply(mail.NewReply(250, "", serverName+" Hello"))
		return
	}
	lines := []string{
		fmt.Sprintf("%s Hello [%s]", serverName, s.tx.peer.ip), fmt.Sprintf("SIZE %d", maxSize), "PIPELINING", "DSN",
		"ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8",
	}
	if s.tx.peer.tls {
		lines = append(lines[:5], lines[6:]...)
	}
	s.reply(mail.NewReply(250, "", strings.Join(lines, "\n")))
}

func (s *incoming) startTLS() {
	if s.tx.peer.tls {
		s.reply(replySequence)
		return
	}
	if s.strike(AtStartTLS) {
		return
	}
	s.reply(replyReady)
	_ = s.w.Flush()
	c := tls.Server(s.conn, &tls.Config{
		Certificates:           []tls.Certificate{s.x.server},
		ClientAuth:             tls.RequestClientCert,
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true, // a synchronous pipe would block on them
	})
	_ = s.conn.SetDeadline(time.Now().Add(time.Minute))
	if err := c.HandshakeContext(s.x.ctx); err != nil {
		s.end = true
		return
	}
	s.reset(c) // nothing that was sent in the clear survives
	s.tx.clear()
	s.tx.peer.tls = true
	s.tx.peer.names = s.x.namesOf(c.ConnectionState().PeerCertificates)
}

// namesOf lists the names of a client certificate that leads to a root.
func (x *Exchange) namesOf(chain []*x509.Certificate) []string {
	if len(chain) == 0 {
		return nil
	}
	rest := x509.NewCertPool()
	for _, c := range chain[1:] {
		rest.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: x.roots, Intermediates: rest, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil
	}
	return append([]string{chain[0].Subject.CommonName}, chain[0].DNSNames...)
}

func (s *incoming) mail(rest string) {
	from, params, ok := readPath(rest, "FROM:")
	switch {
	case s.tx.open || s.tx.peer.hello == "":
		s.reply(replySequence)
		return
	case !ok:
		s.reply(replySyntax)
		return
	}
	if s.strike(AtMail) {
		return
	}
	s.tx.open, s.tx.from = true, from
	for _, p := range params {
		name, v, _ := strings.Cut(p, "=")
		switch strings.ToUpper(name) {
		case "SIZE":
			if n, err := strconv.Atoi(v); err == nil && n > maxSize {
				s.tx.clear()
				s.reply(replyTooBig)
				return
			}
		case "RET":
			s.tx.ret = mail.Ret(strings.ToUpper(v))
		case "ENVID":
			s.tx.envid = v
		}
	}
	s.reply(replySenderOK)
}

func (s *incoming) rcpt(rest string) {
	to, params, ok := readPath(rest, "TO:")
	if !s.tx.open {
		s.reply(replySequence)
		return
	}
	if !ok || to == "" {
		s.reply(replySyntax)
		return
	}
	if f := s.x.strike(Inbound, AtRcpt, to); f != nil && s.scripted(f) {
		return
	}
	r := recipient{address: to, original: to}
	for _, p := range params {
		name, v, _ := strings.Cut(p, "=")
		switch strings.ToUpper(name) {
		case "NOTIFY":
			r.notify = notifyOf(v)
		case "ORCPT":
			r.orcpt = v
		}
	}
	s.reply(s.x.admit(s.tx, r))
}

func notifyOf(v string) (n mail.Notify) {
	for _, one := range strings.Split(strings.ToUpper(v), ",") {
		switch one {
		case "NEVER":
			n |= mail.NotifyNever
		case "SUCCESS":
			n |= mail.NotifySuccess
		case "FAILURE":
			n |= mail.NotifyFailure
		case "DELAY":
			n |= mail.NotifyDelay
		}
	}
	return n
}

// readPath reads "FROM:<a@b> X=Y"; the null path is allowed.
func readPath(rest, prefix string) (string, []string, bool) {
	if len(rest) < len(prefix) || !strings.EqualFold(rest[:len(prefix)], prefix) {
		return "", nil, false
	}
	rest = strings.TrimSpace(rest[len(prefix):])
	end := strings.IndexByte(rest, '>')
	if !strings.HasPrefix(rest, "<") || end < 0 {
		return "", nil, false
	}
	address := rest[1:end]
	if address != "" && strings.IndexByte(address, '@') < 1 {
		return "", nil, false
	}
	return address, strings.Fields(rest[end+1:]), true
}

func (s *incoming) data() {
	if len(s.tx.to) == 0 || s.tx.data != nil {
		s.reply(replySequence)
		return
	}
	if s.strike(AtData) {
		return
	}
	s.reply(replyStartData)
	raw, err := s.readData()
	switch {
	case err != nil:
		s.end = true
	case len(raw) > maxSize:
		s.tx.clear()
		s.reply(replyTooBig)
	case bareLF(raw):
		s.tx.clear()
		s.reply(replyBare)
	default:
		s.finish(raw)
	}
}

// readData reads up to CR LF . CR LF and takes the doubled dots out. Too much
// is read to its end and cut.
func (s *incoming) readData() ([]byte, error) {
	var raw []byte
	fresh := true // at the beginning of a line, after a proper CR LF
	for {
		_ = s.conn.SetDeadline(time.Now().Add(10 * time.Minute))
		part, err := s.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if fresh && string(part) == ".\r\n" {
			return raw, nil
		}
		if fresh && len(part) > 0 && part[0] == '.' {
			part = part[1:]
		}
		ended := bytes.HasSuffix(part, []byte("\r\n")) ||
			len(part) == 1 && part[0] == '\n' && bytes.HasSuffix(raw, []byte("\r"))
		fresh = ended
		if len(raw) <= maxSize {
			raw = append(raw, part...)
		}
	}
}

func (s *incoming) bdat(rest string) {
	args := strings.Fields(rest)
	size := -1
	if len(args) > 0 {
		if n, err := strconv.Atoi(args[0]); err == nil {
			size = n
		}
	}
	last := len(args) == 2 && strings.EqualFold(args[1], "LAST")
	if size < 0 || len(args) > 2 || len(args) == 2 && !last {
		s.reply(replySyntax)
		s.end = true // the length of what follows is not known
		return
	}
	refused := len(s.tx.to) == 0 || len(s.tx.data)+size > maxSize
	var part bytes.Buffer
	var to io.Writer = &part
	if refused {
		to = io.Discard
	}
	_ = s.conn.SetDeadline(time.Now().Add(10 * time.Minute))
	if _, err := io.CopyN(to, s.r, int64(size)); err != nil {
		s.end = true // a chunk that was cut off is never a message
		return
	}
	switch {
	case len(s.tx.to) == 0:
		s.reply(replySequence)
	case refused:
		s.tx.clear()
		s.reply(replyTooBig)
	default:
		s.tx.data = append(s.tx.data, part.Bytes()...)
		if s.tx.data == nil {
			s.tx.data = []byte{}
		}
		if last {
			s.finish(s.tx.data)
			return
		}
		s.reply(mail.NewReply(250, "2.0.0", fmt.Sprintf("%d octets received", size)))
	}
}

// finish answers the end of data.
func (s *incoming) finish(raw []byte) {
	f := s.x.strike(Inbound, AtDot, addressesOf(s.tx.to)...)
	if f != nil && !f.After && s.scripted(f) {
		s.tx.clear()
		return
	}
	answer := s.x.take(s.tx, raw)
	s.tx.clear()
	if f != nil && f.After && f.Drop {
		_ = s.conn.Close()
		s.end = true
		return
	}
	s.reply(answer)
}
