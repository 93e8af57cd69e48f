package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
)

// office is a console with held mail of two tenants, and with users who have
// different roles.
type office struct {
	*house
	refused []string // what the desk was told to note
}

// The users of the office: root has all but content of all tenants.
const (
	sees    = 1001 // metadata of contoso
	reads   = 1002 // and content
	decides = 1003 // and decide, without content
	frees   = 1004 // and malware
	foreign = 1005 // all of fabrikam
	nothing = 1006 // no role
)

func officeRoles() quarantine.Roles {
	role := func(uid uint32, tenant string, may ...string) quarantine.Role {
		r, _ := quarantine.ParseRights(may)
		return quarantine.Role{Name: fmt.Sprint(uid), UIDs: []uint32{uid}, Tenants: []string{tenant}, Rights: r}
	}
	return append(quarantine.DefaultRoles(0),
		role(sees, "contoso", "metadata"), role(reads, "contoso", "metadata", "content"),
		role(decides, "contoso", "metadata", "decide"), role(frees, "contoso", "metadata", "decide", "malware"),
		role(foreign, "fabrikam", "metadata", "content", "decide", "malware", "emergency"))
}

// heldAt is a hold of a tenant that began a moment ago.
func heldAt(tenant, id string, since time.Time, change func(*quarantine.Hold)) quarantine.Hold {
	h := quarantine.New(quarantine.Hold{
		Message: id, Recipient: "bob@else.example", Tenant: tenant, Ref: "REF-" + id, Sender: mail.Address("ann@" + tenant + ".example"),
		Subject: "offer <b>" + id, Rules: []string{"cards"}, Rule: "cards", Because: "3 card numbers", Size: 100,
	}, &policy.Hold{For: 48 * time.Hour, Then: policy.EndRefuse},
		quarantine.Panel{Named: []string{"manager"}, Seats: []mail.Address{mail.Address("boss@" + tenant + ".example")}}, since)
	if change != nil {
		change(&h)
	}
	return h
}

// inOffice runs a test there, at noon of the first day.
func inOffice(t *testing.T, test func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newOffice(t)) })
}

