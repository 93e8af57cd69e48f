package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// Users of the machine with roles.
const (
	whoSees, whoDecides, whoReads = "uid:1001", "uid:1002", "uid:1003"
	oneOfTwo, otherOfTwo          = "uid:1004", "uid:1005"
	ofFabrikam, withoutRole       = "uid:1006", "uid:1007"
)

func withRoles(c *Config) {
	for name, r := range map[string]Role{
		"sees":    {Users: []string{"1001"}, Tenants: []string{"contoso"}, May: []string{"metadata"}},
		"decides": {Users: []string{"1002"}, Tenants: []string{"contoso"}, May: []string{"metadata", "decide"}},
		"reads":   {Users: []string{"1003"}, Tenants: []string{"contoso"}, May: []string{"metadata", "content"}},
		"two":     {Users: []string{"1004", "1005"}, Tenants: []string{"contoso"}, May: []string{"metadata", "emergency"}},
		"others":  {Users: []string{"1006"}, Tenants: []string{"fabrikam"}, May: quarantine.RightNames()},
	} {
		r.Name = name
		c.Roles = append(c.Roles, r)
	}
}

// A message that is held, and kept as evidence, is reached by each role as far
// as its rights say, and what somebody has no right to stands in the chain.
func TestEmergenciesAndEvidenceAskForRoles(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Build(ctx, Plan{Dir: quick(t), Policies: everyWay + "---" + accountsKept, InProcess: true, Configure: withRoles})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	raw := message("account", "IBAN DE89 3704 0044 0532 0130 00")
	if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, raw, fakeexchange.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	m := do(t, h, "evidence-list", Call{}, whoSees).Evidence[0].Message
	call := Call{Message: m, Reason: "a court asks"}
	e := do(t, h, "emergency-ask", call, oneOfTwo).Emergencies[0]
	for _, x := range []struct {
		verb string
		call Call
		// no is why these are refused, in the order of the users below.
		no [5]quarantine.Why
	}{
		{"evidence-show", call, [5]quarantine.Why{"", "", "", "no-such", "needs-right"}},
		{"evidence-pin", call, [5]quarantine.Why{"needs-right", "", "needs-right", "no-such", "needs-right"}},
		{"evidence-unpin", call, [5]quarantine.Why{"needs-right", "", "needs-right", "no-such", "needs-right"}},
		{"emergency-list", call, [5]quarantine.Why{"", "", "", "", "needs-right"}},
		{"emergency-ask", call, [5]quarantine.Why{"needs-right", "needs-right", "needs-right", "no-such", "needs-right"}},
		{"emergency-confirm", Call{Message: e.ID}, [5]quarantine.Why{"needs-right", "needs-right", "needs-right", "no-such", "needs-right"}},
		{"emergency-confirm", Call{Message: "none"}, [5]quarantine.Why{"no-such", "no-such", "no-such", "no-such", "needs-right"}},
		{"evidence-export", call, [5]quarantine.Why{"needs-right", "needs-right", "", "no-such", "needs-right"}},
		{"emergency-read", call, [5]quarantine.Why{"needs-right", "needs-right", "", "no-such", "needs-right"}},
	} {
		for i, actor := range []string{whoSees, whoDecides, whoReads, ofFabrikam, withoutRole} {
			if why := quarantine.WhyOf(h.tryTo(x.verb, x.call, actor)); why != x.no[i] {
				t.Errorf("%s by %s: %q, want %q", x.verb, actor, why, x.no[i])
			}
		}
	}
	if list := do(t, h, "evidence-list", Call{}, ofFabrikam).Evidence; len(list) != 0 {
		t.Errorf("another tenant sees %d copies", len(list))
	}
	if why := quarantine.WhyOf(h.tryTo("emergency-confirm", Call{Message: e.ID}, oneOfTwo)); why != quarantine.OwnMail {
		t.Errorf("one person alone: %q", why)
	}
	do(t, h, "emergency-confirm", Call{Message: e.ID}, otherOfTwo)
	for _, actor := range []string{oneOfTwo, otherOfTwo} {
		if err := h.tryTo("emergency-read", call, actor); err != nil {
			t.Errorf("%s, of two who agree: %v", actor, err)
		}
	}
	events := map[string]int{}
	err = h.App.DB.View(ctx, func(tx *store.Tx) error {
		list, err := h.App.Audit.Events(tx, "contoso", m)
		for _, x := range list {
			events[x.Kind+" by "+x.Actor]++
		}
		return err
	})
	for what, want := range map[string]int{
		"not allowed by " + whoSees: 6, "not allowed by " + whoDecides: 4, "not allowed by " + whoReads: 4, "not allowed by " + ofFabrikam: 8,
		"read by " + whoReads: 1, "evidence read by " + whoReads: 1, "read by " + oneOfTwo: 1, "emergency confirmed by " + otherOfTwo: 1,
	} {
		if err != nil || events[what] != want {
			t.Errorf("%s stands %d times in the chain, want %d: %v %v", what, events[what], want, events, err)
		}
	}
	if r, err := h.App.Audit.Verify(ctx, "contoso"); err != nil || !r.Ok() {
		t.Errorf("%+v %v", r, err)
	}
	h.socketAPI(t, m)
}

