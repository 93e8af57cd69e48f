package public

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html/atom"

	nethtml "golang.org/x/net/html"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
)

const htmlMail = "From: ann@contoso.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPay 4539 1488 0343 6467 now\r\nSecond line\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	`<html><head><title>t</title><style>p{color:red}</style><script>alert(1)</script></head><body onload="x()">` +
	`<p style="position:fixed" id="main" class="note">Pay <b>4539 1488 0343 6467</b> now</p>` +
	`<img src="https://track.example/1.png" alt="logo"><a href="https://evil.example/path?x">our bank</a>` +
	`<form action="https://evil.example"><input name="password"><button>Approve</button></form>` +
	`<iframe src="https://evil.example"></iframe><svg onload=alert(1)><script>2</script></svg><table><tr><td>cell</table></body></html>` + "\r\n--b--\r\n"

func TestALookIsRedactedFirstAndWrittenDown(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	x.bodies["m1"] = htmlMail
	link := x.link("m1", boss)
	b := x.known(link, boss)
	b.press("look").sees("Pay •••• •••• •••• •••• now", "Second line", "blotted out").misses("4539", "6467", "<iframe")
	b.press("look-whole").sees("The mail as it is")
	frame := regexp.MustCompile(`<iframe class="frame" sandbox="" srcdoc="([^"]*)"`).FindStringSubmatch(b.page)
	if frame == nil {
		t.Fatalf("no frame: %s", b.page)
	}
	inner := html.UnescapeString(frame[1])
	if !strings.Contains(inner, "<p>Pay <b>4539 1488 0343 6467</b> now</p>[logo]our bank &lt;evil.example&gt;") || !strings.Contains(inner, "<td>cell</td>") {
		t.Errorf("the mail is not shown: %s", inner)
	}
	for _, bad := range []string{"<script", "onload", "style=", "track.example", "href=\"https", "<form", "<input", "<button", "<svg", "<img", "alert", "id=\"main", "color:red"} {
		if strings.Contains(inner, bad) {
			t.Errorf("%q is in the frame: %s", bad, inner)
		}
	}
	if len(x.looks) != 2 || x.looks[0].Whole || !x.looks[1].Whole {
		t.Errorf("%+v", x.looks)
	}
	x.known(x.link("m1", ann), ann).sees("Who looked into it", "boss@contoso.example: redacted", "boss@contoso.example: the whole text")
	if b.get(link + "?look=1"); len(x.looks) != 2 {
		t.Error("GET is a look")
	}
}

func TestWhoMayNotSeeTheTextDoesNot(t *testing.T) {
	x := newHouse(t)
	x.bodies["red"], x.bodies["none"], x.bodies["m1"] = htmlMail, htmlMail, htmlMail
	x.hold("red", func(h *quarantine.Hold) { h.Preview = policy.PreviewRedacted })
	x.hold("none", func(h *quarantine.Hold) { h.Preview = policy.PreviewNone })
	b := x.known(x.link("red", boss), boss)
	word := forms(b.page)[0].fields.Get("form")
	b.press("look").sees("•••• ••••").misses(`value="look-whole"`)
	b.send("POST", strings.Split(b.at, "?")[0], "do=look-whole&form="+word).misses("6467")
	b.get(x.link("none", boss)).misses(`value="look"`)
	b.send("POST", b.at, "do=look&form="+forms(b.page)[0].fields.Get("form")).sees("You do not have the right").misses("Pay")
	if len(x.looks) != 1 {
		t.Errorf("%+v", x.looks)
	}
}

