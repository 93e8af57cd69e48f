//go:build e2e

package power

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/app"
)

const policies = `kind: policy
id: cards-leave
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 1
then: { block: { text: "Use the customer portal for card data." } }
---
kind: policy
id: accounts-leave
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { hold: { approver: manager, for: 48h, then: refuse } }
---
kind: policy
id: short-wait
mode: enforce
when: direction == "outbound" && subject.contains("short-wait")
then: { hold: { approver: manager, for: 1s, then: refuse } }
---
kind: policy
id: archived
mode: enforce
when: direction == "outbound" && subject.contains("archive-it")
then: { copy: { to: [archive@contoso.example] } }
---
kind: policy
id: elsewhere
mode: enforce
when: direction == "outbound" && subject.contains("elsewhere")
then: { redirect: { to: [office@contoso.example] } }
`

const secret = "power-secret-7Yq2mX9fK4wZ"

// sort is one kind of mail: what it is about, whom it goes to, and what the
// administrator does with it.
type sort struct {
	name, subject, text string
	to                  []string
	size                int
	verb                string // of the administrator, when the answer is custody
}

func sorts() []sort {
	const iban, card = "Please pay to IBAN DE89 3704 0044 0532 0130 00 today.\r\n", "Visa 4539 1488 0343 6467.\r\n"
	bob := []string{"bob@fabrikam.example"}
	return []sort{
		{"clean", "hello", "Hello\r\n", bob, 0, ""},
		{"archived", "archive-it", "Hello\r\n", bob, 0, ""},
		{"held", "money", iban, bob, 0, ""},
		{"blocked with a report", "cards", card, bob, 0, ""},
		{"released", "money", iban, bob, 2000, "held-release"},
		{"rejected", "money", iban, bob, 0, "held-reject"},
		{"expired", "short-wait", "Hello\r\n", bob, 0, ""},
		{"redirected", "elsewhere", "Hello\r\n", bob, 700, ""},
		{"half refused", "hello", "Hello\r\n", []string{"bob@fabrikam.example", "nobody@fabrikam.example"}, 0, ""},
		{"refused by the next hop", "hello", "Hello\r\n", []string{"never@fabrikam.example"}, 0, ""},
		{"deferred by the next hop", "hello", "Hello\r\n", []string{"later@fabrikam.example"}, 0, ""},
		{"archived, deferred once", "archive-it", "Hello\r\n", []string{"later@fabrikam.example"}, 0, ""},
		{"archived, refused later", "archive-it", "Hello\r\n", []string{"never@fabrikam.example"}, 0, ""},
		{"large", "hello", "Hello\r\n", bob, 90_000, ""},
		{"large, archived", "archive-it", "Hello\r\n", bob, 300_000, ""},
	}
}

// recording is a gateway under strace: what it did to its folder, and what
// the outside saw.
type recording struct {
	dir, home, config string
	front, back       string
	binary            string
	calls             []Call
	facts             []Fact
	next              int
	mu                sync.Mutex
	sums              map[string]string // by token
	sorts             map[string]string // by token
	raws              map[string][]byte // by token, when they are asked for
	cmd               *exec.Cmd
	ended             chan error
	log               bytes.Buffer
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// record prepares a gateway of the given binary and a next hop for it.
func record(t *testing.T, binary string) *recording {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		fmt.Printf("SKIPPED strace: not installed, so %s was not run\n", t.Name())
		t.Skip("SKIPPED strace")
	}
	return prepare(t, binary)
}

// prepare writes the configuration of a gateway and starts its next hop.
func prepare(t *testing.T, binary string) *recording {
	t.Helper()
	dir := t.TempDir()
	r := &recording{
		dir: dir, home: filepath.Join(dir, "home"), config: filepath.Join(dir, "postern.yaml"), binary: binary,
		front: freePort(t), sums: map[string]string{}, sorts: map[string]string{},
	}
	must(t, os.Mkdir(r.home, 0o700))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	r.back = ln.Addr().String()
	hop := &nextHop{}
	go hop.serve(ln)
	files := map[string]string{
		"tenants/policies.yaml": policies,
		"tenants/contoso.yaml": fmt.Sprintf(`kind: tenant
id: contoso
entra_tenant: 11111111-2222-3333-4444-555555555555
domains: [contoso.example]
secret: [%s]
mark: [power-mark-3Hn8vB5tR1cP]
peers: { exchange: { networks: [127.0.0.0/8] } }
return: { host: %q, tls: off }
`, secret, r.back),
		"postern.yaml": fmt.Sprintf(`hostname: gw.postern.example
data: ./home/data
keys: file:./home/postern.key
smtp: { listen: %q }
console: { listen: "off" }
apply: [./tenants]
retry: { schedule: [1s, 1s], give_up: 24h }
`, r.front),
	}
	must(t, os.Mkdir(filepath.Join(dir, "tenants"), 0o700))
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return r
}

