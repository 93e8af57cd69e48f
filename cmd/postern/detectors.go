package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/detect/secret"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/settings"
)

func (p *program) detectorsVerb() *cobra.Command {
	validate := p.verb("validate --jsonl", "Say of values whether they are valid instances of their types",
		takes(0, 0, ""), nil)
	var lines bool
	validate.Flags().BoolVar(&lines, "jsonl", false, `read {"type","value"} a line (the only form there is)`)
	validate.RunE = func(*cobra.Command, []string) error {
		if !lines {
			return wrong(`postern detectors validate reads JSON Lines; say so with --jsonl, e.g. {"type":"IBAN","value":"…"}`)
		}
		return p.validate()
	}
	return p.group("detectors", "The catalogue of built-in detectors",
		p.verb("list", "List the detectors", takes(0, 0, ""), func(*cobra.Command, []string) error {
			return p.listDetectors()
		}),
		p.verb("show ID", "Say what a detector finds and how sure it is when", takes(1, 1, "the id of a detector"),
			func(_ *cobra.Command, args []string) error { return p.showDetector(args[0]) }),
		validate,
	)
}

func (p *program) listDetectors() error {
	var rows [][]cell
	for _, e := range look.Entries() {
		if p.json {
			if err := p.document(e); err != nil {
				return err
			}
		}
		rows = append(rows, []cell{{e.ID, plain}, {e.Type, plain}, {e.Name, plain}})
	}
	if !p.json {
		p.table([]string{"id", "type", "name"}, rows)
	}
	return nil
}

func (p *program) showDetector(name string) error {
	var known []string
	for _, k := range dlp.Packs() {
		known = append(known, k.ID)
		if k.ID != name && k.Type != name {
			continue
		}
		if p.json {
			return p.document(struct {
				dlp.Pack
				How string `json:"how"`
			}{k, k.Description})
		}
		p.explain(k)
		return nil
	}
	for _, e := range secret.Entries() {
		known = append(known, e.ID)
		if e.ID != name && e.Type != name {
			continue
		}
		forms := secret.Forms(e.Type)
		if p.json {
			return p.document(struct {
				secret.Entry
				Forms []secret.Form `json:"forms"`
			}{e, forms})
		}
		p.say("%s (%s)\n%s\n\n%s", e.ID, e.Type, e.Name, e.How)
		var rows [][]cell
		for _, f := range forms {
			rows = append(rows, []cell{{f.Name, plain}, {strings.Join(f.Prefixes, " "), plain}, {f.From, plain}})
		}
		if len(rows) > 0 {
			p.say("")
			p.table([]string{"form", "begins", "source"}, rows)
		}
		return nil
	}
	return wrong("no detector is called %q; %s", name, settings.Nearest(name, known))
}

// explain prints what a pack says.
func (p *program) explain(k dlp.Pack) {
	p.say("%s (%s)\n%s\n\n%s", k.ID, k.Type, k.Name, k.Description)
	rows := [][]cell{
		{{"class", plain}, {string(k.Class) + ": " + k.Class.Meaning(), plain}},
		{{"regions", plain}, {strings.Join(k.Regions, " "), plain}},
	}
	add := func(name string, values []string) {
		for i, v := range values {
			if i > 0 {
				name = ""
			}
			rows = append(rows, []cell{{name, plain}, {v, plain}})
		}
	}
	var forms []string
	for _, f := range k.Forms {
		if f.Class != k.Class {
			f.Shape += "   (class " + string(f.Class) + ")"
		}
		forms = append(forms, f.Shape)
	}
	add("form", forms)
	if k.Check != "" {
		add("check", []string{k.Check})
	}
	for _, lang := range slices.Sorted(maps.Keys(k.Keywords)) {
		add("words "+lang, []string{strings.Join(k.Keywords[lang], ", ")})
	}
	if len(k.Beside) > 0 {
		add("beside", []string{strings.Join(k.Beside, ", ")})
	}
	if len(k.Negative) > 0 {
		add("against", []string{strings.Join(k.Negative, ", ")})
	}
	add("source", k.Sources)
	add("found", k.True)
	add("not found", k.False)
	p.say("")
	p.table([]string{"key", "value"}, rows)
}

// validation is the contract's form of an answer; Valid is null when there is
// no detector of the type.
type validation struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Valid *bool  `json:"valid"`
}

func (p *program) validate() error {
	out := bufio.NewWriter(p.out)
	answers := json.NewEncoder(escaped{out})
	answers.SetEscapeHTML(false)
	bad, err := p.eachLine(func(line []byte) error {
		var ask struct{ Type, Value *string }
		if err := json.Unmarshal(line, &ask); err != nil {
			return fmt.Errorf("no JSON object: %w", err)
		}
		if ask.Type == nil || ask.Value == nil {
			return errors.New(`"type" and "value" are needed`)
		}
		answer := validation{Type: *ask.Type, Value: *ask.Value}
		if valid, known := look.Validate(*ask.Type, *ask.Value); known {
			answer.Valid = &valid
		}
		return answers.Encode(answer)
	}, out.Flush)
	return lineErrors(bad, errors.Join(err, out.Flush()), `one object a line, e.g. {"type":"IBAN","value":"…"}`)
}
