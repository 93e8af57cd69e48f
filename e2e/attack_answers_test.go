//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// nastyAnswers are what a next hop says to a message to bob.
func nastyAnswers() map[string]string {
	return map[string]string{
		"ESC":                       "550 5.7.1 a\x1b[2Jb\x1b]0;owned\x07",
		"NUL and DEL":               "550 5.7.1 a\x00b\x7fc",
		"the second control block":  "550 5.7.1 a\u009b2Jb",
		"writing turned round":      "550 5.7.1 x\u202efdp.exe",
		"broken UTF-8":              "550 5.7.1 \xff\xfe\xfd",
		"a CR inside":               "550 5.7.1 a\rX-Injected: y",
		"3,000 characters":          "550 5.7.1 " + strings.Repeat("long ", 600),
		"100 lines":                 strings.Repeat("550-5.7.1 line\r\n", 99) + "550 5.7.1 X-Injected: y",
		"a header field in a line":  "550-5.7.1 no\r\n550 X-Injected: y",
		"an encoded word":           "550 5.7.1 =?utf-8?q?=0D=0AX-Injected:_y?=",
		"markup":                    "550 5.7.1 <script>alert(1)</script>",
		"a taken message, with ESC": "250 2.6.0 taken\x1b[2J\u202e",
		"another code in each line": "550-5.7.1 a\r\n250 2.0.0 b",
		"no code":                   "what?",
		"a code of two digits":      "55 x",
		"a code of another world":   "999 5.7.1 x",
		"an answer that goes on":    "354 more",
		"the secret in an answer":   "550 5.7.1 I know " + secret,
	}
}

func TestAnswersOfANextHopCommandNothing(t *testing.T) {
	t.Parallel()
	g := start(t, setup{config: "deliver: { final: 3s, command: 3s }\n"})
	for name, text := range nastyAnswers() {
		g.sink.answer(func(d *delivery) string {
			if slices.Contains(d.To, bob) {
				return text
			}
			return ""
		})
		for _, subject := range []string{"straight", "archive-it"} {
			sent, _ := routed(message(subject, "Hello\n"))
			c := g.dial(t)
			r, err := c.bdat(sent, ann, bob)
			if err != nil || hidden(r.Text) != "" || strings.ContainsAny(r.Text, "\r\x00") || r.Code < 250 || r.Code > 554 {
				t.Errorf("%s, %s: %q %v", name, subject, r, err)
			}
			if after, err := c.ask("NOOP"); err != nil || after.Code != 250 {
				t.Errorf("%s: out of step: %v %v", name, after, err)
			}
			c.conn.Close()
		}
	}
	g.sink.answer(nil)
	g.quiet(t)
	for _, d := range g.sink.find("report-type=delivery-status") {
		raw := string(d.Raw)
		if strings.ContainsAny(raw, "\x00\x1b\x07\x7f") || bareText(raw) {
			t.Errorf("a report carries what it must not: %.1500q", raw)
		}
		for i, part := range strings.Split(raw, "\r\n--=_postern") {
			fields := i == 0 || strings.Contains(part, "Content-Type: message/delivery-status")
			if fields && strings.Contains(part, "\nX-Injected") { // in the text for people it is a line like any other
				t.Errorf("a field of the next hop stands in a report: %q", part)
			}
		}
	}
	for _, verb := range [][]string{{"audit", "search"}, {"queue", "list"}, {"audit", "export"}} {
		if c := hidden(g.ok(t, verb...)); c != "" {
			t.Errorf("%s in the output of %v", c, verb)
		}
	}
	g.pagesAreData(t)
	text := g.log.whole()
	if c := hidden(text); c != "" || strings.Contains(text, "\nX-Injected") {
		t.Errorf("%s stands in the log", c)
	}
	g.unharmed(t, 250)
}
