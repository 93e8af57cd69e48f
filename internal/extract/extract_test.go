package extract_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

func read(in extract.Input, content string, limit int64) (string, extract.Result) {
	var b strings.Builder
	in.Octets = strings.NewReader(content)
	r, err := extract.Begin(in, extract.Limits{Text: limit}).Finish(&b)
	if err != nil {
		panic(err)
	}
	return b.String(), r
}

func TestText(t *testing.T) {
	tests := []struct {
		name, declared, file, charset, content string
		kind, text                             string
		unseen                                 mail.Cause
	}{
		{"plain text", "text/plain", "", "utf-8", "hällo", "text/plain", "hällo", ""},
		{"Latin-1", "text/plain", "", "iso-8859-1", "h\xe4llo", "text/plain", "hällo", ""},
		{"text that is declared as something else", "application/pdf", "a.pdf", "", "just text", "text/plain", "just text", ""},
		{"JSON", "application/octet-stream", "a.json", "", `{"card": 1}`, "application/json", `{"card": 1}`, ""},
		{"nothing", "application/octet-stream", "a.bin", "", "", "application/octet-stream", "", ""},
		{"an empty text", "text/plain", "", "", "", "text/plain", "", ""},
		{"a picture", "image/png", "a.png", "", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "image/png", "", mail.Unsupported},
		{"a PDF", "application/pdf", "a.pdf", "", "%PDF-1.7\n1 0 obj\xff\n", "application/pdf", "", mail.Malformed},
		{"a PDF that is declared as text is read as text and not clean", "text/plain", "", "us-ascii", "%PDF-1.7 card 4111",
			"application/pdf", "%PDF-1.7 card 4111", mail.Malformed},
		{"an encrypted PDF", "application/pdf", "a.pdf", "", "%PDF-1.7\n" + strings.Repeat("x", 9000) + "/Encrypt 5 0 R",
			"application/pdf", "", mail.Encrypted},
		{"an encrypted ZIP", "application/zip", "a.zip", "", "PK\x03\x04\x14\x00\x01\x00\x08\x00" + strings.Repeat("\x00", 20) +
			"PK\x01\x02\x14\x00\x14\x00\x01\x00\x08\x00" + strings.Repeat("\x00", 34) +
			"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\x2e\x00\x00\x00\x1e\x00\x00\x00\x00\x00",
			"application/zip", "", mail.Encrypted},
		{"a ZIP that ends too soon", "application/zip", "a.zip", "", "PK\x03\x04\x14\x00\x00\x00\x08\x00" + strings.Repeat("\x00", 40),
			"application/zip", "", mail.Malformed},
		{"an encrypted Office document", "", "a.docx", "",
			"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 5000) + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00",
			"application/x-ole-storage", "", mail.Encrypted},
		{"an OpenPGP message", "text/plain", "", "", "-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n", "text/plain",
			"-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n", mail.Encrypted},
		{"an S/MIME message", "application/pkcs7-mime", "smime.p7m", "", "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80",
			"application/pkcs7-mime", "", mail.Encrypted},
		{"a protected message", "application/x-microsoft-rpmsg-message", "message.rpmsg", "", "\x76\xe8\x04\x60\xc4\x11\xe3\x86",
			"application/x-microsoft-rpmsg-message", "", mail.Encrypted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, r := read(extract.Input{Name: tt.file, Declared: tt.declared, Charset: tt.charset}, tt.content, 0)
			if text != tt.text || r.Type != tt.kind {
				t.Errorf("got %q as %s", text, r.Type)
			}
			var unseen mail.Cause
			if len(r.Unseen) > 0 {
				unseen = r.Unseen[0].Reason
			}
			if unseen != tt.unseen || r.Size != int64(len(tt.content)) || len(r.SHA256) != 64 || r.TextBytes != int64(len(text)) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestHTML(t *testing.T) {
	tests := []struct{ name, page, want string }{
		{"tags inside a line join, others part", "<p>4111<b>1111</b><br>x<div>y</div>z", "41111111\nx\ny\nz"},
		{"entities", "a&nbsp;b &amp; &#52;&#x31;", "a\u00a0b & 41"},
		{"scripts are text, styles are none", "a<script>var x='<b>'</script><style>p{}</style>b", "a\nvar x='<b>'\nb"},
		{"hidden text is text", `<p style="display:none">secret</p>`, "secret\n"},
		{"cells are parted", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\t\tb\t\nc\t\n"},
		{"attributes that can be read", `<img src="x" alt="a card"><a title="t" href="u">v</a>`, "a card\nv\nt\n"},
		{"conditional comments", "a<!--[if mso]><p>for Outlook</p><![endif]-->b", "a\n[if mso]>\nfor Outlook\nb"},
		{"white space is joined", "a \r\n\t b", "a b"},
		{"a page that is cut off", "<p>a<b", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, r := read(extract.Input{Declared: "text/html", Charset: "utf-8"}, tt.page, 0)
			if diff := cmp.Diff(tt.want, got); diff != "" || r.Extractor != "extract-html" {
				t.Errorf("%s %s", r.Extractor, diff)
			}
		})
	}
	got, _ := read(extract.Input{Declared: "text/html"}, `<meta charset="windows-1252"><p>h`+"\xe4"+`llo`, 0)
	if !strings.Contains(got, "hällo") {
		t.Errorf("the charset inside the page is not used: %q", got)
	}
}

// filed takes text, and writes down the files inside.
type filed struct {
	strings.Builder
	files []string
	full  bool
}

func (f *filed) Alternative([]byte) error { return nil }

func (f *filed) Hold(int64) bool { return true }

func (f *filed) Place(int64, string, int, int) {}

func (f *filed) Embed(e extract.Embedded) error {
	b, err := io.ReadAll(e.Octets)
	f.files = append(f.files, e.Declared+" "+string(b))
	if f.full {
		return extract.ErrEnough
	}
	return err
}

func TestFilesInTheAddressesOfAPageAreLookedAt(t *testing.T) {
	tests := []struct{ name, page, want string }{
		{"base64", `<a href="data:text/plain;base64,aGVsbG8=">x</a>`, "text/plain hello"},
		{"without padding, over lines", "<img src=' DATA:image/png;base64,aGV\r\n sbG8'>", "image/png hello"},
		{"percent-encoded", `<iframe src="data:text/html,%3Cp%3Ehello"></iframe>`, "text/html <p>hello"},
		{"encoded twice", `<iframe src="data:;charset=utf-8;base64,aGVsbG8%3D"></iframe>`, " hello"},
		{"in a script", `<script>var a = "data:text/csv;base64,aGVs\` + "\n" + `bG8"; b('data:x,y')</script>`, "text/csv hello|x y"},
		{"in a style sheet", `<style>p { background: url(data:image/gif;base64,aGVsbG8=) }</style>`, "image/gif hello"},
		{"in a style", `<p style="background: url('data:image/gif;base64,aGVsbG8=')">x</p>`, "image/gif hello"},
		{"a page in a page", `<iframe name=x srcdoc="<p>hello</p>" title=y></iframe>`, "text/html <p>hello</p>"},
		{"in a handler", `<p onclick="go('data:text/plain,hello')">x</p>`, "text/plain hello"},
		{"where a page leads to", `<meta http-equiv=refresh content="0; url=data:text/plain,hello">`, "text/plain hello"},
		{"none", `<a href="data:nothing">x</a><a href="data:,">y</a><script>data: 1</script>`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var to filed
			r := extract.Begin(extract.Input{Declared: "text/html", Octets: strings.NewReader(tt.page)}, extract.Limits{})
			if _, err := r.Finish(&to); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(to.files, "|"); got != tt.want {
				t.Errorf("got %q in %q", got, to.String())
			}
		})
	}
	for _, full := range []bool{false, true} {
		to := filed{full: full}
		page := strings.Repeat(`<img src="data:image/png,x">`, 1100) + "the end"
		r := extract.Begin(extract.Input{Declared: "text/html", Octets: strings.NewReader(page)}, extract.Limits{})
		result, err := r.Finish(&to)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Unseen) != map[bool]int{false: 1, true: 0}[full] {
			t.Errorf("%v", result.Unseen)
		}
		if want := map[bool]int{false: 1000, true: 1}[full]; len(to.files) != want || !strings.HasSuffix(to.String(), "the end") {
			t.Errorf("%d files, text %q", len(to.files), to.String())
		}
	}
}

func TestANumberInATableOfAPageStandsBehindItsHeading(t *testing.T) {
	row := func(cells ...string) string {
		return "<tr><td>" + strings.Join(cells, "</td><td>") + "</td></tr>"
	}
	tests := []struct{ name, page string }{
		{"plain", "<table>" + row("Name", "BSN") + row("Ann", "111222333") + "</table>"},
		{"head and body", "<table><thead><tr><th>Name<th><b>BS</b>N</thead><tbody><tr><td>Ann<td><p>111<i>222</i>333</p></tbody></table>"},
		{"a title above", "<table><tr><td colspan=2>Staff of 2026</td></tr>" + row("Name", "BSN") + row("", "111222333") + "</table>"},
		{"a wide heading", "<table><tr><th colspan='2'>Name</th><th>BSN</th></tr>" + row("Ann", "Visser", "111222333") + "</table>"},
		{"a high cell", "<table><tr><th>Team</th><th>BSN</th></tr><tr><td rowspan=2>Sales</td><td>1</td></tr>" +
			"<tr><th>BSN</th></tr><tr><td></td><td>111222333</td></tr></table>"},
		{"a table in a cell", "<table><tr><td>Dear Ann</td></tr><tr><td>so: <table>" + row("Name", "BSN") +
			row("Ann", "111222333") + "</table></td></tr></table>"},
		{"behind an open table in a comment", "<table>" + row("Name", "BSN") + "<!--[if mso]><table><tr><td>x<![endif]-->" +
			row("Ann", "111222333") + "</table>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := read(extract.Input{Declared: "text/html"}, tt.page, 0)
			if strings.Count(got, "BSN: 111222333") != 1 {
				t.Errorf("got %q", got)
			}
		})
	}
	deep := strings.Repeat("<table><tr><td>a", 40) + "123456789" + strings.Repeat("</td></tr></table>", 50) + "b"
	for _, page := range []string{
		deep,
		"<table>" + row("a", "b") + row(strings.Repeat("1234567 ", 1000), "b") + "</table>",
		"<table><tr><td rowspan=99999 colspan=99999>a</td></tr>" + row("123456789") + "</table>",
		"</table></td></tr><td>123456789<table><table></table>",
	} {
		got, _ := read(extract.Input{Declared: "text/html"}, page, 0)
		if want := strings.Count(page, "1234567"); strings.Count(got, "1234567") != want || strings.Count(got, ": ") != 0 {
			t.Errorf("got %.200q", got)
		}
	}
}

func TestTables(t *testing.T) {
	tests := []struct{ name, file, content, want string }{
		{"numbers stand behind their heading", "a.csv", "name,ssn\r\nAnn,536904399\r\n", "name\tssn\nAnn\tssn: 536904399\n"},
		{"quotes", "a.csv", "a,b\n\"x, \"\"y\"\"\nz\",2\n", "a\tb\nx, \"y\" z\t2\n"},
		{"semicolons", "a.csv", "a;b\n1,5;2\n", "a\tb\n1,5\t2\n"},
		{"tabs", "a.tsv", "a\tb\n1\t2", "a\tb\n1\t2\n"},
		{"a table without headings", "a.csv", "1234567,a\n7654321,b\n", "1234567\ta\n7654321\tb\n"},
		{"an open quote ends with the text", "a.csv", "a,b\n\"1,2\n3", "a\tb\n1,2 3\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, r := read(extract.Input{Name: tt.file, Declared: "text/csv"}, tt.content, 0)
			if diff := cmp.Diff(tt.want, got); diff != "" || r.Extractor != "extract-table" {
				t.Errorf("%s %s", r.Extractor, diff)
			}
		})
	}
	long, _ := read(extract.Input{Declared: "text/csv"}, "a,b\n\""+strings.Repeat("x", 1<<20)+"\",1\n", 0)
	if len(long) < 1<<20 {
		t.Error("a long cell was lost")
	}
}

