package extract

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

// desk collects everything that an extractor gives out.
type desk struct {
	strings.Builder
	places []string
	inside []string
	held   int64
	most   int64
}

func (d *desk) Alternative([]byte) error { return nil }

func (d *desk) Place(at int64, section string, row, col int) {
	d.places = append(d.places, fmt.Sprintf("%d %s %d %d", at, section, row, col))
}

func (d *desk) Embed(e Embedded) error {
	b, err := io.ReadAll(e.Octets)
	d.inside = append(d.inside, e.Name+"="+string(b))
	return err
}

func (d *desk) Hold(n int64) bool {
	if n > 0 && d.held+n > d.most {
		return false
	}
	d.held += n
	return true
}

func document(content string, to *desk) (*Document, *Result) {
	result := &Result{}
	return &Document{
		Input: Input{Octets: strings.NewReader(content)}, result: result, text: to, desk: to, room: 1 << 20, whole: 1 << 20,
	}, result
}

func TestATableSaysItsCellsAndRepeatsItsHeadings(t *testing.T) {
	to := &desk{}
	d, _ := document("", to)
	g := d.Grid("sheet 1 (Staff)")
	for _, c := range []struct {
		row, col int
		text     string
	}{
		{1, 1, "Staff of 2026"}, {3, 1, "Name"}, {3, 2, "BSN"}, {4, 1, "Ann"}, {4, 2, "111222333"}, {5, 2, "123456782"}, {5, 4, "x"},
	} {
		if err := g.Cell(c.row, c.col, []byte(c.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.End(); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if got, want := to.String(), "sheet 1 (Staff)\nStaff of 2026\nName\tBSN\nAnn\tBSN: 111222333\nBSN: 123456782\tx\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Contains(to.places, "43 sheet 1 (Staff) 4 2") || to.places[len(to.places)-1] != "75 sheet 1 (Staff) 0 0" {
		t.Errorf("%q", to.places)
	}
}

func TestPropertiesAreTextToo(t *testing.T) {
	to := &desk{}
	d, result := document("", to)
	_ = d.Text("text without end")
	d.Property("author", "Ann")
	d.Property("custom:a", "1")
	d.Property("custom:a", "2")
	d.Property("empty", "")
	if err := d.properties(); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if got, want := to.String(), "text without end\nauthor: Ann\ncustom:a: 1\ncustom:a: 2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if result.Properties["author"] != "Ann" || len(result.Properties) != 2 {
		t.Errorf("%v", result.Properties)
	}
	for i := range maxProperties + 1 {
		d.Property(fmt.Sprint("p", i), "v")
	}
	d.Property("long", strings.Repeat("x", maxProperty))
	if len(result.Unseen) != 1 || result.Unseen[0].Reason != mail.TooLarge {
		t.Errorf("%v", result.Unseen)
	}
}

func TestAFileTooLongToBeKeptIsSaid(t *testing.T) {
	content := strings.Repeat("0123456789", 30_000)
	to := &desk{most: 1 << 20}
	d, _ := document(content, to)
	if b, err := d.Whole(); err != nil || string(b) != content {
		t.Errorf("%d octets, %v", len(b), err)
	}
	d.release()
	if to.held != 0 {
		t.Errorf("%d octets are still held", to.held)
	}
	to.most = 200_000
	d, result := document(content, to)
	if _, err := d.Whole(); err != ErrTooLong || len(result.Unseen) != 1 || result.Unseen[0].Reason != mail.TooLarge {
		t.Errorf("%v %v", err, result.Unseen)
	}
}

func TestAFileThatIsBothFormatAndTextIsReadAsBoth(t *testing.T) {
	if !(Extractor{Name: textExtractor}).plain() {
		t.Fatal("the reader of text has no name")
	}
	format := Extractor{Name: "extract-format", Opens: true, Read: func(d *Document) error {
		b, err := d.Whole()
		_ = d.Text(fmt.Sprintf("%d octets", len(b)))
		return err
	}}
	r := Begin(Input{Declared: "text/plain", Octets: strings.NewReader("plain text")}, Limits{})
	r.kind.Other, r.use = true, format
	to := &desk{most: 1 << 20}
	result, err := r.Finish(to)
	if err != nil || to.String() != "10 octets\nplain text" || len(result.Unseen) != 0 || to.held != 0 {
		t.Errorf("%q %v %v held %d", to.String(), result.Unseen, err, to.held)
	}
}
