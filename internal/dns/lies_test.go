package dns

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestNameServersThatFailDoNotStopMailToHostsThatAreKnown(t *testing.T) {
	for name, break1 := range map[string]func(w dns.ResponseWriter, q *dns.Msg){
		"they say nothing":     func(dns.ResponseWriter, *dns.Msg) { time.Sleep(time.Hour) },
		"they take 10s":        func(dns.ResponseWriter, *dns.Msg) { time.Sleep(10 * time.Second) },
		"they say SERVFAIL":    func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)) },
		"they say REFUSED":     func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused)) },
		"they answer nonsense": func(w dns.ResponseWriter, q *dns.Msg) { w.Write([]byte("nonsense")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				var asked atomic.Int32
				good := zone("a.example. 60 IN MX 1 b.example.", "key.example. 60 IN TXT p=abc")
				r := resolver(t, Config{Servers: []string{"127.0.0.53"}, Dial: pipes(func(w dns.ResponseWriter, q *dns.Msg) {
					asked.Add(1)
					if broken.Load() {
						break1(w, q)
						return
					}
					good(w, q)
				})})
				mx := func(name string) (string, bool, time.Duration) {
					began := time.Now()
					list, secure, err := r.MX(t.Context(), name)
					return fmt.Sprint(list, KindOf(err)), secure, time.Since(began)
				}
				if got, secure, _ := mx("a.example"); !strings.Contains(got, "b.example") || !secure {
					t.Fatal(got, secure)
				}
				mx("gone.example")
				if list, _, err := r.TXT(t.Context(), "key.example"); len(list) != 1 {
					t.Fatal(list, err)
				}
				broken.Store(true)
				time.Sleep(time.Hour)
				if got, secure, took := mx("a.example"); !strings.Contains(got, "b.example") || secure || took > 7*time.Second {
					t.Errorf("after an hour without DNS: %s, secure %v, after %v", got, secure, took)
				}
				if list, _, err := r.TXT(t.Context(), "key.example"); err == nil {
					t.Errorf("a key that may have been revoked is still %q", list)
				}
				before := asked.Load()
				if got, secure, took := mx("a.example"); !strings.Contains(got, "b.example") || secure || took > 0 || asked.Load() != before {
					t.Errorf("once more: %s, secure %v, after %v", got, secure, took)
				}
				if got, _, _ := mx("gone.example"); !strings.Contains(got, string(ServerFailure)) && !strings.Contains(got, string(Timeout)) {
					t.Errorf("that a name is not there is not kept: %s", got)
				}
				time.Sleep(24 * time.Hour)
				if got, _, _ := mx("a.example"); strings.Contains(got, "b.example") {
					t.Errorf("after a day: %s", got)
				}
				broken.Store(false)
				if got, secure, _ := mx("a.example"); !strings.Contains(got, "b.example") || !secure {
					t.Errorf("when it is mended: %s, secure %v", got, secure)
				}
				time.Sleep(2 * time.Hour) // the servers that sleep
			})
		})
	}
}

// A wrong answer does harm for an hour at most, whatever it says of itself,
// and one that nothing is there for minutes.
func TestALieIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lies atomic.Bool
		lie := zone("a.example. 2147483647 IN MX 0 evil.example.", "zero.example. 0 IN MX 0 evil.example.")
		truth := zone("a.example. 60 IN MX 0 good.example.", "zero.example. 60 IN MX 0 good.example.", "gone.example. 60 IN MX 0 good.example.")
		r := resolver(t, Config{Servers: []string{"192.0.2.53"}, Dial: pipes(func(w dns.ResponseWriter, q *dns.Msg) {
			if lies.Load() {
				lie(w, q)
				return
			}
			truth(w, q)
		})})
		says := func(name, want string) {
			t.Helper()
			list, _, err := r.MX(t.Context(), name)
			if got := fmt.Sprint(list, err); !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		lies.Store(true)
		says("a.example", "evil")
		says("zero.example", "evil")
		says("gone.example", string(NoDomain))
		lies.Store(false)
		says("zero.example", "good") // an answer for no time is not kept
		time.Sleep(30 * time.Second)
		says("gone.example", "good")
		time.Sleep(time.Hour)
		says("a.example", "good")
	})
}

func TestAThousandExchangersAreCutToTheBest(t *testing.T) {
	records := make([]string, 1000)
	for i := range records {
		records[i] = fmt.Sprintf("many.example. 60 IN MX %d h%d.example.", 1000-i, i)
	}
	inner := zone(records...)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if w.RemoteAddr().Network() == "udp" {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			w.WriteMsg(m)
			return
		}
		inner(w, q)
	})
	r := resolver(t, Config{Servers: []string{server}})
	list, _, err := r.MX(t.Context(), "many.example")
	if err != nil || len(list) != maxRecords || list[0] != (net.MX{Host: "h999.example", Pref: 1}) || list[maxRecords-1].Pref != maxRecords {
		t.Errorf("%d exchangers, %v", len(list), err)
	}
}

// An answer to another question, or with another number, may come first: it is
// not believed.
func TestAnswersThatNobodyAskedForAreNotBelieved(t *testing.T) {
	forged := func(change func(m *dns.Msg)) dns.HandlerFunc {
		return func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN MX 0 evil.example.")
			m.Answer = append(m.Answer, rr)
			change(m)
			w.WriteMsg(m)
			zone("a.example. 60 IN MX 0 good.example.")(w, q)
		}
	}
	tests := []struct {
		name   string
		change func(m *dns.Msg)
		want   string
	}{
		{"with another number", func(m *dns.Msg) { m.Id++ }, "good.example"},
		{"to another question", func(m *dns.Msg) { m.Question[0].Name = "b.example." }, "another question"},
		{"to a question of another type", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }, "another question"},
		{"that is no answer", func(m *dns.Msg) { m.Response = false }, "another question"},
		{"about another name", func(m *dns.Msg) { m.Answer[0].Header().Name = "b.example." }, string(NoData)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(t, Config{Servers: []string{serve(t, forged(tt.change))}, Timeout: 2 * time.Second, Rounds: 1})
			list, _, err := r.MX(t.Context(), "a.example")
			if got := fmt.Sprint(list, err); !strings.Contains(got, tt.want) || strings.Contains(got, "evil") {
				t.Error(got)
			}
		})
	}
}
