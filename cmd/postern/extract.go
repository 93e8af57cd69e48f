package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// extraction is the contract's form of extract --json.
type extraction struct {
	File  string      `json:"file"`
	Parts []look.Text `json:"parts"`
}

func (p *program) extractVerb() *cobra.Command {
	cmd := p.verb("extract FILE...", "Show the text and properties that the detectors see, part by part",
		takes(1, -1, "a file, mail or document; - is standard input"), nil)
	var passwords []string
	cmd.Flags().StringArrayVar(&passwords, "password", nil, "a password to try on encrypted files; may be given again")
	cmd.Long = "Reads mails (a file that begins with a header field) and documents. 1: something could not be read."
	cmd.RunE = func(_ *cobra.Command, files []string) error {
		lost := 0
		for _, name := range files {
			x, err := p.extract(name, passwords)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(x.Parts, func(t look.Text) bool { return t.Unseen != "" }) {
				lost++
			}
			if p.json {
				err = p.document(x)
			} else {
				p.extracted(x)
			}
			if err != nil {
				return err
			}
		}
		if lost > 0 {
			return red("in %s of %d something could not be read", many(lost, "file"), len(files))
		}
		return nil
	}
	return cmd
}

func (p *program) extract(name string, passwords []string) (extraction, error) {
	body, done, err := p.body(name)
	if err != nil {
		return extraction{}, err
	}
	defer done()
	head := make([]byte, min(body.Size(), 4096))
	if n, err := body.ReadAt(head, 0); err != nil && err != io.EOF {
		return extraction{}, fmt.Errorf("%s: %w", name, err)
	} else if head = head[:n]; isMail(head) {
		return extraction{name, look.Texts(mail.Parse(body, mail.Limits{}))}, nil
	}
	return extraction{name, look.FileText(filepath.Base(name), io.NewSectionReader(body, 0, body.Size()), passwords)}, nil
}

func (p *program) extracted(x extraction) {
	for _, t := range x.Parts {
		title := fmt.Sprintf("%s, %s %s (%s)", x.File, place(t.Part), t.Name, t.Type)
		if t.Unseen != "" {
			title += ": not wholly seen, " + string(t.Unseen)
		}
		p.line(p.paint(bold, oneLine(title)))
		for _, key := range sortedKeys(t.Properties) {
			p.line(oneLine("  " + key + ": " + t.Properties[key]))
		}
		p.line(printable(t.Text))
	}
}
