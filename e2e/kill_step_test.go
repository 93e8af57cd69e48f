//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// step is a place where the gateway is killed.
type step struct {
	name string
	kind stepKind
	at   string // what the client, the next hop or the person sees; or a group of system calls
	most int    // up to which occurrence
	own  bool   // at the next hop: of a mail of our own
}

type stepKind int

const (
	byClock stepKind = iota
	bySight
	beforeCall
	afterCall
	atStart // before a call, counted from the first instruction on
	ofChild
)

// calls are the groups of system calls that change something outside.
var calls = map[string]string{
	"write": "write,writev,sendto,sendmsg", "pwrite": "pwrite64,pwritev,ftruncate",
	"fsync": "fsync,fdatasync", "rename": "rename,renameat,renameat2", "unlink": "unlink,unlinkat",
}

// steps is the campaign: every one of them comes as often as every other.
func steps() []step {
	list := []step{
		{"by the clock", byClock, "", 1, false},
		{"a child process", ofChild, "", 1, false},
	}
	for _, s := range []string{readMail, readRcpt, readGo, sentHalf, sentAll, sentEnd, readTaken} {
		list = append(list, step{"client: " + s, bySight, s, 6, false})
	}
	for _, s := range []string{atMail, atRcpt, atContent, atDot, atAnswered} {
		list = append(list, step{"next hop, a message: " + s, bySight, s, 6, false},
			step{"next hop, a report: " + s, bySight, s, 3, true})
	}
	for _, s := range []string{decisionSent, decisionAnswer} {
		list = append(list, step{"person: " + s, bySight, s, 2, false})
	}
	for _, c := range []struct {
		name  string
		most  int
		start int
	}{{"write", 40, 0}, {"pwrite", 40, 6}, {"fsync", 5, 2}, {"rename", 2, 0}, {"unlink", 1, 1}} {
		list = append(list, step{"before " + c.name, beforeCall, c.name, c.most, false},
			step{"after " + c.name, afterCall, c.name, c.most, false})
		if c.start > 0 {
			list = append(list, step{"at start: before " + c.name, atStart, c.name, c.start, false})
		}
	}
	return list
}

// tracer is strace at work on a gateway.
type tracer struct {
	cmd   *exec.Cmd // nil when strace runs the gateway itself
	said  *transcript
	pipe  *os.File
	lines chan string
}

// traceArgs are strace's options for a step: SIGKILL at the n-th call of a
// thread before the call is made, or a delay at its end.
func traceArgs(s step, n int, out string) []string {
	set := calls[s.at]
	how := "signal=SIGKILL"
	if s.kind == afterCall {
		how = "delay_exit=400000"
	}
	return []string{"-f", "-qq", "-y", "-s", "12", "-o", out, "-e", "signal=none", "-e", "trace=" + set,
		"-e", fmt.Sprintf("inject=%s:%s:when=%d", set, how, n)}
}

// follow reads what strace writes; late is told of a call that is held at
// its end.
func follow(t *testing.T, late func()) (*tracer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls")
	must(t, syscall.Mkfifo(path, 0o600))
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	tr := &tracer{said: &transcript{}, pipe: pipe, lines: make(chan string, 1)}
	go func() {
		defer close(tr.lines)
		hit := ""
		in := bufio.NewScanner(pipe)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			line := in.Text()
			switch {
			case strings.Contains(line, "(DELAYED)"):
				if hit == "" {
					hit = line
				}
				if late != nil {
					late()
				}
			case hit == "" && (strings.HasSuffix(line, "= ?") || strings.HasSuffix(line, "<unavailable>")):
				hit = line
			}
		}
		tr.lines <- hit
	}()
	return tr, path
}

// attach begins to trace a gateway that runs. Its child processes are let go
// when they become another program.
func (tr *tracer) attach(t *testing.T, pid int, args []string) {
	t.Helper()
	tr.cmd = exec.Command("strace", append(append([]string{}, args...), "-b", "execve", "-p", itoa(pid))...)
	tr.cmd.Stderr, tr.cmd.Stdout = tr.said, tr.said
	must(t, tr.cmd.Start())
	time.Sleep(20 * time.Millisecond)
}

// end waits for strace and returns the call at which it struck, shortened.
func (tr *tracer) end() string {
	if tr.cmd != nil {
		done := make(chan struct{})
		go func() {
			select {
			case <-done:
			case <-time.After(3 * time.Second):
				_ = tr.cmd.Process.Signal(syscall.SIGTERM)
			}
		}()
		_ = tr.cmd.Wait()
		close(done)
	}
	time.Sleep(2 * time.Millisecond) // what it wrote last
	tr.pipe.Close()
	return callOf(<-tr.lines)
}

var callLine = regexp.MustCompile(`^\d+ +(\w+)\((.*)`)

// callOf names a call and the kind of file that it was for.
func callOf(line string) string {
	m := callLine.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	for _, k := range []struct{ in, is string }{
		{"/.tmp-", "new body"}, {"postern.db-wal", "write-ahead log"}, {"postern.db-shm", "shared memory"},
		{"postern.db", "database"}, {"/bodies/", "body or its folder"}, {"TCP:", "connection"}, {"socket:", "connection"},
		{"pipe:", "child"}, {"/data", "data"}, {"eventfd", "itself"},
	} {
		if strings.Contains(m[2], k.in) {
			return m[1] + " " + k.is
		}
	}
	return m[1] + " other"
}

// offspring are the processes that a process started; none when it is gone.
func offspring(pid int) (list []int) {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range names {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
