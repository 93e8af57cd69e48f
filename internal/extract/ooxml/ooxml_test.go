package ooxml

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/zipped"
)

// page is a sink that writes all down.
type page struct {
	strings.Builder
	files     []string
	notes     []string
	props     map[string]string
	row, col  int
	passwords []string
}

func (p *page) Section(place string)        { fmt.Fprintf(p, "[%s]", place) }
func (p *page) Grid(place string)           { fmt.Fprintf(p, "[%s]", place); p.row, p.col = 0, 0 }
func (p *page) EndGrid()                    { p.WriteString("\n") }
func (p *page) Property(name, value string) { p.props[name] = value }
func (p *page) Note(cause, _ string)        { p.notes = append(p.notes, cause) }
func (p *page) Passwords() []string         { return p.passwords }
func (p *page) Cell(row, col int, text []byte) {
	if row < p.row || row == p.row && col <= p.col {
		p.WriteString("DESCENDS")
	}
	fmt.Fprintf(p, "%c%d=%s|", 'A'+(col-1)%26, row, text)
	p.row, p.col = row, col
}

func (p *page) Embed(name, _ string, octets io.Reader) error {
	b, err := io.ReadAll(octets)
	p.files = append(p.files, fmt.Sprintf("%s:%d", name, len(b)))
	return err
}

func read(b []byte, passwords ...string) *page {
	p := &page{props: map[string]string{}, passwords: passwords}
	if err := Read(zipped.Open(b), p); err != nil {
		p.notes = append(p.notes, err.Error())
	}
	return p
}

// pack of parts: name, content, name, content …
func build(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		f, err := w.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	types    = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`
	docHead  = `<?xml version="1.0"?><w:document xmlns:w="u" xmlns:mc="v"><w:body>`
	docTail  = `</w:body></w:document>`
	relsHead = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	relsTail = `</Relationships>`
	office   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

func rel(id, kind, target string) string {
	return fmt.Sprintf(`<Relationship Id="%s" Type="%s%s" Target="%s"/>`, id, office, kind, target)
}

func TestWord(t *testing.T) {
	box := func(s string) string {
		return `<w:drawing><wps:txbx><w:txbxContent><w:p><w:r><w:t>` + s + `</w:t></w:r></w:p></w:txbxContent></wps:txbx></w:drawing>`
	}
	vml := func(s string) string {
		return `<w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>` + s + `</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict>`
	}
	tests := []struct{ name, in, want string }{
		{"runs are joined", `<w:p><w:r><w:t>4111</w:t></w:r><w:proofErr/><w:r><w:t>1111</w:t></w:r></w:p><w:p><w:r><w:t>next</w:t></w:r></w:p>`,
			"41111111\nnext\n"},
		{"what a deletion split is read as it is and as it was",
			`<w:p><w:r><w:t>41</w:t></w:r><w:del><w:r><w:delText>99</w:delText></w:r></w:del><w:ins><w:r><w:t>11</w:t></w:r></w:ins><w:r><w:t>22</w:t></w:r></w:p>`,
			"411122\n419922\n"},
		{"a text box stands behind its paragraph, once for all its forms",
			`<w:p><w:r><w:t>4111 </w:t></w:r><w:r><mc:AlternateContent><mc:Choice>` + box("in the box") + `</mc:Choice><mc:Fallback>` +
				vml("in the box") + `</mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>1111</w:t></w:r></w:p>`,
			"4111 1111\nin the box\n"},
		{"a form that says something else is read", `<w:p><w:r><mc:AlternateContent><mc:Choice>` + box("one") + `</mc:Choice><mc:Fallback>` +
			vml("two") + `</mc:Fallback></mc:AlternateContent></w:r></w:p>`, "one\ntwo\n"},
		{"a character for old programs is read where the new one has no text",
			`<w:p><w:r><w:t>a</w:t><mc:AlternateContent><mc:Choice><x:symEx/></mc:Choice><mc:Fallback><w:t>b</w:t></mc:Fallback></mc:AlternateContent><w:t>c</w:t></w:r></w:p>`,
			"abc\n"},
		{"the code of a field stands beside the text", `<w:p><w:r><w:t>41</w:t></w:r><w:r><w:instrText> MERGEFIELD "x" </w:instrText></w:r><w:r><w:t>11</w:t></w:r></w:p>`,
			"4111\n MERGEFIELD \"x\" \n"},
		{"cells and rows are kept apart, and headings stand before long numbers",
			`<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>BSN</w:t></w:r></w:p></w:tc></w:tr>` +
				`<w:tr><w:tc><w:p><w:r><w:t>Ann</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>111222333</w:t></w:r></w:p></w:tc></w:tr></w:tbl>`,
			"Name\tBSN\nAnn\tBSN: 111222333\n"},
		{"characters of symbol fonts", `<w:p><w:r><w:sym w:font="Arial" w:char="F034"/><w:sym w:char="0031"/><w:noBreakHyphen/><w:t>1</w:t></w:r></w:p>`, "41-1\n"},
		{"tabs and breaks", `<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>`, "a\tb\nc\n"},
		{"a comment of XML hides nothing", `<w:p><w:r><w:t>41<!-- x -->11<![CDATA[22]]>&#51;3</w:t></w:r></w:p>`, "41112233\n"},
		{"what a picture shows, in words", `<w:p><w:r><w:drawing><wp:docPr id="1" name="Picture 1" descr="card 4111"/></w:drawing></w:r></w:p>`, "card 4111\n"},
		{"the choices of a list", `<w:sdt><w:sdtPr><w:alias w:val="Kind"/><w:dropDownList><w:listItem w:displayText="one" w:value="1"/></w:dropDownList></w:sdtPr></w:sdt>`,
			"Kind\none\n1\n"},
		{"a watermark", `<w:p><w:r><w:pict><v:shape><v:textpath string="SECRET"/></v:shape></w:pict></w:r></w:p>`, "SECRET\n"},
		{"numbers of the layout are no text", `<w:p><w:r><wp:posOffset>1234567</wp:posOffset><w:t>x</w:t></w:r></w:p>`, "x\n"},
		{"text outside of all elements of text", `<w:p>loose</w:p><other>4111</other><other>1111</other>`, "loose\n4111\n1111\n"},
		{"moved text", `<w:p><w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom><w:r><w:t>x</w:t></w:r></w:p>`, "x\noldx\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := read(build(t, "[Content_Types].xml", types, "word/document.xml", docHead+tt.in+docTail))
			if p.String() != tt.want || len(p.notes) > 0 {
				t.Errorf("got  %q %v\nwant %q", p.String(), p.notes, tt.want)
			}
		})
	}
}

