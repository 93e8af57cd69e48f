package policy

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// What a tenant looks for by itself: a column of terms, a pattern over texts.

// column reads the terms of one column of a CSV file: the one that the key
// names, of which the first row is the heading, or else the first of all.
// Semicolons and tabs separate as well as commas; empty cells are passed over.
func (l *loader) column(m mapping, d *Dictionary, data []byte) {
	name, n, heading := m.text("file"), m.keys["file"], strings.TrimSpace(m.text("column"))
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	rows := csv.NewReader(bytes.NewReader(data))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for _, sign := range []byte{';', '\t'} {
		if bytes.Count(first, []byte{sign}) > bytes.Count(first, []byte{','}) {
			rows.Comma = rune(sign)
		}
	}
	index := 0
	for at := 1; ; at++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			m.r.wrong(n, "the file %q is no CSV: %v", name, err)
			return
		}
		if at == 1 && heading != "" {
			index = slices.IndexFunc(row, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), heading) })
			if index < 0 {
				m.r.wrong(m.keys["column"], "the file %q has no column %q in its first row", name, heading)
				return
			}
			continue
		}
		if index >= len(row) || strings.TrimSpace(row[index]) == "" {
			continue
		}
		if wrong := d.add(strings.Clone(row[index])); wrong != "" {
			m.r.wrong(n, "%s, row %d: %s", name, at, wrong)
			return
		}
	}
	if len(d.Terms) == 0 {
		m.r.wrong(n, "the file %q holds no terms in that column", name)
	}
}

// textDetector reads a pattern over texts, the words that must stand near it,
// and the type whose rules a value must keep.
func (l *loader) textDetector(r *reader, n ast.Node, d *Detector) {
	m, ok := r.mapping(n, "text", keysOf("detector.text")...)
	if !ok {
		return
	}
	d.Text, d.Near, d.Check = m.needText("pattern", "text"), plain(m.texts("near")), m.text("check")
	r.pattern(m.keys["pattern"], d.Text)
	if m.has("pattern") && d.Text != "" && matchesNothing(d.Text) {
		r.wrong(m.keys["pattern"], "the pattern also matches nothing at all, so it would match everywhere")
	}
	d.Window = m.number("window", 300)
	if d.Window < 1 || d.Window > maxWindow {
		r.wrong(m.keys["window"], "window is from 1 to %d", maxWindow)
	}
	if len(d.Near) > maxNear {
		r.wrong(m.keys["near"], "a pattern has %d words nearby at most", maxNear)
	}
	for _, w := range d.Near {
		if len(w) > maxTerm {
			r.wrong(m.keys["near"], "a word is longer than 200 bytes")
		}
	}
	if checks := l.options.Checks; d.Check != "" && len(checks) > 0 && !contains(checks, strings.ToUpper(d.Check)) {
		r.wrong(m.keys["check"], "there is no check for %q%s", d.Check, didYouMean(strings.ToUpper(d.Check), checks))
	}
	patterns := 0
	for _, o := range l.set.detectors {
		if o.Text != "" {
			patterns++
		}
	}
	if patterns >= maxPatterns {
		r.wrong(n, "there are more than %d patterns over texts", maxPatterns)
	}
}

// matchesNothing reports whether a pattern matches the empty text.
func matchesNothing(pattern string) bool {
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString("")
}

// Limits of patterns over texts.
const (
	maxNear     = 200
	maxPatterns = 50 // as detect.MaxPatterns
)
