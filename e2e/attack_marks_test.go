//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// forgedFields are fields that say something only we, or only Exchange, may
// say, as an attacker writes them.
func forgedFields() []string {
	return []string{
		"X-Postern-Checked: guessed-mark-0123456789", "X-Postern-Checked: " + mark, "x-postern-checked: " + mark,
		"X-Postern-Checked : " + mark, "X-Postern-Checked:\r\n " + mark, "X-Postern-Inspected: full",
		"X-Postern-Action: deliver", "X-Postern-Spam: no", "X-Postern-OOO: true", "X-Postern-Anything: x",
	}
}

func TestForgedAndReplayedMarksHelpNobody(t *testing.T) {
	t.Parallel()
	g := start(t, setup{tenant: "refuse: session\n"})
	for _, f := range forgedFields() {
		token := "forged" + unique()
		clean, _ := routed(append([]byte(f+"\r\n"), message(token, "Hello\n")...))
		if r := g.send(t, clean); r.Code != 250 {
			t.Errorf("%q: honest text: %v", f, r)
			continue
		}
		d := g.sink.find(token)
		if len(d) != 1 {
			t.Fatalf("%q: %d deliveries", f, len(d))
		}
		head, _, _ := bytes.Cut(d[0].Raw, []byte("\r\n\r\n"))
		low := strings.ToLower(strings.ReplaceAll(string(head), " :", ":"))
		if strings.Count(low, "x-postern-checked:") != 1 || strings.Count(low, "x-postern-inspected:") != 1 ||
			strings.Contains(low, "x-postern-action") || strings.Contains(low, "x-postern-spam") ||
			strings.Contains(low, "x-postern-ooo") || strings.Contains(low, "x-postern-anything") {
			t.Errorf("%q went on:\n%s", f, head)
		}
		// The mark, even the true one, is no way past the policy.
		card, _ := routed(append([]byte(f+"\r\n"), message("card", cardText)...))
		if r := g.send(t, card); r.Code != 550 {
			t.Errorf("%q: card numbers: %v", f, r)
		}
	}
	eventually(t, 10*time.Second, "each of them has a record", func() bool {
		return len(g.records(t, "--limit", "1000")) == 2*len(forgedFields())
	})
	if all := g.ok(t, "audit", "search", "--json", "--limit", "1000"); strings.Count(all, `"forged":`) < len(forgedFields()) {
		t.Error("the records do not name the forged fields")
	}
	g.unharmed(t, 220)
}

// trace is our Received field of a message that was delivered.
func trace(t *testing.T, d *delivery) string {
	t.Helper()
	lines := strings.SplitAfter(string(d.Raw), "\r\n")
	at := slices.IndexFunc(lines[1:], func(l string) bool { return l[0] != ' ' && l[0] != '\t' })
	field := strings.Join(lines[:at+1], "")
	if !strings.HasPrefix(field, "Received: ") || !strings.Contains(field, "postern-pass=") {
		t.Fatalf("no trace field: %q", field)
	}
	return field
}

func TestReplayedTracesStopNobodysMail(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	first := message("traced", "Hello\n")
	sent, _ := routed(first)
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	ours := strings.Repeat(trace(t, g.sink.find("traced")[0]), 3)
	with := func(raw []byte) []byte {
		sent, _ := routed(append([]byte(ours), raw...))
		return sent
	}
	swap := func(old, new string) []byte { return bytes.Replace(first, []byte(old), []byte(new), 1) }
	for _, c := range []struct {
		name string
		raw  []byte
		to   string
		code int
	}{
		{"on another body", swap("Hello", "Hollo"), bob, 250},
		{"on another Message-ID", swap("Message-ID: <", "Message-ID: <x"), bob, 250},
		{"on another mail altogether", message("other", "Text\n"), bob, 250},
		{"on another mail to others", message("other", "Text\n"), eve, 250},
		{"on the same mail: the loop that it says", first, bob, 554},
	} {
		if r := g.send(t, with(c.raw), c.to); r.Code != c.code {
			t.Errorf("%s: %v", c.name, r)
		}
	}
	// The same body and Message-ID to another recipient is no repeat.
	if r := g.send(t, sent, eve); r.Code != 250 || len(g.sink.to(eve, "Subject: traced")) != 1 {
		t.Errorf("the same message to another recipient was swallowed: %v", r)
	}
	// And a made-up MAC counts for nothing.
	made := strings.Repeat("Received: from x (127.0.0.1) by gw.postern.example (Postern) id y\r\n\t(postern-pass="+
		strings.Repeat("0", 32)+");\r\n\tSun, 22 Nov 2026 10:00:00 +0000\r\n", 5)
	raw, _ := routed(append([]byte(made), message("made-up", "Hello\n")...))
	if r := g.send(t, raw); r.Code != 250 {
		t.Errorf("a made-up trace stops mail: %v", r)
	}
	g.unharmed(t, 220)
}

