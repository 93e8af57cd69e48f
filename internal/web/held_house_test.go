package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// The visitors of these tests, by their users.
const (
	officer  = 0    // sees all, decides, malware too
	service  = 1001 // sees the list of contoso
	reader   = 1002 // sees the list and the mail of contoso
	stranger = 1003 // sees and decides at fabrikam
	decider  = 1004 // sees and decides everywhere, but no malware
	roleless = 1005
)

func testRoles() quarantine.Roles {
	see := quarantine.Rights{Metadata: true}
	return quarantine.Roles{
		{Name: "officers", UIDs: []uint32{officer}, Rights: quarantine.Rights{Metadata: true, Decide: true, Malware: true}},
		{Name: "service", UIDs: []uint32{service}, Tenants: []string{"contoso"}, Rights: see},
		{Name: "readers", UIDs: []uint32{reader}, Tenants: []string{"contoso"}, Rights: quarantine.Rights{Metadata: true, Content: true}},
		{Name: "strangers", UIDs: []uint32{stranger}, Tenants: []string{"fabrikam"}, Rights: quarantine.Rights{Metadata: true, Decide: true}},
		{Name: "deciders", UIDs: []uint32{decider}, Rights: quarantine.Rights{Metadata: true, Decide: true}},
	}
}

// inHeldBubble is inBubble with a desk, and held mail of two tenants.
func inHeldBubble(t *testing.T, test func(h *house)) {
	t.Helper()
	inBubble(t, three, func(h *house) {
		if err := quarantine.Migrate(h.t.Context(), h.DB); err != nil {
			h.t.Fatal(err)
		}
		h.Held = &quarantine.Desk{DB: h.DB, Roles: testRoles(), Decide: h.decide, Handle: h.handle, Read: h.read}
		h.Off = func(id string) bool { return id == "fabrikam" }
		h.Tenants = func() []string { return []string{"contoso", "fabrikam"} }
		h.handler = h.Handler()
		h.waits(heldSamples(time.Now())...)
		test(h)
	})
}

// heldSamples are holds of four messages, by what is due first.
func heldSamples(now time.Time) []quarantine.Hold {
	base := quarantine.Hold{
		Message: "01kay3m7ew0000000000000024", Recipient: "dave@partner.example", Tenant: "contoso", Ref: "K7TQ-0024",
		Sender: "ann@contoso.example", Subject: "Customer list as promised", Size: 4_218_331, Rules: []string{"ask-manager"},
		Rule: "Customer data needs a manager", Because: "3 card numbers (high) in customers.csv go outside",
		Panel: quarantine.Panel{Named: []string{"manager"}, Seats: []mail.Address{"boss@contoso.example"}}, Of: 1,
		Since: now.Add(-26 * time.Hour), Until: now.Add(22 * time.Hour), End: policy.EndRefuse,
	}
	second := base
	second.Recipient, second.Of = "eve@partner.example", 2
	second.Panel.Seats = []mail.Address{"boss@contoso.example", "cid@contoso.example"}
	second.Votes = []quarantine.Vote{{By: "cid@contoso.example", Approve: true, Comment: "known partner", At: now.Add(-time.Hour), Means: quarantine.ByReply}}
	over := base
	over.Recipient = "finn@partner.example"
	alone := base
	alone.Message, alone.Ref, alone.Recipient, alone.Subject = "01kay3m7ew0000000000000009", "K7TQ-0009", "bob@fabrikam.example", "Plan"
	alone.Panel, alone.Since, alone.Until = quarantine.Panel{Named: []string{"manager"}, Missing: []string{"the manager of ann@contoso.example is not known"}}, now, now.Add(48*time.Hour)
	danger := base
	danger.Message, danger.Ref, danger.Recipient, danger.Subject = "01danger", "K7TQ-0666", "bob@fabrikam.example", "Invoice"
	danger.Danger, danger.Until = true, now.Add(72*time.Hour)
	theirs := base
	theirs.Message, theirs.Tenant, theirs.Ref, theirs.Subject = "01fabrikam", "fabrikam", "FABR-2345", "Secret of Fabrikam"
	theirs.Sender, theirs.Recipient, theirs.Until = "zoe@fabrikam.example", "x@else.example", time.Time{}
	theirs.Panel.Seats = []mail.Address{"yan@fabrikam.example"}
	over.Ended = &quarantine.Ending{How: quarantine.Rejected, By: "boss@contoso.example", Means: quarantine.ByDevice, Comment: "not to him", At: now.Add(-2 * time.Hour)}
	return []quarantine.Hold{base, second, over, alone, danger, theirs}
}

