package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTablesAndFingerprintsStayWhereTheyAre(t *testing.T) {
	locate := func(kind, policyFile, name string) (string, string, error) {
		if name == "none" {
			return "", "", errors.New("it is not there")
		}
		return "/dir/" + name, kind + " of " + policyFile, nil
	}
	form := `kind: detector
id: customers
table: { file: c.edm, fields: 2, window: 100 }
---
kind: detector
id: nda
fingerprint: { file: n.print }
`
	s, err := Load([]File{{Name: "p.yaml", Data: []byte(form)}}, Options{Locate: locate})
	if err != nil {
		t.Fatal(err)
	}
	want := []Detector{
		{ID: "customers", Confidence: "high", Table: "/dir/c.edm", Content: "table of p.yaml", Fields: 2, Window: 100},
		{ID: "nda", Confidence: "high", Print: "/dir/n.print", Content: "fingerprint of p.yaml", Threshold: 30},
	}
	if d := cmp.Diff(want, s.Detectors()); d != "" {
		t.Error(d)
	}
	for more, want := range map[string]string{
		"table: { file: none }":                        "it is not there",
		"table: { fields: 1 }":                         "file",
		"table: { file: c, fields: 33 }":               "from 0 to 32",
		"table: { file: c, window: 2001 }":             "from 1 to 2000",
		"fingerprint: { file: n, threshold: 0 }":       "from 1 to 100",
		"fingerprint: { file: n }\ntable: { file: c }": "needs one of",
	} {
		_, err := Load([]File{{Name: "p.yaml", Data: []byte("kind: detector\nid: x\n" + more + "\n")}}, Options{Locate: locate})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", more, err, want)
		}
	}
	if _, err := Load([]File{{Name: "p.yaml", Data: []byte(form)}}, Options{}); err == nil || !strings.Contains(err.Error(), "cannot be used here") {
		t.Errorf("without a house: %v", err)
	}
}
