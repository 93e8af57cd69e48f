package story

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// The words for copies that a policy keeps as evidence.

// evidenceOf is "is kept|over|nothing", "pin WHY", "unpin WHY", "gives FILE WHY",
// "refuses uid:N WHY" or "log is WHAT,WHAT": of the chosen message.
func evidenceOf(s *stage, words []string) error {
	m, err := s.record()
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return errors.New("evidence is … | pin … | unpin … | gives … | refuses … | log is …")
	}
	switch what := words[0]; what {
	case "is":
		got := "nothing"
		ans, err := s.house.App.Do(s.ctx, "evidence-show", app.Call{Message: m.ID}, "uid:0")
		if err == nil {
			if got = "kept"; !ans.Evidence[0].Ended.IsZero() {
				got = "over"
			}
		}
		if got != words[1] {
			return fmt.Errorf("the copy is %s: %v", got, err)
		}
		return nil
	case "pin", "unpin":
		_, err := s.house.App.Do(s.ctx, "evidence-"+what, app.Call{Message: m.ID, Reason: strings.Join(words[1:], " ")}, "uid:0")
		return err
	case "gives":
		return s.evidenceGives(m.ID, words[1], strings.Join(words[2:], " "))
	case "refuses":
		c := app.Call{Message: m.ID, Reason: strings.Join(words[2:], " ")}
		if _, _, err := s.house.App.Content(s.ctx, "evidence-export", c, words[1]); quarantine.WhyOf(err) == "" {
			return fmt.Errorf("it is read: %v", err)
		}
		return nil
	case "log":
		var said []string
		err := s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
			list, err := gateway.AccessLog(s.house.App.Audit, tx, "contoso", m.ID)
			for _, a := range list {
				said = append(said, a.What)
			}
			return err
		})
		if want := words[len(words)-1]; err == nil && strings.Join(said, ",") != want {
			err = fmt.Errorf("the access log says %s", strings.Join(said, ","))
		}
		return err
	}
	return fmt.Errorf("evidence cannot %q", words[0])
}

// evidenceGives reads the copy as somebody with the right to content: it is the
// message, octet for octet.
func (s *stage) evidenceGives(id, file, why string) error {
	reader := quarantine.Person{Name: "uid:7", By: quarantine.ByAdmin, Rights: quarantine.Rights{Metadata: true, Content: true}}
	body, err := s.house.App.Gateway.ReadEvidence(s.ctx, gateway.EvidenceReading{Message: id, Person: reader, Actor: "uid:7", Why: why})
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err == nil && !bytes.HasSuffix(text, s.files[file]) {
		err = fmt.Errorf("the copy is not %s:\n%s", file, text)
	}
	return err
}
