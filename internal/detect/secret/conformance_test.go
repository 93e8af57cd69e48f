package secret_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/secret"
)

// shared is the folder of the public evaluation data, when it is there.
const shared = "../../../../shared/data/dlp"

type sample struct {
	ID, Text, Kind string
	Has            bool `json:"has_secret"`
	Spans          []struct {
		Start, End int
		Kind       string `json:"src_type"`
	}
}

// samples reads a file of JSON Lines; those with secrets stay compressed.
func samples(t *testing.T, name string) (list []sample) {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, name))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// found runs the detector over a text, as look does.
func found(d *secret.Detector, text string, least detect.Confidence) (list []detect.Found) {
	s := detect.Stream{Detectors: []detect.Detector{d}, Found: func(f detect.Found) {
		if f.Confidence >= least {
			list = append(list, f)
		}
	}}
	_, _ = s.Write([]byte(text))
	_ = s.Close()
	return list
}

// bytesAt are the offsets in bytes of the code points of s.
func bytesAt(s string) (list []int64) {
	for i := range s {
		list = append(list, int64(i))
	}
	return append(list, int64(len(s)))
}

func TestConformanceTheSpansOfSecrets(t *testing.T) {
	d := secret.New()
	all := samples(t, "secrets_credsweeper.jsonl.gz")
	for _, least := range []detect.Confidence{detect.Low, detect.Medium} {
		hit, missed, wrong, pem, pemMissed, clean, flagged := 0, 0, 0, 0, 0, 0, 0
		for _, x := range all {
			at := bytesAt(x.Text)
			list := found(d, x.Text, least)
			for _, s := range x.Spans {
				ok := false
				for _, f := range list {
					ok = ok || f.From < at[s.End] && at[s.Start] < f.To
				}
				switch {
				case ok && s.Kind == "PEM Private Key":
					pem++
				case s.Kind == "PEM Private Key":
					pemMissed++
				case ok:
					hit++
				default:
					missed++
				}
				if !ok && least == detect.Medium {
					t.Logf("missed %s %s %q", x.ID, s.Kind, clip(x.Text, at[s.Start], at[s.End]))
				}
			}
			for _, f := range list {
				ok := false
				for _, s := range x.Spans {
					ok = ok || f.From < at[s.End] && at[s.Start] < f.To
				}
				if !ok {
					wrong++
					if least == detect.Low {
						t.Logf("no span %s %s %s %q %v", x.ID, f.Type, f.Confidence, clip(x.Text, f.From, f.To), f.Why)
					}
				}
			}
			if len(x.Spans) == 0 {
				clean++
				if len(list) > 0 {
					flagged++
				}
			}
		}
		precision, recall := ratio(hit, wrong), ratio(hit, missed)
		t.Logf("from %s: spans without PEM: recall %.3f (%d of %d), precision %.3f (%d beside); PEM %d of %d; "+
			"files without a secret flagged: %d of %d (gitleaks 8.30: recall 0.25, PEM and all 0.33)", least, recall, hit, hit+missed,
			precision, wrong, pem, pem+pemMissed, flagged, clean)
		if least == detect.Medium && (recall < 0.89 || precision < 0.92 || pemMissed > 0) {
			t.Error("worse than what was reached")
		}
	}
}

func TestConformanceTheFilesWithSecrets(t *testing.T) {
	d := secret.New()
	var with, without, hits, wrong int
	for _, x := range samples(t, "secrets_files.jsonl.gz") {
		list := found(d, x.Text, detect.Medium)
		if x.Has {
			with++
			if len(list) > 0 {
				hits++
			} else {
				t.Logf("missed %s", x.ID)
			}
			continue
		}
		without++
		if len(list) > 0 {
			wrong++
			t.Logf("flagged %s: %s %s %q %v", x.ID, list[0].Type, list[0].Confidence, clip(x.Text, list[0].From, list[0].To), list[0].Why)
		}
	}
	t.Logf("files with a secret flagged: %d of %d (%.3f); without: %d of %d (%.3f) (gitleaks 8.30: 59 of 108, 23 of 88)",
		hits, with, ratio(hits, with-hits), wrong, without, ratio(wrong, without-wrong))
	if ratio(hits, with-hits) < 0.90 || ratio(wrong, without-wrong) > 0.12 {
		t.Error("worse than what was reached")
	}
}

func TestConformanceBenignTextHasNoSecrets(t *testing.T) {
	d := secret.New()
	size, count := 0, map[detect.Confidence]int{}
	for _, x := range samples(t, "benign_text.jsonl") {
		size += len(x.Text)
		for _, f := range found(d, x.Text, detect.Low) {
			count[f.Confidence]++
			t.Logf("%s (%s): %s %s %v %q", x.ID, x.Kind, f.Type, f.Confidence, f.Why, clip(x.Text, f.From, f.To))
		}
	}
	mb := float64(size) / 1e6
	t.Logf("%.1f MB: %.3f high, %.3f medium, %.3f low per MB", mb, float64(count[detect.High])/mb,
		float64(count[detect.Medium])/mb, float64(count[detect.Low])/mb)
	if count[detect.High] > 0 || float64(count[detect.Medium])/mb > 0.1 {
		t.Error("worse than what was reached")
	}
}

func ratio(a, b int) float64 {
	if a+b == 0 {
		return 1
	}
	return float64(a) / float64(a+b)
}

func clip(s string, from, to int64) string {
	return s[max(0, int(from)-20):min(len(s), int(min(to, from+60))+5)]
}
