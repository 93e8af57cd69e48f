package public

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/tenant"
)

// The people of the house.
const (
	ann  = mail.Address("ann@contoso.example")
	boss = mail.Address("boss@contoso.example")
	dora = mail.Address("dora@contoso.example")
	bob  = mail.Address("bob@fabrikam.example")
	eve  = mail.Address("eve@elsewhere.example")
)

// house is a site over a real store; what the gateway does with a decision is
// done by a few lines.
type house struct {
	*testing.T
	site  *Site
	h     http.Handler
	db    *store.DB
	doors *quarantine.Doors
	log   *audit.Log

	mu     sync.Mutex
	codes  map[mail.Address]string
	deeds  []Deed
	looks  []Look
	bodies map[string]string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	x := &house{T: t, codes: map[mail.Address]string{}, bodies: map[string]string{}}
	x.db = storetest.SQLite(t)
	must(t, quarantine.Migrate(t.Context(), x.db))
	var err error
	x.log, err = audit.Open(t.Context(), x.db, make([]byte, 32))
	must(t, err)
	x.doors, err = quarantine.NewDoors(make([]byte, 32))
	must(t, err)
	contoso := &tenant.Tenant{ID: "contoso", Name: "Contoso Ltd", Contact: "help@contoso.example", Domains: []string{"contoso.example"}}
	x.site = New(Config{
		Names: func(s string) bool { return s == name }, Key: make([]byte, 32), DB: x.db, Doors: x.doors, Audit: x.log,
		Tenant: func(id string) *tenant.Tenant {
			if id == "contoso" {
				return contoso
			}
			return nil
		},
		Person: func(_ string, a mail.Address) (Somebody, bool) {
			for _, known := range []mail.Address{ann, boss, dora} {
				if a.Key() == known.Key() {
					return Somebody{Address: known, All: []mail.Address{known}}, true
				}
			}
			return Somebody{}, false
		},
		Do: x.do,
		Code: func(_ *store.Tx, _ *tenant.Tenant, to Somebody, c quarantine.Code) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.codes[to.Address] = c.Text
			return nil
		},
		Read:   x.read,
		Looks:  func(*store.Tx, string, string) ([]Look, error) { return x.looks, nil },
		Redact: func(_ *tenant.Tenant, text string) string { return Masked(text, nil) },
	})
	x.site.patience = 0
	x.h = x.site.Handler()
	return x
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do is what the gateway does, as far as the pages see it.
func (x *house) do(ctx context.Context, d Deed) (done Done, err error) {
	x.mu.Lock()
	x.deeds = append(x.deeds, d)
	x.mu.Unlock()
	ends := map[quarantine.Act]quarantine.How{
		quarantine.Cancel: quarantine.Cancelled, quarantine.Remove: quarantine.Removed, quarantine.Send: quarantine.Sent,
		quarantine.Release: quarantine.Released,
	}
	err = x.db.Update(ctx, func(tx *store.Tx) error {
		done = Done{}
		var no error
		for _, to := range d.To {
			h, found, err := quarantine.Find(tx, d.Message, to)
			if err != nil || !found {
				return err
			}
			now := time.Now()
			how, standing := ends[d.Act], quarantine.Agreed
			switch {
			case d.Act == quarantine.Approve, d.Act == quarantine.Reject:
				how = quarantine.Released
				if standing, err = h.Say(d.Person, d.Act == quarantine.Approve, d.Text, now); standing == quarantine.Refused {
					how = quarantine.Rejected
				}
			case how != "":
				if err = h.May(d.Person, d.Act); err == nil && d.Act == quarantine.Send {
					h.Reason, err = h.ReasonFor(d.Choice, d.Text, now)
				}
			default:
				if err, standing = h.Change(d.Person, d.Act, d.Text, d.Other, now), quarantine.Open; err == nil {
					done.Done++
				}
			}
			switch {
			case quarantine.WhyOf(err) != "":
				no = err
			case err != nil:
				return err
			case standing == quarantine.Open:
				err = quarantine.Put(tx, h)
				done.Agreed++
			default:
				err = quarantine.End(tx, h, how, d.Person.Key(), d.Person.By, d.Text, now)
				done.Done++
			}
			if err != nil && no == nil {
				return err
			}
		}
		if done.Done+done.Agreed == 0 {
			return no
		}
		return nil
	})
	return done, err
}

