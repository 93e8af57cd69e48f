package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// FactsOf looks at a message and gives its facts. What the case says about
// sender, recipients, direction and tenant replaces what the message says.
type FactsOf func(message []byte, c Case) (Facts, error)

// Result is the outcome of the tests of a set.
type Result struct {
	Cases []CaseResult `json:"cases"`
}

// CaseResult is the outcome of one test.
type CaseResult struct {
	Policy string `json:"policy"`
	Mail   string `json:"mail"`
	// Place is "file:line" of the test.
	Place string `json:"place"`
	// Want and Got are actions; with several recipients, "address action"
	// pairs.
	Want string `json:"want"`
	Got  string `json:"got"`
	Pass bool   `json:"pass"`
	// Because says why this came out, or what went wrong.
	Because string `json:"because,omitempty"`
	// Why says of a red test what the policies that were expected failed at.
	Why  []string     `json:"why,omitempty"`
	Code problem.Code `json:"code,omitempty"`
}

// Red reports how many tests failed.
func (r Result) Red() (n int) {
	for _, c := range r.Cases {
		if !c.Pass {
			n++
		}
	}
	return n
}

// limit of a message of a test.
const maxCase = 64 << 20

// ReadDir reads every .yaml and .yml file of a folder and its subfolders, in
// the order of their names, and loads them. Dictionaries read their files
// from there, relative to the policy file. What begins with a dot is left
// out.
func ReadDir(dir fs.FS, o Options) (*Set, error) {
	var files []File
	err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir() || (path.Ext(name) != ".yaml" && path.Ext(name) != ".yml"):
			return nil
		}
		data, err := fs.ReadFile(dir, name)
		files = append(files, File{name, data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("policy: read folder: %w", err)
	}
	if o.Read == nil {
		o.Read = func(policyFile, name string) ([]byte, error) {
			return fs.ReadFile(dir, path.Join(path.Dir(policyFile), name))
		}
	}
	return Load(files, o)
}

// Test runs the tests of a set and further ones: each message is judged by
// all policies together, as in service. The messages are read from dir,
// relative to the file of the test. A policy that is not enforced yet passes
// also with the action that it would have, so that its tests stay the same on
// its way into force.
func Test(s *Set, dir fs.FS, facts FactsOf, g Gates, more ...Case) Result {
	var r Result
	for _, e := range Examine(s, dir, facts, more...) {
		r.Cases = append(r.Cases, e.Judge(s, g))
	}
	return r
}

// Examined is a test whose message was looked at. It can be judged by other
// policies without looking again.
type Examined struct {
	Case  Case
	Facts Facts
	// Err is why the message could not be looked at.
	Err error

	mode Mode // of the policy that is tested
}

// Examine looks at the messages of the tests of a set and of further ones.
func Examine(s *Set, dir fs.FS, facts FactsOf, more ...Case) (list []Examined) {
	var all []Case
	modes := map[string]Mode{}
	for _, rule := range s.rules {
		modes[rule.ID] = rule.Mode
		for _, c := range rule.Tests {
			c.Policy = rule.ID
			all = append(all, c)
		}
	}
	for _, c := range append(all, more...) {
		e := Examined{Case: c, mode: ModeEnforce}
		if mode, known := modes[c.Policy]; known {
			e.mode = mode
		} else if c.Policy != "" {
			e.Err = fmt.Errorf("there is no policy %q%s", c.Policy, didYouMean(c.Policy, keys(modes)))
		}
		if e.Err == nil {
			e.Facts, e.Err = c.examine(dir, facts)
		}
		list = append(list, e)
	}
	return list
}

func (c Case) examine(dir fs.FS, facts FactsOf) (Facts, error) {
	message := c.message
	if message == nil {
		var err error
		if message, err = readCase(dir, path.Join(path.Dir(c.place.file), c.Mail)); err != nil {
			return Facts{}, err
		}
	}
	f, err := facts(message, c)
	switch {
	case err != nil:
		return f, fmt.Errorf("policy: look at %s: %w", c.Mail, err)
	case len(f.Recipients) == 0:
		return f, errors.New("the message has no recipients; add to: [address] to the test")
	case !c.Now.IsZero():
		f.Now = c.Now
	}
	return f, nil
}