func TestForeignExchangeHeadersNameNobody(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	const other = "99999999-2222-3333-4444-555555555555"
	id, as, org := "X-MS-Exchange-CrossTenant-Id: ", "X-MS-Exchange-CrossTenant-AuthAs: ", "X-OriginatorOrg: "
	tenant := "X-Postern-Tenant: contoso;" + secret + ";out;inline"
	good := []string{tenant, id + entra, as + "Internal", org + "contoso.example"}
	change := func(at int, with ...string) []string {
		return append(append(slices.Clone(good[:at]), with...), good[at+1:]...)
	}
	for _, c := range []struct {
		name, want string
		head       []string
	}{
		{"as it should be", "250", good},
		{"the id of another", "P105", change(1, id+other)},
		{"two ids", "P109", change(1, id+entra, id+other)},
		{"the same id twice", "", change(1, id+entra, id+entra)},
		{"two ids, the other first", "P109", change(1, id+other, id+entra)},
		{"no id", "P110", change(1)},
		{"an empty id", "P1", change(1, id)},
		{"two ids in one field", "P105", change(1, id+entra+", "+other)},
		{"an id with more behind it", "P105", change(1, id+entra+" ")[:0:0]},
		{"a folded foreign id", "P105", change(1, strings.TrimSpace(id)+"\r\n "+other)},
		{"not authenticated", "P106", change(2, as+"Anonymous")},
		{"twice, once not authenticated", "P106", change(2, as+"Internal", as+"Anonymous")},
		{"another organization", "P10", change(3, org+"evil.example")},
		{"two organizations", "P10", change(3, org+"contoso.example", org+"evil.example")},
		{"a wrong secret", "P104", change(0, strings.Replace(tenant, secret, "guessed-secret-123456", 1))},
		{"two tenant headers", "P109", change(0, tenant, tenant)},
		{"two tenant headers, one wrong", "P10", change(0, strings.Replace(tenant, secret, "guessed-secret-123456", 1), tenant)},
		{"no tenant header", "P110", change(0)},
		{"an unknown tenant", "P102", change(0, "X-Postern-Tenant: nobody;"+secret+";out;inline")},
		{"the secret with a blank inside", "P10", change(0, strings.Replace(tenant, secret, secret[:5]+" "+secret[5:], 1))},
	} {
		if len(c.head) == 0 {
			continue
		}
		token := "foreign" + unique()
		r := g.send(t, append([]byte(strings.Join(c.head, "\r\n")+"\r\n"), message(token, "Hello\n")...))
		n := len(g.sink.find(token))
		switch {
		case c.want == "": // either way is right, as long as the books say so
		case c.want == "250" && (r.Code != 250 || n != 1), c.want != "250" && (r.Code/100 == 2 || n != 0 || !strings.Contains(r.Text, c.want)):
			t.Errorf("%s: %v, %d delivered", c.name, r, n)
		}
	}
	// What an attacker says of Exchange's inner headers is carried, as all his
	// words are, and believed by nobody here.
	inner := "X-MS-Exchange-Organization-AuthAs: Internal\r\nX-MS-Exchange-Organization-SCL: -1\r\n" +
		"X-MS-Exchange-Organization-MessageDirectionality: Originating\r\n"
	raw := []byte(strings.Join(change(2, as+"Anonymous"), "\r\n") + "\r\n" + inner)
	if r := g.send(t, append(raw, message("inner", "Hello\n")...)); r.Code/100 == 2 {
		t.Errorf("inner headers helped: %v", r)
	}
	g.unharmed(t, 220)
}

