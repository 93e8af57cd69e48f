//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
)

// The tenant of the tests. secret and mark must appear nowhere but where they
// belong.
const (
	entra      = "11111111-2222-3333-4444-555555555555"
	secret     = "e2e-secret-7Yq2mX9fK4wZ"
	mark       = "e2e-mark-3Hn8vB5tR1cP"
	exchangeID = "mail.protection.outlook.com"
	returnName = "contoso-example.mail.protection.outlook.com"

	ann, bob, eve = "ann@contoso.example", "bob@fabrikam.example", "eve@partner.example"
	archive       = "archive@contoso.example"
)

// policies hold by account numbers, block by card numbers, and copy (which
// needs custody) by a word in the subject.
const policies = `kind: policy
id: cards-leave
name: Card numbers leave the organization
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 1
then: { block: { text: "Use the customer portal for card data." } }
---
kind: policy
id: accounts-leave
name: Account numbers leave the organization
mode: enforce
when: direction == "outbound" && findings.iban.high >= 1
then: { hold: { approver: manager, for: 48h, then: refuse } }
---
kind: policy
id: archived
name: Some mail is archived
mode: enforce
when: direction == "outbound" && subject.contains("archive-it")
then: { copy: { to: [archive@contoso.example] } }
`

const (
	cardText = "Visa card 4539 1488 0343 6467, please charge.\n"
	ibanText = "Please pay to IBAN DE89 3704 0044 0532 0130 00 today.\n"
)

// binary is the program under test; "make e2e" builds it.
func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("POSTERN_BINARY")
	if path == "" {
		t.Fatal("POSTERN_BINARY is not set; run make e2e")
	}
	return path
}

// need looks a peer up, or skips loudly.
func need(t *testing.T, name string, more ...string) string {
	t.Helper()
	for _, n := range append([]string{name}, more...) {
		if path, err := exec.LookPath(n); err == nil {
			return path
		}
	}
	fmt.Printf("SKIPPED %s: not installed, so %s was not run\n", name, t.Name())
	t.Skipf("SKIPPED %s", name)
	return ""
}

var lastPort atomic.Int32

// port is free now and is given out once. It lies below the range from which
// the kernel chooses ports for connections.
func port(t *testing.T) string {
	t.Helper()
	for range 2000 {
		n := 12000 + (os.Getpid()*97+int(lastPort.Add(1)))%18000
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n))
		if err == nil {
			defer ln.Close()
			return ln.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// folder is an empty folder that other users may enter, as Postfix and
// PostgreSQL must.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// gateway is a running "postern serve".
type gateway struct {
	dir, file              string
	smtp, console, metrics string
	authority              *fakeexchange.Authority
	sink                   *sink
	env                    []string
	cmd                    *exec.Cmd
	pid                    int
	log                    *transcript
	ended                  chan struct{}
	exit                   int
	watched                bool
	before                 []string // a program that runs the gateway
	inside                 []string // one that runs its verbs
}

// setup says how a gateway differs from the usual one.
type setup struct {
	tenant   string // further lines of the tenant's file
	back     string // further settings of return, as in a flow mapping
	config   string // further lines of postern.yaml
	policies string
	data     string
	env      []string
	before   []string
	host     string // the next hop; "" is the sink
	name     string // of the next hop's certificate
	peers    string
	sink     *sink
}

// prepare writes a configuration without starting anything.
func prepare(t *testing.T, s setup) *gateway {
	t.Helper()
	binary(t)
	g := &gateway{dir: folder(t), smtp: port(t), console: port(t), metrics: port(t)}
	g.env, g.before, g.sink = s.env, s.before, s.sink
	if g.sink == nil {
		g.sink = newSink(t)
	}
	g.authority = g.sink.authority
	or := func(v *string, otherwise string) {
		if *v == "" {
			*v = otherwise
		}
	}
	or(&s.host, g.sink.address)
	or(&s.name, returnName)
	or(&s.policies, policies)
	or(&s.data, filepath.Join(g.dir, "data"))
	or(&s.peers, "{ exchange: { networks: [127.0.0.0/8], certificate: required } }")
	g.certificate(t, "gw", "gw.postern.example")
	chain, key := issue(t, g.authority, "t-contoso.relay.postern.example")
	write(t, filepath.Join(g.dir, "tenants/contoso.pem"), chain+key)
	write(t, filepath.Join(g.dir, "tenants/contoso.secret"), secret+"\n")
	write(t, filepath.Join(g.dir, "tenants/contoso.mark"), mark+"\n")
	write(t, filepath.Join(g.dir, "roots.pem"), string(g.authority.RootPEM()))
	write(t, filepath.Join(g.dir, "tenants/policies.yaml"), s.policies)
	write(t, filepath.Join(g.dir, "tenants/contoso.yaml"), fmt.Sprintf(`kind: tenant
id: contoso
name: Contoso
entra_tenant: %s
domains: [contoso.example, contoso.onmicrosoft.com]
secret: [file:./contoso.secret]
mark: [file:./contoso.mark]
peers: %s
return: { host: %q, server_name: %s, client_cert: file:./contoso.pem%s }
%s`, entra, s.peers, s.host, s.name, s.back, s.tenant))
	g.file = write(t, filepath.Join(g.dir, "postern.yaml"), fmt.Sprintf(`hostname: gw.postern.example
data: %s
keys: file:./postern.key
smtp: { listen: "%s", tls: { cert: gw.pem, key: gw.key } }
console: { listen: "%s" }
metrics: { listen: "%s" }
roots: roots.pem
apply: [./tenants]
retry: { schedule: [1s, 2s], give_up: 24h }
%s`, s.data, g.smtp, g.console, g.metrics, s.config))
	return g
}

// start runs a gateway until the end of the test.
func start(t *testing.T, s setup) *gateway {
	t.Helper()
	g := prepare(t, s)
	g.up(t)
	return g
}

// up starts the gateway and waits until it can take mail.
func (g *gateway) up(t *testing.T) {
	t.Helper()
	g.spawn(t)
	g.await(t)
}

// watch shows the gateway's log when the test fails.
func (g *gateway) watch(t *testing.T) {
	t.Helper()
	if g.watched {
		return
	}
	g.watched = true
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.log.tail(6000))
		}
	})
}

