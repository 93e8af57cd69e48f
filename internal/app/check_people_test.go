package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkedWith checks an installation with one tenant, a policy that asks for a
// group, a test of it, and a directory of these lines.
func checkedWith(t *testing.T, group, directory string) (list []Remark, folder string) {
	t.Helper()
	path := configFile(t, "hostname: gw.postern.example\napply: [tenants]\nsmtp: { listen: \"127.0.0.1:25\" }\n")
	folder = filepath.Dir(path)
	for name, text := range map[string]string{
		"contoso.yaml": "kind: tenant\nid: contoso\ndomains: [contoso.example]\n" +
			"directory: file:./contoso.directory\nsecret: [a-secret-of-sixteen-or-more]\nmark: [another-mark-of-sixteen]\n",
		"policy.yaml": "kind: policy\nid: sales-only\nmode: enforce\nwhen: sender.member(\"" + group + "\")\nthen: block\n" +
			"tests:\n  - { mail: a.eml, expect: block }\n",
		"a.eml":             "From: ann@contoso.example\r\nTo: bob@fabrikam.example\r\n\r\nx\r\n",
		"contoso.directory": directory,
	} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(folder, "tenants"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "tenants", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range Check(t.Context(), path, CheckOptions{InProcess: true, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}) {
		if r.Level != LevelNote && !strings.Contains(r.Place, "postern.yaml") {
			list = append(list, r)
		}
	}
	return list, folder
}

// peopleFile is a directory of contoso with these lines.
func peopleFile(lines ...string) string {
	return "{\"kind\":\"directory\",\"version\":1,\"tenant\":\"contoso\",\"generated\":\"2026-11-23T06:00:00Z\"}\n" +
		strings.Join(lines, "\n") + fmt.Sprintf("\n{\"kind\":\"end\",\"entries\":%d}\n", len(lines))
}

const (
	annLine   = `{"kind":"user","address":"ann@contoso.example"}`
	salesLine = `{"kind":"group","address":"sales@contoso.example","members":["ann@contoso.example"]}`
)

func TestCheckJudgesWithTheDirectoriesOfTheTenants(t *testing.T) {
	for _, tt := range []struct {
		name, group, directory string
		want                   string
	}{
		{"a group of the directory is known", "sales@contoso.example", peopleFile(annLine, salesLine), ""},
		{"a group that is not there", "sale@contoso.example", peopleFile(annLine, salesLine),
			`warning tenants/policy.yaml:2: sales-only asks for the group sale@contoso.example, which the directory of tenant ` +
				`contoso does not hold: nobody can know who is in it (did you mean "sales@contoso.example"?)`},
		{"no file", "sales@contoso.example", "",
			"mistake tenants/contoso.yaml:4:1: directory: tenants/contoso.directory: the file does not exist " +
				"(make one with: postern directory import)"},
		{"mistakes in the file", "sales@contoso.example",
			peopleFile(annLine, `{"kind":"user","adress":"x@contoso.example"}`, `{"kind":"user","address":"y@contoso.example","aliases":"z"}`),
			"mistake tenants/contoso.directory:3:1: there is no field \"adress\" (did you mean \"address\"?)\n" +
				"mistake tenants/contoso.directory:4:1: the field \"aliases\" is a string (it must be a list of texts)"},
		{"an old one", "sales@contoso.example", strings.Replace(peopleFile(annLine, salesLine), "2026-11-23", "2026-11-01", 1),
			"warning tenants/contoso.yaml:4:1: directory: what it says is of 2026-11-01T06:00:00Z, older than the 72h0m0s of " +
				"directory_stale (export it again: postern directory import)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, folder := checkedWith(t, tt.group, tt.directory)
			var lines []string
			for _, r := range list {
				if r.Level != LevelRed || tt.want == "" {
					lines = append(lines, fmt.Sprintf("%s %s: %s (%s)", r.Level, r.Place, r.Text, r.Suggestion))
				}
			}
			if got := strings.ReplaceAll(strings.Join(lines, "\n"), folder+"/", ""); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
