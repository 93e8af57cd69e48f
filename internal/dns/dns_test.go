package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// serve starts a name server on the loopback interface, over UDP and TCP.
func serve(t *testing.T, h dns.HandlerFunc) string {
	t.Helper()
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", pc.LocalAddr().String())
		if err != nil {
			pc.Close()
			continue
		}
		var up sync.WaitGroup
		for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: ln, Handler: h}} {
			up.Add(1)
			s.NotifyStartedFunc = up.Done
			go s.ActivateAndServe()
			t.Cleanup(func() { s.Shutdown() })
		}
		up.Wait()
		return pc.LocalAddr().String()
	}
	t.Fatal("no port is free for UDP and TCP")
	return ""
}

func resolver(t *testing.T, c Config) *Resolver {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// zone answers from records in presentation form.
func zone(records ...string) dns.HandlerFunc {
	var all []dns.RR
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			panic(fmt.Sprint(s, err))
		}
		all = append(all, rr)
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.AuthenticatedData = true
		known := false
		for _, rr := range all {
			if rr.Header().Name != q.Question[0].Name {
				continue
			}
			known = true
			if k := rr.Header().Rrtype; k == q.Question[0].Qtype || k == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !known {
			m.Rcode = dns.RcodeNameError
		}
		if len(m.Answer) == 0 {
			soa, _ := dns.NewRR("example. 60 IN SOA ns.example. h.example. 1 2 3 4 30")
			m.Ns = append(m.Ns, soa)
		}
		w.WriteMsg(m)
	}
}

func TestResolver(t *testing.T) {
	server := serve(t, zone(
		"two.example. 60 IN MX 20 B.example.",
		"two.example. 60 IN MX 10 a.example.",
		"null.example. 60 IN MX 0 .",
		"a.example. 60 IN AAAA 2001:db8::1",
		"a.example. 60 IN A 192.0.2.1",
		"six.example. 60 IN AAAA 2001:db8::2",
		`t.example. 60 IN TXT "v=spf1 " "-all \"x\""`,
		"alias.example. 60 IN CNAME two.example.",
		"circle.example. 60 IN CNAME round.example.",
		"round.example. 60 IN CNAME circle.example.",
		"1.2.0.192.in-addr.arpa. 60 IN PTR host.example.",
		"xn--bcher-kva.example. 60 IN MX 5 a.example.",
	))
	r := resolver(t, Config{Servers: []string{server}})
	ctx := t.Context()

	mx := []struct {
		name, domain string
		want         []net.MX
		kind         Kind
	}{
		{"the lowest preference stands first", "two.example", []net.MX{{Host: "a.example", Pref: 10}, {Host: "b.example", Pref: 20}}, ""},
		{"an alias is followed", "Alias.Example.", []net.MX{{Host: "a.example", Pref: 10}, {Host: "b.example", Pref: 20}}, ""},
		{"a name in Unicode is asked in ASCII", "bücher.example", []net.MX{{Host: "a.example", Pref: 5}}, ""},
		{"a null MX is no host", "null.example", nil, NullMX},
		{"a name without MX has no data", "a.example", nil, NoData},
		{"a name that is not there", "gone.example", nil, NoDomain},
		{"aliases in a circle end", "circle.example", nil, Loop},
		{"no name at all", "", nil, BadName},
		{"a name with a line end", "a\r\n.example", nil, BadName},
	}
	for _, tt := range mx {
		t.Run(tt.name, func(t *testing.T) {
			for _, from := range []string{"server", "cache"} {
				got, secure, err := r.MX(ctx, tt.domain)
				if KindOf(err) != tt.kind || !cmp.Equal(got, tt.want) {
					t.Errorf("from the %s: %v, %v", from, got, err)
				}
				if err == nil && !secure {
					t.Errorf("from the %s: the AD bit of a loopback resolver was not believed", from)
				}
			}
		})
	}

	t.Run("IPv4 stands before IPv6", func(t *testing.T) {
		got, _, err := r.Hosts(ctx, "a.example")
		if fmt.Sprint(got) != "[192.0.2.1 2001:db8::1]" || err != nil {
			t.Error(got, err)
		}
	})
	t.Run("a host with IPv6 alone is found", func(t *testing.T) {
		got, _, err := r.Hosts(ctx, "six.example")
		if fmt.Sprint(got) != "[2001:db8::2]" || err != nil {
			t.Error(got, err)
		}
	})
	t.Run("a host without addresses has no data", func(t *testing.T) {
		if _, _, err := r.Hosts(ctx, "two.example"); KindOf(err) != NoData {
			t.Error(err)
		}
	})
	t.Run("the strings of a text are joined", func(t *testing.T) {
		got, _, err := r.TXT(ctx, "t.example")
		if !cmp.Equal(got, []string{`v=spf1 -all "x"`}) || err != nil {
			t.Error(got, err)
		}
	})
	t.Run("an address has a name", func(t *testing.T) {
		got, _, err := r.PTR(ctx, netip.MustParseAddr("192.0.2.1"))
		if !cmp.Equal(got, []string{"host.example"}) || err != nil {
			t.Error(got, err)
		}
	})
}

