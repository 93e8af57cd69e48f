//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// target is a server that the driver attacks, and the place where its mail
// goes.
type target struct {
	name     string
	address  string
	roots    *x509.CertPool
	cert     *tls.Certificate
	server   string // name in its certificate
	secure   bool   // every conversation is in TLS
	head     string // header fields without which it takes no mail
	from, to string
	settle   time.Duration // how long mail may be under way
	wait     time.Duration // how long for mail that must come
	patience time.Duration // for one answer
	// got is what was taken and holds a token.
	got func(token string) [][]byte
}

// attack is one case of the driver.
type attack struct {
	group, name string
	clear       bool // makes no sense inside TLS
	run         func(*probe)
}

// probe is one attack that runs: a connection, and what came of it.
type probe struct {
	*target
	conn  net.Conn
	r     *bufio.Reader
	token string
	ext   string // the last answer to EHLO

	bad, lax, info []string
	skip           string
	lo, hi         int // how many messages may have come
	check          func(raw []byte) string
}

// score is what a run of the driver came to. Bad is a hole; lax is what a
// standard forbids and the server takes, without harm by itself.
type score struct {
	ok, bad, lax, info, skipped int
	holes                       map[string][]string // bad and lax, by group
}

// drive runs the attacks, a few at a time, and judges the mail at the end.
func drive(t *testing.T, tg *target, list []attack) score {
	t.Helper()
	probes := make([]*probe, len(list))
	var wait sync.WaitGroup
	gate := make(chan struct{}, 12)
	for i, a := range list {
		wait.Add(1)
		gate <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-gate }()
			probes[i] = tg.attack(a)
		}()
	}
	wait.Wait()
	for until := time.Now().Add(tg.wait); slices.ContainsFunc(probes, (*probe).misses) && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(tg.settle)
	s := score{holes: map[string][]string{}}
	for i, p := range probes {
		p.judge()
		what := list[i].group + ": " + list[i].name
		switch {
		case p.skip != "":
			s.skipped++
		case len(p.bad) > 0:
			s.bad++
			s.holes[list[i].group] = append(s.holes[list[i].group], "bad: "+list[i].name+": "+strings.Join(p.bad, "; "))
		case len(p.lax) > 0:
			s.lax++
			s.holes[list[i].group] = append(s.holes[list[i].group], "lax: "+list[i].name+": "+strings.Join(p.lax, "; "))
		case len(p.info) > 0:
			s.info++
			t.Logf("info %s: %s: %s", tg.name, what, strings.Join(p.info, "; "))
		default:
			s.ok++
		}
	}
	t.Logf("%s: %d attacks in %d groups: %d ok, %d bad, %d lax, %d info, %d skipped", tg.name, len(list), len(groups(list)),
		s.ok, s.bad, s.lax, s.info, s.skipped)
	return s
}

func groups(list []attack) []string {
	seen := map[string]bool{}
	var names []string
	for _, a := range list {
		if !seen[a.group] {
			names = append(names, a.group)
		}
		seen[a.group] = true
	}
	return names
}

// report lists the holes as failures.
func (s score) report(t *testing.T) {
	t.Helper()
	var names []string
	for g := range s.holes {
		names = append(names, g)
	}
	sort.Strings(names)
	for _, g := range names {
		for _, h := range s.holes[g] {
			t.Errorf("%s: %s", g, h)
		}
	}
}

func (tg *target) attack(a attack) *probe {
	p := &probe{target: tg, token: "tok" + unique()}
	if a.clear && tg.secure {
		p.skip = "not inside TLS"
		return p
	}
	if err := p.open(); err != nil {
		p.fail("no conversation: %v", err)
		return p
	}
	defer func() { p.conn.Close() }()
	if tg.secure {
		if err := p.startTLS(); err != nil {
			p.fail("no TLS: %v", err)
			return p
		}
	}
	a.run(p)
	return p
}

func (p *probe) open() error {
	conn, err := net.DialTimeout("tcp", p.address, p.patience)
	if err != nil {
		return err
	}
	p.conn, p.r = conn, bufio.NewReader(conn)
	if r := p.read(); r.Code != 220 {
		return fmt.Errorf("greeting %v", r)
	}
	p.hello()
	return nil
}

func (p *probe) hello() { p.ext = strings.ToUpper(p.cmd("EHLO attacker.example").Text) }

func (p *probe) startTLS() error {
	if r := p.cmd("STARTTLS"); r.Code != 220 {
		return fmt.Errorf("STARTTLS: %v", r)
	}
	if err := p.handshake(); err != nil {
		return err
	}
	p.hello()
	return nil
}

func (p *probe) handshake() error {
	conf := &tls.Config{RootCAs: p.roots, ServerName: p.server, InsecureSkipVerify: p.roots == nil}
	if p.cert != nil {
		conf.Certificates = []tls.Certificate{*p.cert}
	}
	_ = p.conn.SetDeadline(time.Now().Add(p.patience))
	secure := tls.Client(p.conn, conf)
	if err := secure.Handshake(); err != nil {
		return err
	}
	p.conn, p.r = secure, bufio.NewReader(secure)
	return nil
}