type opened struct{ mail.Bytes }

func (opened) Close() error { return nil }

func (x *house) read(_ context.Context, r Reading) (Opened, error) {
	var holds []quarantine.Hold
	err := x.db.View(x.Context(), func(tx *store.Tx) (err error) {
		holds, err = quarantine.Of(tx, r.Message)
		return err
	})
	depth, _, no := quarantine.View(holds, r.Person)
	switch {
	case err != nil:
		return nil, err
	case no != nil:
		return nil, no
	case r.Whole && depth != quarantine.Whole:
		return nil, &quarantine.Refusal{Code: quarantine.NeedsRight, Text: "redacted only"}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.looks = append(x.looks, Look{By: r.Person.Key(), At: time.Now(), Whole: r.Whole})
	return opened{mail.Bytes(x.bodies[r.Message])}, nil
}

// hold puts a mail of ann's that waits for boss; edit changes it.
func (x *house) hold(id string, edit func(h *quarantine.Hold)) {
	x.Helper()
	must(x.T, x.db.Update(x.Context(), func(tx *store.Tx) error { return x.add(tx, id, edit) }))
}

func (x *house) add(tx *store.Tx, id string, edit func(h *quarantine.Hold)) error {
	now := time.Now()
	h := quarantine.Hold{
		Message: id, Recipient: bob, Tenant: "contoso", Ref: "K7TQ-M2XD", Sender: ann, Own: []mail.Address{ann},
		Subject: "Salaries for the new team", Size: 18231, Rules: []string{"iban"}, Rule: "Account numbers leave the organization",
		Because: "3 account numbers (high) in salaries.xlsx go outside", Panel: quarantine.Panel{Seats: []mail.Address{boss}}, Of: 1,
		Since: now.Add(-time.Hour), Until: now.Add(47 * time.Hour), End: policy.EndRefuse,
	}
	if edit != nil {
		edit(&h)
	}
	if err := quarantine.Add(tx, h); err != nil {
		return err
	}
	if _, err := x.log.Get(tx, id); err == nil {
		return nil
	}
	return x.log.Save(tx, audit.Message{
		ID: id, Tenant: "contoso", Direction: mail.Out, From: ann, Subject: h.Subject, Received: h.Since,
		Recipients: []audit.Recipient{},
		Findings: []detect.Finding{{
			Type: "IBAN", Count: 3, Name: "salaries.xlsx", Place: "sheet 2, cell B7", Sample: "DE89 •••• •••• 3000", Confidence: detect.High,
		}},
		Parts: []audit.Part{
			{Path: "2", Name: "salaries.xlsx", Type: "application/vnd.ms-excel", Size: 18231, Attachment: true},
			{Path: "22", Name: "secret.zip", Size: 90, Attachment: true},
		},
		Unseen: []mail.Unseen{{Part: "22/plan.docx", Reason: mail.Encrypted}, {Part: "22", Reason: mail.TooDeep}, {Part: "22/b", Reason: mail.Encrypted}},
		Steps:  []audit.Step{{Name: "received", At: time.Now()}, {Name: "looked", At: time.Now()}, {Name: "reminded", At: time.Now()}},
	})
}

// link is a link as a mail has it.
func (x *house) link(message string, to mail.Address) string {
	x.Helper()
	var token string
	must(x.T, x.db.Update(x.Context(), func(tx *store.Tx) (err error) {
		token, err = x.doors.NewToken(tx, quarantine.Token{
			Purpose: quarantine.ToSee, Tenant: "contoso", Message: message, Address: to, Until: time.Now().Add(time.Hour),
		})
		return err
	}))
	return "/approve/" + token
}

func (x *house) state(message string, to mail.Address) quarantine.Hold {
	x.Helper()
	var h quarantine.Hold
	must(x.T, x.db.View(x.Context(), func(tx *store.Tx) (err error) {
		h, _, err = quarantine.Find(tx, message, to)
		return err
	}))
	return h
}

// browser keeps cookies as one does.
type browser struct {
	*house
	jar  map[string]string
	page string // the last one
	at   string
	code int
	head http.Header
}

func (x *house) browser() *browser { return &browser{house: x, jar: map[string]string{}} }

// get opens a page and follows where it leads.
func (b *browser) get(path string, header ...string) *browser {
	return b.send("GET", path, "", header...)
}

func (b *browser) send(method, path, body string, header ...string) *browser {
	b.Helper()
	for range 5 {
		r := httptest.NewRequest(method, "https://"+name+path, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:40000"
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if r.Header.Get("Sec-Fetch-Site") == "" {
				r.Header.Set("Sec-Fetch-Site", "same-origin")
			}
		}
		for k, v := range b.jar {
			r.AddCookie(&http.Cookie{Name: k, Value: v})
		}
		w := httptest.NewRecorder()
		b.h.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if c.MaxAge < 0 {
				delete(b.jar, c.Name)
				continue
			}
			if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
				b.Errorf("cookie %s: %+v", c.Name, c)
			}
			b.jar[c.Name] = c.Value
		}
		b.page, b.code, b.head, b.at = w.Body.String(), w.Code, w.Header(), path
		if w.Code != http.StatusSeeOther {
			return b
		}
		to := w.Header().Get("Location")
		if strings.HasPrefix(to, "https://") {
			return b
		}
		method, path, body = "GET", to, ""
	}
	b.Fatal("it leads in circles")
	return b
}

