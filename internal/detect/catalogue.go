package detect

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Catalogue is what a tenant adds to the built-in detectors, as plain data:
// it travels to the process that looks.
type Catalogue struct {
	// Detectors names the built-in detectors to run; empty for all.
	Detectors []string `json:"detectors,omitempty" yaml:"detectors"`
	// Regions are the countries (ISO 3166) whose national telephone numbers
	// are known without a prefix.
	Regions []string `json:"regions,omitempty" yaml:"regions"`
	// Terms names the built-in lists of terms to look for.
	Terms        []string         `json:"terms,omitempty" yaml:"terms"`
	Dictionaries []Dictionary     `json:"dictionaries,omitempty" yaml:"dictionaries"`
	Patterns     []PatternRule    `json:"patterns,omitempty" yaml:"patterns"`
	Headers      []HeaderRule     `json:"headers,omitempty" yaml:"headers"`
	Attachments  []AttachmentRule `json:"attachments,omitempty" yaml:"attachments"`
	Properties   []PropertyRule   `json:"properties,omitempty" yaml:"properties"`
	Tables       []TableRule      `json:"tables,omitempty" yaml:"tables"`
	Prints       []PrintRule      `json:"prints,omitempty" yaml:"prints"`
	// Passwords are tried on encrypted attachments.
	Passwords []string `json:"passwords,omitempty" yaml:"passwords"`
	// BodyPasswords also tries words of the message that look like one.
	BodyPasswords bool `json:"body_passwords,omitempty" yaml:"body_passwords"`
	// Exceptions are values that are counted apart.
	Exceptions Exceptions `json:"exceptions,omitzero" yaml:"-"`
}

