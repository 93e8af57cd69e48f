package public

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

func TestALinkAloneSaysNothingAndDecidesNothing(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	link := x.link("m1", boss)
	for _, path := range []string{link, link + "?did=x", strings.ToUpper(link[len("/approve/"):]), "/approve/my/contoso", "/approve/my/contoso/m1"} {
		if !strings.HasPrefix(path, "/") {
			path = "/approve/" + path
		}
		for _, method := range []string{"GET", "HEAD"} {
			b := x.browser().send(method, path, "")
			if b.code != 200 {
				t.Errorf("%s %s: %d", method, path, b.code)
			}
			b.misses("Salaries", "ann@contoso.example", "bob@", "boss@contoso", "DE89", "account numbers")
		}
	}
	b := x.browser().get(link)
	for _, do := range []string{"approve", "reject", "cancel", "send", "look", "look-whole", "leave", "request", "release", "pin", ""} {
		b.send("POST", link, url.Values{"do": {do}, "to": {string(bob)}, "form": {"x"}}.Encode())
		if b.code != 403 && b.code != 200 {
			t.Errorf("%s: %d", do, b.code)
		}
		b.misses("Salaries", "DE89")
	}
	if x.decisions() != 0 || len(x.looks) != 0 {
		t.Errorf("%d decisions, %d looks", x.decisions(), len(x.looks))
	}
}

func TestAManagerDecidesWithTwoTaps(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss)
	b.sees("May this mail leave?", "Salaries for the new team", "ann@contoso.example", "bob@fabrikam.example", "outside",
		"3 bank account numbers (IBAN)", "salaries.xlsx, sheet 2, cell B7", "DE89 •••• •••• 3000", "3 account numbers (high)", "none given", "hours left",
		"it is not sent and the sender is told", "K7TQ-M2XD", "help@contoso.example", "You are boss@contoso.example")
	b.press("approve", "text", "Fine with me")
	b.sees("Approved. The mail is being sent.", "This is decided", "approved by you", "Fine with me")
	if h := x.state("m1", bob); h.Ended == nil || h.Ended.How != quarantine.Released || h.Ended.Means != quarantine.ByDevice {
		t.Errorf("%+v", h.Ended)
	}
	// Whoever comes second sees who decided what and when; pressing again is no error.
	again := x.known(x.link("m1", boss), boss)
	again.sees("This is decided", "approved by you").misses(`value="approve"`)
	sender := x.known(x.link("m1", ann), ann)
	sender.sees("approved by boss@contoso.example", "Fine with me")
}

func TestPressingTwiceIsNoError(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	one, two := x.known(x.link("m1", boss), boss), x.known(x.link("m1", boss), boss)
	old := two.page
	one.press("reject", "text", "Not to them")
	two.page = old
	two.press("approve")
	two.sees("This was decided already", "rejected by you", "Not to them")
	if two.code != 409 || x.state("m1", bob).Ended.How != quarantine.Rejected {
		t.Errorf("%d %+v", two.code, x.state("m1", bob).Ended)
	}
}

func TestADecisionNeedsTheWordOfOnesOwnPage(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.hold("m2", nil)
	link := x.link("m1", boss)
	b := x.known(link, boss)
	other := x.known(x.link("m1", dora), dora)
	second := x.browser()
	second.jar = b.jar
	second.get(x.link("m2", boss))
	word := forms(b.page)[0].fields.Get("form")
	for what, w := range map[string]string{
		"none": "", "that of another page": forms(second.page)[0].fields.Get("form"), "one that is made up": "999999." + strings.Repeat("0", 40),
		"that of another person": forms(other.page)[0].fields.Get("form"), "one that is over": "1" + word[strings.Index(word, "."):],
	} {
		b.send("POST", link, url.Values{"do": {"approve"}, "to": {string(bob)}, "form": {w}, "text": {"typed before"}}.Encode())
		if b.code != 403 || x.decisions() != 0 {
			t.Errorf("%s: %d, %d decisions", what, b.code, x.decisions())
		}
		b.sees("Please press the button once more", "typed before")
	}
	b.send("POST", link, url.Values{"do": {"approve"}, "to": {string(bob)}, "form": {word}}.Encode(), "Sec-Fetch-Site", "cross-site")
	if b.code != 403 || x.decisions() != 0 {
		t.Error("a page of another site decides")
	}
	b.get(link).press("approve")
	if x.state("m1", bob).Ended == nil {
		t.Error("the right word does not count")
	}
}

