package tenant

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/settings"
)

func TestATenantWritesItsOwnTexts(t *testing.T) {
	const head = "kind: tenant\nid: contoso\ndomains: [contoso.example]\nsecret: [s-0123456789abcdef]\nmark: [m-0123456789abcdef]\n" +
		"return: { host: mx }\n"
	load := func(text string) (*Tenant, settings.Mistakes) {
		docs, wrong := settings.Split("t.yaml", []byte(head+text))
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		return build(docs[0], &Registry{published: NewPublished(), Offline: true})
	}
	x, wrong := load("notices:\n  languages: [de, nl]\n  time_zone: Europe/Berlin\n  texts:\n" +
		"    - { kind: not-sent, language: de, subject: Gestoppt, text: 'Es ging **nicht hinaus**: {finding}, {rule}, {list}. ref: {ref}' }\n")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	a := notice.About{Languages: x.Languages, Zone: x.Zone, Due: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}
	if got := x.Notices.Write(notice.NotSent, a).Subject; got != "Gestoppt" {
		t.Error(got)
	}
	if got := x.Notices.Write(notice.Waiting, a).Body; !strings.Contains(got, "1 Juli 2026 12:00 CEST") {
		t.Error(got)
	}
	for text, want := range map[string]string{
		"time_zone: Berlin":    `t.yaml:8:3: notices.time_zone: "Berlin" is no time zone`,
		"languages: [Deutsch]": `"Deutsch" is no language`,
		"texts: [{ kind: not-send, language: de, subject: a, text: b }]":                                `the text "not-send": there is no text "not-send"; did you mean "not-sent"?`,
		"texts: [{ kind: note, language: de, subject: a, text: 'It **was** {findings} {rule} {ref}' }]": `{findings} has no value in this text; did you mean "finding"?`,
		"texts: [{ kind: note, language: DE, subject: a, text: b }]":                                    `"DE" is no language`,
		"texts: [{ kind: note, language: de, subject: a, txt: b }]":                                     "txt",
	} {
		if _, wrong := load("notices:\n  " + text + "\n"); !strings.Contains(wrong.Error(), want) {
			t.Errorf("%s: %v, want %q", text, wrong, want)
		}
	}
	if x, wrong := load(""); len(wrong) > 0 || x.Notices == nil || x.Zone != time.UTC {
		t.Error(x, wrong)
	}
}
