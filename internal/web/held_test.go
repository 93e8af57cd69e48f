package web

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

const heldID = "01kay3m7ew0000000000000024"

func TestPagesOfHeldMailAreThoseOfTheGoldens(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		err := h.tells(h.t.Context(), "contoso", heldID, "asked", "approver",
			map[string]any{"recipients": 2}, map[string]any{"by": "boss@contoso.example", "text": "Which <contract>?", "to": []string{"dave@partner.example"}})
		if err != nil {
			h.t.Fatal(err)
		}
		id := regexp.MustCompile(`name="id" value="[a-z2-7]{26}"`)
		for name, target := range map[string]string{
			"held.html": "/held?tenant=contoso", "held-message.html": "/held/" + heldID,
			"held-confirm.html": "/held/K7TQ-0024/approve", "held-bulk-new.html": "/held/bulk/new?do=approve&older=1d",
		} {
			got := id.ReplaceAllString(h.page(target, 200), `name="id" value="(an id)"`)
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if diff := cmp.Diff(string(want), got); err != nil || diff != "" {
				t.Error(target, err, diff)
			}
		}
	})
}

func TestARoleSeesWhatItMayAndNothingElse(t *testing.T) {
	tests := []struct {
		name       string
		who        uint32
		page       string
		status     int
		has, lacks []string
	}{
		{"an officer sees the list of all tenants", officer, "/held", 200,
			[]string{"5 recipients wait; the next deadline is in 22 h.", "Customer list as promised", "Secret of Fabrikam", "tenant is switched off",
				"asked: an administrator: nobody else could be asked", "the manager of ann@contoso.example is not known", "1 of 2 have agreed", "Approve all…"}, nil},
		{"an officer finds what nobody could be asked about", officer, "/held?approver=-", 200, []string{"1 recipient waits", "Plan"}, []string{"Customer list"}},
		{"an officer finds by the box as well", officer, "/held?nobody=true&approver=", 200, []string{"1 recipient waits"}, []string{"Customer list"}},
		{"what is over says how", officer, "/held?state=over", 200,
			[]string{"1 recipient is over, the latest first.", "finn@partner.example", "Rejected by boss@contoso.example"}, []string{"dave@partner.example"}},
		{"the list alone shows no subject", service, "/held", 200,
			[]string{"subject not shown", "dave@partner.example"}, []string{"Customer list", "Fabrikam", "fabrikam<", "Approve all", "/m/"}},
		{"a word of a subject finds nothing where it is not shown", service, "/held?text=promised", 200, []string{"Nothing is like this."}, []string{"dave@partner.example"}},
		{"a reference does", service, "/held?text=k7tq-0024", 200, []string{"dave@partner.example"}, nil},
		{"another tenant is refused", service, "/held?tenant=fabrikam", 403, []string{"You may not do this"}, []string{"zoe@"}},
		{"another tenant's mail is not there", service, "/held/01fabrikam", 404, []string{"There is no such held message"}, []string{"zoe@", "Secret"}},
		{"no mail at all is not there either", service, "/held/01none", 404, []string{"There is no such held message"}, nil},
		{"the message shows no subject", service, "/held/" + heldID, 200,
			[]string{"Subject not shown", "let you see this and not decide", "You do not see what it says"}, []string{"Customer list", "Approve…", "/m/", "Look into it"}},
		{"a stranger sees his own tenant's", stranger, "/held", 200, []string{"Secret of Fabrikam"}, []string{"Customer list", "@contoso"}},
		{"a stranger sees nothing else", stranger, "/held/" + heldID, 404, nil, []string{"Customer list", "ann@"}},
		{"nor its acts", stranger, "/held/" + heldID + "/approve", 404, nil, []string{"Customer list", "ann@"}},
		{"nor by its reference", stranger, "/held/K7TQ-0024", 404, nil, []string{"Customer list", "ann@"}},
		{"who has no role sees nothing", roleless, "/held", 403, []string{"needs a role"}, []string{"recipient"}},
		{"nor decisions about many", roleless, "/held/bulk", 403, []string{"needs a role"}, nil},
		{"a reader sees the subject, and may look", reader, "/held/" + heldID, 200, []string{"Customer list", "Look into it…"}, []string{"Approve…"}},
		{"a role keeps from other pages", reader, "/m/" + heldID, 403, []string{"Your role is about held mail only."}, []string{"Customer list"}},
		{"a role begins at held mail", reader, "/api/v1/messages", 403, []string{"held mail only"}, nil},
		{"a message that was never held", officer, "/held/01kay3m7ew0000000000000020", 404, []string{"never held"}, nil},
		{"an act that there is not", officer, "/held/" + heldID + "/burn", 404, []string{"Nothing like this"}, nil},
		{"an address that is none", officer, "/held?sender=ann", 400, []string{"is not an address"}, []string{"Customer list"}},
		{"a mark of a page that is none", officer, "/held?behind=nonsense", 200, []string{"5 recipients wait"}, nil},
		{"a time that is none", officer, "/held?before=now", 400, []string{"is not a time"}, nil},
		{"words that nothing has", officer, "/held?text=zzz", 200, []string{"Nothing is like this."}, []string{"Approve all"}},
		{"a decision about many that is not there", officer, "/held/bulk/none", 404, []string{"There is no such decision"}, nil},
	}
	inHeldBubble(t, func(h *house) {
		for _, tt := range tests {
			h.be(tt.who)
			res := h.do("GET", tt.page)
			text := body(h.t, res)
			if res.StatusCode != tt.status {
				h.t.Errorf("%s: %d, want %d\n%s", tt.name, res.StatusCode, tt.status, text)
			}
			for _, w := range tt.has {
				if !strings.Contains(text, w) {
					h.t.Errorf("%s: the page lacks %q\n%s", tt.name, w, text)
				}
			}
			for _, w := range tt.lacks {
				if strings.Contains(text, w) {
					h.t.Errorf("%s: the page has %q", tt.name, w)
				}
			}
		}
		h.be(reader)
		if res := h.do("GET", "/"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/held" {
			h.t.Errorf("a role comes to %q", res.Header.Get("Location"))
		}
	})
}

