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
