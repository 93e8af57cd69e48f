package story

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// mixPolicies give each domain its verdict.
const mixPolicies = `kind: policy
id: held
mode: enforce
when: recipient.domain == "held.example"
then: { hold: { for: 48h, then: refuse } }
---
kind: policy
id: blocked
mode: enforce
when: recipient.domain == "blocked.example"
then: block
---
kind: policy
id: redirected
mode: enforce
when: recipient.domain == "redirected.example"
then: { redirect: { to: [archive@northwind.example] } }
---
kind: policy
id: marked
mode: enforce
when: recipient.domain == "marked.example"
then: { header: { set: { X-Contoso-Class: "marked" } } }
---
kind: policy
id: tagged
mode: enforce
when: recipient.domain == "tagged.example"
then: { header: { tag: "[TAGGED]", banner: "tagged" } }
---
kind: policy
id: hidden
mode: enforce
when: recipient.domain == "hidden.example"
then: { header: { hide: all }, copy: { bcc: [auditor@northwind.example] } }
`

// mix is one message to five recipients whose domains say what is decided.
type mix struct {
	n  int
	to []string
}

func (m mix) id() string { return fmt.Sprintf("<mix-%d@contoso.example>", m.n) }

func (m mix) of(domain string) (list []string) {
	for _, a := range m.to {
		if strings.HasSuffix(a, "@"+domain+".example") {
			list = append(list, a)
		}
	}
	return list
}

func (m mix) raw() []byte {
	return []byte("From: Ann <ann@contoso.example>\r\nTo: " + strings.Join(m.to, ", ") + "\r\nSubject: mix " + fmt.Sprint(m.n) +
		" of verdicts\r\nMessage-ID: " + m.id() + "\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n")
}

// mixes are all ways to give five recipients four verdicts.
func mixes(domains []string) (all []mix) {
	for n := range 4 * 4 * 4 * 4 * 4 {
		m := mix{n: n}
		for i, rest := 0, n; i < 5; i, rest = i+1, rest/4 {
			m.to = append(m.to, fmt.Sprintf("r%d@%s.example", i, domains[rest%4]))
		}
		all = append(all, m)
	}
	return all
}

// TestEveryMixOfVerdictsIsDoneExactlyOnce plays all 1,024 mixes of five
// recipients and four verdicts, of what is stopped and of what is changed,
// through the whole house. Each recipient has exactly one outcome, is
// delivered or reported exactly once, and the books balance. With
// POSTERN_MIXES=all all of them are played, else a sample.
func TestEveryMixOfVerdictsIsDoneExactlyOnce(t *testing.T) {
	step := 61
	if os.Getenv("POSTERN_MIXES") == "all" {
		step = 1
	}
	for name, domains := range map[string][]string{
		"stopped": {"fabrikam", "held", "blocked", "redirected"},
		"changed": {"fabrikam", "marked", "tagged", "hidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, &txtar.Archive{})
				s.plan.Policies = mixPolicies
				defer s.clear()
				if err := s.need(); err != nil {
					t.Fatal(err)
				}
				played := 0
				for _, m := range mixes(domains) {
					if m.n%step != 0 && m.n != 1023 {
						continue
					}
					played++
					if err := s.playMix(m); err != nil {
						t.Fatalf("mix %d, to %v: %v", m.n, m.to, err)
					}
				}
				many := mix{n: 2000} // more than one transaction takes, of each kind
				for i := range 450 {
					many.to = append(many.to, fmt.Sprintf("r%d@%s.example", i, domains[min(i/120, 3)]))
				}
				if err := s.playMix(many); err != nil {
					t.Errorf("to %d recipients: %v", len(many.to), err)
				}
				if err := s.curtain(); err != nil {
					t.Error(err)
				}
				t.Logf("%d mixes of verdicts, %d recipients: each has exactly one outcome", played, 5*played)
			})
		})
	}
}

// playMix sends one mix, decides about who waits, and counts.
func (s *stage) playMix(m mix) error {
	s.subject = fmt.Sprintf("mix %d of", m.n)
	sent, box := len(s.house.Exchange.Internet()), len(s.house.Exchange.Mailbox("ann@contoso.example"))
	if _, err := s.house.Exchange.Submit("ann@contoso.example", m.to, m.raw(), fakeexchange.Options{}); err != nil {
		return err
	}
	s.settle()
	there := func() []fakeexchange.Delivered { return s.house.Exchange.Internet()[sent:] }
	if err := m.arrived(there(), m.of("held")); err != nil {
		return err
	}
	rec, err := s.record()
	if err != nil {
		return err
	}
	if err := s.waiting(rec.ID, len(m.of("held"))); err != nil {
		return err
	}
	if err := m.reported(s.house.Exchange.Mailbox("ann@contoso.example")[box:], m.of("blocked"), m.of("held")); err != nil {
		return err
	}
	if held := m.of("held"); len(held) > 0 {
		verb, left := "held-release", []string(nil)
		if m.n%2 == 1 {
			verb, left = "held-reject", held
		}
		if _, err := s.house.App.Do(s.ctx, verb, app.Call{Message: rec.ID}, "boss"); err != nil {
			return err
		}
		s.settle()
		if err := m.arrived(there(), left); err != nil {
			return fmt.Errorf("after %s: %w", verb, err)
		}
		if err := m.reported(s.house.Exchange.Mailbox("ann@contoso.example")[box:], append(m.of("blocked"), left...), held); err != nil {
			return fmt.Errorf("after %s: %w", verb, err)
		}
	}
	return s.closed(m)
}