func TestWhoHasNothingToDoWithItSeesNothing(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", dora), dora)
	b = &browser{house: x, jar: b.jar}
	for _, path := range []string{"/approve/my/contoso/m1", "/approve/my/contoso/none"} {
		b.get(path)
		if b.code != 403 {
			t.Errorf("%s: %d", path, b.code)
		}
		b.sees("This is not for you").misses("Salaries", "bob@", "ann@")
	}
	b.get("/approve/my/contoso").sees("Nothing waits for you.")
	if b.get("/approve/my/nobody").code != 404 || b.get("/approve/0123").code != 404 {
		t.Error("a page that leads nowhere is there")
	}
}

func TestACodeIsForOneBrowserAndOneMailbox(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	link := x.link("m1", boss)
	b := x.browser().get(link).sees("Send a code to b•••@contoso.example")
	b.press("code").sees("b•••@contoso.example is a mailbox of Contoso Ltd")
	code := x.codeOf(boss)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	b.press("enter", "code", wrong).sees("This code is not the right one")
	x.browser().send("POST", link, "do=enter&code="+code).sees("This code is not the right one") // a browser that asked for none
	b.press("enter", "code", " "+code[:3]+" "+code[3:]+" ").sees("May this mail leave?")
	x.browser().send("POST", link, "do=enter&code="+code).sees("This code is not the right one")

	// A device is forgotten by its owner, and whoever has left is nobody.
	b.press("leave").sees("Please show that it is you")
	if len(b.jar) != 0 {
		t.Errorf("cookies stay: %v", b.jar)
	}
	c := x.known(link, boss)
	person := x.site.Person
	x.site.Person = func(tenant string, a mail.Address) (Somebody, bool) { return Somebody{}, false }
	c.get(link).sees("Please show that it is you").misses("Salaries")
	x.site.Person = person
	c.get(link).sees("May this mail leave?")
}

func TestNobodyElseEndsACodeOrUsesItUp(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	link := x.link("m1", boss)
	ask := func() (*browser, string) {
		x.mu.Lock()
		delete(x.codes, boss)
		x.mu.Unlock()
		b := x.browser().get(link).press("code")
		return b, x.codeOf(boss)
	}
	mine, code := ask()
	other, _ := ask()
	for range 10 {
		other.press("enter", "code", "123")
	}
	other.press("enter", "code", code).sees("This code is not the right one")
	mine.press("enter", "code", code).sees("May this mail leave?")
}

func TestAskingForACodeDoesNotTellWhoHasAMailbox(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	link := x.link("m1", boss)
	answers := map[string]bool{}
	for _, a := range []string{"dora@contoso.example", "nobody@contoso.example", "eve@elsewhere.example"} {
		b := x.browser().get(link).press("code", "address", a)
		answers[strings.ReplaceAll(b.page, a, "?")] = true
		if b.code != 200 {
			t.Errorf("%s: %d", a, b.code)
		}
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers", len(answers))
	}
	x.codeOf(dora)
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.codes) != 1 {
		t.Errorf("codes went to %v", x.codes)
	}
}

func TestAWrongCodeIsAnsweredAsSlowlyForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &visit{r: httptest.NewRequest("POST", "/", nil)}
		v.pause(began.Add(wrongCode))
		if took := time.Since(began); took != wrongCode {
			t.Errorf("%s", took)
		}
	})
}

