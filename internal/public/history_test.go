package public

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

func TestAPageSaysWhatHappenedSoFarAndWhatWasReadOfEachFile(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	seven := 7
	x.site.Earlier = func(tenant string, holds []quarantine.Hold) *int {
		if tenant != "contoso" || len(holds) == 0 {
			t.Error(tenant, holds)
		}
		return &seven
	}
	b := x.known(x.link("m1", boss), boss)
	b.get(b.at)
	b.sees("What happened so far", "received, ", "boss@contoso.example: asked, ", "reminded, ", "7 mails to them so far",
		"salaries.xlsx", "salaries.xlsx (application/vnd.ms-excel, 18.2 kB) read", "secret.zip (90 B) not all of it was read: encrypted, nested too deeply")
	if strings.Contains(b.page, "looked, ") {
		t.Error("a step that is for administrators")
	}
	seven = 0
	b.get(b.at)
	b.sees("it is the first mail to them")
	b = x.known(x.link("m1", ann), ann)
	b.get(b.at)
	b.sees("What happened so far")
	if strings.Contains(b.page, "first mail to them") {
		t.Error("its sender is told how often he wrote")
	}
}

func TestALongHistoryIsCut(t *testing.T) {
	x := newHouse(t)
	v := &visit{Site: x.site, tenant: x.site.Tenant("contoso"), speech: x.site.speeches[0]}
	m := &matter{v: v, Sender: true, holds: []quarantine.Hold{{Delay: true}}}
	for range 2 * mostSteps {
		m.record.Steps = append(m.record.Steps, audit.Step{Name: "reminded", At: time.Now()})
	}
	if n := len(m.History()); n != mostSteps {
		t.Errorf("%d lines", n)
	}
}

func TestEveryCauseHasWordsOnThePages(t *testing.T) {
	for _, s := range mustSpeeches() {
		for _, c := range mail.Causes() {
			if key := "cause_" + string(c); s.say(key) == "" || s.say(key) == key {
				t.Errorf("%s: %s", s.name, key)
			}
		}
		for step, key := range told() {
			if text := s.say(key, "at", "now", "who", "me"); text == "" || text == key {
				t.Errorf("%s: %s", s.name, step)
			}
		}
	}
}
