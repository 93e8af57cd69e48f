// Package house_test keeps the rules of the house: what ARCHITECTURE.md and
// CONTRIBUTING.md say about floors, names, lengths and comments. It reads the
// files itself, so that the test cache notices every change.
package house_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "postern.dev/postern/internal/"

// floors is ARCHITECTURE.md's picture: a package imports only lower floors.
func floors() map[string]int {
	return map[string]int{
		"problem":             0,
		"durable":             0,
		"telemetry":           0,
		"visible":             0,
		"settings":            0,
		"buffers":             0,
		"heap":                0,
		"compact":             0,
		"jsonform":            0,
		"socket":              0,
		"extract/codepage":    0,
		"extract/cfb":         0,
		"extract/object":      0,
		"extract/officecrypt": 0,
		"extract/numfmt":      0,
		"extract/affine":      0,
		"extract/heading":     0,
		"extract/numbered":    0,
		"extract/mapi":        0,
		"mail":                1,
		"ocr":                 1,
		"extract/onenote":     1,
		"extract/metafile":    1,
		"extract/picture":     1,
		"extract/rtf":         1,
		"extract/pdf":         1,
		"extract/ole":         1,
		"extract/tnef":        1,
		"extract/zipped":      0,
		"extract/xmlread":     0,
		"extract/archive":     1,
		"extract/ooxml":       1,
		"extract/odf":         1,
		"detect":              2,
		"detect/number":       2,
		"extract":             2,
		"amend":               2,
		"dsn":                 2,
		"notice":              2,
		"journal":             2,
		"vault":               2,
		"senderauth":          2,
		"policy":              3,
		"policy/explain":      4,
		"policy/mutation":     4,
		"policy/replay":       4,
		"detect/dlp":          3,
		"detect/label":        3,
		"detect/exact":        3,
		"detect/fingerprint":  3,
		"detect/secret":       3,
		"mailflow":            3,
		"store":               4,
		"store/storetest":     4,
		"profile":             4,
		"pack":                5,
		"post":                5,
		"look":                5,
		"spool":               5,
		"evidence":            5,
		"task":                5,
		"audit":               5,
		"exception":           5,
		"tenant":              5,
		"directory":           5,
		"contact":             5,
		"quarantine":          5,
		"receive":             6,
		"deliver":             6,
		"dns":                 6,
		"gateway":             6,
		"balance":             6,
		"fakeexchange":        6,
		"disguise":            6,
		"web":                 6,
		"public":              6,
		"app":                 7,
		"story":               8,
	}
}

// sameFloor are the few imports inside a floor, each with its reason.
func sameFloor() map[string]string {
	return map[string]string{
		"store/storetest store":           "test support of that very room",
		"extract/object extract/codepage": "names in octets, for readers above both",
		"extract/mapi extract/codepage":   "values in octets, for readers above both",
	}
}

type file struct {
	path string // relative to internal/
	pkg  string // folder
	test bool
	ast  *ast.File
	fset *token.FileSet
	text string
}

// parsed holds the files of this run: each is read once.
var parsed []file

func files(t *testing.T) []file {
	t.Helper()
	if parsed != nil {
		return parsed
	}
	var list []file
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || filepath.Dir(path) == "." {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		list = append(list, file{
			path: path, pkg: filepath.ToSlash(filepath.Dir(path)),
			test: strings.HasSuffix(path, "_test.go"), ast: f, fset: fset, text: string(text),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("only %d files found: the test looks at the wrong folder", len(list))
	}
	parsed = list
	return list
}

func TestImportsGoDownstairs(t *testing.T) {
	floor := floors()
	for _, f := range files(t) {
		mine, known := floor[f.pkg]
		if !known {
			t.Errorf("%s: package %s has no floor", f.path, f.pkg)
			continue
		}
		for _, imp := range f.ast.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			room, ours := strings.CutPrefix(path, module)
			if !ours || room == f.pkg {
				continue
			}
			theirs, known := floor[room]
			if !known {
				t.Errorf("%s: imports %s, which has no floor", f.path, room)
				continue
			}
			if f.test && room == "store/storetest" {
				continue
			}
			if theirs >= mine && sameFloor()[f.pkg+" "+room] == "" {
				t.Errorf("%s: floor %d imports %s on floor %d", f.path, mine, room, theirs)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]string{}
	for _, f := range files(t) {
		if !f.test {
			said[f.pkg] += f.ast.Doc.Text()
		}
	}
	for pkg, doc := range said {
		switch {
		case doc == "":
			t.Errorf("package %s has no comment", pkg)
		case !strings.Contains(doc, "Standards:"):
			t.Errorf("package %s: comment has no Standards: line", pkg)
		}
	}
}

func TestExportedNamesHaveComments(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown(d.Name.Name) {
					t.Errorf("%s: %s has no comment", f.fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				checkSpecs(t, f, d)
			}
		}
	}
}

// wellKnown methods say what they do by their interface.
func wellKnown(name string) bool {
	switch name {
	case "Error", "String", "Unwrap", "Is", "Read", "Write", "Close", "ReadAt", "Len", "Less", "Swap",
		"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "UnmarshalYAML", "ServeHTTP", "Accept", "Addr":
		return true
	}
	return false
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return !ok || id.IsExported()
}

func checkSpecs(t *testing.T, f file, d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				t.Errorf("%s: type %s has no comment", f.fset.Position(s.Pos()), s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					t.Errorf("%s: %s has no comment", f.fset.Position(n.Pos()), n.Name)
				}
			}
		}
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	const maxFile, maxFunc, maxLine = 800, 100, 140
	for _, f := range files(t) {
		lines := strings.Split(f.text, "\n")
		if len(lines) > maxFile && !f.test {
			t.Errorf("%s has %d lines; a room wants a wall at %d", f.path, len(lines), maxFile)
		}
		for i, line := range lines {
			if len([]rune(line)) > maxLine && !f.test {
				t.Errorf("%s:%d: line of %d characters", f.path, i+1, len([]rune(line)))
			}
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || f.test {
				continue
			}
			n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			if n > maxFunc {
				t.Errorf("%s: %s has %d lines", f.path, fn.Name.Name, n)
			}
		}
	}
}

