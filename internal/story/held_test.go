package story

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// The words for held mail: what people do who are identified by a device.

func approveHeld(s *stage, words []string) error { return s.say(quarantine.Approve, words) }
func declineHeld(s *stage, words []string) error { return s.say(quarantine.Reject, words) }
func sendHeld(s *stage, words []string) error    { return s.say(quarantine.Send, words) }
func cancelHeld(s *stage, words []string) error  { return s.say(quarantine.Cancel, words) }
func removeHeld(s *stage, words []string) error  { return s.say(quarantine.Remove, words) }

// say is "[B,C] by A [choosing R:] [TEXT]".
func (s *stage) say(act quarantine.Act, words []string) error {
	to, who, words, err := s.someone(words)
	if err != nil {
		return err
	}
	d := gateway.Decision{To: to, Act: act, Person: who, Comment: strings.Join(words, " ")}
	if len(words) > 0 && words[0] == "choosing" {
		choice, text, _ := strings.Cut(strings.Join(words[1:], " "), ":")
		d.Choice, d.Comment = choice, strings.TrimSpace(text)
	}
	m, err := s.record()
	if err != nil {
		return err
	}
	d.Message = m.ID
	_, err = s.house.App.Gateway.Decide(s.ctx, d)
	s.settle()
	return err
}

// someone reads "[B,C] by A".
func (s *stage) someone(words []string) (to []mail.Address, who quarantine.Person, rest []string, err error) {
	if len(words) > 0 && words[0] != "by" {
		for _, a := range list(words[0]) {
			to = append(to, mail.Address(a))
		}
		words = words[1:]
	}
	if len(words) < 2 || words[0] != "by" {
		return nil, who, nil, errors.New("[B] by A [TEXT]")
	}
	who = quarantine.Person{Tenant: "contoso", Address: mail.Address(words[1]), By: quarantine.ByDevice}
	if words[1] == "administrator" {
		who = quarantine.Person{Name: "uid:0", By: quarantine.ByAdmin, Rights: quarantine.Rights{Metadata: true, Decide: true}}
	}
	return to, who, words[2:], nil
}

func takeHeld(s *stage, words []string) error    { return s.say(quarantine.Release, words) }
func requestHeld(s *stage, words []string) error { return s.handle(quarantine.Request, words) }

func askHeldAgain(s *stage, words []string) error {
	to, who, _, err := s.someone(words)
	if err != nil {
		return err
	}
	m, err := s.record()
	if err != nil {
		return err
	}
	_, _, err = s.house.App.Gateway.AskAgain(s.ctx, gateway.Deed{Message: m.ID, To: to, Act: quarantine.AskAgain, Person: who})
	s.settle()
	return err
}

func askHeld(s *stage, words []string) error    { return s.handle(quarantine.Ask, words) }
func answerHeld(s *stage, words []string) error { return s.handle(quarantine.Answer, words) }
func pinHeld(s *stage, words []string) error    { return s.handle(quarantine.PinIt, words) }
func unpinHeld(s *stage, words []string) error  { return s.handle(quarantine.UnpinIt, words) }
func handHeldOn(s *stage, words []string) error { return s.handle(quarantine.HandOn, words) }

// handle is "[B,C] by A [to C] [TEXT]".
func (s *stage) handle(act quarantine.Act, words []string) error {
	to, who, words, err := s.someone(words)
	if err != nil {
		return err
	}
	d := gateway.Deed{To: to, Act: act, Person: who}
	if act == quarantine.HandOn {
		if len(words) < 2 || words[0] != "to" {
			return errors.New("hand on by A to B")
		}
		d.Other, words = mail.Address(words[1]), words[2:]
	}
	d.Text = strings.Join(words, " ")
	m, err := s.record()
	if err != nil {
		return err
	}
	d.Message = m.ID
	_, err = s.house.App.Gateway.Handle(s.ctx, d)
	s.settle()
	return err
}

