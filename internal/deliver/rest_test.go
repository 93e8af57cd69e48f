package deliver

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// sockets lets a world reach a host through the kernel; what it returns gives
// the host's ends.
func sockets(t *testing.T, w *world, f *fake) chan net.Conn {
	ends := make(chan net.Conn, 10)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	w.config.Dial = func(context.Context, string, string) (net.Conn, error) {
		w.dials = append(w.dials, "")
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			return nil, err
		}
		host, err := ln.Accept()
		if err != nil {
			return nil, err
		}
		ends <- host
		go f.serve(host)
		return c, nil
	}
	return ends
}

func TestAConnectionTakenSoonHasNoListener(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, nil)
	sockets(t, w, f)
	for range 3 {
		send(t, w, routeTo("1"))
		for _, list := range w.pool.conns {
			if list[0].done != nil {
				t.Error("somebody listens")
			}
		}
	}
	if len(w.dials) != 1 || len(f.got()) != 3 {
		t.Errorf("%d connections, %d messages", len(w.dials), len(f.got()))
	}
}

func TestAHostThatSpokeOrClosedUnheardIsLeft(t *testing.T) {
	for name, leave := range map[string]func(net.Conn){
		"closed": func(c net.Conn) { c.Close() },
		"spoke":  func(c net.Conn) { _, _ = c.Write([]byte("421 4.4.2 bye\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{offers: everything()}
			w := newWorld(t, Limits{}, nil, nil)
			ends := sockets(t, w, f)
			send(t, w, routeTo("1"))
			leave(<-ends)
			for _, list := range w.pool.conns {
				for list[0].c.quiet() {
					time.Sleep(time.Millisecond) // until it is here
				}
			}
			send(t, w, routeTo("1"))
			if len(w.dials) != 2 || len(f.got()) != 2 {
				t.Errorf("%d connections, %d messages", len(w.dials), len(f.got()))
			}
		})
	}
}

func TestAConnectionAtRestIsListenedTo(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, nil)
	w.pool.unheard = time.Millisecond
	ends := sockets(t, w, f)
	send(t, w, routeTo("1"))
	at := func() int {
		w.pool.mu.Lock()
		defer w.pool.mu.Unlock()
		return w.pool.total
	}
	time.Sleep(10 * time.Millisecond)
	send(t, w, routeTo("1"))
	if len(w.dials) != 1 || at() != 1 {
		t.Errorf("%d connections, %d at rest", len(w.dials), at())
	}
	(<-ends).Close()
	for at() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// Inside TLS a ticket lies unread between two messages: it is not the host's
// voice.
func TestATicketDoesNotEndAConnection(t *testing.T) {
	ours := newAuthority(t)
	host := ours.issue(t, "next.example", time.Now().Add(time.Hour))
	f := &fake{offers: append(everything(), "STARTTLS"), tls: &tls.Config{Certificates: []tls.Certificate{host}}}
	w := newWorld(t, Limits{}, ours.pool, nil)
	sockets(t, w, f)
	r := mail.Route{Tenant: "t1", Host: "127.0.0.1:1", TLS: mail.TLSRequire, ServerName: "next.example"}
	for range 3 {
		send(t, w, r)
	}
	if len(w.dials) != 1 || len(f.got()) != 3 {
		t.Errorf("%d connections, %d messages", len(w.dials), len(f.got()))
	}
}
