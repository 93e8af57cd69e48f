package dlp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/packs"
)

// Class says how much an identifier says for itself.
type Class string

// The classes.
const (
	// ClassA is high alone: nothing else looks like it.
	ClassA Class = "A"
	// ClassB is medium alone, high with a keyword.
	ClassB Class = "B"
	// ClassC is low alone; a keyword makes it medium or high.
	ClassC Class = "C"
	// ClassD counts only with a keyword within 40 characters, or beside
	// another identifier.
	ClassD Class = "D"
)

// Form is one way in which an identifier is written.
type Form struct {
	// Shape is in the small language of shape.go; empty when a scanner of
	// our own reads the identifier.
	Shape string `json:"form"`
	// Class is that of this form.
	Class Class `json:"class"`
	// Check names the validator of this form when it is not the pack's;
	// "none" for no check.
	Check string `json:"check,omitempty"`

	elements []element
}

// Pack describes a detector: one file of packs/detectors.
type Pack struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Name is what an administrator calls it.
	Name string `json:"name"`
	// Description says what it is and what makes it recognizable.
	Description string `json:"description"`
	// Regions are ISO 3166 codes, "EU", or "*" for everywhere.
	Regions []string `json:"regions"`
	// Category groups packs for people: see categories.
	Category string `json:"category"`
	// Sources are the standards and the pages of authorities that give the rule.
	Sources []string `json:"sources"`
	// Class is that of the forms that have none of their own.
	Class Class  `json:"class"`
	Forms []Form `json:"forms,omitempty"`
	// Scanner names the scanner in Go that reads it instead of forms.
	Scanner string `json:"scanner,omitempty"`
	// Check names the validator; empty when there is no checksum.
	Check string `json:"check,omitempty"`
	// Capitals means that small letters are not accepted.
	Capitals bool `json:"capitals,omitempty"`
	// Beside are types whose finding within 40 characters is as good as a
	// keyword.
	Beside []string `json:"beside,omitempty"`
	// Reject are values that are never reported: dummies of the authority.
	Reject []string `json:"reject,omitempty"`
	// Keywords are words that speak for it, by language (ISO 639-1); "any"
	// for abbreviations.
	Keywords map[string][]string `json:"keywords,omitempty"`
	// Negative are words just before it that speak against it.
	Negative []string `json:"negative,omitempty"`
	// True, Low and False are samples that the tests run: found at medium
	// or high confidence, found at low, and not found above low.
	True  []string `json:"true"`
	Low   []string `json:"low,omitempty"`
	False []string `json:"false"`

	file string
}

// noCheck is the check of a form that has none though its pack has one.
const noCheck = "none"

// checkName is the validator of a form; "" for none.
func (p *Pack) checkName(f Form) string {
	switch f.Check {
	case "":
		return p.Check
	case noCheck:
		return ""
	}
	return f.Check
}

// categories in the order in which they are shown.
var categories = []string{
	"banking", "national-id", "tax", "health", "driving", "passport", "vehicle", "company", "contact", "network", "other",
}

// loadPacks reads the built-in packs. A mistake in one is a bug, which the
// tests find before anybody else.
func loadPacks() ([]Pack, error) {
	var list []Pack
	var bad []error
	ids, kinds := map[string]bool{}, map[string]bool{}
	for _, f := range packs.Detectors() {
		p, err := readPack(f.Name, string(f.Data))
		if err != nil {
			bad = append(bad, fmt.Errorf("packs/%s: %w", f.Name, err))
			continue
		}
		if ids[p.ID] || kinds[p.Type] {
			bad = append(bad, fmt.Errorf("packs/%s: id or type is used twice", f.Name))
		}
		ids[p.ID], kinds[p.Type] = true, true
		list = append(list, p)
	}
	return list, errors.Join(bad...)
}

// readPack reads and checks one file.
func readPack(name, text string) (Pack, error) {
	n, err := readFile(text)
	if err != nil {
		return Pack{}, err
	}
	d := &packReader{}
	p := d.pack(n)
	p.file = name
	d.bad = append(d.bad, p.check()...)
	return p, errors.Join(d.bad...)
}

// packReader turns nodes into a Pack and keeps every mistake.
type packReader struct{ bad []error }

func (d *packReader) wrong(n node, format string, a ...any) {
	d.bad = append(d.bad, fmt.Errorf("line %d: %s", n.line, fmt.Sprintf(format, a...)))
}

