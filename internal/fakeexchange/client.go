package fakeexchange

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
)

// send makes one attempt to hand m to a connector's smart hosts and returns
// one reply per recipient. Hosts are tried in order until one takes the
// connection.
func (x *Exchange) send(ctx context.Context, c *mailflow.OutboundConnector, m *message, to []recipient) []mail.Reply {
	raw := x.leave(m, c, time.Now())
	hosts := []string(c.SmartHosts)
	if c.UseMXRecord {
		hosts = []string{domainOf(to[0].address)}
	}
	last := answerNoHost
	for _, host := range hosts {
		host = strings.Trim(host, "[]")
		replies, answer := x.sendTo(ctx, host, c, m, raw, to)
		if replies != nil {
			return replies
		}
		last = answer
	}
	return each(len(to), last)
}

// sendTo tries one host; nil replies mean that the next host may be tried.
func (x *Exchange) sendTo(
	ctx context.Context, host string, c *mailflow.OutboundConnector, m *message, raw []byte, to []recipient,
) ([]mail.Reply, mail.Reply) {
	if f := x.strike(Outbound, AtConnect, addressesOf(to)...); f != nil && (f.Drop || f.Reply.Code != 0) {
		if f.Reply.Code == 0 {
			f.Reply = answerNoHost
		}
		return nil, f.Reply
	}
	conn, err := x.config.Dial(ctx, "tcp", net.JoinHostPort(host, "25"))
	if err != nil {
		return nil, mail.NewReply(451, "4.4.316", "Connection refused: "+err.Error())
	}
	if !x.track(conn) {
		return nil, answerNoHost
	}
	s := &outgoing{x: x, host: host, connector: c, conn: conn, to: to}
	defer func() {
		x.untrack(conn)
		_ = s.conn.Close()
	}()
	s.reset(conn)
	if answer := s.open(); !answer.Ok() {
		return nil, answer
	}
	replies := s.message(m, raw)
	if s.twice && !s.broken {
		x.note(m, "sent twice", joined(to), "")
		s.message(m, raw)
	}
	s.quit()
	return replies, mail.Reply{}
}

func addressesOf(to []recipient) []string {
	list := make([]string, len(to))
	for i, r := range to {
		list[i] = r.address
	}
	return list
}

// outgoing is a dialog with a smart host.
type outgoing struct {
	x         *Exchange
	host      string
	connector *mailflow.OutboundConnector
	conn      net.Conn
	r         *bufio.Reader
	ext       map[string]string
	to        []recipient
	broken    bool
	twice     bool // a fault asks for a second submission
}

func (s *outgoing) reset(conn net.Conn) {
	s.conn = conn
	s.r = bufio.NewReaderSize(conn, 8<<10)
}

// open greets the host and starts TLS as the connector asks. A zero code
// never comes back: a broken connection is answerBroken.
func (s *outgoing) open() mail.Reply {
	if r := s.read(); !r.Ok() {
		return r
	}
	if r := s.hello(); !r.Ok() {
		return r
	}
	f := s.x.strike(Outbound, AtStartTLS, addressesOf(s.to)...)
	_, offered := s.ext["STARTTLS"]
	if f != nil && f.PlainText {
		return replyOK
	}
	if !offered {
		if s.connector.TLSSettings != "" {
			return answerNoTLS
		}
		return replyOK
	}
	if r := s.do(AtStartTLS, "STARTTLS"); !r.Ok() {
		if s.connector.TLSSettings != "" || s.broken {
			return answerNoTLS
		}
		return replyOK
	}
	if err := s.handshake(f != nil && f.Stranger); err != nil {
		return mail.NewReply(451, "4.4.317", "Cannot connect to remote server ["+err.Error()+"]")
	}
	return s.hello()
}

func (s *outgoing) hello() mail.Reply {
	r := s.do(AtHello, "EHLO "+clientHello)
	s.ext = map[string]string{}
	if r.Ok() {
		for _, line := range strings.Split(r.Text, "\n") {
			name, rest, _ := strings.Cut(line, " ")
			s.ext[strings.ToUpper(name)] = rest
		}
	}
	return r
}

// handshake checks the host's certificate as TlsSettings says.
func (s *outgoing) handshake(stranger bool) error {
	level := s.connector.TLSSettings
	certificate := s.x.client
	if stranger {
		other, err := NewAuthority()
		if err != nil {
			return err
		}
		if certificate, err = other.Certificate("mail.outsider.example"); err != nil {
			return err
		}
	}
	c := tls.Client(s.conn, &tls.Config{
		ServerName:         s.host,
		InsecureSkipVerify: true, // the level decides what is checked, below
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &certificate, nil
		},
		VerifyConnection: func(state tls.ConnectionState) error {
			return s.verify(level, state)
		},
		MinVersion: tls.VersionTLS12,
	})
	_ = s.conn.SetDeadline(time.Now().Add(time.Minute))
	if err := c.HandshakeContext(s.x.ctx); err != nil {
		s.broken = true
		return err
	}
	s.reset(c)
	return nil
}

