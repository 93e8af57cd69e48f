package main

import (
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"postern.dev/postern/internal/notice"
)

func (p *program) noticesVerb() *cobra.Command {
	var lang string
	show := p.verb("show KIND", "Print a text as it was written", takes(1, 1, "the kind of a text"),
		func(_ *cobra.Command, args []string) error { return p.showNotice(args[0], lang) })
	show.Flags().StringVar(&lang, "language", notice.English, "the `language` of the text, e.g. de")
	return p.group("notices", "The texts of the mails that Postern writes",
		p.verb("list", "List the texts", takes(0, 0, ""), func(*cobra.Command, []string) error { return p.listNotices() }),
		show,
		p.verb("lint FILE", "Say what is wrong with a text: a file with kind, language, subject and text", takes(1, 1, "a file"),
			func(_ *cobra.Command, args []string) error { return p.lintNotice(args[0]) }),
	)
}

func (p *program) listNotices() error {
	var rows [][]cell
	for _, k := range notice.Kinds() {
		s, _, _ := notice.Default().Source(k)
		needs, others := notice.Variables(k)
		if p.json {
			err := p.document(map[string]any{"kind": k, "subject": s.Subject, "needs": needs, "may": others, "languages": notice.Default().Languages()})
			if err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []cell{{string(k), plain}, {s.Subject, plain}})
	}
	if !p.json {
		p.table([]string{"kind", "subject"}, rows)
	}
	return nil
}

func (p *program) showNotice(kind, lang string) error {
	s, found, ok := notice.Default().Source(notice.Kind(kind), lang)
	if !ok {
		var known []string
		for _, k := range notice.Kinds() {
			known = append(known, string(k))
		}
		return wrong("no text is called %q%s", kind, meant(kind, known))
	}
	if p.json {
		return p.document(map[string]string{"kind": kind, "language": found, "subject": s.Subject, "text": s.Text})
	}
	text, err := yaml.Marshal(ownText{kind, found, s.Subject, s.Text})
	if err == nil {
		p.line(strings.TrimSuffix(string(text), "\n"))
	}
	return err
}

// ownText is a text as a tenant writes it.
type ownText struct {
	Kind     string `yaml:"kind"`
	Language string `yaml:"language"`
	Subject  string `yaml:"subject"`
	Text     string `yaml:"text"`
}

func (p *program) lintNotice(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return wrong("%v", err)
	}
	var t ownText
	if err := yaml.UnmarshalWithOptions(data, &t, yaml.Strict()); err != nil {
		return wrong("%s: %v", path, err)
	}
	list := notice.Default().Lint(notice.Kind(t.Kind), t.Language, notice.Source{Subject: t.Subject, Text: t.Text})
	if p.json {
		if err := p.document(map[string]any{"file": path, "wrong": append([]string{}, list...)}); err != nil {
			return err
		}
	} else {
		for _, w := range list {
			p.line(path + ": " + w)
		}
	}
	if len(list) > 0 {
		return red("the text breaks a rule")
	}
	return nil
}
