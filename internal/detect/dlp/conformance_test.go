package dlp_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
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

// TestConformanceTheTablesOfNumbers is for the types whose validator is here;
// internal/detect/number has the others, with the floor that was reached.
func TestConformanceTheTablesOfNumbers(t *testing.T) {
	for _, r := range records[row](t, "number_tables_2.jsonl") {
		if r.Type != "CREDIT_CARD" && r.Type != "EMAIL" {
			continue
		}
		if valid, _ := dlp.Validate(r.Type, r.Value); valid != r.Valid {
			t.Errorf("%s %s %q: valid %v, want %v", r.ID, r.Type, r.Value, valid, r.Valid)
		}
	}
}

func sorted[T any](m map[string]T) []string {
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
	Complete       *bool `json:"spans_complete"`
	Expected       int   `json:"expected_count"`
}

// Incomplete reports whether the spans are not all there.
func (x text) Incomplete() bool { return x.Complete != nil && !*x.Complete && len(x.Spans) == 0 }

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

// someRecords is records for benchmarks: nothing when the data is not here.
func someRecords(name string) (list []text) {
	f, err := os.Open(filepath.Join(shared, name))
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := json.NewDecoder(f); ; {
		var x text
		if lines.Decode(&x) != nil {
			return list
		}
		list = append(list, x)
	}
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

func (s score) f1() float64 {
	p, r := ratio(s.hit, s.wrong), ratio(s.hit, s.missed)
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

// structured are the types whose labels are complete where they are given.
func structured() map[string]bool {
	return map[string]bool{"CREDIT_CARD": true, "IBAN": true, "US_SSN": true, "EMAIL": true, "IP": true, "PHONE": true, "URL": true,
		"GUID": true, "MAC": true, "CRYPTO": true}
}

// TestConformanceTheTexts prints, for each set and type, what was found, and
// fails when it is less than was reached before.
func TestConformanceTheTexts(t *testing.T) {
	floors := map[string]float64{ // F1 from low on
		"presidio_research CREDIT_CARD": 0.99, "presidio_research IBAN": 0.99, "presidio_research EMAIL": 0.99,
		"presidio_research IP": 0.99, "presidio_research US_SSN": 0.97, "presidio_research PHONE": 0.93,
		"recognizers_text EMAIL": 0.97, "recognizers_text IP": 0.97, "recognizers_text URL": 0.97, "recognizers_text PHONE": 0.90,
	}
	detectors := dlp.Detectors(detect.Catalogue{})
	for _, file := range []string{"presidio_research", "meddocan_es", "recognizers_text"} {
		list := records[text](t, file+".jsonl")
		for _, least := range []detect.Confidence{detect.Low, detect.Medium, detect.High} {
			scores := map[string]*score{}
			for _, x := range list {
				judge(t, x, scan(detectors, x.Text), least, scores)
			}
			for _, kind := range sorted(scores) {
				s := scores[kind]
				t.Logf("%s from %s: %s precision %.3f recall %.3f F1 %.3f (%d found, %d missed, %d wrong)", file, least, kind,
					ratio(s.hit, s.wrong), ratio(s.hit, s.missed), s.f1(), s.hit, s.missed, s.wrong)
				if floor := floors[file+" "+kind]; least == detect.Low && s.f1() < floor {
					t.Errorf("%s: %s has F1 %.3f, less than %.3f", file, kind, s.f1(), floor)
				}
			}
		}
	}
}

// TestConformanceTheCasesOfPresidio asks of each text for its own type only,
// as the tests that it comes from do.
func TestConformanceTheCasesOfPresidio(t *testing.T) {
	detectors := dlp.Detectors(detect.Catalogue{})
	shipped := map[string]bool{}
	for _, e := range dlp.Entries() {
		shipped[e.Type] = true
	}
	scores := map[string]*score{}
	clean, negatives, counted, right := 0, 0, 0, 0
	for _, x := range records[text](t, "presidio_cases.jsonl") {
		found := scan(detectors, x.Text)
		if len(x.Spans) == 0 && len(x.Labelled) == 1 && shipped[x.Labelled[0]] {
			n := 0
			for _, f := range found {
				if f.Type == x.Labelled[0] {
					n++
				}
			}
			if x.Expected > 0 {
				if counted++; n == x.Expected {
					right++
				} else {
					t.Logf("%s: %d %s, want %d: %q", x.ID, n, x.Labelled[0], x.Expected, x.Text)
				}
				continue
			}
			if negatives++; n == 0 {
				clean++
			} else {
				t.Logf("%s: %s in %q", x.ID, x.Labelled[0], x.Text)
			}
			continue
		}
		judge(t, x, found, detect.Low, scores)
	}
	var all score
	for _, kind := range sorted(scores) {
		s := scores[kind]
		if !shipped[kind] {
			t.Logf("%s: not shipped, %d spans", kind, s.missed)
			all.missed += s.missed
			continue
		}
		t.Logf("%s: %d found, %d missed, %d wrong", kind, s.hit, s.missed, s.wrong)
		all.hit, all.missed, all.wrong = all.hit+s.hit, all.missed+s.missed, all.wrong+s.wrong
	}
	t.Logf("all: recall %.4f (%d of %d), negatives clean %.4f (%d of %d), counts right %d of %d", ratio(all.hit, all.missed), all.hit,
		all.hit+all.missed, ratio(clean, negatives-clean), clean, negatives, right, counted)
	if ratio(all.hit, all.missed) < 0.98 || ratio(clean, negatives-clean) < 0.99 {
		t.Error("less than was reached before")
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
	of := func(kind string) *score {
		if scores[kind] == nil {
			scores[kind] = &score{}
		}
		return scores[kind]
	}
	type place struct {
		kind       string
		start, end int64
	}
	want := map[place]bool{}
	for _, s := range x.Spans {
		if structured()[s.Type] || labelled[s.Type] {
			weak := len(s.Conf) == 2 && s.Conf[1] < 0.4
			want[place{s.Type, x.bytes(s.Start), x.bytes(s.End)}] = !weak
		}
	}
	for _, f := range found {
		p := place{f.Type, f.From, f.To}
		if f.Confidence < least || !(labelled[f.Type] || structured()[f.Type] && (labelled["*"] || labelled["*PHI"])) {
			continue
		}
		if labelled["*"] && (f.Type == "URL" || f.Type == "GUID") || labelled["*PHI"] && f.Type == "URL" {
			continue // that set has no such label
		}
		if _, ok := want[p]; ok {
			of(f.Type).hit++
			delete(want, p)
		} else if !x.Incomplete() {
			of(f.Type).wrong++
			if least == detect.Low {
				t.Logf("%s: %s %s at %d is no span: %q", x.ID, f.Type, f.Confidence, f.From, clip(x.Text, f))
			}
		}
	}
	for p, must := range want {
		if must {
			of(p.kind).missed++
			if least == detect.Low {
				t.Logf("%s: missed %s %q", x.ID, p.kind, x.Text[p.start:p.end])
			}
		}
	}
}

func clip(s string, f detect.Found) string {
	return s[max(0, int(f.From)-20):min(len(s), int(f.To)+10)]
}

// TestConformanceTelephoneNumbers: the example numbers of libphonenumber,
// alone and in a text, international and with the tenant's country.
func TestConformanceTelephoneNumbers(t *testing.T) {
	type example struct {
		ID, Region, Value, National string
	}
	byRegion := map[string][]detect.Detector{}
	abroad := dlp.Detectors(detect.Catalogue{Detectors: []string{"phone"}})
	all, international, national := 0, 0, 0
	for _, x := range records[example](t, "phone_examples.jsonl") {
		all++
		found := func(d []detect.Detector, s string) bool {
			list := scan(d, s)
			return len(list) == 1 && s[list[0].From:list[0].To] == s
		}
		if found(abroad, x.Value) {
			international++
		} else {
			t.Logf("%s: %s is not found", x.ID, x.Value)
		}
		if byRegion[x.Region] == nil {
			byRegion[x.Region] = dlp.Detectors(detect.Catalogue{Detectors: []string{"phone"}, Regions: []string{x.Region}})
		}
		if found(byRegion[x.Region], x.National) {
			national++
		} else {
			t.Logf("%s: %s in %s is not found", x.ID, x.National, x.Region)
		}
	}
	t.Logf("PHONE of phone_examples: international %d of %d, national %d of %d", international, all, national, all)
	if international < all || float64(national) < 0.99*float64(all) {
		t.Error("fewer than were reached before")
	}
}

// plainTypes are those of which benign text may be full, or that have neither
// a checksum nor a person behind them.
func plainTypes() map[string]bool {
	t := map[string]bool{}
	for _, k := range strings.Fields("EMAIL URL DOMAIN IP MAC GUID PHONE DATE DATE_OF_BIRTH COORDINATES SWIFT_BIC " +
		"UK_POSTCODE NL_POSTCODE DE_PLZ IE_EIRCODE SOURCE_CODE") {
		t[k] = true
	}
	return t
}

// readAndTrue are hits in the benign text that somebody has read: the numbers
// are what they are said to be (published ones of companies).
func readAndTrue() map[string]bool {
	t := map[string]bool{
		"benign-business-policy-117 US_EIN": true, // "Employer Identification Number (FEIN): 44-…"
		"benign-business-docs-822 CO_NIT":   true, // "NIT: 800.…" of a company in Colombia
	}
	for _, n := range []string{"682", "698", "765", "895"} { // "SORT-code: 18…", "Accountnummer: 122…" of a company in London
		t["benign-business-docs-"+n+" UK_SORT_CODE"], t["benign-business-docs-"+n+" UK_BANK"] = true, true
	}
	return t
}

func TestConformanceBenignText(t *testing.T) {
	detectors := dlp.Detectors(detect.Catalogue{})
	size, hits, strong := 0, map[string]int{}, map[detect.Confidence]int{}
	for _, x := range records[text](t, "benign_text.jsonl") {
		size += len(x.Text)
		real := map[int64]bool{}
		for _, s := range x.Spans {
			real[x.bytes(s.Start)] = true
		}
		for _, f := range scan(detectors, x.Text) {
			if real[f.From] || readAndTrue()[x.ID+" "+f.Type] {
				hits["known "+f.Type]++
				continue
			}
			hits[f.Type+" "+f.Confidence.String()]++
			if !plainTypes()[f.Type] {
				strong[f.Confidence]++
				if f.Confidence >= detect.Medium {
					t.Logf("%s (%s): %s %s %v %q", x.ID, x.Kind, f.Type, f.Confidence, f.Why, clip(x.Text, f))
				}
			}
		}
	}
	for _, k := range sorted(hits) {
		t.Logf("%-24s %5d hits, %.3f per MB", k, hits[k], float64(hits[k])/(float64(size)/1e6))
	}
	mb := float64(size) / 1e6
	t.Logf("strong types: high %.3f, medium %.3f, low %.1f per MB", float64(strong[detect.High])/mb,
		float64(strong[detect.Medium])/mb, float64(strong[detect.Low])/mb)
	if float64(strong[detect.High]) > 0.05*mb || float64(strong[detect.Medium]) > 0.3*mb {
		t.Error("more hits in benign text than before")
	}
	if hits["CREDIT_CARD high"]+hits["US_SSN high"]+hits["IBAN high"] > 0 {
		t.Error("something in benign text was found at high confidence")
	}
}