func TestWhatIsBlottedOut(t *testing.T) {
	for _, c := range []struct {
		in     string
		places [][2]int
		want   string
	}{
		{"nothing", nil, "nothing"},
		{"IBAN DE89 3704 0044", nil, "IBAN DE•• •••• ••••"},
		{"call 030-12 34", nil, "call •••-•• ••"},
		{"in 123 days", nil, "in 123 days"},
		{"Müller lives", [][2]int{{0, 7}}, "•••••• lives"},
		{"a\nb", [][2]int{{0, 3}}, "•\n•"},
		{"out of range", [][2]int{{-5, 3}, {9, 99}}, "••• of r•••"},
	} {
		got := Masked(c.in, c.places)
		if c.in == "out of range" {
			c.want = "••• of ra•••"
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// hostile are texts that try to be more than text.
func hostile() []string {
	return []string{
		"<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u202egnp.exe", "a\u200bb\x00c\x1b[31m", "{{.Form}}",
		"javascript:alert(1)", strings.Repeat("x", 1<<20), "line\r\nSet-Cookie: x=y", "\xff\xfe\xfd", "</title></bdi></main><h1>Approved</h1>",
	}
}

func TestHostileWordsStayWords(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	jar := x.known(x.link("m1", boss), boss).jar // five codes are the most in an hour
	for i, s := range hostile() {
		id := "h" + strings.Repeat("i", i+1)
		x.bodies[id] = "Content-Type: text/html\r\n\r\n" + s
		x.hold(id, func(h *quarantine.Hold) {
			h.Subject, h.Because, h.Rule = s, s, s
			h.Recipient = mail.Address("\"" + strings.Map(func(r rune) rune {
				if r < ' ' || r == '"' || r == '\\' {
					return 'q'
				}
				return r
			}, s[:min(len(s), 60)]) + "\"@fabrikam.example")
		})
		b := &browser{house: x, jar: jar}
		b.get(x.link(id, boss)).press("look").press("look-whole")
		for _, page := range []string{b.get("/approve/my/contoso/" + id).page, b.get("/approve/my/contoso").page, b.page} {
			checkHarmless(t, page)
			if len(page) > 200_000 {
				t.Errorf("a page of %d octets", len(page))
			}
		}
		b.get("/approve/my/contoso/"+id).press("reject", "text", s[:min(len(s), 1900)])
		checkHarmless(t, b.page)
	}
}

// checkHarmless reads a page as a browser does: no element or attribute that
// is not one of ours.
func checkHarmless(t *testing.T, page string) {
	t.Helper()
	if !utf8.ValidString(page) || strings.ContainsAny(page, "\x00\x1b\u202e\u200b") {
		t.Error("a page has what one cannot see")
	}
	z := nethtml.NewTokenizer(strings.NewReader(page))
	for z.Next() != nethtml.ErrorToken {
		tok := z.Token()
		if tok.Type != nethtml.StartTagToken && tok.Type != nethtml.SelfClosingTagToken {
			continue
		}
		switch tok.DataAtom {
		case atom.Script, atom.Img, atom.Style, atom.Object, atom.Embed, atom.Base:
			t.Errorf("an element %s", tok)
		}
		for _, a := range tok.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "href" || a.Key == "src" || a.Key == "action") &&
				!strings.HasPrefix(a.Val, "/approve/") && a.Val != "#main" {
				t.Errorf("an attribute %s=%q", a.Key, a.Val)
			}
		}
	}
}

func FuzzHarmless(f *testing.F) {
	for _, s := range append(hostile(), htmlMail, "<p><p><p></div></p>", "<a href=//x><b></a>x</b>", "<svg><style><p>", "<table><td><table>", "<![CDATA[<x>]]>") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<20 {
			return
		}
		out, _ := harmless(s)
		checkHarmless(t, string(out))
		z := nethtml.NewTokenizer(strings.NewReader(string(out)))
		open := 0
		for z.Next() != nethtml.ErrorToken {
			tok := z.Token()
			if len(tok.Attr) > 0 || tok.Type == nethtml.CommentToken || tok.Type == nethtml.DoctypeToken {
				t.Fatalf("%s of %q", tok, s)
			}
			switch {
			case tok.Type == nethtml.StartTagToken && tok.DataAtom != atom.Br && tok.DataAtom != atom.Hr:
				if open++; !shown(tok.DataAtom) || open > maxOpen {
					t.Fatalf("%s, %d deep, of %q", tok, open, s)
				}
			case tok.Type == nethtml.EndTagToken:
				open--
			}
		}
		if open != 0 {
			t.Fatalf("%d elements stay open of %q: %s", open, s, out)
		}
		if text := textOf(s); strings.Contains(Masked(text, nil), "\x00\x00\x00\x00\x00") && !strings.Contains(s, "\x00") {
			t.Fatal("octets out of nowhere")
		}
	})
}

func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"de-AT,de;q=0.9", ";;;q=", "*", strings.Repeat("a-", 200), "fr;q=NaN,de;q=1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if list := accepted(s); len(list) > mostAccepted {
			t.Errorf("%d languages of %d octets", len(list), len(s))
		}
	})
}

func FuzzSealed(f *testing.F) {
	s := New(Config{Key: make([]byte, 32)})
	good := s.seal("asked", (&visit{}).now.AddDate(3000, 0, 0), "contoso", "ann@contoso.example")
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(".")
	f.Fuzz(func(t *testing.T, text string) {
		if parts, ok := s.unseal("asked", text, (&visit{}).now); ok && text != good {
			t.Errorf("%q is %v", text, parts)
		}
		if _, ok := s.unseal("session", text, (&visit{}).now); ok {
			t.Error("another purpose opens it")
		}
	})
}
