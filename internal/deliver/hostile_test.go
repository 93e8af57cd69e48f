package deliver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func TestARepliesLengthDoesNotHideItsMeaning(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	many := func(code string, n int) string {
		return strings.Repeat(code+"-2.6.0 one of many\r\n", n) + code + " 2.6.0 the last"
	}
	tests := []struct {
		name, end string
		code      int
	}{
		{"a line of a megabyte that says yes", "250 2.6.0 " + long, 250},
		{"a line of a megabyte that says no", "550 5.7.1 " + long, 550},
		{"fifty thousand lines that say yes", many("250", 50_000), 250},
		{"fifty thousand lines that say later", many("451", 50_000), 451},
		{"three megabytes are no reply", "250 " + strings.Repeat("x", 3<<20), 0},
		{"a hundred and fifty thousand lines are none", many("250", 150_000), 0},
		{"a line of another code among very many is none", strings.Repeat("250-x\r\n", 1000) + "550-no\r\n250 ok", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Limits{}, nil, map[string]*fake{"1": {answers: map[string]string{"END": tt.end}}})
			tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			r := tx.Send(t.Context())
			if r.Code != tt.code || len(r.Text) > 2*maxReplyText {
				t.Errorf("%d with %d octets of text", r.Code, len(r.Text))
			}
		})
	}
}

// scripted is a deliverer whose every connection is served by script.
func scripted(t *testing.T, limits Limits, script func(c net.Conn)) *world {
	w := newWorld(t, limits, nil, nil)
	w.config.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			script(server)
		}()
		return client, nil
	}
	return w
}

// drip says text at one octet a second.
func drip(c net.Conn, text string) {
	for i := range len(text) {
		time.Sleep(time.Second)
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
	}
}

func forever(c net.Conn, text string) {
	for {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

func TestAHostThatTakesItsTimeOrNeverEnds(t *testing.T) {
	hello := func(c net.Conn) *bufio.Reader {
		r := bufio.NewReader(c)
		io.WriteString(c, "220 hostile\r\n")
		r.ReadString('\n')
		io.WriteString(c, "250 hostile\r\n")
		return r
	}
	tests := []struct {
		name   string
		script func(c net.Conn)
		want   string // "sent", or what the failure says
		within time.Duration
	}{
		{"one octet a second is waited for", func(c net.Conn) {
			f := &fake{greeting: "220 slow.example"}
			client, server := net.Pipe()
			defer client.Close()
			go f.serve(server)
			go io.Copy(client, c)
			b := make([]byte, 1)
			for {
				if _, err := client.Read(b); err != nil {
					return
				}
				time.Sleep(time.Second)
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}, "sent", 10 * time.Minute},
		{"one octet a second without an end is not", func(c net.Conn) { drip(c, strings.Repeat("2", 10_000)) }, "greeting of", 6 * time.Minute},
		{"a host that says nothing is left", func(c net.Conn) { io.Copy(io.Discard, c) }, "greeting of", 6 * time.Minute},
		{"a greeting without end is cut off", func(c net.Conn) { forever(c, "220-more\r\n") }, "does not end", time.Second},
		{"a line without end is cut off", func(c net.Conn) { forever(c, strings.Repeat("220 more", 1000)) }, "does not end", time.Second},
		{"an answer to EHLO without end is cut off", func(c net.Conn) {
			r := bufio.NewReader(c)
			io.WriteString(c, "220 hostile\r\n")
			r.ReadString('\n')
			forever(c, "250-X\r\n")
		}, "does not end", time.Second},
		{"a connection that breaks in the middle of a reply", func(c net.Conn) {
			r := hello(c)
			r.ReadString('\n')
			io.WriteString(c, "25")
		}, "MAIL and RCPT", time.Second},
		{"answers that nobody asked for are no answers", func(c net.Conn) {
			r := hello(c)
			r.ReadString('\n')
			io.WriteString(c, "354 go\r\n354 go\r\n354 go\r\n")
			io.Copy(io.Discard, r)
		}, "MAIL", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := scripted(t, Limits{}, tt.script)
				began := time.Now()
				tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
				got := ""
				if err == nil {
					if r := tx.Send(t.Context()); r.Ok() {
						got = "sent"
					}
				} else {
					got = failure(t, err).Error()
					if o := failure(t, err).Outcome(); o.Kind != Later {
						t.Errorf("it means %v", o.Kind)
					}
				}
				if !strings.Contains(got, tt.want) || time.Since(began) > tt.within {
					t.Errorf("after %v: %s", time.Since(began), got)
				}
				w.Close()
				time.Sleep(20 * time.Minute) // what still runs ends
			})
		})
	}
}

