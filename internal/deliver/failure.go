package deliver

import (
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Failure says why there is no transaction. It holds for all recipients.
type Failure struct {
	// Reply is what the next hop said, or what we say in its place; the zero
	// Reply when no host could be reached.
	Reply mail.Reply
	// Host is the host that was tried last.
	Host string
	// Why is a sentence for the operator.
	Why string
	// Stuck is set when the cause is a setting, here or at the other side:
	// the message waits for a person and is not returned to its sender.
	Stuck problem.Code

	outcome  Outcome
	unusable bool // what Unusable says
	final    bool // another host would say the same
	stale    bool // the connection was an old one, and nothing was said yet
}

// Error implements error.
func (f *Failure) Error() string {
	s := "deliver: " + f.Why
	if !f.Reply.None() {
		s += " (" + f.Reply.String() + ")"
	}
	return s
}

// Outcome says what the failure means for the recipients: Later, Failed or
// Stuck.
func (f *Failure) Outcome() Outcome {
	if f.Stuck != "" {
		return Outcome{Kind: Stuck, Problem: f.Stuck}
	}
	if f.outcome.Kind == Done { // not judged: nothing was answered
		return Classify(f.Reply, PhaseGreeting)
	}
	return f.outcome
}

// Unusable reports whether the next hop as a whole could not be used, whatever
// the message: others would fare alike.
func (f *Failure) Unusable() bool { return f.unusable }

// worse picks which of two hosts' failures is told. A wrong setting is told
// before a host that is down, because waiting does not mend it.
func worse(a, b *Failure) *Failure {
	switch {
	case a == nil, b.final:
		return b
	case a.Stuck != "" && b.Stuck == "":
		return a
	case a.Stuck == "" && a.Reply.Code != 0 && b.Stuck == "" && b.Reply.None():
		return a
	}
	return b
}

// said is the failure of a phase in which the host answered.
func said(host string, p Phase, r mail.Reply) *Failure {
	o := Classify(r, p)
	f := &Failure{Reply: r, Host: host, Why: host + " answered to " + p.String(), outcome: o}
	if o.Kind == Stuck {
		f.Stuck = o.Problem
	}
	// What the host says to a sender, another host of the domain says too.
	f.final = p == PhaseMail || p == PhaseRcpt
	return f
}

// broke is the failure of a connection.
func broke(host, what string, err error) *Failure {
	return &Failure{Host: host, Why: what + " " + host + ": " + err.Error(), outcome: Outcome{Kind: Later}}
}

// stuck is a failure that a person must mend.
func stuck(host string, code problem.Code, why string) *Failure {
	return &Failure{Host: host, Why: why, Stuck: code, outcome: Outcome{Kind: Stuck, Problem: code}}
}

// refused is our own refusal of a message that the next hop cannot take.
func refused(host string, r mail.Reply) *Failure {
	return &Failure{Host: host, Reply: r, Why: r.Text, outcome: Outcome{Kind: Failed}, final: true}
}

// check refuses an envelope that would break the line it is written on.
func check(e mail.Envelope) *Failure {
	for _, a := range append(e.Addresses(), e.From) {
		if strings.ContainsFunc(string(a), func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return refused("", replyBadAddress())
		}
	}
	if len(e.To) == 0 {
		return refused("", replyNoRecipients())
	}
	return nil
}