// verify applies EncryptionOnly, CertificateValidation or DomainValidation.
func (s *outgoing) verify(level string, state tls.ConnectionState) error {
	domain := strings.EqualFold(level, mailflow.DomainValidation)
	if !domain && !strings.EqualFold(level, mailflow.CertificateValidation) {
		return nil
	}
	leaf := state.PeerCertificates[0]
	rest := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		rest.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: s.x.roots, Intermediates: rest}); err != nil {
		return err
	}
	if !domain {
		return nil
	}
	for _, name := range append(leaf.DNSNames, leaf.Subject.CommonName) {
		if covers(s.connector.TLSDomain, name) || covers(name, s.connector.TLSDomain) {
			return nil
		}
	}
	return fmt.Errorf("certificate is for %s, not for %s", leaf.Subject.CommonName, s.connector.TLSDomain)
}

// message runs one transaction. The replies stand for the recipients.
func (s *outgoing) message(m *message, raw []byte) []mail.Reply {
	if r := s.fits(m, raw); r.Code != 0 {
		return each(len(s.to), r)
	}
	if f := s.x.strike(Outbound, AtMail, addressesOf(s.to)...); f != nil && (f.Drop || f.Reply.Code != 0) {
		return each(len(s.to), s.scripted(f))
	}
	sender, replies := s.envelope(m, raw)
	if !sender.Ok() {
		return each(len(s.to), sender)
	}
	taken := 0
	for _, r := range replies {
		if r.Ok() {
			taken++
		}
	}
	if taken == 0 || s.broken {
		s.do("", "RSET")
		return replies
	}
	end := s.content(raw)
	for i := range replies {
		if replies[i].Ok() {
			replies[i] = end
		}
	}
	return replies
}

// fits says what the host cannot take before anything is sent.
func (s *outgoing) fits(m *message, raw []byte) mail.Reply {
	if _, ok := s.ext["CHUNKING"]; !ok && bareLF(raw) {
		return answerBareLF
	}
	if limit, err := strconv.Atoi(s.ext["SIZE"]); err == nil && limit > 0 && len(raw) > limit {
		return answerSize
	}
	if _, ok := s.ext["SMTPUTF8"]; !ok && needsUTF8(m, s.to) {
		return answerUTF8
	}
	return mail.Reply{}
}

func needsUTF8(m *message, to []recipient) bool {
	if !mail.Address(m.from).ASCII() {
		return true
	}
	for _, r := range to {
		if !mail.Address(r.address).ASCII() {
			return true
		}
	}
	return false
}

// group is how many recipients are pipelined at once.
const group = 20

// envelope sends MAIL and RCPT, pipelined where that is offered.
func (s *outgoing) envelope(m *message, raw []byte) (mail.Reply, []mail.Reply) {
	lines := []string{s.mailLine(m, raw)}
	for _, r := range s.to {
		lines = append(lines, s.rcptLine(r))
	}
	var replies []mail.Reply
	_, pipelining := s.ext["PIPELINING"]
	for at := 0; at < len(lines); {
		n := 1
		if pipelining {
			n = min(group, len(lines)-at)
		}
		s.write([]byte(strings.Join(lines[at:at+n], "\r\n") + "\r\n"))
		for range n {
			replies = append(replies, s.read())
		}
		at += n
		if !replies[0].Ok() {
			break
		}
	}
	for len(replies) < len(lines) {
		replies = append(replies, replies[0])
	}
	for i, r := range s.to {
		if f := s.x.strike(Outbound, AtRcpt, r.address); f != nil && f.Reply.Code != 0 {
			replies[i+1] = f.Reply
		}
	}
	return replies[0], replies[1:]
}

func (s *outgoing) mailLine(m *message, raw []byte) string {
	line := "MAIL FROM:<" + m.from + ">"
	if _, ok := s.ext["SIZE"]; ok {
		line += fmt.Sprintf(" SIZE=%d", len(raw))
	}
	_, binary := s.ext["BINARYMIME"]
	_, eight := s.ext["8BITMIME"]
	switch {
	case binary && s.x.sw.DeclareBinary && bareLF(raw):
		line += " BODY=BINARYMIME"
	case eight && eightBit(raw):
		line += " BODY=8BITMIME"
	}
	if _, ok := s.ext["SMTPUTF8"]; ok && needsUTF8(m, s.to) {
		line += " SMTPUTF8"
	}
	if _, ok := s.ext["DSN"]; ok {
		if m.ret != "" {
			line += " RET=" + string(m.ret)
		}
		if m.envid != "" {
			line += " ENVID=" + m.envid
		}
	}
	return line
}

