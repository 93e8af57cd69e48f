//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheDemoEndsEverySampleAsExpected(t *testing.T) {
	code, out, errs := run(t, "demo", "--once", "--json")
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	var rows []struct {
		Sample string
		Ok     bool
		Wrong  []string
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("standard output is not one JSON document: %v\n%s", err, out)
	}
	if len(rows) < 12 {
		t.Errorf("%d samples, want at least 12", len(rows))
	}
	for _, r := range rows {
		if !r.Ok {
			t.Errorf("sample %s: %v", r.Sample, r.Wrong)
		}
	}
}

func TestTheDemoLeavesItsConsoleOpenUntilCtrlC(t *testing.T) {
	t.Parallel()
	if taken, err := net.Listen("tcp", "127.0.0.1:8025"); err == nil { // its usual port: it must find another one
		defer taken.Close()
	}
	log := &transcript{}
	cmd := exec.Command(binary(t), "demo")
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/enter/\S+`)
	eventually(t, 30*time.Second, "the demo shows a link", func() bool {
		if len(ended) > 0 {
			t.Fatalf("the demo ended:\n%s", log)
		}
		return strings.Contains(log.String(), "Ctrl-C ends")
	})
	jar, err := cookiejar.New(nil)
	must(t, err)
	client := http.Client{Jar: jar}
	res, err := client.Get(link.FindString(log.String()))
	must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/" {
		t.Errorf("the link led to %s: %d", res.Request.URL.Path, res.StatusCode)
	}
	page := regexp.MustCompile(`http://localhost:\d+/approve/[0-9a-f]{32}`).FindString(log.String())
	res, err = client.Get(page)
	must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the manager's page %q: %d", page, res.StatusCode)
	}
	must(t, cmd.Process.Signal(syscall.SIGINT))
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%v:\n%s", err, log)
		}
	case <-time.After(slack):
		t.Fatal("Ctrl-C does not end the demo")
	}
}