func TestTheNextServerAnswersWhatOneCannot(t *testing.T) {
	bad := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetRcode(q, dns.RcodeServerFailure)
		w.WriteMsg(m)
	})
	wrong := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Question[0].Name = "other.example."
		w.WriteMsg(m)
	})
	good := serve(t, zone("a.example. 60 IN A 192.0.2.1"))
	r := resolver(t, Config{Servers: []string{bad, wrong, good}})
	if got, _, err := r.Hosts(t.Context(), "a.example"); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
	r = resolver(t, Config{Servers: []string{bad}})
	_, _, err := r.MX(t.Context(), "a.example")
	var e *Error
	if !errors.As(err, &e) || e.Kind != ServerFailure || e.NotFound() || !e.Temporary() {
		t.Errorf("SERVFAIL gave %v", err)
	}
}

func TestAnAnswerCutOffIsAskedForOverTCP(t *testing.T) {
	var over atomic.Value
	records := make([]string, 60)
	for i := range records {
		records[i] = fmt.Sprintf("many.example. 60 IN MX %d a-rather-long-name-of-a-host-%d.example.", i, i)
	}
	inner := zone(records...)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if w.RemoteAddr().Network() == "udp" {
			m := new(dns.Msg)
			m.SetReply(q)
			m.Truncated = true
			w.WriteMsg(m)
			return
		}
		over.Store("tcp")
		inner(w, q)
	})
	r := resolver(t, Config{Servers: []string{server}})
	got, _, err := r.MX(t.Context(), "many.example")
	if err != nil || over.Load() != "tcp" {
		t.Fatal(err, over.Load())
	}
	if len(got) != maxRecords || got[0].Pref != 0 {
		t.Errorf("%d records, the first with preference %d", len(got), got[0].Pref)
	}
}

func TestAliasesAcrossSeveralAnswersHaveALimit(t *testing.T) {
	var asked atomic.Int32
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		rr, _ := dns.NewRR(fmt.Sprintf("%s 60 IN CNAME n%d.example.", q.Question[0].Name, asked.Add(1)))
		m.Answer = append(m.Answer, rr)
		w.WriteMsg(m)
	})
	r := resolver(t, Config{Servers: []string{server}})
	if _, _, err := r.MX(t.Context(), "a.example"); KindOf(err) != Loop || asked.Load() > maxAliases+1 {
		t.Errorf("%v after %d questions", err, asked.Load())
	}
}

// pipes lets a resolver talk to a handler without a network.
func pipes(h dns.HandlerFunc) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			c := &dns.Conn{Conn: server}
			q, err := c.ReadMsg()
			if err != nil {
				return
			}
			h(pipeWriter{c}, q)
		}()
		return client, nil
	}
}

type pipeWriter struct{ *dns.Conn }

func (w pipeWriter) WriteMsg(m *dns.Msg) error { return w.Conn.WriteMsg(m) }
func (w pipeWriter) TsigStatus() error         { return nil }
func (w pipeWriter) TsigTimersOnly(bool)       {}
func (w pipeWriter) Hijack()                   {}
func (w pipeWriter) Network() string           { return "tcp" }

func TestTheCacheHonorsTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		inner := zone("a.example. 60 IN MX 1 b.example.", "null.example. 60 IN A 192.0.2.1")
		r := resolver(t, Config{Servers: []string{"192.0.2.53"}, Dial: pipes(func(w dns.ResponseWriter, q *dns.Msg) {
			asked.Add(1)
			inner(w, q)
		})})
		ask := func(name string, want int32) {
			t.Helper()
			_, secure, _ := r.MX(t.Context(), name)
			if got := asked.Load(); got != want {
				t.Errorf("%s: %d questions so far, want %d", name, got, want)
			}
			if secure {
				t.Error("the AD bit of a far resolver was believed")
			}
		}
		ask("a.example", 1)
		ask("gone.example", 2)
		time.Sleep(29 * time.Second)
		ask("a.example", 2)
		ask("gone.example", 2)
		time.Sleep(2 * time.Second)
		ask("gone.example", 3) // the SOA says 30 seconds
		time.Sleep(30 * time.Second)
		ask("a.example", 4)
	})
}

func TestASilentServerIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := resolver(t, Config{Servers: []string{"192.0.2.53", "192.0.2.54"}, Dial: pipes(func(dns.ResponseWriter, *dns.Msg) {
			time.Sleep(time.Hour)
		})})
		began := time.Now()
		_, _, err := r.MX(t.Context(), "a.example")
		if KindOf(err) != Timeout {
			t.Error(err)
		}
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("took %s, want two rounds over two servers of 3s", took)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestTheCacheIsBounded(t *testing.T) {
	c := newCache(3)
	now := time.Unix(0, 0)
	for i := range 10 {
		c.put(question{fmt.Sprint(i), 1}, answer{ttl: time.Minute}, now)
		c.get(question{"0", 1}, now)
	}
	if len(c.entries) != 3 || c.recent.Len() != 3 {
		t.Errorf("%d entries", len(c.entries))
	}
	if _, ok := c.get(question{"0", 1}, now); !ok {
		t.Error("the entry that was used most is gone")
	}
	if _, ok := c.get(question{"0", 1}, now.Add(time.Minute)); ok {
		t.Error("an entry outlived its TTL")
	}
}

func TestStatic(t *testing.T) {
	s := Static{
		"a.example":    {MX: []net.MX{{Host: "y.", Pref: 2}, {Host: "X.", Pref: 1}}, Addresses: []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}, Secure: true},
		"null.example": {MX: []net.MX{{Host: "."}}},
		"bad.example":  {Fail: ServerFailure},
		"192.0.2.1":    {PTR: []string{"h.example"}},
	}
	ctx := t.Context()
	if got, secure, err := s.MX(ctx, "A.example."); err != nil || !secure || got[0].Host != "x" {
		t.Error(got, secure, err)
	}
	if got, _, err := s.Hosts(ctx, "a.example"); err != nil || fmt.Sprint(got) != "[127.0.0.1 ::1]" {
		t.Error(got, err)
	}
	if got, _, err := s.PTR(ctx, netip.MustParseAddr("192.0.2.1")); err != nil || got[0] != "h.example" {
		t.Error(got, err)
	}
	for name, want := range map[string]Kind{"null.example": NullMX, "bad.example": ServerFailure, "gone.example": NoDomain} {
		if _, _, err := s.MX(ctx, name); KindOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, _, err := s.TXT(ctx, "a.example"); KindOf(err) != NoData {
		t.Error(err)
	}
}

func TestConfigTellsEveryMistake(t *testing.T) {
	err := Config{Servers: []string{"ns.example", "192.0.2.1", "[::1]:53", "::1", "x"}, Timeout: -1, Rounds: -1}.Check()
	if n := len(err.(interface{ Unwrap() []error }).Unwrap()); n != 4 {
		t.Errorf("%d mistakes in %v", n, err)
	}
}

// The dns library parses the message; what is ours is to read it without
// crashing or going round for ever.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a.example. 60 IN CNAME a.example.", "a.example. 60 IN MX 1 b.example."} {
		rr, _ := dns.NewRR(s)
		m := &dns.Msg{Answer: []dns.RR{rr}}
		m.SetQuestion("a.example.", dns.TypeMX)
		b, _ := m.Pack()
		f.Add(b, `v=spf1 \"x\" \200`)
	}
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		var m dns.Msg
		if m.Unpack(b) == nil {
			s := read(&m, "a.example.", dns.TypeMX)
			if s.aliases > maxAliases+1 || s.ttl > maxTTL || len(s.records) == 0 && s.kind == "" {
				t.Errorf("%+v", s)
			}
		}
		if len(unescape(text)) > len(text) {
			t.Error("unescape made it longer")
		}
		canonical(text)
	})
}
