package look_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// TestMain makes this test binary its own child, as app does with postern.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == look.ChildArgument {
		os.Exit(look.Child())
	}
	os.Exit(m.Run())
}

// letter has a card in the body, one in a table, an IBAN, an SSN, an address,
// a label and an attachment that cannot be read.
const letter = "From: Ann <ann@contoso.example>\r\n" +
	"To: Bob <bob@fabrikam.example>\r\n" +
	"Subject: =?utf-8?q?card_4012_8888_8888_1881?=\r\n" +
	"MSIP_Labels: MSIP_Label_11111111-2222-3333-4444-555555555555_Enabled=true;\r\n" +
	" MSIP_Label_11111111-2222-3333-4444-555555555555_Name=Confidential\r\n" +
	"X-Classification: secret\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
	"Credit card 4111 1111 1111 1111, IBAN GB29NWBK60161331926819,\r\n" +
	"SSN 536-90-4399, mail carol@contoso.com about project Bluebird.\r\n" +
	"--b\r\nContent-Type: text/html\r\n\r\n" +
	"<p>Card 4111<b> 1111 1111</b> 1111<script>5555555555554444</script>\r\n" +
	"--b\r\nContent-Type: text/csv; name=\"cards.csv\"\r\nContent-Disposition: attachment; filename=\"cards.csv\"\r\n\r\n" +
	"name,ssn,credit card\r\nAnn,536904399,5555555555554444\r\nBob,219123456,378282246310005\r\n" +
	"--b\r\nContent-Type: application/octet-stream; name=\"x.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\r\n" +
	"--b--\r\n"

func catalogue() detect.Catalogue {
	return detect.Catalogue{
		Dictionaries: []detect.Dictionary{{ID: "projects", Terms: []string{"Bluebird"}}},
		Headers:      []detect.HeaderRule{{ID: "classified", Name: "X-Classification", Pattern: "^secret$"}},
		Attachments:  []detect.AttachmentRule{{ID: "pictures", Types: []string{"image/*"}}},
	}
}

func parse(s string) *mail.Message { return mail.Parse(mail.Bytes(s), mail.Limits{}) }

// summary is a report in one line per finding, for comparing.
func summary(r detect.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %q %s %d %s %s\n", f.Type, f.Part, f.Kind, f.Count, f.Confidence, f.Sample)
	}
	for _, l := range r.Labels {
		fmt.Fprintf(&b, "label %s %s\n", l.Scheme, l.Name)
	}
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "part %s %s %s %d\n", p.Part, p.Name, p.Type, p.Size)
	}
	for _, u := range r.Unseen {
		fmt.Fprintf(&b, "unseen %s %s %s\n", u.Part, u.Reason, u.Detail)
	}
	fmt.Fprintln(&b, "inspected", r.Inspected())
	return b.String()
}

