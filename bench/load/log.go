package load

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Sent is a line of the source's log: one attempt with one message.
type Sent struct {
	// ID is the Message-ID field, with its angle brackets.
	ID string `json:"id"`
	// N is the number in the X-Load field.
	N int `json:"n"`
	// Sum is the SHA-256 of the content from the X-Load field on, in hex.
	Sum  string   `json:"sum"`
	From string   `json:"from"`
	To   []string `json:"to"`
	// Refused are the recipients among To whose RCPT was not answered 2xx.
	Refused []Refusal `json:"refused,omitempty"`
	// Reply is the last answer that came in Phase; "" when none did.
	Reply string `json:"reply"`
	// Phase is how far the attempt came.
	Phase Phase `json:"phase"`
	// Try counts the attempts with this message, from 1.
	Try int `json:"try"`
	// Violates says that the message carries the card numbers.
	Violates bool      `json:"violates,omitempty"`
	At       time.Time `json:"at"`
}

// Refusal is a recipient and the answer to its RCPT.
type Refusal struct {
	To    string `json:"to"`
	Reply string `json:"reply"`
}

// Phase is a part of a transaction.
type Phase string

// The phases. In PhaseData the end of the content was not sent; in PhaseDot
// it was.
const (
	PhaseConnect Phase = "connect"
	PhaseMail    Phase = "mail"
	PhaseRcpt    Phase = "rcpt"
	PhaseData    Phase = "data"
	PhaseDot     Phase = "dot"
)

// Taken reports whether the peer took responsibility.
func (s Sent) Taken() bool { return s.Phase == PhaseDot && len(s.Reply) > 0 && s.Reply[0] == '2' }

// Unknown reports whether the peer had everything and did not answer.
func (s Sent) Unknown() bool { return s.Phase == PhaseDot && s.Reply == "" }

// Accepted are the recipients that were not refused at RCPT.
func (s Sent) Accepted() []string {
	var list []string
next:
	for _, a := range s.To {
		for _, r := range s.Refused {
			if r.To == a {
				continue next
			}
		}
		list = append(list, a)
	}
	return list
}

// Got is a line of the sink's log: one transaction that reached its content.
type Got struct {
	ID string `json:"id"`
	// N is the number in the X-Load field; 0 when there is none.
	N int `json:"n,omitempty"`
	// Sum is the SHA-256 of the content from the X-Load field on, or of all
	// when there is none; "" when the content did not end.
	Sum  string   `json:"sum"`
	Size int64    `json:"size"`
	From string   `json:"from"`
	To   []string `json:"to"`
	// Refused are the recipients that the sink refused.
	Refused []Refusal `json:"refused,omitempty"`
	// Reply is what was answered to the end; "" when nothing could be.
	Reply string `json:"reply"`
	// Broke says that the connection broke before or while that answer was
	// given.
	Broke bool `json:"broke,omitempty"`
	// Mark is the first value of the header field that the sink counts.
	Mark string `json:"mark,omitempty"`
	// About is set when the content has no X-Load field in its header: what
	// a report or notice says about a message of the source.
	About *About    `json:"about,omitempty"`
	At    time.Time `json:"at"`
}

// About is what a mail says about another one.
type About struct {
	// ID is the Message-ID of the other one.
	ID string `json:"id,omitempty"`
	// To are the Final-Recipient fields of a report.
	To []string `json:"to,omitempty"`
	// Action is the first Action field of a report.
	Action string `json:"action,omitempty"`
}

// Whole reports whether the sink took the content to its end.
func (g Got) Whole() bool { return g.Sum != "" }

// Taken reports whether the sink said so.
func (g Got) Taken() bool { return g.Whole() && !g.Broke && len(g.Reply) > 0 && g.Reply[0] == '2' }

// Log writes lines of JSON, each with one write, so that a killed process
// loses none. Several goroutines may use it; a nil one drops everything.
type Log struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewLog returns a log that writes to w.
func NewLog(w io.Writer) *Log { return &Log{w: w} }

// Put writes a line. The first error is kept for Err.
func (l *Log) Put(line any) {
	if l == nil {
		return
	}
	text, err := json.Marshal(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.w.Write(append(text, '\n'))
	}
	if l.err == nil {
		l.err = err
	}
}

// Err is the first error of the log.
func (l *Log) Err() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// ReadSent reads a log of a source.
func ReadSent(r io.Reader) ([]Sent, error) { return ReadLines[Sent](r) }

// ReadGot reads a log of a sink.
func ReadGot(r io.Reader) ([]Got, error) { return ReadLines[Got](r) }

// ReadLines reads JSON Lines. What comes before an error is given too: a log
// may end in the middle of a line.
func ReadLines[T any](r io.Reader) ([]T, error) {
	list := []T{}
	d := json.NewDecoder(r)
	for {
		var v T
		switch err := d.Decode(&v); err {
		case nil:
			list = append(list, v)
		case io.EOF:
			return list, nil
		default:
			return list, fmt.Errorf("load: line %d: %w", len(list)+1, err)
		}
	}
}
