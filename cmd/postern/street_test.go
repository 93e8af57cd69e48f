package main

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for what another process does.
const patience = 15 * time.Second

// streetCommands are what a story says to a gateway that runs.
func streetCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"freeport":  freeport,
		"expand":    expand,
		"await":     await,
		"signal":    signalTo,
		"sink":      sink,
		"sunk":      sunk,
		"send":      send,
		"interrupt": interrupt,
		"get":       get,
		"manager":   manager,
		"told":      told,
		"tamper":    tamper,
		"settled":   settled,
	}
}

// freeport sets variables to ports of loopback that nobody listens on.
func freeport(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		ts.Setenv(name, port)
		defer ln.Close()
	}
}

// expand puts the values of variables into files.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// until tries again until try is content.
func until(ts *testscript.TestScript, what string, try func() bool) {
	for end := time.Now().Add(patience); !try(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s did not come in %s", what, patience)
		}
	}
}

// await waits until somebody listens on a port.
func await(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, "the listener", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// signalTo sends a signal to the process in the background: signal HUP.
func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(signals[args[0]]))
	}
}

// sink takes mail like the tenant's Exchange and keeps its octets in the
// folder of its name. It sets the variable to its port: sink NAME [PORT].
func sink(ts *testscript.TestScript, _ bool, args []string) {
	at := "0"
	if len(args) > 1 {
		at = args[1]
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+at)
	ts.Check(err)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	ts.Setenv(args[0], port)
	dir := ts.MkAbs(strings.ToLower(args[0]))
	ts.Check(os.MkdirAll(dir, 0o700))
	s := gosmtp.NewServer(&mailbox{dir: dir})
	s.Domain = "exchange.test"
	ts.Defer(func() { s.Close() })
	go func() { _ = s.Serve(ln) }()
}

type mailbox struct {
	dir string
	mu  sync.Mutex
	n   int
}

func (m *mailbox) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return &delivery{m: m}, nil }

type delivery struct {
	m        *mailbox
	envelope string
}

func (d *delivery) Mail(from string, _ *gosmtp.MailOptions) error {
	d.envelope = "FROM " + from
	return nil
}

func (d *delivery) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	d.envelope += " TO " + to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.m.n++
	name := filepath.Join(d.m.dir, fmt.Sprint(d.m.n))
	if err := os.WriteFile(name+".env", []byte(d.envelope+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(name+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name+".eml")
}

func (d *delivery) Reset()        {}
func (d *delivery) Logout() error { return nil }

// sunk waits for a message with an envelope and a text, and puts it into the
// file "got": sunk sink 'FROM a@x TO b@y' text.
func sunk(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[1]+" with "+args[2], func() bool {
		list, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
		ts.Check(err)
		for _, name := range list {
			text, err := os.ReadFile(name)
			ts.Check(err)
			envelope, err := os.ReadFile(strings.TrimSuffix(name, ".eml") + ".env")
			ts.Check(err)
			if strings.TrimSpace(string(envelope)) == args[1] && strings.Contains(string(text), args[2]) {
				ts.Check(os.WriteFile(ts.MkAbs("got"), text, 0o600))
				return true
			}
		}
		return false
	})
}

// send sends a message as Exchange would, with STARTTLS, and insists on how
// the answer begins: send 250 PORT FILE FROM TO...
func send(ts *testscript.TestScript, _ bool, args []string) {
	want, port, file, from, to := args[0], args[1], args[2], args[3], args[4:]
	got := "250"
	if err := transmit(ts, port, ts.ReadFile(file), from, to); err != nil {
		got = err.Error()
	}
	ts.Logf("answer: %s", got)
	if !strings.HasPrefix(got, want) {
		ts.Fatalf("the answer is %q, want %s", got, want)
	}
}

func transmit(ts *testscript.TestScript, port, text, from string, to []string) error {
	c := connect(ts, port)
	defer c.Close()
	return transaction(c, text, from, to, func() {})
}

// connect opens a connection and begins TLS.
func connect(ts *testscript.TestScript, port string) *smtp.Client {
	c, err := smtp.Dial("127.0.0.1:" + port)
	ts.Check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ts.ReadFile("gw.pem")))
	ts.Check(c.StartTLS(&tls.Config{ServerName: "gw.postern.example", RootCAs: roots}))
	return c
}

// transaction sends one message; halfway is called in the middle of it.
func transaction(c *smtp.Client, text, from string, to []string, halfway func()) error {
	if err := c.Mail(from); err != nil {
		return err
	}
	for _, a := range to {
		if err := c.Rcpt(a); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	text = strings.ReplaceAll(text, "\n", "\r\n")
	if _, err := io.WriteString(w, text[:len(text)/2]); err != nil {
		return err
	}
	halfway()
	if _, err := io.WriteString(w, text[len(text)/2:]); err != nil {
		return err
	}
	return w.Close()
}

// interrupt sends a message, and SIGTERM to the gateway in the middle of it;
// the message must be taken nevertheless: interrupt PORT FILE FROM TO.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	c := connect(ts, args[0])
	defer c.Close()
	ts.Check(transaction(c, ts.ReadFile(args[1]), args[2], args[3:], func() {
		signalTo(ts, false, []string{"TERM"})
		until(ts, "the end of listening", func() bool {
			again, err := net.Dial("tcp", "127.0.0.1:"+args[0])
			if err == nil {
				again.Close()
			}
			return err != nil
		})
	}))
}

// get fetches a page and insists on its status: get 200 URL. The page is then
// the file "page".
func get(ts *testscript.TestScript, _ bool, args []string) {
	res, err := http.Get(args[1])
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("page"), text, 0o600))
	if got := fmt.Sprint(res.StatusCode); got != args[0] {
		ts.Fatalf("status %s, want %s: %s", got, args[0], text)
	}
}

// manager is a service manager that listens for sd_notify; what it hears is
// in the file "heard".
func manager(ts *testscript.TestScript, _ bool, _ []string) {
	path := filepath.Join(ts.MkAbs("."), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	ts.Check(err)
	ts.Setenv("NOTIFY_SOCKET", path)
	ts.Defer(func() { c.Close() })
	heard, err := os.Create(ts.MkAbs("heard"))
	ts.Check(err)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				heard.Close()
				return
			}
			_, _ = heard.Write(append(b[:n:n], '\n'))
		}
	}()
}

// told waits until a file has a text so many times: told heard READY=1 2.
func told(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[1], func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && fmt.Sprint(strings.Count(string(text), args[1])) == args[2]
	})
}

// tamper changes the store behind everybody's back: tamper DB SQL.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	result, err := db.Exec(args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("nothing was changed (%v)", err)
	}
}

// settled runs a verb until its output has a text: settled 'queue list' text.
func settled(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, args[1], func() bool {
		if err := ts.Exec("postern", strings.Fields(args[0])...); err != nil {
			return false
		}
		return strings.Contains(ts.ReadFile("stdout"), args[1])
	})
}
