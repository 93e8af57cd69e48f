package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// File is a policy file: its name for messages, and its content.
type File struct {
	Name string
	Data []byte
}

// Options are what Load needs to know of the house. The zero value is valid.
type Options struct {
	// Detectors are the types or ids of the detectors that exist, besides
	// the dictionaries and detectors of the files.
	// Default: the types of Types.
	Detectors []string
	// Checks are the types by whose rules a value can be checked.
	// Default: any name.
	Checks []string
	// Read reads the file of a dictionary; the name is as written there.
	// Default: a dictionary cannot name a file.
	Read func(policyFile, name string) ([]byte, error)
	// Locate finds the file of a table or a fingerprint, which stays where it
	// is: its absolute path, and a name for what it holds.
	// Default: neither can be used.
	Locate func(kind, policyFile, name string) (path, content string, err error)
	// Profiles are names that stand for several detectors.
	// Default: none.
	Profiles []Profile
	// Terms are the types of lists of terms that are looked for only where a
	// rule names them, each with a hash of what it is made of.
	// Default: none.
	Terms map[string]string
	// Actions are those that this installation can carry out; enforcing
	// another one is a mistake.
	// Default: all.
	Actions []Action
	// Protected names further header fields that a policy must not set.
	Protected []string
	// Missing are the parameters that this installation cannot carry out,
	// e.g. "hold.remind", with the reason; enforcing one is a mistake.
	// Default: none.
	Missing map[string]string
}

// place is where something stands: "file:line".
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// Rule is one policy of a set.
type Rule struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tenants     []string `json:"tenants,omitempty"`
	Mode        Mode     `json:"mode"`
	// Priority orders policies of the same action: the smaller comes first,
	// then the id in alphabetical order. Default: 100.
	Priority int    `json:"priority"`
	When     string `json:"when"`
	Unless   string `json:"unless,omitempty"`
	// Sender is whom the conditions mean by sender. Default: the envelope's.
	Sender Subject `json:"sender,omitempty"`
	// Branches are its exceptions, in their order.
	Branches []*Branch `json:"exceptions,omitempty"`
	Steps    []Step    `json:"then"`
	Tests    []Case    `json:"-"`
	// Place is "file:line".
	Place string `json:"-"`

	when, unless *condition
	perRecipient bool // some condition asks for the recipient
	given        given
}

const defaultPriority = 100

// Load reads the files into a set. The error is Mistakes: everything that is
// wrong, at once. Documents of kind tenant are left to others.
func Load(files []File, o Options) (*Set, error) {
	l := &loader{
		options: o,
		set:     &Set{lists: map[string]*List{}, calendars: map[string]*Calendar{}},
		seen:    map[string]place{},
	}
	for _, f := range files {
		r := &reader{file: f.Name}
		for _, doc := range r.documents(f.Data) {
			l.document(r, doc)
		}
		l.readers = append(l.readers, r)
	}
	l.finish()
	var all Mistakes
	for _, r := range l.readers {
		all = append(all, r.mistakes...)
	}
	if len(all) > 0 {
		return nil, all.sorted()
	}
	l.set.profiles = l.set.used(l.options.Profiles)
	l.set.terms = l.options.Terms
	l.set.seal()
	return l.set, nil
}

type loader struct {
	options Options
	set     *Set
	readers []*reader
	seen    map[string]place
	pending []pending  // policies whose conditions wait for all names
	include []included // lists that include others
	written []written
}

// written is a policy with its place.
type written struct {
	r         *reader
	doc, then ast.Node
	rule      *Rule
}

// pending is a policy whose conditions are compiled when all lists and
// detectors are known.
type pending struct {
	r      *reader
	node   ast.Node
	source string
	into   **condition
}

