package odf

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
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
	passwords []string
}

func (p *page) Section(place string)           { fmt.Fprintf(p, "[%s]", place) }
func (p *page) Grid(place string)              { fmt.Fprintf(p, "[%s]", place) }
func (p *page) EndGrid()                       { p.WriteString("\n") }
func (p *page) Property(name, value string)    { p.props[name] = value }
func (p *page) Note(cause, _ string)           { p.notes = append(p.notes, cause) }
func (p *page) Passwords() []string            { return p.passwords }
func (p *page) Cell(row, col int, text []byte) { fmt.Fprintf(p, "%c%d=%s|", 'A'+(col-1)%26, row, text) }
func (p *page) Embed(name, _ string, octets io.Reader) error {
	b, err := io.ReadAll(octets)
	p.files = append(p.files, fmt.Sprintf("%s:%s", name, b))
	return err
}

func build(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: parts[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, parts[i+1])
	}
	w.Close()
	return b.Bytes()
}

func read(t testing.TB, b []byte, passwords ...string) *page {
	t.Helper()
	a := zipped.Open(b)
	if !Is(a) {
		t.Error("not taken for an OpenDocument")
	}
	p := &page{props: map[string]string{}, passwords: passwords}
	if err := Read(a, p); err != nil {
		t.Error(err)
	}
	return p
}

const mark = "application/vnd.oasis.opendocument.text"

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"spans are joined", `<text:p>41<text:span>11</text:span>11</text:p><text:p>next</text:p>`, "411111\nnext\n"},
		{"spaces, tabs and breaks", `<text:p>a<text:s text:c="3"/>b<text:tab/>c<text:line-break/>d</text:p>`, "a   b\tc\nd\n"},
		{"notes and annotations stand behind their paragraph",
			`<text:p>41<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>note</text:p></text:note-body></text:note>11` +
				`<office:annotation><dc:creator>Ann</dc:creator><text:p>remark</text:p></office:annotation></text:p>`, "4111\n1note\nAnnremark\n"},
		{"deleted text is read", `<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>x</text:p>`,
			"gone\nx\n"},
		{"cells of a table", `<table:table table:name="T"><table:table-row><table:table-cell><text:p>a</text:p><text:p>b</text:p></table:table-cell>` +
			`<table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>c</text:p></table:table-cell></table:table-row></table:table><text:p>after</text:p>`,
			"[sheet 1 (T)]A1=a b|D1=c|\n[]after\n"},
		{"a number in full digits", `<table:table table:name="T"><table:table-row table:number-rows-repeated="4"/><table:table-row>` +
			`<table:table-cell office:value-type="float" office:value="4111111111111111"><text:p>4.11E+15</text:p></table:table-cell>` +
			`<table:table-cell office:value-type="float" office:value="1234.5"><text:p>1,234.50</text:p></table:table-cell></table:table-row></table:table>`,
			"[sheet 1 (T)]A5=4.11E+15 4111111111111111|B5=1,234.50|\n"},
		{"slides and their notes", `<draw:page><text:p>one</text:p><presentation:notes><text:p>say</text:p></presentation:notes></draw:page><draw:page><text:p>two</text:p></draw:page>`,
			"[slide 1]one\n[slide 1, notes]say\n[slide 2]two\n"},
		{"text outside of paragraphs", `<x>loose</x><y>more</y>`, "loose\nmore\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := read(t, build(t, "mimetype", mark, "content.xml", "<office:document-content>"+tt.in+"</office:document-content>"))
			if p.String() != tt.want || len(p.notes) > 0 {
				t.Errorf("got  %q %v\nwant %q", p.String(), p.notes, tt.want)
			}
		})
	}
}

func TestPartsAndProperties(t *testing.T) {
	p := read(t, build(t, "mimetype", mark, "Pictures/a.png", "PNG",
		"meta.xml", `<office:document-meta><dc:title>T</dc:title><meta:initial-creator>Ann</meta:initial-creator><meta:user-defined meta:name="Kind">secret</meta:user-defined></office:document-meta>`,
		"content.xml", `<c><text:p>body</text:p></c>`, "styles.xml", `<x:st><style:header><text:p>head</text:p></style:header></x:st>`,
		"Basic/Standard/m.xml", `<script:module>Sub x</script:module>`, "Object 1/content.xml", `<c><text:p>inner</text:p></c>`))
	if want := "body\n[page headers and footers]head\n[macros]Sub x\n[object Object 1]inner\n"; p.String() != want {
		t.Errorf("got %q, want %q", p.String(), want)
	}
	if p.props["title"] != "T" || p.props["author"] != "Ann" || p.props["custom:Kind"] != "secret" || len(p.files) != 1 {
		t.Errorf("%v %v", p.props, p.files)
	}
}