// refusedHeld is "WHY WORDS…": these words are refused for that reason.
func refusedHeld(s *stage, words []string) error {
	if len(words) < 2 {
		return errors.New("refused WHY, and what")
	}
	for name, do := range words1() {
		if rest, found := strings.CutPrefix(strings.Join(words[1:], " ")+" ", name+" "); found {
			if why := quarantine.WhyOf(do(s, strings.Fields(rest))); string(why) != words[0] {
				return fmt.Errorf("it is refused for %q", why)
			}
			return nil
		}
	}
	return fmt.Errorf("%q is not something that one does", words[1])
}

// waitsFor is "[of B] for A,C|administrators|nobody".
func waitsFor(s *stage, words []string) error {
	of := mail.Address("")
	if len(words) > 1 && words[0] == "of" {
		of, words = mail.Address(words[1]), words[2:]
	}
	m, err := s.record()
	if err != nil {
		return err
	}
	var holds []quarantine.Hold
	err = s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
		holds, err = quarantine.Of(tx, m.ID)
		return err
	})
	if err != nil {
		return err
	}
	got := ""
	for _, h := range holds {
		if h.Ended == nil && (of == "" || h.Recipient == of) {
			got = strings.ReplaceAll(h.Panel.String(), ", ", ",")
		}
	}
	if got = cmp.Or(got, "nobody"); len(words) != 2 || words[0] != "for" || got != words[1] {
		return fmt.Errorf("it waits for %s", got)
	}
	return nil
}

// heldEnded is "B HOW by A": how the hold of a recipient ended.
func heldEnded(s *stage, words []string) error {
	if len(words) != 4 || words[2] != "by" {
		return errors.New("ended B HOW by A")
	}
	m, err := s.record()
	if err != nil {
		return err
	}
	return s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
		h, found, err := quarantine.Find(tx, m.ID, mail.Address(words[0]))
		switch {
		case err != nil || !found:
			return fmt.Errorf("there is no hold: %w", err)
		case h.Ended == nil:
			return errors.New("it has not ended")
		case string(h.Ended.How) != words[1] || h.Ended.By != words[3]:
			return fmt.Errorf("it was %s by %s", h.Ended.How, h.Ended.By)
		}
		return nil
	})
}

// giveRole is "NAME of UID may RIGHT,RIGHT about TENANT". As soon as there is
// one, nobody has what is not written.
func giveRole(s *stage, words []string) error {
	if len(words) != 7 || words[1] != "of" || words[3] != "may" || words[5] != "about" {
		return errors.New("role NAME of UID may RIGHT,RIGHT about TENANT")
	}
	if s.house != nil {
		return errors.New("roles are given before anything happens")
	}
	before := s.plan.Configure
	s.plan.Configure = func(c *app.Config) {
		if before != nil {
			before(c)
		}
		c.Roles = append(c.Roles, app.Role{Name: words[0], Users: []string{words[2]}, May: list(words[4]), Tenants: list(words[6])})
	}
	return nil
}

// listsHeld is "N by A": how many wait whom a user sees.
func listsHeld(s *stage, words []string) error {
	if len(words) != 3 || words[1] != "by" {
		return errors.New("lists N by A")
	}
	ans, err := s.house.App.Do(s.ctx, "held-rows", app.Call{}, words[2])
	if err != nil {
		return err
	}
	return same(words[:1], len(ans.HeldMail.Rows))
}

// sawEvent is "KIND [by A] is N": events of the message in its tenant's chain.
func sawEvent(s *stage, words []string) error {
	kind, rest, _ := strings.Cut(strings.Join(words, " "), " is ")
	kind, by, chosen := strings.Cut(kind, " by ")
	m, err := s.record()
	if err != nil {
		return err
	}
	n := 0
	err = s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
		events, err := s.house.App.Audit.Events(tx, m.Tenant, m.ID)
		for _, e := range events {
			if e.Kind == kind && (!chosen || e.Actor == by) {
				n++
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return same([]string{rest}, n)
}