func TestWhatIsNoAddressIsSaid(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	for _, a := range []string{"x", "<script>alert(1)</script>", strings.Repeat("a", 400) + "@contoso.example", "a@b@c", "a\r\nb@contoso.example"} {
		b := x.browser().get(x.link("m1", boss)).press("code", "address", a)
		if b.code != 422 {
			t.Errorf("%.20q: %d", a, b.code)
		}
		b.sees("This is not a mail address").misses("<script>")
	}
	if b := x.browser().send("POST", "/approve/my/contoso", "do=code"); b.code != 422 {
		t.Errorf("%d", b.code)
	}
	if b := x.browser().send("POST", "/approve/my/contoso", "do="+strings.Repeat("x", maxBody)); b.code != 413 {
		t.Errorf("%d", b.code)
	}
}

func TestSeveralRecipientsAreDecidedOneByOne(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.hold("m1", func(h *quarantine.Hold) { h.Recipient = eve })
	b := x.known(x.link("m1", boss), boss)
	b.press("approve", "to", "").sees("Choose at least one recipient")
	b.press("approve", "to", string(eve)).sees("approved by you", "waits for boss@contoso.example")
	if x.state("m1", bob).Ended != nil || x.state("m1", eve).Ended == nil {
		t.Error("the wrong one was decided")
	}
	b.press("reject").sees("This is decided")
	if x.state("m1", bob).Ended.How != quarantine.Rejected {
		t.Error("the other was not decided")
	}
}

func TestTwoOfThreeMustAgree(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", func(h *quarantine.Hold) { h.Panel.Seats, h.Of = []mail.Address{boss, dora, eve}, 2 })
	b := x.known(x.link("m1", boss), boss).press("approve")
	b.sees("Your yes counts. Others have to agree too.", "1 of 2 have agreed", "you said yes").misses(`value="approve"`)
	x.known(x.link("m1", dora), dora).press("approve").sees("This is decided")
}

func TestASenderIsAskedAndAnswers(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss).press("ask", "text", "Why <b>all</b> of them?")
	b.sees("The sender is asked.", "you asked", "Why <b>all</b> of them?").misses("Why <b>all")
	a := x.known(x.link("m1", ann), ann)
	a.sees("Your mail has not left yet", "You were asked", "Why <b>all</b> of them?", "waits for boss@contoso.example")
	a.press("answer", "text", "The auditor wants them.").sees("Your answer is there", "The sender answered")
	a.press("explain", "text", "Audit 2026").sees("Audit 2026")
	b.get(b.at).sees("The auditor wants them.", "Audit 2026")
}

func TestADecisionIsHandedOn(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss)
	b.press("hand-on", "other", string(eve)).sees("nobody of your organisation")
	b.press("hand-on", "other", string(ann)).sees("Nobody decides about mail of his own")
	b.press("hand-on", "other", string(dora))
	if b.code != 403 { // it is not his any more
		t.Errorf("%d", b.code)
	}
	x.known(x.link("m1", dora), dora).press("approve").sees("approved by you")
}

func TestASenderTakesSomebodyOutOrCancels(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.hold("m1", func(h *quarantine.Hold) { h.Recipient = eve })
	a := x.known(x.link("m1", ann), ann)
	a.misses(`value="approve"`, `value="send"`)
	a.press("remove").sees("taken out by the sender", "waits for boss")
	a.press("cancel").sees("cancelled by the sender")
}

func TestASenderSendsWithAReason(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", func(h *quarantine.Hold) {
		h.Panel, h.Override, h.Reasons, h.Comment = quarantine.Panel{}, true, []string{"The customer asked for it", "Contract"}, policy.CommentRequired
	})
	a := x.known(x.link("m1", ann), ann).sees("Check before it leaves", "The customer asked for it", "Contract")
	a.misses("securely")
	a.press("send", "choice", "made up", "text", "because").sees("A reason is needed", "because")
	a.press("send", "choice", "Contract", "text", "no").sees("A reason is needed")
	a.press("send", "choice", "Contract", "text", "It is in the contract").sees("sent by the sender")
	if r := x.state("m1", bob).Reason; r == nil || r.Choice != "Contract" {
		t.Errorf("%+v", r)
	}
	x.hold("m2", func(h *quarantine.Hold) { h.Panel, h.Delay, h.End = quarantine.Panel{}, true, policy.EndRelease })
	a.get(x.link("m2", ann)).sees("Your mail leaves by itself", "Send now").press("send").sees("sent by the sender")
}

