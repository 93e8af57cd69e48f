package tenant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/settings"
)

// console reads the host name that people see in the links of our mails, and
// behind the @ of our own addresses.
func (b *builder) console(t *Tenant, c Config, standard string) {
	name := foldDomain(cmp.Or(c.Console, standard))
	switch {
	case name == "":
		return
	case !isDomain(name):
		b.add(fmt.Sprintf("%q is no host name", c.Console), "write for example mail.contoso.example", "console")
		return
	case slices.Contains(t.Domains, name):
		b.add("is an accepted domain, so that mail to it is for people", "write a name of its own, e.g. mail."+name, "console")
		return
	}
	t.Console = name
}

// sign reads the key with which our mails to the tenant's people are signed.
func (b *builder) sign(t *Tenant, c Config) {
	s := c.Notices.Sign
	if s == (Seal{}) {
		return
	}
	domain := foldDomain(s.Domain)
	if !t.OwnsDomain(domain) {
		b.add(fmt.Sprintf("%q is no domain of this tenant", s.Domain), "name one of its accepted domains: From is an address in it",
			"notices", "sign", "domain")
		return
	}
	key, err := settings.Resolve(s.Key, b.dir)
	if err != nil {
		if !b.offline {
			b.add(err.Error(), "", "notices", "sign", "key")
		}
		return
	}
	signer, err := senderauth.NewSigner(domain, s.Selector, []byte(key))
	if err != nil {
		b.add(strings.TrimPrefix(err.Error(), "senderauth: "), "", "notices", "sign")
		return
	}
	t.Signer = signer
}

// administrators reads who is told of what went wrong.
func (b *builder) administrators(t *Tenant, c Config) {
	for _, s := range c.Notices.Administrators {
		a, err := mail.ParseAddress(s)
		if err != nil || !t.Owns(a) {
			b.add(fmt.Sprintf("%q is no address of this tenant", s), "name people in one of its accepted domains",
				"notices", "administrators")
			continue
		}
		if !slices.Contains(t.Administrators, a) {
			t.Administrators = append(t.Administrators, a)
		}
	}
}

// Ours reports whether an address is one of Postern itself, for one tenant or
// for several that share a console name.
func (s *Snapshot) Ours(a mail.Address) bool {
	_, kind, ok := s.Special(a)
	return ok && kind == OwnAddress || len(s.sharedBy(a)) > 0
}

// sharedBy are the tenants that share the console name of an address.
func (s *Snapshot) sharedBy(a mail.Address) []*Tenant {
	if list := s.consoles[foldDomain(a.Domain())]; len(list) > 1 {
		return list
	}
	return nil
}

// untagged is an address without what stands behind + in its local part.
func untagged(a mail.Address) (mail.Address, bool) {
	local, domain := a.Local(), a.Domain()
	if i := strings.IndexByte(local, '+'); i > 0 {
		return mail.Address(local[:i] + "@" + domain), true
	}
	return a, false
}
