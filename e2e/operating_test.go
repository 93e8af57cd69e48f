//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHealthReadinessAndMetricsSayWhatHappened(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	sent, _ := routed(message("clean", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	card, _ := routed(message("card", cardText))
	if r := g.send(t, card); r.Code != 250 {
		t.Fatal(r)
	}
	for path, want := range map[string]string{"/healthz": "alive\n", "/readyz": "ready\n"} {
		if code, body := g.get(g.console, path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	code, body := g.get(g.metrics, "/metrics")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	for _, want := range []string{
		`postern_answers_total{code="250",tenant="contoso"} 2`, `postern_looked_total{inspected="full"} 2`,
		"postern_receive_messages_total", "postern_receive_octets_total", "postern_taking_seconds_bucket",
		`way="cut-through"`, `way="custody"`, "postern_receive_connections_total", "# TYPE postern_taking_seconds histogram",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in /metrics", want)
		}
	}
	if code, _ := g.get(g.metrics, "/readyz"); code != http.StatusNotFound {
		t.Errorf("the metrics listener serves more than metrics: %d", code)
	}
	if code := g.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestWithoutATenantTheGatewayLivesAndIsNotReady(t *testing.T) {
	t.Parallel()
	g := prepare(t, setup{})
	must(t, os.Rename(filepath.Join(g.dir, "tenants"), filepath.Join(g.dir, "later")))
	must(t, os.Mkdir(filepath.Join(g.dir, "tenants"), 0o700))
	g.spawn(t)
	eventually(t, 20*time.Second, "alive", func() bool {
		code, _ := g.get(g.console, "/healthz")
		return code == http.StatusOK
	})
	eventually(t, 10*time.Second, "/readyz says that there is no tenant", func() bool {
		code, body := g.get(g.console, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "no tenant")
	})
	sent, _ := routed(message("clean", "Hello\n"))
	if r := g.send(t, sent); r.Code/100 == 2 {
		t.Errorf("mail of nobody is taken: %v", r)
	}
	g.ok(t, "apply", filepath.Join(g.dir, "later"))
	if code, body := g.get(g.console, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if r := g.send(t, sent); r.Code != 250 {
		t.Error(r)
	}
}

const blockMarked = `---
kind: policy
id: by-subject
name: Blocked by its subject
mode: enforce
when: subject.contains("stop-me")
then: { block: {} }
`

func TestAReloadLeavesOpenTransactionsAlone(t *testing.T) {
	t.Parallel()
	g := start(t, setup{tenant: "refuse: session\n"})
	c := g.dial(t)
	first, back := routed(message("stop-me-not-yet", "Hello\n"))
	if r, err := c.bdat(first, ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	sent, _ := routed(message("stop-me", "Hello\n"))
	half := len(sent) / 2
	if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	fmt.Fprintf(c.conn, "BDAT %d LAST\r\n%s", len(sent), sent[:half])
	write(t, filepath.Join(g.dir, "tenants/policies.yaml"), policies+blockMarked)
	must(t, g.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, 10*time.Second, "reloaded", func() bool {
		return strings.Contains(g.log.String(), "msg=reloaded")
	})
	_, _ = c.conn.Write(sent[half:])
	r, err := c.read()
	must(t, err)
	if r.Code != 550 {
		t.Errorf("the new policy is in force after the reload: %v", r)
	}
	clean, _ := routed(message("other", "Hello\n"))
	if r, err := c.bdat(clean, ann, bob); err != nil || r.Code != 250 {
		t.Errorf("the connection outlived the reload: %v %v", r, err)
	}
	below(t, g.sink.got()[0], back)

	// A broken file changes nothing, and says so.
	write(t, filepath.Join(g.dir, "tenants/policies.yaml"),
		"kind: policy\nid: broken\nwhen: findings.credit_crad.high > 1\n")
	must(t, g.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, 10*time.Second, "the mistake is told", func() bool {
		return strings.Contains(g.log.String(), "the last good state stays")
	})
	if r := g.send(t, sent); r.Code != 550 {
		t.Errorf("the last good state stays in force: %v", r)
	}
}

func TestWhatIsAppliedIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	g := start(t, setup{tenant: "refuse: session\n"})
	sent, _ := routed(message("stop-me", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Fatal(r)
	}
	file := write(t, filepath.Join(g.dir, "more/more.yaml"), strings.TrimPrefix(blockMarked, "---\n"))
	began := time.Now()
	if out := g.ok(t, "apply", file, "--dry-run"); !strings.Contains(out, "more.yaml") {
		t.Errorf("the dry run does not show the difference: %q", out)
	}
	if r := g.send(t, sent); r.Code != 250 {
		t.Errorf("a dry run changes nothing: %v", r)
	}
	g.ok(t, "apply", file)
	if r := g.send(t, sent); r.Code != 550 {
		t.Errorf("applied, and not in force: %v", r)
	}
	t.Logf("dry run, apply and proof took %s", time.Since(began))
}

func TestATermDrains(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	c := g.dial(t)
	sent, back := routed(message("last-one", "Hello\n"))
	if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	if r, err := c.ask("DATA"); err != nil || r.Code != 354 {
		t.Fatal(r, err)
	}
	_, _ = c.conn.Write(sent[:40])
	must(t, g.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, 10*time.Second, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", g.smtp)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-g.ended:
		t.Fatal("the gateway ended with a message under way")
	case <-time.After(300 * time.Millisecond):
	}
	if code, body := g.get(g.console, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("a gateway that drains says it is ready: %d %q", code, body)
	}
	_, _ = io.WriteString(c.conn, string(sent[40:])+".\r\n")
	r, err := c.read()
	must(t, err)
	if r.Code != 250 {
		t.Errorf("the message under way: %v", r)
	}
	if code := g.waitEnd(t, 20*time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}
	if len(g.sink.got()) != 1 {
		t.Fatalf("%d messages at the next hop", len(g.sink.got()))
	}
	below(t, g.sink.got()[0], back)
}

func TestASecondInstanceOnTheSameDataRefusesToStart(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	code, _, errs := g.cli(t, "serve")
	if code == 0 || !strings.Contains(errs, "another postern uses") {
		t.Errorf("exit %d: %s", code, errs)
	}
	sent, _ := routed(message("clean", "Hello\n"))
	if r := g.send(t, sent); r.Code != 250 {
		t.Errorf("the first one goes on: %v", r)
	}
	g.ok(t, "queue", "list") // the second one left its socket alone
}

func TestATakenPortEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	g := prepare(t, setup{})
	ln, err := net.Listen("tcp", g.smtp)
	must(t, err)
	defer ln.Close()
	g.spawn(t)
	if code := g.waitEnd(t, 15*time.Second); code == 0 ||
		!strings.Contains(g.log.String(), g.smtp+": bind: address already in use") {
		t.Errorf("exit %d: %s", code, g.log)
	}
}

func TestARenewedCertificateNeedsNoRestart(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	serial := func() string {
		c, err := g.connect()
		if err != nil {
			return ""
		}
		defer c.conn.Close()
		return c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	old := serial()
	g.certificate(t, "gw", "gw.postern.example")
	began := time.Now()
	eventually(t, 15*time.Second, "the new certificate is shown", func() bool {
		time.Sleep(100 * time.Millisecond)
		now := serial()
		return now != "" && now != old
	})
	t.Logf("the new certificate was shown after %s", time.Since(began).Round(100*time.Millisecond))
}

func TestAFullDiskAsksForPatienceAndRecoversWithoutARestart(t *testing.T) {
	t.Parallel()
	disk := folder(t)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=12m,mode=0700"); err != nil {
		fmt.Printf("SKIPPED mount: no small file system (%v), so %s was not run\n", err, t.Name())
		t.Skip("SKIPPED mount")
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	g := start(t, setup{data: filepath.Join(disk, "data")})
	held, _ := routed(message("held", ibanText))
	if r := g.send(t, held); r.Code != 250 {
		t.Fatal(r)
	}
	filler := filepath.Join(disk, "filler")
	// A database has room of its own inside its files for a while, so mail is
	// brought until there is none: custody first, then what is only handed on.
	for _, kind := range []struct{ name, text string }{{"custody", ibanText}, {"cut-through", "Hello\n"}} {
		taken := 0
		for full := false; !full; taken++ {
			fill(t, filler)
			sent, _ := routed(message(kind.name, kind.text))
			r := g.send(t, sent)
			if full = r.Code == 452; !full && r.Code != 250 {
				t.Fatalf("%s on a full disk: %v", kind.name, r)
			}
			if taken > 2000 {
				t.Fatalf("%s: the disk is full and nobody was asked to try again", kind.name)
			}
		}
		t.Logf("%s: 452 at message %d", kind.name, taken)
	}
	if code, _ := g.get(g.console, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d on a full disk", code)
	}
	must(t, os.Remove(filler))
	for _, text := range []string{ibanText, cardText, "Hello\n"} {
		sent, _ := routed(message("again", text))
		if r := g.send(t, sent); r.Code != 250 {
			t.Errorf("there is room again: %v", r)
		}
	}
	if b := g.balance(t); !b.OK {
		t.Errorf("balance: %+v", b)
	}
	g.ok(t, "audit", "verify")
	if code := g.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestANextHopThatIsDownCostsNoMail(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	g.ok(t, "check")
	g.sink.ln.Close()
	clean, _ := routed(message("clean", "Hello\n"))
	if r := g.send(t, clean); r.Code != 451 {
		t.Errorf("mail that is cut through stays with Exchange: %v", r)
	}
	kept, back := routed(message("archive-it", "Hello\n"))
	if r := g.send(t, kept); r.Code != 250 {
		t.Fatalf("mail in custody waits: %v", r)
	}
	if list := g.ok(t, "queue", "list", "--json"); strings.Count(list, "\n") != 2 {
		t.Errorf("two tasks wait, for the recipient and the copy:\n%s", list)
	}
	g.sink.listen(t)
	g.ok(t, "queue", "retry", "--all")
	eventually(t, 10*time.Second, "both copies are at the next hop", func() bool {
		return len(g.sink.to(bob, "archive-it")) == 1 && len(g.sink.to(archive, "archive-it")) == 1
	})
	below(t, g.sink.to(bob, "archive-it")[0], back)
}

// fill takes what room is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(t, err)
	defer f.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for {
			if n, err := f.Write(make([]byte, size)); err != nil || n == 0 {
				break
			}
		}
	}
}
