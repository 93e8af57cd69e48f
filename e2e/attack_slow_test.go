//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// drip is a client of a stranger that brings one octet a second.
type drip struct {
	conn net.Conn
	text string
	at   int
}

// crawl opens n slow connections, a few from each address of a stranger's
// network, and keeps them dripping until the end of the test.
func crawl(t *testing.T, address, text string, n int) (open, refused int) {
	t.Helper()
	var mu sync.Mutex
	var drips []*drip
	var wait sync.WaitGroup
	gate := make(chan struct{}, 32)
	for i := range n {
		wait.Add(1)
		gate <- struct{}{}
		go func() {
			defer wait.Done()
			defer func() { <-gate }()
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, byte(i/40/250), byte(1+i/40%250))}, Timeout: slack}
			conn, err := d.Dial("tcp", address)
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			_ = conn.SetReadDeadline(time.Now().Add(slack))
			word := make([]byte, 3)
			_, _ = conn.Read(word)
			mu.Lock()
			defer mu.Unlock()
			if string(word) != "220" {
				refused++
				return
			}
			open++
			drips = append(drips, &drip{conn: conn, text: text})
		}()
	}
	wait.Wait()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
			for _, d := range drips {
				if d.at < len(d.text) {
					_, _ = d.conn.Write([]byte(d.text[d.at : d.at+1]))
					d.at++
				}
			}
		}
	}()
	return open, refused
}

func TestSlowStrangersLeaveRoomForExchange(t *testing.T) {
	t.Parallel()
	many := 1500
	if inFull() {
		many = 6000
	}
	g := start(t, setup{peers: "{ exchange: { networks: [127.0.0.0/24] } }"})
	open, refused := crawl(t, g.smtp, "EHLO a-very-slow-client.example\r\n", many)
	t.Logf("%d slow connections of strangers are open, %d were told to come back", open, refused)
	if open > 500 {
		t.Errorf("strangers hold %d of 1,000 places", open)
	}
	if open < 400 {
		t.Errorf("the attack does not stand: %d connections", open)
	}
	g.serves(t)
	_, text := g.get(g.metrics, "/metrics")
	for _, want := range []string{`postern_receive_connections_total{result="full"}`, `code="P201"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the operator does not see %s", want)
		}
	}
	g.says(t, "code=P201")
	g.unharmed(t, 220)
}

// serves checks that Exchange's mail goes through in spite of an attack.
func (g *gateway) serves(t *testing.T) {
	t.Helper()
	for i := range 20 {
		sent, _ := routed(message(fmt.Sprintf("in-spite-%d", i), "Hello\n"))
		if r := g.send(t, sent); r.Code != 250 {
			t.Fatalf("Exchange is not served: %v", r)
		}
	}
	if n := len(g.sink.find("in-spite")); n != 20 {
		t.Errorf("%d of 20 messages came through", n)
	}
}

func TestHandshakesThatNeverEndLeaveRoomForExchange(t *testing.T) {
	t.Parallel()
	g := start(t, setup{peers: "{ exchange: { networks: [127.0.0.0/24] } }"})
	begun, told := 0, 0
	for i := range 130 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 8, 0, byte(1+i))}}
		conn, err := d.Dial("tcp", g.smtp)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(slack))
		c := newClient(conn)
		_, _ = c.read()
		_, _ = c.ask("EHLO x.example")
		switch r, _ := c.ask("STARTTLS"); r.Code {
		case 220:
			begun++
		case 454:
			told++
		}
	}
	if begun != 50 || told != 80 {
		t.Errorf("%d handshakes of strangers run, %d were told to come back", begun, told)
	}
	g.serves(t)
	g.unharmed(t, 220)
}

func TestOneAddressHoldsFewConnections(t *testing.T) {
	t.Parallel()
	g := start(t, setup{peers: "{ exchange: { networks: [127.0.0.0/24] } }"})
	open, told := 0, 0
	for range 70 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 7, 0, 1)}}
		conn, err := d.Dial("tcp", g.smtp)
		must(t, err)
		defer conn.Close()
		line := make([]byte, 200)
		_ = conn.SetReadDeadline(time.Now().Add(slack))
		n, _ := conn.Read(line)
		switch {
		case strings.HasPrefix(string(line[:n]), "220 "):
			open++
		case strings.HasPrefix(string(line[:n]), "421 4.7.0 Too many connections from your address"):
			told++
		}
	}
	if open != 50 || told != 20 {
		t.Errorf("%d open, %d told to come back", open, told)
	}
	g.says(t, "code=P202")
}

// A message that comes too slowly is cut off and is no message.
func TestASlowMessageIsCutOff(t *testing.T) {
	t.Parallel()
	g := prepare(t, setup{})
	g.edit(t, "smtp: { ", "smtp: { grace_time: 1s, min_rate: 1000, ")
	g.up(t)
	sent, _ := routed(message("too-slow", strings.Repeat("line\n", 200)))
	for _, begin := range []string{"DATA\r\n", fmt.Sprintf("BDAT %d LAST\r\n", len(sent))} {
		c := g.dial(t)
		if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
			t.Fatal(r, err)
		}
		_, _ = c.conn.Write([]byte(begin))
		if begin[0] == 'D' {
			_, _ = c.read()
		}
		said := make(chan reply, 1)
		go func() {
			r, _ := c.read()
			said <- r
		}()
		var r reply
		for i := 0; i < len(sent) && r.Code == 0; i++ {
			_, _ = c.conn.Write(sent[i : i+1])
			select {
			case r = <-said:
			case <-time.After(30 * time.Millisecond):
			}
		}
		if r.Code != 421 || !strings.Contains(r.Text, "slowly") {
			t.Errorf("%q: %v", begin, r)
		}
	}
	if n := len(g.sink.got()); n != 0 {
		t.Errorf("%d messages came of it", n)
	}
}