// run starts the gateway, lets a load of n messages through it, waits until
// nothing moves, and ends it.
func (r *recording) run(t *testing.T, n int) {
	t.Helper()
	log := filepath.Join(r.dir, fmt.Sprintf("calls-%d", r.next))
	r.cmd = exec.Command("strace", "-D", "-f", "-yy", "-xx", "-s", "4194304", "--seccomp-bpf", "-o", log, "-e", "trace="+Calls,
		r.binary, "serve", "-c", r.config)
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + os.TempDir()}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	must(t, r.cmd.Start())
	r.ended = make(chan error, 1)
	go func() { r.ended <- r.cmd.Wait() }()
	defer func() {
		if t.Failed() {
			_ = r.cmd.Process.Kill()
		}
	}()
	r.await(t, "the gateway listens", func() bool {
		c, err := net.Dial("tcp", r.front)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	r.load(t, n)
	conf, err := app.ReadConfig(r.config)
	must(t, err)
	r.await(t, "nothing moves", func() bool {
		ans, running, err := app.Ask(context.Background(), conf, "balance", app.Call{})
		held, _, heldErr := app.Ask(context.Background(), conf, "held-list", app.Call{})
		if err != nil || heldErr != nil || !running || ans.Balance == nil {
			return false
		}
		for _, p := range held.Held {
			if time.Until(p.Until) < time.Hour {
				return false // it expires
			}
		}
		queue, _, err := app.Ask(context.Background(), conf, "queue-list", app.Call{})
		return err == nil && len(queue.Tasks) == 0 && ans.Balance.Open == 0
	})
	time.Sleep(100 * time.Millisecond) // the last body is erased beside everything else
	must(t, r.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-r.ended:
		must(t, err)
	case <-time.After(2 * time.Minute):
		t.Fatal("the gateway does not end")
	}
	r.read(t, log)
}

// read takes over what strace wrote. The process itself ends last.
func (r *recording) read(t *testing.T, log string) {
	t.Helper()
	done := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+ exited with 0`, r.cmd.Process.Pid))
	var text []byte
	r.await(t, "strace has written everything", func() bool {
		var err error
		text, err = os.ReadFile(log)
		return err == nil && done.Match(text[max(0, len(text)-2000):])
	})
	calls, next, err := ReadCalls(bytes.NewReader(text), r.next)
	must(t, err)
	must(t, os.Remove(log))
	r.calls, r.next = append(r.calls, calls...), next
	r.facts = append(r.facts, Listen(calls, r.front, r.back)...)
}

func (r *recording) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(3 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-r.ended:
			t.Fatalf("the gateway ended: %v\n%s", err, r.log.String())
		default:
		}
		if time.Now().After(until) {
			t.Fatalf("not so: %s\n%s", what, r.log.String())
		}
	}
}

// load brings n messages on four connections at a time.
func (r *recording) load(t *testing.T, n int) {
	t.Helper()
	all := sorts()
	var wait sync.WaitGroup
	errs := make(chan error, 4)
	for k := range 4 {
		wait.Go(func() {
			for i := k; i < n; i += 4 {
				if err := r.send(all[i%len(all)]); err != nil {
					errs <- fmt.Errorf("%s: %w", all[i%len(all)].name, err)
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-errs:
		t.Fatalf("%v\n%s", err, r.log.String())
	default:
	}
}

var takenAs = regexp.MustCompile(`250 2\.6\.0 Taken by Postern as (\S+)`)

// send is one message on a connection of its own, and what an administrator
// does about it.
func (r *recording) send(s sort) error {
	var random [8]byte
	rand.Read(random[:])
	token := "tok" + hex.EncodeToString(random[:])
	raw := r.message(s, token)
	sum := sha256.Sum256(raw)
	r.mu.Lock()
	r.sums[token], r.sorts[token] = hex.EncodeToString(sum[:]), s.name
	if r.raws != nil {
		r.raws[token] = raw
	}
	r.mu.Unlock()
	conn, err := net.Dial("tcp", r.front)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	in := bufio.NewReader(conn)
	lines := []string{"", "EHLO exchange.example", "MAIL FROM:<ann@contoso.example> BODY=8BITMIME"}
	for _, to := range s.to {
		lines = append(lines, "RCPT TO:<"+to+">")
	}
	for _, line := range lines {
		if line != "" {
			fmt.Fprint(conn, line+"\r\n")
		}
		if answer, err := readReply(in); err != nil || answer[0] != '2' {
			return fmt.Errorf("%s: %q %w", line, answer, err)
		}
	}
	fmt.Fprintf(conn, "BDAT %d LAST\r\n", len(raw))
	_, _ = conn.Write(raw)
	answer, err := readReply(in)
	if err != nil {
		return err
	}
	fmt.Fprint(conn, "QUIT\r\n")
	_, _ = readReply(in)
	m := takenAs.FindStringSubmatch(answer)
	if s.verb == "" || m == nil {
		return nil
	}
	conf, err := app.ReadConfig(r.config)
	if err != nil {
		return err
	}
	ans, running, err := app.Ask(context.Background(), conf, s.verb, app.Call{Message: m[1]})
	if err != nil || !running || ans.Problem != "" {
		return fmt.Errorf("%s: %v %s", s.verb, err, ans.Problem)
	}
	return nil
}

func (r *recording) message(s sort, token string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "X-Postern-Tenant: contoso;%s;out;inline\r\nX-MS-Exchange-CrossTenant-Id: "+
		"11111111-2222-3333-4444-555555555555\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\n"+
		"X-OriginatorOrg: contoso.example\r\n"+
		"From: Ann <ann@contoso.example>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@contoso.example>\r\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n%s",
		secret, strings.Join(s.to, ", "), s.subject, token, s.text)
	for b.Len() < s.size {
		var line [36]byte
		rand.Read(line[:])
		fmt.Fprintf(&b, "%s\r\n", strings.Map(letters, hex.EncodeToString(line[:])))
	}
	return b.Bytes()
}

// letters keeps random text free of numbers that a detector may like.
func letters(c rune) rune {
	if c >= '0' && c <= '9' {
		return c - '0' + 'g'
	}
	return c
}

func readReply(in *bufio.Reader) (string, error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil || len(line) < 4 {
			return line + " ", err
		}
		if line[3] == ' ' {
			return line, nil
		}
	}
}

// nextHop takes mail in clear text and repeats in its answer which token it
// took for whom, so that its answers can be read among the calls.
type nextHop struct {
	mu    sync.Mutex
	later map[string]bool // deferred once
	got   []copyOf
}

// copyOf is a message that the next hop took.
type copyOf struct {
	token string
	to    []string
	raw   []byte
}

// copies are what was taken so far.
func (h *nextHop) copies() []copyOf {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// took reports whether a message, or a report about it, was taken for an
// address; "" is any.
func (h *nextHop) took(token, to string) bool {
	return slices.ContainsFunc(h.copies(), func(c copyOf) bool {
		return c.token == token && (to == "" || slices.Contains(c.to, to))
	})
}

func (h *nextHop) serve(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go h.talk(conn)
	}
}

func (h *nextHop) talk(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(s string) { fmt.Fprint(conn, s+"\r\n") }
	say("220 sink ESMTP")
	var to []string
	var raw bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 CHUNKING")
		case "MAIL":
			to = nil
			raw.Reset()
			say("250 2.1.0 ok")
		case "RCPT":
			a, _, _ := strings.Cut(rest[strings.Index(rest, "<")+1:], ">")
			if strings.HasPrefix(a, "nobody@") {
				say("550 5.1.1 nobody here")
				continue
			}
			to = append(to, a)
			say("250 2.1.5 ok")
		case "BDAT":
			size, last, _ := strings.Cut(rest, " ")
			var n int64
			fmt.Sscan(size, &n)
			if _, err := io.CopyN(&raw, in, n); err != nil {
				return
			}
			if last == "" {
				say("250 2.0.0 chunk")
				continue
			}
			say(h.end(to, raw.Bytes()))
		case "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("250 2.0.0 ok")
		}
	}
}

var tokenIn = regexp.MustCompile(`tok[0-9a-f]{16}`)

func (h *nextHop) end(to []string, raw []byte) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	token := string(tokenIn.Find(raw))
	if slices.Contains(to, "never@fabrikam.example") {
		return "554 5.6.0 never; end of message"
	}
	if slices.Contains(to, "later@fabrikam.example") && !h.later[token] {
		if h.later == nil {
			h.later = map[string]bool{}
		}
		h.later[token] = true
		return "451 4.3.0 later; end of message"
	}
	h.got = append(h.got, copyOf{token, to, bytes.Clone(raw)})
	return "250 2.6.0 taken " + token + " for " + strings.Join(to, ",") + " end of message"
}
