package ole_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/ole"
)

// paper writes down what is read.
type paper struct {
	bytes.Buffer
	files map[string]string
	notes []string
}

func (p *paper) Section(name string) error { fmt.Fprintf(p, "\n[%s]\n", name); return nil }
func (p *paper) Begin(name string) error   { fmt.Fprintf(p, "\n[table %s]\n", name); return nil }
func (p *paper) End() error                { return nil }
func (p *paper) Cell(row, col int, text []byte) error {
	fmt.Fprintf(p, "%d,%d=%s\n", row, col, text)
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

func read(t *testing.T, file *cfb.Entry, passwords ...string) *paper {
	t.Helper()
	p := &paper{}
	if err := ole.Read(file.File(), passwords, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// has checks that a text holds all of these.
func has(t *testing.T, p *paper, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(p.String(), w) {
			t.Errorf("%q is missing in %q", w, p)
		}
	}
}

func stream(name string, content []byte) *cfb.Entry { return &cfb.Entry{Name: name, Content: content} }

func storage(name string, in ...*cfb.Entry) *cfb.Entry {
	return &cfb.Entry{Name: name, Storage: true, Children: in}
}

func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	p := read(t, storage("", stream("Strange", []byte("\x01\x02some words 4111\x00\x01"))))
	has(t, p, "some words 4111")
	if len(p.notes) != 1 || p.notes[0] != "unsupported" {
		t.Errorf("%q", p.notes)
	}
	p = &paper{}
	if err := ole.Read([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and no more"), nil, p); err != nil || p.notes[0] != "malformed" {
		t.Errorf("%v %q", err, p.notes)
	}
}

func TestAFileCanBeSeveralDocuments(t *testing.T) {
	p := read(t, storage("", append(letterFile().Children, document("a text", 0).Children...)...))
	has(t, p, "a text", "A body")
}

// seeds are files of every kind, made by the writers of the tests.
func seeds() []*cfb.Entry {
	return []*cfb.Entry{
		document("text \x13CODE\x14result\x15\r", 3), oldDocument("old text"), workbook(), slides(), letterFile(),
		hangul(1), publication(), drawing(), macros(),
		storage("", stream("\x01Ole10Native", []byte{3, 0, 0, 0, 1, 2, 3})),
		storage("", stream("EncryptionInfo", agileInfo()), stream("EncryptedPackage", make([]byte, 4200))),
		storage("", stream("\x05DocumentSummaryInformation", propertySet())),
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s.File())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &paper{}
		if err := ole.Read(in, []string{"a"}, p); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzStreams changes one stream and leaves the compound file around it whole.
func FuzzStreams(f *testing.F) {
	names := []string{"WordDocument", "1Table", "Workbook", "PowerPoint Document", "Current User", "__properties_version1.0",
		"\x05SummaryInformation", "\x01Ole10Native", "EncryptionInfo", "Book", "__substg1.0_10090102", "VisioDocument"}
	for i, name := range names {
		for _, s := range seeds() {
			if c := s.Child(name); c != nil {
				f.Add(byte(i), c.Content, []byte(nil))
			}
		}
	}
	for _, s := range seeds() {
		if c := s.Child("WordDocument"); c != nil && s.Child("1Table") != nil {
			f.Add(byte(0), c.Content, s.Child("1Table").Content)
		}
		if c := s.Child("PowerPoint Document"); c != nil {
			f.Add(byte(3), c.Content, s.Child("Current User").Content)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, one, two []byte) {
		i := int(which) % len(names)
		root := storage("", stream(names[i], one), stream(names[(i+1)%len(names)], two))
		p := &paper{}
		if err := ole.Read(root.File(), []string{"a"}, p); err != nil {
			t.Fatal(err)
		}
		if p.Len() > 64*(len(one)+len(two))+4096 {
			t.Errorf("%d octets became %d", len(one)+len(two), p.Len())
		}
		if ole.IsSheet(one) {
			if err := ole.ReadSheet(one, nil, &paper{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