// Judge decides about the message of a test.
func (e Examined) Judge(s *Set, g Gates) CaseResult {
	c := e.Case
	res := CaseResult{Policy: c.Policy, Mail: c.Mail, Place: c.place.String(), Want: c.want()}
	if e.Err != nil {
		res.Got, res.Because, res.Code = "error", e.Err.Error(), problem.PolicyTestRed
		return res
	}
	s, err := e.By(s)
	if err != nil {
		res.Got, res.Because, res.Code = "error", err.Error(), problem.PolicyTestRed
		return res
	}
	v := Decide(s, e.Facts, g)
	res.Got, res.Because, res.Pass = c.compare(v, e.mode)
	if !res.Pass {
		res.Code = problem.PolicyTestRed
	}
	return res
}

// By is the set that judges the message of a test: all of it, or the tested
// policy alone.
func (e Examined) By(s *Set) (*Set, error) {
	if e.Case.Alone {
		return s.alone(e.Case.Policy)
	}
	return s, nil
}

func readCase(dir fs.FS, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("the message %s is outside of the folder", name)
	}
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, fmt.Errorf("the message %s cannot be read: %w", name, err)
	}
	if info.Size() > maxCase {
		return nil, fmt.Errorf("the message %s is larger than 64 MiB", name)
	}
	return fs.ReadFile(dir, name)
}

func (c Case) want() string {
	if len(c.Recipients) == 0 {
		return c.Expect
	}
	var list []string
	for _, a := range slices.Sorted(maps.Keys(c.Recipients)) {
		list = append(list, a+" "+c.Recipients[a])
	}
	return strings.Join(list, ", ")
}

// compare checks a verdict against what the case expects.
func (c Case) compare(v Verdict, mode Mode) (got, because string, pass bool) {
	strict := v.Recipients[0]
	for _, r := range v.Recipients {
		if r.Action.Strength() > strict.Action.Strength() {
			strict = r
		}
	}
	got, because, pass = actual(v, strict), strict.Because, true
	if c.Expect != "" {
		pass = c.fits(c.Expect, v, strict, mode)
	}
	inForce := mode == ModeEnforce || c.Expect == actual(v, strict)
	if wrong := c.details(v, strict); wrong != "" && pass && inForce {
		pass, because = false, "expected "+wrong
	}
	if len(c.Recipients) == 0 {
		return got, because, pass
	}
	var list []string
	seen := map[string]bool{}
	for _, r := range v.Recipients {
		want, named := c.Recipients[r.Address.Fold()]
		if !named {
			continue
		}
		seen[r.Address.Fold()] = true
		list = append(list, r.Address.Fold()+" "+actual(v, r))
		if !c.fits(want, v, r, mode) {
			pass, because = false, r.Because
		}
	}
	for a := range c.Recipients {
		if !seen[a] {
			list = append(list, a+" (not a recipient)")
			pass = false
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", "), because, pass
}

func actual(v Verdict, r RecipientVerdict) string {
	if v.Defer {
		return "defer"
	}
	return string(r.Action)
}

// fits reports whether a recipient got what was expected, or would have got
// it from the tested rule if that was in force already.
func (c Case) fits(want string, v Verdict, r RecipientVerdict, mode Mode) bool {
	if actual(v, r) == want {
		return true
	}
	if mode == ModeEnforce || v.Defer {
		return false
	}
	return slices.ContainsFunc(slices.Concat(r.Won, r.Lost), func(m Match) bool {
		return m.Rule == c.Policy && m.Would == Action(want)
	})
}

// Addresses lists the recipients that a case names.
func (c Case) Addresses() []mail.Address {
	list := make([]mail.Address, len(c.To))
	for i, a := range c.To {
		list[i] = mail.Address(a)
	}
	return list
}
