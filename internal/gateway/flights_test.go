package gateway

import (
	"fmt"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
)

// A tenant whose next hop is slow has many messages waiting for it. Another
// tenant's are begun all the same.
func TestATenantThatIsSlowLeavesRoomForAnother(t *testing.T) {
	f := newFlights()
	begin := func(tenant string, i int) (mail.Reply, bool) {
		trace := fmt.Sprint(tenant, i)
		return f.begin(spool.RepeatKey(tenant, nil, trace, [32]byte{}, ""), tenant, trace, 10)
	}
	refused := 0
	for i := range 50 {
		if r, mine := begin("slow", i); !mine {
			refused++
			if r.Code != 451 {
				t.Errorf("the client is told %v", r)
			}
		}
	}
	if refused != 40 {
		t.Errorf("%d of 50 messages were put off", refused)
	}
	for i := range 10 {
		if r, mine := begin("quick", i); !mine {
			t.Errorf("another tenant's message is put off: %v", r)
		}
	}
	f.answer("slow0", mail.NewReply(250, "2.6.0", "taken"), false)
	if _, mine := begin("slow", 100); !mine {
		t.Error("a place that is free again is not given")
	}
	f.end("slow1")
	if _, mine := begin("slow", 101); !mine {
		t.Error("the place of a message that was given up is not given")
	}
}

// An intent waits only for messages that are still on their way to a commit.
func TestFlightsCountWhoIsStillComing(t *testing.T) {
	f := newFlights()
	for i := range 4 {
		trace := fmt.Sprint(i)
		f.begin(spool.RepeatKey("contoso", nil, trace, [32]byte{}, ""), "contoso", trace, 0)
	}
	coming := func(trace string, want int) {
		t.Helper()
		if n := f.arrive(trace); n != want {
			t.Errorf("after %q: %d are still coming, not %d", trace, n, want)
		}
	}
	coming("0", 3)
	coming("0", 3)       // once is enough
	coming("unknown", 3) // it is not counted
	f.answer("1", mail.NewReply(550, "5.7.1", "refused"), false)
	coming("2", 1)
	f.answer("0", mail.NewReply(250, "2.6.0", "taken"), false)
	f.answer("2", mail.NewReply(250, "2.6.0", "taken"), false)
	f.confirm("0")
	coming("2", 1)
	f.end("3") // the connection broke
	coming("2", 0)
	if n := f.count(); n != 0 {
		t.Errorf("%d are under way", n)
	}
}