func TestARecipientSeesWhatThePolicyLetsHim(t *testing.T) {
	x := newHouse(t)
	in := func(rights ...policy.Right) func(h *quarantine.Hold) {
		return func(h *quarantine.Hold) {
			h.Sender, h.Own, h.Recipient, h.Rights, h.Subject = eve, nil, ann, rights, "An offer from outside"
		}
	}
	x.hold("none", in())
	x.hold("see", in(policy.RightSee))
	x.hold("ask", in(policy.RightRequest, policy.RightPreview))
	x.hold("get", in(policy.RightRelease))
	a := x.known(x.link("ask", ann), ann)
	a.sees("This mail was kept back for you", "An offer from outside", "Show the text").misses(`value="release"`, `value="approve"`)
	a.press("request", "text", "I wait for it").sees("Asked for.").misses(`value="request"`)
	a.get("/approve/my/contoso").sees("Kept back for you")
	if n := strings.Count(a.page, "An offer from outside"); n != 3 {
		t.Errorf("%d of 3 are listed", n)
	}
	a.get("/approve/my/contoso/see").sees("kept back").misses(`value="request"`, `value="release"`, `value="look"`)
	a.get("/approve/my/contoso/get").press("release").sees("on its way to your mailbox")
	if a.get("/approve/my/contoso/none").code != 403 {
		t.Error("a mail without rights is seen")
	}
	x.known(x.link("ask", boss), boss).sees("May this mail leave?")
}

func TestAListShowsWhatWaitsForSomebody(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.hold("m2", func(h *quarantine.Hold) { h.Subject = "Second" })
	b := x.browser().get("/approve/my/contoso").press("code", "address", string(boss))
	b.press("enter", "code", x.codeOf(boss)).sees("What waits for you", "Waits for your decision", "Salaries for the new team", "Second")
	b.get("/approve/my/contoso/m2").press("reject").sees("rejected by you")
	b.get("/approve/my/contoso").sees("Salaries").misses("Second")
	a := x.known(x.link("m1", ann), ann)
	a.get("/approve/my/contoso").sees("Your mail that waits", "Salaries").misses("Waits for your decision")
}

func TestSomebodyElsesMalwareIsNotLetGo(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", func(h *quarantine.Hold) { h.Danger = true })
	x.known(x.link("m1", boss), boss).sees("Malware was found").misses(`value="approve"`).press("reject").sees("rejected by you")
}

func TestALinkThatIsOverSaysHowItEnded(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss).press("approve")
	var token string
	must(t, x.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		token, err = x.doors.NewToken(tx, quarantine.Token{
			Purpose: quarantine.ToSee, Tenant: "contoso", Message: "m1", Address: boss, Until: time.Now().Add(-time.Hour),
		})
		return err
	}))
	b.get("/approve/"+token).sees("This is decided", "approved by you")
}

// Somebody's primary address changes while mail waits for him: he is known by
// the link of before, finds it in his list, and decides.
func TestWhoGotAnotherAddressDecidesAllTheSame(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	const chief = mail.Address("chief@contoso.example")
	before := x.site.Person
	x.site.Person = func(id string, a mail.Address) (Somebody, bool) {
		if a == boss || a == chief {
			return Somebody{Address: chief, All: []mail.Address{chief, boss}}, true
		}
		return before(id, a)
	}
	link := x.link("m1", boss)
	b := x.known(link, chief)
	b.sees("You are chief@contoso.example", "May this mail leave?")
	b.get("/approve/my/contoso").sees("Salaries for the new team")
	b.get(link).press("approve").sees("Approved. The mail is being sent.")
	if e := x.state("m1", bob).Ended; e == nil || e.How != quarantine.Released {
		t.Errorf("%+v", e)
	}
}
