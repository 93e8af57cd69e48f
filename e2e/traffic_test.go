//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// swaks sends a file with the client that administrators know.
func (g *gateway) swaks(t *testing.T, raw []byte, to string, more ...string) (transcript string, code int) {
	t.Helper()
	program := need(t, "swaks")
	cert, key := filepath.Join(g.dir, "exchange.pem"), filepath.Join(g.dir, "exchange.key")
	if _, err := os.Stat(cert); err != nil {
		g.certificate(t, "exchange", exchangeID)
	}
	file := write(t, filepath.Join(g.dir, unique()+".eml"), dotted(raw))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{"--server", g.smtp, "--tls", "--tls-cert", cert, "--tls-key", key,
		"--helo", "exchange.example",
		"--from", ann, "--to", to, "--data", "@" + file, "--no-data-fixup", "--timeout", "15"}, more...)
	cmd := exec.CommandContext(ctx, program, args...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// dotted is a message with the dots of RFC 5321 §4.5.2, for swaks'
// --no-data-fixup: the octets are ours. swaks itself ends the last line.
func dotted(raw []byte) string {
	return strings.ReplaceAll("\r\n"+string(raw), "\r\n.", "\r\n..")[2:] + "."
}

func TestWhatSwaksSendsComesBackOctetForOctet(t *testing.T) {
	t.Parallel()
	need(t, "swaks")
	g := start(t, setup{})
	sent, back := routed(message("clean", "Grüße aus Köln\n..dots at the start\n.\tand one\n"))
	for _, options := range [][]string{nil, {"--pipeline"}} {
		out, code := g.swaks(t, sent, bob, options...)
		if code != 0 {
			t.Fatalf("swaks %v ended with %d:\n%s", options, code, out)
		}
		if !strings.Contains(out, "<~  250 2.6.0 taken") {
			t.Errorf("the client did not get the next hop's own answer:\n%s", out)
		}
	}
	all := g.sink.got()
	if len(all) != 2 {
		t.Fatalf("%d messages at the next hop, want 2", len(all))
	}
	for _, d := range all {
		below(t, d, back)
		if d.From != ann || len(d.To) != 1 || d.To[0] != bob {
			t.Errorf("envelope %q %q", d.From, d.To)
		}
		if len(d.Client) != 1 || d.Client[0] != "t-contoso.relay.postern.example" {
			t.Errorf("the tenant's certificate was not shown: %v", d.Client)
		}
	}
}

func TestRefusalsHaveTheDocumentedReplies(t *testing.T) {
	t.Parallel()
	need(t, "swaks")
	g := start(t, setup{tenant: "refuse: session\n"})
	good, _ := routed(message("cards", cardText))
	forged := []byte(strings.Replace(string(good), secret, "guessed-secret-123456", 1))
	bare, _ := routed([]byte(strings.Replace(string(message("clean", "Hello\n")), "Hello", "one\ntwo", 1)))
	tests := []struct {
		name string
		raw  []byte
		to   string
		more []string
		want string
	}{
		{"a violation is refused in the session", good, bob, nil, "<~* 550 5.7.1 "},
		{"a wrong secret is refused", forged, bob, nil, "<~* 550 5.7.1 Refused (P"},
		{"a missing tenant header is deferred", message("clean", "Hello\n"), bob, nil, "<~* 451 4.7.1 Deferred (P"},
		{"a bare LF in DATA is refused", bare, bob, nil, "<~* 554 5.6.11 "},
		{"strangers are refused at RCPT", good, eve, []string{"--from", "mallory@evil.example"}, "<~* 550 5.7.1 Refused (P"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, code := g.swaks(t, test.raw, test.to, test.more...)
			if code == 0 || !strings.Contains(out, test.want) {
				t.Errorf("exit %d, no %q in:\n%s", code, test.want, out)
			}
		})
	}
	if all := g.sink.got(); len(all) != 0 {
		t.Errorf("%d messages passed", len(all))
	}
}

func TestManyMessagesOnOneConnectionByDATAAndBDAT(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	c := g.dial(t)
	var want [][]byte
	for i := range 20 {
		sent, back := routed(message("in turn", ".first\n..second\n.\n"+strings.Repeat("long ", 300)+"\n\n"))
		send := c.data
		if i%2 == 1 {
			send = c.bdat
		}
		if r, err := send(sent, ann, bob, eve); err != nil || r.Code != 250 {
			t.Fatal(r, err)
		}
		want = append(want, back)
	}
	all := g.sink.got()
	if len(all) != len(want) {
		t.Fatalf("%d messages at the next hop, want %d", len(all), len(want))
	}
	for i, d := range all {
		below(t, d, want[i])
		if len(d.To) != 2 {
			t.Errorf("recipients %v", d.To)
		}
	}
}

func TestBareLFComesAndGoesByBDATUnchanged(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	plain := string(message("bare", "x\n"))
	sent, back := routed([]byte(strings.Replace(plain, "x\r\n", "one\ntwo\r.\nthree\x00\r\n.\r\nend", 1)))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	all := g.sink.got()
	if len(all) != 1 || !all[0].BDAT {
		t.Fatalf("%d messages at the next hop", len(all))
	}
	below(t, all[0], back)
}

func TestABlockedMessageIsReportedAndAHeldOneWaits(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	card, _ := routed(message("blocked-one", cardText))
	if r := g.send(t, card); r.Code != 250 {
		t.Fatalf("a block with a report is a promise: %v", r)
	}
	eventually(t, 10*time.Second, "the sender has a report", func() bool {
		return len(g.sink.to(ann, "report-type=delivery-status")) == 1
	})
	iban, back := routed(message("held-one", ibanText))
	if r := g.send(t, iban); r.Code != 250 {
		t.Fatal(r)
	}
	list := g.held(t)
	if len(list) != 1 || list[0].Recipient != bob {
		t.Fatalf("held: %+v", list)
	}
	g.ok(t, "held", "release", list[0].Message)
	eventually(t, 10*time.Second, "the released message is at the next hop", func() bool {
		return len(g.sink.to(bob, "held-one")) == 1
	})
	below(t, g.sink.to(bob, "held-one")[0], back)
	eventually(t, 10*time.Second, "the balance is even", func() bool {
		b := g.balance(t)
		return b.OK && b.Open == 0 && b.Delivered == 1 && b.Refused == 1
	})
}

func TestASmartHostGetsUserAndPasswordOnlyOverTLS(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	s.login = "contoso\x00smart-host-password-1"
	g := start(t, setup{sink: s, back: ", user: contoso, password: smart-host-password-1"})
	sent, back := routed(message("clean", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	below(t, s.got()[0], back)
}
