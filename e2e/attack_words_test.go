//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

// nasty are texts that command a terminal, break a line, turn the writing
// round, lead out of a folder or begin a formula.
func nasty() []string {
	return []string{
		"../../../../etc/passwd", "..\\..\\windows\\system32\\x.dll", "/etc/shadow", "C:\\x.exe", "CON", "aux.txt", "NUL.",
		"a\x00b.pdf", "\x1b]0;owned\x07\x1b[2J.pdf", "invoice\u202efdp.exe", "x\u2066y\u2069.doc", "a\r\nX-Injected: name", "a\nlevel=ERROR msg=forged",
		"=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "<script>alert(1)</script>.html", "'; DROP TABLE audit_message;--",
		strings.Repeat("n", 10_000) + ".txt", strings.Repeat("\u202e", 500), ".", "..", "", " ", "\u2028\u2029", "%s%n%x", "${jndi:ldap://x}",
		"a\tb", "\ufeff", "~/.ssh/authorized_keys", "|/bin/sh", "`id`", "$(id)", "--help",
	}
}

// named is a message whose subject and attachment carry a text in every way
// that a header can.
func named(token, text string) []byte {
	word := "=?utf-8?q?" + quoted(text) + "?="
	star := "utf-8''" + percent(text)
	raw := strings.NewReplacer("\r", "", "\n", "", "\x00", "", "\"", "").Replace(text)
	return []byte(strings.ReplaceAll(fmt.Sprintf(`From: %s <%s>
To: %s
Subject: %s %s
Message-ID: <%s@contoso.example>
Date: Sun, 22 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

See the file. %s
--b
Content-Type: application/octet-stream; name="%s"
Content-Disposition: attachment; filename*=%s

%s--b
Content-Type: text/plain; name="%s"
Content-Disposition: attachment; filename="%s"

some text
--b--
`, word, ann, bob, token, word, unique(), token, word, star, cardText, raw, raw), "\n", "\r\n"))
}