func (s *outgoing) rcptLine(r recipient) string {
	line := "RCPT TO:<" + r.address + ">"
	if _, ok := s.ext["DSN"]; !ok {
		return line
	}
	var notify []string
	for _, n := range []struct {
		bit  mail.Notify
		name string
	}{
		{mail.NotifyNever, "NEVER"}, {mail.NotifySuccess, "SUCCESS"},
		{mail.NotifyFailure, "FAILURE"}, {mail.NotifyDelay, "DELAY"},
	} {
		if r.notify&n.bit != 0 {
			notify = append(notify, n.name)
		}
	}
	if len(notify) > 0 {
		line += " NOTIFY=" + strings.Join(notify, ",")
	}
	if r.orcpt != "" {
		line += " ORCPT=" + r.orcpt
	}
	return line
}

// content sends the octets by BDAT where CHUNKING is offered, else by DATA.
func (s *outgoing) content(raw []byte) mail.Reply {
	if f := s.x.strike(Outbound, AtData, addressesOf(s.to)...); f != nil {
		if f.Drop {
			s.half(raw)
		}
		if f.Drop || f.Reply.Code != 0 {
			return s.scripted(f)
		}
	}
	if s.chunks(raw) {
		return s.bdat(raw)
	}
	if r := s.do("", "DATA"); r.Code != 354 {
		return r
	}
	s.write(stuffed(raw))
	return s.finish([]byte(".\r\n"))
}

// chunks reports whether the content goes by BDAT.
func (s *outgoing) chunks(raw []byte) bool {
	_, offered := s.ext["CHUNKING"]
	return offered && (s.x.sw.AlwaysChunk || bareLF(raw))
}

// chunk is the size of one BDAT chunk.
const chunk = 256 << 10

func (s *outgoing) bdat(raw []byte) mail.Reply {
	for len(raw) > chunk {
		s.write(fmt.Appendf(nil, "BDAT %d\r\n", chunk))
		s.write(raw[:chunk])
		if r := s.read(); !r.Ok() {
			return r
		}
		raw = raw[chunk:]
	}
	return s.finish(append(fmt.Appendf(nil, "BDAT %d LAST\r\n", len(raw)), raw...))
}

// finish sends what ends the content and reads the answer that counts.
func (s *outgoing) finish(last []byte) mail.Reply {
	s.write(last)
	f := s.x.strike(Outbound, AtDot, addressesOf(s.to)...)
	if f == nil {
		return s.read()
	}
	switch {
	case f.Twice:
		s.twice = true
	case f.Drop:
		return s.scripted(f)
	}
	answer := s.read()
	if f.Reply.Code != 0 {
		return f.Reply
	}
	return answer
}

// half sends the first half of the content and no end.
func (s *outgoing) half(raw []byte) {
	if s.chunks(raw) {
		s.write(fmt.Appendf(nil, "BDAT %d LAST\r\n", len(raw)))
	} else if r := s.do("", "DATA"); r.Code != 354 {
		return
	}
	s.write(raw[:len(raw)/2])
}

// scripted is what a fault does to the dialog.
func (s *outgoing) scripted(f *Fault) mail.Reply {
	if f.Drop {
		s.broken = true
		_ = s.conn.Close()
	}
	if f.Reply.Code != 0 {
		return f.Reply
	}
	return answerBroken
}

// do sends a command and reads its reply.
func (s *outgoing) do(stage Stage, line string) mail.Reply {
	if stage == AtHello {
		if f := s.x.strike(Outbound, stage, addressesOf(s.to)...); f != nil && (f.Drop || f.Reply.Code != 0) {
			return s.scripted(f)
		}
	}
	s.write([]byte(line + "\r\n"))
	return s.read()
}

func (s *outgoing) write(data []byte) {
	if s.broken {
		return
	}
	_ = s.conn.SetDeadline(time.Now().Add(10 * time.Minute))
	if _, err := s.conn.Write(data); err != nil {
		s.broken = true
	}
}

// read reads one reply; a broken or talkative peer is answerBroken.
func (s *outgoing) read() mail.Reply {
	var lines []string
	for !s.broken {
		line, err := s.r.ReadString('\n')
		if err != nil || len(lines) > 100 {
			break
		}
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, line)
		if len(line) < 4 || line[3] == ' ' {
			if r, err := mail.ParseReply(lines); err == nil {
				return r
			}
			break
		}
	}
	s.broken = true
	return answerBroken
}

func (s *outgoing) quit() {
	if !s.broken {
		s.do("", "QUIT")
	}
}

// stuffed doubles the dots that begin a line (RFC 5321 §4.5.2) and ends the
// last line.
func stuffed(raw []byte) []byte {
	out := bytes.ReplaceAll(raw, []byte("\r\n."), []byte("\r\n.."))
	if len(out) > 0 && out[0] == '.' {
		out = append([]byte("."), out...)
	}
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(bytes.Clone(out), "\r\n"...)
	}
	return out
}
