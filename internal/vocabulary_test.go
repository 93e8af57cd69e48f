package house_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/policy"
)

const languagePage = "../docs/reference/policy-language.md"

// languageParts are the parts of the page that are made from the code.
func languageParts() map[string]string {
	var names, functions, typed, keys strings.Builder
	names.WriteString("| Name | Type | Meaning |\n|---|---|---|\n")
	for _, n := range policy.Names() {
		fmt.Fprintf(&names, "| `%s` | %s | %s |\n", n.Name, n.Type, cell(n.Means))
	}
	typed.WriteString("| Type | Field | Its type | Meaning |\n|---|---|---|---|\n")
	for _, t := range policy.ObjectTypes() {
		for i, f := range t.Fields {
			name := t.Name
			if i > 0 {
				name = ""
			}
			if t.Name == "recipient" && i == 0 {
				name = "recipient: as an address, and"
			}
			fmt.Fprintf(&typed, "| %s | `%s` | %s | %s |\n", name, f.Name, f.Type, cell(f.Means))
		}
	}
	functions.WriteString("| Function | Meaning | Example |\n|---|---|---|\n")
	for _, f := range policy.Functions() {
		fmt.Fprintf(&functions, "| `%s` | %s | `%s` |\n", f.Name, cell(f.Means), cell(f.Example))
	}
	for _, d := range policy.Documents() {
		fmt.Fprintf(&keys, "### kind: %s\n\n%s.\n\n| Key | Form | Meaning |\n|---|---|---|\n", d.Kind, strings.ToUpper(d.Means[:1])+d.Means[1:])
		keyRows(&keys, "", d.Keys, d.Kind == "defaults")
		keys.WriteString("\n")
	}
	keys.WriteString("### Parameters of actions\n\n| Action | Form | Meaning |\n|---|---|---|\n")
	for _, a := range policy.Actions() {
		keyRows(&keys, string(a)+".", policy.Parameters(a), false)
	}
	return map[string]string{"names": names.String(), "types": typed.String(), "functions": functions.String(), "keys": keys.String()}
}

// keyRows are the rows of a table of keys; shallow leaves out what is below
// the parameters of actions, which have a table of their own.
func keyRows(b *strings.Builder, before string, list []policy.Parameter, shallow bool) {
	for _, p := range list {
		form := string(p.Form)
		switch {
		case len(p.Words) > 0:
			form = "`" + strings.Join(p.Words, "`, `") + "`"
		case p.Short:
			form = "text, or map"
		}
		if p.Need {
			form += "; required"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", before, p.Key, form, cell(p.Means))
		action := slices.Contains(policy.Actions(), policy.Action(p.Key))
		if !shallow || !action {
			keyRows(b, before+p.Key+".", p.Keys, shallow)
		}
	}
}

func TestThePolicyLanguagePageSaysWhatTheCodeSays(t *testing.T) {
	text, err := os.ReadFile(languagePage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name, part := range languageParts() {
		section := regexp.MustCompile(`(?s)(<!-- begin: ` + name + `, made from the code -->\n).*?(<!-- end: ` + name + ` -->)`)
		if !section.MatchString(page) {
			t.Errorf("%s has no part %q", languagePage, name)
		}
		page = section.ReplaceAllStringFunc(page, func(old string) string {
			m := section.FindStringSubmatch(old)
			return m[1] + "\n" + strings.TrimSpace(part) + "\n\n" + m[2]
		})
	}
	switch {
	case page == string(text):
	case *update:
		if err := os.WriteFile(languagePage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the code says; run: go test ./internal/ -run PolicyLanguagePage -update\n%s", languagePage,
			firstDifference(string(text), page))
	}
}
