package house_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/internal/spool"
)

// The pages of docs/reference that say so in their first line are made from
// the code, here. `go test ./internal/ -run GeneratedPages -update` writes
// them anew.

var update = flag.Bool("update", false, "write the generated pages of docs/reference")

const generated = "<!-- Made from the code by internal/docs_test.go; do not edit. -->\n\n"

func TestGeneratedPagesAreThoseOfTheCode(t *testing.T) {
	pages := map[string]func(*testing.T) string{
		"problems":     problemsPage,
		"states":       statesPage,
		"config":       configPage,
		"metrics":      metricsPage,
		"replies":      repliesPage,
		"cli":          cliPage,
		"detectors":    detectorsPage,
		"stories":      storiesPage,
		"limits":       limitsPage,
		"policy-packs": packsPage,
		"notices":      noticesPage,
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			path := "../docs/reference/" + name + ".md"
			want := generated + strings.TrimSpace(page(t)) + "\n"
			if *update {
				if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("%s is not what the code says; run: go test ./internal/ -run GeneratedPages -update\n%s",
					path, firstDifference(string(got), want))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return fmt.Sprintf("line %d:\n  page: %s\n  code: %s", i+1, a, b)
		}
	}
	return ""
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

// plain is a cell whose text holds nothing that Markdown could obey.
func plain(s string) string { return strings.ReplaceAll(cell(s), "<", "\\<") }

func problemsPage(*testing.T) string {
	var b strings.Builder
	b.WriteString(`# Problems

Everything that an operator can act on has a code. The code stands in the log line (` + "`code=P301`" + `), in the record of the
message, and here. A code is never used again for something else.

`)
	areas := []struct{ from, to, name string }{
		{"P100", "P199", "Whose mail it is"}, {"P200", "P299", "Front door"}, {"P300", "P399", "Back door"},
		{"P400", "P419", "Database and disk"}, {"P420", "P499", "Custody and tasks"}, {"P500", "P599", "Looking"},
		{"P600", "P699", "Policies"}, {"P700", "P799", "The way of a message"}, {"P800", "P899", "Audit"},
		{"P900", "P999", "The installation"},
	}
	for _, area := range areas {
		var rows []string
		for _, p := range problem.Catalogue() {
			if string(p.Code) >= area.from && string(p.Code) <= area.to {
				rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |", p.Code, plain(p.Title), plain(p.Impact), plain(p.Action)))
			}
		}
		if len(rows) == 0 {
			continue
		}
		sort.Strings(rows)
		fmt.Fprintf(&b, "## %s\n\n| Code | What is wrong | What it does to mail | What to do |\n|---|---|---|---|\n%s\n\n",
			area.name, strings.Join(rows, "\n"))
	}
	return b.String()
}

func statesPage(*testing.T) string {
	var b strings.Builder
	b.WriteString(`# States of a message in custody

A message that was cut through (handed back while the client waited) was never ours and has no state. A message in custody
is in exactly one of these, and leaves it only by a row of this table (` + "`internal/spool/state.go`" + `).

` + "```mermaid\nstateDiagram-v2\n    [*] --> accepted: 250 was said\n")
	for _, m := range spool.Transitions() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", m.From, m.To, m.On)
	}
	b.WriteString("    done --> [*]\n```\n\n| From | On | To | Why |\n|---|---|---|---|\n")
	for _, m := range spool.Transitions() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.From, m.On, m.To, cell(m.Why))
	}
	b.WriteString(`
| State | Meaning |
|---|---|
| accepted | 250 was said and nothing is decided yet: judging outlasted the client's patience, or died |
| held | at least one recipient waits for a person or a deadline |
| sending | everything is decided; tasks are open |
| done | every recipient has its outcome and every report is out; the octets are erased |
`)
	return b.String()
}

