//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// neighbor is a tenant of the street: one for each preset, and a second one of
// the house's own.
type neighbor struct {
	id, preset, header, form, secret, mark, only string
	sink                                         *sink
}

func (n *neighbor) entra() string {
	return fmt.Sprintf("aaaaaaaa-0000-0000-0000-0000%x", n.id[:4])
}
func (n *neighbor) domain() string { return n.id + ".example" }

// route is the header that the tenant's own rule sets; "" when it sets none.
func (n *neighbor) route(secret, dir string) string {
	if n.header == "" {
		return ""
	}
	value := strings.NewReplacer("ID", n.id, "SECRET", secret, "DIR", dir).Replace(n.form)
	if dir == "in" {
		value = strings.Replace(value, ",sent", "", 1)
	}
	return n.header + ": " + value + "\r\n"
}

func street() []*neighbor {
	return []*neighbor{
		{id: "alpha", preset: "postern", header: "X-Postern-Tenant", form: "ID;SECRET;DIR;inline", secret: "alpha-secret-now-1234",
			mark: "X-Postern-Checked: alpha-mark-now-123456"},
		{id: "beta", preset: "postern", header: "X-Postern-Tenant", form: "ID;SECRET;DIR;inline", secret: "beta-secret-now-12345",
			mark: "X-Postern-Checked: beta-mark-now-1234567"},
		{id: "safe", preset: "safetica", only: "out", mark: "X-St-Checked-Casb: yes"},
		{id: "nets", preset: "netskope", only: "out", mark: "X-Netskope-Inspected: true"},
		{id: "opsw", preset: "opswat", header: "X-MDCES-Data", form: "SECRET", secret: "opswat tenant/information=="},
		{id: "avan", preset: "avanan", header: "X-CLOUD-SEC-AV-Info", form: "SECRET,office365_emails,sent,inline", secret: "portal7"},
		{id: "secu", preset: "secumailer", header: "X-Secumail-Id", form: "SECRET", secret: "secumail-value-123456", only: "out"},
	}
}

// The connections of the street: Exchange stands in 127.0.1.0/24, the rest of
// the world elsewhere.
const exchangeAt, elsewhere = "127.0.1.7", "127.0.9.9"

func startStreet(t *testing.T) (*gateway, []*neighbor) {
	t.Helper()
	g := prepare(t, setup{peers: "{ exchange: { networks: [127.0.1.0/24], certificate: required } }"})
	list := street()
	for _, n := range list {
		n.sink = newSinkOf(t, g.authority, returnName)
		text := fmt.Sprintf("kind: tenant\nid: %s\nentra_tenant: %s\ndomains: [%s, %s.onmicrosoft.com]\nheaders: %s\n"+
			"peers: { exchange: { networks: [127.0.1.0/24], certificate: required } }\n"+
			"return: { host: %q, server_name: %s }\ncopies: { bcc: [copy@%[1]s.gw.example] }\nown: [check@%[1]s.gw.example]\n"+
			"hosts: { %[1]s.gw.example: out }\n",
			n.id, n.entra(), n.domain(), n.id, n.preset, n.sink.address, returnName)
		if n.secret != "" {
			text += fmt.Sprintf("secret: [%q]\n", n.secret)
		}
		if _, value, found := strings.Cut(n.mark, ": "); found && n.preset == "postern" {
			text += "mark: [" + value + "]\n"
		}
		write(t, filepath.Join(g.dir, "tenants", n.id+".yaml"), text)
	}
	must(t, os.Remove(filepath.Join(g.dir, "tenants/policies.yaml")))
	g.up(t)
	return g, list
}

// forgery is one message of an attacker.
type forgery struct {
	from string
	to   []string
	head string
}

