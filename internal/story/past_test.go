package story

import (
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
)

// exceptValue calls one finding of a message not sensitive:
// except N of FILE [days D] [domain D] [rule R].
func exceptValue(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) < 3 || words[1] != "of" {
		return fmt.Errorf("except N of FILE")
	}
	o, err := options(words[3:], "days", "domain", "rule")
	if err != nil {
		return err
	}
	days := 90
	if o["days"] != "" {
		if days, err = strconv.Atoi(o["days"]); err != nil {
			return err
		}
	}
	owner := s.house.App.Tenants.Current().Tenants()[0]
	list := gateway.Candidates(s.ctx, s.eye, owner, s.house.App.Exceptions.Keys(owner.ID), mail.Bytes(s.files[words[2]]))
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 || n > len(list) {
		return fmt.Errorf("there are %d findings: %+v", len(list), list)
	}
	c := list[n-1]
	_, err = s.house.App.Do(s.ctx, "exception-add", app.Call{Excepting: &app.Excepting{Confidence: c.Confidence, Exception: exception.Exception{
		Tenant: owner.ID, Type: c.Type, Detector: c.Detector, Hash: c.Hash, Sample: c.Sample, Domain: o["domain"], Rule: o["rule"],
		Until: time.Now().AddDate(0, 0, days),
	}}}, "story")
	return err
}

// rollBack puts an earlier version of the policies in force again.
func rollBack(s *stage, words []string) error {
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return err
	}
	_, err = s.house.App.Do(s.ctx, "rollback", app.Call{Number: n, Reason: "a story"}, "story")
	return err
}
