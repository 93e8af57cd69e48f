//go:build e2e

package e2e

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// birds are strings that nobody may find of a held message: of its text, of its
// HTML, of an attachment and of that one's name.
var birds = []string{"canarybodyqx7", "canaryhtmlqx7", "canaryattachedqx7", "canarynameqx7"}

const cage = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" +
	"The canarybodyqx7 sings. IBAN DE89 3704 0044 0532 0130 00\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>A canaryhtmlqx7</p>\r\n--b\r\n" +
	"Content-Type: text/plain; name=\"canarynameqx7-prices.txt\"\r\nContent-Disposition: attachment; filename=\"canarynameqx7-prices.txt\"\r\n\r\n" +
	"canaryattachedqx7\r\n--b--\r\n"

// places are all files below folders, and what a gateway shows and has said.
func (g *gateway) places(t *testing.T, folders ...string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"log": []byte(g.log.String())}
	for _, folder := range folders {
		must(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // a file of the database that is gone since
			}
			if text, err := os.ReadFile(path); err == nil {
				all[path] = text
			}
			return nil
		}))
	}
	_, metrics := g.get(g.metrics, "/metrics")
	all["metrics"] = []byte(metrics)
	all["records"] = []byte(g.ok(t, "audit", "export"))
	all["chain"] = []byte(g.ok(t, "audit", "export", "--chain", "contoso"))
	all["held"] = []byte(g.ok(t, "held", "list", "--json"))
	for _, d := range g.sink.got() {
		if len(d.To) == 1 && d.To[0] != ann && d.To[0] != bob {
			all["mail to "+d.To[0]] = d.Raw
		}
	}
	return all
}

// The real program on a real PostgreSQL: neither its database, with the log of
// that, nor its own files, log, metrics, record, chain, reports or notices to
// others have anything of a message that is held.
func TestNothingOfHeldMailStandsInPostgreSQL(t *testing.T) {
	t.Parallel()
	address := startPostgres(t)
	u, err := url.Parse(address)
	must(t, err)
	cluster := filepath.Join(u.Query().Get("host"), "d")
	g := start(t, setup{
		config: "store: \"" + address + "\"\n", tenant: "console: mail.contoso-checks.example\n",
		policies: strings.Replace(policies, "approver: manager", "approver: boss@contoso.example", 1) + `---
kind: policy
id: kept
name: Account numbers are kept
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { copy: { keep: 48h } }
`,
	})
	raw := "From: Ann <" + ann + ">\r\nTo: " + bob + "\r\nSubject: offer\r\nMessage-ID: <" + unique() + "@contoso.example>\r\n" +
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n" + cage
	sent, _ := routed([]byte(raw))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	held := g.held(t)
	if len(held) != 1 {
		t.Fatalf("%+v", held)
	}
	eventually(t, 10*time.Second, "the approver is asked", func() bool { return len(g.sink.to("boss@contoso.example", "Subject: ")) > 0 })
	look := func(when string) {
		octets := 0
		all := g.places(t, cluster, g.dir)
		for where, text := range all {
			octets += len(text)
			for _, b := range birds {
				if bytes.Contains(bytes.ToLower(text), []byte(b)) {
					t.Errorf("%s: %q is in %s", when, b, where)
				}
			}
		}
		t.Logf("%s: %d places, %d MB: looked for %d canaries", when, len(all), octets>>20, len(birds))
	}
	look("while it is held")
	g.ok(t, "held", "reject", held[0].Message, "--comment", "not this one")
	eventually(t, 10*time.Second, "the sender has a report", func() bool { return len(g.sink.to(ann, "report-type=delivery-status")) == 1 })
	g.quiet(t)
	look("after it was declined")
}
