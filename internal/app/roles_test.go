package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

func TestRolesAreReadWithTheirRights(t *testing.T) {
	c, err := LoadConfig(configFile(t, `hostname: gw.postern.example
roles:
  - { name: officers, users: [root, 4711], tenants: [contoso], may: [metadata, content, decide] }
  - { name: lawyers, people: [lex@contoso.example, "group:legal"], may: [metadata] }
`))
	if err != nil {
		t.Fatal(err)
	}
	roles := c.roles()
	for _, x := range []struct {
		who    quarantine.Caller
		tenant string
		want   string
	}{
		{quarantine.Caller{UID: 4711}, "contoso", "metadata, content, decide"},
		{quarantine.Caller{UID: 4711}, "fabrikam", "nothing"},
		{quarantine.Caller{UID: 4711}, "", "nothing"},
		{quarantine.Caller{}, "contoso", "metadata, content, decide"},
		{quarantine.Caller{UID: 4712}, "contoso", "nothing"},
		{quarantine.Caller{Tenant: "contoso", Address: "lex@contoso.example"}, "contoso", "metadata"},
	} {
		if got := roles.Of(x.who, x.tenant, nil).String(); got != x.want {
			t.Errorf("%+v about %q: %s, want %s", x.who, x.tenant, got, x.want)
		}
	}
	if len(c.strangers()) != 1 || c.strangers()[0] != "4711" {
		t.Errorf("strangers: %q", c.strangers())
	}
}

func TestEveryMistakeOfRolesNamesItsKeyAndItsLine(t *testing.T) {
	for _, x := range []struct{ name, text, want string }{
		{"a right that there is not", "roles:\n  - name: a\n    users: [root]\n    may: [metdata]\n",
			`:5:5: roles[0].may: there is no right "metdata" (did you mean "metadata"?)`},
		{"no rights", "roles: [{ name: a, users: [root] }]\n", `roles[0].may: gives no right (write some of metadata, content, decide, malware, emergency)`},
		{"deciding without seeing", "roles: [{ name: a, users: [root], may: [decide] }]\n", `nobody decides about what he does not see`},
		{"malware without deciding", "roles: [{ name: a, users: [root], may: [metadata, malware] }]\n", `malware without decide`},
		{"nobody", "roles:\n  - name: a\n    may: [metadata]\n", `:3:5: roles[0]: is nobody's (write users: or people:)`},
		{"no name", "roles: [{ users: [root], may: [metadata] }]\n", `roles[0]: has no name`},
		{"the same name twice", "roles:\n  - { name: a, users: [root], may: [metadata] }\n  - { name: a, users: [root], may: [metadata] }\n",
			`:4:7: roles[1].name: "a" stands twice`},
		{"a user whom nobody knows", "roles: [{ name: a, users: [no-such-user-here], may: [metadata] }]\n", `this machine has no user "no-such-user-here"`},
		{"people who are none", "roles: [{ name: a, people: [legal], may: [metadata] }]\n", `roles[0].people: "legal" is neither an address nor a group`},
		{"an unknown key", "roles: [{ name: a, user: [root] }]\n", `unknown key "user" (did you mean "users"?)`},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := LoadConfig(configFile(t, "hostname: gw.postern.example\n"+x.text))
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, want %s", err, x.want)
			}
		})
	}
}