func TestADecisionIsAPressOnAPageThatSaysWhatHappens(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		at := "/held/" + heldID
		has(h.t, h.page(at+"/approve", 200), "Approve?", "dave@partner.example</bdi> gets the message",
			"eve@partner.example</bdi> gets the message", `method="post"`)
		has(h.t, h.page(at+"/reject?to=dave@partner.example&to=finn@partner.example", 200), "dave@partner.example</bdi> does not get the message",
			"What is left out", "this was rejected by boss@contoso.example", `name="to" value="dave@partner.example"`)
		for _, target := range []string{at + "/approve", at + "/reject?comment=x", at + "/look", at + "/pin"} {
			h.do("GET", target)
			h.do("HEAD", target)
		}
		if s := h.states(heldID); s["dave@partner.example"] != "" || s["eve@partner.example"] != "" {
			h.t.Fatalf("looking at pages decided: %v", s)
		}
		res := h.do("POST", at+"/approve", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		if res.StatusCode != 403 || h.states(heldID)["dave@partner.example"] != "" {
			h.t.Errorf("a press on another site: %d", res.StatusCode)
		}

		res = h.post(at+"/approve", 303, "to", "dave@partner.example", "comment", "agreed by telephone")
		if to := res.Header.Get("Location"); to != at+"?did=approve&n=1" {
			h.t.Errorf("led to %q", to)
		}
		if s := h.states(heldID); s["dave@partner.example"] != quarantine.Released || s["eve@partner.example"] != "" {
			h.t.Errorf("states %v", s)
		}
		has(h.t, h.page(at+"?did=approve&n=1", 200), "Approved for 1 recipient.", "Released by user 0 of this machine", "agreed by telephone")
		// Whoever comes later learns how it ended.
		res = h.post(at+"/reject", 303, "to", "dave@partner.example")
		if to := res.Header.Get("Location"); to != at+"?did=late&n=0" {
			h.t.Errorf("too late led to %q", to)
		}
		has(h.t, h.page(at+"?did=late&n=0", 200), "Nothing was done: it had ended before.")
		h.post(at+"/reject", 303, "comment", "not to partners")
		has(h.t, h.page(at, 200), "Nothing of it waits any more: released for 1, rejected for 2, of 3 recipients.", "Rejected by user 0 of this machine", "not to partners")
		h.post(at+"/burn", 404)
	})
}