func (d *packReader) pack(n node) Pack {
	p := Pack{
		ID: d.text(n.get("id")), Type: d.text(n.get("type")), Name: d.text(n.get("name")),
		Description: d.text(n.get("description")), Regions: d.texts(n.get("regions")), Category: d.text(n.get("category")),
		Sources: d.texts(n.get("sources")), Class: Class(d.text(n.get("class"))), Scanner: d.text(n.get("scanner")),
		Check: d.text(n.get("check")), Capitals: d.text(n.get("capitals")) == "true", Beside: d.texts(n.get("beside")),
		Reject: d.texts(n.get("reject")), Keywords: map[string][]string{}, Negative: d.texts(n.get("negative")),
	}
	if p.Type == "" {
		p.Type = detect.TypeOf(p.ID)
	}
	for _, f := range n.get("forms").list {
		p.Forms = append(p.Forms, d.formOf(f, p.Class))
	}
	words := n.get("keywords")
	for i, lang := range words.keys {
		p.Keywords[lang] = d.texts(words.list[i])
	}
	samples := n.get("samples")
	p.True, p.Low, p.False = d.texts(samples.get("true")), d.texts(samples.get("low")), d.texts(samples.get("false"))
	d.known(n, "id", "type", "name", "description", "regions", "category", "sources", "class", "scanner", "check",
		"capitals", "beside", "reject", "keywords", "negative", "forms", "samples")
	d.known(samples, "true", "low", "false")
	return p
}

func (d *packReader) formOf(n node, class Class) Form {
	f := Form{Shape: n.text, Class: class}
	if n.form == 'm' {
		d.known(n, "form", "class", "check")
		f.Shape = d.text(n.get("form"))
		if own := d.text(n.get("class")); own != "" {
			f.Class = Class(own)
		}
		f.Check = d.text(n.get("check"))
	}
	elements, err := parseShape(f.Shape)
	if err != nil {
		d.wrong(n, "%v", err)
	}
	f.elements = elements
	if !f.Class.known() {
		d.wrong(n, "class %q is none of A, B, C, D", f.Class)
	}
	return f
}

func (d *packReader) text(n node) string {
	if n.form != 0 && n.form != 's' {
		d.wrong(n, "one value is expected")
	}
	return n.text
}

func (d *packReader) texts(n node) []string {
	if n.form == 0 {
		return nil
	}
	if n.form != 'l' {
		d.wrong(n, "a list is expected")
	}
	var list []string
	for _, item := range n.list {
		list = append(list, d.text(item))
	}
	return list
}

func (d *packReader) known(n node, names ...string) {
	for i, k := range n.keys {
		if !slices.Contains(names, k) {
			d.wrong(n.list[i], "the key %q is not known", k)
		}
	}
}

// languages are those of the keywords, in order.
func (p *Pack) languages() []string { return slices.Sorted(maps.Keys(p.Keywords)) }

// Meaning says what the class is, for people.
func (c Class) Meaning() string {
	switch c {
	case ClassA:
		return "high alone"
	case ClassB:
		return "medium alone, high with a keyword"
	case ClassC:
		return "low alone, more with a keyword"
	}
	return "only with a keyword or another identifier beside it"
}

func (c Class) known() bool { return c == ClassA || c == ClassB || c == ClassC || c == ClassD }

// check returns every mistake of p.
func (p *Pack) check() (bad []error) {
	wrong := func(format string, a ...any) { bad = append(bad, fmt.Errorf(format, a...)) }
	if p.ID == "" || p.file != "" && p.file != "detectors/"+p.ID+".yaml" {
		wrong("the id %q is not the name of the file", p.ID)
	}
	if detect.IDOf(p.Type) != p.ID {
		wrong("the type of %q is %s, not %s", p.ID, detect.TypeOf(p.ID), p.Type)
	}
	if p.Name == "" || p.Description == "" || len(p.Sources) == 0 || len(p.Regions) == 0 {
		wrong("name, description, regions and sources are needed")
	}
	if !slices.Contains(categories, p.Category) {
		wrong("category %q is none of %s", p.Category, strings.Join(categories, ", "))
	}
	if !p.Class.known() {
		wrong("class %q is none of A, B, C, D", p.Class)
	}
	if (len(p.Forms) == 0) == (p.Scanner == "") {
		wrong("forms or a scanner are needed, and not both")
	}
	if p.Check != "" && checkOf(p.Check) == nil {
		wrong("there is no check %q", p.Check)
	}
	for _, f := range p.Forms {
		if name := p.checkName(f); name != "" && checkOf(name) == nil {
			wrong("there is no check %q", name)
		}
		if f.Class == ClassD && len(p.Keywords)+len(p.Beside) == 0 {
			wrong("a form of class D needs keywords or types beside it")
		}
	}
	for _, list := range p.Keywords {
		for _, w := range list {
			if w == "" || len(w) > maxWord {
				wrong("keyword %q is empty or longer than %d octets", w, maxWord)
			}
		}
	}
	if len(p.True)+len(p.Low) == 0 || len(p.False) == 0 {
		wrong("true and false samples are needed")
	}
	return bad
}
