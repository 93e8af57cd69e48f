package fingerprint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// prose is a text of n words that says nothing.
func prose(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "w%d", r.IntN(5000))
		if b.WriteByte(' '); i%12 == 11 {
			b.WriteString(".\r\n")
		}
	}
	return b.String()
}

func containment(t *testing.T, x *Index, text string, piece int) []float64 {
	t.Helper()
	m := x.Match()
	for at := 0; at < len(text); at += piece {
		if _, err := m.Write([]byte(text[at:min(at+piece, len(text))])); err != nil {
			t.Fatal(err)
		}
	}
	return m.Containment()
}

func TestACopyIsRecognizedByHowMuchOfItThereIs(t *testing.T) {
	contract, form := prose(1, 2000), prose(2, 300)
	var prints []Print
	for i, text := range []string{contract, form} {
		p, err := Of(fmt.Sprint(i), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, p)
	}
	x := NewIndex(prints)
	half := contract[:len(contract)/2]
	for _, tt := range []struct {
		name, text string
		low, high  float64 // of the contract
	}{
		{"the document", contract, 1, 1},
		{"in capitals, with other line ends and signs", strings.ToUpper(strings.NewReplacer("\r\n", "\n", " ", " - ").Replace(contract)), 1, 1},
		{"a half of it among other words", prose(3, 5000) + half + prose(4, 5000), 0.45, 0.55},
		{"a page of it", prose(5, 100) + contract[len(contract)*4/10:len(contract)/2], 0.08, 0.12},
		{"another text", prose(6, 20_000), 0, 0.01},
		{"nothing", "", 0, 0},
	} {
		for _, piece := range []int{1, 7, 4096, 1 << 20} {
			got := containment(t, x, tt.text, piece)
			if got[0] < tt.low || got[0] > tt.high || got[1] > 0.01 {
				t.Errorf("%s in pieces of %d: %v", tt.name, piece, got)
			}
		}
	}
	if got := containment(t, x, form, 100); got[1] != 1 || got[0] > 0.01 {
		t.Errorf("the form: %v", got)
	}
}

func TestEmptyFormAndFilledFormAreAlike(t *testing.T) {
	lines := []string{}
	for i := range 60 {
		lines = append(lines, prose(uint64(10+i), 15)+": ")
	}
	p, err := Of("form", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		lines[i] += fmt.Sprintf("answer %d of a person", i)
	}
	if got := containment(t, NewIndex([]Print{p}), strings.Join(lines, "\n"), 1000); got[0] < 0.6 {
		t.Errorf("a filled form holds %.2f of the empty one", got[0])
	}
}

func TestWhatIsNoPrintIsRefused(t *testing.T) {
	if _, err := Of("short", strings.NewReader("just a few words here")); err != ErrShort {
		t.Error(err)
	}
	for _, form := range []string{"", "{}", `{"version":2,"hashes":[1,2,3,4,5,6,7,8]}`, `{"version":1,"hashes":[8,7,6,5,4,3,2,1]}`} {
		if _, err := Read(strings.NewReader(form)); err == nil {
			t.Errorf("%q was read", form)
		}
	}
	p, err := Of("x", strings.NewReader(prose(1, 200)))
	if err != nil {
		t.Fatal(err)
	}
	form, _ := json.Marshal(p)
	if back, err := Read(bytes.NewReader(form)); err != nil || len(back.Hashes) != len(p.Hashes) {
		t.Error(err)
	}
	if _, err := Open("testdata/none"); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := Of("long", strings.NewReader(prose(1, 3*mostHashes))); err == nil {
		t.Error("a very long document was taken")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("one two three four five six seven", 3)
	f.Add("Ünï\u0301cödé\u200b \xff words\x00", 1)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		piece = 1 + (piece&0x7fffffff)%64
		var whole, parts []uint64
		a, b := roll{give: func(h uint64) { whole = append(whole, h) }}, roll{give: func(h uint64) { parts = append(parts, h) }}
		_, _ = a.Write([]byte(text))
		for at := 0; at < len(text); at += piece {
			_, _ = b.Write([]byte(text[at:min(at+piece, len(text))]))
		}
		a.end()
		b.end()
		if len(whole) != len(parts) || !bytes.Equal(fmt.Append(nil, whole), fmt.Append(nil, parts)) {
			t.Errorf("%q in pieces of %d gives other hashes", text, piece)
		}
	})
}
