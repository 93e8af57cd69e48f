package pack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
)

// Choice is what an administrator chose.
type Choice struct {
	// Mode is the mode of the policies. Default: log.
	Mode policy.Mode
	// Values are settings by name, in the place of the defaults.
	Values map[string]string
}

// Bounds of what may be chosen.
const (
	maxNumber = 1000
	maxValue  = 200
	wide      = 100 // columns of a comment
)

// File is a file to write.
type File struct {
	Name string
	Data []byte
}

// Write makes the files of a pack: the policies, and an archive of their
// tests. The error says which choice cannot be made.
func (p Pack) Write(c Choice) ([]File, error) {
	if c.Mode == "" {
		c.Mode = policy.ModeLog
	}
	if !slices.Contains(modes(), string(c.Mode)) {
		return nil, fmt.Errorf("pack: %q is not a mode (%s)", c.Mode, strings.Join(modes(), ", "))
	}
	values, err := p.choose(c.Values)
	if err != nil {
		return nil, err
	}
	functions := words(values)
	functions["mode"] = func() string { return string(c.Mode) }
	policies, err := fill(p.policies, functions)
	if err != nil {
		return nil, fmt.Errorf("pack: %s: %w", p.ID, err)
	}
	tests, err := fill(p.tests, functions)
	if err != nil {
		return nil, fmt.Errorf("pack: tests of %s: %w", p.ID, err)
	}
	if p.generated && len(c.Values) > 0 {
		tests = "" // they are made for the number that the profile names
	}
	files := []File{{p.ID + ".yaml", []byte(p.comment(values) + policies)}}
	if tests != "" {
		files = append(files, File{p.ID + ".txtar", []byte(tests)})
	}
	return files, nil
}

// choose checks the values that somebody chose and adds the others.
func (p Pack) choose(chosen map[string]string) (map[string]string, error) {
	values := map[string]string{}
	var known []string
	for _, s := range p.Settings {
		values[s.Name] = s.Value
		known = append(known, s.Name)
	}
	for name, v := range chosen {
		i := slices.IndexFunc(p.Settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("pack: %s has no setting %q; %s", p.ID, name, settings.Nearest(name, known))
		}
		s := p.Settings[i]
		n, err := strconv.Atoi(v)
		switch {
		case s.number() && (err != nil || n < 1 || n > maxNumber):
			return nil, fmt.Errorf("pack: %s is a number from 1 to %d, not %q", name, maxNumber, v)
		case len(s.Words) > 0 && !slices.Contains(s.Words, v):
			return nil, fmt.Errorf("pack: %s is one of %s, not %q", name, strings.Join(s.Words, ", "), v)
		case v == "" || len(v) > maxValue || strings.ContainsAny(v, "\"'\\\r\n{}#"):
			return nil, fmt.Errorf("pack: %q cannot be the value of %s: it is written into a file as it is", v, name)
		}
		values[name] = v
	}
	return values, nil
}

// words are the names that templates know: the settings, and how to make
// several things.
func words(values map[string]string) template.FuncMap {
	functions := template.FuncMap{
		"add":    func(a, b int) int { return a + b },
		"upto":   func(n int) []int { return slices.Collect(count(n)) },
		"people": people, "nif": nif, "bare": bare, "apart": apart, "iban": iban, "at": at, "titus": titus,
		"first": func(list string) string { return strings.Split(list, "|")[0] },
		"last":  func(list string) string { return list[strings.LastIndexByte(list, '|')+1:] },
	}
	for name, v := range values {
		n, err := strconv.Atoi(v)
		if err == nil {
			functions[name] = func() int { return n }
			continue
		}
		functions[name] = func() string { return v }
	}
	return functions
}

// count gives 1 to n.
func count(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 1; i <= n && yield(i); i++ {
		}
	}
}

// fill fills a template; ${ and } stand around what is filled in, as braces
// alone are everyday signs in YAML.
func fill(text string, functions template.FuncMap) (string, error) {
	t, err := template.New("pack").Delims("${", "}").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// comment stands on top of the written policies.
func (p Pack) comment(values map[string]string) string {
	var b strings.Builder
	line := func(text string) { b.WriteString(wrapped(text)) }
	line(p.Name)
	line("Finds: " + p.Finds)
	line("Does: " + p.Does)
	line("Costs: " + p.Costs)
	for _, s := range p.Settings {
		line("Setting " + s.Name + " = " + values[s.Name] + ": " + s.Means)
	}
	b.WriteString("\n")
	return b.String()
}

// wrapped is a text as a comment.
func wrapped(text string) string {
	var b strings.Builder
	at := "#"
	for _, w := range strings.Fields(text) {
		if len(at)+1+len(w) > wide {
			b.WriteString(at + "\n")
			at = "#  "
		}
		at += " " + w
	}
	return b.String() + at + "\n"
}