func (g *gateway) spawn(t *testing.T) {
	t.Helper()
	args := append(append([]string{}, g.before...), binary(t), "serve", "-c", g.file)
	g.cmd = exec.Command(args[0], args[1:]...)
	g.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "TMPDIR=" + os.TempDir()}, g.env...)
	if n := os.Getenv("GOMAXPROCS"); n != "" { // a machine of another size
		g.cmd.Env = append(g.cmd.Env, "GOMAXPROCS="+n)
	}
	g.log = &transcript{}
	g.cmd.Stderr, g.cmd.Stdout = g.log, g.log
	must(t, g.cmd.Start())
	cmd, ended := g.cmd, make(chan struct{})
	g.pid, g.ended = cmd.Process.Pid, ended
	go func() {
		err := cmd.Wait()
		var e *exec.ExitError
		switch {
		case err == nil:
			g.exit = 0
		case errors.As(err, &e):
			g.exit = e.ExitCode()
		default:
			g.exit = -2
		}
		close(ended)
	}()
	t.Cleanup(func() {
		select {
		case <-ended:
		default:
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				_ = cmd.Process.Kill()
				<-ended
			}
		}
	})
}

func (g *gateway) await(t *testing.T) {
	t.Helper()
	g.watch(t)
	eventually(t, 20*time.Second, "the gateway is ready", func() bool {
		select {
		case <-g.ended:
			t.Fatalf("the gateway ended with %d:\n%s", g.exit, g.log.String())
		default:
		}
		conn, err := net.Dial("tcp", g.smtp)
		if err != nil {
			return false
		}
		conn.Close()
		code, _ := g.get(g.console, "/readyz")
		return code == http.StatusOK
	})
}

// stop asks the gateway to end and returns its exit code.
func (g *gateway) stop(t *testing.T) int {
	t.Helper()
	must(t, g.cmd.Process.Signal(syscall.SIGTERM))
	return g.waitEnd(t, 30*time.Second)
}

func (g *gateway) waitEnd(t *testing.T, patience time.Duration) int {
	t.Helper()
	select {
	case <-g.ended:
	case <-time.After(patience + slack):
		t.Fatalf("the gateway did not end within %s", patience+slack)
	}
	return g.exit
}

// get asks one of the gateway's HTTP listeners; code 0 means no answer.
func (g *gateway) get(address, path string) (code int, body string) {
	client := http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// cli runs a verb against the gateway's configuration.
func (g *gateway) cli(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return runIn(t, g.inside, append(args, "-c", g.file)...)
}

// run runs the binary.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return runIn(t, nil, args...)
}

