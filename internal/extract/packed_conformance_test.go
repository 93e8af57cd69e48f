package extract_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// shelf reads a file and all that lies inside.
type shelf struct {
	strings.Builder
	unseen    []mail.Cause
	passwords []string
	depth     int
	files     int
}

func (s *shelf) Alternative(p []byte) error              { s.Write(p); return nil }
func (s *shelf) Place(_ int64, section string, _, _ int) {}
func (s *shelf) Hold(int64) bool                         { return true }
func (s *shelf) Embed(e extract.Embedded) error {
	s.files++
	if s.depth > 12 || s.files > 10000 {
		s.unseen = append(s.unseen, mail.TooDeep)
		_, err := io.Copy(io.Discard, io.LimitReader(e.Octets, 1<<28))
		return err
	}
	s.depth++
	defer func() { s.depth-- }()
	s.WriteString("\n")
	return s.read(extract.Input{Name: e.Name, Declared: e.Declared, Octets: io.LimitReader(e.Octets, 1<<28), Passwords: s.passwords})
}

func (s *shelf) read(in extract.Input) error {
	r, err := extract.Begin(in, extract.Limits{}).Finish(s)
	for _, u := range r.Unseen {
		s.unseen = append(s.unseen, u.Reason)
	}
	return err
}

// manifest is a row of the shared documents.
type manifest struct {
	File, Format, Password string
	MustContain            []string `json:"must_contain"`
	Tika                   []string `json:"tika_expects"`
	Entries                []string `json:"must_contain_entries"`
	Encrypted              bool
}

func manifests(t *testing.T, formats string) (folder string, list []manifest) {
	t.Helper()
	folder = filepath.Join("..", "..", "..", "shared", "data", "dlp", "documents")
	f, err := os.Open(filepath.Join(folder, "manifest.jsonl"))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m manifest
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(strings.Fields(formats), m.Format) {
			list = append(list, m)
		}
	}
	return folder, list
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// figures count what was found of one format.
type figures struct{ files, found, wanted, tika, tikaWanted, locked, lockedWanted, opened, openable int }

func TestConformancePackedDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	folder, list := manifests(t, "docx xlsx pptx xlsb odt ods odp fods zip 7z rar tar tgz gz bz2 zst lz4 epub visio "+
		"iwork-pages iwork-key iwork-numbers xps html")
	sums := map[string]*figures{}
	only := os.Getenv("POSTERN_DOCUMENT")
	for _, m := range list {
		if only != "" && !strings.Contains(m.File, only) {
			continue
		}
		sum := sums[m.Format]
		if sum == nil {
			sum = &figures{}
			sums[m.Format] = sum
		}
		sum.files++
		b, err := os.ReadFile(filepath.Join(folder, m.File))
		if err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		s := &shelf{}
		if m.Password != "" {
			s.passwords = []string{"wrong", m.Password}
		}
		if err := s.read(extract.Input{Name: filepath.Base(m.File), Octets: strings.NewReader(string(b))}); err != nil {
			t.Errorf("%s: %v", m.File, err)
		}
		if m.Encrypted {
			locked := &shelf{}
			_ = locked.read(extract.Input{Name: filepath.Base(m.File), Octets: strings.NewReader(string(b))})
			sum.lockedWanted++
			if slices.Contains(locked.unseen, mail.Encrypted) {
				sum.locked++
			} else {
				t.Logf("%s: not said to be encrypted: %v", m.File, locked.unseen)
			}
			if m.Password != "" {
				sum.openable++
				s = &shelf{passwords: []string{"wrong", m.Password}}
				_ = s.read(extract.Input{Name: filepath.Base(m.File), Octets: strings.NewReader(string(b)), Passwords: s.passwords})
				if !slices.Contains(s.unseen, mail.Encrypted) {
					sum.opened++
				} else {
					t.Logf("%s: not opened", m.File)
				}
			}
		}
		if took := time.Since(before); took > 3*time.Second {
			t.Logf("%s took %v", m.File, took)
		}
		text := squeeze(s.String())
		for _, want := range append(m.MustContain, m.Entries...) {
			sum.wanted++
			if strings.Contains(text, squeeze(want)) {
				sum.found++
			} else {
				t.Logf("%s: no %q", m.File, want)
			}
		}
		for _, want := range m.Tika {
			sum.tikaWanted++
			if strings.Contains(text, squeeze(want)) {
				sum.tika++
			} else {
				t.Logf("%s: no %q (Tika)", m.File, want)
			}
		}
		if only != "" {
			t.Logf("%s\n%s\n%v", m.File, s.String(), s.unseen)
		}
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	fmt.Printf("%-14s %5s %9s %9s %9s %9s\n", "format", "files", "tokens", "tika", "encrypted", "opened")
	total := figures{}
	for _, format := range slices.Sorted(maps(sums)) {
		s := sums[format]
		fmt.Printf("%-14s %5d %4d/%-4d %4d/%-4d %4d/%-4d %4d/%-4d\n", format, s.files, s.found, s.wanted, s.tika, s.tikaWanted,
			s.locked, s.lockedWanted, s.opened, s.openable)
		total.found, total.wanted = total.found+s.found, total.wanted+s.wanted
		total.locked, total.lockedWanted = total.locked+s.locked, total.lockedWanted+s.lockedWanted
		total.opened, total.openable = total.opened+s.opened, total.openable+s.openable
		total.tika, total.tikaWanted = total.tika+s.tika, total.tikaWanted+s.tikaWanted
	}
	if only == "" && (total.found < total.wanted || total.tika*10 < total.tikaWanted*9 || total.locked < total.lockedWanted ||
		total.opened < total.openable) {
		t.Errorf("less was found than before: %+v", total)
	}
	fmt.Printf("tokens %d of %d, tika %d of %d, memory of the heap at most %d MiB\n", total.found, total.wanted, total.tika,
		total.tikaWanted, mem.HeapSys>>20)
}

func maps(m map[string]*figures) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
