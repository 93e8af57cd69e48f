package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
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
func fingerprint(h *mail.Header, b mail.Body) (identityOf, error) {
	sum := sha256.New()
	if err := hashRest(sum, b, h.End()); err != nil {
		return identityOf{}, fmt.Errorf("gateway: read body: %w", err)
	}
	id := identityOf{messageID: strings.TrimSpace(h.Get("Message-ID")), date: strings.TrimSpace(h.Get("Date"))}
	sum.Sum(id.body[:0])
	return id, nil
}

// hashRest hashes a body from an offset on: what lies in memory, in place.
func hashRest(sum hash.Hash, b mail.Body, from int64) error {
	if pages, ok := b.(interface{ Page(off int64) []byte }); ok {
		for {
			page := pages.Page(from)
			if len(page) == 0 {
				break
			}
			sum.Write(page)
			from += int64(len(page))
		}
	}
	_, err := buffers.Copy(sum, io.NewSectionReader(b, from, b.Size()-from))
	return err
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