func quoted(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// logLine is a line as log/slog writes it.
var logLine = regexp.MustCompile(`^time=\S+ level=(INFO|WARN|ERROR) msg=|^(A link|\t| )|^$`)

// unseen reports the first character that must not reach a terminal.
func hidden(s string) string {
	for _, r := range s {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// calm checks that the log is made of whole lines that no client wrote.
func (g *gateway) calm(t *testing.T) {
	t.Helper()
	text := g.log.whole()
	if c := hidden(text); c != "" {
		t.Errorf("%s stands in the log", c)
	}
	for _, line := range strings.Split(text, "\n") {
		if !logLine.MatchString(line) || len(line) > 4000 {
			t.Errorf("a line that is none of ours: %.300q", line)
		}
	}
	for _, word := range []string{"msg=forged", "owned", secret, mark, "4539 1488"} {
		if strings.Contains(text, word) {
			t.Errorf("%q stands in the log", word)
		}
	}
}

func TestWordsOfAMailCommandNothing(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	tokens := map[string]string{}
	for i, text := range nasty() {
		token := fmt.Sprintf("nasty-%d-%s", i, unique())
		tokens[token] = text
		sent, _ := routed(named(token, text))
		if r := g.send(t, sent); r.Code != 250 {
			t.Errorf("%.40q: %v", text, r)
		}
	}
	eventually(t, 20*time.Second, "every sender has a report", func() bool {
		return len(g.sink.to(ann, "report-type=delivery-status")) == len(tokens)
	})
	for _, d := range g.sink.to(ann, "report-type=delivery-status") {
		if strings.Contains(string(d.Raw), "\nX-Injected") || strings.ContainsAny(string(d.Raw), "\x00\x1b\x07") ||
			bareText(string(d.Raw)) {
			t.Errorf("a report carries what it must not:\n%.1500q", d.Raw)
		}
	}
	for _, verb := range [][]string{{"audit", "search"}, {"held", "list"}, {"queue", "list"}} {
		if c := hidden(g.ok(t, verb...)); c != "" {
			t.Errorf("%s in the output of %v", c, verb)
		}
	}
	for _, r := range g.records(t, "--limit", "1000") {
		if c := hidden(g.ok(t, "audit", "search", "id:"+r.ID)); c != "" {
			t.Errorf("%s in the record of %s", c, r.ID)
		}
		for _, line := range strings.Split(strings.TrimSpace(g.ok(t, "audit", "search", "--json", "id:"+r.ID)), "\n") {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %.200q", line)
			}
		}
		break // one at a time is slow; the pages show all of them
	}
	for _, line := range strings.Split(strings.TrimSpace(g.ok(t, "audit", "export")), "\n") {
		if !json.Valid([]byte(line)) || hidden(line) != "" {
			t.Errorf("the export: %.200q", line)
		}
	}
	g.pagesAreData(t)
	for _, path := range []string{"owned", "x.dll", "X-Injected"} { // no name became a file
		if found, _ := filepath.Glob(filepath.Join(g.dir, "data", "*", "*"+path+"*")); len(found) > 0 {
			t.Errorf("a name became a file: %v", found)
		}
	}
	g.calm(t)
	g.unharmed(t, 250)
}

func TestAddressesBreakNoReport(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	odd := []string{`"a b"`, `"a>b"`, `"a,b"`, `"a;b\"c"`, `"<x@evil.example>"`, `"eve@evil.example, x"`, `"=?utf-8?q?=0D=0AX-Injected:_x?="`, `%0d%0aBcc`,
		strings.Repeat("l", 64), "a+b=c", "|sh"}
	for _, local := range odd {
		sent, _ := routed(message("odd", cardText))
		c := g.dial(t)
		if r, err := c.bdat(sent, local+"@contoso.example", local+"@fabrikam.example"); err != nil || r.Code != 250 {
			t.Errorf("%s: %v %v", local, r, err)
		}
		c.conn.Close()
	}
	eventually(t, 10*time.Second, "each has a report", func() bool { return len(g.sink.find("report-type=delivery-status")) == len(odd) })
	for _, d := range g.sink.find("report-type=delivery-status") {
		head, _, _ := strings.Cut(string(d.Raw), "\r\n\r\n")
		if len(d.To) != 1 || strings.Contains(d.To[0], "evil.example>") || strings.Contains(string(d.Raw), "\nX-Injected") ||
			strings.Contains(head, "\nBcc") || bareText(string(d.Raw)) {
			t.Errorf("to %v:\n%s", d.To, d.Raw)
		}
	}
	g.calm(t)
	g.unharmed(t, 220)
}

// pagesAreData looks at the console's pages of all messages.
func (g *gateway) pagesAreData(t *testing.T) {
	t.Helper()
	cookie := g.enter(t)
	fetch := func(path string) string {
		code, _, body := ask(g.console, "GET "+path+" HTTP/1.1\r\nHost: "+g.console+"\r\nConnection: close\r\nCookie: "+cookie+"\r\n\r\n")
		if code != 200 {
			t.Errorf("%s: %d", path, code)
		}
		return body
	}
	pages := map[string]string{"/": fetch("/")}
	for _, r := range g.records(t, "--limit", "1000") {
		pages["/m/"+r.ID] = fetch("/m/" + r.ID)
		if text := fetch("/api/v1/messages/" + r.ID); !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %.200q", text)
		}
	}
	for path, page := range pages {
		if strings.Contains(page, "<script>alert") {
			t.Errorf("%s: a script", path)
		}
		if c := hidden(strings.NewReplacer("\t", "", "\r", "").Replace(page)); c != "" {
			t.Errorf("%s: %s is on the page", path, c)
		}
		if len(page) > 1<<20 {
			t.Errorf("%s has %d octets", path, len(page))
		}
	}
	t.Logf("%d pages looked at", len(pages))
}

func TestWordsOfAClientCommandNothing(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	for _, text := range nasty() {
		c := g.dial(t)
		for _, line := range []string{
			"EHLO " + text, "EHLO exchange.example", "MAIL FROM:<" + text + "@evil.example> SMTPUTF8", "RSET",
			"MAIL FROM:<\"" + text + "\"@evil.example> SMTPUTF8", "RCPT TO:<" + text + "@victim.example>", "RSET",
			"MAIL FROM:<mallory@" + text + ".example> SMTPUTF8", "RCPT TO:<x@" + text + ".example>", text,
		} {
			r, err := c.ask(line)
			if err != nil {
				break
			}
			if hidden(r.Text) != "" {
				t.Errorf("%.60q was answered %q", line, r)
			}
		}
		c.conn.Close()
	}
	// A flood of refused recipients does not flood the log.
	before := 0
	eventually(t, 10*time.Second, "what was said before is in the log", func() bool {
		was := before
		time.Sleep(100 * time.Millisecond)
		before = len(g.log.String())
		return before == was
	})
	c := g.dial(t)
	var many strings.Builder
	for range 10 {
		many.WriteString("MAIL FROM:<mallory@evil.example>\r\n" + strings.Repeat("RCPT TO:<x@victim.example>\r\n", 500) + "RSET\r\n")
	}
	go func() { _, _ = c.conn.Write([]byte(many.String())) }()
	for range 5020 {
		if _, err := c.read(); err != nil {
			break
		}
	}
	if grown := len(g.log.String()) - before; grown > 5000 {
		t.Errorf("5,000 refused recipients wrote %d octets into the log", grown)
	}
	g.calm(t)
	g.unharmed(t, 220)
}

const evilPolicies = `kind: policy
id: evil
name: "Evil\r\nX-Injected: name\r\n.\r\nMAIL FROM:<x@y.example>"
mode: enforce
when: direction == "outbound" && subject.contains("stop-me")
then: { block: { text: "No\r\n.\r\nX-Injected: text\r\n\r\nQUIT" } }
---
kind: policy
id: evil-note
name: "Note\r\nX-Injected: name"
mode: enforce
when: direction == "outbound" && subject.contains("note-me")
then: { notify: { text: "Note\r\n.\r\n\r\nX-Injected: text" } }
`

func TestPolicyValuesInjectNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"a\r\nX-Injected: header"`, `"a\nb"`, `"a\0b"`, `"ü"`, `"a\u2028b"`} {
		dir := folder(t)
		file := write(t, filepath.Join(dir, "p.yaml"), "kind: policy\nid: b\nname: b\nmode: enforce\nwhen: direction == \"outbound\"\n"+
			"then: { header: { set: { X-Note: "+value+" } } }\n")
		if code, _, errs := run(t, "policy", "test", file); code == 0 || !strings.Contains(errs, "printable ASCII") {
			t.Errorf("%s is loaded: %d %s", value, code, errs)
		}
	}
	for _, refuse := range []string{"session", "report"} {
		g := prepare(t, setup{policies: evilPolicies, tenant: "refuse: " + refuse + "\n"})
		g.spawn(t)
		g.watch(t)
		eventually(t, 20*time.Second, "it takes mail, or refuses the policies", func() bool {
			code, _ := g.get(g.console, "/readyz")
			return code == 200 || !g.alive()
		})
		if !g.alive() { // refused when it was loaded: nothing can be injected
			t.Logf("refused at load: %.300s", g.log.tail(300))
			continue
		}
		for _, subject := range []string{"stop-me", "note-me"} {
			sent, _ := routed(message(subject, "Hello\n"))
			c := g.dial(t)
			r, err := c.bdat(sent, ann, bob)
			if err != nil || strings.Contains(r.Text, "\nX-Injected") && !strings.Contains(r.Text, "5.7.1") {
				t.Errorf("%v %v", r, err)
			}
			if after, err := c.ask("NOOP"); err != nil || after.Code != 250 {
				t.Errorf("the answer put the conversation out of step: %v %v", after, err)
			}
		}
		g.quiet(t)
		for _, d := range g.sink.got() {
			head, _, _ := strings.Cut(string(d.Raw), "\r\n\r\n")
			if strings.Contains(head, "\nX-Injected") || bareText(string(d.Raw)) {
				t.Errorf("injected:\n%s", d.Raw)
			}
		}
		g.calm(t)
		g.unharmed(t, 220)
	}
}
