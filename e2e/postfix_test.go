//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
)

// postfix is a private Postfix. Users bring mail to its first listener,
// everything is filtered through the gateway, comes back to the second one,
// and leaves to the sink: Postfix stands where Exchange stood.
type postfix struct{ in, back string }

const mta = "mta.contoso.example"

// privatePostfix is what every Postfix of a test needs.
const privatePostfix = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log/maillog
maillog_file_prefixes = %[1]s/log
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mta.contoso.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
relayhost = [127.0.0.1]:%[2]s
smtp_host_lookup = native
smtpd_tls_security_level = may
smtpd_tls_cert_file = %[1]s/mta.pem
smtpd_tls_key_file = %[1]s/mta.key
`

const postfixMain = `mynetworks = 127.0.0.0/8
default_transport = smtp
smtp_tls_security_level = may
smtpd_tls_ask_ccert = yes
smtpd_relay_restrictions = permit_mynetworks, reject
smtputf8_enable = yes
minimal_backoff_time = 1s
queue_run_delay = 1s
`

const postfixMaster = `%[1]s inet n - n - - smtpd -o content_filter=postern:[127.0.0.1]:%[3]s
%[2]s inet n - n - - smtpd -o content_filter=
postern unix - - n - 4 smtp -o smtp_tls_security_level=encrypt
  -o smtp_tls_cert_file=%[4]s/mta.pem -o smtp_tls_key_file=%[4]s/mta.key
smtp unix - - n - - smtp
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix runs one until the end of the test.
func startPostfix(t *testing.T, g *gateway, back string, out *sink) *postfix {
	t.Helper()
	p := &postfix{in: port(t), back: back}
	runPostfix(t, g.authority, out, postfixMain, func(dir string) string {
		return fmt.Sprintf(postfixMaster, p.in, p.back, portOf(g.smtp), dir)
	})
	return p
}

// runPostfix runs a private Postfix, with a certificate of a, until the end
// of the test. master is its master.cf, which may name its folder.
func runPostfix(t *testing.T, a *fakeexchange.Authority, out *sink, main string, master func(dir string) string) {
	t.Helper()
	need(t, "postfix")
	if os.Getuid() != 0 {
		fmt.Printf("SKIPPED postfix: only root can run a private one, so %s was not run\n", t.Name())
		t.Skip("SKIPPED postfix")
	}
	dir := folder(t)
	for _, d := range []string{"queue", "data", "log"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	if o, err := exec.Command("chown", "postfix", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, o)
	}
	chain, key := issue(t, a, mta)
	write(t, filepath.Join(dir, "mta.pem"), chain)
	write(t, filepath.Join(dir, "mta.key"), key)
	conf := filepath.Join(dir, "conf")
	write(t, filepath.Join(conf, "main.cf"), fmt.Sprintf(privatePostfix, dir, portOf(out.address))+main)
	write(t, filepath.Join(conf, "master.cf"), master(dir))
	for _, f := range []string{conf, filepath.Join(conf, "main.cf"), filepath.Join(conf, "master.cf")} {
		must(t, os.Chmod(f, 0o755))
	}
	if o, err := exec.Command("postfix", "-c", conf, "start").CombinedOutput(); err != nil {
		t.Fatalf("postfix start: %v\n%s", err, o)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log/maillog"))
			t.Logf("postfix:\n%s", log)
		}
		_ = exec.Command("postfix", "-c", conf, "abort").Run() // ends the master of this folder only
	})
}

func portOf(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return port
}

func (p *postfix) submit(t *testing.T, raw []byte, to string) {
	t.Helper()
	eventually(t, 10*time.Second, "postfix takes "+to, func() bool {
		cmd := exec.Command(need(t, "swaks"), "--server", p.in, "--from", ann, "--to", to, "--data", "-",
			"--no-data-fixup", "--silent", "3")
		cmd.Stdin = strings.NewReader(dotted(raw))
		return cmd.Run() == nil
	})
}

// onPremises starts a gateway between a Postfix and itself.
func onPremises(t *testing.T, refuse string) (*gateway, *postfix, *sink) {
	t.Helper()
	need(t, "postfix")
	need(t, "swaks")
	out := newSink(t)
	out.plain = true
	back := port(t)
	g := start(t, setup{
		sink: out, host: back, name: mta, tenant: "refuse: " + refuse + "\n",
		peers: "{ other: [{ networks: [127.0.0.0/8], certificate: " + mta + " }] }",
	})
	return g, startPostfix(t, g, back, out), out
}

func TestPostfixStandsWhereExchangeStood(t *testing.T) {
	t.Parallel()
	g, p, out := onPremises(t, "report")
	original := message("clean-one", "Hello Bob\n")
	p.submit(t, original, bob)
	eventually(t, 15*time.Second, "the clean mail is where Postfix sends it", func() bool {
		return len(out.to(bob, "clean-one")) > 0
	})
	p.submit(t, message("cards-one", cardText), bob)
	eventually(t, 15*time.Second, "the sender has our report through Postfix", func() bool {
		return len(out.to(ann, "cards-one")) > 0
	})
	time.Sleep(500 * time.Millisecond) // a second copy would come now
	clean := out.to(bob, "clean-one")
	if len(clean) != 1 {
		t.Fatalf("the clean mail arrived %d times", len(clean))
	}
	front, same := bytes.CutSuffix(clean[0].Raw, original)
	if !same {
		t.Errorf("through Postfix, us and Postfix the octets changed:\n%s", clean[0].Raw)
	}
	for _, want := range []string{"X-Postern-Checked: " + mark, "by gw.postern.example", "by " + mta} {
		if !bytes.Contains(front, []byte(want)) {
			t.Errorf("no %q in\n%s", want, front)
		}
	}
	if n := len(out.to(bob, "cards-one")); n != 0 {
		t.Errorf("the violating mail arrived %d times", n)
	}
	report := out.to(ann, "cards-one")
	if len(report) != 1 || report[0].From != "" || !bytes.Contains(report[0].Raw, []byte("report-type=delivery-status")) {
		t.Errorf("%d reports: %+v", len(report), report)
	}
	if b := g.balance(t); !b.OK {
		t.Errorf("balance: %+v", b)
	}
	for _, r := range g.records(t) {
		if r.Way != "cut-through" && r.Way != "custody" {
			t.Errorf("way %q", r.Way)
		}
	}
}

func TestPostfixWritesTheReportWhenWeRefuseInTheSession(t *testing.T) {
	t.Parallel()
	_, p, out := onPremises(t, "session")
	p.submit(t, message("cards-two", cardText), bob)
	eventually(t, 15*time.Second, "the sender has Postfix's report", func() bool {
		return len(out.to(ann, "cards-two")) > 0
	})
	report := out.to(ann, "cards-two")[0]
	for _, want := range []string{"550 5.7.1 Stopped by", "Card numbers leave the organization", "MAILER-DAEMON@" + mta} {
		flat := strings.Join(strings.Fields(string(report.Raw)), " ") // Postfix wraps lines
		if !strings.Contains(flat, want) {
			t.Errorf("no %q in\n%s", want, report.Raw)
		}
	}
	if n := len(out.to(bob, "cards-two")); n != 0 {
		t.Errorf("the violating mail arrived %d times", n)
	}
}