func TestWhatDoesNotEndAHoldHasItsPages(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		at := "/held/" + heldID
		has(h.t, body(h.t, h.post(at+"/ask", 400)), "Fill in: Question.")
		h.post(at+"/ask", 303, "text", "Which <b>contract</b>?")
		has(h.t, h.page(at+"?did=ask", 200), "The sender is asked.", "Which &lt;b&gt;contract&lt;/b&gt;?", "none yet")
		h.post(at+"/pin", 303, "text", "file 12/26")
		has(h.t, h.page(at, 200), "It is kept: no deadline ends it.", "file 12/26", "Let it go on…")
		has(h.t, h.page(at+"/approve", 200), "This is not possible for any recipient.", "stays as it is: this is kept by uid:0")
		has(h.t, body(h.t, h.post(at+"/approve", 409)), "Nothing was done: this is kept by uid:0: file 12/26.")
		has(h.t, h.page("/held?pinned=true", 200), "2 recipients wait", "Is kept")
		h.post(at+"/unpin", 303)
		hasNot(h.t, h.page(at, 200), "file 12/26")
		has(h.t, body(h.t, h.post(at+"/hand-on", 409, "other", "nobody")), "is not an address")
		h.post(at+"/hand-on", 303, "other", "dan@contoso.example")
		has(h.t, h.page(at, 200), "dan@contoso.example")
	})
}

func TestALookNeedsTheRightAndIsInTheHistory(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		at := "/held/" + heldID
		hasNot(h.t, h.page(at, 200), "Look into it…")
		h.page(at+"/look", 403)
		hasNot(h.t, body(h.t, h.post(at+"/look", 403, "depth", "whole")), "Dear Dave")
		has(h.t, h.page(at, 200), "Nobody has looked into it.")
		h.be(reader)
		has(h.t, h.page(at+"/look", 200), "stays in the record, and the sender sees it", "blotted out")
		has(h.t, h.page(at, 200), "Nobody has looked into it.")
		text := body(h.t, h.post(at+"/look", 200, "depth", "redacted"))
		has(h.t, text, "Dear Dave", "&lt;script&gt;", "•••• ••••", "[U&#43;202E]")
		hasNot(h.t, text, "<script", "4111 1111", "[U+000A]")
		has(h.t, body(h.t, h.post(at+"/look", 200, "depth", "whole")), "4111 1111 1111 1111")
		has(h.t, h.page(at, 200), "Somebody has looked into it 2 times", "looked into all of it", "user 1002 of this machine")
	})
}

func TestMalwareNeedsARightOfItsOwn(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		h.be(decider)
		has(h.t, h.page("/held/01danger", 200), "malware")
		has(h.t, h.page("/held/01danger/approve", 200), "malware was found in it: letting it go needs a right of its own", "not possible for any recipient")
		h.post("/held/01danger/approve", 403)
		has(h.t, h.page("/held/bulk/new?do=approve&tenant=contoso", 200), "1 need a right that you have not, as for malware")
		h.be(officer)
		h.post("/held/01danger/approve", 303)
	})
}

func TestADecisionAboutManyIsShownInNumbersFirst(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		text := h.page("/held/bulk/new?do=reject&tenant=contoso", 200)
		has(h.t, text, "4 recipients would not get their mail: 3 messages, of 1 tenant, by 1 sender.", "4 by Customer data needs a manager", "Nothing.",
			`name="tenant" value="contoso"`, `name="total" value="4"`, "postern held bulk reject --tenant &#39;contoso&#39;")
		has(h.t, h.page("/held/bulk/new?do=approve&text=zzz", 200), "nothing would be done")
		id := regexp.MustCompile(`name="id" value="([a-z2-7]{26})"`).FindStringSubmatch(text)[1]
		has(h.t, body(h.t, h.post("/held/bulk", 400, "do", "reject", "id", "x", "total", "4")), "not whole")
		has(h.t, body(h.t, h.post("/held/bulk", 400, "id", id, "total", "4")), "neither approve nor reject")
		has(h.t, body(h.t, h.post("/held/bulk", 409, "do", "reject", "id", id, "total", "3", "tenant", "contoso")), "4 wait now, and 3 were shown: look again")
		for range 2 { // pressed twice
			res := h.post("/held/bulk", 303, "do", "reject", "id", id, "total", "4", "tenant", "contoso", "comment", "old")
			if to := res.Header.Get("Location"); to != "/held/bulk/"+id {
				h.t.Fatalf("led to %q", to)
			}
		}
		res := h.do("GET", "/held/bulk/"+id)
		if got := res.Header.Get("Refresh"); got != "3" {
			h.t.Errorf("the page refreshes itself after %q", got)
		}
		has(h.t, body(h.t, res), "Going on: 0 of 4 recipients.", "Stop that", "Stop the decision")
		if got := h.do("GET", "/held/bulk/"+id+"?still=1").Header.Get("Refresh"); got != "" {
			h.t.Errorf("the page that stands still refreshes itself after %q", got)
		}
		h.be(service)
		hasNot(h.t, h.page("/held/bulk/"+id, 200), "Stop the decision")
		h.post("/held/bulk/"+id+"/stop", 403)
		h.be(stranger)
		h.page("/held/bulk/"+id, 404)
		hasNot(h.t, h.page("/held/bulk", 200), id)
		h.be(officer)
		h.post("/held/bulk/"+id+"/stop", 303)
		has(h.t, h.page("/held/bulk/"+id, 200), "Stopped after 0 of 4 recipients.")
		has(h.t, h.page("/held/bulk", 200), "stopped", "what waits of tenant contoso")
	})
}

