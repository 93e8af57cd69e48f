package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/tenant"
)

// maxPasses is how often the same message may run through us for one tenant
// and direction: once, and once more when a rule above ours made Exchange
// route it twice. The third is a loop.
const maxPasses = 2

// maxReceived is RFC 5321 §6.3's "large" number of trace fields.
const maxReceived = 100

// passToken is how our Received field carries the MAC that counts passes.
const passToken = "postern-pass="

// identityOf is what makes two arrivals the same message: Message-ID, Date
// and the octets of the body.
type identityOf struct {
	messageID, date string
	body            [sha256.Size]byte
}

// fingerprint reads the body once. Header fields are left out: Exchange adds
// and changes them on every pass.
func (g *Gateway) fingerprint(h *mail.Header, b mail.Body) (id identityOf, err error) {
	if id.body, err = g.prints.hash(b, h.End()); err != nil {
		return identityOf{}, fmt.Errorf("gateway: read body: %w", err)
	}
	id.messageID, id.date = strings.TrimSpace(h.Get("Message-ID")), strings.TrimSpace(h.Get("Date"))
	return id, nil
}

// prints hashes bodies in a quarter of the time that SHA-256 takes for all of
// one: SHA-256 over the GMAC (NIST SP 800-38D) of each block. Whoever does not
// have the key cannot make two bodies of one hash. A GMAC shows nothing of the
// key while nobody sees it, so that one nonce does for all.
type prints struct{ mac cipher.AEAD }

func newPrints(key spool.PrintKey) prints {
	block, err := aes.NewCipher(key[:])
	if err == nil {
		var mac cipher.AEAD
		if mac, err = cipher.NewGCM(block); err == nil {
			return prints{mac}
		}
	}
	panic("gateway: aes: " + err.Error()) // only a wrong length of the key fails
}

// hash hashes a body from an offset on.
func (p prints) hash(b mail.Body, from int64) (sum [sha256.Size]byte, err error) {
	block := buffers.Get()
	defer buffers.Put(block)
	nonce, tag := make([]byte, p.mac.NonceSize()), make([]byte, 0, p.mac.Overhead())
	all, rest := sha256.New(), io.NewSectionReader(b, from, b.Size()-from)
	for {
		n, err := io.ReadFull(rest, block[:])
		all.Write(p.mac.Seal(tag, nonce, nil, block[:n]))
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return [sha256.Size]byte(all.Sum(nil)), nil
		default:
			return sum, err
		}
	}
}

// passMAC binds a pass to tenant, direction, Message-ID and body, so that
// nobody outside can make us stop, or stop counting, somebody's mail.
func passMAC(key []byte, t *tenant.Tenant, dir mail.Direction, id identityOf) string {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s\x00%s\x00%s\x00", t.ID, dir, id.messageID)
	m.Write(id.body[:])
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// passKeys are the installation's, which nobody outside can compute; without
// them those of the tenant.
func (g *Gateway) passKeys(t *tenant.Tenant) [][]byte {
	if len(g.PassKeys) > 0 {
		return g.PassKeys
	}
	return t.PassKeys()
}

// passes counts our own valid trace fields, and all trace fields.
func (g *Gateway) passes(h *mail.Header, t *tenant.Tenant, dir mail.Direction, id identityOf) (ours, all int) {
	var macs []string // of each key, when they are asked for
	for _, f := range h.All("Received") {
		all++
		_, rest, ok := strings.Cut(h.Value(f), passToken)
		if !ok || len(rest) < 32 {
			continue
		}
		if macs == nil {
			for _, key := range g.passKeys(t) {
				macs = append(macs, passMAC(key, t, dir, id))
			}
		}
		for _, mac := range macs {
			if hmac.Equal([]byte(rest[:32]), []byte(mac)) {
				ours++
				break
			}
		}
	}
	return ours, all
}

// received is our trace field (RFC 5321 §4.4). The client's words are kept to
// what a trace field can carry.
func (g *Gateway) received(a *mail.Arrival, t *tenant.Tenant, dir mail.Direction, id identityOf) string {
	with := "ESMTP"
	if a.Envelope.UTF8 {
		with = "UTF8SMTP"
	}
	if a.Peer.TLS != nil {
		with += "S"
	}
	return fmt.Sprintf("Received: from %s (%s)\r\n\tby %s (Postern) with %s id %s\r\n\t(%s%s);\r\n\t%s\r\n",
		traceWord(a.Peer.Hello), a.Peer.Addr.Addr(), g.Hostname, with, a.Trace,
		passToken, passMAC(g.passKeys(t)[0], t, dir, id), a.Ended.Format(time.RFC1123Z))
}

func traceWord(s string) string {
	s = strings.Map(func(c rune) rune {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune("()<>;\\\"", c) {
			return -1
		}
		return c
	}, s)
	if s == "" {
		return "unknown"
	}
	return s[:min(len(s), 255)]
}
