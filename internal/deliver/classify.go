package deliver

import (
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Phase is the point of a session at which a reply came.
type Phase uint8

// The phases, in their order.
const (
	PhaseGreeting Phase = iota
	PhaseHello
	PhaseTLS
	PhaseAuth
	PhaseMail
	PhaseRcpt
	PhaseData // the answer to DATA itself
	PhaseEnd  // the answer to the end of the content
)

// String names the phase as the command that was answered.
func (p Phase) String() string {
	return [...]string{"the connection", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "the end of the message"}[p]
}

// Kind is what a reply means for a recipient.
type Kind uint8

// The kinds.
const (
	Done   Kind = iota // the next hop has it
	Later              // try again
	Failed             // it will never work: tell the sender
	Stuck              // a setting is wrong: keep it and call a person
)

// String is the kind in lower case.
func (k Kind) String() string { return [...]string{"done", "later", "failed", "stuck"}[k] }

// Outcome is a reply understood.
type Outcome struct {
	Kind Kind
	// Problem is set when an operator must know: always with Stuck, and
	// with some of the others.
	Problem problem.Code
	// Throttled says that the next hop asked us to slow down.
	Throttled bool
}

// known is a row of Microsoft's replies to mail that is returned to it. The
// rows stand in the order in which they are tried.
type known struct {
	code     int    // 0 for any of the class
	enhanced string // "4.7" for 4.7.from to 4.7.to
	from, to int
	text     string // what the text must hold
	outcome  Outcome
}

func slow(p problem.Code) Outcome { return Outcome{Kind: Later, Problem: p, Throttled: true} }
func hold(p problem.Code) Outcome { return Outcome{Kind: Stuck, Problem: p} }

var replies = [...]known{
	{enhanced: "5.7", from: 64, to: 64, outcome: hold(problem.RelayDenied)},
	{enhanced: "5.7", from: 51, to: 51, outcome: hold(problem.InboundRestricted)},
	{enhanced: "5.7", from: 68, to: 68, outcome: hold(problem.DirectSendRejected)},
	{enhanced: "5.7", from: 711, to: 711, outcome: hold(problem.ConnectorBlocked)},
	{enhanced: "5.7", from: 606, to: 649, outcome: hold(problem.AddressBanned)},
	{enhanced: "5.7", from: 700, to: 750, outcome: hold(problem.SendingBanned)},
	{enhanced: "5.4", from: 14, to: 14, outcome: hold(problem.LoopAtExchange)},
	// The same facts under another enhanced code, or none: the text is older
	// than the codes.
	{enhanced: "5", text: "Direct Send not allowed", outcome: hold(problem.DirectSendRejected)},
	{enhanced: "5", text: "TenantInboundAttribution", outcome: hold(problem.InboundRestricted)},
	{enhanced: "5", text: "TenantAttribution", outcome: hold(problem.RelayDenied)},
	{enhanced: "5", text: "Hop count exceeded", outcome: hold(problem.LoopAtExchange)},
	{enhanced: "5", text: "banned sending IP", outcome: hold(problem.AddressBanned)},
	{enhanced: "5.6", from: 11, to: 11, outcome: Outcome{Kind: Failed, Problem: problem.BareNewlineRefused}},
	{code: 530, enhanced: "5", outcome: hold(problem.AuthWanted)},
	{enhanced: "4.7", from: 500, to: 699, outcome: slow(problem.ConnectorNotMatching)},
	{enhanced: "4.7", from: 850, to: 899, outcome: slow(problem.SuspiciousAddress)},
	{enhanced: "4.3", from: 2, to: 2, outcome: slow("")},
	{enhanced: "4.5", from: 3, to: 3, outcome: slow("")},
	{code: 421, enhanced: "4", outcome: slow("")},
	{code: 432, enhanced: "4", outcome: slow("")},
}

// Classify says what a reply means. The same reply in the same phase always
// means the same; the zero Reply, when no answer came, means Later.
func Classify(r mail.Reply, p Phase) Outcome {
	switch {
	case r.None():
		return Outcome{Kind: Later}
	case r.Ok(), p == PhaseData && r.Code == 354, p == PhaseAuth && r.Code == 334:
		return Outcome{Kind: Done}
	case r.Code/100 == 3: // not an answer to what was said
		return Outcome{Kind: Later}
	}
	for _, k := range replies {
		if k.matches(r) {
			return k.outcome
		}
	}
	if r.Temporary() {
		return Outcome{Kind: Later}
	}
	// A permanent answer before MAIL is about us, not about the message.
	switch p {
	case PhaseGreeting, PhaseHello:
		return hold(problem.HostRefuses)
	case PhaseTLS:
		return hold(problem.TLSNotOffered)
	case PhaseAuth:
		return hold(problem.AuthRefused)
	case PhaseRcpt:
		// RFC 5321 §4.5.3.1.10: 552 for too many recipients is temporary.
		if r.Code == 552 && (r.Enhanced == "" || r.Enhanced == "5.5.3") {
			return slow("")
		}
	}
	return Outcome{Kind: Failed}
}

func (k known) matches(r mail.Reply) bool {
	if k.code != 0 && k.code != r.Code || strconv.Itoa(r.Code/100) != k.enhanced[:1] {
		return false
	}
	if k.text != "" {
		return strings.Contains(strings.ToLower(r.Text), strings.ToLower(k.text))
	}
	if k.from == 0 {
		return true
	}
	rest, ok := strings.CutPrefix(r.Enhanced, k.enhanced+".")
	n, err := strconv.Atoi(rest)
	return ok && err == nil && n >= k.from && n <= k.to
}
