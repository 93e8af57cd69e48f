package policy

import (
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// settle chooses among the candidates and collects what adds up. The
// candidates are in the order of priority and id.
func (d *decision) settle(v *RecipientVerdict, all []candidate) {
	slices.SortStableFunc(all, func(a, b candidate) int {
		return b.rank() - a.rank()
	})
	told := map[*Rule]bool{} // of rules with several steps
	if len(all) > 8 {
		v.Lost = slices.Grow(v.Lost, len(all)-1)
	}
	var last [4]string // losers mostly lose for the same reason
	reason := ""
	why := func(words ...string) string {
		if now := [4]string(words); now != last {
			last, reason = now, strings.Join(words, "")
		}
		return reason
	}
	for i, c := range all {
		v.Would = stronger(v.Would, c.would)
		first := all[0]
		switch {
		case i == 0:
			v.Action = c.action
			v.Because = d.because(c.rule, v.Address)
			v.Text = c.step.Text
			v.win(c)
		case len(c.rule.Steps) > 1 && told[c.rule]:
			// A further step of a rule that is told already.
		case c.action == v.Action && c.action.additive():
			v.win(c)
		case c.action == v.Action:
			v.lose(c, why(quoted(first.rule.ID), " decides the ", string(v.Action), ": it comes first"))
		default:
			v.lose(c, why(c.word(), " is weaker than the ", first.word(), " of "+quoted(first.rule.ID)))
		}
		if len(c.rule.Steps) > 1 {
			told[c.rule] = true
		}
		d.addUp(v, c, i == 0)
	}
	if len(v.Lost) == 0 {
		v.Lost = nil
	}
}

func (v *RecipientVerdict) win(c candidate) {
	v.Rules = append(v.Rules, c.rule.ID)
	v.Won = append(v.Won, c.match(""))
}

// lose records the strongest losing step of a rule.
func (v *RecipientVerdict) lose(c candidate, why string) { v.Lost = append(v.Lost, c.match(why)) }

// addUp does what a step does besides deciding.
func (d *decision) addUp(v *RecipientVerdict, c candidate, decides bool) {
	switch c.action {
	case SetHeader:
		for _, h := range c.step.Headers {
			v.header(h)
		}
		v.Edit.add(c.step.Edit)
		v.handOff(c.step.Handoff)
	case Notify:
		v.Notify = !d.facts.Robotic()
	case Copy:
		for _, a := range c.step.To {
			if !slices.ContainsFunc(v.Copy, func(b mail.Address) bool { return a.Fold() == b.Fold() }) {
				v.Copy = append(v.Copy, a)
			}
		}
		v.add(c.step.Added)
		if v.Keep = max(v.Keep, c.step.Keep); c.step.Keep > 0 {
			v.Keepers = append(v.Keepers, c.rule.ID)
		}
	case Redirect:
		if decides {
			v.Redirect = slices.Clone(c.step.To)
		}
	case Override, HoldFor:
		if decides {
			v.Hold = holdOf(*c.step)
			v.Hold.Rule = c.rule.ID
		}
	case Secure:
		if decides {
			v.Level, v.Otherwise = c.step.Level, c.step.Otherwise
		}
	case Block:
		if decides {
			v.Refuse = c.step.Refuse
		}
	}
}

// header adds a header field. Of two replacements of the same field the rule
// that comes first wins; fail is stricter than both.
func (v *RecipientVerdict) header(h Header) {
	for i, o := range v.Headers {
		if strings.EqualFold(o.Name, h.Name) && (o == h || o.Exists != Append && h.Exists != Append) {
			if h.Exists == Fail {
				v.Headers[i].Exists = Fail
			}
			return
		}
	}
	v.Headers = append(v.Headers, h)
}

func stronger(a, b Action) Action {
	if b.Strength() > a.Strength() {
		return b
	}
	return a
}

func uniqueUnseen(list []mail.Unseen) (out []mail.Unseen) {
	for _, u := range list {
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// inspectedHeader is the value of the field that says how much was seen.
func inspectedHeader(inspected string, unseen []mail.Unseen) string {
	var reasons []string
	for _, c := range mail.Causes() {
		if slices.ContainsFunc(unseen, func(u mail.Unseen) bool { return u.Reason == c }) {
			reasons = append(reasons, string(c))
		}
	}
	if len(reasons) == 0 {
		return inspected
	}
	if inspected == "full" {
		inspected = "partial"
	}
	return inspected + "; reason=" + strings.Join(reasons, ",")
}
