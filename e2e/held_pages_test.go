//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestOfficersDecideInTheConsole walks through the pages of held mail in a
// browser, as somebody who may see, read and decide.
func TestOfficersDecideInTheConsole(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium-browser", "google-chrome")
	checker := axe(t)
	g := start(t, setup{
		policies: pagesPolicies,
		config:   "roles: [{ name: officers, users: [root], may: [metadata, content, decide, malware] }]\n",
	})
	for subject, to := range map[string][]string{
		"for officers <b>now</b>": {bob, "carol@fabrikam.example"}, "for many one": {bob}, "for many two": {bob},
	} {
		sent, _ := routed(message(subject, ibanText))
		if r := g.send(t, sent, to...); r.Code != 250 {
			t.Fatal(r)
		}
	}
	id := g.recorded(t, 1, "officers")[0].ID
	b := openBrowser(t)
	b.open(t, g.link(t))
	b.says(t, "wait for a decision")
	at := "http://" + g.console
	b.open(t, at+"/held")
	b.says(t, "4 recipients wait; the next deadline is in 47 h", "for officers <b>now</b>", "asked: "+boss, "IBAN")
	b.accessible(t, "held", checker)
	b.open(t, at+"/held?text=nothing-is-like-this")
	b.accessible(t, "held-empty", checker)
	b.open(t, at+"/held?sender=x")
	b.accessible(t, "held-mistake", checker)

	b.open(t, at+"/held/"+id)
	b.says(t, "It waits for "+boss, bob, "••••3000", "Nobody has looked into it.")
	b.accessible(t, "held-message", checker)
	b.open(t, at+"/held/"+id+"/ask")
	b.accessible(t, "held-ask", checker)
	b.value(t, "document.querySelector('#field').value = 'Which contract?'")
	b.tap(t, "form.act button")
	b.says(t, "The sender is asked.", "Which contract?")
	b.open(t, at+"/held/"+id+"/hand-on")
	b.accessible(t, "held-hand-on", checker)
	b.open(t, at+"/held/"+id+"/look")
	b.accessible(t, "held-look", checker)
	b.tap(t, "button[value=redacted]")
	b.says(t, "IBAN ••••")
	if strings.Contains(b.text(t), "0532") {
		t.Error("what was found is not blotted out")
	}
	b.accessible(t, "held-letter", checker)
	b.open(t, at+"/held/"+id)
	b.says(t, "Somebody has looked into it once", "user 0 of this machine looked into it, with what was found blotted out")

	b.value(t, "document.querySelector('input[name=to]').checked = true")
	b.tap(t, "button[formaction$='/approve']")
	b.says(t, "Approve?", "gets the message")
	b.accessible(t, "held-confirm", checker)
	if n := len(g.held(t)); n != 4 {
		t.Errorf("looking at pages has decided: %d wait", n)
	}
	b.tap(t, "form.act button")
	b.says(t, "Approved for 1 recipient.", "Released by user 0 of this machine")
	b.accessible(t, "held-decided", checker)
	eventually(t, 10*time.Second, "the mail is sent", func() bool { return len(g.sink.find("for officers")) > 0 })

	b.open(t, at+"/held?text=many")
	b.says(t, "2 recipients wait")
	b.tap(t, "a.button[href*='do=reject']")
	b.says(t, "2 recipients would not get their mail: 2 messages, of 1 tenant, by 1 sender.")
	b.accessible(t, "held-bulk-new", checker)
	b.tap(t, "form.act button")
	eventually(t, 20*time.Second, "the decision is over", func() bool {
		b.open(t, strings.TrimSuffix(b.value(t, "location.href.split('?')[0]"), "/")+"?still=1")
		return strings.Contains(b.text(t), "Done: 2 recipients rejected.")
	})
	b.accessible(t, "held-bulk", checker)
	b.open(t, at+"/held/bulk")
	b.says(t, "done", `with "many"`)
	b.accessible(t, "held-bulks", checker)
	b.open(t, at+"/held?state=over")
	b.says(t, "3 recipients are over", "Rejected by user 0 of this machine")
	b.accessible(t, "held-over", checker)
	b.open(t, at+"/held/none")
	b.accessible(t, "held-fault", checker)
	for _, c := range b.complaints() {
		if !strings.Contains(c, "404") && !strings.Contains(c, "400") {
			t.Errorf("the browser complains: %s", c)
		}
	}
	if n := len(g.held(t)); n != 1 {
		t.Errorf("%d recipients wait, not 1", n)
	}
}
