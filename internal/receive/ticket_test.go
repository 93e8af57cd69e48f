package receive

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

func TestASessionIsResumedForAnHourAndUnderItsNameOnly(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	began := ticket{now.Add(-30 * time.Minute), "gw.example"}
	read, ok := readTicket([][]byte{[]byte("somebody else's"), began.wire()})
	if !ok || !read.began.Equal(began.began) || read.name != began.name {
		t.Fatalf("%v %+v", ok, read)
	}
	tests := []struct {
		name  string
		began time.Time
		as    string
		good  bool
	}{
		{"half an hour later", now.Add(-30 * time.Minute), "gw.example", true},
		{"an hour later", now.Add(-time.Hour), "gw.example", false},
		{"under another name", now, "other.example", false},
		{"from the future", now.Add(time.Hour), "gw.example", false},
	}
	for _, test := range tests {
		if got := (ticket{test.began, "gw.example"}).good(now, test.as); got != test.good {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	for _, extra := range [][][]byte{nil, {[]byte(ticketMark)}, {[]byte(ticketMark + "short")}} {
		if _, ok := readTicket(extra); ok {
			t.Errorf("a ticket from %q", extra)
		}
	}
}

// A chain of resumed sessions keeps the time of the first handshake, and each
// of them the certificate that was shown there.
func TestAResumedSessionHandsOnWhenItBegan(t *testing.T) {
	a := newAuthority(t)
	server, client := a.issue(t, nil), a.issue(t, nil)
	s := &Server{tls: &tls.Config{Certificates: []tls.Certificate{*server}, ClientAuth: tls.RequestClientCert}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cache := tls.NewLRUClientSessionCache(4)
	long := time.Now().Add(-50 * time.Minute)
	var last ticket
	meet := func(name string, age func(ticket) ticket) tls.ConnectionState {
		t.Helper()
		theirs, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		defer theirs.Close()
		c := s.resuming()
		wrap := c.WrapSession
		c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
			identity, err := wrap(cs, ss)
			last, _ = readTicket(ss.Extra)
			if age == nil || err != nil {
				return identity, err
			}
			ss.Extra = [][]byte{age(last).wire()}
			return s.tls.EncryptTicket(cs, ss)
		}
		in := tls.Server(ours, c)
		out := tls.Client(theirs, &tls.Config{
			ServerName: name, RootCAs: a.pool, InsecureSkipVerify: true, ClientSessionCache: cache,
			Certificates: []tls.Certificate{*client},
		})
		done := make(chan error, 1)
		go func() { // the tickets come with the first octet
			_, err := out.Read(make([]byte, 1))
			done <- err
		}()
		if _, err := in.Write([]byte("2")); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return in.ConnectionState()
	}
	if meet("gw.example", func(x ticket) ticket { x.began = long; return x }).DidResume {
		t.Fatal("the first handshake resumed something")
	}
	for range 2 {
		state := meet("gw.example", nil)
		if !state.DidResume || len(state.PeerCertificates) == 0 || last.began.Unix() != long.Unix() {
			t.Fatalf("resumed %v, %d certificates, began %v, want %v",
				state.DidResume, len(state.PeerCertificates), last.began, long)
		}
	}
	old := func(x ticket) ticket { x.began = long.Add(-time.Hour); return x }
	if !meet("gw.example", old).DidResume || meet("gw.example", nil).DidResume {
		t.Error("a session of two hours ago was resumed")
	}
}
