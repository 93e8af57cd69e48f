//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A next hop that knows neither SMTPUTF8 nor 8BITMIME gets what it can take,
// octet for octet; for the rest the sender gets a report. Nothing is converted.
func TestANextHopWithoutAnExtensionGetsWhatItCanTake(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	s.without = "SMTPUTF8 8BITMIME CHUNKING"
	g := start(t, setup{sink: s})
	bring := func(from, param, subject, text string, to string) reply {
		t.Helper()
		c := g.dial(t)
		raw, _ := routed(message(subject, text))
		for _, line := range []string{"MAIL FROM:<" + from + "> BODY=8BITMIME" + param, "RCPT TO:<" + to + ">"} {
			if r, err := c.ask(line); err != nil || r.Code != 250 {
				return r
			}
		}
		fmt.Fprintf(c.conn, "BDAT %d LAST\r\n", len(raw))
		c.conn.Write(raw)
		r, err := c.read()
		must(t, err)
		_, _ = c.ask("QUIT")
		return r
	}
	tests := []struct {
		name, param, subject, text, to, want string
	}{
		{"plain text that was declared as 8 bit", "", "plain1", "Hello\n", bob, "250"},
		{"plain text that was declared as SMTPUTF8", " SMTPUTF8", "plain2", "Hello\n", bob, "250"},
		{"8-bit text", "", "eight1", "Grüße\n", bob, "550 5.6.3"},
		{"an 8-bit subject", " SMTPUTF8", "Grüße", "Hello\n", bob, "550 5.6.7"},
		{"a recipient with umlauts", " SMTPUTF8", "plain3", "Hello\n", "bücher@fabrikam.example", "550 5.6.7"},
	}
	for _, tt := range tests {
		if r := bring(ann, tt.param, tt.subject, tt.text, tt.to); !strings.HasPrefix(r.String(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, r, tt.want)
		}
	}
	for _, subject := range []string{"plain1", "plain2"} {
		if n := len(s.to(bob, subject)); n != 1 {
			t.Errorf("%s came %d times", subject, n)
		}
	}
	if n := len(s.got()); n != 2 {
		t.Errorf("%d messages came", n)
	}
	// What is in custody is refused there, and the sender is told.
	if r := bring(ann, "", "archive-it", "Grüße\n", bob); r.Code != 250 {
		t.Fatal(r)
	}
	eventually(t, 10*time.Second, "Ann has a report about Bob", func() bool {
		list := s.to(ann, "Final-Recipient: rfc822;")
		return len(list) == 1 && bytes.Contains(list[0].Raw, []byte(bob)) && bytes.Contains(list[0].Raw, []byte("5.6.3"))
	})
	if len(s.to(bob, "archive-it")) > 0 {
		t.Error("it was sent all the same")
	}
	eventually(t, 10*time.Second, "nothing is open", func() bool { return g.balance(t).Open == 0 })
}
