package pdf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const sharedData = "../../../../shared/data"

// sample is a PDF of somebody else.
type sample struct {
	name string
	data []byte
}

// samples are the documents of the shared data, and those in its mail. A file
// that POSTERN_PDFS names, or the files of that folder, count as well.
func samples(t testing.TB) []sample {
	t.Helper()
	if _, err := os.Stat(sharedData); err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	var list []sample
	add := func(pattern string) {
		names, _ := filepath.Glob(pattern)
		for _, n := range names {
			if b, err := os.ReadFile(n); err == nil {
				list = append(list, sample{filepath.Base(n), b})
			}
		}
	}
	add(sharedData + "/dlp/documents/files/*.pdf")
	if more := os.Getenv("POSTERN_PDFS"); more != "" {
		add(more)
		add(more + "/*.pdf")
	}
	_ = filepath.WalkDir(sharedData+"/mail", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for i, found := range attached(b) {
			list = append(list, sample{fmt.Sprintf("%s#%d", filepath.Base(path), i), found})
		}
		return err
	})
	return list
}

// attached finds PDFs in base64 in a message.
func attached(message []byte) [][]byte {
	var list [][]byte
	for _, start := range []string{"JVBERi0"} {
		rest := message
		for {
			i := bytes.Index(rest, []byte("\n"+start))
			if i < 0 {
				break
			}
			rest = rest[i+1:]
			end := bytes.Index(rest, []byte("\n--"))
			if end < 0 {
				end = len(rest)
			}
			code := strings.Map(func(r rune) rune {
				if r <= ' ' {
					return -1
				}
				return r
			}, string(rest[:end]))
			b, _ := base64.StdEncoding.DecodeString(code)
			if len(b) == 0 {
				b, _ = base64.RawStdEncoding.DecodeString(strings.TrimRight(code, "="))
			}
			list = append(list, b)
			rest = rest[end:]
		}
	}
	return list
}

// words are the words of a text, in one form of their letters, with their
// number.
func words(s string) map[string]int {
	m := map[string]int{}
	for _, w := range strings.FieldsFunc(norm.NFKC.String(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		m[strings.ToLower(w)]++
	}
	return m
}

func pdftotext(t testing.TB, data []byte) (string, time.Duration, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	out, err := exec.Command("pdftotext", "-enc", "UTF-8", path, "-").Output()
	return string(out), time.Since(start), err == nil
}

// The share of the words of pdftotext that are found, over all documents
// together and for each one.
func TestConformanceWordsOfPdftotext(t *testing.T) {
	list := samples(t)
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("SKIPPED: pdftotext is not installed (apt-get install poppler-utils)")
	}
	var all, found, files int
	var ours, theirs time.Duration
	pages := 0
	for _, s := range list {
		want, took, ok := pdftotext(t, s.data)
		start := time.Now()
		got := &collected{}
		err := Read(s.data, nil, got)
		mine := time.Since(start)
		if err != nil && (ok && strings.TrimSpace(want) != "" || !errors.Is(err, ErrNotPDF)) {
			t.Errorf("%s: %v", s.name, err)
		}
		if !ok || strings.TrimSpace(want) == "" {
			continue
		}
		files++
		ours += mine
		theirs += took
		pages += strings.Count(want, "\f")
		n, of, missed := compareWords(want, got.all())
		if strings.Contains(dense(got.all()), dense(want)) {
			n = of // only the spaces differ
		}
		all += of
		found += n
		if n*100 < of*97 && explained()[s.name] == "" {
			t.Errorf("%s: %d of %d words, not %q", s.name, n, of, missed)
		}
	}
	t.Logf("%d of %d words that pdftotext finds in %d files (%.2f %%)", found, all, files, 100*float64(found)/float64(max(all, 1)))
	t.Logf("%d pages: %.0f per second, pdftotext %.0f per second with its start", pages,
		float64(pages)/ours.Seconds(), float64(pages)/theirs.Seconds())
	if found*1000 < all*990 {
		t.Errorf("only %d of %d words", found, all)
	}
}

// explained are the files whose words differ, and why.
func explained() map[string]string {
	return map[string]string{
		"testOverlappingText.pdf": "two lines upon each other: pdftotext mixes their letters",
		"pdf-flate-bomb.eml#0":    "157 MB of spaces: said to be too large",
	}
}

func compareWords(want, got string) (found, of int, missed []string) {
	have := words(got)
	for w, n := range words(want) {
		of += n
		k := min(n, have[w])
		found += k
		if k < n && len(missed) < 20 {
			missed = append(missed, w)
		}
	}
	return found, of, missed
}

// The expectations that come with the documents.
func TestConformancePDFManifest(t *testing.T) {
	f, err := os.ReadFile(sharedData + "/dlp/documents/manifest.jsonl")
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	var must, mustFound, tika, tikaFound int
	for line := range strings.Lines(string(f)) {
		var row struct {
			File, Format string
			Must         []string `json:"must_contain"`
			Tika         []string `json:"tika_expects"`
			Encrypted    bool
			Password     *string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Format != "pdf" {
			continue
		}
		data, err := os.ReadFile(sharedData + "/dlp/documents/" + row.File)
		if err != nil {
			t.Fatal(err)
		}
		got := &collected{}
		start := time.Now()
		if err := Read(data, nil, got); err != nil {
			t.Errorf("%s: %v", row.File, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s took %v", row.File, d)
		}
		if row.Encrypted && row.Password == nil && len(got.unread) == 0 {
			t.Errorf("%s: encrypted, and not said", row.File)
		}
		text := dense(got.all())
		for _, w := range row.Must {
			must++
			if strings.Contains(text, dense(w)) {
				mustFound++
			} else {
				t.Errorf("%s: no %q; %q", row.File, w, got.unread)
			}
		}
		for _, w := range row.Tika {
			tika++
			if strings.Contains(text, dense(w)) {
				tikaFound++
			} else {
				t.Logf("%s: Tika expects %q; %q", row.File, w, got.unread)
			}
		}
	}
	t.Logf("must_contain %d of %d, tika_expects %d of %d", mustFound, must, tikaFound, tika)
}

func dense(s string) string { return strings.Join(strings.Fields(s), "") }
