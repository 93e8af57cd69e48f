package policy

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Hold says how a message waits.
type Hold struct {
	// Rule is the id of the rule that holds; "" when a gate does.
	Rule string `json:"rule,omitempty"`
	// Approvers decide: "manager", "group:NAME" or addresses; empty means the
	// administrators.
	Approvers []string `json:"approvers,omitempty"`
	// For is how long it waits, and Then what happens at the end.
	For  time.Duration `json:"for"`
	Then End           `json:"then"`
	// Terms are the others that the rule says.
	Terms
	// Override is set when the sender chooses.
	Override bool `json:"override,omitempty"`
	// Quiet is set for automatic mail: nobody is asked and the sender is not
	// told.
	Quiet bool `json:"quiet,omitempty"`
	// Causes are why a closed gate holds.
	Causes []mail.Cause `json:"causes,omitempty"`
}

// holdOf is the hold of a step. A block that became an override by its mode
// has no parameters of its own.
func holdOf(s Step) *Hold {
	h := &Hold{Approvers: slices.Clone(s.Approvers), For: s.For, Then: s.End, Terms: s.Terms}
	if h.For == 0 {
		h.For, h.Then = defaultHold, EndRefuse
	}
	return h
}

// Until is the moment at which a hold that begins now is over; zero when it
// has no end.
func (h *Hold) Until(now time.Time) time.Time {
	switch {
	case h.For <= 0:
		return time.Time{}
	case h.Working != nil:
		return h.Working.After(now, h.For)
	}
	return now.Add(h.For)
}

// waits reports whether a hold only waits, and stops nothing.
func (h *Hold) waits() bool { return h != nil && h.Delay }

// gates applies the gates of the tenant to a verdict. failed are the rules
// that could not be evaluated, by recipient.
func (d *decision) gates(v *Verdict, g Gates, failed map[int][]mail.Unseen) {
	passing, lasting := g.closed(v.Unseen)
	patient := d.facts.Deferrals < maxDeferrals && d.facts.Deferring < maxDeferring
	if d.moment.unknown["deferrals"] || d.moment.unknown["deferring"] {
		patient = false
	}
	// What is blocked for everybody cannot become stricter by looking again.
	decided := !slices.ContainsFunc(v.Recipients, func(r RecipientVerdict) bool { return r.Action != Block })
	if len(v.Recipients) == 0 {
		return
	}
	if len(passing) > 0 && patient && !decided {
		v.Defer, v.Code, v.Closed = true, problem.GateDefers, slices.Concat(passing, lasting)
	}
	for i := range v.Recipients {
		here := slices.Concat(d.facts.Unseen, failed[i])
		mine, lasting := g.closed(here)
		if patient {
			mine = nil // deferred instead
		}
		if causes := slices.Concat(mine, lasting); len(causes) > 0 && v.Recipients[i].Action != Block {
			v.Recipients[i].gate(causes)
			v.close(causes)
		}
		d.failedHeader(&v.Recipients[i], v)
	}
}

func (v *Verdict) close(causes []mail.Cause) {
	for _, c := range causes {
		if !slices.Contains(v.Closed, c) {
			v.Closed = append(v.Closed, c)
		}
	}
	if v.Code == "" {
		v.Code = problem.GateHolds
	}
}

// gate holds for a recipient whose verdict is weaker than block.
func (v *RecipientVerdict) gate(causes []mail.Cause) {
	words := make([]string, len(causes))
	for i, c := range causes {
		words[i] = causeWords(c)
	}
	why := strings.Join(words, " and ")
	if v.Action == HoldFor && !v.Hold.waits() {
		v.Hold.Causes = causes
		v.Hold.Then = EndRefuse // what nobody saw does not leave because nobody decided
		v.Because += "; besides, " + why
		return
	}
	v.overrule("a closed gate holds: "+why, why)
	v.Hold = &Hold{For: defaultHold, Then: EndRefuse, Causes: causes}
}

// overrule makes a hold that no rule asked for; the winners become losers.
func (v *RecipientVerdict) overrule(lost, because string) {
	for _, m := range v.Won {
		m.Why = lost
		v.Lost = append(v.Lost, m)
	}
	v.Action, v.Rules, v.Won = HoldFor, []string{}, nil
	v.Because, v.Text, v.Redirect, v.Level, v.Otherwise = because, "", nil, "", ""
	v.Hold = &Hold{For: defaultHold, Then: EndRefuse}
}

// failedHeader holds when a field that must not be there is there.
func (d *decision) failedHeader(v *RecipientVerdict, all *Verdict) {
	for _, h := range v.Headers {
		if h.Exists != Fail || v.Action.Strength() >= HoldFor.Strength() && !v.Hold.waits() {
			continue
		}
		values, looked := d.facts.values(h.Name)
		if !looked && d.guess != guessNothing {
			d.note("header " + h.Name)
			looked = d.guess == guessNo
		}
		if !looked || len(values) > 0 {
			because := "the header field " + h.Name + " is there already"
			if !looked {
				because = "whether the header field " + h.Name + " is there already is not known"
			}
			v.overrule("held: "+because, because)
			if all.Code == "" {
				all.Code = problem.HeaderExists
			}
			return
		}
	}
}

// finish brings a verdict into its final form.
func (v *RecipientVerdict) finish(f *Facts) {
	if v.Hold != nil {
		v.Hold.Override = v.Action == Override
		v.Hold.Quiet = f.Robotic()
	}
	if v.Action.Strength() >= Override.Strength() && !v.Hold.waits() {
		v.Notify = false // the hold or the refusal tells more
	}
	if v.AtMost.Strength() < v.Action.Strength() {
		v.AtMost = v.Action
	}
}

func causeWords(c mail.Cause) string {
	switch c {
	case mail.EngineDown:
		return "an engine did not answer"
	case mail.EngineFailed:
		return "an engine failed"
	case mail.OutOfTime:
		return "there was not enough time to look"
	case mail.Encrypted:
		return "a part is encrypted"
	case mail.TooLarge:
		return "a part is too large to look into"
	case mail.TooDeep:
		return "parts are nested too deeply"
	case mail.TooManyParts:
		return "there are too many parts"
	case mail.Malformed:
		return "a part is malformed"
	case mail.Ambiguous:
		return "the message can be read in two ways"
	case mail.Unsupported:
		return "a part has a format that is not supported"
	}
	return "a part was not seen (" + string(c) + ")"
}
