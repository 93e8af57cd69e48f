package spool

import "testing"

func TestNext(t *testing.T) {
	tests := []struct {
		name string
		in   State
		on   Event
		want State
		err  string
	}{
		{"a clean message goes on", Accepted, Pass, Sending, ""},
		{"a message for a manager waits", Accepted, Hold, Held, ""},
		{"a refused message has a report to send", Accepted, Refuse, Sending, ""},
		{"an approved message goes on", Held, Release, Sending, ""},
		{"a rejected message has a report to send", Held, Refuse, Sending, ""},
		{"silence is an answer after the deadline", Held, Expire, Sending, ""},
		{"a message with nothing left to do is done", Sending, Settle, Done, ""},
		{"a finished message cannot be released again", Done, Release, Done, "spool: done cannot release"},
		{"a message that is sent cannot be held", Sending, Hold, Sending, "spool: sending cannot hold"},
		{"a held message cannot be forgotten", Held, Settle, Held, "spool: held cannot settle"},
		{"an undecided message cannot expire", Accepted, Expire, Accepted, "spool: accepted cannot expire"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Next(tt.in, tt.on)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestStatesNeverJumpBackwards(t *testing.T) {
	order := map[State]int{Accepted: 0, Held: 1, Sending: 2, Done: 3}
	for _, m := range Transitions() {
		if order[m.To] <= order[m.From] || m.Why == "" {
			t.Errorf("%+v", m)
		}
	}
}