func TestTheLimitIsSaid(t *testing.T) {
	text, r := read(extract.Input{Declared: "text/plain"}, strings.Repeat("x", 100_000), 1000)
	if len(text) != 1000 || r.TextBytes != 1000 || r.Size != 100_000 || len(r.Unseen) != 1 || r.Unseen[0].Reason != mail.TooLarge {
		t.Errorf("%d bytes, %+v", len(text), r)
	}
}

func TestAReaderOfTextThatFailsEndsTheWork(t *testing.T) {
	stop := errors.New("stop")
	_, err := extract.Begin(extract.Input{Declared: "text/plain", Octets: strings.NewReader("x")}, extract.Limits{}).Finish(failing{stop})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzExtract(f *testing.F) {
	f.Add("text/html", "a.html", "<p>a<!-- <b>c --><td>&amp;</script>")
	f.Add("text/csv", "a.csv", "a,\"b\"\"\n123456,\"")
	f.Add("text/plain", "a.txt", "\xff\xfea\x00")
	f.Add("application/zip", "a.zip", "PK\x03\x04\x14\x00\x00\x00\x08\x00")
	f.Fuzz(func(t *testing.T, declared, name, content string) {
		var b bytes.Buffer
		in := extract.Input{Name: name, Declared: declared, Octets: strings.NewReader(content)}
		r, err := extract.Begin(in, extract.Limits{Text: 1 << 20}).Finish(&b)
		if err != nil || r.Size != int64(len(content)) || r.TextBytes != int64(b.Len()) || b.Len() > 1<<20 {
			t.Fatalf("%+v, %d bytes of text, %v", r, b.Len(), err)
		}
		if len(content) > 0 && r.Extractor == "" && len(r.Unseen) == 0 {
			t.Fatal("what was not read is clean")
		}
	})
}

func ExampleBegin() {
	in := extract.Input{Declared: "text/html", Octets: strings.NewReader("<p>Hello <b>Bob</b>")}
	var text strings.Builder
	result, _ := extract.Begin(in, extract.Limits{}).Finish(&text)
	fmt.Println(result.Type, text.String())
	// Output: text/html Hello Bob
}

var _ io.Writer = failing{}