type included struct {
	r    *reader
	list *List
	at   []placed
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (l *loader) document(r *reader, doc ast.Node) {
	values, ok := pairs(doc)
	if !ok {
		r.wrong(doc, "a document must be a mapping that begins with kind: policy")
		return
	}
	kinds := documentKinds()
	for _, v := range values {
		if key, _ := text(v.Key); key != "kind" {
			continue
		}
		kind, _ := text(v.Value)
		switch kind {
		case "policy":
			l.policy(r, doc)
		case "list":
			l.list(r, doc)
		case "calendar":
			l.calendar(r, doc)
		case "defaults":
			l.defaults(r, doc)
		case "dictionary":
			l.dictionary(r, doc)
		case "detector":
			l.detector(r, doc)
		case "tenant":
		default:
			r.wrong(v.Value, "%q is not a kind of document%s", kind, didYouMean(kind, kinds))
		}
		return
	}
	r.wrong(doc, "a document needs its kind: policy, list, defaults, calendar, dictionary, detector or tenant")
}

// identify reads the id and checks that it is used once.
func (l *loader) identify(m mapping, kind string) (string, place) {
	id := m.needText("id", "a "+kind)
	at := place{m.r.file, line(m.node)}
	if id == "" {
		return "", at
	}
	at.line = line(m.at["id"])
	if len(id) > 64 || !idForm.MatchString(id) {
		m.r.wrong(m.keys["id"], "an id is lower-case words with hyphens, at most 64 characters, e.g. cards-leave")
		return id, at
	}
	name := kind + " " + id
	if kind == "dictionary" || kind == "detector" {
		name = "detector " + id // both are found under findings.<id>
	}
	if before, twice := l.seen[name]; twice {
		m.r.wrong(m.keys["id"], "the %s %q is defined already at %s", kind, id, before)
	}
	l.seen[name] = at
	return id, at
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

func (l *loader) policy(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "a policy", keysOf("policy")...)
	if !ok {
		return
	}
	rule := &Rule{Description: m.text("description"), Tenants: plain(m.texts("tenants"))}
	id, at := l.identify(m, "policy")
	rule.ID, rule.Name, rule.Place = id, m.text("name"), at.String()
	if rule.Name == "" {
		rule.Name = id
	}
	modes := modeWords()
	rule.Mode = Mode(m.text("mode"))
	if rule.Mode != "" && !contains(modes, string(rule.Mode)) {
		r.wrong(m.keys["mode"], "%q is not a mode (off, log, notify, override, enforce)%s", rule.Mode,
			didYouMean(string(rule.Mode), modes))
	}
	rule.Sender = Subject(m.word("sender", "whom a policy can mean by its sender", subjectWords()))
	rule.Priority = m.number("priority", defaultPriority)
	rule.When, rule.Unless = m.needText("when", "a policy"), m.text("unless")
	if !m.has("then") {
		r.wrong(doc, "a policy needs %q", "then")
	} else {
		rule.Steps = r.then(m.keys["then"])
	}
	rule.given = given{}
	rule.given.then(r, m.keys["then"])
	for _, key := range []string{"mode", "priority", "sender"} {
		rule.given.note(m, key)
	}
	l.written = append(l.written, written{r, doc, m.keys["then"], rule})
	rule.Tests = r.cases(m, at)
	l.set.rules = append(l.set.rules, rule)
	l.branches(r, m, rule)
	l.pending = append(l.pending, pending{r, m.keys["when"], rule.When, &rule.when},
		pending{r, m.keys["unless"], rule.Unless, &rule.unless})
}

// complete gives every policy what the defaults of the installation say, and
// checks it as it is for each tenant and group.
func (l *loader) complete() {
	for _, w := range l.written {
		w.rule.fill(l.set.defaultsFor("", nil))
		if _, said := w.rule.given["mode"]; w.rule.Mode == "" && !said {
			w.r.wrong(w.doc, "a policy needs %q, where no defaults for the whole installation say it", "mode")
		}
	}
	l.set.edit()
	for _, w := range l.written {
		told := map[string]bool{}
		for _, r := range l.set.every() {
			if r.ID != w.rule.ID || r.Place != w.rule.Place {
				continue
			}
			rules := []*Rule{r}
			for _, b := range r.Branches {
				rules = append(rules, r.branched(b))
			}
			for _, one := range rules {
				l.checkOnce(w, one, told)
			}
		}
	}
}

// checkOnce tells each mistake of a policy once, in however many editions.
func (l *loader) checkOnce(w written, rule *Rule, told map[string]bool) {
	probe := &reader{file: w.r.file, lines: w.r.lines}
	l.allowed(probe, w.then, rule)
	for i := range rule.Steps {
		if len(l.set.defaults) == 0 {
			break // told where it stands
		}
		if wrong := rule.Steps[i].fits(); wrong != "" {
			probe.wrong(w.then, "%s", wrong)
		}
	}
	for _, m := range probe.mistakes {
		if !told[m.Text] {
			told[m.Text] = true
			w.r.mistakes = append(w.r.mistakes, m)
		}
	}
}

// allowed refuses what this installation cannot do, and further protected
// names.
func (l *loader) allowed(r *reader, at ast.Node, rule *Rule) {
	for _, s := range rule.Steps {
		does := rule.Mode.Effective(s.Action)
		if l.options.Actions != nil && rule.Mode != ModeOff && !slices.Contains(l.options.Actions, does) {
			r.wrong(at, "this installation cannot carry out the action %q yet", does)
		}
		for _, what := range s.abilities() {
			if why := l.options.Missing[what]; why != "" && rule.Mode != ModeOff && (does == s.Action || does == Override) {
				r.wrong(at, "this installation cannot carry out %q yet: %s", what, why)
			}
		}
		for _, h := range s.Headers {
			if slices.ContainsFunc(l.options.Protected, func(p string) bool { return strings.EqualFold(p, h.Name) }) {
				r.wrong(at, "the header field %q is protected: a policy cannot set it", h.Name)
			}
		}
	}
}

func (l *loader) list(r *reader, doc ast.Node) {
	m, ok := r.mapping(doc, "a list", keysOf("list")...)
	if !ok {
		return
	}
	list := &List{Name: m.text("name")}
	list.ID, list.place = l.identify(m, "list")
	if zones()[list.ID] != nil {
		r.wrong(m.keys["id"], "the list %q comes with Postern: include it in one of your own", list.ID)
	}
	for _, p := range m.texts("members") {
		if wrong := list.add(p.text); wrong != "" {
			r.wrong(p.node, "%s", wrong)
		}
		list.Members = append(list.Members, p.text)
	}
	at := m.texts("include")
	list.Include = plain(at)
	if len(list.Members)+len(at) == 0 {
		r.wrong(doc, "the list has no members")
	}
	l.set.lists[list.ID] = list
	l.include = append(l.include, included{r, list, at})
}

// finish does what needs all documents: includes of lists and conditions.
func (l *loader) finish() {
	for _, i := range l.include {
		for _, p := range i.at {
			if l.listOf(p.text) == nil {
				i.r.wrong(p.node, "there is no list %q%s", p.text, didYouMean(p.text, append(keys(l.set.lists), keys(zones())...)))
			}
		}
	}
	l.expand()
	for _, r := range l.readers {
		for _, do := range r.later {
			do(l.set.calendars)
		}
	}
	l.complete()
	lang, err := newLanguage(l.set.lists, l.detectors())
	if err != nil {
		l.readers = append(l.readers, &reader{mistakes: Mistakes{{File: "policies", Text: err.Error()}}})
		return
	}
	lang.calendars = l.set.calendars
	l.set.language = lang
	for _, p := range l.pending {
		*p.into = p.r.condition(lang, p.node, p.source)
	}
	for _, r := range l.set.rules {
		r.compiled()
	}
}

// expand adds the members of included lists, transitively; a circle of lists
// is one list.
func (l *loader) expand() {
	for _, i := range l.include {
		done := map[string]bool{i.list.ID: true}
		todo := slices.Clone(i.list.Include)
		for len(todo) > 0 {
			id := todo[0]
			todo = todo[1:]
			if o := l.listOf(id); o != nil && !done[id] {
				done[id] = true
				i.list.take(o)
				todo = append(todo, o.Include...)
			}
		}
	}
}

// listOf is a list of the files, or one that comes with Postern.
func (l *loader) listOf(id string) *List {
	if own := l.set.lists[id]; own != nil {
		return own
	}
	return zones()[id]
}

// detectors are all names that may stand after "findings.".
func (l *loader) detectors() []string {
	list := l.options.Detectors
	if len(list) == 0 {
		list = Types()
	}
	names := make([]string, 0, len(list))
	for _, d := range list {
		names = append(names, celName(d))
	}
	for _, p := range l.options.Profiles {
		names = append(names, celName(p.ID))
	}
	for _, d := range l.set.dictionaries {
		names = append(names, celName(d.ID))
	}
	for _, d := range l.set.detectors {
		names = append(names, celName(d.ID))
	}
	return sortedUnique(names)
}

// condition compiles the text of a node; its flaws become mistakes of the
// file.
func (r *reader) condition(l *language, n ast.Node, source string) *condition {
	if n == nil || source == "" {
		return nil
	}
	c, flaws := l.compile(source)
	for _, f := range flaws {
		line, column := r.place(n, source, f.Line, f.Column)
		r.add(line, column, f.Text)
	}
	return c
}