func TestCheckSaysWhatIsOddAboutRoles(t *testing.T) {
	path := configFile(t, `hostname: gw.postern.example
smtp: { listen: "127.0.0.1:25" }
apply: [tenants]
roles:
  - { name: a, users: ["4711"], tenants: [contosso], may: [metadata, decide] }
  - { name: b, people: ["group:legal"], tenants: [contoso], may: [metadata] }
`)
	writeBeside(t, path, "tenants/contoso.yaml", `kind: tenant
id: contoso
entra_tenant: 11111111-2222-3333-4444-555555555555
domains: [contoso.example]
secret: [one-secret-that-is-long-enough-0123456789]
mark: [a-mark-that-is-long-enough-0123456789abcdef]
return: { host: "127.0.0.1:2525", tls: off }
`)
	var said []string
	for _, r := range Check(t.Context(), path, CheckOptions{InProcess: true, Now: time.Now()}) {
		said = append(said, string(r.Level)+" "+r.Place[strings.LastIndex(r.Place, "/")+1:]+" "+r.Text+" ("+r.Suggestion+")")
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{
		`mistake postern.yaml:5:33 roles[0].tenants: no tenant is called "contosso" (did you mean "contoso"?)`,
		`warning postern.yaml:4:1 roles: 4711 cannot reach the gateway`,
		`warning postern.yaml:4:1 roles: nobody of this machine may decide about held mail of tenant contoso`,
		`warning postern.yaml:6:16 roles[1].people: tenant contoso has no directory, so group:legal is nobody`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("check does not say %q:\n%s", want, all)
		}
	}
}

// writeBeside writes a file beside another one.
func writeBeside(t *testing.T, path, name, text string) {
	t.Helper()
	path = filepath.Join(filepath.Dir(path), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// asUser is a verb over the admin socket of a user of this machine.
func (a *App) asUser(t *testing.T, uid uint32, verb string, c Call) (status int, ans Answer) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://postern/"+verb, strings.NewReader(string(text)))
	w := httptest.NewRecorder()
	a.handleAdmin(w, r.WithContext(context.WithValue(t.Context(), peerKey{}, uid)))
	if w.Code == http.StatusOK {
		if err := json.NewDecoder(w.Body).Decode(&ans); err != nil {
			t.Fatal(err)
		}
	}
	return w.Code, ans
}

func TestAUserOfARoleReachesHeldMailByTheSocketAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { aUserOfARole(t) })
}

func aUserOfARole(t *testing.T) {
	d := newDiskTrial(t)
	defer d.Close()
	d.App.Config.Roles = []Role{{Name: "readers", Users: []string{"4711"}, Tenants: []string{"contoso"}, May: []string{"metadata"}}}
	d.App.Desk = d.App.newDesk()
	err := d.App.DB.Update(t.Context(), func(tx *store.Tx) error {
		return quarantine.Add(tx, quarantine.Hold{
			Message: "m1", Recipient: "bob@fabrikam.example", Tenant: "contoso", Sender: "ann@contoso.example", Since: time.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		uid    uint32
		verb   string
		call   Call
		status int
		says   string
	}{
		{4711, "apply", Call{}, 403, ""},
		{4711, "queue-list", Call{}, 403, ""},
		{4711, "contacts-forget", Call{}, 403, ""},
		{4712, "held-list", Call{}, 403, ""},
		{4712, "console-link", Call{}, 403, ""},
		{4711, "console-link", Call{}, 200, ""},
		{4711, "keys-list", Call{}, 403, ""},
		{4711, "held-list", Call{}, 200, ""},
		{4711, "held-list", Call{Tenant: "fabrikam"}, 200, "the right to see"},
		{4711, "held-release", Call{Message: "m1", To: []mail.Address{"bob@fabrikam.example"}}, 200, "right to decide"},
		{4711, "held-reject", Call{Message: "m1"}, 200, "right to decide"},
	} {
		status, ans := d.App.asUser(t, x.uid, x.verb, x.call)
		if status != x.status || !strings.Contains(ans.Problem, x.says) || (x.says == "") != (ans.Problem == "") {
			t.Errorf("%d %s: %d %q", x.uid, x.verb, status, ans.Problem)
		}
	}
	if !d.said(problem.RightMissing) {
		t.Error("no line in the log has the code")
	}
	var events int
	err = d.App.DB.View(t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM audit_event WHERE kind = 'not allowed'").Scan(&events)
	})
	if err != nil || events != 3 {
		t.Errorf("%d refusals in the audit, %v", events, err)
	}
}
