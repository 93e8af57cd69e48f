//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The canaries: words that stand nowhere but in mail, and in secrets.
const (
	subjectCanary = "canarysubject7f1"
	bodyCanary    = "canarybody93c"
	fileCanary    = "canaryfile55e"
	headerCanary  = "canaryheader0aa"
	personCanary  = "canaryperson4d2"
	loginCanary   = "canarylogin-password-6b8"
)

// canaries is mail that carries every one of them, and text.
func canaries(text string) []byte {
	head := fmt.Sprintf("From: Ann <%s>\nTo: %s\nSubject: %s %s\nX-Case: %s\nMessage-ID: <%s@contoso.example>\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\nContent-Type: text/plain\n\n%s %s\n--b\nContent-Type: text/csv; name=%s.csv\n"+
		"Content-Disposition: attachment; filename=%s.csv\n\n%s,1\n--b--\n",
		ann, personCanary+"@fabrikam.example", subjectCanary, unique(), headerCanary, unique(),
		bodyCanary, text, fileCanary, fileCanary, bodyCanary)
	return []byte(strings.ReplaceAll(head, "\n", "\r\n"))
}

func TestLogsMetricsAndDiskHoldNoContentAndNoSecret(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	s.login = "contoso\x00" + loginCanary
	g := prepare(t, setup{sink: s, back: ", user: contoso, password: file:./login", config: "log: json\n"})
	write(t, filepath.Join(g.dir, "tenants/login"), loginCanary+"\n")
	g.up(t)
	to := personCanary + "@fabrikam.example"
	stolen := "X-Postern-Checked: " + mark + "\r\nX-Postern-Inspected: full\r\n"
	for _, m := range []struct {
		text, front string
		from        string
		want        int
	}{
		{"Hello", "", ann, 250},
		{"Hello", stolen, ann, 250},
		{cardText, "", ann, 250},
		{cardText, stolen, ann, 250},
		{ibanText, stolen, ann, 250},
		{"Hello", "X-Postern-Tenant: contoso;" + secret + ";out;inline\r\n", ann, 550}, // twice
	} {
		sent, _ := routed(canaries(m.text))
		c := g.dial(t)
		r, err := c.bdat(append([]byte(m.front), sent...), m.from, to)
		must(t, err)
		if r.Code != m.want {
			t.Errorf("%q: %v", m.text, r)
		}
		if hit := contains(r.Text, secret, mark, bodyCanary); hit != "" {
			t.Errorf("a reply holds %s: %v", hit, r)
		}
		c.conn.Close()
	}
	s.answer(func(*delivery) string { return "554 5.6.0 " + subjectCanary + " is refused here" })
	sent, _ := routed(canaries("Hello"))
	if r := g.send(t, sent, to); r.Code != 554 {
		t.Error(r)
	}
	s.answer(func(*delivery) string { return "451 4.3.0 later" })
	if r := g.send(t, sent, to); r.Code != 451 {
		t.Error(r)
	}
	s.answer(nil)
	eventually(t, 10*time.Second, "both reports are there", func() bool {
		return len(s.to(ann, "report-type=delivery-status")) == 2
	})

	content := []string{subjectCanary, bodyCanary, fileCanary, headerCanary, personCanary, loginCanary,
		secret, mark, "4539 1488", "0532 0130"}
	_, metrics := g.get(g.metrics, "/metrics")
	holdsNone(t, "the log", g.log.String(), content...)
	holdsNone(t, "the metrics", metrics, content...)
	for _, pid := range append(offspring(g.pid), g.pid) {
		for _, name := range []string{"environ", "cmdline"} {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			holdsNone(t, "/proc/PID/"+name, string(text), content...)
		}
	}

	onDisk(t, filepath.Join(g.dir, "data"), bodyCanary, headerCanary, secret, mark, loginCanary, "4539 1488", "0532 0130")

	// Subjects and names are in the record on purpose; secrets are not.
	secrets := []string{secret, mark, loginCanary}
	holdsNone(t, "the audit export", g.ok(t, "audit", "export"), secrets...)
	holdsNone(t, "the chain", g.ok(t, "audit", "export", "--chain", "contoso"), secrets...)
	holdsNone(t, "the list of held mail", g.ok(t, "held", "list", "--json"), secrets...)
	paths := []string{"/api/v1/messages"}
	for _, r := range g.records(t) {
		paths = append(paths, "/m/"+r.ID, "/api/v1/messages/"+r.ID)
	}
	for path, page := range g.visit(t, paths...) {
		holdsNone(t, "the page "+path, page, secrets...)
	}
	for _, d := range s.got() {
		// The mark stands once, in front: Exchange's rule must see it there.
		once := bytes.Replace(d.Raw, []byte("X-Postern-Checked: "+mark+"\r\n"), nil, 1)
		holdsNone(t, fmt.Sprintf("what was sent to %v", d.To), string(once), secrets...)
	}
}

// onDisk looks into every file of the gateway's data, and at who may.
func onDisk(t *testing.T, dir string, words ...string) {
	t.Helper()
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %s", path, info.Mode())
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		holdsNone(t, path, string(text), words...)
		return err
	}))
	if files < 3 {
		t.Errorf("only %d files in %s", files, dir)
	}
}

func holdsNone(t *testing.T, what, text string, words ...string) {
	t.Helper()
	if hit := contains(text, words...); hit != "" {
		at := strings.Index(text, hit)
		t.Errorf("%s: %q stands in it: …%s…", what, hit, text[max(0, at-150):min(len(text), at+60)])
	}
}

func contains(text string, words ...string) string {
	for _, w := range words {
		if strings.Contains(text, w) {
			return w
		}
	}
	return ""
}
