package pdf

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, data []byte, passwords ...string) *collected {
	t.Helper()
	c := &collected{}
	if err := Read(data, passwords, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTextOfContents(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"a string", line("card 4111 1111"), "card 4111 1111\n"},
		{"digits that are set one by one are one number",
			"BT /F1 12 Tf 72 700 Td (4) Tj 6.67 0 Td (1) Tj 6.67 0 Td (1) Tj 6.67 0 Td (1) Tj ET", "4111\n"},
		{"digits in any order are read as they stand",
			"BT /F1 12 Tf 1 0 0 1 92.01 700 Tm (4) Tj 1 0 0 1 72 700 Tm (1) Tj 1 0 0 1 85.34 700 Tm (3) Tj 1 0 0 1 78.67 700 Tm (2) Tj ET",
			"1234\n"},
		{"kerning makes no space", "BT /F1 12 Tf 72 700 Td [(41) 20 (1) -60 (1)] TJ ET", "4111\n"},
		{"a wide move is a space", "BT /F1 12 Tf 72 700 Td [(pay) -280 (now)] TJ ET", "pay now\n"},
		{"wide print is one word", "BT /F1 12 Tf 72 700 Td [(4) -250 (1) -250 (1) -250 (1) -250 (1) -250 (1)] TJ ET", "411111\n"},
		{"letters that a setting sets apart are one word", "BT /F1 12 Tf 4 Tc 72 700 Td (4111) Tj ET", "4111\n"},
		{"columns stay apart", "BT /F1 12 Tf 72 700 Td (Name) Tj 200 0 Td (Ann) Tj ET", "Name\tAnn\n"},
		{"lines", "BT /F1 12 Tf 14 TL 72 700 Td (one) Tj T* (two) Tj (three) ' 1 2 (four) \" ET", "one\ntwo\nthree\nfour\n"},
		{"a word divided between lines", "BT /F1 12 Tf 14 TL 72 700 Td (confi-) Tj T* (dential) Tj ET", "confidential\n"},
		{"a number divided between lines keeps its hyphen", "BT /F1 12 Tf 14 TL 72 700 Td (4111-) Tj T* (1111) Tj ET", "4111-\n1111\n"},
		{"text printed twice is there once", "BT /F1 12 Tf 72 700 Td (4111) Tj ET BT /F1 12 Tf 72.3 700 Td (4111) Tj ET", "4111\n"},
		{"each letter printed twice", "BT /F1 12 Tf 72 700 Td (4) Tj 0.2 0 Td (4) Tj 6.47 0 Td (1) Tj 0.2 0 Td (1) Tj ET", "41\n"},
		{"double letters stay", line("bookkeeper 1100 llii"), "bookkeeper 1100 llii\n"},
		{"a raised figure is no digit of the number", "BT /F1 12 Tf 72 700 Td (4111) Tj /F1 7 Tf 5 Ts (2) Tj ET", "4111 2\n"},
		{"invisible", "BT 3 Tr /F1 12 Tf 72 700 Td (hidden) Tj ET", "hidden\n"},
		{"white", "1 1 1 rg " + line("white"), "white\n"},
		{"off the page", "BT /F1 12 Tf 7000 -700 Td (outside) Tj ET", "outside\n"},
		{"turned by 90 degrees", "BT /F1 12 Tf 0 1 -1 0 300 100 Tm (side) Tj 30 0 Td (ways) Tj ET", "side ways\n"},
		{"upside down and mirrored by the size", "BT /F1 -12 Tf -1 0 0 -1 300 100 Tm (flip) Tj ET", "flip\n"},
		{"escapes", `BT /F1 12 Tf 72 700 Td (a\050\061\
2\)\\) Tj ET`, "a(12)\\\n"},
		{"hexadecimal", "BT /F1 12 Tf 72 700 Td <3431 3 1 3> Tj ET", "4110\n"},
		{"a picture in between", "BI /W 1 /H 1 ID \x00\xffEI\x01 EI " + line("after"), "after\n"},
		{"state comes back", "q BT /F1 12 Tf 72 700 Td (a) Tj ET Q BT 72 650 Td /F1 12 Tf (b) Tj ET", "a\nb\n"},
		{"text of its own", "BT /F1 12 Tf 72 700 Td /Span << /ActualText (fi) >> BDC (x) Tj EMC (ne) Tj ET", "fine\n"},
		{"right to left", "BT /F1 12 Tf 72 700 Td /Span << /ActualText <FEFF05D005D1> >> BDC (x) Tj EMC ET", "\u05d1\u05d0\n"},
		{"an array that does not end", "BT /F1 12 Tf 72 700 Td [(a) Tj (b) Tj ET", "ab\n"},
		{"no font", "BT 12 TL 72 700 Td (lost) Tj ET", "lost\n"},
		{"operators that touch", "BT/F1 12 Tf 72 700 Td(a)Tj 0 -20 Td(b)Tj ET", "a\nb\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, simple(tt.content)).pages.String(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestOtherReadingsAreGivenToo(t *testing.T) {
	wide := "BT /F1 12 Tf 72 700 Td [(4) -500 (1) -500 (1) -500 (1) -500 (1) -500 (1)] TJ ET"
	if c := read(t, simple(wide)); c.pages.String() != "4 1 1 1 1 1\n" || c.again.String() != "411111\n" {
		t.Errorf("very wide print: %q and %q", c.pages.String(), c.again.String())
	}
	form := "BT /F1 12 Tf 72 700 Td (Card) Tj 0 -20 Td (Name) Tj 100 20 Td (4111 1111) Tj 0 -20 Td (Ann) Tj ET"
	if got := read(t, simple(form)).again.String(); got != "Card\t4111 1111\nName\tAnn\n" {
		t.Errorf("rows of a form: %q", got)
	}
	lie := "BT /F1 12 Tf 72 700 Td (no ) Tj /Span << /ActualText (nothing) >> BDC (4111) Tj EMC ET"
	if c := read(t, simple(lie)); c.pages.String() != "no nothing\n" || c.again.String() != "no 4111\n" {
		t.Errorf("%q and %q", c.pages.String(), c.again.String())
	}
	w := &writer{}
	w.page("BT /F2 12 Tf 72 700 Td (4111) Tj ET", "", "/Font << /F2 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica "+
		"/Encoding /WinAnsiEncoding /ToUnicode 1 0 R >> >>")
	w.objects[0] = "<< >>"
	w.objects[0] = "<< /Length 60 >>\nstream\n2 beginbfchar\n<31> <0041>\n<34> <0042>\nendbfchar\nendstream"
	if c := read(t, w.finish("")); c.pages.String() != "BAAA\n" || c.again.String() != "4111\n" {
		t.Errorf("%q and %q", c.pages.String(), c.again.String())
	}
}

// Word writes two octets a letter, and a table from glyphs to Unicode.
func TestIdentityWithATable(t *testing.T) {
	w := &writer{}
	table := "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n" +
		"2 beginbfrange <0013> <001C> <0030> <0024> <0025> [<0041> <00660069>] endbfrange\n1 beginbfchar <0003> <0020> endbfchar endcmap"
	unicode := w.stream("", table)
	child := w.add("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /DW 556 /W [36 [600 500]] >>")
	font := w.add(fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [%d 0 R] "+
		"/ToUnicode %d 0 R >>", child, unicode))
	w.page("BT /F2 12 Tf 72 700 Td <00170014001400030024> Tj [<0025> -5 <0014>] TJ ET", "",
		fmt.Sprintf("/Font << /F2 %d 0 R >>", font))
	if got := read(t, w.finish("")).pages.String(); got != "411 Afi1\n" {
		t.Errorf("%q", got)
	}
}

func TestFontsWithoutATable(t *testing.T) {
	tests := []struct{ name, font, shown, want string }{
		{"names of glyphs", "/Type1 /Encoding << /Differences [1 /four /one /Acircumflexacute /f_i /uni20AC /Aacute] >>",
			"<010203040506>", "41Ấfi€Á"},
		{"small capitals and old figures", "/Type1 /Encoding << /Differences [1 /Asmall /fouroldstyle /one.tab] >>", "<010203>", "A41"},
		{"names that are numbers", "/Type3 /FontMatrix [0.001 0 0 0.001 0 0] /Encoding << /Differences [52 /c52 /g35] >>", "<3435>", "45"},
		{"MacRoman", "/TrueType /Encoding /MacRomanEncoding", "<8E>", "é"},
		{"standard", "/Type1 /Encoding /StandardEncoding", "<AE27>", "fi’"},
		{"Symbol", "/Type1 /BaseFont /Symbol", "<6162>", "αβ"},
		{"Chinese of the Mainland", "/Type0 /Encoding /GBK-EUC-H /DescendantFonts [<< /Subtype /CIDFontType0 >>]", "<D6D0CEC431>", "中文1"},
		{"Japanese", "/Type0 /Encoding /90ms-RKSJ-H /DescendantFonts [<< /Subtype /CIDFontType0 >>]", "<93FA967B3432>", "日本42"},
		{"Unicode", "/Type0 /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Subtype /CIDFontType0 >>]", "<4E2D0034>", "中4"},
		{"downwards", "/Type0 /Encoding /UniJIS-UCS2-V /DescendantFonts [<< /Subtype /CIDFontType0 >>]", "<003400310031>", "411"},
		{"a collection", "/Type0 /Encoding /Identity-H /DescendantFonts [<< /Subtype /CIDFontType0 " +
			"/CIDSystemInfo << /Ordering (Japan1) >> >>]", "<00150012>", "41"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &writer{}
			w.page("BT /F2 12 Tf 72 700 Td "+tt.shown+" Tj ET", "", "/Font << /F2 << /Type /Font /Subtype "+tt.font+" >> >>")
			got := strings.TrimSpace(read(t, w.finish("")).pages.String())
			got = strings.NewReplacer("ﬁ", "fi").Replace(got)
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// everything is a document with something at each place that is read.
func everything() *writer {
	w := &writer{}
	form := w.stream("/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Matrix [1 0 0 1 0 -50] "+
		"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>", line("in a form"))
	file := w.stream("/Type /EmbeddedFile /Subtype /text#2Fplain", "inside the file")
	spec := w.add(fmt.Sprintf("<< /Type /Filespec /F (old.txt) /UF (new.txt) /EF << /F %d 0 R >> /Desc (a description) >>", file))
	second := w.stream("/Type /EmbeddedFile", "second file")
	looks := w.stream("/Subtype /Form /BBox [0 0 100 20] "+
		"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>", "BT /F1 9 Tf 2 2 Td (shown value) Tj ET")
	w.add(fmt.Sprintf("<< /Subtype /FileAttachment /Contents (a note) /Rect [0 0 9 9] /FS << /F (two.bin) /EF << /F %d 0 R >> >> >>", second))
	note := len(w.objects)
	link := w.add("<< /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.org/x) >> >>")
	field := w.add(fmt.Sprintf("<< /Subtype /Widget /FT /Tx /T (iban) /TU (Account) /V (NL91ABNA0417164300) /Rect [300 300 400 320] "+
		"/AP << /N %d 0 R >> >>", looks))
	item := w.add("<< /Title (Chapter one) >>")
	outline := w.add(fmt.Sprintf("<< /First %d 0 R >>", item))
	meta := w.stream("/Type /Metadata /Subtype /XML", `<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description pdf:Producer="P" xmp:Rating="5">`+
		`<xmpGImg:image>/9j/`+strings.Repeat("AAAA ", 80)+`</xmpGImg:image>`+
		`<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>`+
		`<pdfx:MSIP_Label_x_Name>Secret</pdfx:MSIP_Label_x_Name></rdf:Description></rdf:RDF></x:xmpmeta>`)
	info := w.add(`<< /Title (The title) /MSIP_Label_1_Enabled (true) /Author <FEFF00C5> >>`)
	script := w.add("<< /S /JavaScript /JS (app.alert\\(1\\)) >>")
	xfa := w.stream("", "<xdp><data><ssn>078-05-1120</ssn></data></xdp>")
	structure := w.add("<< /K [ << /S /Figure /Alt (a picture of a passport) /K 0 >> ] >>")
	w.trailer = fmt.Sprintf("/Info %d 0 R", info)
	w.page("/X Do "+line("on the page"), fmt.Sprintf("/Annots [%d 0 R %d 0 R %d 0 R]", note, link, field),
		fmt.Sprintf("/XObject << /X %d 0 R >>", form))
	w.root = w.add(fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /Metadata %d 0 R /StructTreeRoot %d 0 R "+
		"/AcroForm << /Fields [%d 0 R] /XFA [(datasets) %d 0 R] >> "+
		"/Names << /EmbeddedFiles << /Names [(a) %d 0 R] >> /JavaScript << /Names [(j) %d 0 R] >> >> "+
		"/PageLabels << /Nums [0 << /S /r /P (A-) >>] >> >>",
		len(w.objects), outline, meta, structure, field, xfa, spec, script))
	return w
}

func checkEverything(t *testing.T, c *collected) {
	t.Helper()
	for _, want := range []string{
		"in a form", "on the page", "shown value", "a note", "https://example.org/x", "Account: NL91ABNA0417164300", "Chapter one",
		"app.alert(1)", "ssn: 078-05-1120", "a picture of a passport", "new.txt", "a description",
	} {
		if !strings.Contains(c.text.String(), want) {
			t.Errorf("no %q in %q", want, c.text.String())
		}
	}
	for name, want := range map[string]string{
		"info:Title": "The title", "info:MSIP_Label_1_Enabled": "true", "info:Author": "Å", "xmp:pdf:Producer": "P", "xmp:xmp:Rating": "5",
		"xmp:dc:creator": "Ann; Bob", "xmp:pdfx:MSIP_Label_x_Name": "Secret", "xmp:xmpGImg:image": "",
	} {
		if c.props[name] != want {
			t.Errorf("%s is %q, want %q", name, c.props[name], want)
		}
	}
	if c.files["new.txt"] != "inside the file" || c.files["two.bin"] != "second file" {
		t.Errorf("files %q", c.files)
	}
	for _, place := range []string{"page 1 (A-i)", "page 1 (A-i), annotations", "form fields", "form (XFA)", "outline", "scripts"} {
		if !slices.Contains(c.places, place) {
			t.Errorf("no place %q in %q", place, c.places)
		}
	}
	if len(c.unread) > 0 {
		t.Errorf("unread %q", c.unread)
	}
}

func TestEverythingIsReadHoweverTheObjectsAreFound(t *testing.T) {
	w := everything()
	whole := w.classic()
	checkEverything(t, read(t, whole))
	checkEverything(t, read(t, w.packed()))
	t.Run("a table that lies", func(t *testing.T) {
		shifted := bytes.Replace(whole, []byte("%PDF-1.7\n"), []byte("%PDF-1.7\n%moved\n"), 1)
		checkEverything(t, read(t, shifted))
	})
	t.Run("no table", func(t *testing.T) {
		i := bytes.LastIndex(whole, []byte("xref\n0"))
		checkEverything(t, read(t, append(bytes.Clone(whole[:i]), whole[bytes.LastIndex(whole, []byte("trailer")):]...)))
	})
	t.Run("no table and no trailer", func(t *testing.T) {
		c := read(t, whole[:bytes.LastIndex(whole, []byte("xref\n0"))])
		c.props["info:Title"], c.props["info:MSIP_Label_1_Enabled"], c.props["info:Author"] = "The title", "true", "Å" // only text
		checkEverything(t, c)
	})
	t.Run("object streams and no table", func(t *testing.T) {
		packed := w.packed()
		checkEverything(t, read(t, packed[:bytes.LastIndex(packed, []byte("startxref"))]))
	})
	t.Run("octets in front", func(t *testing.T) {
		c := read(t, append([]byte("some octets in front\n"), whole...))
		if c.files["octets around the document"] != "some octets in front" {
			t.Errorf("%q", c.files)
		}
		checkEverything(t, c)
	})
}

func TestEarlierRevisionsAreRead(t *testing.T) {
	w := &writer{}
	w.page(line("4111 1111"), "", "")
	first := w.finish("")
	later := bytes.Clone(first)
	at := len(later)
	body := line("removed")
	later = fmt.Appendf(later, "2 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(body), body)
	table := len(later)
	later = fmt.Appendf(later, "xref\n2 1\n%010d 00000 n \ntrailer\n<< /Size 6 /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n",
		at, w.root, bytes.LastIndex(first, []byte("xref\n0")), table)
	c := read(t, later)
	if c.pages.String() != "removed\n" || !strings.Contains(c.text.String(), "4111 1111") {
		t.Errorf("%q", c.text.String())
	}
	if !slices.Contains(c.places, "outside of the pages") {
		t.Errorf("%q", c.places)
	}
}

func TestFilters(t *testing.T) {
	content := line("4111 1111")
	lzw := "\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" // ISO 32000-1 §7.4.4.2, example 1
	if out, whole := unLZW([]byte(lzw), 100, true); !whole || string(out) != "-----A---B" {
		t.Errorf("LZW %q", out)
	}
	hexed := fmt.Sprintf("%x>", content)
	lengths := ""
	for s := content; s != ""; {
		n := min(len(s), 100)
		lengths += string(rune(n-1)) + s[:n]
		s = s[n:]
	}
	a85 := string(encode85([]byte(deflated(content)))) + "~>"
	for name, s := range map[string][2]string{
		"ASCIIHex":            {"/Filter /AHx", hexed},
		"RunLength":           {"/Filter [/RL]", lengths + "\x80"},
		"ASCII85 over Flate":  {"/Filter [/ASCII85Decode /FlateDecode]", a85},
		"Flate cut short":     {"/Filter /FlateDecode", deflated(content)[:len(deflated(content))-5]},
		"Flate, bad checksum": {"/Filter /Fl", deflated(content)[:len(deflated(content))-1] + "x"},
	} {
		w := &writer{}
		w.page("", "", "")
		w.objects[1] = fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(s[1]), s[0], s[1])
		if got := read(t, w.finish("")).pages.String(); !strings.HasPrefix(got, "4111 1111") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func encode85(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		n := min(len(b), 4)
		var v uint32
		for i := range 4 {
			v <<= 8
			if i < n {
				v |= uint32(b[i])
			}
		}
		var five [5]byte
		for i := 4; i >= 0; i-- {
			five[i] = '!' + byte(v%85)
			v /= 85
		}
		out = append(out, five[:n+1]...)
		b = b[n:]
	}
	return out
}

// The files of testdata/encrypted were made by qpdf 11.3: two with the
// password "user", the owner's is "owner"; the others open without.
func TestEncryption(t *testing.T) {
	for _, name := range []string{"rc4-40", "rc4-128", "aes-128", "aes-256-r5", "aes-256"} {
		for _, password := range []string{"", "user"} {
			file := name + ".pdf"
			if password != "" {
				file = name + "-user.pdf"
			}
			data, err := os.ReadFile("testdata/encrypted/" + file)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				c := read(t, data, "wrong")
				if len(c.unread) != 1 || !strings.Contains(c.unread[0], "encrypted") || c.text.Len() > 0 {
					t.Errorf("%s without a password: %q %q", file, c.unread, c.text.String())
				}
				checkEverything(t, read(t, data, "wrong", "owner"))
			}
			checkEverything(t, read(t, data, "wrong", password))
		}
	}
	if c := read(t, []byte("%PDF-1.4\n1 0 obj << /Filter /Adobe.PubSec >> endobj\ntrailer << /Encrypt 1 0 R /Root 2 0 R >>")); len(c.unread) != 1 ||
		!strings.Contains(c.unread[0], "encrypted") {
		t.Errorf("for certificates: %q", c.unread)
	}
}

func TestWhatIsNotReadIsSaid(t *testing.T) {
	image := func() []byte {
		w := &writer{}
		i := w.stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /Filter /DCTDecode", "x")
		w.page("q 612 0 0 792 0 0 cm /I Do Q "+line("page 1 of 2"), "", fmt.Sprintf("/XObject << /I %d 0 R >>", i))
		return w.finish("")
	}
	outlines := strings.Repeat("1 1 m 2 2 l ", drawnPaths)
	w := &writer{}
	w.page("BT /F2 12 Tf 72 700 Td <000100020003000400050006000700080009000A> Tj ET", "",
		"/Font << /F2 << /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [<< >>] >> >>")
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"a scanned page", image(), "2 page 1 holds images only"},
		{"a page of outlines", simple(outlines), "2 page 1 holds drawings only"},
		{"letters without names", w.finish(""), "2 page 1 holds letters that have no name"},
	}
	for _, tt := range tests {
		if c := read(t, tt.data); !slices.Equal(c.unread, []string{tt.want}) {
			t.Errorf("%s: %q", tt.name, c.unread)
		}
	}
	s := pageSet{what: "images", list: [][2]int{{3, 5}, {9, 9}, {11, 12}}}
	if got := s.String(); got != "pages 3–5, 9 and 11–12 hold images" {
		t.Errorf("%q", got)
	}
	if err := Read([]byte("nothing"), nil, &collected{}); err != ErrNotPDF {
		t.Errorf("%v", err)
	}
}

func TestTheScriptsOfAnEventComeInOneOrder(t *testing.T) {
	w := &writer{}
	events := ""
	for _, e := range []string{"K", "F", "V", "C", "E", "X"} {
		events += "/" + e + " << /S /JavaScript /JS (run" + e + "\\(\\)) >> "
	}
	field := w.add("<< /Type /Annot /Subtype /Widget /FT /Tx /T (f) /Rect [0 0 10 10] /AA << " + events + ">> >>")
	w.page("BT /F1 12 Tf (x) Tj ET", fmt.Sprintf("/Annots [%d 0 R]", field), "")
	data := w.finish("")
	for range 20 {
		c := read(t, data)
		got := strings.Join(regexp.MustCompile(`run.`).FindAllString(c.text.String(), -1), " ")
		if got != "runC runE runF runK runV runX" {
			t.Fatal(got)
		}
	}
}