func detectorsPage(*testing.T) string {
	var b strings.Builder
	b.WriteString("# Detectors\n\n## Built in\n\n| Id | Type | In a policy | Finds | Confidence |\n|---|---|---|---|---|\n")
	for _, e := range look.Entries() {
		fmt.Fprintf(&b, "| `%s` | `%s` | `findings.%s` | %s | %s |\n",
			e.ID, e.Type, strings.ReplaceAll(e.ID, "-", "_"), cell(e.Name), cell(e.How))
	}
	b.WriteString(`
Sensitivity labels and classification marks are read, too; policies see them as ` + "`labels`" + `:

| Scheme | Read from |
|---|---|
| ` + "`msip`" + ` | the header fields ` + "`MSIP_Labels`" + ` and ` + "`MSIP_Label_<GUID>_…`" + `; custom properties of documents, ` + "`docMetadata/LabelInfo.xml`" + `, PDF's dictionary and XMP |
| ` + "`titus`" + ` | ` + "`X-Titus-Metadata-40`" + `; the properties ` + "`TitusMetadata`" + ` and, beside ` + "`TitusGUID`" + `, ` + "`Classification`" + ` |
| ` + "`boldon-james`" + ` | the properties ` + "`bjDocumentSecurityLabel`" + ` and ` + "`bjDocumentLabelXML…`" + ` |
| ` + "`pspf`" + ` | ` + "`X-Protective-Marking`" + `, and ` + "`[SEC=…]`" + ` in the subject (Australian Email Protective Marking Standard) |

A label that says that it is not enabled, or removed, is none. The tenant's ` + "`looking.labels`" + ` gives names to GUIDs.

## Lists of terms

They are looked for only where a policy names them, itself or by a [profile](#profiles).

| Id | In a policy | Finds | Terms |
|---|---|---|---|
`)
	for _, l := range profile.Lists() {
		fmt.Fprintf(&b, "| `%s` | `findings.%s` | %s: %s | %d |\n",
			l.ID, strings.ReplaceAll(l.ID, "-", "_"), cell(l.Name), cell(l.Description), len(l.Dictionary().Terms))
	}
	b.WriteString(`
## Profiles

A profile counts several detectors under one name; ` + "`postern packs show`" + ` says which, and a [pack](policy-packs.md) of the
same id is a policy to begin with.

| Id | In a policy | Finds | How to use it |
|---|---|---|---|
`)
	for _, p := range profile.All() {
		fmt.Fprintf(&b, "| `%s` | `findings.%s` | %s: %s | %s |\n",
			p.ID, strings.ReplaceAll(p.ID, "-", "_"), cell(p.Name), cell(p.Description), cell(p.Guide))
	}
	b.WriteString(`
## Of a tenant

Documents of kind ` + "`dictionary`" + ` (terms) and ` + "`detector`" + ` (a header field, properties of documents, a pattern
over texts, or attachments by name, type and size) add detectors;
their id becomes their name in policies. See [policy language](policy-language.md#dictionaries-and-detectors).

## What is read

Text reaches the detectors through an extractor. A part that none of them takes is ` + "`unsupported`" + ` (see
[what fail open costs](../explanation/what-fail-open-costs.md)).

| Extractor | Reads |
|---|---|
`)
	reads := map[string]string{
		"extract-zip": "Word, Excel, PowerPoint and Visio (Office Open XML, also xlsb, macros, templates), OpenDocument, and ZIP archives: every " +
			"reading of their directory; what is encrypted, with the passwords that are known",
		"extract-flat-odf":   "OpenDocument texts, sheets and slides that are one XML file",
		"extract-7z":         "7z archives, also encrypted ones whose password is known",
		"extract-rar":        "RAR archives, also encrypted ones whose password is known",
		"extract-tar":        "tar, ar and cpio archives",
		"extract-compressed": "gzip, bzip2, xz, zstd, lz4 and compress",
		"extract-carrier":    "An archive behind a program, a picture or anything unknown, and the printable text of what nobody knows; the file is `unsupported`",
		"extract-ole":        "Word, Excel and PowerPoint before 2007, messages of Outlook, Publisher, Hangul, macros, and what Office encrypts; of Visio pieces of text",
		"extract-tnef":       "winmail.dat: the message that Outlook sends to other Outlooks, with its attachments",
		"extract-onenote":    "sections of OneNote: the text of all versions, and the files on the pages",
		"extract-access":     "databases of Access: pieces of text, and `unsupported`",
		"extract-metafile":   "EMF and WMF: the text in them, and files in their comments",
		"extract-rtf":        "RTF with its notes, fields, hidden text and embedded files",
		"extract-html":       "HTML: what a reader sees, and what it hides",
		"extract-table":      "CSV and tab-separated values: a long number is written behind the heading of its column",
		"extract-text":       "Text in any charset",
	}
	for _, x := range extract.Extractors() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", x.Name, reads[x.Name])
	}
	return b.String()
}

func storiesPage(t *testing.T) string {
	paths, err := filepath.Glob("story/testdata/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d stories: %v", len(paths), err)
	}
	var b strings.Builder
	b.WriteString(`# Stories

What Postern does, as tests tell it: each file of ` + "`internal/story/testdata/`" + ` runs the whole house against the
pretend Exchange, over SMTP with TLS, with a clock of its own. The words of the language: ` + "`internal/story/words_test.go`" + `.
SAF, NSK and TRK name items of the checklists that were drawn from the set-up documents of Safetica, Netskope, and of what
such gateways have in common.

| Story | What it shows |
|---|---|
`)
	sort.Strings(paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for line := range strings.Lines(string(text)) {
			comment, ok := strings.CutPrefix(line, "#")
			if !ok {
				break
			}
			words = append(words, strings.TrimSpace(comment))
		}
		if len(words) == 0 {
			t.Errorf("%s does not begin with a comment", path)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSuffix(filepath.Base(path), ".txtar"), plain(strings.Join(words, " ")))
	}
	return b.String()
}

