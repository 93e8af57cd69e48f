package ooxml

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/zipped"
)

// letterOf75KiB is a document of about 75 KiB, as Word writes it: words of
// little repetition in runs with properties, and styles beside them.
func letterOf75KiB(t testing.TB) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, 2+r.IntN(9))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgkqjxz"[min(r.IntN(26), r.IntN(26))]
		}
		return string(b)
	}
	var doc strings.Builder
	doc.WriteString(docHead)
	for range 700 {
		fmt.Fprintf(&doc, `<w:p w:rsidR="00%06X" w:rsidRDefault="00%06X"><w:pPr><w:pStyle w:val="BodyText"/><w:spacing w:after="0"/></w:pPr>`, r.IntN(1<<24), r.IntN(1<<24))
		for range 3 {
			doc.WriteString(`<w:r w:rsidRPr="00AB12CD"><w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri"/><w:sz w:val="22"/><w:lang w:val="en-US"/></w:rPr><w:t xml:space="preserve">`)
			for range 8 {
				doc.WriteString(word() + " ")
			}
			doc.WriteString(`</w:t></w:r>`)
		}
		doc.WriteString(`</w:p>`)
	}
	doc.WriteString(docTail)
	var styles strings.Builder
	styles.WriteString(`<w:styles>`)
	for i := range 150 {
		fmt.Fprintf(&styles, `<w:style w:type="paragraph" w:styleId="S%d"><w:name w:val="style %d"/><w:rPr><w:b/><w:sz w:val="%d"/></w:rPr></w:style>`, i, i, i)
	}
	styles.WriteString(`</w:styles>`)
	return build(t, "[Content_Types].xml", types, "_rels/.rels", relsHead+rel("1", "officeDocument", "word/document.xml")+relsTail,
		"word/document.xml", doc.String(), "word/styles.xml", styles.String(), "word/settings.xml", `<w:settings/>`,
		"docProps/core.xml", `<cp:coreProperties><dc:title>T</dc:title></cp:coreProperties>`)
}

// nothing is a sink that only counts.
type nothing struct{ n int }

func (s *nothing) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *nothing) Section(string)              {}
func (s *nothing) Grid(string)                 {}
func (s *nothing) Cell(_, _ int, text []byte)  { s.n += len(text) }
func (s *nothing) EndGrid()                    {}
func (s *nothing) Property(string, string)     {}
func (s *nothing) Note(string, string)         {}
func (s *nothing) Passwords() []string         { return nil }
func (s *nothing) Embed(_, _ string, octets io.Reader) error {
	_, err := io.Copy(io.Discard, octets)
	return err
}

// BenchmarkWord reads a document of 75 KiB; the figure beside it is what
// inflating its parts costs alone, with the same inflater and with that of
// the standard library.
func BenchmarkWord(b *testing.B) {
	doc := letterOf75KiB(b)
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			s := &nothing{}
			if err := Read(zipped.Open(doc), s); err != nil || s.n < 100000 {
				b.Fatal(err, s.n)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
	})
	buf := make([]byte, 32<<10)
	b.Run("inflate", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			a := zipped.Open(doc)
			for i := range a.Files {
				r, err := a.Files[i].Open()
				if err != nil {
					b.Fatal(err)
				}
				drain(r, buf)
				r.Close()
			}
		}
	})
	b.Run("inflate, standard library", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			z, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range z.File {
				r, err := f.Open()
				if err != nil {
					b.Fatal(err)
				}
				drain(r, buf)
				r.Close()
			}
		}
	})
}

func drain(r io.Reader, buf []byte) {
	for {
		if _, err := r.Read(buf); err != nil {
			return
		}
	}
}
