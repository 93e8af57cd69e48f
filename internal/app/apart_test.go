package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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

// resident is a tenant of the house below with a mail that waits for its boss.
type resident struct {
	id, message, console string
	boss                 mail.Address
	see, answer, device  string // tokens in mails to boss, and what his browser holds
}

func (r *resident) recipient() mail.Address { return mail.Address("bob-of-" + r.id + "@far.example") }

// residents are a house with tenants of their own console names, each with a
// mail that waits, and its boss with a device.
func residents(t *testing.T, ids ...string) (*House, []*resident) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		text := fmt.Sprintf("kind: tenant\nid: %s\nname: Firm %s\ndomains: [%s.example]\nsecret: [%s-secret-8d1f0c5e7a3b]\n"+
			"mark: [%s-mark-51c2e9b04f6d]\npeers: { exchange: { networks: [127.0.0.0/8] } }\nconsole: held.%s-mail.example\n"+
			"return: { host: mx }\n", id, id, id, id, id, id)
		if err := os.WriteFile(filepath.Join(dir, "tenants", id+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := Build(t.Context(), Plan{Dir: dir, Policies: cardsLeave, InProcess: true, Configure: func(c *Config) {
		c.Public = Public{Listen: "127.0.0.1:0", Name: publicName}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.App.servePublic(); err != nil {
		t.Fatal(err)
	}
	var list []*resident
	for _, id := range ids {
		list = append(list, moveIn(t, h.App, id))
	}
	return h, list
}

func moveIn(t *testing.T, a *App, id string) *resident {
	t.Helper()
	now := time.Now()
	r := &resident{id: id, message: store.NewID(now), console: "held." + id + "-mail.example", boss: mail.Address("boss@" + id + ".example")}
	from := mail.Address("ann@" + id + ".example")
	stored, err := a.Spool.Store(t.Context(), r.message, mail.Bytes("From: "+string(from)+"\r\nSubject: plans\r\n\r\ncanary-of-"+id+"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = a.DB.Update(t.Context(), func(tx *store.Tx) error {
		row := spool.Message{
			ID: r.message, Tenant: id, Kind: "inline-out", Direction: mail.Out, Received: now, Stored: stored, Extra: []byte("{}"),
			Envelope: mail.Envelope{From: from, To: []mail.Recipient{{Address: r.recipient()}}},
		}
		terms := &policy.Hold{For: time.Hour, Then: policy.EndRefuse}
		q := quarantine.New(quarantine.Hold{
			Message: row.ID, Recipient: r.recipient(), Tenant: id, Sender: from, Own: []mail.Address{from}, Subject: "plans of " + id,
			Rules: []string{"cards"}, Because: "secret of " + id,
		}, terms, quarantine.Panel{Named: []string{string(r.boss)}, Seats: []mail.Address{r.boss}}, now)
		err := errors.Join(spool.Add(tx, row), quarantine.Add(tx, q), a.Audit.Add(tx, audit.Message{ID: row.ID, Tenant: id}, audit.Facts{}),
			spool.AddPending(tx, spool.Pending{
				Message: row.ID, Tenant: id, Recipient: row.Envelope.To[0], Rules: q.Rules, Since: now, Until: q.Until, AtEnd: string(q.End),
			}))
		if err != nil {
			return err
		}
		if _, err := spool.Move(tx, row.ID, spool.Hold, now); err != nil {
			return err
		}
		token := quarantine.Token{Purpose: quarantine.ToSee, Tenant: id, Message: row.ID, Address: r.boss, Until: now.Add(time.Hour)}
		if r.see, err = a.People.NewToken(tx, token); err != nil {
			return err
		}
		token.Purpose = quarantine.ToDecide
		if r.answer, err = a.People.NewToken(tx, token); err != nil {
			return err
		}
		code, err := a.People.NewCode(tx, id, r.boss, quarantine.Asker{Browser: "browser"}, now)
		if err == nil {
			r.device, _, err = a.People.Bind(tx, id, r.boss, quarantine.Asker{Browser: "browser"}, code.Text, "phone", now)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// visitor asks the pages over a socket, with what the browser of a resident
// holds, under the name that it has at each of the others too.
type visitor struct {
	t      *testing.T
	client *http.Client
	n      int
}

func (v *visitor) ask(method, host, path string, who *resident, all []*resident, body url.Values) (status int, text string) {
	v.t.Helper()
	v.n++
	req, err := http.NewRequestWithContext(v.t.Context(), method, "http://"+host+path, strings.NewReader(body.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, r := range all {
		req.AddCookie(&http.Cookie{Name: "__Host-postern-is-" + r.id, Value: who.device})
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// answerTo is a mail of one resident's boss to the address of a request of
// another.
func answerTo(t *testing.T, h *House, from, to *resident) mail.Reply {
	t.Helper()
	address := mail.Address("approve+" + to.answer + "@" + to.console)
	raw := "X-OriginatorOrg: " + from.id + ".example\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\nX-Postern-Tenant: " + from.id + ";" +
		from.id + "-secret-8d1f0c5e7a3b;out;inline\r\nFrom: " + string(from.boss) + "\r\nTo: " + string(address) +
		"\r\nSubject: Re: plans\r\nMessage-ID: <" + store.NewID(time.Now()) + "@" + from.id + ".example>\r\n\r\nAPPROVE\r\n"
	now := time.Now()
	return h.App.Gateway.Accept(t.Context(), &mail.Arrival{
		Trace: store.NewID(now), Peer: mail.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:40000")}, Body: mail.Bytes(raw), Began: now, Ended: now,
		Envelope: mail.Envelope{From: from.boss, To: []mail.Recipient{{Address: address}}},
	})
}

// Everybody at everybody else's door: links, devices, forms and answers by mail
// of one tenant reach nothing of another, at no host name.
func TestPeopleOfOneTenantReachNothingOfAnother(t *testing.T) {
	h, all := residents(t, "north", "south", "west")
	v := &visitor{t: t, client: &http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, h.App.public.String())
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer v.client.CloseIdleConnections()
	word := regexp.MustCompile(`name="form" value="([^"]+)"`)
	answers := 0
	for _, a := range all {
		status, own := v.ask("GET", a.console, "/approve/"+a.see, a, all, nil)
		form := word.FindStringSubmatch(own)
		if status != 200 || !strings.Contains(own, "plans of "+a.id) || form == nil {
			t.Fatalf("%s at home: %d\n%s", a.id, status, own)
		}
		for _, b := range all {
			if a == b {
				continue
			}
			strange(t, v, a, b, all, form[1])
			answers++
			if r := answerTo(t, h, a, b); r.Code != 250 && r.Code != 550 {
				t.Errorf("an answer of %s to %s: %v", a.id, b.id, r)
			}
		}
	}
	state := func() (ended int, votes int) {
		err := h.App.DB.View(t.Context(), func(tx *store.Tx) error {
			for _, r := range all {
				list, err := quarantine.Of(tx, r.message)
				if err != nil {
					return err
				}
				votes += len(list[0].Votes)
				if list[0].Ended != nil {
					ended++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ended, votes
	}
	if ended, votes := state(); ended+votes != 0 {
		t.Errorf("%d were decided, %d voices", ended, votes)
	}
	t.Logf("%d requests to the pages and %d answers by mail of strangers: 0 decisions", v.n, answers)
	for _, a := range all { // each at home, one by a page and the others by mail
		if a == all[0] {
			_, own := v.ask("GET", a.console, "/approve/"+a.see, a, all, nil)
			v.ask("POST", a.console, "/approve/"+a.see, a, all, url.Values{
				"do": {"approve"}, "to": {string(a.recipient())}, "form": {word.FindStringSubmatch(own)[1]},
			})
			continue
		}
		answerTo(t, h, a, a)
	}
	if ended, _ := state(); ended != len(all) {
		t.Errorf("%d of %d were decided at home", ended, len(all))
	}
}

// strange lets the boss of a try what he can at b.
func strange(t *testing.T, v *visitor, a, b *resident, all []*resident, form string) {
	t.Helper()
	secrets := []string{"plans of " + b.id, "secret of " + b.id, "canary-of-" + b.id, "bob-of-" + b.id}
	for _, host := range []string{b.console, publicName} {
		for _, path := range []string{
			"/approve/" + b.see, "/approve/" + b.answer, "/approve/my/" + b.id, "/approve/my/" + b.id + "/" + b.message,
			"/approve/my/" + a.id + "/" + b.message,
		} {
			for _, do := range []string{"", "approve", "hand-on", "look-whole"} {
				method := "POST"
				if do == "" {
					method = "GET"
				}
				status, text := v.ask(method, host, path, a, all, url.Values{
					"do": {do}, "to": {string(b.recipient())}, "form": {form}, "text": {"please"}, "other": {string(a.boss)},
				})
				for _, s := range secrets {
					if strings.Contains(text, s) {
						t.Errorf("%s %s%s %s by %s: %d shows %q", method, host, path, do, a.id, status, s)
					}
				}
			}
		}
	}
	for _, path := range []string{"/approve/my/" + a.id, "/approve/my/" + a.id + "/" + a.message, "/approve/" + a.see} {
		if status, text := v.ask("GET", b.console, path, a, all, nil); status != 404 || strings.Contains(text, "Firm "+a.id) {
			t.Errorf("%s is at the name of %s: %d", path, b.id, status)
		}
	}
	if status, text := v.ask("GET", a.console, "/approve/my/"+b.id, a, all, nil); status != 404 || strings.Contains(text, "Firm "+b.id) {
		t.Errorf("the name of %s tells of %s: %d", a.id, b.id, status)
	}
}
