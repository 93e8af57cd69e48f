package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

func (p *program) directoryVerb() *cobra.Command {
	return p.group("directory", "Who is who in a tenant",
		p.directoryShowVerb(), p.directoryWhoVerb(), p.directoryExpandVerb(), p.directoryImportVerb())
}

// directoryForm is a line of directory show --json.
type directoryForm struct {
	Tenant     string         `json:"tenant"`
	File       string         `json:"file"`
	State      string         `json:"state"`
	Age        string         `json:"age,omitempty"`
	Generated  time.Time      `json:"generated,omitzero"`
	Source     string         `json:"source,omitempty"`
	Entries    directory.Size `json:"entries"`
	Unresolved int            `json:"unresolved"`
	Domains    []string       `json:"foreign_domains,omitempty"`
	Mistakes   []string       `json:"mistakes,omitempty"`
}

func (p *program) directoryShowVerb() *cobra.Command {
	var id string
	cmd := p.verb("show", "Show the directories: how old they are, and what they hold", takes(0, 0, ""), nil)
	cmd.Long = "1: a directory is too old, or its file cannot be read."
	cmd.Flags().StringVar(&id, "tenant", "", "only of this tenant")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, list, err := p.withDirectory(cmd, id)
		if err != nil {
			return err
		}
		var bad []string
		var rows [][]cell
		for _, t := range list {
			f := directoryFormOf(c, t, time.Now())
			if f.State != "in force" {
				bad = append(bad, f.Tenant)
			}
			if p.json {
				if err := p.document(f); err != nil {
					return err
				}
				continue
			}
			color := green
			if f.State != "in force" {
				color = yellow
			}
			rows = append(rows, []cell{
				{f.Tenant, plain}, {f.State, color}, {f.Age, plain}, {many(f.Entries.Users, "user"), plain},
				{many(f.Entries.Groups, "group"), plain}, {many(f.Entries.Contacts, "contact"), plain},
				{fmt.Sprintf("%d incomplete", f.Entries.Incomplete), plain}, {f.Source, plain},
			})
			for _, m := range f.Mistakes {
				p.note("%s", m)
			}
			if len(f.Domains) > 0 {
				p.note("the directory of %s lists domains that are not under domains: %s", f.Tenant, strings.Join(f.Domains, ", "))
			}
		}
		if !p.json {
			p.table([]string{"tenant", "state", "age", "users", "groups", "contacts", "members", "source"}, rows)
		}
		if len(bad) > 0 {
			return red("not all right: the directory of %s", strings.Join(bad, ", "))
		}
		return nil
	}
	return p.withConfig(cmd)
}

func directoryFormOf(c *app.Config, t *tenant.Tenant, now time.Time) directoryForm {
	d, bad := app.DirectoryOf(c, t)
	f := directoryForm{Tenant: t.ID, File: t.People.File, State: "in force"}
	for _, m := range bad {
		f.Mistakes = append(f.Mistakes, m.String())
	}
	switch {
	case d == nil:
		f.State = "none"
		return f
	case len(bad) > 0:
		f.State = "the last good one"
	case d.Stale(now):
		f.State = "too old"
	}
	f.Age, f.Generated, f.Source = ageOf(d.Age(now)), d.Generated, d.Source
	f.Entries, f.Unresolved = d.Size(), d.Unresolved
	for _, name := range d.Domains {
		if !t.OwnsDomain(name) {
			f.Domains = append(f.Domains, name)
		}
	}
	return f
}

// ageOf is an age for people.
func ageOf(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days >= 2 {
		return many(days, "day")
	}
	return d.Round(time.Minute).String()
}

// withDirectory lists the tenants that have a directory: the named one, or all.
func (p *program) withDirectory(cmd *cobra.Command, id string) (*app.Config, []*tenant.Tenant, error) {
	c, err := p.load()
	if err != nil {
		return nil, nil, err
	}
	s, err := p.inForce(cmd)
	if err != nil {
		return nil, nil, err
	}
	var list []*tenant.Tenant
	var known []string
	for _, t := range s.Tenants.Tenants() {
		known = append(known, t.ID)
		if t.People.File != "" && (id == "" || t.ID == id) {
			list = append(list, t)
		}
	}
	switch {
	case len(list) > 0:
		return c, list, nil
	case id == "":
		return nil, nil, wrong("no tenant has a directory; name its file in the tenant's file: directory: file:./contoso.directory")
	case slices.Contains(known, id):
		return nil, nil, wrong("tenant %s has no directory; name its file in the tenant's file: directory: file:./%s.directory", id, id)
	}
	return nil, nil, wrong("no tenant is called %q; %s", id, settings.Nearest(id, known))
}

