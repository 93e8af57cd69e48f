package receive

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"log/slog"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// handshakeRecord is the first octet of a client that speaks TLS at once. No
// command begins with it, and its line would never end.
const handshakeRecord = 0x16

// helloStart is what every ClientHello begins with: a handshake record of a
// version 3.x (RFC 8446 §5.1). A client that goes on in clear is seen by its
// first octet, also when it sends fewer than a record's header has: it must
// not hold a place for handshakes until the time for one is over.
func helloStart() []byte { return []byte{handshakeRecord, 3} }

// startTLS begins TLS (RFC 3207). What the client said before is forgotten.
func (c *conn) startTLS(args string) {
	switch {
	case args != "":
		c.fault(replyNoArgument())
		return
	case c.peer.TLS != nil:
		c.fault(replyTLSAgain())
		return
	case c.s.cfg.Certificate == nil:
		c.fault(replyNotOffered())
		return
	case len(c.in.unread()) > 0:
		// Commands in clear that would be read as if they came protected
		// (CVE-2011-0411). Input that is still in the socket meets the
		// handshake, which it breaks.
		c.s.cfg.Metrics.Count("receive_closed", 1, "cause", "starttls-injection")
		c.bye(replyTLSInjected())
		return
	}
	done, ok := c.s.mayShake(c.who)
	if !ok {
		c.reply(replyTLSBusy())
		return
	}
	defer done()
	c.reply(replyGoTLS())
	if err := c.handshake(); err != nil {
		c.out = c.out[:0] // no word in clear after STARTTLS
		c.over = true
		c.s.cfg.Metrics.Count("receive_handshakes", 1, "result", "failed")
		c.s.alarm(slog.LevelWarn, problem.HandshakeFailed, telemetry.KeyPeer, c.peer.Addr.String(),
			telemetry.KeyError, err)
		return
	}
	c.s.cfg.Metrics.Count("receive_handshakes", 1, "result", "done")
}

// mayShake takes the places of a handshake, which done gives back; ok is false
// when there is none.
func (s *Server) mayShake(v visitor) (done func(), ok bool) {
	places := []chan struct{}{s.handshakes}
	if !v.known {
		places = append(places, s.strangers)
	}
	for i, p := range places {
		select {
		case p <- struct{}{}:
		default:
			for _, taken := range places[:i] {
				<-taken
			}
			return nil, false
		}
	}
	return func() {
		for _, p := range places {
			<-p
		}
	}, true
}

func (c *conn) handshake() error {
	if err := c.flush(); err != nil {
		return err
	}
	until := time.Now().Add(c.s.cfg.HandshakeTimeout)
	if err := c.await(until, false); err != nil {
		return err
	}
	if err := c.raw.SetWriteDeadline(until); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(c.s.ctx, until)
	defer cancel()
	c.raw.hello = helloStart()
	secure := tls.Server(c.raw, c.s.resuming())
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	state := secure.ConnectionState()
	proof := &mail.TLS{
		Version:      state.Version,
		Cipher:       state.CipherSuite,
		ServerName:   hostName(state.ServerName),
		Certificates: state.PeerCertificates,
	}
	proof.Verified, proof.Names = c.s.cfg.verify(state.PeerCertificates, time.Now())
	c.net = secure
	c.s.windows.close(&c.in)
	c.in = c.s.windows.open()
	c.reset(fresh)
	c.esmtp = false
	c.peer = mail.Peer{Addr: c.peer.Addr, TLS: proof}
	return nil
}

// tlsConfig asks for a client certificate and looks at it afterwards, so that
// one we do not trust is a fact about the peer and not a broken connection.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		ClientAuth:     tls.RequestClientCert,
		GetCertificate: s.cfg.Certificate,
	}
}

// resuming is the configuration for one connection. A client that comes back
// may resume its session (RFC 8446 §2.2): the certificate that it had shown
// is looked at again, by the roots and the clock of now. But it must show the
// certificate itself once an hour, and for every name that it calls us by.
func (s *Server) resuming() *tls.Config {
	c := s.tls.Clone()
	var began time.Time // of the session that is resumed
	c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		t := ticket{time.Now(), hostName(cs.ServerName)}
		if cs.DidResume {
			t.began = began
		}
		ss.Extra = append(ss.Extra, t.wire())
		return s.tls.EncryptTicket(cs, ss)
	}
	c.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := s.tls.DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, err
		}
		t, ok := readTicket(ss.Extra)
		if !ok || !t.good(time.Now(), hostName(cs.ServerName)) {
			return nil, nil // a full handshake
		}
		began = t.began
		return ss, nil
	}
	return c
}

// ticket is what a session remembers of the handshake in which the client
// showed its certificate.
type ticket struct {
	began time.Time
	name  string // by which the client called us
}

// ticketLife is how long a client may go without showing its certificate.
const ticketLife = time.Hour

const ticketMark = "postern-session\x00"

func (t ticket) wire() []byte {
	b := append([]byte(ticketMark), make([]byte, 8)...)
	binary.BigEndian.PutUint64(b[len(ticketMark):], uint64(t.began.Unix()))
	return append(b, t.name...)
}

func readTicket(extra [][]byte) (ticket, bool) {
	for _, b := range extra {
		if rest, ok := bytes.CutPrefix(b, []byte(ticketMark)); ok && len(rest) >= 8 {
			return ticket{time.Unix(int64(binary.BigEndian.Uint64(rest)), 0), string(rest[8:])}, true
		}
	}
	return ticket{}, false
}

// good reports whether the session may be resumed under that name.
func (t ticket) good(now time.Time, name string) bool {
	age := now.Sub(t.began)
	return age > -time.Minute && age < ticketLife && t.name == name
}

// hostName is a server name in lower case, "" for what is not a host name:
// it was chosen by the client.
func hostName(s string) string {
	s = strings.ToLower(s)
	if len(s) > 255 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return ""
	}
	return s
}
