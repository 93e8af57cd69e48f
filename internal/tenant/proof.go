package tenant

import (
	"fmt"
	"net/netip"
	"strings"

	"postern.dev/postern/internal/settings"
)

// minSecret is what a value needs to be a secret: 16 characters of the
// alphabet below are 96 bits.
const (
	minSecret = 16
	maxSecret = 256
	alphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

func (b *builder) secrets(t *Tenant, c Config) {
	t.Secret = b.values(c.Secret, t.Preset.Form, "secret")
	t.Mark = b.values(c.Mark, "", "mark")
	if t.Preset.Tenant != "" && len(c.Secret) == 0 {
		b.add("no secret", "the tenant header "+t.Preset.Tenant+" proves nothing without one", "secret")
	}
	if t.Preset.Checked != "" && t.Preset.CheckedValue == "" && len(c.Mark) == 0 {
		b.add("no mark", "without it Exchange's rule cannot tell returned mail, and loops", "mark")
	}
	for _, m := range t.Mark {
		if oneOf(t.Secret, m) {
			b.add("a mark equals a secret", "the mark travels in mail; make a new one", "mark")
		}
	}
}

// values reads current and next. The values of other products are theirs to
// choose, as long as their form can carry them.
func (b *builder) values(list []string, form TenantForm, key string) []string {
	var got []string
	if len(list) > 2 {
		b.add("more than two values", "current and next", key)
	}
	theirs := form == FormValue || form == FormAvanan
	for _, s := range list {
		v, err := settings.Resolve(s, b.dir)
		switch {
		case err != nil && b.offline:
		case err != nil:
			b.add(err.Error(), "", key)
		case v == "":
			b.add("a value is empty", "postern tenant rotate makes a good one", key)
		case len(v) > maxSecret:
			b.add("a value is longer than 256 characters", "", key)
		case !theirs && len(v) < minSecret:
			b.add("a value is shorter than 16 characters", "postern tenant rotate makes a good one", key)
		case !theirs && strings.Trim(v, alphabet) != "":
			b.add("a value has characters other than letters, digits, - and _", "a rule's pattern must match it as it is", key)
		case theirs && !plain(v, form):
			b.add("a value cannot stand in the tenant header",
				"printable characters without outer blanks; avanan: no comma", key)
		default:
			got = append(got, v)
		}
	}
	return got
}

func plain(v string, form TenantForm) bool {
	for _, c := range []byte(v) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return strings.TrimSpace(v) == v && (form != FormAvanan || !strings.Contains(v, ","))
}

// proof asks for entra_tenant where nothing else would tell this tenant from
// any other customer of Exchange Online.
func (b *builder) proof(t *Tenant, c Config) {
	if t.EntraTenant != "" {
		if t.Switches.WithoutEntraTenant {
			b.add("entra_tenant is set", "remove the switch", "switches", "without_entra_tenant")
		}
		return
	}
	if t.Switches.WithoutEntraTenant || c.EntraTenant != "" {
		return
	}
	why := ""
	short := false
	for _, s := range t.Secret {
		short = short || len(s) < minSecret
	}
	switch {
	case t.Preset.Tenant == "":
		why = "the preset " + t.Preset.Name + " has no tenant header"
	case short:
		why = "a tenant header of less than 16 characters is no secret"
	case len(t.journal) > 0:
		why = "journal reports carry no tenant header"
	case len(t.own) > 0:
		why = "mail to own addresses carries no tenant header"
	default:
		return
	}
	b.add("is missing: "+why+", so any customer of Exchange Online could act as this tenant",
		"its id stands in the Entra admin center; or set switches.without_entra_tenant", "entra_tenant")
}

func (b *builder) peers(t *Tenant, c Config, published *Published) {
	ex := c.Peers.Exchange
	switch {
	case ex.Networks == nil:
		ex.Networks = Networks{microsoft}
	case len(ex.Networks) == 0:
		b.add("an empty list lets nobody in", "write microsoft, or prefixes", "peers", "exchange", "networks")
	}
	t.exchange = b.networks(ex.Networks, published, "peers", "exchange", "networks")
	t.names = []string{"mail.protection.outlook.com", "*.mail.protection.outlook.com", "*.outbound.protection.outlook.com"}
	if ex.Names != nil {
		t.names = b.certificateNames(ex.Names, "peers", "exchange", "names")
	}
	t.certificate = ex.Certificate
	b.need(&t.certificate, Optional, "peers", "exchange", "certificate")
	for _, o := range c.Peers.Other {
		b.other(t, o)
	}
}

// other: the address and the certificate of such a server are all that
// proves the tenant, so neither may be Exchange Online's, which every tenant
// shares.
func (b *builder) other(t *Tenant, o OtherPeer) {
	names := b.certificateNames([]string{o.Certificate}, "peers", "other")
	if len(o.Networks) == 0 {
		b.add("another server needs its networks", "", "peers", "other")
	}
	for _, s := range o.Networks {
		if s == microsoft {
			b.add("Microsoft's addresses are those of every tenant", "list the server's own", "peers", "other")
			return
		}
	}
	for _, n := range names {
		if nameMatches(n, t.names) || strings.HasSuffix(n, ".outlook.com") {
			b.add(fmt.Sprintf("%s is a name of Exchange Online, which every tenant has", n),
				"name the server's own certificate", "peers", "other")
			return
		}
		t.other = append(t.other, otherPeer{networks: b.networks(o.Networks, nil, "peers", "other"), certificate: n})
	}
}

// certificateNames checks names that a certificate must carry. A wildcard
// below a single label would be everybody's.
func (b *builder) certificateNames(list []string, path ...string) []string {
	var got []string
	if len(list) == 0 {
		b.add("an empty list lets nobody in", "leave it out for Exchange Online's names", path...)
	}
	for _, s := range list {
		name := foldDomain(s)
		if plain, _ := strings.CutPrefix(name, "*."); !isDomain(plain) {
			b.add(fmt.Sprintf("%q is no name of a certificate", s), "a DNS name like mta.contoso.example", path...)
			continue
		}
		got = append(got, name)
	}
	return got
}

// microsoft is the word for the published list.
const microsoft = "microsoft"

func (b *builder) networks(list Networks, published *Published, path ...string) networkList {
	var n networkList
	for _, s := range list {
		if s == microsoft {
			n.published = published
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			if a, err2 := netip.ParseAddr(s); err2 == nil {
				p, err = a.Prefix(a.BitLen())
			}
		}
		if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 { // addresses are compared unmapped
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		switch {
		case err != nil:
			b.add(fmt.Sprintf("%q is no network", s), "write microsoft, or a prefix like 203.0.113.0/29", path...)
		case tooWide(p):
			b.add(fmt.Sprintf("%q is wider than one organization", s), "list the prefixes that are meant", path...)
		default:
			n.fixed = append(n.fixed, p.Masked())
		}
	}
	return n
}
