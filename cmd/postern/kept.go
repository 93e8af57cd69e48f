package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/detect/exact"
	"postern.dev/postern/internal/detect/fingerprint"
)

// edmVerb makes tables for exact data match.
func (p *program) edmVerb() *cobra.Command {
	var out, primary string
	var others []string
	build := p.verb("build CSV", "Make a table of salted hashes of a CSV file with headings",
		takes(1, 1, "a CSV file; - is standard input"), nil)
	build.Flags().StringVarP(&out, "out", "o", "", "the file to write (required)")
	build.Flags().StringVar(&primary, "primary", "", "the heading of the column that is searched in mail (required)")
	build.Flags().StringSliceVar(&others, "fields", nil, "headings of the columns that speak for a row; all others when left out")
	build.Long = "The table holds no cell, but whoever has it can test guesses: protect it as the data itself. " +
		"A policy file names it: kind: detector, table: { file: … }."
	build.RunE = func(_ *cobra.Command, args []string) error {
		if out == "" || primary == "" {
			return wrong("postern edm build needs --primary HEADING and -o FILE")
		}
		return p.buildTable(args[0], out, exact.Columns{Primary: primary, Others: others})
	}
	return p.group("edm", "Tables for exact data match", build)
}

func (p *program) buildTable(from, to string, c exact.Columns) error {
	in := p.in
	if from != "-" {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	var head exact.Head
	err := written(to, func(w io.Writer) (err error) {
		head, err = exact.Build(in, w, c)
		return err
	})
	if err != nil {
		return wrong("%s", strings.TrimPrefix(err.Error(), "exact: "))
	}
	if p.json {
		return p.document(head)
	}
	p.line(fmt.Sprintf("%s: %s, searched by %s, with %s", to, many(head.Rows, "row"), head.Primary, many(len(head.Others), "other field")))
	if head.Skipped > 0 {
		p.line(fmt.Sprintf("%s left out: the primary cell is empty, shorter than 3 or longer than 120 characters, or more than 5 words",
			many(head.Skipped, "row")))
	}
	return nil
}

// fingerprintVerb makes fingerprints of documents.
func (p *program) fingerprintVerb() *cobra.Command {
	var out string
	build := p.verb("build FILE", "Make the fingerprint of a document", takes(1, 1, "a document or text"), nil)
	build.Flags().StringVarP(&out, "out", "o", "", "the file to write (required)")
	build.Long = "Everything that postern extract shows of the document counts. The fingerprint holds hashes of five words in a row. " +
		"A policy file names it: kind: detector, fingerprint: { file: … }."
	build.RunE = func(_ *cobra.Command, args []string) error {
		if out == "" {
			return wrong("postern fingerprint build needs -o FILE")
		}
		return p.buildPrint(args[0], out)
	}
	return p.group("fingerprint", "Fingerprints of documents", build)
}

func (p *program) buildPrint(from, to string) error {
	x, err := p.extract(from, nil)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, t := range x.Parts {
		if t.Unseen != "" {
			return red("%s, %s %s: not wholly seen, %s: a fingerprint of the rest would not be one of the document",
				from, place(t.Part), t.Name, string(t.Unseen))
		}
		text.WriteString(t.Text + "\n")
	}
	print, err := fingerprint.Of(filepath.Base(from), strings.NewReader(text.String()))
	if err != nil {
		return wrong("%s: %s", from, strings.TrimPrefix(err.Error(), "fingerprint: "))
	}
	err = written(to, func(w io.Writer) error { return json.NewEncoder(w).Encode(print) })
	if err != nil {
		return err
	}
	if p.json {
		return p.document(map[string]any{"file": to, "name": print.Name, "hashes": len(print.Hashes), "id": print.ID()})
	}
	p.line(fmt.Sprintf("%s: %d hashes of %s", to, len(print.Hashes), print.Name))
	return nil
}

// written writes a file whole or not at all; a process that has the former
// one open keeps it.
func written(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".postern-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // when it was not renamed
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if done := f.Close(); err == nil {
		err = done
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}
