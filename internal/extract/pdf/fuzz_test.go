package pdf

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead reads anything: it ends, does not panic, and gives out no more
// than its bounds.
func FuzzRead(f *testing.F) {
	w := everything()
	f.Add(w.classic())
	f.Add(w.packed())
	f.Add(simple(line("4111 1111")))
	f.Add(simple("q BT /F1 12 Tf [(a) -300 (b)] TJ ' \" ET Q /X Do BI ID EI gs /a /b BDC EMC sh"))
	names, _ := filepath.Glob("testdata/encrypted/*.pdf")
	for _, n := range names {
		if b, err := os.ReadFile(n); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &collected{}
		if err := Read(data, []string{"user"}, c); err != nil && err != ErrNotPDF {
			t.Fatal(err)
		}
		if c.size > 4*maxGiven {
			t.Fatalf("%d octets given out of %d", c.size, len(data))
		}
	})
}

// FuzzContent reads anything as the content of a page: most of a document's
// code, without the luck that its objects need.
func FuzzContent(f *testing.F) {
	for _, s := range []string{
		line("4111 1111"), "BT /F1 12 Tf 3 Tr [(a) -300 (b)] TJ 1 0 0 1 2 3 Tm <41> ' ET", "q 1 0 0 1 0 0 cm Q BI /W 1 ID \x00 EI",
		"/Span << /ActualText (x) >> BDC (y) Tj EMC",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c := &collected{}
		if err := Read(simple(content), nil, c); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzFontFile reads anything as the programs of fonts, as a table of codes,
// and as a packet of properties.
func FuzzFontFile(f *testing.F) {
	f.Add([]byte("/Encoding 256 array dup 65 /A put readonly def eexec"))
	f.Add([]byte("\x01\x00\x04\x01\x00\x01\x01\x01\x02A\x00\x01\x01\x01\x05\x8b\x0f\x8b\x11"))
	f.Add([]byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x20\x00\x00\x00\x01\x00\x03\x00\x01"))
	f.Add([]byte("1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00> <10> <0041> endbfrange"))
	f.Add([]byte(`<rdf:RDF a:b="c"><d:e><rdf:li>f</rdf:li></d:e>&#x41;<![CDATA[x]]>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDocument(b)
		type1Names(b, &d.work)
		cffNames(b)
		readOutline(b, &d.work)
		m := d.readCMap(b)
		for s := b[:min(len(b), 64)]; len(s) > 0; {
			code, n := m.next(s)
			m.lookup(code)
			m.cid(code)
			s = s[n:]
		}
		readXMP(b, func(string, string) {})
		_ = markupText(string(b), true)
		_ = decodeText(b)
		_, _ = unLZW(b, 1<<16, true)
		_, _ = unRunLength(b, 1<<16)
		_ = un85(b)
	})
}