func TestLookHere(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	got := summary(l.Look(context.Background(), parse(letter), look.Options{Catalogue: catalogue}))
	t.Log("\n" + got)
	for _, want := range []string{
		`CREDIT_CARD "" subject 1 high 4012 •••• •••• 1881`,
		`CREDIT_CARD "1.1" body 1 high 4111 •••• •••• 1111`,
		`IBAN "1.1" body 1 high`, `US_SSN "1.1" body 1 high`, `EMAIL "1.1" body 1 high`, `PROJECTS "1.1" body 1 high`,
		`CREDIT_CARD "1.2" body 2 high`,
		`CREDIT_CARD "1.3" attachment 2 high`, `US_SSN "1.3" attachment 2 medium`,
		`CLASSIFIED "" header 1 high`, `PICTURES "1.4" attachment 1 high`,
		"label msip Confidential", "part 1.4 x.png image/png 33", "unseen 1.4 unsupported", "inspected partial",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestChildSeesTheSame(t *testing.T) {
	here := look.New(look.Config{InProcess: true})
	child := look.New(look.Config{})
	defer child.Close()
	for range 3 { // the second and third time with a warm child
		a := here.Look(context.Background(), parse(letter), look.Options{Catalogue: catalogue})
		b := child.Look(context.Background(), parse(letter), look.Options{Catalogue: catalogue})
		if x, y := summary(a), summary(b); x != y {
			t.Fatalf("in process:\n%s\nin a child:\n%s", x, y)
		}
		if len(b.Totals) == 0 || b.Totals[0].Type != "CLASSIFIED" && fmt.Sprint(a.Totals) != fmt.Sprint(b.Totals) {
			t.Fatalf("totals %v and %v", a.Totals, b.Totals)
		}
	}
}

// What lies deeper than parts are taken apart is read as it stands.
func TestVeryDeepMailKillsNoChildAndIsRead(t *testing.T) {
	deep := "Subject: x\r\n\r\nCredit card 4111 1111 1111 1111\r\n"
	for range 700 {
		deep = "Subject: x\r\nContent-Type: message/rfc822\r\n\r\n" + deep
	}
	child := look.New(look.Config{})
	defer child.Close()
	r := child.Look(context.Background(), parse(deep), look.Options{Catalogue: catalogue})
	if !slices.ContainsFunc(r.Findings, func(f detect.Finding) bool { return f.Type == "CREDIT_CARD" }) {
		t.Errorf("the card at the bottom was not found: %s", summary(r))
	}
	if len(r.Unseen) == 0 {
		t.Error("nothing is said to be too deep")
	}
	for _, u := range r.Unseen {
		if u.Reason != mail.TooDeep {
			t.Errorf("unseen: %s %s", u.Reason, u.Detail)
		}
	}
}

// TestFaults makes every kind of step fail in every way, in a real child.
func TestFaults(t *testing.T) {
	steps := map[string]string{ // the step, and a finding that must be missing
		"credit-card": "CREDIT_CARD", "iban": "IBAN", "us-ssn": "US_SSN", "email": "EMAIL", "projects": "PROJECTS",
		"classified": "CLASSIFIED", "pictures": "PICTURES", "labels": "label msip", "extract-table": `"1.3" attachment`,
	}
	whole := look.New(look.Config{InProcess: true}).Look(context.Background(), parse(letter), look.Options{Catalogue: catalogue})
	for _, how := range []string{"panic", "hang", "alloc", "garbage"} {
		for who, lost := range steps {
			slow := how == "hang" || how == "alloc"
			if who != "credit-card" && (testing.Short() || slow && who != "extract-table" && who != "labels") {
				continue
			}
			t.Run(how+" in "+who, func(t *testing.T) {
				t.Parallel()
				l := look.New(look.Config{Children: children(who + ":" + how)})
				defer l.Close()
				r := l.Look(context.Background(), parse(letter), look.Options{Catalogue: catalogue, Budget: 30 * time.Second})
				got := summary(r)
				for _, line := range strings.Split(summary(whole), "\n") {
					finding := !strings.HasPrefix(line, "part") && !strings.HasPrefix(line, "inspected")
					if finding && !strings.Contains(line, lost) && !strings.Contains(got, line) {
						t.Errorf("lost: %s", line)
					}
				}
				want := mail.EngineFailed
				if how == "hang" {
					want = mail.OutOfTime
				}
				if who == "extract-table" && how == "garbage" {
					return // its nonsense is on the wire, its text is read again
				}
				if !blamed(r, want, who) {
					t.Errorf("nobody blames %s:\n%s", who, got)
				}
			})
		}
	}
}

func blamed(r detect.Report, reason mail.Cause, who string) bool {
	for _, u := range r.Unseen {
		if u.Reason == reason && strings.Contains(u.Detail, who) {
			return true
		}
	}
	return false
}

func children(fault string) extract.Config {
	step := 5 * time.Second
	if strings.HasSuffix(fault, ":hang") {
		step = 500 * time.Millisecond
	}
	return extract.Config{Step: step, Memory: 128 << 20, Env: []string{look.FaultVariable + "=" + fault}}
}

func TestNoChildIsEngineDown(t *testing.T) {
	l := look.New(look.Config{Children: extract.Config{Program: "/does/not/exist"}})
	defer l.Close()
	r := l.Look(context.Background(), parse(letter), look.Options{})
	if len(r.Unseen) == 0 || r.Unseen[0].Reason != mail.EngineDown || r.Inspected() != "none" {
		t.Errorf("got %s", summary(r))
	}
}

func TestTheBudgetEndsEverything(t *testing.T) {
	t.Setenv(look.FaultVariable, "credit-card:hang")
	l := look.New(look.Config{Restarts: 1})
	defer l.Close()
	began := time.Now()
	r := l.Look(context.Background(), parse(letter), look.Options{Budget: time.Second})
	if time.Since(began) > 20*time.Second {
		t.Error("it took far longer than its budget")
	}
	if !blamed(r, mail.OutOfTime, "credit-card") {
		t.Errorf("got %s", summary(r))
	}
}

func TestAnAnswerOfNotesIsPassedOn(t *testing.T) {
	m := parse(letter)
	m.Unseen = append(m.Unseen, mail.Unseen{Part: "1.1", Reason: mail.Ambiguous, Detail: "two charsets"})
	r := look.New(look.Config{InProcess: true}).Look(context.Background(), m, look.Options{})
	if len(r.Reasons()) != 2 || r.Reasons()[0] != mail.Ambiguous {
		t.Errorf("got %v", r.Reasons())
	}
}

func TestDetectText(t *testing.T) {
	var b bytes.Buffer
	for _, p := range look.DetectText("é 4111\u200b1111 1111 1111 x", detectors()) {
		fmt.Fprintln(&b, p.Type, p.Start, p.End)
	}
	if got := b.String(); got != "" {
		t.Log(got)
	}
}