// A host that reads one octet a second is left when a part of the message has
// not gone in its time, and it has not got the message.
func TestAHostThatReadsOneOctetASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := scripted(t, Limits{}, func(c net.Conn) {
			r := bufio.NewReader(c)
			io.WriteString(c, "220 slow\r\n")
			for _, answer := range []string{"250 slow", "250 ok", "250 ok", "354 go"} {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
				io.WriteString(c, answer+"\r\n")
			}
			b := make([]byte, 1)
			for {
				time.Sleep(time.Second)
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		})
		tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing(strings.Repeat("line\r\n", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		r := tx.Send(t.Context())
		if r.Ok() || r.None() || !r.Temporary() || time.Since(began) > 5*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), r)
		}
		time.Sleep(20 * time.Minute)
	})
}

// Sixteen hosts that never stop talking cost a few times what is read of them,
// and that has a limit.
func TestEndlessRepliesCostBoundedMemory(t *testing.T) {
	line := strings.Repeat("250-"+strings.Repeat("y", 1000)+"\r\n", 100)
	w := scripted(t, Limits{}, func(c net.Conn) { forever(c, line) })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan error)
	for range 16 {
		go func() {
			_, err := w.Open(context.Background(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; !strings.Contains(err.Error(), errReplyTooLong.Error()) {
			t.Error(err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*maxReply*5 {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
}

// The host that offered STARTTLS yesterday does not today, its certificate
// has expired meanwhile, or its handshake hangs: nothing goes in clear, and a
// later attempt finds it mended.
func TestTLSThatIsWithdrawnBetweenTwoAttempts(t *testing.T) {
	ca := newAuthority(t)
	valid, expired := ca.issue(t, "mx.example", time.Now().Add(time.Hour)), ca.issue(t, "mx.example", time.Now().Add(-time.Hour))
	server := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	good := func() *fake { return &fake{offers: []string{"STARTTLS"}, tls: server(valid)} }
	tests := []struct {
		name  string
		host  *fake
		stuck problem.Code
	}{
		{"STARTTLS is withdrawn", &fake{offers: []string{"PIPELINING"}}, problem.TLSNotOffered},
		{"the certificate has expired", &fake{offers: []string{"STARTTLS"}, tls: server(expired)}, problem.TLSNotVerified},
		{"the handshake hangs", &fake{offers: []string{"STARTTLS"}, answers: map[string]string{"STARTTLS": "220 go"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hosts := map[string]*fake{"1": good()}
			w := newWorld(t, Limits{Connect: 200 * time.Millisecond, Messages: 1}, ca.pool, hosts)
			route := routeTo("1")
			route.TLS, route.ServerName = mail.TLSRequire, "mx.example"
			try := func() error {
				tx, err := w.Open(t.Context(), route, envelope("b@y.example"), outgoing("secret\r\n"))
				if err != nil {
					return err
				}
				if !tx.Verified() {
					t.Error("it goes over a connection that was not verified")
				}
				if r := tx.Send(t.Context()); !r.Ok() {
					return errors.New(r.String())
				}
				return nil
			}
			if err := try(); err != nil {
				t.Fatal(err)
			}
			hosts["1"] = tt.host
			f := failure(t, try())
			if f.Stuck != tt.stuck || f.Outcome().Kind == Failed || !f.Unusable() {
				t.Errorf("%v, stuck %q", f, f.Stuck)
			}
			if n := len(tt.host.told("MAIL")); n > 0 {
				t.Error("MAIL was said")
			}
			hosts["1"] = good()
			if err := try(); err != nil {
				t.Errorf("when it is mended: %v", err)
			}
		})
	}
}
