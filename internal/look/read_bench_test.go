package look

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// prose is text of about n octets, drawn from the words of business mail.
func prose(r *rand.Rand, n int) []string {
	words := strings.Fields("the of and to in for on with contract invoice customer budget meeting quarter report price " +
		"delivery project review account payment team attached please confirm schedule update draft legal agreement " +
		"service terms order number office manager request approval policy security travel expense hours data system " +
		"change product market plan risk value total amount date signed version copy address phone company supplier " +
		"question answer next week Monday Friday regards thank you we will send have been before after this that")
	var list []string
	for n > 0 {
		s := "Dear"
		for range 6 + r.IntN(11) {
			s += " " + words[r.IntN(len(words))]
		}
		if s += "."; r.IntN(20) == 0 {
			s += fmt.Sprintf(" Ref %04d-%05d, EUR %d.%02d.", r.IntN(10000), r.IntN(100000), r.IntN(10000), r.IntN(100))
		}
		list, n = append(list, s), n-len(s)-1
	}
	return list
}

// chunk is a chunk of a picture.
func chunk(kind, data string) string {
	sum := crc32.ChecksumIEEE([]byte(kind + data))
	return fmt.Sprintf("%s%s%s%s", octets32(len(data)), kind, data, octets32(int(sum)))
}

func octets32(n int) string {
	return string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// document is a docx of prose with a picture whose pixels are noise.
func document(b *testing.B, r *rand.Rand, text, pixels int) []byte {
	b.Helper()
	const head = `<?xml version="1.0"?>`
	noise := make([]byte, pixels)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var doc strings.Builder
	list := prose(r, text)
	for i := 0; i < len(list); i += 5 {
		doc.WriteString("<w:p><w:r><w:t>" + strings.Join(list[i:min(i+5, len(list))], " ") + "</w:t></w:r></w:p>")
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range [][2]string{
		{"[Content_Types].xml", head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="png" ContentType="image/png"/></Types>`},
		{"_rels/.rels", head + `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/` +
			`officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", head + `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">` +
			`<w:body>` + doc.String() + `</w:body></w:document>`},
		{"word/media/image1.png", "\x89PNG\r\n\x1a\n" + chunk("IHDR", "\x00\x00\x01\x00\x00\x00\x00\x20\x08\x02\x00\x00\x00") +
			chunk("IDAT", string(noise)) + chunk("IEND", "")},
	} {
		w, err := z.Create(f[0])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			b.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// drawn is an item with its content, to be looked at again and again.
type drawn struct {
	it      item
	content []byte
}

// letterWithDocument are the items of a message of about 75 KiB: text, HTML,
// and a document.
func letterWithDocument(b *testing.B) []drawn {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var page strings.Builder
	page.WriteString("<html><head><style>p{margin:0}</style></head><body>\n")
	for _, s := range prose(r, 7400) {
		page.WriteString(`<p class="MsoNormal">` + s + "</p>\n")
	}
	page.WriteString(`<p><a href="https://www.contoso.example/terms">Terms</a></p></body></html>` + "\n")
	text := "From: Anna Visser <anna.visser@contoso.example>\nTo: Bert Jansen <bert.jansen@fabrikam.example>\n" +
		"Subject: Budget review and attached agreement\nDate: Mon, 05 Jan 2026 09:00:00 +0000\n" +
		"Message-ID: <AM0PR01MB0001@AM0PR01MB0001.eurprd01.prod.exchangelabs.com>\nX-MS-Has-Attach: yes\n" +
		"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n" +
		"--a\nContent-Type: text/plain; charset=utf-8\n\n" + strings.Join(prose(r, 2500), "\n") +
		"\n--a\nContent-Type: text/html; charset=utf-8\n\n" + page.String() +
		"\n--a--\n--m\nContent-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document\n" +
		"Content-Disposition: attachment; filename=agreement.docx\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString(document(b, r, 40000, 34000)) + "\n--m--\n"
	var list []drawn
	for it, content := range items(mail.Parse(mail.Bytes(strings.ReplaceAll(text, "\n", "\r\n")), mail.Limits{}), nil) {
		all, err := io.ReadAll(content)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, drawn{it, all})
	}
	return list
}

// BenchmarkReading is what a child does for a message but for its detectors
// and the wire: all items, and those of each kind.
func BenchmarkReading(b *testing.B) {
	all := letterWithDocument(b)
	kinds := map[string][]drawn{"message": all}
	for _, d := range all {
		switch {
		case d.it.Kind != itemPart:
			kinds["header"] = append(kinds["header"], d)
		default:
			kinds[d.it.Type[strings.LastIndexAny(d.it.Type, "/.")+1:]] = []drawn{d}
		}
	}
	for _, kind := range []string{"message", "header", "plain", "html", "document"} {
		b.Run(kind, func(b *testing.B) {
			if len(kinds[kind]) == 0 {
				b.Fatal("no such item")
			}
			b.ReportAllocs()
			for b.Loop() {
				w := newWorker(request{Text: 1 << 20, MessageText: 1 << 20}, &set{}, outlet{
					step: func(extract.Step) error { return nil }, record: func(record) error { return nil },
				})
				for _, d := range kinds[kind] {
					if err := w.item(d.it, bytes.NewReader(d.content)); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.finish(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
