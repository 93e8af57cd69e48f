package gateway

import (
	"errors"
	"strings"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// outgoing is the message as it leaves by cut-through, and what is changed of
// it.
func (g *Gateway) outgoing(m matter, s shape) (*mail.Outgoing, changes) {
	bare, eight := m.arrival.Bare, m.arrival.Envelope.Body != mail.Body7Bit
	if m.judgment.message != nil {
		eight = m.judgment.message.EightBit
	}
	out := &mail.Outgoing{Body: m.body, Cut: append([]mail.Range(nil), m.id.Cut...), Bare: bare, EightBit: eight}
	x := shaping{tenant: m.tenant, header: m.header, message: m.judgment.message, limits: g.Limits}
	trace := g.received(m.arrival, m.tenant, m.dir, m.print)
	return out, x.shape(out, trace, m.judgment.verdict.Inspected, s)
}

// front is what stands before the original: our trace field, the mark that
// Exchange's rule exception matches, what was inspected, and the fields that
// policy adds.
func front(t *tenant.Tenant, trace, inspected string, headers []policy.Header) []byte {
	var b strings.Builder
	b.WriteString(trace)
	field := func(name, value string) {
		if name != "" && value != "" {
			b.WriteString(name + ": " + oneLine(value) + "\r\n")
		}
	}
	field(t.MarkName(), t.MarkValue())
	field(t.Preset.Inspected, inspected)
	for _, h := range headers {
		field(h.Name, h.Value)
	}
	return []byte(b.String())
}

// oneLine keeps a value inside its field, whatever policy let through.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

func hasRange(list []mail.Range, r mail.Range) bool {
	for _, x := range list {
		if x == r {
			return true
		}
	}
	return false
}

// mannerOf is what planFor must know.
func (g *Gateway) mannerOf(m matter) manner {
	return manner{
		refuseInSession: m.tenant.Refuse == tenant.InSession,
		noSender:        m.envelope.From.Null(),
		watching:        m.monitor,
		copyOnly:        watchedOnly(m.kind),
		hop: func(to mail.Address) string {
			r := m.tenant.Route(m.dir, m.envelope.From, to)
			if r.Host != "" {
				return r.Host
			}
			return r.Domain
		},
	}
}

func isFull(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, durable.ErrFull)
}
