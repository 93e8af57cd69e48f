package rtf_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/rtf"
)

// paper writes down what is read.
type paper struct {
	bytes.Buffer
	files map[string]string
	notes []string
}

func (p *paper) Section(name string) error {
	fmt.Fprintf(p, "\n[%s]\n", name)
	return nil
}
func (p *paper) Property(name, value string) { fmt.Fprintf(p, "%s=%s|", name, value) }
func (p *paper) Note(cause, _ string)        { p.notes = append(p.notes, cause) }
func (p *paper) Embed(name, _ string, octets []byte) error {
	if p.files == nil {
		p.files = map[string]string{}
	}
	p.files[name] = string(octets)
	return nil
}

func read(t *testing.T, in string) *paper {
	t.Helper()
	p := &paper{}
	if err := rtf.Read([]byte(in), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// wrapped is an OLE 1 object with a package in it (MS-OLEDS §2.2.5).
func wrapped(name, data string) string {
	ansi := func(s string) []byte {
		return append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(s)+1)), s...), 0)
	}
	in := append([]byte{2, 0}, name+"\x00"+name+"\x00\x00\x00\x03\x00"...)
	in = append(in, ansi(name)...)
	in = binary.LittleEndian.AppendUint32(in, uint32(len(data)))
	in = append(in, data...)
	out := append([]byte{1, 5, 0, 0, 2, 0, 0, 0}, ansi("Package")...)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(in)))
	return hex.EncodeToString(append(out, in...))
}

