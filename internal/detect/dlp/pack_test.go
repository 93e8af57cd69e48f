package dlp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/packs"
)

func TestEveryPackIsSound(t *testing.T) {
	if _, err := loadPacks(); err != nil {
		t.Fatal(err)
	}
}

// TestPacksAreReadAsYAML holds the small reader against the library.
func TestPacksAreReadAsYAML(t *testing.T) {
	for _, f := range packs.Detectors() {
		n, err := readFile(string(f.Data))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		var want map[string]any
		if err := yaml.Unmarshal(f.Data, &want); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if got := tree(n); !reflect.DeepEqual(got, flat(want)) {
			t.Errorf("%s is read as\n%v\nand is\n%v", f.Name, got, flat(want))
		}
	}
}

// tree is a node in the form of flat.
func tree(n node) any {
	switch n.form {
	case 'l':
		list := []any{}
		for _, item := range n.list {
			list = append(list, tree(item))
		}
		return list
	case 'm':
		m := map[string]any{}
		for i, k := range n.keys {
			m[k] = tree(n.list[i])
		}
		return m
	}
	return n.text
}

// flat writes every scalar as text.
func flat(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, item := range v {
			m[k] = flat(item)
		}
		return m
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, flat(item))
		}
		return list
	case string:
		return strings.TrimRight(v, "\n")
	}
	return fmt.Sprint(v)
}

// TestSamplesOfPacks runs each pack over its samples, with the two detectors
// that others lean on.
func TestSamplesOfPacks(t *testing.T) {
	base := NewBase()
	for _, p := range base.packs {
		with := []string{p.ID, "credit-card", "iban"}
		for _, kind := range p.Beside {
			with = append(with, detect.IDOf(kind))
		}
		detectors := base.Detectors(detect.Catalogue{Detectors: with})
		if len(detectors) < 2 {
			t.Errorf("%s: %d detectors", p.ID, len(detectors))
			continue
		}
		for _, s := range p.True {
			if best, _ := surest(detectors, p.Type, s); best < detect.Medium {
				t.Errorf("%s: true sample %q: %v", p.ID, s, best)
			}
		}
		for _, s := range p.Low {
			if best, why := surest(detectors, p.Type, s); best != detect.Low {
				t.Errorf("%s: low sample %q: %v %q", p.ID, s, best, why)
			}
		}
		for _, s := range p.False {
			if best, why := surest(detectors, p.Type, s); best > detect.Low {
				t.Errorf("%s: false sample %q: %v %q", p.ID, s, best, why)
			}
		}
	}
}

func surest(detectors []detect.Detector, kind, s string) (best detect.Confidence, why []string) {
	stream := detect.Stream{Detectors: detectors, Found: func(f detect.Found) {
		if f.Type == kind && f.Confidence > best {
			best, why = f.Confidence, f.Why
		}
	}}
	_, _ = stream.Write([]byte(s))
	_ = stream.Close()
	return best, why
}

func TestShapes(t *testing.T) {
	tests := []struct{ name, shape, wrong string }{
		{"groups", "ddd-dd-dddd", ""},
		{"letters that stand for themselves", "CHE-ddd.ddd.ddd", ""},
		{"counts and sets", "[CFGHJK]x{8}", ""},
		{"what may be missing", "d{3}~d{3}~d{3}[A]?d", ""},
		{"an end in brackets", "AA?d{6}(x)", ""},
		{"nothing", "", "it describes 0 characters"},
		{"no digit", "AAAA", "it describes no digit"},
		{"small letters", "ddd-nl", "means nothing"},
		{"a bracket that does not end", "d[AB", "without an end"},
		{"a range that goes back", "d[Z-A]", "the range"},
		{"no count", "d{}", "the count"},
		{"too long", "d{30}d{30}", "1 to 48"},
		{"written too long", strings.Repeat("d?", 61) + "d", "longer than 120"},
		{"nothing for sure at the end", "ddd~", "not end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseShape(tt.shape)
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMistakesInPacksAreNamed(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a key that is unknown", "id: x\nkolor: red\n", `line 2: the key "kolor" is not known`},
		{"a key twice", "id: x\nid: y\n", "stands twice"},
		{"no class", "id: x\n", `class "" is none`},
		{"a check that is not there", "id: x\ncheck: NOTHING\n", `there is no check "NOTHING"`},
		{"a colon without quotes", "id: a: b\n", "needs quotes"},
		{"a list that does not end", "id: [a,\n", "not closed"},
		{"no samples", "id: x\n", "samples are needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readPack("detectors/x.yaml", tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
