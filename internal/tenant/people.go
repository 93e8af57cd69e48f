package tenant

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/settings"
)

// People says where the tenant's directory comes from and when it is too old.
type People struct {
	// File is the absolute path; "" for a tenant without a directory.
	File string
	// Place is the key that names the file, as "file:line:column".
	Place string
	// Stale is the age above which it is too old.
	Stale time.Duration
	// Strict says that nothing is known from a directory that is too old.
	Strict bool
}

// staleAfter is the age above which a directory is too old where the tenant
// says nothing: a long weekend without a synchronization.
const staleAfter = 72 * time.Hour

// ContactsKept is how long a contact is remembered where the tenant says
// nothing.
const ContactsKept = 180 * 24 * time.Hour

func (b *builder) people(t *Tenant, c Config) {
	t.People = People{Stale: c.DirectoryStale}
	if c.Directory != "" {
		t.People.File = settings.Path(c.Directory, b.dir)
		at := b.doc.Place("", "", "directory")
		t.People.Place = fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)
	}
	if strings.HasPrefix(c.Directory, "env:") {
		b.add("must be a file", "write for example file:./contoso.directory", "directory")
	}
	switch {
	case t.People.Stale == 0:
		t.People.Stale = staleAfter
	case t.People.Stale < 0:
		b.add("is negative", "write for example 72h", "directory_stale")
	}
	switch t.Switches.StaleDirectory {
	case "":
		t.Switches.StaleDirectory = StaleUse
	case StaleUse, StaleUnknown:
	default:
		b.add(fmt.Sprintf("%q is unknown", t.Switches.StaleDirectory), "write use or unknown", "switches", "stale_directory")
	}
	t.Contacts = c.Contacts
	switch {
	case t.Contacts.Keep == 0:
		t.Contacts.Keep = ContactsKept
	case t.Contacts.Keep < 0:
		b.add("is negative", "write for example 4320h, or off: true", "contacts", "keep")
	}
	t.People.Strict = t.Switches.StaleDirectory == StaleUnknown
}

// Accepted lists the accepted domains as the tenant's file writes them:
// "*.contoso.example" is all below contoso.example.
func (t *Tenant) Accepted() []string {
	list := slices.Clone(t.Domains)
	for _, p := range t.parents {
		list = append(list, "*."+p)
	}
	return list
}
