package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestADictionaryIsAColumnOfAFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"plain.csv":   "Nightingale\n\"Blue, Harbor\"\n\n ,x\n",
		"named.csv":   "\xEF\xBB\xBFNo;Project Name;Owner\r\n1;Nightingale;Ann\r\n2;\"Blue \"\"Harbor\"\"\";Bob\r\n3;;Eve\r\n",
		"tabs.txt":    "id\tterm\n1\tNightingale\n",
		"nothing.csv": "\n,\n",
	}
	read := func(_, name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("it is not there")
	}
	tests := []struct{ name, keys, want string }{
		{"the first column without a heading", "file: plain.csv", "Nightingale|Blue, Harbor"},
		{"a column by its heading", "file: named.csv\ncolumn: project name", `Nightingale|Blue "Harbor"`},
		{"a column of a file with tabs", "file: tabs.txt\ncolumn: term", "Nightingale"},
		{"a heading that is not there", "file: named.csv\ncolumn: Term", `mistake: the file "named.csv" has no column "Term"`},
		{"a file without terms", "file: nothing.csv", `mistake: the file "nothing.csv" holds no terms`},
		{"a column without a file", "column: Term\nterms: [a]", "mistake: a column belongs to a file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Load([]File{{"x.yaml", []byte("kind: dictionary\nid: d\n" + tt.keys + "\n")}}, Options{Read: read})
			if want, bad := strings.CutPrefix(tt.want, "mistake: "); bad {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("want %q: %v", want, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.Dictionaries()[0].Terms, "|"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPatternsOverTextsAreChecked(t *testing.T) {
	t.Parallel()
	one := "kind: detector\nid: staff\ntext: { pattern: 'EMP-[0-9]{6}', near: [employee], window: 100, check: nl_bsn }\n"
	s, err := Load([]File{{"x.yaml", []byte(one)}}, Options{Checks: []string{"NL_BSN"}})
	if err != nil {
		t.Fatal(err)
	}
	d := s.Detectors()[0]
	if d.Text != "EMP-[0-9]{6}" || !slices.Equal(d.Near, []string{"employee"}) || d.Window != 100 || d.Check != "nl_bsn" ||
		d.Confidence != "high" {
		t.Errorf("%+v", d)
	}
	var many strings.Builder
	for range maxPatterns + 1 {
		many.WriteString("---\nkind: detector\nid: p" + strings.Repeat("x", many.Len()%40) + "\ntext: { pattern: x }\n")
	}
	for keys, want := range map[string]string{
		"{ pattern: '(' }":              "not a regular expression",
		"{ pattern: 'a*' }":             "matches nothing at all",
		"{ near: [x] }":                 "pattern",
		"{ pattern: x, window: 5000 }":  "window is from 1 to 2000",
		"{ pattern: x, check: NL_BSM }": `no check for "NL_BSM"`,
		"{ pattern: '(?=x)y' }":         "not a regular expression",
		"{ pattern: x, near: [" + strings.Repeat("w, ", maxNear) + "w] }": "words nearby at most",
		"{ pattern: x }\n" + many.String():                                "more than 50 patterns",
	} {
		_, err := Load([]File{{"x.yaml", []byte("kind: detector\nid: a\ntext: " + keys + "\n")}}, Options{Checks: []string{"NL_BSN"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q: %v", keys[:min(len(keys), 40)], want, err)
		}
	}
}
