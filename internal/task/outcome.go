package task

import (
	"encoding/json"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Outcome is what an attempt came to for one recipient: Done, Later, Failed
// or Stuck, and nothing else. Whether a failure is temporary is decided at
// the door that saw it.
type Outcome interface{ outcome() }

// Done: the next hop took it.
type Done struct {
	Reply mail.Reply `json:"reply"`
	Host  string     `json:"host,omitempty"`
}

// Trouble is what an outcome says about the next hop itself, so that other
// tasks need not find it out one by one.
type Trouble string

// The troubles.
const (
	// Down: it could not be used at all.
	Down Trouble = "down"
	// Slow: it asked us to slow down.
	Slow Trouble = "slow"
)

// Later: it may go another time.
type Later struct {
	// When is when to try again; zero leaves it to the schedule.
	When    time.Time  `json:"when,omitzero"`
	Why     string     `json:"why,omitempty"`
	Reply   mail.Reply `json:"reply"`
	Host    string     `json:"host,omitempty"`
	Trouble Trouble    `json:"trouble,omitempty"`
	// PutOff is set when nothing was attempted: the next hop is in trouble
	// as an attempt for another task has found.
	PutOff bool `json:"put_off,omitempty"`
}

// Failed: it will never go; the sender must be told.
type Failed struct {
	Reply mail.Reply `json:"reply"`
	Why   string     `json:"why,omitempty"`
	Host  string     `json:"host,omitempty"`
}

// Stuck: a person must change something, here or at the other side. The
// task is kept and tried slowly, never given up.
type Stuck struct {
	Problem problem.Code `json:"problem"`
	Reply   mail.Reply   `json:"reply"`
	Host    string       `json:"host,omitempty"`
	Trouble Trouble      `json:"trouble,omitempty"`
	PutOff  bool         `json:"put_off,omitempty"` // as in Later
}

func (Done) outcome()   {}
func (Later) outcome()  {}
func (Failed) outcome() {}
func (Stuck) outcome()  {}

// Expired is the Why of a Failed that was Later until the time was up.
const Expired = "expired"

// Final reports whether o ends the work for its recipient.
func Final(o Outcome) bool {
	switch o.(type) {
	case Done, Failed:
		return true
	}
	return false
}

// Result is the outcome of one recipient.
type Result struct {
	Recipient mail.Address
	Outcome   Outcome
}

type resultJSON struct {
	Recipient mail.Address    `json:"recipient"`
	Kind      string          `json:"outcome"`
	Value     json.RawMessage `json:"value"`
}

// MarshalJSON writes {"recipient": …, "outcome": "done", "value": {…}}.
func (r Result) MarshalJSON() ([]byte, error) {
	value, err := json.Marshal(r.Outcome)
	if err != nil {
		return nil, err
	}
	kind, err := nameOf(r.Outcome)
	if err != nil {
		return nil, err
	}
	return json.Marshal(resultJSON{r.Recipient, kind, value})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Result) UnmarshalJSON(data []byte) error {
	var j resultJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	r.Recipient = j.Recipient
	var err error
	switch j.Kind {
	case "done":
		r.Outcome, err = read[Done](j.Value)
	case "later":
		r.Outcome, err = read[Later](j.Value)
	case "failed":
		r.Outcome, err = read[Failed](j.Value)
	case "stuck":
		r.Outcome, err = read[Stuck](j.Value)
	default:
		err = fmt.Errorf("task: no outcome is called %q", j.Kind)
	}
	return err
}

func read[T Outcome](data []byte) (Outcome, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

func nameOf(o Outcome) (string, error) {
	switch o.(type) {
	case Done:
		return "done", nil
	case Later:
		return "later", nil
	case Failed:
		return "failed", nil
	case Stuck:
		return "stuck", nil
	}
	return "", fmt.Errorf("task: %T is not an outcome", o)
}

// about gives reply, host and reason of any outcome.
func about(o Outcome) (reply mail.Reply, host, why string) {
	switch o := o.(type) {
	case Done:
		return o.Reply, o.Host, ""
	case Later:
		return o.Reply, o.Host, o.Why
	case Failed:
		return o.Reply, o.Host, o.Why
	case Stuck:
		return o.Reply, o.Host, string(o.Problem)
	}
	return mail.Reply{}, "", ""
}

// troubleOf is what an outcome says about the next hop.
func troubleOf(o Outcome) Trouble {
	switch o := o.(type) {
	case Later:
		return o.Trouble
	case Stuck:
		return o.Trouble
	}
	return ""
}

// PutOff reports whether nothing was attempted for any of the results, and
// all of them wait.
func PutOff(results []Result) bool {
	for _, r := range results {
		switch o := r.Outcome.(type) {
		case Later:
			if o.PutOff {
				continue
			}
		case Stuck:
			if o.PutOff {
				continue
			}
		}
		return false
	}
	return true
}