// offers skips the attack when the server lacks an extension.
func (p *probe) offers(name string) bool {
	if !strings.Contains(p.ext, name) {
		p.skip = name + " is not offered"
		return false
	}
	return true
}

func (p *probe) fail(format string, args ...any) { p.bad = append(p.bad, fmt.Sprintf(format, args...)) }
func (p *probe) note(format string, args ...any) {
	p.info = append(p.info, fmt.Sprintf(format, args...))
}

// raw sends octets; that the server has hung up is no failure.
func (p *probe) raw(s string) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.patience))
	_, _ = io.WriteString(p.conn, s)
}

// read is the next answer; the zero reply is the end of the connection, or
// silence.
func (p *probe) read() reply {
	_ = p.conn.SetReadDeadline(time.Now().Add(p.patience))
	var r reply
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return reply{Text: err.Error()}
		}
		if strings.ContainsFunc(strings.TrimRight(line, "\r\n"), func(c rune) bool { return c < ' ' || c == 0x7f }) {
			p.fail("control characters in the answer %q", line)
		}
		line = strings.TrimRight(line, "\r\n")
		code, err := strconv.Atoi(line[:min(3, len(line))])
		if err != nil || len(line) < 3 {
			return reply{Text: "no reply: " + line}
		}
		r.Code = code
		r.Text += line[min(4, len(line)):] + "\n"
		if len(line) == 3 || line[3] == ' ' {
			r.Text = strings.TrimSuffix(r.Text, "\n")
			return r
		}
	}
}

func (p *probe) cmd(line string) reply {
	p.raw(line + "\r\n")
	return p.read()
}

// strict sends a line that a standard forbids.
func (p *probe) strict(line string) reply {
	r := p.cmd(line)
	if c := r.Code / 100; c == 2 || c == 3 {
		p.lax = append(p.lax, fmt.Sprintf("%.60q was answered %d", line, r.Code))
	}
	return r
}

// refused sends a line that must not be obeyed.
func (p *probe) refused(line string) reply {
	r := p.cmd(line)
	if c := r.Code / 100; c == 2 || c == 3 {
		p.fail("%.60q was answered %d", line, r.Code)
	}
	return r
}

// taken sends a line that must be obeyed.
func (p *probe) taken(line string) reply {
	r := p.cmd(line)
	if c := r.Code / 100; c != 2 && c != 3 {
		p.fail("%.60q was answered %d", line, r.Code)
	}
	return r
}

// lives says that the conversation is still in step.
func (p *probe) lives() {
	if r := p.cmd("NOOP"); r.Code != 250 {
		p.fail("out of step: NOOP was answered %v", r)
	}
}

// rest reads what is still answered, until QUIT is.
func (p *probe) rest() (list []reply) {
	p.raw("QUIT\r\n")
	for len(list) < 3000 {
		r := p.read()
		if r.Code == 0 {
			return list
		}
		list = append(list, r)
		if r.Code == 221 {
			return list
		}
	}
	return list
}

func (p *probe) mailFrom() string { return "MAIL FROM:<" + p.from + ">" }
func (p *probe) rcptTo() string   { return "RCPT TO:<" + p.to + ">" }

// envelope opens a transaction.
func (p *probe) envelope() bool {
	if a, b := p.cmd(p.mailFrom()), p.cmd(p.rcptTo()); a.Code != 250 || b.Code != 250 {
		p.fail("an honest envelope was refused: %v, %v", a, b)
		return false
	}
	return true
}

// letter is an honest message under a name.
func (p *probe) letter(which string) string {
	return p.head + "From: <" + p.from + ">\r\nTo: <" + p.to + ">\r\nSubject: attack\r\nMessage-ID: <" + unique() +
		"@attack.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nX-Attack: " + which + " " + p.token + "\r\n\r\n"
}

// smuggled is a whole transaction that must stay text.
func (p *probe) smuggled() string {
	return p.mailFrom() + "\r\n" + p.rcptTo() + "\r\nDATA\r\n" + p.letter("second") + "evil\r\n.\r\n"
}

// mail says how many messages may have come of this attack.
func (p *probe) mail(lo, hi int) { p.lo, p.hi = lo, hi }

// misses says that mail must still come of it.
func (p *probe) misses() bool { return p.skip == "" && len(p.got(p.token)) < p.lo }

func (p *probe) judge() {
	if p.skip != "" {
		return
	}
	list := p.got(p.token)
	if len(list) < p.lo || len(list) > p.hi {
		p.fail("%d messages came of it, not %d to %d", len(list), p.lo, p.hi)
	}
	for _, raw := range list {
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if bytes.Contains(head, []byte("X-Attack: second")) {
			p.fail("the smuggled message was delivered as one")
		}
		if p.check != nil {
			if why := p.check(raw); why != "" {
				p.fail("%s", why)
			}
		}
	}
}
