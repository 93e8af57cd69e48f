//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const dora = "dora@contoso.example"

// axe is the checker of WCAG that scripts/packages.sh fetches.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../.make/axe-core/package/axe.min.js")
	if err != nil {
		fmt.Printf("SKIPPED axe-core: not installed, so the pages of %s were not checked with it\n", t.Name())
	}
	return string(text)
}

// accessible holds a page against WCAG 2.2 AA: as it is, with everything open,
// on a phone, in both themes. It says how many rules were held to.
func (b *browser) accessible(t *testing.T, name, checker string) {
	t.Helper()
	b.value(t, "document.querySelectorAll('details').forEach(d => d.open = true)")
	for _, v := range []struct {
		name  string
		width int
		dark  bool
	}{{name, 1100, false}, {name + "-dark", 390, true}, {name + "-320", 320, false}} {
		b.view(t, v.width, v.dark)
		looks(t, v.name, b.picture(t))
		if wide := b.value(t, "String(document.documentElement.scrollWidth)"); v.width == 320 && wide != "320" {
			t.Errorf("%s: the page is %s wide on a phone of 320", v.name, wide)
		}
		if checker == "" || v.width == 1100 {
			continue
		}
		b.value(t, "typeof axe === 'undefined' ? (() => {"+checker+"; return 'there' })() : 'there'")
		text := b.value(t, `axe.run(document, {iframes: false, runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']})
			.then(r => JSON.stringify({Held: r.passes.length, Broken: r.violations.map(x => x.id + ': ' + x.nodes.map(n => n.html.slice(0, 120)).join(' | '))}))`)
		var result struct {
			Held   int
			Broken []string
		}
		if err := json.Unmarshal([]byte(text), &result); err != nil || result.Held < 10 {
			t.Errorf("%s: axe says %.300s", v.name, text)
		}
		for _, x := range result.Broken {
			t.Errorf("%s: %s", v.name, x)
		}
		t.Logf("%s: %d rules of axe held, %d broken", v.name, result.Held, len(result.Broken))
	}
	b.view(t, 390, false)
}

// tap presses the first element that a selector finds.
func (b *browser) tap(t *testing.T, selector string) {
	t.Helper()
	for len(b.loaded) > 0 {
		<-b.loaded
	}
	if got := b.value(t, fmt.Sprintf("(() => { const e = document.querySelector(%q); if (!e) return 'none'; e.click(); return 'done' })()", selector)); got != "done" {
		t.Fatalf("nothing is %s on:\n%s", selector, b.text(t))
	}
	b.arrived(t)
}

func (b *browser) says(t *testing.T, words ...string) {
	t.Helper()
	text := b.text(t)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q on the page:\n%s", w, text)
		}
	}
}

// as makes the browser somebody's, by a sign-in at the provider.
func (s *site) as(t *testing.T, b *browser, who, link string) {
	t.Helper()
	s.provider.signIn(who)
	b.open(t, link)
	if strings.Contains(b.text(t), "You are") {
		b.tap(t, "button[value=leave]")
	}
	b.tap(t, "a.button")
	b.says(t, "You are "+who)
}

// linkIn is the link to a page in a mail.
func linkIn(t *testing.T, d *delivery) string {
	t.Helper()
	text := plainText(d)
	link := regexp.MustCompile(`https://` + regexp.QuoteMeta(pages) + `/approve/[0-9a-f]{32}`).FindString(text)
	if link == "" {
		t.Fatalf("no link in %s", text)
	}
	return link
}

// plainText is a mail of our own with the breaks of its lines taken out.
func plainText(d *delivery) string {
	return strings.NewReplacer("=\r\n", "", "\r\n", " ").Replace(string(d.Raw))
}

