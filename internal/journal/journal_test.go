package journal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"postern.dev/postern/internal/journal"
	"postern.dev/postern/internal/mail"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func parse(data []byte) *mail.Message { return mail.Parse(mail.Bytes(data), mail.Limits{}) }

func all(t testing.TB, b mail.Body) string {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil || int64(len(data)) != b.Size() {
		t.Fatalf("%d octets of %d: %v", len(data), b.Size(), err)
	}
	return string(data)
}

type want struct {
	Opened   bool            `json:"opened"`
	Report   *journal.Report `json:"report,omitempty"`
	Original string          `json:"original,omitempty"`
	Copied   mail.Envelope   `json:"copied"`
}

func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*/message.eml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "why.md")); err != nil {
				t.Error(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := parse(data)
			var got want
			r, ok := journal.Open(m)
			got.Copied = journal.Copied(m)
			if got.Opened = ok; ok {
				got.Report = &r
				check(t, m, r)
			}
			if r.Original != nil {
				got.Original = all(t, r.Original)
			}
			text, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, '\n')
			golden := filepath.Join(dir, "want.json")
			if *update {
				if err := os.WriteFile(golden, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			old, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(old), string(text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// check holds for every report, however broken.
func check(t testing.TB, m *mail.Message, r journal.Report) {
	t.Helper()
	named := map[string]bool{}
	for _, l := range r.Lines {
		for _, a := range []mail.Address{l.Address, l.Source} {
			if strings.ContainsAny(string(a), "\r\n\x00 <>") && !strings.HasPrefix(string(a), `"`) {
				t.Errorf("address %q", a)
			}
		}
		if l.Address == "" || l.Source != "" && l.How == journal.Direct {
			t.Errorf("line %+v", l)
		}
		named[string(l.Address.Fold())] = true
	}
	if len(named) != len(r.Envelope.To) {
		t.Errorf("%d addresses became %d recipients", len(named), len(r.Envelope.To))
	}
	for _, to := range r.Envelope.To {
		if !named[string(to.Address.Fold())] {
			t.Errorf("recipient %q stands in no line", to.Address)
		}
	}
	if strings.ContainsAny(r.Subject+r.MessageID, "\r\n\x00") {
		t.Errorf("subject %q, id %q", r.Subject, r.MessageID)
	}
	if len(r.Problems) > 100 {
		t.Errorf("%d problems", len(r.Problems))
	}
	if r.Original == nil {
		if len(r.Problems) == 0 {
			t.Error("no message is attached, and nothing is said of it")
		}
		return
	}
	if r.Original.Size() <= 0 || r.Original.Size() > m.Body.Size() {
		t.Errorf("an original of %d octets in %d", r.Original.Size(), m.Body.Size())
	}
	mail.Parse(r.Original, mail.Limits{}) // any Body will do
}

// letter is a journal report as Exchange builds it, with the part that varies.
type letter struct {
	header   string // of the whole
	charset  string
	encoding string
	report   string // UTF-8
	original string
	outer    string // encoding of the attached message
}

func (l letter) bytes(t testing.TB) []byte {
	t.Helper()
	if l.header == "" {
		l.header = "X-MS-Journal-Report:\r\n"
	}
	if l.charset == "" {
		l.charset = "utf-8"
	}
	text := []byte(l.report)
	var err error
	switch l.charset {
	case "iso-8859-1":
		text, err = charmap.ISO8859_1.NewEncoder().Bytes(text)
	case "utf-16":
		text, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example>\r\n" +
		"To: j-7f3a@gw.example\r\n" + l.header + "MIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=\"jr1\"\r\n\r\n--jr1\r\n")
	fmt.Fprintf(&b, "Content-Type: text/plain; charset=\"%s\"\r\n", l.charset)
	b.Write(transfer(l.encoding, text, l.charset == "utf-16"))
	b.WriteString("\r\n--jr1\r\nContent-Type: message/rfc822\r\n")
	b.Write(transfer(l.outer, []byte(l.original), false))
	b.WriteString("\r\n--jr1--\r\n")
	return b.Bytes()
}

// transfer is the field, the blank line and the content.
func transfer(encoding string, text []byte, binary bool) []byte {
	var b bytes.Buffer
	if encoding != "" {
		b.WriteString("Content-Transfer-Encoding: " + encoding + "\r\n")
	}
	b.WriteString("\r\n")
	switch encoding {
	case "base64":
		s := base64.StdEncoding.EncodeToString(text)
		for ; len(s) > 76; s = s[76:] {
			b.WriteString(s[:76] + "\r\n")
		}
		b.WriteString(s)
	case "quoted-printable":
		w := quotedprintable.NewWriter(&b)
		w.Binary = binary
		_, _ = w.Write(text) // a buffer takes all
		_ = w.Close()
	default:
		b.Write(text)
	}
	return b.Bytes()
}

const offer = "From: Anna <anna@contoso.example>\r\nTo: bob@fabrikam.example, sales@contoso.example\r\n" +
	"Subject: Offer 12\r\nMessage-ID: <a1@contoso.example>\r\n\r\nBody.\r\n"

func TestEveryEncodingAndCharsetGivesTheSameReport(t *testing.T) {
	report := "Sender: anna@contoso.example\r\nSubject: Angebot für Zoë\r\nMessage-Id: <a1@contoso.example>\r\n" +
		"To: bob@fabrikam.example\r\nBcc: carol@fabrikam.example\r\n" +
		"To: dora@contoso.example, Expanded: sales@contoso.example\r\nRecipient: eve@x.example, Forwarded: old@x.example\r\n"
	var first *journal.Report
	for _, charset := range []string{"utf-8", "iso-8859-1", "utf-16"} {
		for _, encoding := range []string{"8bit", "base64", "quoted-printable"} {
			for _, outer := range []string{"", "8bit", "base64", "quoted-printable"} {
				if charset == "utf-16" && encoding == "8bit" {
					continue // is not mail
				}
				data := letter{charset: charset, encoding: encoding, outer: outer, report: report, original: offer}.bytes(t)
				r, ok := journal.Open(parse(data))
				if !ok {
					t.Fatalf("%s %s %s: not opened", charset, encoding, outer)
				}
				if got := all(t, r.Original); got != offer {
					t.Errorf("%s %s %s: original %q", charset, encoding, outer, got)
				}
				if len(r.Problems) > 0 {
					t.Errorf("%s %s %s: %+v", charset, encoding, outer, r.Problems)
				}
				r.Original = nil
				if first == nil {
					first = &r
				}
				if diff := cmp.Diff(*first, r); diff != "" {
					t.Errorf("%s %s %s: %s", charset, encoding, outer, diff)
				}
			}
		}
	}
	if first.Subject != "Angebot für Zoë" || fmt.Sprint(first.Envelope.Addresses()) !=
		"[bob@fabrikam.example dora@contoso.example carol@fabrikam.example eve@x.example]" {
		t.Errorf("%+v", first)
	}
}

func TestRecipientLines(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a bare address", "To: a@x.example", "To a@x.example"},
		{"brackets", "Cc: <a@x.example>", "Cc a@x.example"},
		{"a display name", `Bcc: "Doe, Jane" <a@x.example>`, "Bcc a@x.example"},
		{"a display name with a comma and no quotes", "To: Doe, Jane <a@x.example>", "To a@x.example"},
		{"an address with its type", "Recipient: SMTP:a@x.example", "Recipient a@x.example"},
		{"the link of a mail program", "To: a@x.example<mailto:a@x.example>", "To a@x.example"},
		{"names in other letters", "tO : a@x.example", "To a@x.example"},
		{"a group", "To: a@x.example, Expanded: g@x.example", "To a@x.example Expanded g@x.example"},
		{"a group in other letters, without spaces", "to:a@x.example,EXPANDED:<g@x.example>", "To a@x.example Expanded g@x.example"},
		{"a redirection", "Recipient: a@x.example, Forwarded: b@x.example", "Recipient a@x.example Forwarded b@x.example"},
		{"a fold before the group", "To: a@x.example,\r\n Expanded: g@x.example", "To a@x.example Expanded g@x.example"},
		{"a fold after the name", "To:\r\n\ta@x.example", "To a@x.example"},
		{"two addresses", "To: a@x.example, b@x.example, Expanded: g@x.example", "To a@x.example; To b@x.example Expanded g@x.example"},
		{"a comma in a quoted local part", `To: "a,b"@x.example, Expanded: g@x.example`, `To "a,b"@x.example Expanded g@x.example`},
		{"the word in a quoted local part", `To: "a, Expanded: b"@x.example`, `To "a, Expanded: b"@x.example`},
		{"a quote without end", `To: "a@x.example, b@x.example`, "To b@x.example !malformed"},
		{"an address literal", "To: a@[IPv6:2001:db8::1]", "To a@[IPv6:2001:db8::1]"},
		{"letters of the world", "To: jösé@bücher.example", "To jösé@bücher.example"},
		{"an encapsulated address longer than SMTP allows", "To: IMCEAEX-_o=" + strings.Repeat("A", 80) + "@x.example",
			"To IMCEAEX-_o=" + strings.Repeat("A", 80) + "@x.example"},
		{"an X.500 address", "To: /o=Contoso/ou=AG/cn=Recipients/cn=a", "!malformed"},
		{"an X.500 address with its type", "To: EX:/o=Contoso/cn=a", "!malformed"},
		{"nothing", "To:", "!malformed"},
		{"a group only", "To: , Expanded: g@x.example", "!malformed"},
		{"a group that cannot be read", "To: a@x.example, Expanded: Sales", "To a@x.example Expanded !malformed"},
		{"two ways", "To: a@x.example, Expanded: g@x.example, Forwarded: b@x.example", "To a@x.example Expanded g@x.example !unsupported"},
		{"a note that is not known", "To: a@x.example, Delayed: yes", "To a@x.example !unsupported"},
		{"a CR alone is no line end", "To: a@x.example\rBcc: b@x.example", "!malformed"},
		{"a line that is not known", "Label: To: a@x.example", ""},
		{"no line at all", "a@x.example", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := "Sender: s@x.example\r\nTo: first@x.example\r\n" + test.line + "\r\n"
			m := parse(letter{report: report, original: offer, encoding: "base64"}.bytes(t))
			r, ok := journal.Open(m)
			if !ok {
				t.Fatal("not opened")
			}
			check(t, m, r)
			var got []string
			for _, l := range r.Lines[1:] {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.Class, l.Address, l.How, l.Source)))
			}
			text := strings.Join(got, "; ")
			for _, p := range r.Problems {
				text += " !" + string(p.Reason)
			}
			if text = strings.TrimSpace(text); text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}

func TestOtherLines(t *testing.T) {
	open := func(report string) (journal.Report, string) {
		m := parse(letter{report: report, original: offer}.bytes(t))
		r, ok := journal.Open(m)
		if !ok {
			t.Fatalf("%q: not opened", report)
		}
		check(t, m, r)
		var said []string
		for _, p := range r.Problems {
			said = append(said, p.Detail)
		}
		return r, strings.Join(said, "; ")
	}
	r, said := open("\uFEFFSender: <>\r\nSubject:\r\nMessage-ID: <a1@contoso.example>\r\nOn-Behalf-Of: boss@x.example\r\n" +
		"SentUtc: 1/2/2026 3:04:05 AM\r\n\r\nRecipient: a@x.example\r\n")
	if !r.Envelope.From.Null() || r.Subject != "" || r.OnBehalfOf != "boss@x.example" || said != "" {
		t.Errorf("%+v %s", r, said)
	}
	r, said = open("Sender: s@x.example\r\nSubject: one\r\n two\x01\r\nmessage-id:<a1@contoso.example>\r\nTo: A@x.example\r\nBcc: a@X.example\r\n")
	if r.Subject != "one two " || r.MessageID != "<a1@contoso.example>" || len(r.Lines) != 2 || len(r.Envelope.To) != 1 || said != "" {
		t.Errorf("%+v %s", r, said)
	}
	r, said = open("Sender: s@x.example\r\nSender: t@x.example\r\nMessage-ID: <other@x.example>\r\nTo: a@x.example\r\n")
	if r.Envelope.From != "s@x.example" || said != "the journal report has 1 lines that may stand only once and stand again; "+
		"the journal report and the message attached to it have different ids" {
		t.Errorf("%+v %s", r, said)
	}
	r, said = open("Hello,\r\nplease find a message attached.\r\n")
	if len(r.Lines) != 0 || r.Original == nil || said != "the journal report has no lines that can be read" {
		t.Errorf("%+v %s", r, said)
	}
	r, said = open("To: jösé@x.example\r\n")
	if !r.Envelope.UTF8 || said != "the journal report names no sender" {
		t.Errorf("%+v %s", r, said)
	}
	if r, said = open("Sender: s@x.example\r\n"); said != "the journal report names no recipient" {
		t.Errorf("%+v %s", r, said)
	}
}

func TestWhatIsNoJournalReport(t *testing.T) {
	report := "Sender: s@x.example\r\nTo: a@x.example\r\n"
	whole := string(letter{report: report, original: offer}.bytes(t))
	for name, text := range map[string]string{
		"no journal header":               strings.Replace(whole, "X-MS-Journal-Report:", "X-Other:", 1),
		"the header inside only":          offer + "X-MS-Journal-Report:\r\n",
		"the header on an ordinary one":   "X-MS-Journal-Report:\r\nSubject: hello\r\n\r\nhow are you\r\n",
		"a message that holds a report":   "X-MS-Journal-Report:\r\nContent-Type: message/rfc822\r\n\r\n" + whole,
		"nothing but the header":          "X-MS-Journal-Report:\r\n\r\n",
		"nothing":                         "",
		"a multipart of pictures":         "X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
		"a multipart without any content": "X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n",
	} {
		if r, ok := journal.Open(parse([]byte(text))); ok {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for _, header := range []string{
		"X-MS-Journal-Report: \r\n", "x-ms-journal-report: yes\r\n", "X-MS-Exchange-Organization-Journal-Report:\r\n",
	} {
		if _, ok := journal.Open(parse(letter{header: header, report: report, original: offer}.bytes(t))); !ok {
			t.Errorf("%q is not opened", header)
		}
	}
}

func TestAReportThatIsTooLargeIsReadInPart(t *testing.T) {
	var b strings.Builder
	b.WriteString("Sender: s@x.example\r\nSubject: " + strings.Repeat("x", 200<<10) + "\r\n")
	for i := range 60_000 {
		fmt.Fprintf(&b, "To: a%d@x.example, Expanded: g@x.example\r\n", i)
	}
	b.WriteString("Label: " + strings.Repeat("\r\n a", 5<<20)) // quadratic, if joined carelessly
	m := parse(letter{report: b.String(), original: offer}.bytes(t))
	r, ok := journal.Open(m)
	if !ok || len(r.Lines) != 50_000 || len(r.Envelope.To) != 50_000 || all(t, r.Original) != offer {
		t.Fatalf("%v %d lines", ok, len(r.Lines))
	}
	said := ""
	for _, p := range r.Problems {
		if p.Reason != mail.TooLarge || p.Part != "1.1" {
			t.Errorf("%+v", p)
		}
		said += p.Detail + "\n"
	}
	for _, want := range []string{"too long\n", "10000 recipients more", "read to its end"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
}

func TestAMessageTooDeepForTheIndexIsStillGivenOut(t *testing.T) {
	report := "Sender: s@x.example\r\nTo: a@x.example\r\n"
	m := mail.Parse(mail.Bytes(letter{report: report, original: offer}.bytes(t)), mail.Limits{Depth: 1})
	if r, ok := journal.Open(m); !ok || r.Original == nil || all(t, r.Original) != offer {
		t.Errorf("%v %+v", ok, r)
	}
	m = mail.Parse(mail.Bytes(letter{report: report, original: offer, outer: "base64"}.bytes(t)), mail.Limits{Depth: 1})
	r, ok := journal.Open(m)
	if !ok || r.Original != nil || len(r.Problems) == 0 || r.Problems[0].Reason != mail.TooDeep {
		t.Errorf("%v %+v", ok, r)
	}
}

func TestCopied(t *testing.T) {
	for _, test := range []struct{ name, header, want string }{
		{"From, To and Cc", "From: Anna <a@x.example>\r\nTo: B <b@x.example>, c@x.example\r\nCc: d@x.example\r\n", "a@x.example > [b@x.example c@x.example d@x.example]"},
		{"an address in both", "From: a@x.example\r\nTo: b@x.example\r\nCc: B@X.example\r\n", "a@x.example > [b@x.example]"},
		{"a group", "From: a@x.example\r\nTo: Team: b@x.example, c@x.example;\r\n", "a@x.example > [b@x.example c@x.example]"},
		{"Bcc is not for us to believe", "From: a@x.example\r\nBcc: z@x.example\r\n", "a@x.example > []"},
		{"no From", "Sender: s@x.example\r\nTo: b@x.example\r\n", "s@x.example > [b@x.example]"},
		{"nothing", "Subject: x\r\n", " > []"},
	} {
		e := journal.Copied(parse([]byte(test.header + "\r\nBody.\r\n")))
		if got := fmt.Sprintf("%s > %v", e.From, e.Addresses()); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if !journal.Copied(parse([]byte("From: jösé@x.example\r\n\r\n"))).UTF8 {
		t.Error("an address outside of ASCII needs SMTPUTF8")
	}
}

// Whatever Exchange may write comes back, in every class and way.
func TestWhatIsWrittenIsRead(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) mail.Address {
		return mail.Address(rapid.StringMatching(`[a-z0-9'+=_-]{1,20}(\.[a-zé0-9]{1,8})?@[a-z][a-z0-9]{0,9}\.example`).Draw(t, "address"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		wrote := journal.Report{Subject: rapid.StringMatching(`([a-zA-ZüÜß:,<>@"=?]{1,8} ?){0,6}[a-z]`).Draw(rt, "subject"), MessageID: "<a1@contoso.example>"}
		wrote.Envelope.From = address.Draw(rt, "sender")
		text := fmt.Sprintf("Sender: %s\r\nSubject: %s\r\nMessage-Id: %s\r\n", wrote.Envelope.From, wrote.Subject, wrote.MessageID)
		classes := []journal.Class{journal.To, journal.Cc, journal.Bcc, journal.Recipient}
		for range rapid.IntRange(1, 8).Draw(rt, "recipients") {
			l := journal.Line{Class: rapid.SampledFrom(classes).Draw(rt, "class"), Address: address.Draw(rt, "to")}
			text += fmt.Sprintf("%s: %s", l.Class, l.Address)
			if l.How = rapid.SampledFrom([]journal.How{journal.Direct, journal.Expanded, journal.Forwarded}).Draw(rt, "how"); l.How != "" {
				l.Source = address.Draw(rt, "source")
				text += fmt.Sprintf(", %s: %s", l.How, l.Source)
			}
			text += "\r\n"
			wrote.Lines = append(wrote.Lines, l)
		}
		encodings := []string{"", "8bit", "base64", "quoted-printable"}
		m := parse(letter{
			report: text, original: offer, charset: rapid.SampledFrom([]string{"utf-8", "iso-8859-1"}).Draw(rt, "charset"),
			encoding: rapid.SampledFrom(encodings).Draw(rt, "encoding"), outer: rapid.SampledFrom(encodings).Draw(rt, "outer"),
		}.bytes(t))
		read, ok := journal.Open(m)
		if !ok || all(t, read.Original) != offer {
			rt.Fatalf("not opened: %s", text)
		}
		check(t, m, read)
		wrote.Envelope.To, wrote.Envelope.UTF8 = read.Envelope.To, read.Envelope.UTF8
		read.Original = nil
		if diff := cmp.Diff(wrote, read); diff != "" {
			rt.Fatalf("%s\n%s", text, diff)
		}
	})
}