func TestTextIsWhatAReaderSees(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text", `{\rtf1\ansi Hello\par world}`, "Hello\nworld"},
		{"digits in groups of their own are one number", `{\rtf1 4{\b 1}{\i{1}}{\f0 1}}`, "4111"},
		{"escaped digits are one number", `{\rtf1 4\'31\'31\u49?\u49 ?4}`, "411114"},
		{"line ends of the file are none of the text", "{\\rtf1 41\r\n11}", "4111"},
		{"words and bookmarks between digits do not part them", `{\rtf1 41{\*\bkmkstart a}\cf1\fs20 1{\*\bkmkend a}\softlheight12 1}`, "4111"},
		{"a note, a comment and a box do not part a number", `{\rtf1 41{\footnote why}{\*\atnid a}{\*\annotation who}1{\shp{\*\shpinst{\shptxt box}}}1}`,
			"4111\n[footnotes]\nwhy\n[comments]\nwho\n[text boxes]\nbox"},
		{"hidden text stands beside the text", `{\rtf1 41{\v 999}11\v secret\v0 .}`, "4111.\n[hidden text]\n999secret"},
		{"deleted text stands beside the text", `{\rtf1 41{\deleted 22}11}`, "4111\n[deleted text]\n22"},
		{"the code page of the document", `{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8}`, "При"},
		{"the charset of a font", `{\rtf1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}\f0\'e9\f1\'e9{\f0\'e9}}`, "éйé"},
		{"the script in the name of a font", `{\rtf1{\fonttbl{\f1 Arial CYR;}}\f1\'e9}`, "й"},
		{"two octets of one character, one of them plain", `{\rtf1{\fonttbl{\f1\fcharset128 X;}}\f1\'83e\'93\'8c}`, "テ東"},
		{"a pair of UTF-16", `{\rtf1\u-10240?\u-8376?x}`, "\U00010348x"},
		{"half a pair", `{\rtf1 a\u-10240?b\u-8376?c}`, "a\uFFFDb\uFFFDc"},
		{"what \\u replaces is left out", `{\rtf1\uc2\u228 ae\uc1\u228\'e4\uc0\u228 x}`, "äääx"},
		{"\\upr has the text twice", `{\rtf1{\upr{a?b}{\*\ud{a\u228 ?b}}}}`, "aäb"},
		{"octets after \\bin are not text", "{\\rtf1 41\\bin5 }{\\}}11}", "4111\n[not shown]\n}{\\}}"},
		{"a length after \\bin that is too long is not believed", `{\rtf1 41\bin999999 11}`, "4111"},
		{"the code of a field stands beside its result", `{\rtf1{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt link}}}`, "link\n[field codes]\nHYPERLINK \"http://x\""},
		{"headers", `{\rtf1{\header top}{\footerf below}text}`, "text\n[page header]\ntop\n[page footer]\nbelow"},
		{"unknown destinations are read, too", `{\rtf1 a{\*\something 4111}b}`, "ab\n[not shown]\n4111"},
		{"text after the end is read, too", `{\rtf1 a}  b {c}`, "a\n[not shown]\nb c"},
		{"a table", `{\rtf1\trowd a\cell b\cell\row c}`, "a\tb\t\nc"},
		{"a long number in a table stands behind the heading of its column",
			`{\rtf1\trowd\pard\intbl Name\cell{\b BSN}\cell\row\pard\intbl Ann\cell 123\b 456782\cell\row\pard 123456782\par\trowd x\cell 123456782\cell\row}`,
			"Name\tBSN\t\nAnn\tBSN: 123456782\t\n123456782\nx\t123456782"},
		{"a heading is not taken into another table, nor from the text before one",
			`{\rtf1 BSN\par\trowd\intbl 123456782\cell\row\pard a\par\intbl b\cell\row\intbl 123456782\cell\row}`,
			"BSN\n123456782\t\na\nb\t\nb: 123456782"},
		{"a cell with a line end and hidden text in it", `{\rtf1\intbl Account\cell\row\intbl{\v x\cell} \par 123456782\cell\row}`,
			"Account\t\n \nAccount: 123456782\t\n\n[hidden text]\nx"},
		{"signs", `{\rtf1 a\~b\_c\-d\emdash\lquote\{\}\\}`, "a\u00a0b\u2011c\u00add—‘{}\\"},
		{"properties", `{\rtf1{\info{\title T\'e4}{\creatim\yr2020\mo1\dy2}{\*\company C}}{\*\userprops{\propname MSIP_Label_x_Name}\proptype30{\staticval Secret}}x}`,
			"title=Tä|created=2020-01-02T00:00|company=C|custom:MSIP_Label_x_Name=Secret|x"},
		{"tables of fonts and styles are not text", `{\rtf1{\fonttbl\f0 Arial;\f1{\*\panose 01}Times;}{\colortbl;\red0;}{\stylesheet{\s1 heading;}}x}`, "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.TrimSpace(read(t, tt.in).String()); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestObjectsAndPicturesAreFiles(t *testing.T) {
	p := read(t, `{\rtf1 a{\object\objemb{\*\objclass Package}{\*\objdata `+wrapped("card.txt", "4111 1111")+`}{\result{\pict\pngblip 89504E47}}}b}`)
	if p.files["card.txt"] != "4111 1111" || p.files["picture 2.png"] != "\x89PNG" || strings.TrimSpace(p.String()) != "ab" {
		t.Errorf("%q %q", p.files, p)
	}
	p = read(t, "{\\rtf1{\\pict\\jpegblip\\bin3 \xff\xd8\xff}}")
	if p.files["picture 1.jpg"] != "\xff\xd8\xff" {
		t.Errorf("%q", p.files)
	}
	p = read(t, `{\rtf1{\stylesheet{\object{\*\objdata `+wrapped("deep.txt", "hidden")+`}}}}`)
	if p.files["deep.txt"] != "hidden" {
		t.Errorf("an object in the table of styles: %q", p.files)
	}
}

func TestHTMLInsideIsUnwrapped(t *testing.T) {
	p := read(t, `{\rtf1\ansi\fromhtml1{\*\htmltag64 <p class="a">}\htmlrtf {\b \htmlrtf0 caf\'e9 {\*\htmltag84 &amp;}\htmlrtf &\htmlrtf0 x{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0}`)
	if got := p.files["body.html"]; got != "\ufeff<p class=\"a\">café &amp;x</p>" {
		t.Errorf("%q", got)
	}
	if got := strings.TrimSpace(p.String()); got != "café &x" {
		t.Errorf("%q", got)
	}
}

func TestDamageCostsOnlyWhatIsDamaged(t *testing.T) {
	whole := `{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}}a\'e9\u228?{\b 4111 {\i x}} {\field{\*\fldinst X}{\fldrslt y}}}`
	for n := range whole {
		read(t, whole[:n])
	}
	if p := read(t, `{\rtf1 {\b 4111`); !strings.Contains(p.String(), "4111") || len(p.notes) != 1 {
		t.Errorf("%q %q", p, p.notes)
	}
	deep := strings.Repeat("{", 20000) + "4111" + strings.Repeat("}", 20000)
	if p := read(t, `{\rtf1 `+deep+`}`); !strings.Contains(p.String(), "4111") || len(p.notes) != 1 || p.notes[0] != "too-deep" {
		t.Errorf("%q", p.notes)
	}
}

func TestHeadingsReachFarDownAndLongCellsNeedNone(t *testing.T) {
	row := `\pard\intbl ` + strings.Repeat("w", 300) + ` 123456782\cell 123456782\cell\row `
	p := read(t, `{\rtf1\trowd\pard\intbl A\cell B\cell\row `+strings.Repeat(row, 100)+`}`)
	if got := strings.Count(p.String(), "\tB: 123456782\t\n"); got != 100 {
		t.Errorf("%d of 100 rows have the heading", got)
	}
	if strings.Contains(p.String(), "A: ") {
		t.Error("a cell that is longer than a number has a heading")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\ansicpg1251{\fonttbl{\f0\fcharset128 A;}}{\info{\title x}}\f0\'83e\u-10240?\u-8376?\uc2\u1 ab{\v x}{\*\annotation c}}`))
	f.Add([]byte(`{\rtf1{\object{\*\objdata ` + wrapped("a.txt", "x") + `}}{\pict\pngblip\bin3 abc}\bin2 ab}tail}`))
	f.Add([]byte(`{\rtf1\fromhtml1{\*\htmltag64 <p>}\htmlrtf x\htmlrtf0 y{\upr{a}{\*\ud{b}}}}`))
	f.Add([]byte(`{\rtf1{\shp{\*\shpinst{\sp{\sn wzDescription}{\sv alt}}{\shptxt box}}}{\field{\*\fldinst X}{\fldrslt y}}\trowd a\cell\row`))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &paper{}
		if err := rtf.Read(in, p); err != nil {
			t.Fatal(err)
		}
		if p.Len() > 8*len(in)+1024 {
			t.Errorf("%d octets became %d", len(in), p.Len())
		}
	})
}