// lookUp finds an entry in the directory of one tenant. Without a tenant it is
// the one that owns the domain, or the only one with a directory: no other is
// asked.
func (p *program) lookUp(cmd *cobra.Command, id, name string) (e directory.Entry, err error) {
	c, list, err := p.withDirectory(cmd, id)
	if err != nil {
		return e, err
	}
	t := list[0]
	if len(list) > 1 {
		i := slices.IndexFunc(list, func(t *tenant.Tenant) bool { return t.Owns(mail.Address(name)) })
		if i < 0 {
			return e, wrong("several tenants have a directory, and none of them owns the domain of %q; say --tenant", name)
		}
		t = list[i]
	}
	d, bad := app.DirectoryOf(c, t)
	for _, m := range bad {
		p.note("%s", m)
	}
	if d == nil {
		return e, wrong("there is no directory of tenant %s", t.ID)
	}
	e, found := d.Find(mail.Address(name))
	if !found {
		if e, found = d.Group(name); !found {
			return e, red("the directory of %s does not know %q; it is %s", t.ID, name, side(d.Inside(mail.Address(name))))
		}
	}
	return e, nil
}

func side(inside bool) string {
	if inside {
		return "inside, by its domain"
	}
	return "outside"
}

// whoForm is the form of directory who --json.
type whoForm struct {
	Kind       string           `json:"kind"`
	Address    mail.Address     `json:"address"`
	Aliases    []mail.Address   `json:"aliases,omitempty"`
	ID         string           `json:"id,omitempty"`
	Name       string           `json:"name,omitempty"`
	Inside     bool             `json:"inside"`
	Guest      bool             `json:"guest,omitempty"`
	Disabled   bool             `json:"disabled,omitempty"`
	Shared     bool             `json:"shared,omitempty"`
	Department string           `json:"department,omitempty"`
	Language   string           `json:"language,omitempty"`
	Manager    mail.Address     `json:"manager,omitempty"`
	Delegates  []string         `json:"delegates,omitempty"`
	Forward    []mail.Address   `json:"forward,omitempty"`
	External   mail.Address     `json:"external,omitempty"`
	Groups     []string         `json:"groups"`
	Reaches    *directory.Count `json:"reaches,omitempty"`
}

func (p *program) directoryWhoVerb() *cobra.Command {
	var id string
	cmd := p.verb("who ADDRESS", "Say what the directory knows of an address", takes(1, 1, "an address"), nil)
	cmd.Long = "1: the directory does not know it."
	cmd.Flags().StringVar(&id, "tenant", "", "ask the directory of this tenant")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := p.lookUp(cmd, id, args[0])
		if err != nil {
			return err
		}
		f := whoForm{
			Kind: e.Kind().String(), Address: e.Address(), Aliases: e.Aliases(), ID: e.ID(), Name: e.Name(), Inside: e.Inside(),
			Guest: e.Guest(), Disabled: e.Disabled(), Shared: e.Shared(), Department: e.Department(), Language: e.Language(),
			Forward: e.Forward(), External: e.External(), Groups: []string{},
		}
		if m, ok := e.Manager(); ok {
			f.Manager = m.Address()
		}
		for _, x := range e.Delegates() {
			f.Delegates = append(f.Delegates, x.Label())
		}
		var ways []string
		for _, g := range e.Within() {
			if g != e {
				f.Groups = append(f.Groups, g.Names()[0])
				ways = append(ways, e.Words(g))
			}
		}
		if e.Kind() == directory.Group {
			c := e.Count()
			f.Reaches = &c
		}
		if p.json {
			return p.document(f)
		}
		p.who(f, ways)
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) who(f whoForm, ways []string) {
	p.line(p.paint(bold, oneLine(string(f.Address))) + printable("  "+f.Name))
	flags := []string{f.Kind, "outside"}
	if f.Inside {
		flags[1] = "inside"
	}
	for _, x := range []struct {
		is   bool
		word string
	}{{f.Guest, "guest"}, {f.Disabled, "may not sign in"}, {f.Shared, "shared"}} {
		if x.is {
			flags = append(flags, x.word)
		}
	}
	reaches := ""
	if f.Reaches != nil {
		reaches = f.Reaches.String()
	}
	for _, row := range [][2]string{
		{"is", strings.Join(flags, ", ")}, {"id", f.ID}, {"aliases", joined(f.Aliases)}, {"department", f.Department},
		{"language", f.Language}, {"manager", string(f.Manager)}, {"delegates", strings.Join(f.Delegates, ", ")},
		{"forwarded to", joined(f.Forward)}, {"mail goes to", string(f.External)}, {"reaches", reaches},
	} {
		if row[1] != "" {
			p.line(fmt.Sprintf("  %-13s", row[0]) + oneLine(row[1]))
		}
	}
	for i, w := range ways {
		name := ""
		if i == 0 {
			name = "groups"
		}
		p.line(fmt.Sprintf("  %-13s", name) + oneLine(w))
	}
}

