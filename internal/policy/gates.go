package policy

import (
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
)

// Gate says whether a message passes although something was not seen.
type Gate string

// The gates. A closed gate defers for a cause that passes by itself and holds
// for one that lasts.
const (
	Open   Gate = "open"
	Closed Gate = "closed"
)

// Gates is the "on:" section of a tenant. A cause that is not in it has its
// default.
type Gates map[mail.Cause]Gate

// DefaultGates returns the documented default of every cause. Too deep and
// too many parts are closed, as honest mail does not look like that;
// unsupported is open, as unknown file formats are everyday life.
func DefaultGates() Gates {
	g := Gates{}
	for _, c := range mail.Causes() {
		g[c], _ = defaultGate(c)
	}
	return g
}

func defaultGate(c mail.Cause) (gate Gate, known bool) {
	switch c {
	case mail.OutOfTime, mail.Encrypted, mail.TooLarge, mail.Malformed, mail.Unsupported:
		return Open, true
	case mail.EngineDown, mail.EngineFailed, mail.TooDeep, mail.TooManyParts, mail.Ambiguous:
		return Closed, true
	}
	return Closed, false
}

// Of returns the gate of a cause. A cause that nobody knows is closed.
func (g Gates) Of(c mail.Cause) Gate {
	if v, ok := g[c]; ok {
		return v
	}
	v, _ := defaultGate(c)
	return v
}

// ParseGate checks one line of an "on:" section; the error names the nearest
// known word.
func ParseGate(cause, gate string) (mail.Cause, Gate, error) {
	names := make([]string, 0, len(mail.Causes()))
	for _, c := range mail.Causes() {
		if string(c) == cause {
			switch Gate(gate) {
			case Open, Closed:
				return c, Gate(gate), nil
			}
			return "", "", fmt.Errorf("policy: %q is neither open nor closed", gate)
		}
		names = append(names, string(c))
	}
	return "", "", fmt.Errorf("policy: %q is not a cause%s", cause, didYouMean(cause, names))
}

// A message whose passing cause does not pass is held after so many deferrals
// or so much time, whichever is first.
const (
	maxDeferrals = 3
	maxDeferring = 30 * time.Minute
)

// closed sorts the causes of a message whose gate is closed.
func (g Gates) closed(unseen []mail.Unseen) (passing, lasting []mail.Cause) {
	if len(unseen) == 0 {
		return nil, nil
	}
	for _, c := range mail.Causes() {
		for _, u := range unseen {
			if u.Reason != c || g.Of(c) != Closed {
				continue
			}
			if c.Passing() {
				passing = append(passing, c)
			} else {
				lasting = append(lasting, c)
			}
			break
		}
	}
	for _, u := range unseen {
		if _, known := defaultGate(u.Reason); !known && g.Of(u.Reason) == Closed {
			lasting = append(lasting, u.Reason)
		}
	}
	return passing, lasting
}
