package policy

import "github.com/goccy/go-yaml/ast"

// Bounds of detectors that look for what a file describes.
const (
	maxFields = 32
	maxWindow = 2000 // octets, as the detector takes at most
)

// tableDetector reads a detector for the rows of a table.
func (l *loader) tableDetector(r *reader, n ast.Node, d *Detector) {
	m, ok := r.mapping(n, "table", keysOf("detector.table")...)
	if !ok {
		return
	}
	d.Table, d.Content = l.locate(m, "table")
	d.Fields, d.Window = m.number("fields", 1), m.number("window", 300)
	if d.Fields < 0 || d.Fields > maxFields {
		r.wrong(m.keys["fields"], "fields is from 0 to %d", maxFields)
	}
	if d.Window < 1 || d.Window > maxWindow {
		r.wrong(m.keys["window"], "window is from 1 to %d", maxWindow)
	}
}

// printDetector reads a detector for a document and parts of it.
func (l *loader) printDetector(r *reader, n ast.Node, d *Detector) {
	m, ok := r.mapping(n, "fingerprint", keysOf("detector.fingerprint")...)
	if !ok {
		return
	}
	d.Print, d.Content = l.locate(m, "fingerprint")
	d.Threshold = m.number("threshold", 30)
	if d.Threshold < 1 || d.Threshold > 100 {
		r.wrong(m.keys["threshold"], "threshold is from 1 to 100 percent")
	}
}

// locate finds a file that stays where it is, and what it holds.
func (l *loader) locate(m mapping, kind string) (path, content string) {
	name := m.needText("file", kind)
	if name == "" {
		return "", ""
	}
	if l.options.Locate == nil {
		m.r.wrong(m.keys["file"], "a %s cannot be used here", kind)
		return "", ""
	}
	path, content, err := l.options.Locate(kind, m.r.file, name)
	if err != nil {
		m.r.wrong(m.keys["file"], "the %s %q cannot be used: %v", kind, name, err)
	}
	return path, content
}
