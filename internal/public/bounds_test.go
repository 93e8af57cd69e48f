package public

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

func TestLongTextsAreRefused(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss)
	b.press("reject", "text", strings.Repeat("x", mostText+1)).sees("This text is too long")
	b.press("reject", "text", strings.Repeat("x", 2001)).sees("This cannot be done here")
	if x.state("m1", bob).Ended != nil {
		t.Error("it was rejected")
	}
	if b.send("POST", b.at, url.Values{"text": {strings.Repeat("x", maxBody)}}.Encode()); b.code != 413 {
		t.Errorf("%d", b.code)
	}
}

func TestALongListIsCut(t *testing.T) {
	x := newHouse(t)
	must(t, x.db.Update(t.Context(), func(tx *store.Tx) error {
		for i := range mostLines + 5 {
			must(t, x.add(tx, "m1", func(h *quarantine.Hold) { h.Recipient = mail.Address(fmt.Sprintf("r%d@fabrikam.example", i)) }))
		}
		for i := range mostRows + 5 {
			must(t, x.add(tx, fmt.Sprintf("n%d", i), nil))
		}
		return x.log.Change(tx, "m1", func(m *audit.Message) {
			for i := range 2 * mostFound {
				m.Findings = append(m.Findings, detect.Finding{Type: "IBAN", Name: fmt.Sprintf("file%d.txt", i), Count: 1, Confidence: detect.High})
				m.Parts = append(m.Parts, audit.Part{Name: fmt.Sprintf("att%d.txt", i), Attachment: true})
			}
		})
	}))
	b := x.known(x.link("m1", boss), boss)
	b.sees("5 more are not shown", "r0@fabrikam.example")
	if n := strings.Count(b.page, "file"); n > mostFound {
		t.Errorf("%d findings", n)
	}
	if n := strings.Count(b.page, "<bdi>att"); n > mostFound {
		t.Errorf("%d attachments", n)
	}
	if n := strings.Count(b.page, `type="checkbox"`); n != mostLines {
		t.Errorf("%d recipients are decided", n)
	}
	b.get("/approve/my/contoso").sees("There are more; these are due first.")
	if n := strings.Count(b.page, "<li class"); n > 2*mostRows {
		t.Errorf("%d rows", n)
	}
}

func TestWhatSomebodyMayNotSeeHidesNothing(t *testing.T) {
	x := newHouse(t)
	in := func(rights ...policy.Right) func(h *quarantine.Hold) {
		return func(h *quarantine.Hold) {
			h.Sender, h.Own, h.Recipient, h.Rights, h.Subject = eve, nil, ann, rights, "An offer"
		}
	}
	must(t, x.db.Update(t.Context(), func(tx *store.Tx) error {
		for i := range mostRows * 3 {
			must(t, x.add(tx, fmt.Sprintf("a%03d", i), in()))
		}
		must(t, x.add(tx, "b", in(policy.RightSee)))
		return nil
	}))
	a := x.known(x.link("b", ann), ann)
	a.get("/approve/my/contoso").sees("Kept back for you", "An offer")
	if n := strings.Count(a.page, "An offer"); n != 1 {
		t.Errorf("%d are listed", n)
	}
}

func TestALongMailIsCut(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.bodies["m1"] = "Content-Type: text/html\r\n\r\n<p>" + strings.Repeat("word ", 300_000) + "the end</p>"
	b := x.known(x.link("m1", boss), boss)
	b.press("look").misses("the end").press("look-whole").misses("the end")
	if !strings.Contains(b.page, "There is more, which is not shown") || len(b.page) > 400_000 {
		t.Errorf("%d octets", len(b.page))
	}
}
