package fakeexchange

import (
	"time"

	"postern.dev/postern/internal/mail"
)

// Side is the half of the service that a fault strikes.
type Side string

// The halves: the client that brings mail to a gateway, and the server that
// takes it back.
const (
	Outbound Side = "outbound"
	Inbound  Side = "inbound"
)

// Stage is the moment of an SMTP dialog at which a fault strikes.
type Stage string

// The stages. Dot is the end of data, by DATA or BDAT; Done is after the
// whole message.
const (
	AtConnect  Stage = "connect"
	AtHello    Stage = "hello"
	AtStartTLS Stage = "starttls"
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"
	AtDot      Stage = "dot"
)

// Fault is something that goes wrong once, or Times times, at a stage.
type Fault struct {
	Side  Side
	Stage Stage
	// To limits the fault to dialogs with this recipient; stages before RCPT
	// of the inbound half know none.
	To string
	// Times is how often it strikes; 0 means once, negative means always.
	Times int
	// Delay waits before going on.
	Delay time.Duration
	// Reply is given by the server, or taken by the client as if the peer had
	// said it.
	Reply mail.Reply
	// Drop breaks the connection. At AtData half of the content has been
	// sent; at AtDot the whole content has.
	Drop bool
	// After, with Drop at AtDot: the inbound half keeps the message and drops
	// the connection before its 250; the outbound half drops it without
	// reading the answer.
	After bool
	// PlainText: the outbound half does not use TLS although it is offered.
	PlainText bool
	// Stranger: the outbound half shows a certificate of another authority
	// with the name of an outsider.
	Stranger bool
	// Twice: the outbound half submits the message a second time after it
	// was taken.
	Twice bool
}

// Inject plants a fault.
func (x *Exchange) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = append(x.faults, &f)
}

// ClearFaults takes out all faults that have not struck.
func (x *Exchange) ClearFaults() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = nil
}

// strike returns the fault for this moment, if there is one, after its delay.
func (x *Exchange) strike(side Side, stage Stage, to ...string) *Fault {
	f := x.pick(side, stage, to)
	if f != nil && f.Delay > 0 {
		x.sleep(f.Delay)
	}
	return f
}

func (x *Exchange) pick(side Side, stage Stage, to []string) *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range x.faults {
		if f.Times == 0 || f.Side != side || f.Stage != stage || f.To != "" && !containsFold(to, f.To) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		c := *f
		return &c
	}
	return nil
}
