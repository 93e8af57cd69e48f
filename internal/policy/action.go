package policy

import "slices"

// Action is what happens to a message for one recipient.
type Action string

// The actions, weakest first. The list is closed: it is part of the contract.
const (
	Deliver   Action = "deliver"
	LogOnly   Action = "log"
	SetHeader Action = "header"
	Notify    Action = "notify"
	Copy      Action = "copy"
	Redirect  Action = "redirect"
	Secure    Action = "secure"
	Override  Action = "override"
	HoldFor   Action = "hold"
	Block     Action = "block"
)

// Actions lists every action, weakest first.
func Actions() []Action {
	return []Action{Deliver, LogOnly, SetHeader, Notify, Copy, Redirect, Secure, Override, HoldFor, Block}
}

// Strength orders the actions: 0 for deliver; -1 for what is not an action.
func (a Action) Strength() int {
	switch a {
	case Deliver:
		return 0
	case LogOnly:
		return 1
	case SetHeader:
		return 2
	case Notify:
		return 3
	case Copy:
		return 4
	case Redirect:
		return 5
	case Secure:
		return 6
	case Override:
		return 7
	case HoldFor:
		return 8
	case Block:
		return 9
	}
	return -1
}

// rank orders what matching rules want for one recipient. It is the strength,
// but for a delay: that is a hold that ends by itself, so that everything that
// stops, secures or diverts the message decides instead.
func (c candidate) rank() int {
	if c.waits() {
		return 2*Copy.Strength() + 1
	}
	return 2 * c.action.Strength()
}

// waits reports whether a candidate is a delay in force.
func (c candidate) waits() bool { return c.action == HoldFor && c.step.Terms.Delay }

// word is how a candidate is called.
func (c candidate) word() string {
	if c.waits() {
		return "delay"
	}
	return string(c.action)
}

// Protects reports whether a message that wrongly escapes this action gets
// somewhere, or carries less, than the policy says. Rules that protect and
// cannot be evaluated close the gate engine-failed.
func (a Action) Protects() bool { return a == SetHeader || a.Strength() >= Redirect.Strength() }

// additive actions are done for every rule that matched, whichever wins.
func (a Action) additive() bool {
	switch a {
	case Deliver, LogOnly, SetHeader, Notify, Copy:
		return true
	}
	return false
}

// Mode is how far a policy is in force.
type Mode string

// The modes. A policy usually moves through them from left to right.
const (
	// ModeOff does not evaluate the policy.
	ModeOff Mode = "off"
	// ModeLog records what would have been done and delivers.
	ModeLog Mode = "log"
	// ModeNotify delivers and tells the sender.
	ModeNotify Mode = "notify"
	// ModeOverride holds, instead of hold and block, until the sender chose.
	ModeOverride Mode = "override"
	// ModeEnforce does what the policy says.
	ModeEnforce Mode = "enforce"
)

// Modes lists every mode.
func Modes() []Mode { return []Mode{ModeOff, ModeLog, ModeNotify, ModeOverride, ModeEnforce} }

// Effective is what action a does in mode m: log never does more than log;
// notify does nothing but notify, for everything stronger than log; override
// turns hold and block into override and leaves the others.
func (m Mode) Effective(a Action) Action {
	switch m {
	case ModeLog:
		return weaker(a, LogOnly)
	case ModeNotify:
		if a.Strength() > LogOnly.Strength() {
			return Notify
		}
		return a
	case ModeOverride:
		return weaker(a, Override)
	case ModeEnforce:
		return a
	}
	return Deliver
}

func weaker(a, b Action) Action {
	if a.Strength() < b.Strength() {
		return a
	}
	return b
}

func strongest(list []Action) Action {
	if len(list) == 0 {
		return Deliver
	}
	return slices.MaxFunc(list, func(a, b Action) int { return a.Strength() - b.Strength() })
}