func TestPeopleDecideOnPages(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium-browser", "google-chrome")
	checker := axe(t)
	s := startSite(t)
	_, links := s.hold(t, "for people", ibanText)
	eventually(t, 10*time.Second, "boss is asked", func() bool { return len(s.sink.to(boss, "/approve/")) > 0 })
	links = append(links, linkIn(t, s.sink.to(boss, "/approve/")[0]))
	b := s.chromium(t)
	b.view(t, 390, false)

	b.open(t, links[0])
	b.says(t, "Please show that it is you", "Sign in with my work account")
	b.accessible(t, "pages-door", checker)
	// The link of the mail, and a code to the mailbox.
	b.open(t, links[len(links)-1])
	b.tap(t, "button[value=code]")
	b.says(t, "b•••@contoso.example is a mailbox of Contoso")
	b.accessible(t, "pages-code", checker)
	var code string
	eventually(t, 10*time.Second, "a code comes", func() bool {
		for _, d := range s.sink.to(boss, "your code") {
			if m := regexp.MustCompile(`asked for and is\D{1,12}([0-9]{6})\b`).FindStringSubmatch(plainText(d)); m != nil {
				code = m[1]
			}
		}
		return code != ""
	})
	b.value(t, fmt.Sprintf("document.querySelector('#code').value = %q", code))
	b.tap(t, "button[value=enter]")
	b.says(t, "May this mail leave?", "for people", ann, bob, "You are "+boss)
	b.accessible(t, "pages-approve", checker)

	b.value(t, "document.querySelector('#ask').value = 'Why all of it?'")
	b.tap(t, "button[value=ask]")
	b.says(t, "The sender is asked.", "Why all of it?")
	b.tap(t, "button[value=look]")
	b.says(t, "IBAN ••••••••", "blotted out")
	b.accessible(t, "pages-look", checker)
	b.tap(t, "button[value=look-whole]")
	b.accessible(t, "pages-whole", checker)
	if inner := b.value(t, "document.querySelector('iframe').srcdoc"); !strings.Contains(inner, "DE89 3704 0044") || strings.Contains(inner, "<script") {
		t.Errorf("the mail is not shown: %s", inner)
	}
	s.as(t, b, ann, links[0])
	b.says(t, "Your mail has not left yet", "Why all of it?", boss+": redacted", boss+": the whole text")
	b.accessible(t, "pages-sender", checker)

	s.as(t, b, boss, links[0])
	// On a device that is known a decision is two taps: the link and the button.
	taps := 1
	b.open(t, links[0])
	b.tap(t, "button[value=approve]")
	taps++
	b.says(t, "Approved. The mail is being sent.", "approved by you")
	if taps > 2 {
		t.Errorf("%d taps", taps)
	}
	b.accessible(t, "pages-decided", checker)
	eventually(t, 10*time.Second, "the mail is sent", func() bool { return len(s.sink.to(bob, "for people")) == 1 })
	if n := len(s.held(t)); n != 0 {
		t.Errorf("%d mails wait", n)
	}
	b.open(t, links[0]) // whoever comes later sees who decided
	b.says(t, "This is decided", "approved by you")

	sent, _ := routed(message("an offer", "Hello\n"))
	if r := s.send(t, sent, dora); r.Code != 250 {
		t.Fatal(r)
	}
	kept := s.recorded(t, 1, "offer")[0].ID
	s.as(t, b, dora, "https://"+pages+"/approve/my/contoso")
	b.says(t, "Kept back for you", "an offer")
	b.accessible(t, "pages-mine", checker)
	b.open(t, "https://"+pages+"/approve/my/contoso/"+kept)
	b.says(t, "This mail was kept back for you")
	b.accessible(t, "pages-kept", checker)
	b.tap(t, "button[value=release]")
	b.says(t, "on its way to your mailbox")
	eventually(t, 10*time.Second, "the mail is sent", func() bool { return len(s.sink.to(dora, "an offer")) >= 1 })
	for _, x := range []struct{ name, subject, title string }{
		{"pages-override", "sent with a reason", "Check before it leaves"}, {"pages-delay", "sent a moment later", "Your mail leaves by itself"},
	} {
		_, own := s.hold(t, x.subject, "Hello\n")
		s.as(t, b, ann, own[0])
		b.says(t, x.title)
		b.accessible(t, x.name, checker)
	}
	b.open(t, "https://"+pages+"/approve/none")
	b.accessible(t, "pages-fault", checker)
	for _, c := range b.complaints() {
		if !strings.Contains(c, "404") && !strings.Contains(c, "403") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}
