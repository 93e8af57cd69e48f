package directory

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// Version is the version of the file's form.
const Version = 1

// The kinds of lines.
const (
	kindHead    = "directory"
	kindDomain  = "domain"
	kindUser    = "user"
	kindGroup   = "group"
	kindContact = "contact"
	kindEnd     = "end"
)

// Line is one line of a directory file. Which fields a kind has is said in
// docs/reference/directory.md; a field of another kind is a mistake.
type Line struct {
	// Kind is directory (the first line), domain, user, group, contact or end
	// (the last line).
	Kind string `json:"kind"`

	// Of the first line.

	// Version is that of the form, Tenant the id of the tenant that the file
	// is for, Generated when its source said all this, Source a word for
	// people.
	Version   int       `json:"version,omitempty"`
	Tenant    string    `json:"tenant,omitempty"`
	Generated time.Time `json:"generated,omitzero"`
	Source    string    `json:"source,omitempty"`

	// Of domains, users, groups and contacts.

	// ID is the object's id at its source; others may refer to it.
	ID string `json:"id,omitempty"`
	// Name is the displayed name; of a domain, the domain.
	Name string `json:"name,omitempty"`
	// Type is the type of a domain (authoritative, internal-relay,
	// external-relay) or of a group (distribution, security, m365, dynamic).
	Type string `json:"type,omitempty"`
	// Address is the primary address, Aliases the others; the prefixes smtp:
	// and SMTP: of Exchange may stand in front.
	Address string   `json:"address,omitempty"`
	Aliases []string `json:"aliases,omitempty"`

	// Of users.

	Guest      bool   `json:"guest,omitempty"`
	Disabled   bool   `json:"disabled,omitempty"`
	Shared     bool   `json:"shared,omitempty"`
	Department string `json:"department,omitempty"`
	Language   string `json:"language,omitempty"`
	// Manager and Delegates are ids or addresses.
	Manager   string   `json:"manager,omitempty"`
	Delegates []string `json:"delegates,omitempty"`
	// Forward are the addresses to which Exchange forwards the user's mail.
	Forward []string `json:"forward,omitempty"`

	// Of groups.

	// Members are ids or addresses. Where the list is missing, nobody knows
	// them: the group is not empty.
	Members   *[]string `json:"members,omitempty"`
	Moderated bool      `json:"moderated,omitempty"`
	// Hidden is set when Exchange does not show the members.
	Hidden bool `json:"hidden,omitempty"`

	// External is where the mail of a contact goes.
	External string `json:"external,omitempty"`

	// Entries is, on the last line, how many lines stand between it and the
	// first one: a file that was cut off has no such line.
	Entries *int `json:"entries,omitempty"`
}

// Limits of a file. What is above them is a mistake of the file, which is not
// used then.
const (
	maxLine     = 64 << 20 // octets: a group of a million members
	maxEntries  = 2_000_000
	maxMistakes = 20 // that are told at once
	maxText     = 1024
)

// fields are the JSON names that a kind of line may have.
func fields(kind string) []string {
	switch kind {
	case kindHead:
		return []string{"kind", "version", "tenant", "generated", "source"}
	case kindDomain:
		return []string{"kind", "name", "type"}
	case kindUser:
		return []string{"kind", "id", "name", "address", "aliases", "guest", "disabled", "shared", "department", "language",
			"manager", "delegates", "forward"}
	case kindGroup:
		return []string{"kind", "id", "name", "type", "address", "aliases", "members", "moderated", "hidden"}
	case kindContact:
		return []string{"kind", "id", "name", "address", "aliases", "external"}
	case kindEnd:
		return []string{"kind", "entries"}
	}
	return nil
}

var kinds = []string{kindHead, kindDomain, kindUser, kindGroup, kindContact, kindEnd}

// bounds are the limits of a file; tests have smaller ones.
type bounds struct{ line, entries int }