// forgeries are all messages that an attacker with a Microsoft 365 tenant of
// his own can send against a victim: his words, and what his Exchange stamps.
func forgeries(attacker string, own, victim *neighbor) (list []forgery) {
	mine, his := attacker+".example", victim.domain()
	words := []string{"", "X-Postern-Tenant: nobody;attacker-guess-12345;out;inline\r\n"}
	for _, dir := range []string{"out", "in"} {
		guess := victim.route("attacker-guess-12345", dir)
		if guess == "" {
			guess = "X-Postern-Tenant: " + victim.id + ";x;" + dir + ";inline\r\n"
		}
		words = append(words, guess, victim.route(victim.secret, dir))
		if own != nil {
			ours := own.route(own.secret, dir)
			words = append(words, ours, ours+guess, guess+ours, victim.route(own.secret, dir), ours+victim.route(victim.secret, dir))
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	mineID := "99999999-0000-0000-0000-000000000009"
	if own != nil {
		mineID = own.entra()
	}
	field := func(name string, values ...string) (s string) {
		for _, v := range values {
			s += name + ": " + v + "\r\n"
		}
		return s
	}
	const id, org, as = "X-MS-Exchange-CrossTenant-Id", "X-OriginatorOrg", "X-MS-Exchange-CrossTenant-AuthAs"
	// Exchange takes out what the attacker wrote and stamps its own; the
	// second two are a service that fails to take it out.
	ids := []string{field(id, mineID), "", field(id, mineID, victim.entra()), field(id, victim.entra(), mineID)}
	orgs := []string{field(org, mine), "", field(org, mine, his), field(org, his, mine)}
	auths := []string{field(as, "Internal"), field(as, "Anonymous"), ""}
	authors := []string{field("From", "eve@"+mine), field("From", "ann@"+his), field("From", "ceo@bank.example"),
		field("From", "eve@"+mine, "ann@"+his), field("From", "ann@"+his+", eve@"+mine), ""}
	senders := []string{"eve@" + mine, "ann@" + his, "", "x@elsewhere.example", "ann+SRS=a=b=bank.example=ceo@" + his, "ann@sub." + his}
	tos := [][]string{{"bob@" + his}, {"eve@" + mine}, {"y@somewhere.example"}, {"bob@" + his, "y@somewhere.example"},
		{"eve@" + mine, "bob@" + his}, {"copy@" + victim.id + ".gw.example"}, {"check@" + victim.id + ".gw.example"}}
	for i, w := range words {
		for j, x := range ids {
			for k, o := range orgs {
				for m, f := range authors {
					head := w + x + o + auths[(i+j+k+m)%len(auths)] + f + "Sender: ann@" + his + "\r\n"
					if m%2 == 0 {
						head += "X-MS-Exchange-Calendar-Originator-Id: x\r\n"
					}
					if victim.mark != "" {
						head += victim.mark + "\r\n"
					}
					for _, s := range senders {
						for _, to := range tos {
							list = append(list, forgery{s, to, head})
						}
					}
				}
			}
		}
	}
	return list
}

// from connects from an address of this machine.
func (g *gateway) from(address, name string, cert *tls.Certificate) (*client, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 10 * time.Second}
	conn, err := d.Dial("tcp", g.smtp)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := newClient(conn)
	if err := c.beginAs(g.authority.Pool(), cert, name); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (f forgery) raw(tag string) []byte {
	return []byte(f.head + "Subject: forged\r\nMessage-ID: <" + unique() + "@forged.example>\r\nX-Attack: " + tag +
		"\r\n\r\nHello\r\n")
}

// misdeed says why a message must not be where it is.
func misdeed(d *delivery, at *neighbor) string {
	_, rest, _ := bytes.Cut(d.Raw, []byte("X-Attack: "))
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	attacker, _, _ := strings.Cut(string(line), " ")
	owns := func(a string) bool { return strings.HasSuffix(a, "@"+at.domain()) }
	if attacker != at.id {
		return "cross delivery"
	}
	if all := !slices.ContainsFunc(d.To, func(a string) bool { return !owns(a) }); all && at.only != "out" {
		return "" // it came in for a tenant, to its own people
	}
	if d.From != "" && !owns(d.From) {
		return "relay for a stranger"
	}
	head, _, _ := bytes.Cut(d.Raw, []byte("\r\n\r\n"))
	forwarded := strings.Contains(d.From, "+SRS=") || bytes.Contains(head, []byte("Calendar-Originator-Id"))
	for _, l := range strings.Split(string(head), "\r\n") {
		if name, value, _ := strings.Cut(l, ": "); name == "From" && !forwarded {
			for _, a := range strings.Split(value, ", ") {
				if !owns(a) {
					return "relay of a foreign name"
				}
			}
		}
	}
	return ""
}

func TestNobodyActsAsAnotherTenantOverTheWire(t *testing.T) {
	t.Parallel()
	g, list := startStreet(t)
	each := 40
	if inFull() {
		each = 1000
	}
	cert, err := g.authority.Certificate(exchangeID)
	must(t, err)
	var tried, taken, cut atomic.Int64
	var wait sync.WaitGroup
	gate := make(chan struct{}, 8)
	for v, victim := range list {
		for a := -1; a < len(list); a++ {
			if a == v {
				continue
			}
			attacker, own := "stranger", (*neighbor)(nil)
			if a >= 0 {
				own = list[a]
				attacker = own.id
			}
			wait.Add(1)
			gate <- struct{}{}
			go func() {
				defer wait.Done()
				defer func() { <-gate }()
				all := forgeries(attacker, own, victim)
				random := rand.New(rand.NewPCG(uint64(v), uint64(a)))
				var c *client
				for i := range each {
					if i%80 == 0 || c == nil {
						if c, err = g.from(exchangeAt, "gw.postern.example", &cert); err != nil {
							t.Error(err)
							return
						}
						defer c.conn.Close()
					}
					f := all[random.IntN(len(all))]
					r, err := c.bdat(f.raw(attacker+" "+victim.id), f.from, f.to...)
					if err != nil {
						cut.Add(1)
						c = nil
						continue
					}
					if r.Code/100 == 2 {
						taken.Add(1)
					} else {
						_, _ = c.ask("RSET")
					}
					tried.Add(1)
				}
			}()
		}
	}
	wait.Wait()
	arrived := 0
	for _, n := range list {
		for _, d := range n.sink.got() {
			arrived++
			if why := misdeed(d, n); why != "" {
				t.Errorf("%s at %s: MAIL FROM:<%s> to %v\n%s", why, n.id, d.From, d.To, d.Raw)
			}
		}
	}
	t.Logf("%d forgeries by %d attackers against %d tenants: 0 allowed to reach another; %d of the attackers' own mail taken, "+
		"%d delivered; %d connections were closed", tried.Load(), len(list)+1, len(list), taken.Load(), arrived, cut.Load())
	g.honest(t, list, &cert)
}

// honest checks that the street takes what its tenants' own Exchange sends.
func (g *gateway) honest(t *testing.T, list []*neighbor, cert *tls.Certificate) {
	t.Helper()
	for _, n := range list {
		head := n.route(n.secret, "out") + "X-MS-Exchange-CrossTenant-Id: " + n.entra() + "\r\nX-OriginatorOrg: " + n.domain() +
			"\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\nFrom: ann@" + n.domain() + "\r\n"
		c, err := g.from(exchangeAt, "gw.postern.example", cert)
		must(t, err)
		r, err := c.bdat(forgery{head: head}.raw(n.id+" honest"), "ann@"+n.domain(), "bob@fabrikam.example")
		if err != nil || r.Code != 250 || len(n.sink.find("honest")) != 1 {
			t.Errorf("%s: honest mail: %v %v", n.id, r, err)
		}
		c.conn.Close()
	}
}

// TestNoConnectionActsAsExchangeOverTheWire varies the connection, with the
// best message that a thief could have: all of the victim's secrets.
func TestNoConnectionActsAsExchangeOverTheWire(t *testing.T) {
	t.Parallel()
	g, list := startStreet(t)
	good, err := g.authority.Certificate(exchangeID)
	must(t, err)
	named, err := g.authority.Certificate("mail.protection.outlook.com.evil.example")
	must(t, err)
	foreign, err := newSink(t).authority.Certificate(exchangeID)
	must(t, err)
	tried := 0
	for i, n := range list {
		other := list[(i+1)%len(list)]
		for _, c := range []struct {
			name, at, host string
			cert           *tls.Certificate
		}{
			{"from elsewhere", elsewhere, "", &good}, {"without a certificate", exchangeAt, "", nil},
			{"with a name that begins like Exchange's", exchangeAt, "", &named},
			{"with a certificate of another authority", exchangeAt, "", &foreign},
			{"by another tenant's host", exchangeAt, other.id + ".gw.example", &good},
			{"in clear", exchangeAt, "clear", nil},
		} {
			f := forgery{head: n.route(n.secret, "out") + "X-MS-Exchange-CrossTenant-Id: " + n.entra() + "\r\nX-OriginatorOrg: " +
				n.domain() + "\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\nFrom: ann@" + n.domain() + "\r\n"}
			conn, err := g.from(c.at, c.host, c.cert)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			r, err := conn.bdat(f.raw("thief "+n.id), "ann@"+n.domain(), "bob@fabrikam.example")
			conn.conn.Close()
			if tried++; err != nil || r.Code/100 != 5 || !strings.Contains(r.Text, "P10") {
				t.Errorf("%s, %s: %v %v", n.id, c.name, r, err)
			}
		}
		if len(n.sink.got()) > 0 {
			t.Errorf("%s got %d messages", n.id, len(n.sink.got()))
		}
	}
	t.Logf("%d connections with all of a tenant's secrets: none was taken", tried)
	g.honest(t, list, &good)
}