// Dictionary is a list of terms. Its findings have the type of its id:
// "project-names" finds PROJECT_NAMES.
type Dictionary struct {
	ID    string   `json:"id" yaml:"id"`
	Terms []string `json:"terms" yaml:"terms"`
	// Parts also finds a term inside a longer word; otherwise only whole
	// words count.
	Parts bool `json:"parts,omitempty" yaml:"parts"`
	// Exact distinguishes case and accents.
	Exact bool `json:"exact,omitempty" yaml:"exact"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// PatternRule finds what a regular expression matches in texts.
type PatternRule struct {
	ID string `json:"id" yaml:"id"`
	// Pattern is an RE2 expression; its first group, when it has one, is the
	// value. A match is not longer than MaxMatch bytes.
	Pattern string `json:"pattern" yaml:"pattern"`
	// Near are words of which one must stand within Window bytes; without
	// one a finding is low.
	Near   []string `json:"near,omitempty" yaml:"near"`
	Window int      `json:"window,omitempty" yaml:"window"`
	// Check is the type whose rules a value must keep, e.g. "NL_BSN".
	Check string `json:"check,omitempty" yaml:"check"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// Level is the confidence of what p finds.
func (p PatternRule) Level() Confidence { return p.Confidence.orHigh() }

// check returns the mistakes of p.
func (p PatternRule) check() error {
	if p.Pattern == "" || len(p.Pattern) > MaxPattern {
		return fmt.Errorf("pattern %q: the pattern is missing or longer than %d", p.ID, MaxPattern)
	}
	if p.Window < 0 || p.Window > Margin/2 {
		return fmt.Errorf("pattern %q: no window %d", p.ID, p.Window)
	}
	re, err := regexp.Compile(p.Pattern)
	if err == nil && re.MatchString("") {
		err = errors.New("it matches nothing at all")
	}
	if err != nil {
		return fmt.Errorf("pattern %q: %w", p.ID, err)
	}
	return nil
}

// HeaderRule finds a header field by its value.
type HeaderRule struct {
	ID string `json:"id" yaml:"id"`
	// Name is the field's name, without regard to case.
	Name string `json:"name" yaml:"name"`
	// Pattern is an RE2 expression searched in the unfolded, decoded value;
	// empty means that the field is there.
	Pattern string `json:"pattern,omitempty" yaml:"pattern"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// PropertyRule finds a document by what it says about itself: a custom
// property, a key of PDF's dictionary, a property of XMP.
type PropertyRule struct {
	ID string `json:"id" yaml:"id"`
	// Name is the property's name, without regard to case; it may have stars,
	// and may begin with where it stands ("custom:", "info:", "xmp:pdfx:").
	Name string `json:"name" yaml:"name"`
	// Pattern is an RE2 expression searched in the value; empty means that
	// the property is there.
	Pattern string `json:"pattern,omitempty" yaml:"pattern"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// TableRule finds the rows of a table that postern edm build made.
type TableRule struct {
	ID string `json:"id" yaml:"id"`
	// File is its absolute path, Content names what it holds.
	File    string `json:"file" yaml:"file"`
	Content string `json:"content,omitempty" yaml:"content"`
	// Fields is how many other fields of the row must stand within Window
	// octets.
	Fields int `json:"fields" yaml:"fields"`
	Window int `json:"window" yaml:"window"`
}

// PrintRule finds a document, or parts of it, by a fingerprint that postern
// fingerprint build made.
type PrintRule struct {
	ID string `json:"id" yaml:"id"`
	// File is its absolute path, Content names what it holds.
	File    string `json:"file" yaml:"file"`
	Content string `json:"content,omitempty" yaml:"content"`
	// Threshold is how much of the document must be there, in percent.
	Threshold int `json:"threshold" yaml:"threshold"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// AttachmentRule finds an attachment by what it is. All conditions that are
// given must hold.
type AttachmentRule struct {
	ID string `json:"id" yaml:"id"`
	// Names are patterns as of a shell ("*.exe"), without regard to case.
	Names []string `json:"names,omitempty" yaml:"names"`
	// Types are media types by content; "image/*" stands for all images.
	Types []string `json:"types,omitempty" yaml:"types"`
	// MinSize and MaxSize are octets without transfer encoding; 0 is no limit.
	MinSize int64 `json:"min_size,omitempty" yaml:"min_size"`
	MaxSize int64 `json:"max_size,omitempty" yaml:"max_size"`
	// Confidence is that of the findings; none is high.
	Confidence Confidence `json:"confidence,omitempty" yaml:"confidence"`
}

// Limits of one catalogue.
const (
	MaxTerms = 100_000
	MaxParts = 50_000 // of a dictionary that also finds parts of words
	MaxTerm  = 256
	// MaxPatterns is how many regular expressions meet a text, and MaxMatch
	// how long a match is in bytes.
	MaxPatterns = 50
	MaxMatch    = 1000
	MaxPattern  = 1024
)

// TypeOf is the finding type of a detector's id: "credit-card" finds
// CREDIT_CARD.
func TypeOf(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "_")) }

// IDOf is the id of a detector that finds a type.
func IDOf(kind string) string { return strings.ToLower(strings.ReplaceAll(kind, "_", "-")) }

// Level is the confidence of what d finds.
func (d Dictionary) Level() Confidence { return d.Confidence.orHigh() }

// Level is the confidence of what h finds.
func (h HeaderRule) Level() Confidence { return h.Confidence.orHigh() }

// Level is the confidence of what p finds.
func (p PropertyRule) Level() Confidence { return p.Confidence.orHigh() }

// Level is the confidence of what p finds.
func (p PrintRule) Level() Confidence { return p.Confidence.orHigh() }

// Level is the confidence of what a finds.
func (a AttachmentRule) Level() Confidence { return a.Confidence.orHigh() }

func (c Confidence) orHigh() Confidence {
	if c == 0 {
		return High
	}
	return c
}

// Check returns every mistake of c at once.
func (c Catalogue) Check() error {
	var all []error
	seen := map[string]bool{}
	id := func(what, id string) {
		if !validID(id) {
			all = append(all, fmt.Errorf("%s %q: an id has lower-case letters, digits and hyphens", what, id))
		} else if seen[id] {
			all = append(all, fmt.Errorf("%s %q: the id is used twice", what, id))
		}
		seen[id] = true
	}
	level := func(what, id string, c Confidence) {
		if !c.valid() {
			all = append(all, fmt.Errorf("%s %q: no confidence %d", what, id, c))
		}
	}
	for _, d := range c.Dictionaries {
		id("dictionary", d.ID)
		level("dictionary", d.ID, d.Level())
		all = append(all, d.check())
	}
	for _, p := range c.Patterns {
		id("pattern", p.ID)
		level("pattern", p.ID, p.Level())
		all = append(all, p.check())
	}
	if len(c.Patterns) > MaxPatterns {
		all = append(all, fmt.Errorf("more than %d patterns", MaxPatterns))
	}
	for _, h := range c.Headers {
		id("header", h.ID)
		level("header", h.ID, h.Level())
		if h.Name == "" {
			all = append(all, fmt.Errorf("header %q: name is missing", h.ID))
		}
		if len(h.Pattern) > MaxPattern {
			all = append(all, fmt.Errorf("header %q: the pattern is longer than %d", h.ID, MaxPattern))
		} else if _, err := regexp.Compile(h.Pattern); err != nil {
			all = append(all, fmt.Errorf("header %q: %w", h.ID, err))
		}
	}
	for _, p := range c.Properties {
		id("property", p.ID)
		level("property", p.ID, p.Level())
		if _, err := path.Match(strings.ToLower(p.Name), ""); err != nil || p.Name == "" {
			all = append(all, fmt.Errorf("property %q: name %q is missing or no pattern", p.ID, p.Name))
		}
		if len(p.Pattern) > MaxPattern {
			all = append(all, fmt.Errorf("property %q: the pattern is longer than %d", p.ID, MaxPattern))
		} else if _, err := regexp.Compile(p.Pattern); err != nil {
			all = append(all, fmt.Errorf("property %q: %w", p.ID, err))
		}
	}
	for _, t := range c.Tables {
		id("table", t.ID)
	}
	for _, p := range c.Prints {
		id("fingerprint", p.ID)
		level("fingerprint", p.ID, p.Level())
	}
	for _, a := range c.Attachments {
		id("attachment", a.ID)
		level("attachment", a.ID, a.Level())
		for _, n := range a.Names {
			if _, err := path.Match(strings.ToLower(n), ""); err != nil {
				all = append(all, fmt.Errorf("attachment %q: name %q: %w", a.ID, n, err))
			}
		}
		if len(a.Names)+len(a.Types) == 0 && a.MinSize == 0 && a.MaxSize == 0 {
			all = append(all, fmt.Errorf("attachment %q: it would find everything: give names, types or a size", a.ID))
		}
	}
	return errors.Join(all...)
}

func (d Dictionary) check() error {
	if len(d.Terms) == 0 {
		return fmt.Errorf("dictionary %q: no terms", d.ID)
	}
	if len(d.Terms) > MaxTerms {
		return fmt.Errorf("dictionary %q: more than %d terms", d.ID, MaxTerms)
	}
	if d.Parts && len(d.Terms) > MaxParts {
		return fmt.Errorf("dictionary %q: more than %d terms that are parts of words", d.ID, MaxParts)
	}
	for _, t := range d.Terms {
		if strings.TrimSpace(t) == "" || len(t) > MaxTerm {
			return fmt.Errorf("dictionary %q: term %q is empty or longer than %d bytes", d.ID, t, MaxTerm)
		}
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > 64 || id[0] == '-' {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Matches reports whether an attachment is what a describes.
func (a AttachmentRule) Matches(p PartInfo) bool {
	if len(a.Names) > 0 && !anyName(a.Names, p.Name) {
		return false
	}
	if len(a.Types) > 0 && !anyType(a.Types, p.Type) {
		return false
	}
	return p.Size >= a.MinSize && (a.MaxSize == 0 || p.Size <= a.MaxSize)
}

func anyName(patterns []string, name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "/", "_"))
	for _, p := range patterns {
		if ok, err := path.Match(strings.ToLower(p), name); ok && err == nil {
			return true
		}
	}
	return false
}

func anyType(types []string, kind string) bool {
	for _, t := range types {
		t = strings.ToLower(t)
		if prefix, wild := strings.CutSuffix(t, "/*"); t == kind || wild && strings.HasPrefix(kind, prefix+"/") {
			return true
		}
	}
	return false
}

// Wants reports whether the built-in detector with this id shall run.
func (c Catalogue) Wants(id string) bool {
	if len(c.Detectors) == 0 {
		return true
	}
	for _, d := range c.Detectors {
		if d == id {
			return true
		}
	}
	return false
}