// runIn has another program run the binary.
func runIn(t *testing.T, in []string, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args = append(append(append([]string{}, in...), binary(t)), args...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// ok runs a verb that must succeed.
func (g *gateway) ok(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := g.cli(t, args...)
	if code != 0 {
		t.Fatalf("postern %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// lines reads JSON Lines.
func lines[T any](t *testing.T, text string) (list []T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	for {
		var v T
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("not JSON: %v in %q", err, text)
		}
		list = append(list, v)
	}
}

// held lists who waits, as the command line says.
func (g *gateway) held(t *testing.T) []heldLine {
	t.Helper()
	return lines[heldLine](t, g.ok(t, "held", "list", "--json"))
}

type heldLine struct {
	Message   string   `json:"message"`
	Recipient string   `json:"recipient"`
	Rules     []string `json:"rules"`
	Because   string   `json:"because"`
}

// record is what the tests read of audit search --json.
type record struct {
	ID         string `json:"id"`
	MessageID  string `json:"message_id"`
	Subject    string `json:"subject"`
	Way        string `json:"way"`
	Inspected  string `json:"inspected"`
	Recipients []struct {
		Address  string `json:"address"`
		Verdict  string `json:"verdict"`
		Delivery string `json:"delivery"`
	} `json:"recipients"`
	Findings []struct {
		Type string `json:"type"`
	} `json:"findings"`
	Unseen []struct {
		Reason string `json:"reason"`
	} `json:"unseen"`
	Steps []struct {
		Name   string `json:"step"`
		Detail string `json:"detail"`
	} `json:"steps"`
}

func (g *gateway) records(t *testing.T, query ...string) []record {
	t.Helper()
	return lines[record](t, g.ok(t, append([]string{"audit", "search", "--json"}, query...)...))
}

// recorded waits for n records: they are written beside the answer.
func (g *gateway) recorded(t *testing.T, n int, query ...string) (list []record) {
	t.Helper()
	eventually(t, 10*time.Second, fmt.Sprintf("%d records of %v", n, query), func() bool {
		list = g.records(t, query...)
		return len(list) == n
	})
	return list
}

// says waits until the gateway's log has all of these words: what a process
// writes takes a moment to come here.
func (g *gateway) says(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		eventually(t, 10*time.Second, "the log says "+w, func() bool { return strings.Contains(g.log.String(), w) })
	}
}

// quiet waits until nothing is under way: mail that waits for a person may.
func (g *gateway) quiet(t *testing.T) {
	t.Helper()
	eventually(t, 20*time.Second, "nothing is under way", func() bool { return g.ok(t, "queue", "list", "--json") == "" })
}

type balance struct {
	Messages, In, Delivered, Refused, Failed, Redirected, Open, Held, Reported, Silent int
	CutThrough                                                                         int `json:"cut_through"`
	OK                                                                                 bool
	Differences                                                                        []string
}

func (g *gateway) balance(t *testing.T) balance {
	t.Helper()
	_, out, errs := g.cli(t, "audit", "balance", "--json")
	list := lines[balance](t, out)
	if len(list) != 1 {
		t.Fatalf("no balance: %s%s", out, errs)
	}
	return list[0]
}

// slack is added to every wait that only ends early when all is well: a slow
// or busy machine is no failure.
const slack = time.Minute

// eventually waits for a condition of the outside world.
func eventually(t *testing.T, patience time.Duration, what string, is func() bool) {
	t.Helper()
	until := time.Now().Add(patience + slack)
	for !is() {
		if time.Now().After(until) {
			t.Fatalf("not so within %s: %s", patience+slack, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// transcript collects what a process says.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// whole is what the process said, without a line that it has only begun.
func (l *transcript) whole() string {
	s := l.String()
	return s[:strings.LastIndexByte(s, '\n')+1]
}

func (l *transcript) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}

// issue makes a certificate and its key, in PEM.
func issue(t *testing.T, a *fakeexchange.Authority, names ...string) (chain, key string) {
	t.Helper()
	c, err := a.Certificate(names...)
	must(t, err)
	p, k, err := a.PEM(c)
	must(t, err)
	return string(p), string(k)
}

// certificate writes NAME.pem and NAME.key into the gateway's folder.
func (g *gateway) certificate(t *testing.T, name string, names ...string) (chain, key string) {
	t.Helper()
	c, k := issue(t, g.authority, names...)
	key = write(t, filepath.Join(g.dir, name+".key"), k)
	return write(t, filepath.Join(g.dir, name+".pem"), c), key
}