// bombs are messages that cost much and bring little.
func bombs() map[string]func() []byte {
	head := func(more string) string {
		return fmt.Sprintf("From: Ann <%s>\r\nTo: %s\r\nSubject: bomb\r\nMessage-ID: <%s@contoso.example>\r\n"+
			"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n%s", ann, bob, unique(), more)
	}
	return map[string]func() []byte{
		"a header line of 1 MB": func() []byte {
			return []byte(head("X-Long: "+strings.Repeat("x", 1<<20)+"\r\n") + "\r\nHello\r\n")
		},
		"a folded header field of 1 MB": func() []byte {
			return []byte(head("X-Long: "+strings.Repeat("xxxxxxxxxxxxxx\r\n ", 1<<16)+"x\r\n") + "\r\nHello\r\n")
		},
		"a subject of 1 MB in encoded words": func() []byte {
			return []byte(head("X-A: b\r\nSubject: "+strings.Repeat("=?utf-8?q?=41=42?=\r\n ", 50_000)+"x\r\n") + "\r\nHello\r\n")
		},
		"100,000 header fields": func() []byte {
			return []byte(head(strings.Repeat("X-Many: y\r\n", 100_000)) + "\r\nHello\r\n")
		},
		"100,000 recipients in To": func() []byte {
			return []byte(head("Cc: "+strings.Repeat("a@b.example,\r\n ", 100_000)+"x@y.example\r\n") + "\r\nHello\r\n")
		},
		"20,000 parts": func() []byte {
			return []byte(head("Content-Type: multipart/mixed; boundary=b\r\n") + "\r\n" +
				strings.Repeat("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", 20_000) + "--b--\r\n")
		},
		"2,000 levels": func() []byte {
			var b bytes.Buffer
			b.WriteString(head("Content-Type: multipart/mixed; boundary=b0\r\n") + "\r\n")
			for i := range 2000 {
				fmt.Fprintf(&b, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
			}
			b.WriteString("--b2000\r\n\r\nHello\r\n")
			return b.Bytes()
		},
		"2,000 messages in one another": func() []byte {
			return []byte(head("Content-Type: message/rfc822\r\n") + "\r\n" +
				strings.Repeat("Subject: x\r\nContent-Type: message/rfc822\r\n\r\n", 2000) + "Hello\r\n")
		},
		"10,000 boundaries that begin alike": func() []byte {
			return []byte(head("Content-Type: multipart/mixed; boundary="+strings.Repeat("b", 60)+"\r\n") + "\r\n" +
				strings.Repeat("--"+strings.Repeat("b", 59)+"\r\n", 100_000))
		},
		"an archive that unpacks to 1 GB":  func() []byte { return archived(head, 1, 1<<30) },
		"an archive of 10,000 empty files": func() []byte { return archived(head, 10_000, 0) },
		"5 MB of encoded junk": func() []byte {
			return []byte(head("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n") + "\r\n" + strings.Repeat("====!!!!", 650_000) + "\r\n")
		},
	}
}

// recordOf waits for the record of a message; it is written beside the answer.
func (g *gateway) recordOf(t *testing.T, raw []byte) (found record) {
	t.Helper()
	_, rest, _ := bytes.Cut(raw, []byte("Message-ID: "))
	id, _, _ := bytes.Cut(rest, []byte("\r\n"))
	eventually(t, 20*time.Second, "there is a record", func() bool {
		for _, r := range g.records(t, "--limit", "100") {
			if r.MessageID == string(id) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// archived is a message with an archive of files full of zeros.
func archived(head func(string) string, files int, size int64) []byte {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i := range files {
		w, err := z.Create(fmt.Sprintf("../../%d.txt", i))
		if err == nil {
			_, err = io.CopyN(w, zeros{}, size)
		}
		if err != nil {
			panic(err)
		}
	}
	_ = z.Close()
	return []byte(head("Content-Type: application/zip; name=x.zip\r\nContent-Transfer-Encoding: base64\r\n") + "\r\n" +
		wrapped(base64.StdEncoding.EncodeToString(packed.Bytes())))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// wrapped is a text in lines of 76.
func wrapped(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return b.String() + s + "\r\n"
}

func TestBombsCostLittle(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	for name, bomb := range bombs() {
		raw, began := bomb(), time.Now()
		sent, back := routed(raw)
		before, waiting := len(g.sink.to(bob, "")), len(g.held(t))
		r := g.send(t, sent)
		took := time.Since(began).Milliseconds()
		rec := g.recordOf(t, raw)
		fate := "refused"
		switch came := g.sink.to(bob, ""); {
		case len(came) == before+1:
			fate = "handed on"
			below(t, came[before], back)
		case len(g.held(t)) == waiting+1:
			fate = "held"
		case r.Code/100 == 2 || r.Code == 0:
			t.Errorf("%s: %v, and it is nowhere", name, r)
		}
		seen := rec.Inspected
		for _, u := range rec.Unseen[:min(3, len(rec.Unseen))] {
			seen += " " + u.Reason
		}
		t.Logf("%-38s %7d octets: %d, %s, in %d ms, inspected: %s; %s", name, len(raw), r.Code, fate, took, seen, g.peaks())
	}
	g.unharmed(t, 512) // of them 80 to 130 the gateway, 210 the child that unpacks; 343 were seen while others had the cores
}
