package look_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// sharedMail is a collection of odd, hostile and harmless mail that is not
// part of this repository.
const sharedMail = "../../../shared/data/mail"

// hiding is a row of the collection's list.
type hiding struct {
	File   string `json:"file"`
	Expect struct {
		Verdict string `json:"verdict"`
		Card    string `json:"card"`
	} `json:"expect"`
}

func hidings(t *testing.T, folder string) []hiding {
	f, err := os.Open(filepath.Join(sharedMail, "MANIFEST.jsonl"))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	var list []hiding
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var h hiding
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(h.File, folder+"/") {
			list = append(list, h)
		}
	}
	return list
}

func lookAt(t *testing.T, l *look.Looker, file string) detect.Report {
	data, err := os.ReadFile(filepath.Join(sharedMail, file))
	if err != nil {
		t.Fatal(err)
	}
	return l.Look(context.Background(), mail.Parse(mail.Bytes(data), mail.Limits{}), look.Options{})
}

// sees reports whether a card number is among the findings.
func sees(r detect.Report, card string) bool {
	for _, f := range r.Findings {
		if f.Type == "CREDIT_CARD" && f.Sample == detect.Mask(f.Type, card) && f.Confidence >= detect.Medium {
			return true
		}
	}
	return false
}

// TestConformanceNoHiddenNumberPassesForClean looks at every way of hiding a number in
// the collection: where the number is not found, the report must say that
// something was not looked at.
func TestConformanceNoHiddenNumberPassesForClean(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here is shared by goroutines; the stage without the race detector runs it")
	}
	l := look.New(look.Config{InProcess: true})
	found, said, silent := map[string]int{}, map[string]int{}, map[string]int{}
	for _, h := range hidings(t, "evasion") {
		r := lookAt(t, l, h.File)
		v := h.Expect.Verdict
		switch {
		case sees(r, h.Expect.Card):
			found[v]++
		case len(r.Unseen) > 0:
			said[v]++
			if testing.Verbose() && v != "uninspectable" {
				t.Logf("%s %s: not found, but %v", v, h.File, r.Unseen)
			}
		default:
			silent[v]++
			t.Logf("%s %s: silent %v", v, h.File, r.Findings)
			if v == "detect" || v == "detect_or_refuse" {
				t.Errorf("%s: neither found nor said to be unseen", h.File)
			}
		}
	}
	for _, v := range []string{"detect", "detect_or_refuse", "uninspectable", "human", "ocr"} {
		t.Logf("%s: %d found, %d said, %d silent", v, found[v], said[v], silent[v])
	}
}

// everyday are types that stand in harmless mail: who writes, where and when.
func everyday(kind string) bool {
	switch kind {
	case "EMAIL", "URL", "DOMAIN", "IP", "PHONE", "DATE", "GUID":
		return true
	}
	return false
}

// TestConformanceHarmlessMailIsHarmless looks at mail in which nothing is to be found and
// nothing is ambiguous.
func TestConformanceHarmlessMailIsHarmless(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	files, causes := 0, map[mail.Cause]int{}
	for _, h := range hidings(t, "benign") {
		files++
		r := lookAt(t, l, h.File)
		for _, f := range r.Findings {
			if !everyday(f.Type) && f.Confidence >= detect.Medium {
				t.Errorf("%s: %s %s in %q (%s), %v", h.File, f.Type, f.Confidence, f.Part, f.Kind, f.Why)
			} else {
				t.Logf("%s: %s %s in %q", h.File, f.Type, f.Sample, f.Part)
			}
		}
		for _, u := range r.Unseen {
			causes[u.Reason]++
			if u.Reason == mail.Ambiguous || u.Reason == mail.Malformed {
				t.Errorf("%s: %v", h.File, u)
			}
		}
	}
	t.Logf("%d files, unseen %v", files, causes)
}
