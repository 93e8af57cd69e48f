//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// under is a gateway as a target of the driver.
func (g *gateway) under(t *testing.T, name string, secure bool) *target {
	t.Helper()
	cert, err := g.authority.Certificate(exchangeID)
	must(t, err)
	return &target{
		name: name, address: g.smtp, roots: g.authority.Pool(), cert: &cert, server: "gw.postern.example", secure: secure,
		head: "X-Postern-Tenant: contoso;" + secret + ";out;inline\r\n" + exchangeHeader(), from: ann, to: bob,
		settle: 200 * time.Millisecond, wait: slack, patience: 30 * time.Second,
		got: func(token string) (list [][]byte) {
			for _, d := range g.sink.find(token) {
				list = append(list, d.Raw)
			}
			return list
		},
	}
}

func TestTheAttackDriverFindsNothing(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name, config string
		secure       bool
	}{
		{"in clear", "", false}, {"in TLS", "", true}, {"normalizing", "bare", false},
	} {
		t.Run(way.name, func(t *testing.T) {
			g := prepare(t, setup{peers: "{ exchange: { networks: [127.0.0.0/8] } }"})
			if way.config != "" {
				g.edit(t, "smtp: { ", "smtp: { bare_newline: normalize, ")
			}
			g.up(t)
			rss := megabytes(t, g.pid, "VmRSS")
			s := drive(t, g.under(t, way.name, way.secure), attacks())
			s.report(t)
			t.Logf("resident memory: %.1f MiB before, %.1f at most", rss, megabytes(t, g.pid, "VmHWM"))
			g.unharmed(t, 200)
		})
	}
}

func TestNoCombinationOfOctetsEndsAMessage(t *testing.T) {
	t.Parallel()
	most := 4
	if inFull() {
		most = 6
	}
	for _, mode := range []string{"reject", "normalize"} {
		g := prepare(t, setup{peers: "{ exchange: { networks: [127.0.0.0/8] } }"})
		g.edit(t, "smtp: { ", "smtp: { bare_newline: "+mode+", ")
		g.up(t)
		s := drive(t, g.under(t, mode, false), endCases("combinations", combinations(most)))
		s.report(t)
		g.unharmed(t, 300)
	}
}

// edit changes the configuration before the start.
func (g *gateway) edit(t *testing.T, old, with string) {
	t.Helper()
	text, err := os.ReadFile(g.file)
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("no %q in the configuration", old)
	}
	write(t, g.file, strings.Replace(string(text), old, with, 1))
}

// peaks says how much memory the gateway and its children took at most so far.
func (g *gateway) peaks() string {
	own, _ := memoryOf(g.pid, "VmHWM")
	list := fmt.Sprintf("gateway %.0f MiB", own)
	for _, pid := range offspring(g.pid) {
		n, _ := memoryOf(pid, "VmHWM")
		list += fmt.Sprintf(", child %.0f", n)
	}
	return list
}

// unharmed checks that a gateway took no harm from an attack: it lives, took
// no more memory than allowed (in MiB, with up to two children; a machine with
// more processors keeps more of them), had no internal fault, and its books
// are even.
func (g *gateway) unharmed(t *testing.T, most float64) {
	t.Helper()
	select {
	case <-g.ended:
		t.Fatalf("the gateway ended with %d", g.exit)
	default:
	}
	used := megabytes(t, g.pid, "VmHWM")
	kids := 0
	for _, pid := range offspring(g.pid) {
		if n, ok := memoryOf(pid, "VmHWM"); ok {
			used, kids = used+n, kids+1
		}
	}
	if most += 60 * float64(max(0, kids-2)); used > most {
		t.Errorf("gateway and %d children took %.1f MiB at most, more than %.0f", kids, used, most)
	}
	t.Logf("gateway and %d children took %.1f MiB at most", kids, used)
	for _, word := range []string{"panic:", "goroutine ", "code=P205", "code=P502", "code=P440"} {
		if at := strings.Index(g.log.String(), word); at >= 0 {
			t.Errorf("the log says %q: %.600s", word, g.log.String()[max(0, at-200):])
		}
	}
	if b := g.balance(t); !b.OK {
		t.Errorf("balance: %v", b.Differences)
	}
	if sent, _ := routed(message("still-alive", "Hello\n")); g.send(t, sent).Code != 250 {
		t.Error("honest mail is not taken any more")
	}
}
