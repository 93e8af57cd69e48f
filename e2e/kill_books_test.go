//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/bench/ledger/books"
	"postern.dev/postern/bench/load"
)

// second holds the same logs against the gateway's records, its held mail and
// its queue with the program that operators have for it (bench/ledger). It
// knows no policies: what a recipient's name demands is for the ledger here.
func (c *campaign) second(t *testing.T, l *ledger) {
	t.Helper()
	in := books.Input{Copies: []string{archive, other}, Window: time.Hour, Sent: c.sent(), Got: c.got()}
	for _, k := range c.kills {
		if !k.lives {
			in.Crashes = append(in.Crashes, k.at)
		}
	}
	in.Records = lines[books.Record](t, c.g.ok(t, "audit", "export"))
	in.Held = lines[books.Held](t, c.g.ok(t, "held", "list", "--json"))
	in.Queue = lines[books.Task](t, c.g.ok(t, "queue", "list", "--json"))
	r := books.Balance(in)
	for _, f := range r.Findings {
		what := fault(f.Class)
		if f.Class == books.Unrecorded || f.Class == books.Misrecorded {
			what = unbalance
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(f.ID, "<"), "@")
		for _, p := range c.pieces {
			if p.token == id {
				l.add(what, p, nil, "bench/ledger says %s of %s: %s", f.Class, f.Recipient, f.Why)
			}
		}
	}
	l.books = held{r.Messages, r.Recipients}
}

func (p *piece) id() string { return "<" + p.token + "@contoso.example>" }

// sent is the sender's log in the form of bench/load.
func (c *campaign) sent() (list []load.Sent) {
	for _, p := range c.pieces {
		for i, t := range p.tries {
			s := load.Sent{
				ID: p.id(), N: 1, Sum: hex.EncodeToString(p.sum[:]), From: p.sender(), To: p.to,
				Phase: load.PhaseData, Try: i + 1, At: t.began,
			}
			if t.whole {
				s.Phase = load.PhaseDot
			}
			if !t.broke {
				s.Reply = t.reply.String()
			}
			list = append(list, s)
		}
	}
	return list
}

// got is what the next hop has, in the same form. A delivery counts from its
// beginning: the gateway may be dead when the next hop reads its end.
func (c *campaign) got() (list []load.Got) {
	for _, d := range c.g.sink.got() {
		g := load.Got{From: d.From, To: d.To, Reply: "250 2.6.0 taken", Broke: d.Broke, Size: d.Size, At: d.Began}
		address := d.From
		if address == "" && len(d.To) > 0 {
			address = d.To[0]
		}
		if m := token.FindStringSubmatch(address); m != nil {
			g.ID = fmt.Sprintf("<%s@contoso.example>", m[1])
		}
		from := max(bytes.Index(d.Raw, []byte(marker)), 0)
		if d.From == "" {
			from = 0
			g.About = &load.About{ID: g.ID}
			if f := finalRecipient.FindAllSubmatch(d.Raw, -1); f != nil {
				g.About.Action = "failed"
				for _, a := range f {
					g.About.To = append(g.About.To, string(a[1]))
				}
			}
		} else {
			g.N = 1
		}
		sum := sha256.Sum256(d.Raw[from:])
		g.Sum = hex.EncodeToString(sum[:])
		list = append(list, g)
	}
	return list
}
