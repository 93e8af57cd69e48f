package policy

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Set is every policy that is in force together. It does not change after
// Load and may be used by several goroutines.
type Set struct {
	rules        []*Rule
	lists        map[string]*List
	calendars    map[string]*Calendar
	dictionaries []Dictionary
	detectors    []Detector
	profiles     []Profile
	headers      []string
	groups       []string
	auth         []string
	version      string
	own          map[string]string
	terms        map[string]string
	language     *language // of the conditions
	plan         *plan
	defaults     []*Defaults
	editions     map[string][]*edition // by tenant; the first is for senders of no group
}

// Dictionary is a detector made of terms, handed on to those who look.
type Dictionary struct {
	ID    string   `json:"id"`
	Name  string   `json:"name,omitempty"`
	Terms []string `json:"terms"`
	// Confidence of a hit: high, medium (the default) or low.
	Confidence string `json:"confidence"`
	// CaseSensitive distinguishes upper and lower case.
	CaseSensitive bool `json:"case_sensitive,omitempty"`
	// Inside finds a term inside of longer words as well.
	Inside bool `json:"inside,omitempty"`
}

// Detector is a detector for header fields or attachments, handed on to those
// who look. All conditions that are given must hold.
type Detector struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	Confidence string `json:"confidence"`
	// Header and Pattern: the field whose value the regular expression
	// (RE2) matches; an empty pattern matches any value.
	Header  string `json:"header,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	// Property is the name of a property of documents, with stars; its value
	// is what Pattern matches.
	Property string `json:"property,omitempty"`
	// Text is a regular expression (RE2) over all texts. With Near, one of
	// these words must stand within Window octets, or else a finding is low.
	// Check is the type whose checksum a value must pass.
	Text  string   `json:"text,omitempty"`
	Near  []string `json:"near,omitempty"`
	Check string   `json:"check,omitempty"`
	// FileName and FileType are patterns with stars over the name and the
	// media type of an attachment; Larger is a size in octets.
	FileName []string `json:"file_name,omitempty"`
	FileType []string `json:"file_type,omitempty"`
	Larger   int64    `json:"larger,omitempty"`
	// Table is the absolute path of a table (postern edm build), Print that
	// of a fingerprint; Content names what it holds. Fields is how many other
	// fields of the row must stand within Window octets.
	Table   string `json:"table,omitempty"`
	Print   string `json:"print,omitempty"`
	Content string `json:"content,omitempty"`
	Fields  int    `json:"fields,omitempty"`
	Window  int    `json:"window,omitempty"`
	// Threshold is how much of a document must be there, in percent.
	Threshold int `json:"threshold,omitempty"`
}

// Type is the name of the type of a detector's findings, e.g. PROJECT_NAMES
// for project-names.
func (d Detector) Type() string { return typeName(d.ID) }

// Type is the name of the type of a dictionary's findings.
func (d Dictionary) Type() string { return typeName(d.ID) }

func typeName(id string) string { return strings.ToUpper(celName(id)) }

// Version is a hash over everything that can change a verdict: not over
// comments, places, descriptions or tests.
func (s *Set) Version() string {
	if s == nil {
		return ""
	}
	return s.version
}

// Rules lists the policies in the order of their priority.
func (s *Set) Rules() []Rule {
	if s == nil {
		return nil
	}
	list := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		list[i] = *r
	}
	return list
}

// Headers lists, in lower case, the header fields whose values Facts must
// hold for this set.
func (s *Set) Headers() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.headers)
}

// Groups lists the groups whose members the policies ask for, as they are
// compared.
func (s *Set) Groups() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.groups)
}

// Auth lists the fields of auth that the policies ask for; those that cost a
// question to the DNS are found out only then.
func (s *Set) Auth() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.auth)
}

// Lists lists the named sets of addresses, in the order of their ids.
func (s *Set) Lists() (lists []*List) {
	if s == nil {
		return nil
	}
	for _, id := range keys(s.lists) {
		lists = append(lists, s.lists[id])
	}
	return lists
}

// Dictionaries lists the detectors made of terms.
func (s *Set) Dictionaries() []Dictionary {
	if s == nil {
		return nil
	}
	return slices.Clone(s.dictionaries)
}

// Detectors lists the detectors for header fields and attachments.
func (s *Set) Detectors() []Detector {
	if s == nil {
		return nil
	}
	return slices.Clone(s.detectors)
}

// Undefined names the lists that conditions use while the set defines no list
// at all: they have no members, and somebody should be told. When there are
// lists, an unknown name is a mistake.
func (s *Set) Undefined() (names []string) {
	if s == nil {
		return nil
	}
	for _, r := range s.rules {
		for _, c := range r.conditions() {
			names = append(names, c.Undefined...)
		}
	}
	return sortedUnique(names)
}

// seal puts everything into its canonical order and computes the version.
func (s *Set) seal() {
	slices.SortFunc(s.rules, before)
	slices.SortFunc(s.dictionaries, func(a, b Dictionary) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.detectors, func(a, b Detector) int { return cmp.Compare(a.ID, b.ID) })
	s.zoned()
	s.plan = newPlan(s.rules)
	s.edit()
	for _, list := range s.editions {
		for _, e := range list {
			e.plan = newPlan(e.rules)
		}
	}
	for _, d := range s.defaults {
		if d.Group != "" {
			s.groups = append(s.groups, d.Group)
		}
	}
	for _, r := range s.rules {
		s.headers = append(s.headers, r.headers()...)
		for _, c := range r.conditions() {
			s.groups = append(s.groups, s.groupsOf(c)...)
			s.auth = append(s.auth, c.Auth...)
		}
	}
	s.headers = sortedUnique(s.headers)
	s.groups = sortedUnique(s.groups)
	s.auth = sortedUnique(s.auth)
	bare := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		bare[i] = *r
		bare[i].Description = ""
	}
	// Only plain data: it cannot fail.
	canonical, _ := json.Marshal(append([]any{Schema, bare, s.Lists(), s.dictionaries, s.detectors, s.profiles}, s.further()...))
	sum := sha256.Sum256(canonical)
	s.version = hex.EncodeToString(sum[:8])
	s.owned()
}

// further is what the version covers besides, where it is there.
func (s *Set) further() (list []any) {
	if len(s.calendars) > 0 {
		list = append(list, s.calendars)
	}
	if len(s.defaults) > 0 {
		list = append(list, s.defaults)
	}
	return list
}

// conditions are those of the rule.
func (r *Rule) conditions() (list []*condition) {
	all := []*condition{r.when, r.unless}
	for _, b := range r.Branches {
		all = append(all, b.when)
	}
	for _, c := range all {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}

// compiled notes what the conditions ask for.
func (r *Rule) compiled() {
	r.perRecipient = slices.ContainsFunc(r.conditions(), func(c *condition) bool { return c.PerRecipient })
}

// headers are the fields that Facts must hold for this rule.
func (r *Rule) headers() (names []string) {
	for _, c := range r.conditions() {
		names = append(names, c.Headers...)
	}
	steps := slices.Clone(r.Steps)
	for _, b := range r.Branches {
		steps = append(steps, b.Steps...)
	}
	for _, s := range steps {
		for _, h := range s.Headers {
			names = append(names, strings.ToLower(h.Name))
		}
	}
	return names
}

// Limits of a dictionary.
const (
	maxTerms = 100_000 // as detect.MaxTerms
	maxParts = 50_000  // as detect.MaxParts
	maxTerm  = 200
)

func (l *loader) dictionary(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "a dictionary", keysOf("dictionary")...)
	if !ok {
		return
	}
	d := Dictionary{Name: m.text("name"), CaseSensitive: m.flag("case_sensitive"), Inside: m.flag("inside")}
	d.ID, _ = l.identify(m, "dictionary")
	d.Confidence = m.confidence()
	for _, p := range m.texts("terms") {
		if wrong := d.add(p.text); wrong != "" {
			r.wrong(p.node, "%s", wrong)
		}
	}
	if m.has("file") {
		l.terms(m, &d)
	}
	if m.has("column") && !m.has("file") {
		r.wrong(m.keys["column"], "a column belongs to a file in CSV")
	}
	if len(d.Terms) == 0 && !m.has("file") {
		r.wrong(doc, "the dictionary has no terms")
	}
	if d.Inside && len(d.Terms) > maxParts {
		r.wrong(doc, "a dictionary that finds terms inside longer words has 50,000 at most")
	}
	l.set.dictionaries = append(l.set.dictionaries, d)
}

func (d *Dictionary) add(term string) string {
	term = strings.TrimSpace(term)
	switch {
	case term == "":
		return "a term is empty"
	case len(term) > maxTerm:
		return "a term is longer than 200 bytes"
	case len(d.Terms) >= maxTerms:
		return "a dictionary has 100,000 terms at most"
	}
	d.Terms = append(d.Terms, term)
	return ""
}

// terms reads a file with one term a line; lines that begin with # are
// comments.
func (l *loader) terms(m mapping, d *Dictionary) {
	name, n := m.text("file"), m.keys["file"]
	if l.options.Read == nil {
		m.r.wrong(n, "a dictionary cannot name a file here; write the terms out")
		return
	}
	data, err := l.options.Read(m.r.file, name)
	if err != nil {
		m.r.wrong(n, "the file %q cannot be read: %v", name, err)
		return
	}
	if m.has("column") || strings.EqualFold(path.Ext(name), ".csv") {
		l.column(m, d, data)
		return
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for at := 1; lines.Scan(); at++ {
		term := strings.TrimSpace(lines.Text())
		if term == "" || strings.HasPrefix(term, "#") {
			continue
		}
		if wrong := d.add(term); wrong != "" {
			m.r.wrong(n, "%s, line %d: %s", name, at, wrong)
			return
		}
	}
	if lines.Err() != nil || len(d.Terms) == 0 {
		m.r.wrong(n, "the file %q holds no terms, one a line", name)
	}
}

func (m mapping) confidence() string {
	if !m.has("confidence") {
		return "medium"
	}
	c := m.text("confidence")
	if levels := confidenceWords(); !contains(levels, c) {
		m.r.wrong(m.keys["confidence"], "%q is not a confidence (high, medium, low)%s", c, didYouMean(c, levels))
	}
	return c
}

func (l *loader) detector(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "a detector", keysOf("detector")...)
	if !ok {
		return
	}
	d := Detector{Name: m.text("name"), Confidence: "high"}
	d.ID, _ = l.identify(m, "detector")
	if m.has("confidence") {
		d.Confidence = m.confidence()
	}
	kinds := 0
	for _, k := range []string{"header", "property", "attachment", "table", "fingerprint", "text"} {
		if m.has(k) {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		r.wrong(doc, "a detector needs one of header, property, text, attachment, table and fingerprint")
	case m.has("header"):
		r.headerDetector(m.keys["header"], &d)
	case m.has("property"):
		r.propertyDetector(m.keys["property"], &d)
	case m.has("text"):
		l.textDetector(r, m.keys["text"], &d)
	case m.has("table"):
		l.tableDetector(r, m.keys["table"], &d)
	case m.has("fingerprint"):
		l.printDetector(r, m.keys["fingerprint"], &d)
	default:
		r.fileDetector(m.keys["attachment"], &d)
	}
	l.set.detectors = append(l.set.detectors, d)
}

func (r *reader) headerDetector(n ast.Node, d *Detector) {
	h, ok := r.mapping(n, "header", keysOf("detector.header")...)
	if !ok {
		return
	}
	d.Header, d.Pattern = h.needText("name", "header"), h.text("pattern")
	if d.Header != "" && !fieldName(d.Header) {
		r.wrong(h.keys["name"], "%q is not the name of a header field", d.Header)
	}
	if secretHeader(d.Header) {
		r.wrong(h.keys["name"], "the header field %q carries a secret: a detector cannot look at it", d.Header)
	}
	r.pattern(h.keys["pattern"], d.Pattern)
}

// pattern checks a regular expression.
func (r *reader) pattern(at ast.Node, pattern string) {
	if len(pattern) > 1000 {
		r.wrong(at, "the pattern is longer than 1000 bytes")
	} else if _, err := regexp.Compile(pattern); err != nil {
		r.wrong(at, "the pattern is not a regular expression: %v", err)
	}
}

func (r *reader) propertyDetector(n ast.Node, d *Detector) {
	p, ok := r.mapping(n, "property", keysOf("detector.property")...)
	if !ok {
		return
	}
	d.Property, d.Pattern = p.needText("name", "property"), p.text("pattern")
	if _, err := path.Match(d.Property, ""); err != nil {
		r.wrong(p.keys["name"], "%q is not a name with stars: %v", d.Property, err)
	}
	r.pattern(p.keys["pattern"], d.Pattern)
}

func (r *reader) fileDetector(n ast.Node, d *Detector) {
	a, ok := r.mapping(n, "attachment", keysOf("detector.attachment")...)
	if !ok {
		return
	}
	d.FileName, d.FileType, d.Larger = plain(a.texts("name")), plain(a.texts("type")), a.bytes("larger")
	if len(d.FileName)+len(d.FileType) == 0 && d.Larger == 0 {
		r.wrong(n, "attachment needs a name, a type or a size")
	}
}
