//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openGates lets a message through whatever could not be seen of it: this
// test is about octets.
const openGates = "on: { too-deep: open, too-many-parts: open, too-large: open, ambiguous: open, encrypted: open," +
	" malformed: open, unsupported: open, engine-failed: open, out-of-time: open }\n"

// watching looks at every message and stops none.
const watching = `kind: policy
id: watched
name: Card numbers are counted
mode: log
when: direction == "outbound" && findings.credit_card.high >= 1
then: { block: { text: "not in force" } }
`

// oddities are messages of our own that come back octet for octet whether
// ../shared is there or not.
func oddities() map[string][]byte {
	list := map[string][]byte{
		"empty":     []byte("\r\n"),
		"no body":   []byte("Subject: x\r\n"),
		"dots":      []byte("Subject: x\r\n\r\n.\r\n..\r\n.x\r\n"),
		"null":      []byte("Subject: x\r\n\r\na\x00b\r\n"),
		"8-bit":     []byte("Subject: caf\xe9\r\n\r\ncaf\xe9\r\n"),
		"bare LF":   []byte("Subject: x\n\na\nb\n"),
		"bare CR":   []byte("Subject: x\r\n\r\na\rb\r\n"),
		"no end":    []byte("Subject: x\r\n\r\nno line end"),
		"long line": []byte("Subject: x\r\n\r\n" + strings.Repeat("y", 200_000) + "\r\n"),
		"odd field": []byte("Subject : x\r\nno colon\r\n folded\r\n\r\ntext\r\n"),
		"twice":     []byte("Subject: a\r\nSubject: b\r\nMIME-Version: 1.0\r\nMIME-Version: 1.0\r\n\r\ntext\r\n"),
	}
	return list
}

// strangers are messages of ../shared: every twentieth, or all of them with
// POSTERN_CORPUS=all.
func strangers(t *testing.T, into map[string][]byte) {
	t.Helper()
	const shared = "../../shared/data/mail"
	n := 0
	err := filepath.WalkDir(shared, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == ".jsonl" || filepath.Base(path) == "README.md" {
			return err
		}
		if n++; n%20 != 0 && os.Getenv("POSTERN_CORPUS") != "all" {
			return nil
		}
		into[path], err = os.ReadFile(path)
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		t.Log("SKIPPED: ../shared is not here")
		return
	}
	must(t, err)
}

// TestMessagesOfOthersComeBackOctetForOctet takes odd messages through the
// real program and real sockets, by BDAT as they are and by DATA with CR LF
// line ends.
func TestMessagesOfOthersComeBackOctetForOctet(t *testing.T) {
	t.Parallel()
	g := start(t, setup{tenant: openGates, policies: watching,
		peers: "{ other: [ { networks: [127.0.0.0/8], certificate: mta.contoso.example } ] }"})
	cert, err := g.authority.Certificate("mta.contoso.example")
	must(t, err)
	dial := func() *client {
		c, err := connect(g.smtp, g.authority, &cert)
		must(t, err)
		t.Cleanup(func() { c.conn.Close() })
		return c
	}
	messages := oddities()
	strangers(t, messages)
	same := map[bool]int{}
	c := dial()
	for name, raw := range messages {
		if (same[true]+1)%400 == 0 { // a connection carries a thousand; without QUIT the next would be a repeat
			_, _ = c.ask("QUIT")
			c.conn.Close()
			c = dial()
		}
		for _, chunked := range []bool{true, false} {
			if !chunked {
				raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
				raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
				raw = append(bytes.TrimSuffix(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")), []byte("\r\n")), "\r\n"...)
			}
			bring := c.bdat
			if !chunked {
				bring = c.data
			}
			before := len(g.sink.got())
			r, err := bring(raw, "mia@northwind.example", ann)
			if err != nil || r.Code != 250 {
				t.Errorf("%s (chunked %v): %v %v", name, chunked, r, err)
				c.conn.Close()
				c = dial()
				continue
			}
			all := g.sink.got()
			if len(all) != before+1 {
				t.Fatalf("%s (chunked %v): %v, and %d messages at the next hop", name, chunked, r, len(all)-before)
			}
			if !bytes.HasSuffix(all[before].Raw, raw) {
				t.Errorf("%s (chunked %v): the octets are not those that came", name, chunked)
				continue
			}
			below(t, all[before], raw)
			same[chunked]++
		}
	}
	t.Logf("%d of %d messages came back octet for octet by BDAT, %d of %d by DATA",
		same[true], len(messages), same[false], len(messages))
}
