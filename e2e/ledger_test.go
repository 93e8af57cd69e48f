//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/bench/ledger/books"
	"postern.dev/postern/bench/load"
)

// TestTheLedgerBalancesUnderLoadWithFaultsAndAKill sends messages of which
// some violate, through a next hop that hangs up and puts off, from a client
// that breaks off and hangs up; the gateway is killed once meanwhile. Both
// logs and the gateway's books must add up.
func TestTheLedgerBalancesUnderLoadWithFaultsAndAKill(t *testing.T) {
	next := newSink(t)
	next.ln.Close() // its place is taken by the sink that keeps a log
	rules, err := load.ParseAnswers("dot@10%=drop; dot@10%=451 4.3.0 later; mail@3%=421 4.3.2 busy")
	must(t, err)
	var got, sent bytes.Buffer
	s := &load.Sink{
		Hello: returnName, TLS: load.SinkTLS(next.cert, true), Chunking: true, Log: load.NewLog(&got), Answers: rules, Count: "X-Postern-Checked",
	}
	ln, err := net.Listen("tcp", next.address)
	must(t, err)
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	g := start(t, setup{sink: next})

	cert, err := g.authority.Certificate(exchangeID)
	must(t, err)
	front := "X-Postern-Tenant: contoso;" + secret + ";out;inline\r\n" + exchangeHeader()
	var templates []*load.Template
	for _, text := range []string{"some plain words about nothing\n", "some more words for the weekend\n.\n..\n", "plain\n", ibanText} {
		tp, err := load.NewTemplate(message("load", text),
			load.Variation{Mark: true, Words: true, Violate: 5, Front: []byte(front), Run: unique()})
		must(t, err)
		templates = append(templates, tp)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	const messages = 240
	seen := make(chan int, messages)
	source := load.Source{
		Addr: g.smtp, Connections: 6, Messages: messages, Reuse: true, Templates: templates, Hello: "exchange.example",
		TLS: load.SourceTLS(cert, g.authority.Pool(), "gw.postern.example", true), Log: load.NewLog(&sent),
		Envelope: func(n int) (string, []string) {
			if n%3 == 0 {
				return ann, []string{bob, eve}
			}
			return ann, []string{bob}
		},
		Tries: 60, Pause: 200 * time.Millisecond, Abort: 5, Deaf: 5, Timeout: time.Minute,
		OnReply: func(m load.Message, _ string, _ time.Duration) { seen <- m.N },
	}
	done := make(chan load.Result, 1)
	go func() {
		r, err := source.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	for range messages / 3 {
		select {
		case <-seen:
		case <-ctx.Done():
			t.Fatal("the load does not move")
		}
	}
	go func() {
		for range seen {
			continue
		}
	}()
	must(t, g.cmd.Process.Kill())
	<-g.ended
	crash := time.Now()
	g.up(t)
	r := <-done
	close(seen)
	t.Logf("%+v", r)
	if r.Taken != messages {
		t.Errorf("%d of %d messages were taken", r.Taken, messages)
	}
	eventually(t, time.Minute, "nothing waits to leave", func() bool {
		_, out, _ := g.cli(t, "queue", "list", "--json")
		return strings.TrimSpace(out) == ""
	})
	if b := g.balance(t); !b.OK {
		t.Errorf("balance: %+v", b)
	}
	in := books.Input{Crashes: []time.Time{crash}}
	must(t, s.Close())
	in.Got, err = load.ReadGot(&got)
	must(t, err)
	in.Sent, err = load.ReadSent(&sent)
	must(t, err)
	in.Records = lines[books.Record](t, g.ok(t, "audit", "export", "--json"))
	in.Held = lines[books.Held](t, g.ok(t, "held", "list", "--json"))
	report := books.Balance(in)
	t.Logf("%+v", report)
	for _, f := range report.Findings {
		t.Errorf("%+v", f)
	}
	if report.Held == 0 || report.Reported == 0 || report.Delivered < messages/2 || s.Counted()[mark] == 0 {
		t.Errorf("the load was too tame: %+v, marks %v", report, s.Counted())
	}
}
