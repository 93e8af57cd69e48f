package gateway

import (
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
)

func TestATaskForSomebodyWhomTheMessageIsNotForIsNotSent(t *testing.T) {
	row := spool.Message{Envelope: mail.Envelope{To: []mail.Recipient{{Address: "a@x.example"}, {Address: "b@x.example"}}}}
	tests := []struct {
		name string
		to   []mail.Address
		want bool
	}{
		{"one of them", []mail.Address{"b@x.example"}, true},
		{"all of them", []mail.Address{"a@x.example", "b@x.example"}, true},
		{"a bit turned in one", []mail.Address{"a@x.example", "c@x.example"}, false},
	}
	for _, test := range tests {
		var to []mail.Recipient
		for _, a := range test.to {
			to = append(to, mail.Recipient{Address: a})
		}
		if got := wasAccepted(row, to); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