// waits writes holds; those that ended get their end.
func (h *house) waits(list ...quarantine.Hold) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		for _, x := range list {
			ended := x.Ended
			x.Ended = nil
			err := quarantine.Add(tx, x)
			if err == nil && ended != nil {
				err = quarantine.End(tx, x, ended.How, ended.By, ended.Means, ended.Comment, ended.At)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// decide carries a decision out as far as the rows of this room go.
func (h *house) decide(ctx context.Context, p quarantine.Person, s quarantine.Saying) (said quarantine.Said, err error) {
	var no error
	err = h.DB.Update(ctx, func(tx *store.Tx) error {
		list, err := quarantine.Of(tx, s.Message)
		for _, x := range list {
			if len(s.To) > 0 && !strings.Contains(fmt.Sprint(s.To), string(x.Recipient)) {
				continue
			}
			standing, refused := x.Say(p, s.Approve, s.Text, time.Now())
			how := quarantine.Released
			switch {
			case refused != nil:
				if no == nil || x.Ended == nil {
					no = refused
				}
				continue
			case standing == quarantine.Open:
				said.Agreed++
				err = errors.Join(err, quarantine.Put(tx, x))
				continue
			case standing == quarantine.Refused:
				how = quarantine.Rejected
			}
			said.Done++
			err = errors.Join(err, quarantine.End(tx, x, how, p.Key(), p.By, s.Text, time.Now()))
		}
		return err
	})
	if err == nil && said.Done+said.Agreed == 0 {
		err = no
	}
	return said, err
}

func (h *house) handle(ctx context.Context, p quarantine.Person, a quarantine.Act, s quarantine.Saying) (n int, err error) {
	err = h.DB.Update(ctx, func(tx *store.Tx) error {
		list, err := quarantine.Of(tx, s.Message)
		var no error
		for _, x := range list {
			if no = x.Change(p, a, s.Text, s.Other, time.Now()); no != nil {
				continue
			}
			n++
			err = errors.Join(err, quarantine.Put(tx, x))
		}
		if n == 0 {
			return no
		}
		return err
	})
	return n, err
}

// hostileLetter is what a held message says.
const hostileLetter = "Dear Dave,\r\n<script>alert(1)</script>\r\n4111 1111 1111 1111\r\n\u202egnp.exe"

func (h *house) read(ctx context.Context, p quarantine.Person, message string, depth quarantine.Depth) (l quarantine.Letter, err error) {
	l = quarantine.Letter{Text: hostileLetter, Depth: depth, As: quarantine.AsReader}
	if depth == quarantine.Redacted {
		l.Text = strings.ReplaceAll(l.Text, "4111 1111 1111 1111", "•••• •••• •••• ••••")
	}
	return l, h.tells(ctx, "contoso", message, "read", p.Name, map[string]any{"as": l.As, "depth": depth}, map[string]any{"by": p.Key()})
}

// tells puts an event into the chain of a message.
func (h *house) tells(ctx context.Context, tenant, message, kind, actor string, public, personal map[string]any) error {
	open, _ := json.Marshal(public)
	secret, _ := json.Marshal(personal)
	return h.DB.Update(ctx, func(tx *store.Tx) error {
		return h.Audit.Append(tx, audit.Event{
			Tenant: tenant, Message: message, Kind: kind, Actor: actor, At: time.Now(), Public: open, Personal: secret,
		})
	})
}

// be makes the house's visitor somebody.
func (h *house) be(uid uint32) {
	h.t.Helper()
	link := strings.TrimPrefix(h.OneTimeLink("http://127.0.0.1:8025/", Visitor{UID: uid, HeldOnly: uid != officer}), "http://127.0.0.1:8025")
	res := h.do("GET", link)
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		h.t.Fatalf("a link of user %d: %d", uid, res.StatusCode)
	}
	h.cookie = res.Cookies()[0]
}

// post sends a form of our own pages and returns the answer.
func (h *house) post(target string, status int, pairs ...string) *http.Response {
	h.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	res := h.do("POST", target, func(r *http.Request) {
		text := v.Encode()
		r.Body, r.ContentLength = http.NoBody, int64(len(text))
		r.Body = readCloser{strings.NewReader(text)}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	})
	if res.StatusCode != status {
		h.t.Fatalf("POST %s: %d, want %d\n%s", target, res.StatusCode, status, body(h.t, res))
	}
	return res
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// states are the recipients of a message with how each ended; "" waits.
func (h *house) states(message string) map[mail.Address]quarantine.How {
	h.t.Helper()
	all := map[mail.Address]quarantine.How{}
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		list, err := quarantine.Of(tx, message)
		for _, x := range list {
			all[x.Recipient] = ""
			if x.Ended != nil {
				all[x.Recipient] = x.Ended.How
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}