func TestPartsOfADocument(t *testing.T) {
	p := read(build(t, "[Content_Types].xml", types,
		"_rels/.rels", relsHead+rel("1", "officeDocument", "w/odd.xml")+relsTail,
		"w/odd.xml", docHead+`<w:p><w:r><w:t>main</w:t></w:r></w:p>`+docTail,
		"w/_rels/odd.xml.rels", relsHead+rel("1", "header", "h.xml")+rel("2", "comments", "c.xml")+rel("3", "aFChunk", "chunk.htm")+
			`<Relationship Id="4" Type="x/hyperlink" Target="https://evil.example/%41" TargetMode="External"/>`+relsTail,
		"w/h.xml", `<w:hdr><w:p><w:r><w:t>head</w:t></w:r></w:p></w:hdr>`,
		"w/c.xml", `<w:comments><w:comment w:author="Ann"><w:p><w:r><w:t>note</w:t></w:r></w:p></w:comment></w:comments>`,
		"w/chunk.htm", `<html>chunk</html>`,
		"w/unnamed.xml", `<secret a="attribute">nobody names me</secret>`,
		"w/vbaProject.bin", "\xD0\xCF\x11\xE0 macro",
		"w/fonts/font1.odttf", "some font",
		"customXml/item1.xml", `<ssn>123-45-6789</ssn>`,
		"docProps/core.xml", `<cp:coreProperties><dc:title>T</dc:title><dc:creator>Ann</dc:creator></cp:coreProperties>`,
		"docProps/custom.xml", `<Properties><property name="MSIP_Label_1_Enabled"><vt:lpwstr>true</vt:lpwstr></property></Properties>`,
		"docMetadata/LabelInfo.xml", `<clbl:labelList><clbl:label id="{AB}" enabled="1" siteId="{S}"/></clbl:labelList>`,
	))
	want := "main\n[page header]head\n[comments]Ann\nnote\n[w/unnamed.xml]nobody names me\nattribute\n" +
		"[customxml/item1.xml]123-45-6789\n[links]https://evil.example/%41\nhttps://evil.example/A\n"
	if p.String() != want {
		t.Errorf("got  %q\nwant %q", p.String(), want)
	}
	if got := strings.Join(p.files, " "); got != "w/chunk.htm:18 w/vbaProject.bin:10" {
		t.Errorf("files %s", got)
	}
	for name, value := range map[string]string{
		"title": "T", "author": "Ann", "custom:MSIP_Label_1_Enabled": "true", "labelinfo:ab:enabled": "1", "labelinfo:ab:siteId": "{S}",
	} {
		if p.props[name] != value {
			t.Errorf("%s is %q", name, p.props[name])
		}
	}
}

