package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Name  string        `yaml:"name"`
	Size  Bytes         `yaml:"size"`
	Wait  time.Duration `yaml:"wait"`
	Inner struct {
		List []struct {
			Key string `yaml:"key"`
		} `yaml:"list"`
		Deep int `yaml:"deep"`
	} `yaml:"inner"`
	Map   map[string]string `yaml:"map"`
	Names []string          `yaml:"names"`
	Count int               `yaml:"count"`
	Yes   bool              `yaml:"yes"`
	Waits []time.Duration   `yaml:"waits"`
}

func TestReadTakesEveryKindOfValue(t *testing.T) {
	var s sample
	text := "name: a\nsize: 200MiB\nwait: 20s\ninner: { list: [ { key: x } ] }\nmap: { a: b }\n"
	if bad := Read("a.yaml", []byte(text), &s); len(bad) > 0 {
		t.Fatal(bad)
	}
	if s.Size != 200<<20 || s.Wait != 20*time.Second || s.Inner.List[0].Key != "x" || s.Map["a"] != "b" {
		t.Fatalf("%+v", s)
	}
}

func TestEveryMistakeIsReportedAtOnceWithItsPlace(t *testing.T) {
	var s sample
	bad := Read("a.yaml", []byte("nam: a\ninner:\n  list:\n    - kei: x\nsize: many\n"), &s)
	got := bad.Error()
	for _, want := range []string{
		`a.yaml:1:1: unknown key "nam" (did you mean "name"?)`,
		`a.yaml:4:7: unknown key "kei" (did you mean "key"?)`,
		`a.yaml:5:`, "not a size",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestABadValueHidesNoOther(t *testing.T) {
	var s sample
	bad := Read("a.yaml", []byte("wait: 5x\nsize: many\nnames: a\ncount: some\nyes: perhaps\ninner: 5\n"+
		"waits: [20, 1m, soon]\nmap: { a: [b] }\nnam: x\nname: kept\n"), &s)
	got := bad.Error()
	want := `a.yaml:1:7: wait: "5x" is not a span of time (write for example 20s, 5m or 24h)
a.yaml:2:7: size: "many" is not a size (write for example 200MiB)
a.yaml:3:8: names: is not a list (write it in brackets: [a, b])
a.yaml:4:8: count: "some" is not a whole number (write for example 50)
a.yaml:5:6: yes: "perhaps" is not true or false (write one of these words)
a.yaml:6:8: inner: is not a section (write keys with their values below it)
a.yaml:7:9: waits[0]: "20" is not a span of time (write for example 20s, 5m or 24h)
a.yaml:7:17: waits[2]: "soon" is not a span of time (write for example 20s, 5m or 24h)
a.yaml:8:11: map.a: is not a text (write it in quotes)
a.yaml:9:1: unknown key "nam" (did you mean "name"?)`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if s.Name != "kept" {
		t.Errorf("what is right is not read: %+v", s)
	}
}

func TestAValueThatIsNotWrittenKeepsItsDefault(t *testing.T) {
	s := sample{Wait: time.Minute, Count: 50}
	s.Inner.Deep = 7
	if bad := Read("a.yaml", []byte("name: a\ncount: 0\ninner: { list: [] }\n"), &s); len(bad) > 0 {
		t.Fatal(bad)
	}
	if s.Wait != time.Minute || s.Count != 0 || s.Inner.Deep != 7 {
		t.Fatalf("%+v", s)
	}
}

func TestDocumentsAreToldApartByKind(t *testing.T) {
	docs, bad := Split("a.yaml", []byte("kind: tenant\nid: a\n---\nkind: policy\nid: b\n---\n"))
	if len(bad) > 0 || len(docs) != 2 || docs[0].Kind != "tenant" || docs[1].Kind != "policy" {
		t.Fatal(docs, bad)
	}
	m := docs[1].Place("is taken", "", "id")
	if m.Line != 5 || m.String() != "a.yaml:5:1: id: is taken" {
		t.Fatal(m)
	}
}

func TestResolveReadsFilesAndEnvironment(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("POSTERN_TEST_VALUE", "v")
	for in, want := range map[string]string{"file:s": "secret", "env:POSTERN_TEST_VALUE": "v", "plain": "plain"} {
		if got, err := Resolve(in, dir); err != nil || got != want {
			t.Errorf("%s: %q %v", in, got, err)
		}
	}
	for _, in := range []string{"file:none", "env:POSTERN_TEST_NONE"} {
		if _, err := Resolve(in, dir); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"name: a", "a: &x [*x]", "? [a]: b", "{", "- - -\n", "inner: 5", "map: [1]", "name: |\n  x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s sample
		Read("f.yaml", []byte(text), &s)
	})
}
