package mail_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"postern.dev/postern/internal/mail"
)

// sharedMail is a collection of odd, hostile and harmless mail that is not
// part of this repository.
const sharedMail = "../../../shared/data/mail"

type manifestRow struct {
	File   string `json:"file"`
	Kind   string `json:"kind"`
	Bytes  int64  `json:"bytes"`
	Expect struct {
		Verdict     string   `json:"verdict"`
		Leaves      *int     `json:"leaf_parts"`
		Agrees      bool     `json:"leaf_python_agrees"`
		Attachments []string `json:"attachments"`
		Tokens      []string `json:"tokens"`
		TokensAgree []bool   `json:"tokens_python_agrees"`
		Card        string   `json:"card"`
	} `json:"expect"`
}

func manifest(t *testing.T) []manifestRow {
	f, err := os.Open(filepath.Join(sharedMail, "MANIFEST.jsonl"))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	var rows []manifestRow
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r manifestRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// everything is what a detector could see of a message: every header value
// and every leaf, decoded.
func everything(m *mail.Message) string {
	var b strings.Builder
	for _, p := range m.Parts() {
		if p.Header != nil {
			for _, f := range p.Header.Fields() {
				b.WriteString(f.Name + ": " + mail.DecodeWords(p.Header.Value(f)) + "\n")
			}
		}
		b.WriteString(p.Name + "\n")
		for _, v := range p.Params {
			b.WriteString(v + "\n")
		}
	}
	for _, p := range m.Leaves() {
		r, _ := p.Text()
		io.Copy(&b, r)
		b.WriteString("\n")
	}
	return b.String()
}

func flagged(m *mail.Message) bool {
	return slices.ContainsFunc(m.Unseen, func(u mail.Unseen) bool {
		return u.Reason == mail.Ambiguous || u.Reason == mail.Malformed
	})
}

func digits(s string) string {
	s = norm.NFKC.String(s)
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

func TestConformanceCorpus(t *testing.T) {
	rows := manifest(t)
	files, leafOK, leafAll, tokenOK, tokenAll, attOK, attAll := 0, 0, 0, 0, 0, 0, 0
	flags := map[string][2]int{}
	for _, r := range rows {
		if !strings.HasPrefix(r.File, "corpus/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(sharedMail, r.File))
		if err != nil {
			t.Fatal(err)
		}
		m := mail.Parse(mail.Bytes(data), mail.Limits{})
		checkTree(t, r.File, m)
		text := everything(m)
		files++
		n := flags[r.Kind]
		n[1]++
		if flagged(m) {
			n[0]++
			t.Logf("flagged %s %v", r.File, m.Unseen)
		}
		flags[r.Kind] = n
		if r.Expect.Leaves != nil && r.Expect.Agrees {
			leafAll++
			if n := leaves(m); n == *r.Expect.Leaves {
				leafOK++
			} else {
				t.Logf("leaves %s: %d, want %d", r.File, n, *r.Expect.Leaves)
			}
		}
		for i, token := range r.Expect.Tokens {
			if i < len(r.Expect.TokensAgree) && r.Expect.TokensAgree[i] {
				tokenAll++
				if strings.Contains(text, token) {
					tokenOK++
				} else {
					t.Logf("token %s: %q", r.File, token)
				}
			}
		}
		for _, name := range r.Expect.Attachments {
			attAll++
			if slices.ContainsFunc(m.Parts(), func(p *mail.Part) bool { return strings.EqualFold(p.Name, name) }) {
				attOK++
			} else {
				t.Logf("attachment %s: %q", r.File, name)
			}
		}
	}
	t.Logf("%d files; leaves %d of %d; tokens %d of %d; attachment names %d of %d",
		files, leafOK, leafAll, tokenOK, tokenAll, attOK, attAll)
	for kind, n := range flags {
		t.Logf("flagged %s: %d of %d", kind, n[0], n[1])
	}
	if leafOK*100 < leafAll*95 || tokenOK*100 < tokenAll*98 {
		t.Errorf("too few leaves or tokens found")
	}
}

// leaves counts as other parsers do.
func leaves(m *mail.Message) int {
	n := 0
	for _, p := range m.Leaves() {
		if !p.Hidden && !strings.Contains(p.Path, ".uu") {
			n++
		}
	}
	return n
}

func TestConformanceEvasions(t *testing.T) {
	type count struct{ caught, all int }
	groups := map[string]*count{}
	for _, r := range manifest(t) {
		if !strings.HasPrefix(r.File, "evasion/") {
			continue
		}
		name := strings.TrimPrefix(r.File, "evasion/")
		group, _, _ := strings.Cut(name, "-")
		data, err := os.ReadFile(filepath.Join(sharedMail, r.File))
		if err != nil {
			t.Fatal(err)
		}
		m := mail.Parse(mail.Bytes(data), mail.Limits{})
		checkTree(t, r.File, m)
		if r.Expect.Verdict != "detect" && r.Expect.Verdict != "detect_or_refuse" {
			continue
		}
		if groups[group] == nil {
			groups[group] = &count{}
		}
		groups[group].all++
		text := everything(m)
		found := strings.Contains(digits(text), r.Expect.Card) || strings.Contains(text, r.Expect.Card)
		said := len(m.Unseen) > 0 && r.Expect.Verdict == "detect_or_refuse"
		if found || said {
			groups[group].caught++
		} else if ours(group) {
			t.Logf("missed %s (%s) %v", r.File, r.Expect.Verdict, m.Unseen)
		}
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		g := groups[name]
		t.Logf("%s: %d of %d", name, g.caught, g.all)
		if ours(name) && g.caught < g.all {
			t.Errorf("%s: %d of %d evasions are neither readable nor noted", name, g.all-g.caught, g.all)
		}
	}
}

// ours are the groups that this package answers for; the others are opened
// by extraction.
func ours(group string) bool {
	return slices.Contains([]string{"mime", "cte", "charset", "header", "inline", "binhex"}, group)
}

func TestConformanceBenignMailIsNotFlagged(t *testing.T) {
	n := 0
	for _, r := range manifest(t) {
		if !strings.HasPrefix(r.File, "benign/") {
			continue
		}
		n++
		data, err := os.ReadFile(filepath.Join(sharedMail, r.File))
		if err != nil {
			t.Fatal(err)
		}
		m := mail.Parse(mail.Bytes(data), mail.Limits{})
		checkTree(t, r.File, m)
		if len(m.Unseen) > 0 {
			t.Errorf("%s: %v", r.File, m.Unseen)
		}
	}
	t.Logf("%d benign files", n)
}

// checkTree checks what holds for every message.
func checkTree(t *testing.T, name string, m *mail.Message) {
	t.Helper()
	var walk func(p *mail.Part)
	walk = func(p *mail.Part) {
		if p.Range.Start < 0 || p.Range.End > p.Body.Size() || p.Range.Start > p.Content.Start ||
			p.Content.Start > p.Content.End || p.Content.End > p.Range.End {
			t.Fatalf("%s: part %s: range %v, content %v, size %d", name, p.Path, p.Range, p.Content, p.Body.Size())
		}
		at := map[mail.Body]int64{}
		_ = at
		last := int64(-1)
		for i, c := range p.Children {
			if c.Parent != p {
				t.Fatalf("%s: part %s: parent", name, c.Path)
			}
			if i > 0 && sameBody(c.Body, p.Children[i-1].Body) && c.Range.Start < last {
				t.Fatalf("%s: part %s begins at %d before %d", name, c.Path, c.Range.Start, last)
			}
			if sameBody(c.Body, p.Body) && (c.Range.Start < p.Content.Start || c.Range.End > p.Content.End) {
				t.Fatalf("%s: part %s %v leaves its parent's %v", name, c.Path, c.Range, p.Content)
			}
			last = c.Range.End
			walk(c)
		}
	}
	walk(m.Root)
}

func sameBody(a, b mail.Body) bool {
	x, ok := a.(mail.Bytes)
	y, ok2 := b.(mail.Bytes)
	if ok && ok2 {
		return len(x) == len(y) && (len(x) == 0 || bytes.Equal(x[:1], y[:1]))
	}
	return !ok && !ok2 && a == b
}
