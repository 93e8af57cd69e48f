package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/settings"
)

// maxLine bounds one line of JSON on standard input.
const maxLine = 256 << 20

func (p *program) detectVerb() *cobra.Command {
	var lines bool
	var types, regions []string
	cmd := p.verb("detect [--jsonl] [--type T,...] [--region CC,...]", "Run the detectors over plain text on standard input",
		takes(0, 0, ""), nil)
	cmd.Long = "Reads one text, or with --jsonl one JSON object {\"id\",\"text\"} a line, and answers in the same order.\n" +
		"Offsets are bytes of the UTF-8 text, the end exclusive. 2: a line is no such object; the others are answered."
	cmd.Flags().BoolVar(&lines, "jsonl", false, "read and write one JSON object a line")
	cmd.Flags().StringSliceVar(&types, "type", nil, "only these types, e.g. CREDIT_CARD,IBAN")
	cmd.Flags().StringSliceVar(&regions, "region", nil, "countries whose national telephone numbers count, e.g. NL,BE")
	cmd.RunE = func(*cobra.Command, []string) error {
		detectors, err := chosen(types, regions)
		if err != nil {
			return err
		}
		if lines {
			return p.detectLines(detectors)
		}
		return p.detectText(detectors)
	}
	return cmd
}

// chosen makes the detectors of some types, or all, for some countries.
func chosen(types, regions []string) ([]detect.Detector, error) {
	var known []string
	byName := map[string]string{}
	for _, e := range look.Entries() {
		known = append(known, e.Type)
		byName[e.Type], byName[e.ID] = e.ID, e.ID
	}
	var c detect.Catalogue
	for _, r := range regions {
		if len(r) != 2 {
			return nil, wrong("--region: %q is no country; write two letters, e.g. NL", r)
		}
		c.Regions = append(c.Regions, strings.ToUpper(r))
	}
	for _, t := range types {
		id, ok := byName[t]
		if !ok {
			return nil, wrong("--type: no detector finds %q; %s", t, settings.Nearest(t, known))
		}
		c.Detectors = append(c.Detectors, id)
	}
	return look.Detectors(c), nil
}

// detected is the contract's form of a line of detect --jsonl. The id is what
// came, a string or anything else.
type detected struct {
	ID       json.RawMessage `json:"id,omitempty"`
	Findings []look.Place    `json:"findings"`
}

func (p *program) detectText(detectors []detect.Detector) error {
	text, err := io.ReadAll(p.in)
	if err != nil {
		return err
	}
	found := look.DetectText(string(text), detectors)
	if p.json {
		return p.document(detected{Findings: found})
	}
	var rows [][]cell
	for _, f := range found {
		rows = append(rows, []cell{
			{f.Type, plain}, {fmt.Sprint(f.Start), plain}, {fmt.Sprint(f.End), plain}, {f.Confidence.String(), plain},
		})
	}
	if len(rows) == 0 {
		p.say("nothing was found")
		return nil
	}
	p.table([]string{"type", "start", "end", "confidence"}, rows)
	return nil
}

// detectLines answers line by line. A line that is no object is told and
// skipped.
func (p *program) detectLines(detectors []detect.Detector) error {
	out := bufio.NewWriter(p.out)
	answers := json.NewEncoder(escaped{out})
	answers.SetEscapeHTML(false)
	bad, err := p.eachLine(func(line []byte) error {
		var ask struct {
			ID   json.RawMessage `json:"id"`
			Text *string         `json:"text"`
		}
		if err := json.Unmarshal(line, &ask); err != nil {
			return fmt.Errorf("no JSON object: %w", err)
		}
		if ask.Text == nil {
			return errors.New(`there is no "text"`)
		}
		return answers.Encode(detected{ask.ID, look.DetectText(*ask.Text, detectors)})
	}, out.Flush)
	return lineErrors(bad, errors.Join(err, out.Flush()), `one object a line, e.g. {"id":"1","text":"…"}`)
}

// eachLine calls do for every line that is not empty and counts those that
// do refuses; before it waits for more, it calls flush.
func (p *program) eachLine(do func([]byte) error, flush func() error) (bad int, err error) {
	in := bufio.NewReaderSize(p.in, 1<<20)
	for n := 1; ; n++ {
		if in.Buffered() == 0 {
			if err := flush(); err != nil {
				return bad, err
			}
		}
		line, end := readLine(in)
		if len(strings.TrimSpace(string(line))) > 0 {
			if err := do(line); err != nil {
				bad++
				p.note("line %d: %v", n, err)
			}
		}
		if errors.Is(end, io.EOF) {
			return bad, nil
		}
		if end != nil {
			return bad, end
		}
	}
}

var errLongLine = fmt.Errorf("a line is longer than %d MiB", maxLine>>20)

func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		line = append(line, piece...)
		if len(line) > maxLine {
			return nil, errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func lineErrors(bad int, err error, form string) error {
	switch {
	case err != nil:
		return err
	case bad > 0:
		return wrong("%s could not be read; write %s", many(bad, "line"), form)
	}
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