// form is a form of a page: its address and the fields that are filled in.
type form struct {
	action string
	fields url.Values
	does   []string // the values of its buttons
}

// forms reads the forms of a page.
func forms(page string) (list []form) {
	attr := func(tag, name string) string {
		m := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
	for _, part := range regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`).FindAllString(page, -1) {
		f := form{action: attr(part, " action"), fields: url.Values{}}
		for _, tag := range regexp.MustCompile(`<(?:input|textarea)[^>]*>`).FindAllString(part, -1) {
			kind := attr(tag, " type")
			if (kind == "checkbox" || kind == "radio") && !strings.Contains(tag, " checked") {
				continue
			}
			f.fields.Add(attr(tag, " name"), attr(tag, " value"))
		}
		for _, tag := range regexp.MustCompile(`<button[^>]*>`).FindAllString(part, -1) {
			if do := attr(tag, " value"); do != "" {
				f.does = append(f.does, do)
			}
		}
		list = append(list, f)
	}
	return list
}

// press presses the button that does something, with some fields filled in.
func (b *browser) press(do string, fill ...string) *browser {
	b.Helper()
	for _, f := range forms(b.page) {
		for _, d := range f.does {
			if d != do {
				continue
			}
			f.fields.Set("do", do)
			for i := 0; i+1 < len(fill); i += 2 {
				f.fields[fill[i]] = strings.Split(fill[i+1], "|")
			}
			return b.send("POST", f.action, f.fields.Encode())
		}
	}
	b.Fatalf("there is no button %q on %s:\n%s", do, b.at, b.page)
	return b
}

func (b *browser) sees(texts ...string) *browser {
	b.Helper()
	plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(b.page, ""))
	for _, text := range texts {
		if !strings.Contains(plain, text) {
			b.Errorf("no %q on %s:\n%s", text, b.at, strings.Join(strings.Fields(plain), " "))
		}
	}
	return b
}

func (b *browser) misses(texts ...string) *browser {
	b.Helper()
	for _, text := range texts {
		if strings.Contains(b.page, text) {
			b.Errorf("%q is on %s", text, b.at)
		}
	}
	return b
}

// codeOf waits for the code that was sent to a mailbox.
func (x *house) codeOf(a mail.Address) string {
	x.Helper()
	for range 500 {
		x.mu.Lock()
		code := x.codes[a]
		x.mu.Unlock()
		if code != "" {
			return code
		}
		time.Sleep(10 * time.Millisecond)
	}
	x.Fatal("no code came")
	return ""
}

// known is a browser that a code has bound to a mailbox, on a page.
func (x *house) known(link string, to mail.Address) *browser {
	x.Helper()
	b := x.browser().get(link)
	x.mu.Lock()
	delete(x.codes, to)
	x.mu.Unlock()
	b.press("code")
	b.press("enter", "code", x.codeOf(to))
	if !strings.Contains(b.page, "You are") {
		x.Fatalf("%s is not known: %d\n%s", to, b.code, b.page)
	}
	return b
}

func (x *house) decisions() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.deeds)
}