func TestALongListHasPages(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		now := time.Now()
		var many []quarantine.Hold
		for i := range 120 {
			x := heldSamples(now)[0]
			x.Message, x.Ref = store.NewID(now.Add(time.Duration(-i)*time.Hour)), fmt.Sprintf("MANY-%04d", i)
			x.Since, x.Until, x.Subject = now.Add(time.Duration(-i)*time.Hour), now.Add(time.Duration(i)*time.Hour), fmt.Sprintf("Nr-%d-", i)
			many = append(many, x)
		}
		h.waits(many...)
		seen, pages := map[string]bool{}, 0
		for next := "/held?text=many"; next != ""; pages++ {
			text := h.page(next, 200)
			for _, m := range regexp.MustCompile(`href="(/held/[0-9a-z]{26})"`).FindAllStringSubmatch(text, -1) {
				if seen[m[1]] {
					h.t.Errorf("%s stands twice", m[1])
				}
				seen[m[1]] = true
			}
			m := regexp.MustCompile(`href="(/held\?behind=[^"]*)" rel="next"`).FindStringSubmatch(text)
			if next = ""; m != nil {
				next = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if pages != 3 || len(seen) != 120 {
			h.t.Errorf("%d messages on %d pages", len(seen), pages)
		}
		has(h.t, h.page("/held?text=many&older=4h", 200), "116 recipients wait")
		has(h.t, h.page("/held/bulk/new?do=reject&text=many&older=4h", 200), "116 recipients would not get their mail: 116 messages", `name="before"`)
	})
}

func TestTheFirstPageLeadsToWhatWaits(t *testing.T) {
	inHeldBubble(t, func(h *house) {
		h.overviews.until = time.Time{}
		has(h.t, h.page("/", 200), `href="/held"`, "5 recipients wait for a decision", "1: nobody could be asked", "next deadline in 22 h")
		h.Held.Roles = nil
		hasNot(h.t, h.page("/", 200), "for a decision", "nobody could be asked")
	})
}

func TestWhatStrangersWriteIsDataOnPagesOfHeldMail(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)<(script|img|iframe|object|style|base)\b|<[^>]*\son\w+=`)
	values, links := regexp.MustCompile(`="[^"]*"`), regexp.MustCompile(`(?i)href="(javascript|data|//)`)
	invisible := regexp.MustCompile("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x08\x0b-\x1f\x7f]")
	inHeldBubble(t, func(h *house) {
		for i, text := range hostile() {
			x := heldSamples(time.Now())[1]
			x.Message, x.Ref = fmt.Sprintf("01hostile%d", i), "HOST"
			x.Subject, x.Because, x.Rule = text, text, text
			x.Panel.Missing = []string{text}
			x.Votes[0].Comment = text
			x.Questions = []quarantine.Question{{By: "boss@contoso.example", Text: text, At: time.Now(), Answer: text, Answered: time.Now()}}
			x.Reason = &quarantine.Reason{Text: text, Choice: text}
			x.Request = &quarantine.Reason{Text: text}
			x.Later = []string{text}
			h.waits(x)
			for _, page := range []string{"/held?text=host", "/held/" + x.Message, "/held/" + x.Message + "/approve", "/held/bulk/new?do=approve&text=host"} {
				got := h.page(page, 200)
				if m := forbidden.FindString(values.ReplaceAllString(got, `=""`)) + links.FindString(got); m != "" {
					h.t.Errorf("%q: %s has %q", text, page, m)
				}
				if m := invisible.FindString(got); m != "" {
					h.t.Errorf("%q: %s has %q", text, page, m)
				}
			}
		}
	})
}