// tryTo carries a verb out, one that gives content too.
func (h *House) tryTo(verb string, c Call, actor string) error {
	ctx := context.Background()
	if verb != "evidence-export" && verb != "emergency-read" {
		_, err := h.App.Do(ctx, verb, c, actor)
		return err
	}
	_, closer, err := h.App.Content(ctx, verb, c, actor)
	if err == nil {
		err = closer.Close()
	}
	return err
}

// socketAPI asks /api/v1/held on the admin socket, as users whom the kernel
// names.
func (h *House) socketAPI(t *testing.T, m string) {
	ask := func(uid uint32, method, path, body string) (int, string) {
		r := httptest.NewRequest(method, "http://postern"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.App.handleAdmin(w, r.WithContext(context.WithValue(t.Context(), peerKey{}, uid)))
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %q", path, w.Body)
		}
		return w.Code, w.Body.String()
	}
	for _, x := range []struct {
		uid                      uint32
		method, path, body, says string
		status                   int
	}{
		{1001, "GET", "/api/v1/held", "", `"message":"` + m, 200},
		{1006, "GET", "/api/v1/held", "", `"held":[]`, 200},
		{1006, "GET", "/api/v1/held/" + m, "", `no-such`, 404},
		{1007, "GET", "/api/v1/held", "", `P760`, 403},
		{1001, "GET", "/api/v1/held/" + m, "", `"kind":"emergency confirmed"`, 200},
		{1001, "GET", "/api/v1/messages", "", `no such page`, 404},
		{1001, "POST", "/api/v1/held/" + m + "/decide", `{"decision":"approve"}`, `P760`, 403},
		{1002, "POST", "/api/v1/held/" + m + "/decide", `{"decision":"approve","comment":"by telephone"}`, `"done":1`, 200},
		{1002, "POST", "/api/v1/held/" + m + "/decide", `{"decision":"approve"}`, `"by":"uid:1002"`, 200},
		{1002, "POST", "/api/v1/held/" + m + "/decide", `{"decision":"reject"}`, `"how":"released"`, 409},
		{1001, "GET", "/api/v1/held?state=over", "", `"by":"uid:1002"`, 200},
	} {
		if status, text := ask(x.uid, x.method, x.path, x.body); status != x.status || !strings.Contains(text, x.says) {
			t.Errorf("%d %s %s: %d %s", x.uid, x.method, x.path, status, text)
		}
	}
	w := httptest.NewRecorder()
	h.App.handleAdmin(w, httptest.NewRequest(http.MethodGet, "http://postern/api/v1/held", nil))
	if w.Code != http.StatusForbidden {
		t.Error(fmt.Sprint("without a peer: ", w.Code))
	}
}