func TestSlidesComeInTheirOrder(t *testing.T) {
	slide := func(s string) string { return `<p:sld><a:p><a:r><a:t>` + s + `</a:t></a:r></a:p></p:sld>` }
	p := read(build(t, "[Content_Types].xml", types,
		"ppt/slides/slide1.xml", slide("second"), "ppt/slides/slide2.xml", slide("first"),
		"ppt/presentation.xml", `<p:presentation><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId r:id="r1" id="257"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", relsHead+rel("r1", "slide", "slides/slide1.xml")+rel("r2", "slide", "slides/slide2.xml")+relsTail,
		"ppt/slides/_rels/slide2.xml.rels", relsHead+rel("r1", "notesSlide", "../notesSlides/n.xml")+relsTail,
		"ppt/notesSlides/n.xml", `<p:notes><a:p><a:r><a:t>say</a:t></a:r></a:p></p:notes>`,
	))
	if want := "[slide 1]first\n[slide 1, notes]say\n[slide 2]second\n"; p.String() != want {
		t.Errorf("got %q, want %q", p.String(), want)
	}
}

func TestFaultsAreSaid(t *testing.T) {
	good := build(t, "[Content_Types].xml", types, "word/document.xml", docHead+`<w:p><w:t>x</w:t></w:p>`+docTail)
	tests := []struct {
		name string
		in   []byte
		note string
	}{
		{"a document that ends too soon", good[:len(good)-60], "malformed"},
		{"entities of its own", build(t, "[Content_Types].xml", types, "word/document.xml",
			`<!DOCTYPE x [<!ENTITY a "b">]>`+docHead+`<w:p><w:t>&a;</w:t></w:p>`+docTail), "ambiguous"},
		{"two main parts", build(t, "[Content_Types].xml", types, "word/document.xml", docHead+docTail, "word/document.xml", docHead+docTail), "ambiguous"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p := read(tt.in); !slices.Contains(p.notes, tt.note) {
				t.Errorf("notes %v", p.notes)
			}
		})
	}
}

func TestLimitsOfADocumentAreSaid(t *testing.T) {
	out := &page{props: map[string]string{}}
	p := &pack{out: out, room: 4}
	in := p.counted(strings.NewReader("more than four"))
	if all, err := io.ReadAll(in); err != nil || len(all) == 0 || !slices.Contains(out.notes, "too-large") {
		t.Errorf("room: %d octets, %v, %v", len(all), err, out.notes)
	}
	out = &page{props: map[string]string{}}
	p = &pack{out: out}
	p.book.strings = make([]byte, maxStrings)
	p.x.Reset(strings.NewReader(`<sst><si><t>one more</t></si></sst>`))
	if p.stringsXML(); !slices.Contains(out.notes, "too-large") {
		t.Errorf("strings: %v", out.notes)
	}
	out = &page{props: map[string]string{}}
	z := &biff{p: &pack{out: out}, effort: maxEffort}
	if z.unknown([]byte("\x04\x00\x00\x00a\x00b\x00c\x00d\x00")); !slices.Contains(out.notes, "too-large") {
		t.Errorf("search: %v", out.notes)
	}
}

func TestABinaryWorkbookThatIsDamagedIsSaid(t *testing.T) {
	for name, b := range map[string]string{
		"a record that is too long": "\x83\x01\xFF\xFF\xFF\x7F", "a record that ends too soon": "\x83\x01\x10ab",
	} {
		p := read(build(t, "[Content_Types].xml", types, "xl/workbook.bin", b))
		if !slices.Contains(p.notes, "malformed") {
			t.Errorf("%s: %v", name, p.notes)
		}
	}
}

func TestAFixedPageIsReadAsItIsWrittenAndAsItIsSeen(t *testing.T) {
	glyphs := func(x, y, text string) string {
		return fmt.Sprintf(`<Glyphs FontRenderingEmSize="10" OriginX="%s" OriginY="%s" UnicodeString="%s"/>`, x, y, text)
	}
	fixedPage := func(inside string) string { return "<FixedPage>" + inside + "</FixedPage>" }
	files := func(pages ...string) []string {
		list := []string{"_rels/.rels", relsHead + `<Relationship Id="1" Type="http://schemas.microsoft.com/xps/2005/06/fixedrepresentation" Target="/a.fdseq"/>` +
			relsTail, "a.fdseq", `<FixedDocumentSequence><DocumentReference Source="/d/b.fdoc"/></FixedDocumentSequence>`}
		doc := "<FixedDocument>"
		for i, p := range pages {
			doc += fmt.Sprintf(`<PageContent Source="p/%d.fpage"/>`, len(pages)-i)
			files := []string{fmt.Sprintf("d/p/%d.fpage", len(pages)-i), p}
			list = append(list, files...)
		}
		return append(list, "d/b.fdoc", doc+"</FixedDocument>")
	}
	tests := []struct {
		name string
		page string
		want string
	}{
		{"pieces of a line are one", glyphs("10", "10", "41") + glyphs("20", "10", "11 1111"), "4111 1111"},
		{"a gap is a space, a wide one a tab", glyphs("10", "10", "ab") + glyphs("24", "10", "cd") + glyphs("90", "10", "ef"), "ab cd\tef"},
		{"another base line is another line", glyphs("10", "10", "ab") + glyphs("20", "30", "cd"), "ab\ncd"},
		{"pieces in another order", glyphs("10", "30", "below") + glyphs("20", "10", "11") + glyphs("10", "10", "41"), "below\n11\n41\n4111\nbelow"},
		{"a text that begins with braces", glyphs("1", "1", "{}{a}"), "{a}"},
		{"transformations", `<Canvas RenderTransform="1,0,0,1,10,0">` + glyphs("0", "10", "11") + `</Canvas><Canvas><Canvas.RenderTransform>` +
			`<MatrixTransform Matrix="1,0,0,1,0,5"/></Canvas.RenderTransform>` + glyphs("0", "5", "41") + `</Canvas>` + glyphs("0", "30", "x"),
			"11\n41\nx\n4111\nx"},
		{"from right to left", `<Glyphs BidiLevel="1" FontRenderingEmSize="10" OriginX="30" OriginY="10" UnicodeString="אב"/>` + glyphs("31", "10", "x"), "אבx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := read(build(t, files(fixedPage(tt.page))...))
			if want := "[page 1]" + tt.want + "\n"; !strings.HasPrefix(p.String(), want) || len(p.notes) > 0 {
				t.Errorf("got %q, want %q; %v", p.String(), want, p.notes)
			}
		})
	}
	two := read(build(t, files(fixedPage(glyphs("1", "1", "first")), fixedPage(`<Path FixedPage.NavigateUri="http://a.example/" `+
		`AutomationProperties.Name="a picture"/>`+glyphs("1", "1", "second")))...))
	if got, want := two.String(), "[page 1]first\n[page 2]second\na picture\n[links]http://a.example/\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alone := read(build(t, "x.fpage", fixedPage(glyphs("1", "1", "alone")+`<Glyphs Indices="1;2"/>`)))
	if alone.String() != "[page x]alone\n" || !slices.Equal(alone.notes, []string{"unsupported"}) {
		t.Errorf("got %q, %v", alone.String(), alone.notes)
	}
	deep := read(build(t, "x.fpage", fixedPage(strings.Repeat("<Canvas>", 1000)+glyphs("1", "1", "deep")+strings.Repeat("</Canvas>", 1002))))
	if deep.String() != "[page x]deep\n" {
		t.Errorf("got %q", deep.String())
	}
	many := read(build(t, "x.fpage", fixedPage(strings.Repeat(glyphs("1", "1", "a"), maxRuns+1))))
	if !slices.Equal(many.notes, []string{"too-large"}) {
		t.Errorf("%v", many.notes)
	}
}

func TestAParagraphOfAListHasItsNumber(t *testing.T) {
	levels := `<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>` +
		`<w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>` +
		`<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%3"/></w:lvl>` +
		`<w:lvl w:ilvl="3"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="*"/></w:lvl>`
	numbering := `<w:numbering xmlns:w="u"><w:abstractNum w:abstractNumId="7">` + levels + `</w:abstractNum>` +
		`<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>` +
		`<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="10"/></w:lvlOverride></w:num></w:numbering>`
	styles := `<w:styles xmlns:w="u"><w:style w:styleId="H"><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>`
	item := func(list, level int, text string) string {
		return fmt.Sprintf(`<w:p><w:pPr><w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr></w:pPr><w:r><w:t>%s</w:t></w:r></w:p>`, level, list, text)
	}
	document := item(1, 0, "a") + item(1, 1, "b") + item(1, 1, "c") + item(1, 2, "d") + item(1, 0, "e") + item(1, 1, "f") + item(1, 3, "g") +
		item(2, 0, "h") + item(2, 0, "i") + item(0, 0, "j") + item(9, 0, "k") + item(1, 0, "") + `<w:p><w:pPr><w:pStyle w:val="H"/></w:pPr><w:r><w:t>l</w:t></w:r></w:p>` +
		`<w:p><w:r><w:t>m</w:t></w:r></w:p>`
	got := read(build(t, "word/document.xml", docHead+document+docTail, "word/numbering.xml", numbering, "word/styles.xml", styles)).String()
	want := "1. a\n1.c) b\n1.d) c\nI d\n2. e\n2.c) f\ng\n10. h\n11. i\nj\nk\n12.c) l\nm\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var many strings.Builder
	for i := range maxLists + 1 {
		fmt.Fprintf(&many, `<w:num w:numId="%d"><w:abstractNumId w:val="7"/></w:num>`, i)
	}
	numbering = `<w:numbering xmlns:w="u"><w:abstractNum w:abstractNumId="7">` + levels + `</w:abstractNum>` + many.String() + `</w:numbering>`
	document = item(maxLists-1, 0, "in") + item(maxLists, 0, "out")
	got = read(build(t, "word/document.xml", docHead+document+docTail, "word/numbering.xml", numbering)).String()
	if want := "1. in\nout\n"; !strings.HasPrefix(got, want) {
		t.Errorf("got %.60q, want %q", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(build(f, "word/document.xml", docHead+`<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>`+docTail,
		"word/numbering.xml", `<w:numbering><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:lvlText w:val="%1%9"/></w:lvl></w:abstractNum>`+
			`<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num></w:numbering>`))
	f.Add(build(f, "x.fpage", `<FixedPage><Canvas RenderTransform="1,0,0,1,10,0"><Glyphs FontRenderingEmSize="10" OriginX="1" `+
		`OriginY="1" UnicodeString="x" Indices="1,2;3"/></Canvas></FixedPage>`))
	f.Add(build(f, "[Content_Types].xml", types, "word/document.xml", docHead+`<w:p><w:t>x</w:t></w:p>`+docTail))
	f.Add(build(f, "xl/workbook.xml", `<workbook><sheets><sheet name="a" r:id="1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", relsHead+rel("1", "worksheet", "s.xml")+relsTail,
		"xl/s.xml", `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>`,
		"xl/sharedStrings.xml", `<sst><si><t>x</t></si></sst>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := zipped.Open(b); len(a.Files) > 0 && len(a.Files) < 100 {
			_ = Read(a, &page{props: map[string]string{}})
		}
	})
}

// FuzzWord takes the tokens of a document alone: in a file most changes only
// break the compression.
func FuzzWord(f *testing.F) {
	f.Add(docHead + `<w:p><mc:AlternateContent><mc:Choice><w:txbxContent><w:p>a</w:p></w:txbxContent></mc:Choice><mc:Fallback>b</mc:Fallback></mc:AlternateContent></w:p>` + docTail)
	f.Add(docHead + `<w:tbl><w:tr><w:tc><w:p><w:t>1234567</w:t></w:p></w:tc></w:tr></w:tbl>` + docTail)
	f.Add(docHead + `<w:p><w:del><w:delText>a</w:delText></w:del><w:ins><w:t>b</w:t></w:ins></w:p>` + docTail)
	f.Fuzz(func(t *testing.T, s string) {
		_ = read(build(t, "word/document.xml", s))
	})
}