// arrived checks who got the message: everybody but those who are blocked,
// redirected or in without, once; and who gets it instead or besides, once.
func (m mix) arrived(list []fakeexchange.Delivered, without []string) error {
	want := map[string]int{}
	for _, a := range m.to {
		if !slices.Contains(slices.Concat(m.of("blocked"), m.of("redirected"), without), a) {
			want[a] = 1
		}
	}
	if len(m.of("redirected")) > 0 {
		want["archive@northwind.example"] = 1
	}
	if len(m.of("hidden")) > 0 {
		want["auditor@northwind.example"] = 1
	}
	got := map[string]int{}
	for _, d := range list {
		got[d.To]++
		if err := m.looks(d); err != nil {
			return err
		}
	}
	for a := range got {
		if got[a] != want[a] {
			return fmt.Errorf("%s got it %d times, not %d", a, got[a], want[a])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%v got it, not %v", got, want)
	}
	return nil
}

// looks checks that a copy was changed as its recipient's rule says, and no
// other one.
func (m mix) looks(d fakeexchange.Delivered) error {
	is := func(domain string) bool { return strings.HasSuffix(d.To, "@"+domain+".example") }
	has := func(s string) bool { return bytes.Contains(d.Raw, []byte(s)) }
	auditor := d.To == "auditor@northwind.example"
	switch {
	case !has(m.id()):
		return errors.New("another message came")
	case has("X-Contoso-Class: marked") != is("marked"):
		return fmt.Errorf("the field of %s", d.To)
	case has("Subject: [TAGGED] mix") != is("tagged") || has("| tagged\r\n\r\nhello") != is("tagged"):
		return fmt.Errorf("tag and banner of %s", d.To)
	case has("To: undisclosed-recipients:;") != (is("hidden") || auditor) || has(m.to[0]) == (is("hidden") || auditor):
		return fmt.Errorf("the recipients in the message of %s", d.To)
	}
	return nil
}

// reported checks that each of those is in exactly one report. The notice that
// others wait is no report.
func (m mix) reported(box []fakeexchange.Delivered, want, waited []string) error {
	got := map[string]int{}
	notices := 0
	for _, d := range box {
		if !isReport(d.Raw) {
			notices++
			continue
		}
		for _, line := range strings.Split(string(d.Raw), "\r\n") {
			if a, ok := strings.CutPrefix(strings.ToLower(line), "final-recipient: rfc822;"); ok {
				got[strings.TrimSpace(a)]++
			}
		}
	}
	for _, a := range want {
		if got[a] != 1 {
			return fmt.Errorf("%s was reported %d times", a, got[a])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("reported were %v, not %v", got, want)
	}
	if notices > 2*min(1, len(waited)) { // that it waits, that it went; fewer when there is a digest
		return fmt.Errorf("%d notices for %d who wait", notices, len(waited))
	}
	return nil
}

func (s *stage) waiting(id string, n int) error {
	return s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
		list, err := spool.PendingOf(tx, id)
		if err == nil && len(list) != n {
			err = fmt.Errorf("%d wait, not %d", len(list), n)
		}
		return err
	})
}

// closed checks the record and the books when everything is done.
func (s *stage) closed(m mix) error {
	rec, err := s.record()
	if err != nil {
		return err
	}
	if len(rec.Recipients) != len(m.to) {
		return fmt.Errorf("the record has %d recipients", len(rec.Recipients))
	}
	for _, r := range rec.Recipients {
		want := audit.Delivered
		switch mail.Address(r.Address).Domain() {
		case "blocked.example":
			want = audit.Refused
		case "redirected.example":
			want = audit.Redirected
		case "held.example":
			if m.n%2 == 1 {
				want = audit.Refused
			}
		}
		if r.Delivery != want {
			return fmt.Errorf("the record says that %s is %s, not %s", r.Address, r.Delivery, want)
		}
	}
	sum, lines, err := s.house.App.Balance(s.ctx)
	if err != nil || len(lines) > 0 {
		return fmt.Errorf("the books do not balance: %+v %v %w", sum, lines, errOr(err))
	}
	return nil
}
