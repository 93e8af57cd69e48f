package tenant

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// maxName is the longest header name that can be one of ours.
const maxName = 64

// foldInto writes a header name in lower case into buf, so that the fields
// of a long header cost no memory; nil for a name that is too long.
func foldInto(buf *[maxName]byte, name string) []byte {
	if len(name) > maxName {
		return nil
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(name)]
}

// found is what the tenant headers of a message say.
type found struct {
	t       *Tenant
	dir     mail.Direction
	monitor bool
	// wrong is the name of a product's header that carries nobody's secret
	// here. It may be that of the same product used elsewhere.
	wrong string
}

// headers is the index of tenant headers by name.
type headers struct {
	// ids is set when a tenant's header of this name begins with its id.
	ids bool
	// values and portals find the tenant by the hash of its secret, so that
	// neither the number of tenants nor the secret shows in the time taken.
	values, portals map[[sha256.Size]byte]*Tenant
}

// index enters the tenant's header.
func (s *Snapshot) index(t *Tenant) {
	if t.Preset.Tenant == "" {
		return
	}
	x := s.headers[fold(t.Preset.Tenant)]
	if x == nil {
		x = &headers{values: map[[sha256.Size]byte]*Tenant{}, portals: map[[sha256.Size]byte]*Tenant{}}
		s.headers[fold(t.Preset.Tenant)] = x
	}
	for _, secret := range t.Secret {
		switch t.Preset.Form {
		case FormValue:
			x.values[sha256.Sum256([]byte(secret))] = t
		case FormAvanan:
			x.portals[sha256.Sum256([]byte(secret))] = t
		}
	}
	x.ids = x.ids || t.Preset.Form == FormPostern
}

// byHeader looks for a tenant header of any tenant here. One of the house's
// form that matches nobody is a refusal: a wrong secret must not fall back
// to weaker facts. One of a product's form may belong to that product.
func (s *Snapshot) byHeader(h *mail.Header) (found, *Refusal) {
	var got found
	var buf [maxName]byte
	for _, f := range h.Fields() {
		x := s.headers[string(foldInto(&buf, f.Name))]
		if x == nil {
			continue
		}
		v := h.Value(f)
		t, r := s.namedBy(x, f.Name, v)
		switch {
		case r != nil:
			if n := len(h.All(f.Name)); n > 1 {
				r = refusal(nil, 550, problem.DoubledFact, "tenant-header", fmt.Sprintf("the header %s stands %d times", f.Name, n))
			}
			return found{}, r
		case t == nil:
			got.wrong = f.Name
			continue
		case got.t != nil && got.t != t:
			return found{}, refusal(nil, 550, problem.DoubledFact, "tenant-header", "the message carries headers of two tenants")
		}
		got.t = t
		_, got.dir, got.monitor, _ = t.readHeader(v)
	}
	return got, nil
}

// namedBy is the tenant whose header a value is; nil when a product's form
// matches nobody.
func (s *Snapshot) namedBy(x *headers, name, v string) (*Tenant, *Refusal) {
	if t := x.values[sha256.Sum256([]byte(v))]; t != nil {
		return t, nil
	}
	portal, _, _ := strings.Cut(v, ",")
	if t := x.portals[sha256.Sum256([]byte(strings.TrimSpace(portal)))]; t != nil {
		return t, nil
	}
	if !x.ids {
		return nil, nil
	}
	id, _, _ := strings.Cut(v, ";")
	t := s.byID[strings.TrimSpace(id)]
	if t == nil {
		return nil, refusal(nil, 451, problem.UnknownTenant, "tenant-header",
			"the header "+name+" names no tenant of this installation")
	}
	if !strings.EqualFold(t.Preset.Tenant, name) || t.Preset.Form != FormPostern {
		return nil, refusal(nil, 550, problem.WrongSecret, "tenant-header",
			"the header "+name+" is not the one of the tenant that it names")
	}
	if r := t.wrongHeader(v); r != nil {
		return nil, r
	}
	return t, nil
}

// readHeader reads a value of the tenant header. ok is set when it is this
// tenant's; id is what the value claims, "" where the form has no id.
func (t *Tenant) readHeader(v string) (id string, dir mail.Direction, monitor, ok bool) {
	v = strings.TrimSpace(v)
	switch t.Preset.Form {
	case FormPostern:
		part := split(v, ";")
		if len(part) != 4 || part[2] != "out" && part[2] != "in" || part[3] != "inline" && part[3] != "monitor" {
			return part[0], "", false, false
		}
		ok = oneOf([]string{t.ID}, part[0]) && oneOf(t.Secret, part[1])
		return part[0], mail.Direction(part[2]), part[3] == "monitor", ok
	case FormValue:
		return "", "", false, oneOf(t.Secret, v)
	case FormAvanan:
		part := split(v, ",")
		dir = mail.In
		if contains(part[1:], "sent") {
			dir = mail.Out
		}
		return "", dir, !contains(part[1:], "inline"), oneOf(t.Secret, part[0])
	}
	return "", "", false, false
}

func split(v, by string) []string {
	part := strings.Split(v, by)
	for i := range part {
		part[i] = strings.TrimSpace(part[i])
	}
	return part
}

// wrongHeader says what is wrong with a value of the tenant's header.
func (t *Tenant) wrongHeader(v string) *Refusal {
	id, _, _, ok := t.readHeader(v)
	name := t.Preset.Tenant
	switch {
	case ok:
		return nil
	case t.Preset.Form != FormPostern:
		return refusal(t, 550, problem.WrongSecret, "tenant-header", "the header "+name+" does not carry the tenant's secret")
	case id != t.ID:
		return refusal(t, 550, problem.WrongSecret, "tenant-header", "the header "+name+" names another tenant")
	case !wellFormed(v):
		return refusal(t, 550, problem.WrongSecret, "tenant-header",
			"the header "+name+" is not of the form <tenant id>;<secret>;<out|in>;<inline|monitor>")
	}
	return refusal(t, 550, problem.WrongSecret, "tenant-header", "the header "+name+" does not carry the tenant's secret")
}

func wellFormed(v string) bool {
	part := split(v, ";")
	return len(part) == 4 && (part[2] == "out" || part[2] == "in") && (part[3] == "inline" || part[3] == "monitor")
}

// proven reports whether the message carries the tenant's header exactly
// once and with its secret.
func (c *claim) proven() bool {
	if c.t.Preset.Tenant == "" {
		return false
	}
	values := c.h.Values(c.t.Preset.Tenant)
	if len(values) != 1 {
		return false
	}
	_, _, _, ok := c.t.readHeader(values[0])
	return ok
}
