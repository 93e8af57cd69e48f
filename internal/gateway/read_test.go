package gateway

import (
	"io"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// keepBack puts a message that waits for dana into custody.
func (w *world) keepBack(id, body string, terms policy.Terms) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := quarantine.Migrate(ctx, w.g.DB); err != nil {
		w.t.Fatal(err)
	}
	stored, err := w.g.Spool.Store(ctx, id, mail.Bytes(body))
	if err != nil {
		w.t.Fatal(err)
	}
	now := time.Now()
	m := spool.Message{
		ID: id, Tenant: "contoso", Received: now, Stored: stored, Extra: extra{}.json(),
		Envelope: mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{{Address: "bob@fabrikam.example"}}},
	}
	err = w.g.DB.Update(ctx, func(tx *store.Tx) error {
		if err := spool.Add(tx, m); err != nil {
			return err
		}
		if err := w.g.Spool.Share(tx, m); err != nil {
			return err
		}
		if _, err := spool.Move(tx, id, spool.Hold, now); err != nil {
			return err
		}
		h := quarantine.New(quarantine.Hold{Message: id, Recipient: "bob@fabrikam.example", Tenant: "contoso", Sender: "ann@contoso.example"},
			&policy.Hold{For: time.Hour, Then: policy.EndRefuse, Terms: terms}, quarantine.Panel{Seats: []mail.Address{"dana@contoso.example"}}, now)
		if err := quarantine.Add(tx, h); err != nil {
			return err
		}
		return w.g.Audit.Add(tx, audit.Message{ID: id, Tenant: "contoso", Received: now}, audit.Facts{})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) looks(id string) (list []Look) {
	w.t.Helper()
	err := w.g.DB.View(w.t.Context(), func(tx *store.Tx) (err error) {
		list, err = w.g.Looks(tx, "contoso", id)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestWhoLooksIntoHeldMailIsRecordedFirstAndWhoMayNotSeesNothing(t *testing.T) {
	w := newWorld(t, &script{})
	const body = "Subject: offer\r\n\r\nthe secret text\r\n"
	w.keepBack("m1", body, policy.Terms{})
	ctx := t.Context()
	read := func(p quarantine.Person, depth quarantine.Depth) (string, *Content, error) {
		c, err := w.g.Read(ctx, Reading{Message: "m1", Person: p, Depth: depth})
		if err != nil {
			return "", nil, err
		}
		defer c.Close()
		text, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		return string(text), c, err
	}
	admin := quarantine.Person{Name: "uid:0", By: quarantine.ByAdmin, Rights: quarantine.Rights{Metadata: true, Decide: true, Malware: true, Emergency: true}}
	officer := quarantine.Person{
		Tenant: "contoso", Address: "officer@contoso.example", By: quarantine.BySignIn, Rights: quarantine.Rights{Emergency: true},
	}
	dana := quarantine.Person{Tenant: "contoso", Address: "dana@contoso.example", By: quarantine.ByDevice}
	for _, p := range []quarantine.Person{admin, officer, {}, {Tenant: "contoso", Address: "eve@contoso.example", By: quarantine.ByReply}} {
		if text, _, err := read(p, quarantine.Whole); quarantine.WhyOf(err) == "" || text != "" {
			t.Errorf("%+v sees %q, %v", p, text, err)
		}
	}
	if list := w.looks("m1"); len(list) != 0 {
		t.Errorf("looks that were none: %+v", list)
	}
	if text, c, err := read(dana, quarantine.Whole); err != nil || text != body || c.Depth != quarantine.Whole || c.Tenant != "contoso" {
		t.Error(text, err)
	}
	if _, c, err := read(dana, quarantine.Redacted); err != nil || c.Depth != quarantine.Redacted {
		t.Error(err)
	}

	e, err := w.g.AskEmergency(ctx, "m1", admin, "she is ill and the offer must go")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(admin, quarantine.Whole); quarantine.WhyOf(err) != quarantine.NeedsRight {
		t.Errorf("one person was enough: %v", err)
	}
	if _, err := w.g.ConfirmEmergency(ctx, e.ID, admin); quarantine.WhyOf(err) != quarantine.OwnMail {
		t.Error(err)
	}
	if _, err := w.g.ConfirmEmergency(ctx, e.ID, officer); err != nil {
		t.Fatal(err)
	}
	if text, c, err := read(admin, quarantine.Whole); err != nil || text != body || c.As != quarantine.InEmergency {
		t.Error(err)
	}
	var words []string
	for _, l := range w.looks("m1") {
		words = append(words, strings.TrimSpace(l.Kind+" "+l.By+" "+string(l.As)+" "+string(l.Depth)))
	}
	want := "read dana@contoso.example approver whole; read dana@contoso.example approver redacted; " +
		"emergency asked uid:0 emergency; emergency confirmed officer@contoso.example emergency; read uid:0 emergency whole"
	if got := strings.Join(words, "; "); got != want {
		t.Errorf("the sender sees\n%s, want\n%s", got, want)
	}
	if r, err := w.g.Audit.Verify(ctx, "contoso"); err != nil || !r.Ok() || r.Events != 5 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAPolicyMayShowOnlyABlottedText(t *testing.T) {
	w := newWorld(t, &script{})
	w.keepBack("m1", "Subject: offer\r\n\r\nthe secret text\r\n", policy.Terms{Preview: policy.PreviewRedacted})
	dana := quarantine.Person{Tenant: "contoso", Address: "dana@contoso.example", By: quarantine.ByDevice}
	if _, err := w.g.Read(t.Context(), Reading{Message: "m1", Person: dana, Depth: quarantine.Whole}); quarantine.WhyOf(err) != quarantine.NeedsRight {
		t.Error(err)
	}
	c, err := w.g.Read(t.Context(), Reading{Message: "m1", Person: dana, Depth: quarantine.Redacted})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil || c.Depth != quarantine.Redacted {
		t.Error(err)
	}
}