// --- configuration ---------------------------------------------------------

// setting is one key of a file.
type setting struct {
	key, kind, fallback, text string
}

// sources are the files of the house, read once for all pages.
func sources(t *testing.T) []file {
	t.Helper()
	source.once.Do(func() { source.list = files(t) })
	return source.list
}

var source struct {
	once sync.Once
	list []file
}

// structOf finds a struct type in a room's files.
func structOf(t *testing.T, room, name string) (*ast.StructType, string) {
	t.Helper()
	for _, f := range sources(t) {
		if f.pkg != room || f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.Name == name {
					if st, ok := ts.Type.(*ast.StructType); ok {
						return st, g.Doc.Text()
					}
				}
			}
		}
	}
	return nil, ""
}

// settingsOf lists the keys of a struct and of those inside it.
func settingsOf(t *testing.T, room, name, prefix string) (list []setting) {
	st, _ := structOf(t, room, name)
	if st == nil {
		t.Fatalf("no struct %s in %s", name, room)
	}
	for _, f := range st.Fields.List {
		if f.Tag == nil || len(f.Names) != 1 {
			continue
		}
		raw, _ := strconv.Unquote(f.Tag.Value)
		key, _, _ := strings.Cut(reflect.StructTag(raw).Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		room2, name2 := room, ""
		switch typ := f.Type.(type) {
		case *ast.Ident:
			name2 = typ.Name
		case *ast.SelectorExpr:
			room2, name2 = exprString(typ.X), typ.Sel.Name
		}
		var inner []setting
		if inside, _ := structOf(t, room2, name2); inside != nil {
			inner = settingsOf(t, room2, name2, prefix+key+".")
		}
		text, fallback := meaning(withoutName(f.Doc.Text(), f.Names[0].Name))
		list = append(list, setting{prefix + key, kindOf(f.Type), fallback, text})
		if len(inner) > 0 {
			list[len(list)-1].kind = "section"
			list = append(list, inner...)
		}
		if elem, ok := f.Type.(*ast.ArrayType); ok {
			if id, ok := elem.Elt.(*ast.Ident); ok {
				if inside, _ := structOf(t, room, id.Name); inside != nil {
					list = append(list, settingsOf(t, room, id.Name, prefix+key+"[].")...)
				}
			}
		}
	}
	return list
}

var defaultSentence = regexp.MustCompile(`(?s)\bDefaults?: (.*?)\.?\s*(?:\n\n|$)`)

// meaning splits a comment into what a key is for and what it is by itself.
func meaning(doc string) (text, fallback string) {
	doc = strings.TrimSpace(doc)
	if m := defaultSentence.FindStringSubmatchIndex(doc); m != nil {
		fallback = strings.TrimSuffix(doc[m[2]:m[3]], ".")
		doc = doc[:m[0]] + doc[m[1]:]
	}
	return strings.TrimSpace(doc), fallback
}

// withoutName leaves out the Go name with which a comment begins.
func withoutName(doc, name string) string {
	rest, ok := strings.CutPrefix(doc, name+" ")
	if !ok || strings.HasPrefix(rest, "and ") {
		return doc
	}
	for _, verb := range []string{"is ", "are "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	if value, _, listed := strings.Cut(rest, ","); listed && !strings.Contains(value, " ") {
		return rest // a value, not a sentence
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return kindOf(e.X)
	case *ast.ArrayType:
		return "list"
	case *ast.MapType:
		return "map"
	case *ast.Ident:
		switch e.Name {
		case "bool":
			return "true or false"
		case "int", "int64":
			return "number"
		case "Networks":
			return "list"
		}
		return "text"
	case *ast.SelectorExpr:
		switch exprString(e) {
		case "time.Duration":
			return "time span"
		case "settings.Bytes":
			return "size"
		}
		return "text"
	}
	return "text"
}

func configPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# Configuration

Three kinds of files: ` + "`postern.yaml`" + ` for the installation, and, in the folders named by its key ` + "`apply`" + `, documents of
` + "`kind: tenant`" + ` and of ` + "`kind: policy`" + ` ([policy language](policy-language.md)). ` + "`postern check -c postern.yaml`" + ` reads all of
them and names everything that is wrong at once. An unknown key is a mistake.

Sizes are written ` + "`200MiB`" + ` or ` + "`500kB`" + `, time spans ` + "`20s`" + `, ` + "`5m`" + `, ` + "`24h`" + `. A secret is better kept outside:
` + "`file:./contoso.secret`" + ` (relative to the file that names it) or ` + "`env:NAME`" + `.

`)
	table := func(list []setting) {
		b.WriteString("| Key | Form | Default | Meaning |\n|---|---|---|---|\n")
		for _, s := range list {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.key, s.kind, plain(s.fallback), plain(s.text))
		}
		b.WriteString("\n")
	}
	b.WriteString("## postern.yaml\n\n")
	table(settingsOf(t, "app", "Config", ""))
	b.WriteString("## A tenant\n\nA document of `kind: tenant`.\n\n")
	table(settingsOf(t, "tenant", "Config", ""))
	b.WriteString("The causes under `on:` and what each does: [what fail open costs](../explanation/what-fail-open-costs.md).\n")
	return b.String()
}

// --- metrics ---------------------------------------------------------------

// measured says what each figure means. A figure without a sentence fails
// the test, and so does a sentence without a figure.
func measured() map[string]string {
	return map[string]string{
		"answers":                   "Answers to the end of a message, by SMTP code",
		"balance_difference":        "Lines of the mail balance that do not add up; anything but 0 is an alarm",
		"custody_tasks":             "Tasks that are not finished",
		"custody_held":              "Recipients that wait for a person or a deadline",
		"deliver_connections":       "Connections opened to next hops",
		"reports_withheld":          "Reports to senders outside that were not sent, because there were too many in an hour",
		"deliver_detours":           "Mail that went by the initial domain because the MX records of its own name no host that may be used",
		"deliver_failures":          "Attempts that got no transaction, by what follows",
		"deliver_send":              "From the first octet of the content to the answer to its end",
		"deliver_sent":              "Messages that a next hop answered",
		"deliver_stale_connections": "Kept connections that the next hop had closed meanwhile",
		"look_children_failed":      "Processes that died while looking, or could not be started",
		"looked":                    "Messages looked at, by how much was seen",
		"mail_answers":              "Answers by mail to requests about held mail, by what they came to",
		"drafts_checked":            "Drafts that were sent to check@ and looked at",
		"loops":                     "Messages stopped as a loop",
		"contact_pairs":             "Pairs of mailbox and address outside that are remembered, by tenant",
		"directory_age_seconds":     "Age of a tenant's directory, by tenant",
		"microsoft_networks":        "Networks in Microsoft's list, by where it came from",
		"not_identified":            "Messages that belong to nobody here, by the fact that did not agree",
		"possible_duplicates":       "Times that no answer came after the onward dot",
		"receive_accept":            "From the end of a message to our answer",
		"receive_bare_newlines":     "Messages with a bare CR or LF in DATA",
		"receive_closed":            "Connections closed by us, by cause",
		"receive_connections":       "Connections, taken or turned away",
		"receive_errors":            "Faulty commands",
		"receive_faults":            "Internal faults that ended a connection",
		"receive_handshakes":        "TLS handshakes",
		"receive_messages":          "Messages, by the class of our answer",
		"receive_octets":            "Octets of messages",
		"receive_open_connections":  "Connections open now",
		"receive_problems":          "Problems of the front door, by code",
		"receive_recipients":        "Recipients, taken or refused at RCPT",
		"refused_at_rcpt":           "Recipients refused before any content, by fact",
		"repeats":                   "Arrivals that were answered from the record",
		"taking":                    "From the end of a message to our answer, by the way it was taken",
		"task_attempt":              "One attempt at a task",
		"task_outcomes":             "Outcomes of recipients, by kind of task",
		"task_problems":             "Problems of tasks, by code",
		"tasks_open":                "Tasks that are open",
		"tasks_stuck":               "Tasks that wait for a person, by problem code",
		"unseen":                    "Things that were not looked at, by cause",
	}
}

type metric struct {
	name   string
	labels map[string]bool
}

func metricsPage(t *testing.T) string {
	found := map[string]*metric{}
	form := map[string]string{
		"Count": "postern_%s_total", "Set": "postern_%s", "Observe": "postern_%s_seconds",
	}
	for _, f := range sources(t) {
		if f.test || f.pkg == "telemetry" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || form[sel.Sel.Name] == "" || !strings.HasSuffix(strings.ToLower(exprString(sel.X)), "metrics") {
				return true
			}
			name, ok := literal(call.Args[0])
			if !ok {
				t.Errorf("%s: the name of a metric must be written out", f.fset.Position(call.Pos()))
				return true
			}
			m := found[sel.Sel.Name+name]
			if m == nil {
				m = &metric{name, map[string]bool{}}
				found[sel.Sel.Name+name] = m
			}
			for i := 2; i < len(call.Args); i += 2 {
				if label, ok := literal(call.Args[i]); ok {
					m.labels[label] = true
				}
			}
			return true
		})
	}
	said := measured()
	var rows []string
	for key, m := range found {
		text := said[m.name]
		if text == "" {
			t.Errorf("metric %s has no sentence in measured() of docs_test.go", m.name)
		}
		kind := strings.TrimSuffix(key, m.name)
		word := map[string]string{"Count": "counter", "Set": "gauge", "Observe": "histogram, seconds"}[kind]
		labels := []string{}
		for l := range m.labels {
			labels = append(labels, "`"+l+"`")
		}
		sort.Strings(labels)
		rows = append(rows, fmt.Sprintf("| `"+form[kind]+"` | %s | %s | %s |", m.name, word, strings.Join(labels, ", "), text))
		delete(said, m.name)
	}
	for name := range said {
		t.Errorf("measured() of docs_test.go names %s, which nobody counts", name)
	}
	sort.Strings(rows)
	return "# Metrics\n\n`metrics.listen` serves these at `/metrics` in Prometheus's text format, with the figures of the process and of\n" +
		"the Go run time (`go_…`, `process_…`). No label holds an address, a subject or a finding. A figure appears when it is\n" +
		"first counted.\n\n" +
		"| Name | Kind | Labels | Meaning |\n|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n\n" +
		"Worth an alarm: `postern_balance_difference` above 0, `postern_tasks_stuck` above 0, a rise of `postern_not_identified_total`,\n" +
		"and `postern_look_children_failed_total`.\n"
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// --- replies ---------------------------------------------------------------

// answers evaluates functions that return a mail.Reply as far as they are
// written out; what is only known at run time becomes "…".
type answers struct{ funcs map[string]*ast.FuncDecl }

func (a answers) of(fn *ast.FuncDecl) (code, enhanced, text string, ok bool) {
	for _, s := range fn.Body.List {
		if r, is := s.(*ast.ReturnStmt); is && len(r.Results) == 1 {
			if call, is := r.Results[0].(*ast.CallExpr); is {
				return a.call(call, nil)
			}
		}
	}
	return "", "", "", false
}

func (a answers) call(c *ast.CallExpr, env map[string]string) (code, enhanced, text string, ok bool) {
	args := make([]string, len(c.Args))
	for i, x := range c.Args {
		args[i] = a.value(x, env)
	}
	name := exprString(c.Fun)
	if name == "mail.NewReply" && len(args) == 3 {
		return args[0], args[1], args[2], true
	}
	fn := a.funcs[name]
	if fn == nil {
		return "", "", "", false
	}
	inner := map[string]string{}
	i := 0
	for _, p := range fn.Type.Params.List {
		for _, n := range p.Names {
			if i < len(args) {
				inner[n.Name] = args[i]
			}
			i++
		}
	}
	for _, s := range fn.Body.List {
		if r, is := s.(*ast.ReturnStmt); is {
			if call, is := r.Results[0].(*ast.CallExpr); is {
				return a.call(call, inner)
			}
		}
	}
	return "", "", "", false
}

var verbs = regexp.MustCompile(`%[-+#0-9.]*[a-zA-Z]`)

func (a answers) value(e ast.Expr, env map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, ok := literal(e); ok {
			return s
		}
		return e.Value
	case *ast.BinaryExpr:
		return a.value(e.X, env) + a.value(e.Y, env)
	case *ast.Ident:
		if v, ok := env[e.Name]; ok {
			return v
		}
	case *ast.CallExpr:
		if exprString(e.Fun) == "fmt.Sprintf" && len(e.Args) > 0 {
			return verbs.ReplaceAllString(a.value(e.Args[0], env), "…")
		}
	}
	return "…"
}

func repliesPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# Replies

What Postern says to a client, and what it writes into a report in the place of a next hop. "…" stands for what is only
known at that moment. The first digit decides what Exchange does: 2 taken, 4 it tries again (for 24 hours by default), 5 it
writes a report to the sender.

When a message is handed back while the client waits, the client gets the next hop's own answer instead.
`)
	for _, room := range []struct{ pkg, title string }{
		{"receive", "Front door (`internal/receive/replies.go`)"},
		{"gateway", "The way of a message (`internal/gateway/replies.go`)"},
		{"deliver", "In the place of a next hop (`internal/deliver/replies.go`)"},
	} {
		a := answers{map[string]*ast.FuncDecl{}}
		for _, f := range sources(t) {
			if f.path != room.pkg+"/replies.go" {
				continue
			}
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					a.funcs[fn.Name.Name] = fn
				}
			}
		}
		var rows []string
		for name, fn := range a.funcs {
			if !strings.HasPrefix(name, "reply") {
				continue
			}
			code, enhanced, text, ok := a.of(fn)
			if !ok {
				t.Errorf("%s: %s cannot be read for docs/reference/replies.md", room.pkg, name)
				continue
			}
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |", code, enhanced, plain(text)))
		}
		sort.Strings(rows)
		fmt.Fprintf(&b, "\n## %s\n\n| Code | Enhanced | Text |\n|---|---|---|\n%s\n", room.title, strings.Join(slices.Compact(rows), "\n"))
	}
	b.WriteString(`
## Whose mail it is (` + "`internal/tenant`" + `)

A fact that does not agree is refused (550 5.7.1) as ` + "`Refused (code, fact): …`" + `; one that is missing, and may be there next
time, is deferred (451 4.7.1) as ` + "`Deferred (code, fact): …`" + `. Codes: [problems](problems.md#whose-mail-it-is).

| Answer | Code | Fact | Text |
|---|---|---|---|
`)
	var rows []string
	codes := problemCodes(t)
	for _, f := range sources(t) {
		if f.pkg != "tenant" || f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if row := refusalRow(c, codes); row != "" {
					rows = append(rows, row)
				}
			}
			return true
		})
	}
	sort.Strings(rows)
	b.WriteString(strings.Join(slices.Compact(rows), "\n") + "\n")
	return b.String()
}

func refusalRow(c *ast.CallExpr, codes map[string]string) string {
	answer, args := "550", c.Args
	code := ""
	switch fun := c.Fun.(type) {
	case *ast.SelectorExpr:
		if (fun.Sel.Name != "refuse" && fun.Sel.Name != "deferral") || len(args) != 3 {
			return ""
		}
		if fun.Sel.Name == "deferral" {
			answer = "451"
		}
	case *ast.Ident:
		switch {
		case fun.Name == "stranger" && len(args) == 2:
			code = codes["NotYours"]
			args = append([]ast.Expr{nil}, args...)
		case fun.Name == "refusal" && len(args) == 5:
			if lit, ok := args[1].(*ast.BasicLit); ok {
				answer = lit.Value
			}
			args = args[2:]
		default:
			return ""
		}
	default:
		return ""
	}
	fact, ok := literal(args[1])
	if !ok {
		return "" // inside one of the functions themselves
	}
	if code == "" {
		sel, ok := args[0].(*ast.SelectorExpr)
		if !ok {
			return ""
		}
		code = codes[sel.Sel.Name]
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", answer, code, fact, plain(answers{}.value(args[2], nil)))
}

func problemCodes(t *testing.T) map[string]string {
	codes := map[string]string{}
	decl := regexp.MustCompile(`(?m)^\s*(\w+)\s+(?:Code\s+)?=\s+"(P\d{3})"`)
	for _, f := range sources(t) {
		if f.pkg == "problem" && !f.test {
			for _, m := range decl.FindAllStringSubmatch(f.text, -1) {
				codes[m[1]] = m[2]
			}
		}
	}
	return codes
}

// --- command line ----------------------------------------------------------

// command is a verb as it is written in cmd/postern.
type command struct {
	use, short, long string
	subs             []*command
	flags            []string
}

func (c *command) flag(name, usage string) {
	if text := strings.TrimSpace("`" + name + "` " + usage); !slices.Contains(c.flags, text) {
		c.flags = append(c.flags, text)
	}
}

func cliPage(t *testing.T) string {
	root := rootCommand(t)
	var b, more strings.Builder
	b.WriteString(`# Command line

` + "`bin/postern`" + ` has these verbs. With ` + "`--json`" + ` there is one JSON document (JSON Lines for lists) on standard
output and nothing else; sentences for people go to standard error.

| Exit code | Meaning |
|---|---|
| 0 | done, or clean |
| 1 | the thing that was looked at is not all right |
| 2 | wrong use or wrong configuration, with the place and a suggestion |

Verbs that change a running gateway reach it over ` + "`admin.sock`" + ` in the data folder; only the user of the gateway, or root, can
open it, and the user id is the actor in the record.

| Verb | What it does | Flags |
|---|---|---|
`)
	var walk func(c *command, path string)
	walk = func(c *command, path string) {
		name, args, _ := strings.Cut(c.use, " ")
		full := strings.TrimSpace(path + " " + name)
		if len(c.subs) == 0 {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(strings.TrimSpace(full+" "+args)), cell(c.short), cell(strings.Join(c.flags, "<br>")))
		}
		if c.long != "" && path != "" {
			// The keys of a query have a page of their own.
			long := strings.ReplaceAll(c.long, "…", "\nSee [search](audit-search.md) for queries.")
			fmt.Fprintf(&more, "\n## %s\n\n%s\n", full, wrapped(long))
		}
		for _, s := range c.subs {
			walk(s, full)
		}
	}
	walk(root, "")
	return b.String() + more.String()
}

// wrapped fits prose to the width of a page.
func wrapped(text string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && width+1+n > 118:
			b.WriteString("\n")
			width = 0
		case i > 0:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}

// verbs of cmd/postern, read from its source: a page must not need a build.
type verbSource struct {
	t     *testing.T
	funcs map[string]*ast.FuncDecl
}

func rootCommand(t *testing.T) *command {
	v := verbSource{t, map[string]*ast.FuncDecl{}}
	paths, _ := filepath.Glob("../cmd/postern/*.go")
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				v.funcs[fn.Name.Name] = fn
			}
		}
	}
	if v.funcs["root"] == nil {
		t.Fatal("cmd/postern has no root command that can be read here")
	}
	return v.function(v.funcs["root"])
}

// function reads a function that makes a command.
func (v verbSource) function(fn *ast.FuncDecl) *command {
	locals := map[string]*command{}
	for _, s := range fn.Body.List {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if sel, ok := s.Lhs[0].(*ast.SelectorExpr); ok {
				if c := locals[exprString(sel.X)]; c != nil && sel.Sel.Name == "Long" {
					c.long = answers{}.value(s.Rhs[0], nil)
				}
			} else if id, ok := s.Lhs[0].(*ast.Ident); ok {
				if c := v.command(s.Rhs[0], locals); c != nil {
					locals[id.Name] = c
				}
			}
		case *ast.ExprStmt:
			v.statement(s.X, locals)
		case *ast.ReturnStmt:
			if len(s.Results) == 1 {
				return v.command(s.Results[0], locals)
			}
		}
	}
	v.t.Errorf("cmd/postern: %s makes no command that can be read here", fn.Name.Name)
	return &command{}
}

// command reads an expression that is a command; nil when it is none.
func (v verbSource) command(e ast.Expr, locals map[string]*command) *command {
	if id, ok := e.(*ast.Ident); ok {
		return locals[id.Name]
	}
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return nil
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	switch name := sel.Sel.Name; {
	case (name == "verb" || name == "group") && len(call.Args) >= 2:
		c := &command{use: answers{}.value(call.Args[0], nil), short: answers{}.value(call.Args[1], nil)}
		if name == "group" {
			c.add(v, call.Args[2:], locals)
		}
		return c
	case name == "withConfig" && len(call.Args) == 1:
		c := v.command(call.Args[0], locals)
		if c != nil {
			c.flag("-c FILE", "the configuration file")
		}
		return c
	case exprString(sel.X) == "p" && v.makesCommand(name):
		return v.function(v.funcs[name])
	}
	return nil
}

func (v verbSource) makesCommand(name string) bool {
	fn := v.funcs[name]
	if fn == nil || fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
		return false
	}
	star, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr)
	return ok && exprString(star.X) == "cobra.Command"
}

func (c *command) add(v verbSource, list []ast.Expr, locals map[string]*command) {
	for _, e := range list {
		if sub := v.command(e, locals); sub != nil {
			c.subs = append(c.subs, sub)
		}
	}
}

// statement reads flags and further verbs.
func (v verbSource) statement(e ast.Expr, locals map[string]*command) {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if sel.Sel.Name == "AddCommand" {
		if c := locals[exprString(sel.X)]; c != nil {
			c.add(v, call.Args, locals)
		}
		return
	}
	inner, ok := sel.X.(*ast.CallExpr) // cmd.Flags().StringVar(…)
	if !ok {
		v.command(call, locals) // withConfig
		return
	}
	on, ok := inner.Fun.(*ast.SelectorExpr)
	if !ok || on.Sel.Name != "Flags" || len(call.Args) < 3 {
		return
	}
	c := locals[exprString(on.X)]
	at := 0
	if strings.Contains(sel.Sel.Name, "Var") {
		at = 1
	}
	name, ok := literal(call.Args[at])
	if c != nil && ok {
		c.flag("--"+name, answers{}.value(call.Args[len(call.Args)-1], nil))
	}
}

// --- what is written by hand -----------------------------------------------

// pages are the Markdown files of the project.
func pages(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != ".." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && filepath.Ext(path) == ".md" {
			text, err := os.ReadFile(path)
			list[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestNoLinkIsDead(t *testing.T) {
	all := pages(t)
	for path, text := range all {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s links to %s, but there is no such heading", path, m[1])
			}
		}
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names of a page's headings, as forges make them.
func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

func TestPathsInPagesExist(t *testing.T) {
	named := regexp.MustCompile("`((?:internal|cmd|docs|packaging|scripts|e2e)/[\\w./*-]+)`")
	for path, text := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "…") || strings.Contains(m[1], "<") {
				continue
			}
			if found, _ := filepath.Glob(filepath.Join("..", m[1])); len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			}
		}
	}
}

func TestTestsAndStoriesNamedInPagesExist(t *testing.T) {
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(testCode(t), -1) {
		known[m[1]] = true
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w{3,})`")
	story := regexp.MustCompile("`([a-z0-9*-]+\\.txtar)`")
	for path, text := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if !known[m[1]] {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			}
		}
		for _, m := range story.FindAllStringSubmatch(text, -1) {
			if found, _ := filepath.Glob(filepath.Join("story/testdata", m[1])); len(found) == 0 {
				t.Errorf("%s names the story %s, which does not exist", path, m[1])
			}
		}
	}
}

func TestPagesAreAsLongAsPromised(t *testing.T) {
	for path, most := range map[string]int{"../README.md": 120, "../ARCHITECTURE.md": 250} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > most {
			t.Errorf("%s has %d lines; %d are enough", path, n, most)
		}
	}
	for path, text := range pages(t) {
		for i, line := range strings.Split(fenced.ReplaceAllStringFunc(text, blank), "\n") {
			if len([]rune(line)) > 120 && !strings.HasPrefix(line, "|") && !strings.Contains(line, "](") && !strings.HasPrefix(text, generated[:20]) {
				t.Errorf("%s:%d: a line of %d characters", path, i+1, len([]rune(line)))
			}
		}
	}
}

// blank keeps the number of lines of what is left out.
func blank(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) }

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// TestPoliciesInPagesLoad takes all policy documents of a page together, as
// a reader would put them into one folder.
// beside stands for the files that an example names.
func beside(kind, _, name string) (path, content string, err error) { return "/" + name, kind, nil }

func TestPoliciesInPagesLoad(t *testing.T) {
	kinds := regexp.MustCompile(`(?m)^kind: (policy|list|defaults|calendar|dictionary|detector)$`)
	// What this version has: no detector and no action may be promised.
	options := app.PolicyOptions()
	options.Read = func(string, string) ([]byte, error) { return []byte("Name\nnightingale\n"), nil }
	options.Locate = beside
	seen := 0
	for path, text := range pages(t) {
		var set []policy.File
		for i, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			if kinds.MatchString(m[1]) {
				set = append(set, policy.File{Name: fmt.Sprintf("%s#%d", path, i+1), Data: []byte(m[1])})
			}
		}
		if len(set) == 0 {
			continue
		}
		seen++
		if _, err := policy.Load(set, options); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if seen < 2 {
		t.Errorf("policies were found in %d pages only", seen)
	}
}

// TestSettingsInPagesExist checks the keys of every postern.yaml and tenant
// that a page shows.
func TestSettingsInPagesExist(t *testing.T) {
	keysOf := func(room string) map[string]bool {
		known := map[string]bool{}
		for _, s := range settingsOf(t, room, "Config", "") {
			known[strings.ReplaceAll(s.key, "[]", "")] = true
		}
		return known
	}
	main, tenants := keysOf("app"), keysOf("tenant")
	seen := 0
	for path, text := range pages(t) {
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			known, free := main, []string{}
			switch {
			case strings.Contains(m[1], "kind: tenant"):
				known, free = tenants, []string{"on", "hosts", "headers"}
			case !strings.Contains(m[1], "# postern.yaml"):
				continue
			}
			var v map[string]any
			if err := yaml.Unmarshal([]byte(m[1]), &v); err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			seen++
			unknownKeys(v, "", known, free, func(key string) { t.Errorf("%s: there is no key %s", path, key) })
		}
	}
	if seen < 3 {
		t.Errorf("only %d examples of settings were found", seen)
	}
}

func unknownKeys(v map[string]any, prefix string, known map[string]bool, free []string, bad func(string)) {
	for key, value := range v {
		if !known[prefix+key] {
			bad(prefix + key)
			continue
		}
		if slices.Contains(free, prefix+key) {
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			unknownKeys(value, prefix+key+".", known, free, bad)
		case []any:
			for _, x := range value {
				if m, ok := x.(map[string]any); ok {
					unknownKeys(m, prefix+key+".", known, free, bad)
				}
			}
		}
	}
}
