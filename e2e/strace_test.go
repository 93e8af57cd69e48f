//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// attach lets strace follow the running gateway, until end is called or the
// test is over.
func (g *gateway) attach(t *testing.T, args ...string) (log *transcript, end func()) {
	t.Helper()
	log = &transcript{}
	cmd := exec.Command(need(t, "strace"), append([]string{"-f", "-p", itoa(g.pid)}, args...)...)
	cmd.Stderr, cmd.Stdout = log, log
	must(t, cmd.Start())
	var once sync.Once
	end = func() {
		once.Do(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it lets go of the gateway
			force := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
			defer force.Stop()
			_ = cmd.Wait()
		})
	}
	t.Cleanup(end)
	for until := time.Now().Add(slack); !strings.Contains(log.String(), "attached"); {
		time.Sleep(10 * time.Millisecond)
		if strings.Contains(log.String(), "not permitted") {
			fmt.Printf("SKIPPED ptrace: not allowed here, so %s was not run\n", t.Name())
			t.Skip("SKIPPED ptrace")
		}
		if time.Now().After(until) {
			t.Fatalf("strace does not attach: %s", log)
		}
	}
	return log, end
}

// TestThePromiseIsOnTheDiskBeforeItIsMade reads from the system calls of one
// message in custody that the order is the one of the design.
func TestThePromiseIsOnTheDiskBeforeItIsMade(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace")
	calls := filepath.Join(folder(t), "calls")
	g := prepare(t, setup{peers: "{ exchange: { networks: [127.0.0.0/8] } }"})
	g.before = []string{strace, "-D", "-f", "-y", "-s", "48", "-o", calls, "-e",
		"trace=fsync,fdatasync,rename,renameat,renameat2,write,pwrite64"}
	g.up(t)

	// In the clear, so that the answer can be read among the calls.
	conn, err := net.Dial("tcp", g.smtp)
	must(t, err)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(slack))
	c := &client{conn: conn, r: bufio.NewReader(conn)}
	if r, err := c.read(); err != nil || r.Code != 220 {
		t.Fatal(r, err)
	}
	if r, err := c.ask("EHLO exchange.example"); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	sent, _ := routed(message("held", ibanText))
	if r, err := c.bdat(sent, ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	if code := g.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}

	// The process itself ends last; its threads may end long before.
	ended := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+ exited with 0`, g.pid))
	var text []byte
	eventually(t, 10*time.Second, "strace has written everything", func() bool {
		text, err = os.ReadFile(calls)
		return err == nil && ended.Match(text)
	})
	steps := []struct {
		what string
		call *regexp.Regexp
	}{
		{"fsync of the body", regexp.MustCompile(`f(data)?sync\(\d+<[^>]*/data/bodies/[^>]*\.tmp-[^>]*>\)`)},
		{"rename of the body", regexp.MustCompile(`rename(at2?)?\(.*\.tmp-`)},
		{"fsync of the folder", regexp.MustCompile(`fsync\(\d+<[^>]*/data/bodies(/[^>.]*)?>\)`)},
		{"fsync of the write-ahead log", regexp.MustCompile(`f(data)?sync\(\d+<[^>]*/data/postern\.db-wal>\)`)},
		{"the 250", regexp.MustCompile(`write\(\d+<[^>]*(socket|TCP)[^>]*>+, "250 2\.6\.0 Taken by Postern`)},
	}
	at, all := 0, whole(strings.Split(string(text), "\n"))
	for at < len(all) && !strings.Contains(all[at], `"354 `) && !strings.Contains(all[at], `"250 2.1.5`) {
		at++
	}
	for _, s := range steps {
		from := at
		for at < len(all) && !s.call.MatchString(all[at]) {
			at++
		}
		if at == len(all) {
			t.Fatalf("no %s after line %d:\n%s", s.what, from, strings.Join(all[from:min(from+30, len(all))], "\n"))
		}
		t.Logf("%s: %s", s.what, all[at])
		at++
	}
}

// whole puts the two halves of a call together, where another thread's call
// came between them: at the place where it ended.
func whole(lines []string) []string {
	begun := map[string]string{} // by thread
	resumed := regexp.MustCompile(`^\d+ +<\.\.\. \w+ resumed>`)
	for i, line := range lines {
		thread, _, _ := strings.Cut(line, " ")
		if head, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			begun[thread] = head
		} else if r := resumed.FindString(line); r != "" && begun[thread] != "" {
			lines[i] = begun[thread] + strings.TrimPrefix(line, r)
		}
	}
	return lines
}