// scan reads the lines of a file and hands them on with their numbers. It
// tells every mistake of form, up to a bound.
func scan(file string, r io.Reader, most bounds, each func(n int, l *Line)) settings.Mistakes {
	var bad settings.Mistakes
	wrong := func(n int, text, suggestion string) {
		bad = append(bad, settings.Mistake{File: file, Line: n, Column: 1, Text: text, Suggestion: suggestion})
	}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, min(64<<10, most.line)), most.line)
	n, entries, ended := 0, 0, false
	for in.Scan() && len(bad) < maxMistakes {
		n++
		text := bytes.TrimSpace(in.Bytes())
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // Windows writes a mark in front
		}
		if len(text) == 0 {
			continue
		}
		var l Line
		switch err := strict(text, &l); {
		case err != nil:
			what, suggestion, _ := strings.Cut(err.Error(), "; ")
			wrong(n, what, suggestion)
			entries++ // it counts, so that the end is not said to be wrong too
		case ended:
			wrong(n, "a line stands after the end", "")
		case entries == 0 && l.Kind != kindHead:
			wrong(n, "the first line must be the head", `{"kind":"directory","version":1,"tenant":"…","generated":"…"}`)
			return bad
		case entries > 0 && l.Kind == kindHead:
			wrong(n, "a second head stands in the file", "")
		case l.Kind == kindEnd:
			ended = true
			if l.Entries == nil || *l.Entries != entries-1 {
				wrong(n, fmt.Sprintf("the end counts other entries than the %d that stand here", entries-1),
					"the file is not whole")
			}
		case entries > most.entries:
			wrong(n, fmt.Sprintf("more than %d entries", most.entries), "")
			return bad
		default:
			entries++
			each(n, &l)
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		wrong(n+1, fmt.Sprintf("the line is longer than %d octets", most.line), "")
	case err != nil:
		wrong(n+1, "the file cannot be read: "+err.Error(), "")
	case len(bad) > 0:
	case n == 0 || entries == 0:
		wrong(1, "the file is empty", "")
	case !ended:
		wrong(n, "the file has no end: it was cut off", fmt.Sprintf(`the last line is {"kind":"end","entries":%d}`, entries-1))
	}
	return bad
}

// strict decodes a line; a field that its kind does not have is a mistake.
func strict(text []byte, l *Line) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(l); err != nil {
		name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
		if unknown {
			name = strings.Trim(name, `"`)
			return fmt.Errorf("there is no field %q; %s", name, settings.Nearest(name, everyField()))
		}
		return notAnEntry(err)
	}
	if d.More() {
		return errors.New("more than one object stands on this line")
	}
	allowed := fields(l.Kind)
	if allowed == nil {
		return fmt.Errorf("there is no kind %q; %s", l.Kind, settings.Nearest(l.Kind, kinds))
	}
	return l.stray(allowed)
}

// notAnEntry says what is wrong with a line in the words of the form, not in
// those of the program.
func notAnEntry(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		want := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a number",
			reflect.Slice: "a list of texts"}[kind.Type.Kind()]
		return fmt.Errorf("the field %q is a %s; it must be %s", kind.Field, kind.Value, cmp.Or(want, "a time like 2026-11-22T06:00:00Z"))
	case errors.As(err, &syntax):
		return fmt.Errorf("this is no entry: %s, at octet %d", strings.TrimPrefix(err.Error(), "json: "), syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("this is no entry: the line was cut off")
	}
	return fmt.Errorf("this is no entry: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// stray finds a field that is set and that the kind does not have.
func (l *Line) stray(allowed []string) error {
	for _, x := range []struct {
		name string
		set  bool
	}{
		{"version", l.Version != 0}, {"tenant", l.Tenant != ""}, {"generated", !l.Generated.IsZero()}, {"source", l.Source != ""},
		{"id", l.ID != ""}, {"name", l.Name != ""}, {"type", l.Type != ""}, {"address", l.Address != ""},
		{"aliases", l.Aliases != nil}, {"guest", l.Guest}, {"disabled", l.Disabled}, {"shared", l.Shared},
		{"department", l.Department != ""}, {"language", l.Language != ""}, {"manager", l.Manager != ""},
		{"delegates", l.Delegates != nil}, {"forward", l.Forward != nil}, {"members", l.Members != nil},
		{"moderated", l.Moderated}, {"hidden", l.Hidden}, {"external", l.External != ""}, {"entries", l.Entries != nil},
	} {
		if !x.set {
			continue
		}
		found := false
		for _, a := range allowed {
			found = found || a == x.name
		}
		if !found {
			return fmt.Errorf("a %s has no field %q", l.Kind, x.name)
		}
	}
	return nil
}

func everyField() (names []string) {
	for _, k := range kinds {
		names = append(names, fields(k)...)
	}
	return names
}

// smtp takes Exchange's prefix off an address; ok is false for an address of
// another kind (X500:, SIP:).
func smtp(s string) (a string, ok bool) {
	prefix, rest, found := strings.Cut(s, ":")
	switch {
	case !found:
		return s, true
	case strings.EqualFold(prefix, "smtp"):
		return rest, true
	}
	return "", false
}

// address reads an address of the file into the form of the index.
func address(s string) (key string, err error) {
	s, ok := smtp(strings.TrimSpace(s))
	if !ok {
		return "", nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return "", fmt.Errorf("%q is not an address", s)
	}
	return a.Key(), nil
}

// Write writes entries as a directory file: the head, what each gives, and
// the end.
func Write(w io.Writer, head Line, each func(yield func(Line) error) error) error {
	out := bufio.NewWriterSize(w, 256<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	head.Kind, head.Version = kindHead, Version
	if err := enc.Encode(head); err != nil {
		return fmt.Errorf("directory: write: %w", err)
	}
	n := 0
	err := each(func(l Line) error {
		n++
		return enc.Encode(l)
	})
	if err == nil {
		err = enc.Encode(Line{Kind: kindEnd, Entries: &n})
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("directory: write: %w", err)
	}
	return nil
}
