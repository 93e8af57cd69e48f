package disguise

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/number"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

func options(seed uint64) Options {
	return Options{
		Detectors:  look.Detectors(detect.Catalogue{}),
		Inside:     func(a mail.Address) bool { return a.Domain() == "contoso.example" },
		Keep:       func(a mail.Address) bool { return a.Fold() == "audit@contoso.example" },
		KeepDomain: func(d string) bool { return d == "partner.example" },
		Random:     rand.New(rand.NewPCG(seed, seed)),
	}
}

func zipped(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func docx(t testing.TB) string {
	return zipped(t,
		"[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
		"_rels/.rels", `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+
			`<w:p><w:r><w:t>Credit card 5500 00</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>00 0000 0004 of Ann Smith</w:t></w:r></w:p></w:body></w:document>`,
		"word/media/photo.png", "not a picture")
}

func sample(t testing.TB) string {
	parts := []string{
		"Content-Type: text/plain; charset=utf-8\r\n\r\nDear Bob, the credit card of Ann Smith is 4012 8888 8888 1881,\r\n" +
			"her IBAN is NL91 ABNA 0417 1643 00 and her BSN is 111222333. Ask ann.smith@contoso.example or\r\n" +
			"audit@contoso.example, or pia@partner.example. The token is ghp_n0tAr3alT0ken.\r\n",
		"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Credit card <b>4012 8888</b> 8888&#32;1881 of <a href=\"mailto:ann.smith@contoso.example\">Ann</a></p>\r\n",
		"Content-Type: text/csv; name=\"Ann Smith.csv\"\r\nContent-Disposition: attachment; filename=\"Ann Smith.csv\"\r\n\r\n" +
			"name,credit card\r\nSmith,4111111111111111\r\n",
		"Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document; name=plan.docx\r\n" +
			"Content-Disposition: attachment; filename=plan.docx\r\nContent-Transfer-Encoding: base64\r\n\r\n" + docx(t) + "\r\n",
		"Content-Type: application/zip; name=x.zip\r\nContent-Disposition: attachment; filename=x.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			zipped(t, "a.txt", "IBAN DE89 3704 0044 0532 0130 00") + "\r\n",
	}
	head := "From: Ann Smith <ann.smith@contoso.example>\r\nTo: \"Bob Jones\" <bob@fabrikam.example>, pia@partner.example\r\n" +
		"Subject: =?utf-8?q?card_4111111111111111_f=C3=BCr_Bob?=\r\nReceived: from secret.host ([10.1.2.3])\r\nX-Trace: ann.smith\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	return head + "--b\r\n" + strings.Join(parts, "\r\n--b\r\n") + "\r\n--b--\r\n"
}

// totals counts the different values in all texts of a message, by type.
func totals(o Options, octets []byte) map[string]int {
	n := map[string]int{}
	seen := map[string]bool{}
	for _, t := range look.Texts(mail.Parse(mail.Bytes(octets), mail.Limits{})) {
		for _, p := range look.DetectText(t.Text, o.Detectors) {
			if key := p.Type + " " + p.Confidence.String(); !seen[key+normal(t.Text[p.Start:p.End])] {
				seen[key+normal(t.Text[p.Start:p.End])] = true
				n[key]++
			}
		}
	}
	return n
}

func TestNothingOfTheOriginalIsLeft(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		o := options(seed)
		original := sample(t)
		made, err := Message(mail.Bytes(original), o)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(made.Octets), "\r\n\r\n")
		all := head
		for _, text := range look.Texts(mail.Parse(mail.Bytes(made.Octets), mail.Limits{})) {
			all += "\n" + text.Text + "\n" + text.Name
		}
		for _, gone := range []string{"4012 8888 8888 1881", "4111111111111111", "NL91 ABNA", "111222333", "5500 0000 0000 0004",
			"DE89 3704", "ann.smith", "Smith", "fabrikam", "Bob", "secret.host", "X-Trace"} {
			if strings.Contains(strings.ToLower(all), strings.ToLower(gone)) {
				t.Errorf("%q is still there", gone)
			}
		}
		for _, stays := range []string{"@contoso.example", "audit@contoso.example", "@partner.example", "plan.docx"} {
			if !strings.Contains(all, stays) {
				t.Errorf("%q is gone", stays)
			}
		}
		if len(made.StandIns) != 1 || made.StandIns[0] != "x.zip" || len(made.Kept) != 1 {
			t.Errorf("stand-ins %v, kept %v", made.StandIns, made.Kept)
		}
		if len(made.Weak) > 0 {
			t.Errorf("no fakes of %v", made.Weak)
		}
		a, b := totals(o, []byte(original)), totals(o, made.Octets)
		for _, typ := range []string{"CREDIT_CARD high", "IBAN high", "NL_BSN high"} {
			if a[typ] == 0 || a[typ] != b[typ] {
				t.Errorf("seed %d: %s: %d and %d", seed, typ, a[typ], b[typ])
			}
		}
	}
}

func TestTheSameIsReplacedByTheSame(t *testing.T) {
	t.Parallel()
	text := "From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\n\r\nIBAN NL91 ABNA 0417 1643 00 and again IBAN NL91ABNA0417164300 " +
		"and bob@fabrikam.example\r\n"
	made, err := Message(mail.Bytes(text), options(1))
	if err != nil {
		t.Fatal(err)
	}
	m := mail.Parse(mail.Bytes(made.Octets), mail.Limits{})
	places := look.DetectText(look.Texts(m)[len(look.Texts(m))-1].Text, options(1).Detectors)
	var ibans []string
	body := look.Texts(m)[len(look.Texts(m))-1].Text
	for _, p := range places {
		if p.Type == "IBAN" {
			ibans = append(ibans, normal(body[p.Start:p.End]))
		}
	}
	if len(ibans) != 2 || ibans[0] != ibans[1] || !strings.HasPrefix(ibans[0], "NL") {
		t.Errorf("%v in %s", ibans, body)
	}
	if n := strings.Count(body, made.Addresses["bob@fabrikam.example"]); n != 1 {
		t.Errorf("the address stands there %d times", n)
	}
}

func TestFakesAreValidNumbersOfTheirKind(t *testing.T) {
	t.Parallel()
	o := options(3)
	for typ, text := range map[string]string{
		"CREDIT_CARD": "credit card 3782 822463 10005", "IBAN": "IBAN GB82 WEST 1234 5698 7654 32", "NL_BSN": "BSN 111222333",
		"US_SSN": "social security number 536-90-4399", "ES_NIF": "NIF 12345678Z", "UK_NHS": "NHS number 943 476 5919",
		"DE_TAX_ID": "Steuer-ID 86095742719",
	} {
		t.Run(typ, func(t *testing.T) {
			i := -1
			places := look.DetectText(text, o.Detectors)
			for k, p := range places {
				if p.Type == typ {
					i = k
				}
			}
			if i < 0 {
				t.Skipf("SKIPPED: %s is not found in %q", typ, text)
			}
			p := places[i]
			f := &faker{random: o.Random, detectors: o.Detectors, fakes: map[string]string{}, taken: map[string]bool{}}
			value := text[p.Start:p.End]
			fake, ok := f.of(typ, value, text[:p.Start], text[p.End:], p.Confidence)
			if valid, known := number.Valid(typ, fake); !ok || known && !valid || fake == value || len(fake) != len(value) {
				t.Errorf("%s for %s: %t", fake, value, ok)
			}
		})
	}
}

func TestMarkupKeepsItsTags(t *testing.T) {
	t.Parallel()
	s := &swapper{people: &people{to: map[string]string{}, domains: map[string]string{}, words: map[string]string{"smith": "Kim"}},
		values: map[string]string{"12 & 34": "56 & 78", "4111 1111": "9999 8888"}, counts: map[string]int{}, types: map[string]string{}}
	if err := s.compile(); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`<p>12 &amp; 34</p>`:                         `<p>56 &amp; 78</p>`,
		`<p>41<b>11 11</b>11 x</p>`:                  `<p>9999 8888<b></b> x</p>`,
		`<td>4111</td><td>1111</td>`:                 `<td>4111</td><td>1111</td>`,
		`<a title="Smith">SMITH</a> Smithson`:        `<a title="Kim">KIM</a> Smithson`,
		`plain 4111` + "\r\n" + `1111`:               `plain 9999` + "\r\n" + `8888`,
		`<!-- 4111 1111 --><p>nothing &lt; here</p>`: `<!-- 9999 8888 --><p>nothing &lt; here</p>`,
	} {
		if got := s.markup(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func FuzzMarkup(f *testing.F) {
	f.Add(`<p>4111 <b>1111</b> &amp;`, "4111 1111")
	f.Add("<!--<", "a")
	f.Fuzz(func(t *testing.T, text, value string) {
		s := &swapper{people: &people{to: map[string]string{}, domains: map[string]string{}, words: map[string]string{}},
			values: map[string]string{value: "0"}, counts: map[string]int{}, types: map[string]string{}}
		if s.compile() != nil {
			return // not UTF-8
		}
		if again := s.markup(text); len(again) > 8*len(text)+100 {
			t.Errorf("%q grows to %q", text, again)
		}
	})
}

func TestAMessageThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Message(mail.Bytes(make([]byte, maxMessage+1)), options(1)); err == nil {
		t.Error("it is taken")
	}
}

func TestADocumentOfTooManyFilesBecomesItsText(t *testing.T) {
	t.Parallel()
	files := []string{"[Content_Types].xml", "<x/>"}
	for i := range maxEntries {
		files = append(files, fmt.Sprint("word/", i, ".xml"), "<x/>")
	}
	text := "From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\nContent-Type: application/x; name=a.docx\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + zipped(t, files...)
	made, err := Message(mail.Bytes(text), options(1))
	if err != nil || len(made.StandIns) != 1 {
		t.Errorf("%+v %v", made, err)
	}
}

func ExampleMessage() {
	made, err := Message(mail.Bytes("From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example\r\nSubject: for Ann\r\n\r\nHello\r\n"), options(1))
	if err != nil {
		panic(err)
	}
	head, _, _ := strings.Cut(string(made.Octets), "Message-ID")
	fmt.Println(strings.ReplaceAll(head, "\r\n", "\n"))
	// Output:
	// From: Robin <person1@contoso.example>
	// To: person2@outside1.example
	// Subject: for Robin
}
