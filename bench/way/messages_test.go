package way

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
)

// messages are the kinds of mail that the load is made of: text and a page
// alone, and with a Word document, a PDF and a table.
func messages() [][]byte {
	r := rand.New(rand.NewPCG(7, 7))
	return [][]byte{
		message(r, 2500, ""),
		message(r, 2500, "report.docx", word(r)),
		message(r, 2500, "table.csv", table(r)),
		message(r, 2500, "report.docx", word(r)),
		message(r, 2500, "letter.pdf", pages(r)),
		message(r, 2500, "report.docx", word(r)),
	}
}

func message(r *rand.Rand, size int, name string, files ...[]byte) []byte {
	var b bytes.Buffer
	line := func(text string) { b.WriteString(text + "\r\n") }
	for _, h := range []string{
		"Received: from mail.contoso.example (2001:db8::1) by gw.contoso.example with Microsoft SMTP Server; Mon, 5 Jan 2026 09:00:00 +0000",
		"From: Anna Visser <anna.visser@contoso.example>", "To: Bert Jansen <bert.jansen@fabrikam.example>",
		"Subject: Quarterly report", "Date: Mon, 5 Jan 2026 09:00:00 +0000", "Message-ID: <1@contoso.example>",
		"X-MS-Exchange-CrossTenant-Id: 0b1c2d3e-0000-4000-8000-00000000abcd", "MIME-Version: 1.0",
		"Content-Type: multipart/mixed; boundary=\"outer\"", "",
		"--outer", "Content-Type: multipart/alternative; boundary=\"inner\"", "",
		"--inner", "Content-Type: text/plain; charset=utf-8", "", prose(r, size, "\r\n"),
		"--inner", "Content-Type: text/html; charset=utf-8", "", page(r, 3*size), "--inner--",
	} {
		line(h)
	}
	for _, f := range files {
		line("--outer\r\nContent-Type: application/octet-stream; name=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n" +
			"Content-Disposition: attachment; filename=\"" + name + "\"\r\n")
		text := base64.StdEncoding.EncodeToString(f)
		for len(text) > 76 {
			line(text[:76])
			text = text[76:]
		}
		line(text)
	}
	line("--outer--")
	return b.Bytes()
}

// prose is sentences with an order number or an amount in some of them.
func prose(r *rand.Rand, size int, end string) string {
	words := strings.Fields("the of and to in for on with contract invoice customer budget meeting quarter report price delivery project " +
		"review account payment team please confirm schedule update draft legal service order number office manager approval policy")
	var b strings.Builder
	for b.Len() < size {
		for range 8 + r.IntN(8) {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		if r.IntN(20) == 0 {
			fmt.Fprintf(&b, "Ref %04d-%05d, EUR %d.%02d", r.IntN(1e4), r.IntN(1e5), r.IntN(1e4), r.IntN(100))
		}
		b.WriteString("." + end)
	}
	return b.String()
}

func page(r *rand.Rand, size int) string {
	var b strings.Builder
	b.WriteString("<html><head><style>p { margin: 0 }</style></head><body>\r\n")
	for b.Len() < size {
		b.WriteString(`<p style="font-family: Calibri">` + prose(r, 200, " ") + "</p>\r\n")
	}
	return b.String() + "</body></html>"
}

func word(r *rand.Rand) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, text string) {
		w, _ := z.Create(name)
		_, _ = w.Write([]byte(text))
	}
	const ns = "http://schemas.openxmlformats.org/"
	put("[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="`+ns+`package/2006/content-types"><Default Extension="rels" `+
		`ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="png" ContentType="image/png"/>`+
		`<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.`+
		`document.main+xml"/></Types>`)
	put("_rels/.rels", `<?xml version="1.0"?><Relationships xmlns="`+ns+`package/2006/relationships"><Relationship Id="r1" Type="`+
		ns+`officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`)
	body := `<?xml version="1.0"?><w:document xmlns:w="` + ns + `wordprocessingml/2006/main"><w:body>`
	for len(body) < 44_000 {
		body += "<w:p><w:r><w:t>" + prose(r, 400, " ") + "</w:t></w:r></w:p>"
	}
	put("word/document.xml", body+"</w:body></w:document>")
	picture := image.NewGray(image.Rect(0, 0, 180, 180))
	for i := range picture.Pix {
		picture.Pix[i] = byte(r.Uint32())
	}
	var p bytes.Buffer
	_ = png.Encode(&p, picture)
	put("word/media/image1.png", p.String())
	_ = z.Close()
	return b.Bytes()
}

func table(r *rand.Rand) []byte {
	var b bytes.Buffer
	b.WriteString("Name,Order,Amount,City\r\n")
	for b.Len() < 20_000 {
		fmt.Fprintf(&b, "Customer %d,%05d-%03d,%d.%02d,Utrecht\r\n", r.IntN(1000), r.IntN(1e5), r.IntN(1000), r.IntN(1e4), r.IntN(100))
	}
	return b.Bytes()
}

// pages is a PDF with four pages of compressed text.
func pages(r *rand.Rand) []byte {
	const count = 4
	var b bytes.Buffer
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), text)
	}
	b.WriteString("%PDF-1.5\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	kids := ""
	for i := range count {
		kids += fmt.Sprintf("%d 0 R ", 4+2*i)
	}
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids, count))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i := range count {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>",
			5+2*i))
		var text, packed bytes.Buffer
		text.WriteString("BT /F1 11 Tf 50 780 Td 14 TL\n")
		for _, l := range strings.Split(prose(r, 3000, "\n"), "\n") {
			fmt.Fprintf(&text, "(%s) Tj T*\n", l)
		}
		text.WriteString("ET\n")
		w := zlib.NewWriter(&packed)
		_, _ = w.Write(text.Bytes())
		_ = w.Close()
		object(fmt.Sprintf("<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", packed.Len(), packed.String()))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n%% %08x\n", len(at)+1, start, crc32.ChecksumIEEE(b.Bytes()))
	return b.Bytes()
}
