package house_test

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/pack"
	"postern.dev/postern/internal/policy"
)

// packsPage is a section per pack: what it finds, does and costs, its policies
// as they are written, and its tests.
func packsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# Policy packs

Ready policies with their tests. ` + "`postern packs policy ID -o DIR`" + ` writes ` + "`ID.yaml`" + ` and ` + "`ID.txtar`" + `,
ordinary files that need Postern's copy no more; ` + "`--mode`" + ` and ` + "`--set name=value`" + ` choose. How to begin:
[start with watching](../how-to/start-with-watching.md). A profile of a [country](detectors.md#profiles) (gdpr-at and so
on) has a pack like that of gdpr, which is not shown here.

The tests of each pack run with Postern's own tests, through looking and deciding, and are judged by what they notice: a
change of a threshold, a condition, an exception or an action turns at least 84 % of the time one of them red.

`)
	for _, p := range pack.All() {
		if strings.HasPrefix(p.ID, "gdpr-") && p.ID != "gdpr-special-categories" {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n\n| | |\n|---|---|\n| Finds | %s |\n| Does | %s |\n| Costs | %s |\n",
			p.ID, plain(p.Name), plain(p.Finds), plain(p.Does), plain(p.Costs))
		for _, s := range p.Settings {
			fmt.Fprintf(&b, "| Setting `%s` | %s. By default `%s` |\n", s.Name, plain(s.Means), plain(s.Value))
		}
		files, err := p.Write(pack.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n```yaml\n%s```\n\n%s", bare(string(files[0].Data)), casesOf(t, p.ID, files[1].Data))
	}
	return b.String()
}

// bare leaves out the comment on top.
func bare(text string) string {
	for strings.HasPrefix(text, "#") || strings.HasPrefix(text, "\n") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimRight(text, "\n") + "\n"
}

func casesOf(t *testing.T, id string, archive []byte) string {
	cases, err := policy.ReadArchive(id+".txtar", archive)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][2]int{}
	var order []string
	for _, c := range cases {
		n, seen := found[c.Policy]
		if !seen {
			order = append(order, c.Policy)
		}
		quiet := c.Expect == string(policy.Deliver)
		if quiet {
			n[1]++
		} else {
			n[0]++
		}
		found[c.Policy] = n
	}
	var words []string
	for _, p := range order {
		words = append(words, fmt.Sprintf("`%s`: %d that match, %d that do not", p, found[p][0], found[p][1]))
	}
	return "Tests: " + strings.Join(words, "; ") + ".\n\n"
}
