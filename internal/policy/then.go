package policy

import (
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"postern.dev/postern/internal/mail"
)

// Step is one thing that a policy does: an action with its parameters.
type Step struct {
	Action Action `json:"action"`
	// Text is the author's text for the person who is told.
	Text string `json:"text,omitempty"`
	// Headers, Edit and Handoff are those of header.
	Headers []Header `json:"headers,omitempty"`
	Edit    Edit     `json:"edit,omitzero"`
	Handoff Handoff  `json:"handoff,omitempty"`
	// To are the addresses of copy and redirect; Added are the recipients
	// that copy adds.
	To    []mail.Address `json:"to,omitempty"`
	Added []Added        `json:"added,omitempty"`
	// Keep is how long copy keeps an encrypted copy as evidence.
	Keep time.Duration `json:"keep,omitempty"`
	// Approvers are those who decide about a hold: "manager", "group:NAME" or
	// addresses; empty means the administrators.
	Approvers []string `json:"approvers,omitempty"`
	// For is how long a hold or override waits, and End what then happens.
	For time.Duration `json:"for,omitempty"`
	End End           `json:"then,omitempty"`
	// Terms are the further terms of a hold or override.
	Terms Terms `json:"terms,omitzero"`
	// Refuse is how a block is told; "" is how the tenant says.
	Refuse Refuse `json:"refuse,omitempty"`
	// Level and Otherwise are those of secure.
	Level     Level  `json:"level,omitempty"`
	Otherwise Action `json:"otherwise,omitempty"`
}

// Added is a recipient that a policy adds to a message.
type Added struct {
	Address mail.Address `json:"address"`
	// Visible writes the address into the Cc field of everybody's copy.
	Visible bool `json:"visible,omitempty"`
}

// Refuse is how the sender of a blocked message is told.
type Refuse string

// The ways to refuse.
const (
	// RefuseReport takes the message and sends a report of our own.
	RefuseReport Refuse = "report"
	// RefuseSession answers 550, so that the client writes the report. It is
	// possible only when nobody gets the message.
	RefuseSession Refuse = "session"
)

// Level is how securely a message must reach its recipient.
type Level string

// The levels, weakest first.
const (
	// LevelTLS is an encrypted connection to the recipient's server.
	LevelTLS Level = "tls"
	// LevelVerified is one whose server has proved its name: by DANE, MTA-STS
	// or its certificate.
	LevelVerified Level = "verified"
	// LevelPortal is a page of ours, read after a code.
	LevelPortal Level = "portal"
	// LevelTwoFactor is a page of ours, read after two factors (NTA 7516).
	LevelTwoFactor Level = "two-factor"
)

func levelWords() []string {
	return []string{string(LevelTLS), string(LevelVerified), string(LevelPortal), string(LevelTwoFactor)}
}

// then reads the "then" of a policy: the name of an action, or a mapping of
// actions to their parameters.
func (r *reader) then(n ast.Node) (steps []Step) {
	if name, ok := text(n); ok {
		if !r.knownAction(n, name) {
			return nil
		}
		return r.step(nil, n, Action(name))
	}
	if _, list := n.(*ast.SequenceNode); list {
		r.wrong(n, "several actions are keys of one mapping: then: { block: {}, notify: { text: … } }")
		return nil
	}
	m, ok := r.mapping(n, "then", actionNames()...)
	if !ok {
		return nil
	}
	for _, a := range Actions() {
		if at, there := m.at[string(a)]; there {
			steps = append(steps, r.step(m.keys[string(a)], at, a)...)
		}
	}
	if len(m.at) == 0 {
		r.wrong(n, "then names no action")
	}
	return steps
}

func (r *reader) knownAction(n ast.Node, name string) bool {
	if contains(actionNames(), name) {
		return true
	}
	r.wrong(n, "%q is not an action%s", name, didYouMean(name, actionNames()))
	return false
}

func actionNames() []string {
	var names []string
	for _, a := range Actions() {
		names = append(names, string(a))
	}
	return names
}

