package gateway

import (
	"context"
	"fmt"
	"testing"

	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/tenant"
)

// BenchmarkFactsOfPeople is what a directory and a history add to the facts of
// a message to one recipient, from somebody in twenty groups.
func BenchmarkFactsOfPeople(b *testing.B) {
	lines := []string{`{"kind":"user","address":"ann@contoso.example","name":"Ann"}`}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf(`{"kind":"group","address":"some-group-%d@contoso.example","members":["ann@contoso.example"]}`, i))
	}
	d := directoryOf(b, lines...)
	past, err := contact.Open(context.Background(), storetest.SQLite(b), []byte("key"))
	if err != nil {
		b.Fatal(err)
	}
	set := policiesAsking(b, "some-group-7@contoso.example")
	body := mail.Bytes("From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\nSubject: hello\r\n\r\nx")
	for _, x := range []struct {
		name string
		s    subject
	}{{"nothing", subject{}}, {"directory", subject{who: d}}, {"history", subject{past: past}}, {"both", subject{who: d, past: past}}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			s := x.s
			s.tenant = &tenant.Tenant{ID: "contoso", Domains: []string{"contoso.example"}, Policies: set}
			s.dir, s.header, s.body = mail.Out, mail.ParseHeader(body), body
			s.envelope = mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{{Address: "bob@fabrikam.example"}}}
			j := judgment{message: mail.Parse(body, mail.Limits{})}
			size := 0
			for b.Loop() {
				f := factsOf(s, j, morning)
				s.correspondence(j.class)
				size = len(kept(f).Data)
			}
			b.ReportMetric(float64(size), "octets-kept")
		})
	}
}
