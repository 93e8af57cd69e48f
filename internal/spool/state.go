package spool

import "fmt"

// State is where a message in our custody stands. Only states that survive a
// restart exist.
type State string

// The states.
const (
	// Accepted: 250 was said, nothing is decided yet. A message is left in
	// it only when judging outlasted the client's patience or died.
	Accepted State = "accepted"
	// Held: at least one recipient waits for a person or a deadline.
	Held State = "held"
	// Sending: everything is decided; tasks are open.
	Sending State = "sending"
	// Done: every recipient has its outcome and every report is out.
	Done State = "done"
)

// Event is what makes a message change its state.
type Event string

// The events.
const (
	Pass    Event = "pass"
	Hold    Event = "hold"
	Refuse  Event = "refuse"
	Release Event = "release"
	Expire  Event = "expire"
	Settle  Event = "settle"
)

// A message in our custody goes accepted → sending → done; one that needs a
// person goes accepted → held → sending → done. It leaves held when the last
// of its waiting recipients is decided; its other recipients may have got it
// long before. States never jump backwards.
// (A message that was cut through was never ours and has no state.)
//
// moves is the whole state machine. A pair that is not here is a bug in the
// caller: Next reports it and the message stays where it is.
var moves = []struct {
	From State
	On   Event
	To   State
	Why  string
}{
	{Accepted, Pass, Sending, "return to Exchange, or secure delivery"},
	{Accepted, Hold, Held, "a manager must approve"},
	{Accepted, Refuse, Sending, "too late for a 550: a report goes to the sender"},
	{Held, Release, Sending, "the manager approved"},
	{Held, Refuse, Sending, "the manager rejected; the sender is told"},
	{Held, Expire, Sending, "no decision was made; what the policy says is done"},
	{Sending, Settle, Done, "nothing is left to do"},
}

// Next is the state that follows s on e.
func Next(s State, e Event) (State, error) {
	for _, m := range moves {
		if m.From == s && m.On == e {
			return m.To, nil
		}
	}
	return s, fmt.Errorf("spool: %s cannot %s", s, e)
}

// Transition is one permitted step, for the generated reference page.
type Transition struct {
	From State
	On   Event
	To   State
	Why  string
}

// Transitions lists the state machine in the order of the table.
func Transitions() []Transition {
	list := make([]Transition, len(moves))
	for i, m := range moves {
		list[i] = Transition(m)
	}
	return list
}
