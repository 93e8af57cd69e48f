package receive

import (
	"context"
	"crypto/tls"
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
	secure := tls.Server(c.raw, c.s.tlsConfig())
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
	c.in = newWindow()
	c.reset(fresh)
	c.esmtp = false
	c.peer = mail.Peer{Addr: c.peer.Addr, TLS: proof}
	return nil
}

// tlsConfig asks for a client certificate and looks at it afterwards, so that
// one we do not trust is a fact about the peer and not a broken connection.
// There are no tickets: a resumed session would carry an old proof.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		ClientAuth:             tls.RequestClientCert,
		GetCertificate:         s.cfg.Certificate,
		SessionTicketsDisabled: true,
	}
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
