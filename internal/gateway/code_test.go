package gateway

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// The gateway ends between the press for a code and the mail: what is stored
// then is enough to send it, and does not say it. What is not good any more is
// not sent.
func TestACodeThatWasAskedForIsSentAfterAStop(t *testing.T) {
	w := newWorld(t, &script{})
	var err error
	if w.g.Doors, err = quarantine.NewDoors([]byte("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	contoso := w.g.Tenants.Current().Find("contoso")
	const ann = mail.Address("ann@contoso.example")
	who, now := quarantine.Asker{Browser: "b", Linked: true}, time.Now()
	ask := func(now time.Time) (c quarantine.Code) {
		err := w.g.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
			if c, err = w.g.Doors.NewCode(tx, "contoso", ann, who, now); err == nil {
				err = w.g.SendCode(tx, contoso, ann, []string{"nl"}, c.At)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := ask(now), ask(now.Add(time.Second))
	var list []post.Out
	err = w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		list, err = post.Waiting(tx, time.Now().Add(time.Minute), 10)
		return err
	})
	if err != nil || len(list) != 2 || first.Text != second.Text {
		t.Fatal(len(list), err)
	}
	text := func(o post.Out, now time.Time) string {
		var d dispatch
		if err := json.Unmarshal(o.Data, &d); err != nil || strings.Contains(string(o.Data), first.Text) {
			t.Errorf("%s %v", o.Data, err)
		}
		return string(w.g.dispatched(t.Context(), contoso, o, d, now))
	}
	if got := text(list[0], now); got != "" {
		t.Error("the first mail was not sent, and the second brings the same: ", got)
	}
	if got := text(list[1], now); !strings.Contains(got, second.Text) || !strings.Contains(got, "lang=3D\"nl\"") {
		t.Error(got)
	}
	if got := text(list[1], now.Add(time.Hour)); got != "" {
		t.Error("it is over: ", got)
	}
}
