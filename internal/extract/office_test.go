package extract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/mail"
)

// sheetOfPaper takes what an extractor gives out, and looks into the files
// inside as the real reader does.
type sheetOfPaper struct {
	bytes.Buffer
	depth     int
	passwords []string
	unseen    []extract.Unread
}

func (s *sheetOfPaper) Alternative([]byte) error      { return nil }
func (s *sheetOfPaper) Place(int64, string, int, int) {}
func (s *sheetOfPaper) Hold(int64) bool               { return true }

func (s *sheetOfPaper) Embed(e extract.Embedded) error {
	if s.depth >= 8 {
		return extract.ErrEnough
	}
	s.depth++
	defer func() { s.depth-- }()
	fmt.Fprintf(s, "\n%s\n", e.Name)
	return s.look(extract.Input{Name: e.Name, Declared: e.Declared, Octets: e.Octets})
}

func (s *sheetOfPaper) look(in extract.Input) error {
	in.Passwords = s.passwords
	result, err := extract.Begin(in, extract.Limits{}).Finish(s)
	s.unseen = append(s.unseen, result.Unseen...)
	return err
}

func (s *sheetOfPaper) says(c mail.Cause) bool {
	for _, u := range s.unseen {
		if u.Reason == c {
			return true
		}
	}
	return false
}

// specimen is a row of the manifest of the shared documents.
type specimen struct {
	File, Format string
	Must         []string `json:"must_contain"`
	Entries      []string `json:"must_contain_entries"`
	Tika         []string `json:"tika_expects"`
	Encrypted    bool
	Password     string
}

func specimens(t *testing.T, folder string) []specimen {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "manifest.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("SKIPPED: ../shared is not here")
	}
	var list []specimen
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var s specimen
		if err := d.Decode(&s); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == 0 {
			return -1
		}
		return r
	}, s)
}

// TestConformanceOfficeDocumentsOfOthers reads the documents of other projects, and
// prints how much of what their tests expect was found.
func TestConformanceOfficeDocumentsOfOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	folder := "../../../shared/data/dlp/documents"
	type figures struct{ files, must, mustFound, tika, tikaFound, locked, lockedSaid int }
	formats := []string{"doc", "xls", "ppt", "rtf", "msg", "tnef", "onenote", "publisher", "hwp", "access", "visio", "docx", "xlsx", "pptx"}
	sums := map[string]*figures{}
	for _, s := range specimens(t, folder) {
		sum := sums[s.Format]
		for _, f := range formats {
			if s.Format == f && sum == nil {
				sum = &figures{}
				sums[f] = sum
			}
		}
		if sum == nil {
			continue
		}
		p, err := os.ReadFile(filepath.Join(folder, s.File))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(s.Format, "x") && !cfb.Is(p) { // of the newer documents those that are locked
			continue
		}
		sum.files++
		paper := &sheetOfPaper{}
		if s.Password != "" {
			paper.passwords = []string{"no", s.Password}
		}
		start := time.Now()
		if err := paper.look(extract.Input{Name: s.File, Octets: bytes.NewReader(p)}); err != nil {
			t.Errorf("%s: %v", s.File, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Logf("%s took %v", s.File, d)
		}
		text := withoutSpace(paper.String())
		for _, w := range append(s.Must, s.Entries...) {
			sum.must++
			if strings.Contains(text, withoutSpace(w)) {
				sum.mustFound++
			} else {
				t.Errorf("%s: %q is not found", s.File, w)
			}
		}
		for _, w := range s.Tika {
			sum.tika++
			if strings.Contains(text, withoutSpace(w)) {
				sum.tikaFound++
			}
		}
		if s.Encrypted {
			sum.locked++
			closed := &sheetOfPaper{}
			if err := closed.look(extract.Input{Name: s.File, Octets: bytes.NewReader(p)}); err != nil {
				t.Errorf("%s: %v", s.File, err)
			}
			if closed.says(mail.Encrypted) {
				sum.lockedSaid++
			} else if opened := withoutSpace(closed.String()); len(opened) < 5 {
				t.Errorf("%s: neither opened nor said to be encrypted", s.File)
			} else { // the password that Office itself tries
				sum.lockedSaid++
			}
		}
	}
	floor := map[string]int{"doc": 11, "xls": 14, "rtf": 13, "msg": 1, "xlsx": 2, "visio": 1}
	for _, f := range formats {
		s := sums[f]
		if s.tikaFound < floor[f] || s.lockedSaid < s.locked {
			t.Errorf("%s: less is found than was", f)
		}
		t.Logf("%-8s %2d files: must %d of %d, other tests %d of %d, encrypted said %d of %d",
			f, s.files, s.mustFound, s.must, s.tikaFound, s.tika, s.lockedSaid, s.locked)
	}
}

// TestTNEFOfOthers reads the winmail.dat of other projects' tests.
func TestTNEFOfOthers(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/mail/corpus/tnef/*")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: ../shared is not here")
	}
	for _, name := range files {
		p, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		paper := &sheetOfPaper{}
		if err := paper.look(extract.Input{Name: "winmail.dat", Octets: bytes.NewReader(p)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if paper.Len() == 0 {
			t.Errorf("%s: nothing was read", name)
		}
	}
	t.Logf("%d files", len(files))
}