func joined(list []mail.Address) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = string(a)
	}
	return strings.Join(words, ", ")
}

// memberForm is a line of directory expand --json.
type memberForm struct {
	Address mail.Address `json:"address"`
	Name    string       `json:"name,omitempty"`
	Inside  bool         `json:"inside"`
	Via     []string     `json:"via"`
}

func (p *program) directoryExpandVerb() *cobra.Command {
	var id string
	cmd := p.verb("expand GROUP", "List whom mail to a group reaches, and by which way", takes(1, 1, "the address of a group"), nil)
	cmd.Flags().StringVar(&id, "tenant", "", "ask the directory of this tenant")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := p.lookUp(cmd, id, args[0])
		if err != nil {
			return err
		}
		if e.Kind() != directory.Group {
			return wrong("%s is a %s and no group; see postern directory who %s", args[0], e.Kind(), args[0])
		}
		var rows [][]cell
		for _, m := range e.Expand() {
			f := memberForm{Address: m.Entry.Address(), Name: m.Entry.Name(), Inside: m.Entry.Inside(), Via: []string{}}
			for _, g := range m.Via {
				f.Via = append(f.Via, g.Label())
			}
			if p.json {
				if err := p.document(f); err != nil {
					return err
				}
				continue
			}
			where := cell{"inside", plain}
			if !f.Inside {
				where = cell{"outside", yellow}
			}
			rows = append(rows, []cell{{string(f.Address), plain}, where, {f.Name, plain}, {strings.Join(f.Via, ", "), plain}})
		}
		if !p.json {
			p.table([]string{"address", "side", "name", "via"}, rows)
		}
		p.note("%s: %s", e.Label(), e.Count())
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) directoryImportVerb() *cobra.Command {
	var id, out, source, generated string
	cmd := p.verb("import FILE.csv...", "Make a directory file out of CSV", takes(1, -1, "files in CSV"), nil)
	cmd.Long = "The first line of each file names the columns, as docs/reference/directory.md does, or as Exchange's and Graph's\n" +
		"exports do. The result goes to standard output, or is put in the place of a file at once."
	cmd.Flags().StringVar(&id, "tenant", "", "the id of the tenant (needed)")
	cmd.Flags().StringVar(&out, "out", "", "the file to write, e.g. tenants/contoso.directory")
	cmd.Flags().StringVar(&source, "source", "", "what to call the source")
	cmd.Flags().StringVar(&generated, "generated", "", "when the source said so, e.g. 2026-11-22T06:00:00Z (default: when the oldest file was changed)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if id == "" {
			return wrong("say whose directory it is: --tenant ID")
		}
		head := directory.Line{Tenant: id, Source: cmp.Or(source, strings.Join(args, ", "))}
		var err error
		if head.Generated, err = importTime(generated, args); err != nil {
			return err
		}
		return p.importCSV(head, out, args)
	}
	return cmd
}

// importTime is when the source said what the files hold: as given, or when
// the oldest of them was written.
func importTime(given string, files []string) (at time.Time, err error) {
	if given != "" {
		if at, err = time.Parse(time.RFC3339, given); err != nil {
			return at, wrong("%q is not a time; write for example 2026-11-22T06:00:00Z", given)
		}
		return at, nil
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return at, wrong("%v", err)
		}
		if at.IsZero() || info.ModTime().Before(at) {
			at = info.ModTime().UTC().Truncate(time.Second)
		}
	}
	return at, nil
}

func (p *program) importCSV(head directory.Line, out string, files []string) error {
	n := 0
	entries := func(yield func(directory.Line) error) error {
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				return wrong("%v", err)
			}
			err = directory.Import(f, func(l directory.Line) error {
				n++
				return yield(l)
			})
			_ = f.Close() // it was only read
			if err != nil {
				return wrong("%s: %v", name, err)
			}
		}
		return nil
	}
	var text strings.Builder
	if err := directory.Write(&text, head, entries); err != nil {
		return err
	}
	// What the gateway would refuse is refused here, with its lines.
	if _, bad := directory.Load(cmp.Or(out, "the result"), strings.NewReader(text.String()), directory.Owner{ID: head.Tenant}); len(bad) > 0 {
		return wrong("%v", bad)
	}
	p.note("%d entries", n)
	if out == "" {
		_, err := io.WriteString(p.out, text.String())
		return err
	}
	dir, err := durable.Open(filepath.Dir(out))
	if err != nil {
		return err
	}
	return dir.WriteFile(filepath.Base(out), []byte(text.String()))
}
