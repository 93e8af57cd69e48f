package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/mail"
)

// Case is one test: a message and what is expected of it.
type Case struct {
	// Mail is the path of the message, relative to the file of the test.
	Mail string `json:"mail"`
	// Policy is the id of the policy that is tested; "" for a test of all.
	Policy string `json:"policy,omitempty"`
	// Alone judges by that policy only, whatever else is in force.
	Alone bool `json:"alone,omitempty"`
	// Expect is the action expected for the strictest recipient; "defer" is
	// possible too. Recipients says it per address instead.
	Expect     string            `json:"expect,omitempty"`
	Recipients map[string]string `json:"recipients,omitempty"`
	// Rules are the policies that make the action of the strictest recipient,
	// the one that decides first; nil is not to be tested.
	Rules []string `json:"rules,omitempty"`
	// Headers are header fields that the verdict sets for that recipient; an
	// empty value says that it does not. Notify is whether the sender gets a
	// note, Redirect who gets the message instead, Copy who gets it besides.
	Headers  map[string]string `json:"headers,omitempty"`
	Notify   *bool             `json:"notify,omitempty"`
	Redirect []string          `json:"redirect,omitempty"`
	Copy     []string          `json:"copy,omitempty"`
	// Approvers, For and Then are those of the hold.
	Approvers []string      `json:"approvers,omitempty"`
	For       time.Duration `json:"for,omitempty"`
	Then      End           `json:"then,omitempty"`
	// From, To, Direction and Tenant replace what the message itself says.
	From      string   `json:"from,omitempty"`
	To        []string `json:"to,omitempty"`
	Direction string   `json:"direction,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
	// Directory is a file that says who is who, in the place of the tenant's.
	Directory string `json:"directory,omitempty"`
	// Known are those with whom the sender has exchanged mail before; nil is
	// not said, and then nobody knows.
	Known []mail.Address `json:"known,omitempty"`
	// Now is when the message is judged; zero is now.
	Now time.Time `json:"now,omitzero"`

	place   place
	message []byte // of an archive; nil: in a file
}

// Folder is the folder of the file of the test.
func (c Case) Folder() string {
	if i := strings.LastIndexByte(c.place.file, '/'); i >= 0 {
		return c.place.file[:i]
	}
	return "."
}

// cases reads the tests of a policy.
func (r *reader) cases(m mapping, at place) []Case {
	if !m.has("tests") {
		return nil
	}
	seq, ok := m.keys["tests"].(*ast.SequenceNode)
	if !ok {
		r.wrong(m.keys["tests"], "tests must be a list")
		return nil
	}
	return r.caseList(seq, at)
}

func (r *reader) caseList(seq *ast.SequenceNode, at place) (cases []Case) {
	for _, v := range seq.Values {
		t, ok := r.mapping(v, "a test", keysOf("policy.tests")...)
		if !ok {
			continue
		}
		c := Case{
			Mail: t.needText("mail", "a test"), Policy: t.text("policy"), Expect: t.text("expect"), From: t.text("from"),
			To: plain(t.texts("to")), Direction: t.text("direction"), Tenant: t.text("tenant"), Directory: t.text("directory"),
			Redirect: plain(t.texts("redirect")), Copy: plain(t.texts("copy")), Approvers: plain(t.texts("approvers")),
			For: t.duration("for", 0), Then: End(t.text("then")), place: at,
		}
		c.place.line = line(v)
		r.expected(t, &c)
		if c.Expect == "" && len(c.Recipients) == 0 {
			r.wrong(v, "a test needs what to expect: an action, or recipients with their actions")
		}
		cases = append(cases, c)
	}
	return cases
}

// expected reads what is expected of a message.
func (r *reader) expected(t mapping, c *Case) {
	known := append(actionNames(), "defer")
	check := func(n ast.Node, s string) {
		if !contains(known, s) {
			r.wrong(n, "%q is not an action%s", s, didYouMean(s, known))
		}
	}
	if t.has("expect") {
		check(t.keys["expect"], c.Expect)
	}
	if t.has("recipients") {
		per, _ := r.mapping(t.keys["recipients"], "recipients")
		c.Recipients = map[string]string{}
		for address := range per.keys {
			c.Recipients[mail.Address(address).Fold()] = per.text(address)
			check(per.keys[address], per.text(address))
		}
	}
	if t.has("rules") {
		c.Rules = append([]string{}, plain(t.texts("rules"))...)
	}
	if t.has("headers") {
		fields, _ := r.mapping(t.keys["headers"], "headers")
		c.Headers = map[string]string{}
		for name := range fields.keys {
			c.Headers[name] = fields.text(name)
		}
	}
	if t.has("notify") {
		notify := t.flag("notify")
		c.Notify = &notify
	}
	if ends := []string{string(EndRefuse), string(EndRelease), string(EndReleaseEncrypted)}; t.has("then") &&
		!contains(ends, string(c.Then)) {
		r.wrong(t.keys["then"], "%q is not an end of a hold (refuse, release, release-encrypted)%s", c.Then, didYouMean(string(c.Then), ends))
	}
	if t.has("known") {
		c.Known = []mail.Address{}
		for _, a := range plain(t.texts("known")) {
			c.Known = append(c.Known, mail.Address(a))
		}
	}
	c.Alone = t.has("alone") && t.flag("alone")
	if t.has("now") {
		now, err := time.Parse(time.RFC3339, t.text("now"))
		if err != nil {
			r.wrong(t.keys["now"], "now is a time such as 2026-11-23T14:30:00Z")
		}
		c.Now = now
	}
}

// expectations is the file of an archive that says what is expected.
const expectations = "expect.yaml"

// ReadArchive reads an archive of tests: messages and a file expect.yaml, a
// list of tests in the form of a policy's. What stands before the first file
// is a comment. Line ends of messages become those of mail.
func ReadArchive(name string, data []byte) ([]Case, error) {
	if len(data) > maxCase {
		return nil, fmt.Errorf("policy: %s is larger than 64 MiB", name)
	}
	archive := txtar.Parse(data)
	messages := map[string][]byte{}
	var expect []byte
	for _, f := range archive.Files {
		if f.Name == expectations {
			expect = f.Data
			continue
		}
		if _, twice := messages[f.Name]; twice {
			return nil, fmt.Errorf("policy: %s: the file %s is there twice", name, f.Name)
		}
		messages[f.Name] = bytes.ReplaceAll(bytes.ReplaceAll(f.Data, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	if expect == nil {
		return nil, fmt.Errorf("policy: %s: there is no file %q that says what is expected", name, expectations)
	}
	r := &reader{file: name}
	var cases []Case
	for _, doc := range r.documents(expect) {
		seq, ok := doc.(*ast.SequenceNode)
		if !ok {
			r.wrong(doc, "%s is a list of tests: - { mail: a.eml, expect: hold }", expectations)
			continue
		}
		cases = append(cases, r.caseList(seq, place{file: name})...)
	}
	above := bytes.Count(data[:max(bytes.Index(data, []byte("-- "+expectations+" --")), 0)], []byte("\n")) + 1
	for i := range r.mistakes {
		r.mistakes[i].Line += above
	}
	for i := range cases {
		cases[i].place.line += above
		if cases[i].Alone && cases[i].Policy == "" {
			r.mistakes = append(r.mistakes, Mistake{File: name, Line: cases[i].place.line, Column: 1,
				Text: "a test that is judged alone names its policy"})
		}
		message, ok := messages[cases[i].Mail]
		if !ok {
			r.mistakes = append(r.mistakes, Mistake{File: name, Line: cases[i].place.line, Column: 1,
				Text: fmt.Sprintf("there is no message %q in the archive%s", cases[i].Mail, didYouMean(cases[i].Mail, keys(messages)))})
		}
		cases[i].message = message
	}
	if len(r.mistakes) > 0 {
		return nil, Mistakes(r.mistakes).sorted()
	}
	return cases, nil
}

// details checks what a case expects besides the action; "" when it is so.
func (c Case) details(v Verdict, r RecipientVerdict) string {
	switch {
	case c.Rules != nil && !slices.Equal(c.Rules, r.Rules):
		return fmt.Sprintf("rules %s, got %s", enumerated(c.Rules), enumerated(r.Rules))
	case c.Notify != nil && *c.Notify != r.Notify:
		return fmt.Sprintf("notify %t, got %t", *c.Notify, r.Notify)
	case len(c.Redirect) > 0 && !sameAddresses(c.Redirect, r.Redirect):
		return fmt.Sprintf("redirect %s, got %s", enumerated(c.Redirect), enumerated(r.Redirect))
	case len(c.Copy) > 0 && !sameAddresses(c.Copy, r.Copy):
		return fmt.Sprintf("copy %s, got %s", enumerated(c.Copy), enumerated(r.Copy))
	}
	for _, name := range keys(c.Headers) {
		i := slices.IndexFunc(r.Headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
		got := ""
		if i >= 0 {
			got = r.Headers[i].Value
		}
		if got != c.Headers[name] {
			return fmt.Sprintf("header %s: %q, got %q", name, c.Headers[name], got)
		}
	}
	return c.hold(r.Hold)
}

func (c Case) hold(h *Hold) string {
	if h == nil {
		h = &Hold{}
	}
	switch {
	case len(c.Approvers) > 0 && !slices.Equal(c.Approvers, h.Approvers):
		return fmt.Sprintf("approvers %s, got %s", enumerated(c.Approvers), enumerated(h.Approvers))
	case c.For != 0 && c.For != h.For:
		return fmt.Sprintf("for %s, got %s", c.For, h.For)
	case c.Then != "" && c.Then != h.Then:
		return fmt.Sprintf("then %s, got %q", c.Then, h.Then)
	}
	return ""
}

func enumerated[S ~string](list []S) string {
	if len(list) == 0 {
		return "none"
	}
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

func sameAddresses(want []string, got []mail.Address) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if mail.Address(want[i]).Fold() != got[i].Fold() {
			return false
		}
	}
	return true
}
