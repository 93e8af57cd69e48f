package look_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
)

// computed is the time that this process has computed: what others do on the
// machine does not count.
func computed(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecidingBesideLooking looks at a message of 75 KiB and decides
// about it by 100 policies that all match, each with another part that CEL must
// work out, in turns, and prints what deciding costs in percent of looking.
func BenchmarkDecidingBesideLooking(b *testing.B) {
	l := look.New(look.Config{InProcess: true})
	defer l.Close()
	prose := strings.Repeat("The quarterly report for Northwind was read on Tuesday; call 020 555 0100 about order 88213.\r\n", 800)
	m := parse("From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\nSubject: report\r\n\r\ncards 4111 1111 1111 1111, " +
		"5555 5555 5555 4444, 4012 8888 8888 1881\r\n" + prose)
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "kind: policy\nid: r-%d\nmode: enforce\nwhen: direction == \"outbound\" && findings.credit_card.high >= %d "+
			"&& !recipient.in(\"partners\") && size < 100000 + %d\nthen: { hold: { approver: manager } }\n---\n", i, i%3, i)
	}
	s, err := policy.Load([]policy.File{{Name: "p", Data: []byte(text.String() + "kind: list\nid: partners\nmembers: [nobody.example]\n")}},
		policy.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 3} {
		b.Run(fmt.Sprintf("%d-recipients", n), func(b *testing.B) {
			f := policy.Facts{Direction: policy.Outbound, Sender: policy.Party{Address: "ann@contoso.example", Inside: true}, Now: time.Now()}
			for i := range n {
				f.Recipients = append(f.Recipients, policy.Party{Address: "bob@fabrikam.example", Role: policy.To})
				f.Recipients[i].Inside = i == 2
			}
			var looking, deciding time.Duration
			for b.Loop() {
				at := computed(b)
				r := l.Look(context.Background(), m, look.Options{})
				looking += computed(b) - at
				f.Findings = nil
				for _, x := range r.Findings {
					if x.Type == "CREDIT_CARD" && x.Confidence == detect.High {
						f.Findings = append(f.Findings, policy.Finding{Type: x.Type, Part: x.Part, Count: x.Count, Confidence: "high"})
					}
				}
				at = computed(b)
				v := policy.Decide(s, f, nil)
				deciding += computed(b) - at
				if v.Recipients[0].Action != policy.HoldFor || len(v.Recipients[0].Lost) != 99 {
					b.Fatalf("%+v", v.Recipients[0].Action)
				}
			}
			b.ReportMetric(float64(looking.Microseconds())/float64(b.N), "look-cpu-µs")
			b.ReportMetric(float64(deciding.Microseconds())/float64(b.N), "decide-cpu-µs")
			b.ReportMetric(100*float64(deciding)/float64(looking), "%of-looking")
		})
	}
}