func TestNoInitAndNoMutableGlobals(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s: init function", f.path)
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, s := range d.Specs {
					v := s.(*ast.ValueSpec)
					for i, n := range v.Names {
						if !constantValue(v, i, f) {
							t.Errorf("%s: package-level variable %s", f.fset.Position(n.Pos()), n.Name)
						}
					}
				}
			}
		}
	}
}

// constantValue allows what is set once and never written: sentinels,
// compiled patterns, embedded files, interface checks, and unexported tables
// written as literals.
func constantValue(v *ast.ValueSpec, i int, f file) bool {
	if v.Names[i].Name == "_" {
		return true
	}
	if len(v.Values) <= i {
		return strings.Contains(f.text, "//go:embed") && typeIs(v.Type, "embed.FS", "string", "[]byte")
	}
	switch value := v.Values[i].(type) {
	case *ast.CallExpr:
		switch value.Fun.(type) {
		case *ast.FuncLit, *ast.ArrayType: // a table made once, or the octets of a constant
			return !v.Names[i].IsExported()
		}
		name := exprString(value.Fun)
		switch name {
		case "errors.New", "regexp.MustCompile", "fmt.Errorf", "netip.MustParsePrefix", "strings.NewReplacer",
			"template.Must":
			return true
		}
		return strings.HasPrefix(name, "mail.NewReply") || !v.Names[i].IsExported() && strings.HasPrefix(name, "must")
	case *ast.CompositeLit:
		_, array := value.Type.(*ast.ArrayType)
		return !v.Names[i].IsExported() && (array || mapType(value.Type)) || !v.Names[i].IsExported()
	}
	return false
}

func mapType(e ast.Expr) bool { _, ok := e.(*ast.MapType); return ok }

func typeIs(e ast.Expr, names ...string) bool {
	got := exprString(e)
	for _, n := range names {
		if got == n {
			return true
		}
	}
	return false
}

func exprString(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprString(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		return "[]" + exprString(e.Elt)
	}
	return fmt.Sprintf("%T", e)
}

func TestNamesAreThoseOfTheField(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)^(util|utils|common|helper|helpers|types|interfaces|manager|misc)$`)
	for _, f := range files(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(f.path), ".go"), "_test")
		if forbidden.MatchString(base) || forbidden.MatchString(filepath.Base(f.pkg)) {
			t.Errorf("%s: a name that says nothing", f.path)
		}
		if regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`).MatchString(f.text) && !regexp.MustCompile(`TODO\(#\d+\)`).MatchString(f.text) {
			t.Errorf("%s: an open end without an issue", f.path)
		}
	}
}

func TestEveryStandardNamedInCodeIsListed(t *testing.T) {
	list, err := os.ReadFile("../docs/reference/standards.md")
	if err != nil {
		t.Fatal(err)
	}
	rfc := regexp.MustCompile(`RFC (\d{3,5})`)
	missing := map[string]string{}
	for _, f := range files(t) {
		for _, m := range rfc.FindAllStringSubmatch(f.text, -1) {
			if !strings.Contains(string(list), "| RFC "+m[1]+" |") {
				missing[m[1]] = f.path
			}
		}
	}
	for n, where := range missing {
		t.Errorf("RFC %s (named in %s) has no row in docs/reference/standards.md", n, where)
	}
}

func TestEveryProblemCodeIsUsedAndUnique(t *testing.T) {
	decl := regexp.MustCompile(`(?m)^\s*(\w+)\s+(?:Code\s+)?=\s+"(P\d{3})"`)
	names := map[string]string{}
	codes := map[string]bool{}
	all := files(t)
	for _, f := range all {
		if f.pkg != "problem" || f.test {
			continue
		}
		for _, m := range decl.FindAllStringSubmatch(f.text, -1) {
			if codes[m[2]] {
				t.Errorf("code %s is declared twice", m[2])
			}
			codes[m[2]] = true
			names[m[1]] = m[2]
		}
	}
	for name, code := range names {
		used := false
		for _, f := range all {
			if f.pkg != "problem" && !f.test && strings.Contains(f.text, "problem."+name) {
				used = true
			}
		}
		if !used {
			t.Errorf("problem %s (%s) is used nowhere", name, code)
		}
	}
}

func TestWhereIsPathsExist(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "Where is …?")
	if !found {
		t.Fatal(`ARCHITECTURE.md has no "Where is …?"`)
	}
	paths := regexp.MustCompile("`([a-z][\\w./-]*/[\\w./*-]+)`").FindAllStringSubmatch(table, -1)
	if len(paths) < 8 {
		t.Fatalf("only %d paths in the table", len(paths))
	}
	for _, m := range paths {
		got, _ := filepath.Glob(m[1])
		root, _ := filepath.Glob(filepath.Join("..", m[1]))
		if len(got)+len(root) == 0 {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", m[1])
		}
	}
}

func TestEveryDirectDependencyHasAReason(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../docs/reference/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		if !strings.Contains(string(reasons), "`"+m[1]+"`") {
			t.Errorf("%s has no row in docs/reference/dependencies.md", m[1])
		}
	}
}