func newOffice(t testing.TB) *office {
	db := storetest.SQLite(t)
	log, err := audit.Open(t.Context(), db, []byte(strings.Repeat("k", 32)))
	if err == nil {
		err = errors.Join(task.Migrate(t.Context(), db), quarantine.Migrate(t.Context(), db))
	}
	if err != nil {
		t.Fatal(err)
	}
	o := &office{house: &house{}}
	o.t, _ = t.(*testing.T)
	o.Console = New(Config{
		Audit: log, DB: db, Version: "test", Started: time.Now(), Held: o.desk(db),
		Looks: func(_ *store.Tx, tenant, _ string) ([]Look, error) {
			return []Look{{At: time.Now(), Kind: "read", By: "boss@" + tenant + ".example", Actor: "approver", As: quarantine.AsApprover}}, nil
		},
	})
	o.handler = o.Handler()
	now := time.Now()
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for i, h := range []quarantine.Hold{
			heldAt("contoso", "c1", now.Add(-72*time.Hour), nil), heldAt("contoso", "c2", now.Add(-time.Hour), nil),
			heldAt("contoso", "c3", now, func(h *quarantine.Hold) { h.Danger = true }),
			heldAt("fabrikam", "f1", now.Add(-time.Hour), nil),
		} {
			if err := quarantine.Add(tx, h); err != nil {
				return err
			}
			m := audit.Message{ID: h.Message, Tenant: h.Tenant, Ref: fmt.Sprintf("K7TQ-000%d", i), Received: h.Since}
			m.Findings = []detect.Finding{{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1", Count: 3, Confidence: detect.High, Sample: "4012 •••• •••• 1881"}}
			m.Did("held", "1 recipient", h.Since)
			if err := log.Save(tx, m); err != nil {
				return err
			}
		}
		over := heldAt("contoso", "c4", now.Add(-4*time.Hour), nil)
		old := quarantine.Bulk{ID: "bulk-of-contoso", Tenant: "contoso", Filter: quarantine.Filter{Tenant: "contoso"}, Ended: now}
		return errors.Join(quarantine.AddBulk(tx, old), quarantine.Add(tx, over),
			quarantine.End(tx, over, quarantine.Rejected, "boss@contoso.example", quarantine.ByDevice, "no", now.Add(-2*time.Hour)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// desk decides as the gateway does, without mail.
func (o *office) desk(db *store.DB) *quarantine.Desk {
	each := func(ctx context.Context, s quarantine.Saying, do func(tx *store.Tx, h quarantine.Hold) error) (n int, left, err error) {
		err = db.Update(ctx, func(tx *store.Tx) error {
			n = 0
			list, err := quarantine.Of(tx, s.Message)
			var no *quarantine.Refusal
			for _, h := range list {
				if err != nil || len(s.To) > 0 && !slices.Contains(s.To, h.Recipient) {
					continue
				}
				if refused := do(tx, h); errors.As(refused, &no) {
					continue
				} else if err = refused; err == nil {
					n++
				}
			}
			switch {
			case err != nil || no == nil:
			case n == 0:
				err = no
			default:
				left = no
			}
			return err
		})
		return n, left, err
	}
	return &quarantine.Desk{
		DB: db, Roles: officeRoles(),
		Decide: func(ctx context.Context, p quarantine.Person, s quarantine.Saying) (said quarantine.Said, err error) {
			said.Done, said.Left, err = each(ctx, s, func(tx *store.Tx, h quarantine.Hold) error {
				if _, err := h.Say(p, s.Approve, s.Text, time.Now()); err != nil {
					return err
				}
				how := quarantine.Rejected
				if s.Approve {
					how = quarantine.Released
				}
				return quarantine.End(tx, h, how, p.Key(), p.By, s.Text, time.Now())
			})
			return said, err
		},
		Handle: func(ctx context.Context, p quarantine.Person, a quarantine.Act, s quarantine.Saying) (int, error) {
			n, _, err := each(ctx, s, func(tx *store.Tx, h quarantine.Hold) error {
				if err := h.Change(p, a, s.Text, s.Other, time.Now()); err != nil {
					return err
				}
				return quarantine.Put(tx, h)
			})
			return n, err
		},
		Refused: func(_ context.Context, c quarantine.Caller, a quarantine.Act, tenant, message string, _ error) {
			o.refused = append(o.refused, fmt.Sprintf("%s %s %s/%s", c.Name(), a, tenant, message))
		},
	}
}

// as enters the console as a user.
func (o *office) as(uid uint32, heldOnly bool) {
	o.t.Helper()
	o.cookie = nil
	res := o.do("GET", strings.TrimPrefix(o.OneTimeLink("", Visitor{UID: uid, HeldOnly: heldOnly}), ""))
	if len(res.Cookies()) != 1 {
		o.t.Fatalf("no session: %d", res.StatusCode)
	}
	o.cookie = res.Cookies()[0]
}

// call asks the API, as the console's own page would.
func (o *office) call(method, target, content string, change ...func(*http.Request)) (int, map[string]any) {
	o.t.Helper()
	res := o.do(method, target, append([]func(*http.Request){func(r *http.Request) {
		*r = *withBody(r, content)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "http://127.0.0.1:8025")
	}}, change...)...)
	text := body(o.t, res)
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil || res.Header.Get("Content-Type") != "application/json" {
		o.t.Fatalf("%s %s: %d %q: %v", method, target, res.StatusCode, text, err)
	}
	if strings.Contains(text, "<") {
		o.t.Errorf("%s %s: %q", method, target, text)
	}
	return res.StatusCode, v
}

func withBody(r *http.Request, content string) *http.Request {
	x := httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(content)).WithContext(r.Context())
	x.Host, x.Header = r.Host, r.Header
	return x
}

// ids are the messages of a list.
func ids(v map[string]any) string {
	var list []string
	rows, _ := v["held"].([]any)
	for _, x := range rows {
		list = append(list, x.(map[string]any)["message"].(string))
	}
	return strings.Join(list, " ")
}

func TestEachRoleReachesWhatItsRightsSayByEachRoute(t *testing.T) {
	const own, other = "c2", "f1"
	bulk := `{"decision":"approve","filter":{"tenant":"contoso"},"total":99}`
	routes := []struct {
		name, method, target, content string
		// want is the answer to those who see, read, decide, free malware, are
		// of the other tenant, and have no role.
		want [6]int
	}{
		{"list", "GET", "/api/v1/held", "", [6]int{200, 200, 200, 200, 200, 403}},
		{"list of a tenant", "GET", "/api/v1/held?tenant=contoso", "", [6]int{200, 200, 200, 200, 403, 403}},
		{"list of the other tenant", "GET", "/api/v1/held?tenant=fabrikam", "", [6]int{403, 403, 403, 403, 200, 403}},
		{"one message", "GET", "/api/v1/held/" + own, "", [6]int{200, 200, 200, 200, 404, 403}},
		{"by its reference", "GET", "/api/v1/held/k7tq-0001", "", [6]int{200, 200, 200, 200, 404, 403}},
		{"one of the other tenant", "GET", "/api/v1/held/" + other, "", [6]int{404, 404, 404, 404, 200, 403}},
		{"one that there is not", "GET", "/api/v1/held/none", "", [6]int{404, 404, 404, 404, 404, 403}},
		{"ask", "POST", "/api/v1/held/" + own + "/ask", `{"text":"why?"}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"hand on", "POST", "/api/v1/held/" + own + "/hand-on", `{"other":"dana@contoso.example"}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"pin", "POST", "/api/v1/held/" + own + "/pin", `{"text":"a court asks"}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"unpin", "POST", "/api/v1/held/" + own + "/unpin", `{}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"preview", "POST", "/api/v1/held/bulk/preview", bulk, [6]int{403, 403, 200, 200, 403, 403}},
		{"begin", "POST", "/api/v1/held/bulk", bulk, [6]int{403, 403, 202, 202, 403, 403}},
		{"bulk decisions", "GET", "/api/v1/held/bulk", "", [6]int{200, 200, 200, 200, 200, 403}},
		{"one of them", "GET", "/api/v1/held/bulk/bulk-of-contoso", "", [6]int{200, 200, 200, 200, 404, 403}},
		{"stop", "POST", "/api/v1/held/bulk/bulk-of-contoso/stop", `{}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"reject", "POST", "/api/v1/held/" + own + "/decide", `{"decision":"reject"}`, [6]int{403, 403, 200, 200, 404, 403}},
		{"let malware go", "POST", "/api/v1/held/c3/decide", `{"decision":"approve"}`, [6]int{403, 403, 403, 200, 404, 403}},
		{"the list of all mail", "GET", "/api/v1/messages", "", [6]int{403, 403, 403, 403, 403, 403}},
		{"what leads nowhere", "GET", "/api/v1/else", "", [6]int{404, 404, 404, 404, 404, 404}},
		{"a record", "GET", "/api/v1/messages/" + own, "", [6]int{403, 403, 403, 403, 403, 403}},
	}
	asked := 0
	for i, uid := range []uint32{sees, reads, decides, frees, foreign, nothing} {
		inOffice(t, func(o *office) {
			o.as(uid, true)
			for _, x := range routes {
				o.refused = nil
				status, v := o.call(x.method, x.target, x.content)
				asked++
				if status != x.want[i] {
					t.Errorf("%d, %s: %d, want %d: %v", uid, x.name, status, x.want[i], v)
				}
				foreigner := map[uint32]string{foreign: "contoso"}[uid]
				if foreigner == "" {
					foreigner = "fabrikam"
				}
				if strings.Contains(fmt.Sprint(v), foreigner) {
					t.Errorf("%d, %s: it names another tenant: %v", uid, x.name, v)
				}
				if status == 403 && (v["code"] != "P760" || v["impact"] == nil || v["hint"] == nil || v["why"] != "needs-right") {
					t.Errorf("%d, %s: %v", uid, x.name, v)
				}
				if noted := len(o.refused) == 1; noted != (status == 403 || status == 404 && x.name != "one that there is not" && x.name != "what leads nowhere") {
					t.Errorf("%d, %s: %d, noted %q", uid, x.name, status, o.refused)
				}
			}
		})
	}
	t.Logf("%d questions", asked)
}

func TestADecisionIsMadeOnceAndTheNextOneLearnsOfIt(t *testing.T) {
	inOffice(t, func(o *office) {
		o.as(decides, true)
		const at = "/api/v1/held/c1/decide"
		reject := `{"decision":"reject","comment":"use the portal","to":["bob@else.example"]}`
		status, v := o.call("POST", at, reject)
		if status != 200 || v["done"] != 1.0 || v["over"] != nil {
			t.Fatalf("%d %v", status, v)
		}
		for _, uid := range []uint32{decides, frees} {
			o.as(uid, true)
			status, v = o.call("POST", at, reject)
			over, _ := v["over"].(map[string]any)
			if status != 200 || v["done"] != 0.0 || over["by"] != "uid:1003" || over["how"] != "rejected" || over["at"] == nil {
				t.Errorf("the same again: %d %v", status, v)
			}
			status, v = o.call("POST", at, `{"decision":"approve"}`)
			over, _ = v["over"].(map[string]any)
			if status != 409 || v["why"] != "over" || over["by"] != "uid:1003" || v["impact"] != unchanged {
				t.Errorf("the opposite: %d %v", status, v)
			}
		}
		status, v = o.call("GET", "/api/v1/held/c1", "")
		said := fmt.Sprint(v)
		if status != 200 || !strings.Contains(said, "use the portal") || !strings.Contains(said, "4012 •••• •••• 1881") ||
			!strings.Contains(said, "boss@contoso.example") || fmt.Sprint(v["may"]) != "[see]" {
			t.Errorf("%d %v", status, v)
		}
	})
}

func TestADecisionSaysForWhomItWasNotCarriedOut(t *testing.T) {
	inOffice(t, func(o *office) {
		err := o.DB.Update(o.t.Context(), func(tx *store.Tx) error {
			return quarantine.Add(tx, heldAt("contoso", "c1", time.Now(), func(h *quarantine.Hold) {
				h.Recipient, h.Danger = "dan@else.example", true
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
		o.as(decides, true)
		status, v := o.call("POST", "/api/v1/held/c1/decide", `{"decision":"approve"}`)
		left, _ := v["left"].(map[string]any)
		if status != 200 || v["done"] != 1.0 || left["why"] != "needs-right" || len(o.refused) != 1 {
			t.Errorf("%d %v, noted %q", status, v, o.refused)
		}
	})
}

func TestListsOfHeldMailAreChosenAndPagedByTheirParameters(t *testing.T) {
	inOffice(t, func(o *office) {
		o.as(0, false)
		for _, x := range []struct{ query, want string }{
			{"", "c1 c2 f1 c3"}, {"tenant=contoso", "c1 c2 c3"}, {"state=waiting&tenant=fabrikam", "f1"}, {"state=over", "c4"},
			{"state=over&sender=ann@contoso.example&policy=cards&text=c4", "c4"}, {"state=over&text=c1", ""},
			{"state=over&younger=90m", ""}, {"state=over&younger=3h&older=1h", "c4"},
			{"approver=BOSS@contoso.example", "c1 c2 c3"}, {"approver=-", ""}, {"sender=ann@fabrikam.example", "f1"},
			{"recipient=bob@else.example&domain=else.example&text=offer+c2", "c2"}, {"policy=none", ""}, {"pinned=true", ""},
			{"older=30m", "c1 c2 f1"}, {"younger=2d", "c2 f1 c3"}, {"older=2d&tenant=contoso", "c1"}, {"younger=2h&older=30m&sender=ann@contoso.example", "c2"},
		} {
			status, v := o.call("GET", "/api/v1/held?"+x.query, "")
			if status != 200 || ids(v) != x.want {
				t.Errorf("%s: %d %q, want %q", x.query, status, ids(v), x.want)
			}
			var paged []string
			for next := "/api/v1/held?limit=1&" + x.query; next != ""; {
				_, v := o.call("GET", next, "")
				paged = append(paged, ids(v))
				next, _ = v["next"].(string)
			}
			if strings.Join(paged, " ") != x.want {
				t.Errorf("%s, row by row: %q", x.query, paged)
			}
		}
		for _, query := range []string{
			"state=all", "sender=x", "approver=@", "older=yes", "older=-1h", "younger=99999d", "limit=0", "limit=501", "limit=x", "behind=!",
			"behind=" + strings.Repeat("A", 2000), "pinned=yes", "tennant=contoso", "tenant=a&tenant=b",
		} {
			if status, v := o.call("GET", "/api/v1/held?"+query, ""); status != 400 || v["error"] == "" {
				t.Errorf("%s: %d %v", query, status, v)
			}
		}
	})
}

func TestABulkDecisionIsAboutNoMoreThanWasShown(t *testing.T) {
	inOffice(t, func(o *office) {
		o.as(decides, true)
		call := `{"id":"clean-up-1","decision":"reject","filter":{"sender":"ann@contoso.example"},"comment":"no","total":%d}`
		status, v := o.call("POST", "/api/v1/held/bulk/preview", fmt.Sprintf(call, 0))
		if status != 200 || v["total"] != 3.0 {
			t.Fatalf("%d %v", status, v)
		}
		for _, total := range []int{0, -1, 2} {
			if status, v := o.call("POST", "/api/v1/held/bulk", fmt.Sprintf(call, total)); status == 202 {
				t.Errorf("%d shown: %v", total, v)
			}
		}
		for range 2 { // the same name again is the same decision
			status, v = o.call("POST", "/api/v1/held/bulk", fmt.Sprintf(call, 3))
			if status != 202 || v["id"] != "clean-up-1" || v["total"] != 3.0 || v["tenant"] != "contoso" || v["by"] != "uid:1003" {
				t.Fatalf("%d %v", status, v)
			}
		}
		if status, v := o.call("GET", "/api/v1/held/bulk/clean-up-1", ""); status != 200 || v["done"] != 0.0 {
			t.Errorf("%d %v", status, v)
		}
		for name, content := range map[string]string{
			"another's id":     `{"id":"clean-up-1","decision":"approve","filter":{},"total":9}`,
			"a short id":       `{"id":"x","decision":"approve","filter":{},"total":9}`,
			"what is over":     `{"decision":"approve","filter":{"state":"over"},"total":9}`,
			"no decision":      `{"filter":{},"total":9}`,
			"an unknown field": `{"decision":"approve","filter":{"form":"x"},"total":9}`,
		} {
			if status, v := o.call("POST", "/api/v1/held/bulk", content); status < 400 {
				t.Errorf("%s: %v", name, v)
			}
		}
		o.as(foreign, true)
		if status, v := o.call("POST", "/api/v1/held/bulk", `{"id":"clean-up-1","decision":"reject","filter":{},"total":9}`); status != 409 || v["by"] != nil {
			t.Errorf("the other tenant got it by its name: %d %v", status, v)
		}
		if status, _ := o.call("POST", "/api/v1/held/bulk/clean-up-1/stop", "{}"); status != 404 {
			t.Errorf("the other tenant stops it: %d", status)
		}
		o.as(frees, true)
		if status, v := o.call("POST", "/api/v1/held/bulk/clean-up-1/stop", "{}"); status != 200 || v["stopped"] != true {
			t.Errorf("%d %v", status, v)
		}
		o.as(decides, true)
		for id := range strings.FieldsSeq("c1 c2 c3") { // nobody is left, and it is still the same decision
			o.call("POST", "/api/v1/held/"+id+"/decide", `{"decision":"reject"}`)
		}
		if status, v := o.call("POST", "/api/v1/held/bulk", fmt.Sprintf(call, 3)); status != 202 || v["stopped"] != true {
			t.Errorf("asked again when it is over: %d %v", status, v)
		}
		long := fmt.Sprintf(`{"decision":"reject","filter":{},"total":9,"comment":%q}`, strings.Repeat("x", 2001))
		if status, v := o.call("POST", "/api/v1/held/bulk", long); status != 409 {
			t.Errorf("a comment that no decision takes: %d %v", status, v)
		}
	})
}

func TestAPageOfAnotherSiteDecidesNothing(t *testing.T) {
	form := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	for _, x := range []struct {
		name   string
		status int
		change func(*http.Request)
	}{
		{"a form of our own origin", 415, form},
		{"a form with nothing that says whence", 415, func(r *http.Request) { form(r); r.Header.Del("Origin") }},
		{"another origin", 403, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }},
		{"another port of this machine", 403, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:3000") }},
		{"a browser that says same-site only", 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		{"a name that was made to point here", 421, func(r *http.Request) { r.Host = "evil.example:8025" }},
		{"no session", 401, func(r *http.Request) { r.Header.Del("Cookie") }},
		{"GET", 405, func(r *http.Request) { r.Method = "GET" }},
		{"PUT", 405, func(r *http.Request) { r.Method = "PUT" }},
		{"too much", 413, func(r *http.Request) {
			*r = *withBody(r, `{"decision":"reject","comment":"`+strings.Repeat("x", maxAPIBody)+`"}`)
		}},
		{"two documents", 400, func(r *http.Request) { *r = *withBody(r, `{"decision":"reject"}{"decision":"reject"}`) }},
		{"no document", 400, func(r *http.Request) { *r = *withBody(r, "") }},
		{"an array", 400, func(r *http.Request) { *r = *withBody(r, `["reject"]`) }},
		{"an unknown field", 400, func(r *http.Request) { *r = *withBody(r, `{"decision":"reject","all":true}`) }},
		{"no address", 422, func(r *http.Request) { *r = *withBody(r, `{"decision":"reject","to":["x"]}`) }},
		{"the null address", 422, func(r *http.Request) { *r = *withBody(r, `{"decision":"reject","to":[""]}`) }},
		{"no decision", 422, func(r *http.Request) { *r = *withBody(r, `{"decision":"release"}`) }},
	} {
		inOffice(t, func(o *office) {
			o.as(decides, true)
			if status, v := o.call("POST", "/api/v1/held/c1/decide", `{"decision":"reject"}`, x.change); status != x.status {
				t.Errorf("%s: %d, want %d: %v", x.name, status, x.status, v)
			}
			if _, v := o.call("GET", "/api/v1/held", "", func(r *http.Request) { r.Header.Del("Origin") }); ids(v) != "c1 c2 c3" {
				t.Errorf("%s: %q wait", x.name, ids(v))
			}
		})
	}
}

func TestTheSocketKnowsItsCallerAndNeedsNoSession(t *testing.T) {
	inOffice(t, func(o *office) {
		uid, known := uint32(decides), true
		o.handler = o.HeldAPI(func(*http.Request) (Visitor, bool) { return Visitor{UID: uid, HeldOnly: true}, known })
		if status, v := o.call("GET", "/api/v1/held", "", func(r *http.Request) { r.Host = "postern" }); status != 200 || ids(v) != "c1 c2 c3" {
			t.Errorf("%d %v", status, v)
		}
		for target, want := range map[string]int{"/api/v1/messages": 404, "/api/v1/held/c1/decide": 405, "/api/v1/held/c1": 200} {
			if status, v := o.call("GET", target, ""); status != want {
				t.Errorf("%s: %d %v", target, status, v)
			}
		}
		if status, _ := o.call("POST", "/api/v1/held/c1/decide", `{"decision":"reject"}`); status != 200 {
			t.Error(status)
		}
		if uid = sees; true {
			if status, _ := o.call("POST", "/api/v1/held/c2/decide", `{"decision":"reject"}`); status != 403 {
				t.Error(status)
			}
		}
		if known = false; true {
			if status, v := o.call("GET", "/api/v1/held", ""); status != 403 || v["code"] != "P760" {
				t.Errorf("a user without a role: %d %v", status, v)
			}
		}
	})
}

func TestTheAPIOfHeldMailAnswersAsTheDescriptionSays(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(openapi, &doc); err != nil {
		t.Fatal(err)
	}
	inOffice(t, func(o *office) {
		o.as(frees, true)
		for _, x := range []struct{ method, target, path, content string }{
			{"GET", "/api/v1/held", "/api/v1/held", ""}, {"GET", "/api/v1/held?state=over", "/api/v1/held", ""},
			{"GET", "/api/v1/held?limit=x", "/api/v1/held", ""}, {"GET", "/api/v1/held/c1", "/api/v1/held/{id}", ""},
			{"GET", "/api/v1/held/c4", "/api/v1/held/{id}", ""}, {"GET", "/api/v1/held/f1", "/api/v1/held/{id}", ""},
			{"POST", "/api/v1/held/c1/ask", "/api/v1/held/{id}/ask", `{"text":"why?"}`}, {"POST", "/api/v1/held/c1/ask", "/api/v1/held/{id}/ask", `{}`},
			{"POST", "/api/v1/held/c1/hand-on", "/api/v1/held/{id}/hand-on", `{"other":"dana@contoso.example"}`},
			{"POST", "/api/v1/held/c1/hand-on", "/api/v1/held/{id}/hand-on", `{"other":"ann@contoso.example"}`},
			{"POST", "/api/v1/held/c1/pin", "/api/v1/held/{id}/pin", `{"text":"a court asks"}`}, {"GET", "/api/v1/held/c1", "/api/v1/held/{id}", ""},
			{"POST", "/api/v1/held/c1/decide", "/api/v1/held/{id}/decide", `{"decision":"approve"}`},
			{"POST", "/api/v1/held/c1/unpin", "/api/v1/held/{id}/unpin", `{}`},
			{"POST", "/api/v1/held/c1/decide", "/api/v1/held/{id}/decide", `{"decision":"approve"}`},
			{"POST", "/api/v1/held/c1/decide", "/api/v1/held/{id}/decide", `{"decision":"approve"}`},
			{"POST", "/api/v1/held/c1/decide", "/api/v1/held/{id}/decide", `{"decision":"reject"}`},
			{"POST", "/api/v1/held/c1/decide", "/api/v1/held/{id}/decide", `{"decision":"reject"`},
			{"POST", "/api/v1/held/bulk/preview", "/api/v1/held/bulk/preview", `{"decision":"reject"}`},
			{"POST", "/api/v1/held/bulk", "/api/v1/held/bulk", `{"decision":"reject","total":2,"filter":{"older":"1s"}}`},
			{"POST", "/api/v1/held/bulk", "/api/v1/held/bulk", `{"decision":"reject","total":1,"filter":{"older":"1s"}}`},
			{"GET", "/api/v1/held/bulk", "/api/v1/held/bulk", ""}, {"GET", "/api/v1/held/bulk/bulk-of-contoso", "/api/v1/held/bulk/{id}", ""},
			{"POST", "/api/v1/held/bulk/bulk-of-contoso/stop", "/api/v1/held/bulk/{id}/stop", `{}`},
		} {
			status, v := o.call(x.method, x.target, x.content)
			schema, ok := dig(doc, "paths", x.path, strings.ToLower(x.method), "responses", fmt.Sprint(status), "content", "application/json", "schema")
			if !ok {
				t.Errorf("%s %s: the description has no answer %d: %v", x.method, x.target, status, v)
				continue
			}
			for _, e := range mismatch(doc, schema, any(v), "answer") {
				t.Errorf("%s %s: %s", x.method, x.target, e)
			}
		}
	})
}
