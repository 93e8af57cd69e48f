package dlp_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

// shared is the folder of the public evaluation data, when it is there.
const shared = "../../../../shared/data/dlp"

// records reads a file of JSON Lines.
func records[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, name))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	var list []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r T
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

type row struct {
	ID, Type, Value string
	Valid           bool
}

func TestConformanceTheTablesOfNumbers(t *testing.T) {
	for _, file := range []string{"number_tables.jsonl", "number_tables_2.jsonl"} {
		right, all := map[string]int{}, map[string]int{}
		for _, r := range records[row](t, file) {
			valid, known := dlp.Validate(r.Type, r.Value)
			if !known {
				continue
			}
			all[r.Type]++
			if valid == r.Valid {
				right[r.Type]++
			} else {
				t.Errorf("%s %s %q: valid %v, want %v", r.ID, r.Type, r.Value, valid, r.Valid)
			}
		}
		for _, kind := range sorted(all) {
			t.Logf("%s %s: %d of %d", file, kind, right[kind], all[kind])
		}
	}
}

func sorted(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

type text struct {
	ID, Text, Kind string
	Spans          []span
	Labelled       []string
	Complete       bool `json:"spans_complete"`
}

type span struct {
	Start, End int
	Type       string
	Conf       []float64
}

// bytes converts offsets in code points to offsets in bytes.
func (x text) bytes(at int) int64 {
	n := 0
	for i := range x.Text {
		if n == at {
			return int64(i)
		}
		n++
	}
	return int64(len(x.Text))
}

func scan(detectors []detect.Detector, s string) []detect.Found {
	var found []detect.Found
	stream := detect.Stream{Detectors: detectors, Found: func(f detect.Found) { found = append(found, f) }}
	_, _ = stream.Write([]byte(s))
	_ = stream.Close()
	return found
}

// score counts spans that were found exactly, that were missed, and hits that
// are no span. A span that its source calls weak may be missed.
type score struct{ hit, missed, wrong int }

func TestConformanceTheTexts(t *testing.T) {
	detectors := dlp.Detectors(detect.Catalogue{})
	for _, file := range []string{"presidio_cases.jsonl", "presidio_research.jsonl", "meddocan_es.jsonl", "recognizers_text.jsonl"} {
		for _, least := range []detect.Confidence{detect.Low, detect.Medium, detect.High} {
			scores := map[string]*score{"CREDIT_CARD": {}, "IBAN": {}, "US_SSN": {}, "EMAIL": {}}
			for _, x := range records[text](t, file) {
				judge(t, x, scan(detectors, x.Text), least, scores)
			}
			for _, kind := range []string{"CREDIT_CARD", "IBAN", "US_SSN", "EMAIL"} {
				s := scores[kind]
				if s.hit+s.missed+s.wrong > 0 {
					t.Logf("%s from %s: %s precision %.3f recall %.3f (%d found, %d missed, %d wrong)", file, least, kind,
						ratio(s.hit, s.wrong), ratio(s.hit, s.missed), s.hit, s.missed, s.wrong)
				}
			}
		}
	}
}

func ratio(a, b int) float64 {
	if a+b == 0 {
		return 1
	}
	return float64(a) / float64(a+b)
}

func judge(t *testing.T, x text, found []detect.Found, least detect.Confidence, scores map[string]*score) {
	labelled := map[string]bool{}
	for _, l := range x.Labelled {
		labelled[l] = true
	}
	type place struct {
		kind       string
		start, end int64
	}
	want := map[place]bool{}
	for _, s := range x.Spans {
		if scores[s.Type] != nil {
			weak := len(s.Conf) == 2 && s.Conf[1] < 0.5
			want[place{s.Type, x.bytes(s.Start), x.bytes(s.End)}] = !weak
		}
	}
	for _, f := range found {
		s, p := scores[f.Type], place{f.Type, f.From, f.To}
		if s == nil || f.Confidence < least || !(labelled["*"] || labelled["*PHI"] || labelled[f.Type]) {
			continue
		}
		if _, ok := want[p]; ok {
			s.hit++
			delete(want, p)
		} else if x.Complete || len(x.Spans) > 0 {
			s.wrong++
			if least == detect.Low {
				t.Logf("%s: %s %s at %d is no span: %q", x.ID, f.Type, f.Confidence, f.From, clip(x.Text, f))
			}
		}
	}
	for p, must := range want {
		if must {
			scores[p.kind].missed++
			if least == detect.Low {
				t.Logf("%s: missed %s %q", x.ID, p.kind, x.Text[p.start:p.end])
			}
		}
	}
}

func clip(s string, f detect.Found) string {
	return s[max(0, int(f.From)-20):min(len(s), int(f.To)+10)]
}

func TestConformanceBenignText(t *testing.T) {
	detectors := dlp.Detectors(detect.Catalogue{})
	size, hits := 0, map[string]int{}
	for _, x := range records[text](t, "benign_text.jsonl") {
		size += len(x.Text)
		known := map[int64]bool{}
		for _, s := range x.Spans {
			known[x.bytes(s.Start)] = true
		}
		for _, f := range scan(detectors, x.Text) {
			if known[f.From] {
				hits["known "+f.Type]++
				continue
			}
			hits[f.Type+" "+f.Confidence.String()]++
			if f.Type != "EMAIL" && f.Confidence >= detect.Medium {
				t.Logf("%s (%s): %s %s %v %q", x.ID, x.Kind, f.Type, f.Confidence, f.Why, clip(x.Text, f))
			}
		}
	}
	for _, k := range sorted(hits) {
		t.Logf("%-24s %5d hits, %.3f per MB", k, hits[k], float64(hits[k])/(float64(size)/1e6))
	}
	if hits["CREDIT_CARD high"]+hits["US_SSN high"]+hits["IBAN high"] > 0 {
		t.Error("something in benign text was found at high confidence")
	}
}