func TestAFlatDocument(t *testing.T) {
	p := &page{props: map[string]string{}}
	in := `<office:document><office:meta><dc:title>T</dc:title></office:meta><office:body><text:p>41<text:span>11</text:span></text:p>` +
		`<draw:image><office:binary-data>` + " \n Zml s\n ZQ== " + `</office:binary-data></draw:image></office:body></office:document>`
	if err := Flat(strings.NewReader(in), p); err != nil || p.String() != "4111\n" || p.props["title"] != "T" || !slices.Equal(p.files, []string{"embedded:file"}) {
		t.Errorf("%v %q %v %v", err, p.String(), p.props, p.files)
	}
}

func TestAnEncryptedOpenDocument(t *testing.T) {
	var packed bytes.Buffer
	z, _ := flate.NewWriter(&packed, 9)
	_, _ = io.WriteString(z, `<c><text:p>the secret</text:p></c>`)
	z.Close()
	sum := sha256.Sum256(packed.Bytes()[:min(packed.Len(), 1024)])
	plain := packed.Bytes()
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	start := sha256.Sum256([]byte("pass"))
	salt, vector := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	key, _ := pbkdf2.Key(sha1.New, string(start[:]), salt, 1000, 32)
	block, _ := aes.NewCipher(key)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(plain, plain)
	b64 := base64.StdEncoding.EncodeToString
	manifest := func(rounds int) string {
		return fmt.Sprintf(`<manifest:manifest><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data manifest:checksum="%s">`+
			`<manifest:algorithm manifest:algorithm-name="http://www.w3.org/2001/04/xmlenc#aes256-cbc" manifest:initialisation-vector="%s"/>`+
			`<manifest:key-derivation manifest:key-derivation-name="PBKDF2" manifest:key-size="32" manifest:iteration-count="%d" manifest:salt="%s"/>`+
			`<manifest:start-key-generation manifest:start-key-generation-name="http://www.w3.org/2000/09/xmldsig#sha256"/>`+
			`</manifest:encryption-data></manifest:file-entry></manifest:manifest>`, b64(sum[:]), b64(vector), rounds, b64(salt))
	}
	locked := build(t, "mimetype", mark, "META-INF/manifest.xml", manifest(1000), "content.xml", string(plain))
	if p := read(t, locked, "wrong"); !slices.Contains(p.notes, "encrypted") || strings.Contains(p.String(), "secret") {
		t.Errorf("wrong password: %q %v", p.String(), p.notes)
	}
	if p := read(t, locked, "wrong", "pass"); len(p.notes) > 0 || !strings.Contains(p.String(), "the secret\n") {
		t.Errorf("password: %q %v", p.String(), p.notes)
	}
	hard := build(t, "mimetype", mark, "META-INF/manifest.xml", manifest(maxRounds+1), "content.xml", string(plain))
	if p := read(t, hard, "pass"); !slices.Contains(p.notes, "encrypted") {
		t.Errorf("too many rounds: %v", p.notes)
	}
}

func TestLimitsOfAnOpenDocumentAreSaid(t *testing.T) {
	out := &page{props: map[string]string{}}
	in := (&pack{out: out, room: 4}).counted(strings.NewReader("more than four"))
	if all, err := io.ReadAll(in); err != nil || len(all) == 0 || !slices.Contains(out.notes, "too-large") {
		t.Errorf("%d octets, %v, %v", len(all), err, out.notes)
	}
	out = &page{props: map[string]string{}}
	w := &walker{out: out, binary: true, octets: make([]byte, maxOctets)}
	if w.data([]byte("one more")); !slices.Contains(out.notes, "too-large") {
		t.Errorf("file inside: %v", out.notes)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<c><text:p>a<text:span>b</text:span></text:p></c>`)
	f.Add(`<c><table:table><table:table-row><table:table-cell office:value="1" office:value-type="float"/></table:table-row></table:table></c>`)
	f.Add(`<c><office:annotation><text:p>a</text:p></office:annotation><office:binary-data>AAAA</office:binary-data></c>`)
	f.Fuzz(func(t *testing.T, s string) {
		_ = Read(zipped.Open(build(t, "mimetype", mark, "content.xml", s, "META-INF/manifest.xml", s)), &page{props: map[string]string{}})
		_ = Flat(strings.NewReader(s), &page{props: map[string]string{}})
	})
}