// step reads the parameters of one action. at is the place of its name.
func (r *reader) step(params, at ast.Node, a Action) []Step {
	s := Step{Action: a}
	if params == nil || params.Type() == ast.NullType {
		params = nil
	}
	switch a {
	case Deliver, LogOnly:
		if params != nil && !emptyMapping(params) {
			r.wrong(params, "%s has no parameters", a)
		}
	case SetHeader:
		r.headerStep(params, at, &s)
	case Notify:
		s.Text = r.parameters(params, a).text("text")
	case Block:
		m := r.parameters(params, a)
		s.Text = m.text("text")
		s.Refuse = Refuse(m.word("refuse", "a way to refuse", []string{string(RefuseReport), string(RefuseSession)}))
	case Copy:
		r.copyStep(params, at, &s)
	case Redirect:
		m := r.parameters(params, a)
		if s.To = r.addresses(m, "to", a); !m.has("to") {
			r.wrong(at, "%s needs the addresses to send to (%s: { to: [ann@example.com] })", a, a)
		}
	case Secure:
		r.secureStep(params, &s)
	case Override:
		r.overrideStep(params, &s)
	case HoldFor:
		r.holdStep(params, at, &s)
	}
	return []Step{s}
}

func emptyMapping(n ast.Node) bool {
	values, ok := pairs(n)
	return ok && len(values) == 0
}

// optional is a mapping that may be absent.
func (r *reader) optional(n ast.Node, what string, known ...string) mapping {
	if n == nil {
		return mapping{r: r, keys: map[string]ast.Node{}}
	}
	m, _ := r.mapping(n, what, known...)
	return m
}

// copyStep reads { to: […], bcc: […], cc: […] }.
func (r *reader) copyStep(n, at ast.Node, s *Step) {
	m := r.parameters(n, Copy)
	s.To = r.addresses(m, "to", Copy)
	for _, key := range []string{"bcc", "cc"} {
		for _, a := range r.addresses(m, key, Copy) {
			if slices.ContainsFunc(s.Added, func(o Added) bool { return o.Address.Fold() == a.Fold() }) {
				r.wrong(m.keys[key], "%s is added twice", a)
				continue
			}
			s.Added = append(s.Added, Added{Address: a, Visible: key == "cc"})
		}
	}
	if s.Keep = m.duration("keep", 0); s.Keep > maxKeep {
		r.wrong(m.keys["keep"], "a copy is kept for 10 years at most")
	}
	if !m.has("to") && !m.has("bcc") && !m.has("cc") && !m.has("keep") {
		r.wrong(at, "copy needs the addresses to send to (copy: { to: [ann@example.com] })")
	}
}

// maxKeep bounds how long evidence is kept.
const maxKeep = 3653 * 24 * time.Hour

// maxTargets is how many addresses a copy or redirect has.
const maxTargets = 10

func (r *reader) addresses(m mapping, key string, a Action) (list []mail.Address) {
	for _, p := range m.texts(key) {
		addr, err := mail.ParseAddress(p.text)
		switch {
		case err != nil:
			r.wrong(p.node, "%q is not an address", p.text)
		case key == "cc" && !addr.ASCII():
			r.wrong(p.node, "%q cannot stand in a Cc field: it is not in ASCII", p.text)
		default:
			list = append(list, addr)
		}
	}
	if len(list) > maxTargets {
		r.wrong(m.keys[key], "%s goes to 10 addresses at most", a)
	}
	return list
}

// secureStep reads { level: verified, otherwise: block }.
func (r *reader) secureStep(n ast.Node, s *Step) {
	m := r.parameters(n, Secure)
	s.Level = Level(m.word("level", "a level of secure delivery", levelWords()))
	if s.Level == "" {
		s.Level = LevelVerified
	}
	s.Otherwise = Action(m.word("otherwise", "an end of what cannot be sent securely", []string{string(HoldFor), string(Block)}))
	if s.Otherwise == "" {
		s.Otherwise = HoldFor
	}
	s.Text = m.text("text")
}
