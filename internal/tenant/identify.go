package tenant

import (
	"fmt"
	"sort"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Identity is whose mail a message is and what kind of arrival.
type Identity struct {
	Tenant    *Tenant
	Kind      Kind
	Direction mail.Direction
	// Monitor is set when the tenant's rule asks for watching only.
	Monitor bool
	// OOO is set when the tenant's rule says that it is an automatic reply.
	OOO bool
	// Cut are the header fields that never leave us.
	Cut []mail.Range
	// Forged names the fields among them that say something only we may say.
	Forged []string
	// Marked is set when the message carries a valid mark: Exchange routed to
	// us what had been with us already.
	Marked bool
	// External is set for a validation message to the address outside.
	External bool
}

// Refusal is why a message belongs to nobody here.
type Refusal struct {
	// Reply is what the client is told.
	Reply mail.Reply
	// Tenant is the id of the tenant that was claimed, "" if none.
	Tenant string
	// Fact names what did not agree.
	Fact string
	// Code is the operator's problem.
	Code problem.Code
}

func stranger(fact, text string) *Refusal {
	return &Refusal{
		Reply: mail.NewReply(550, "5.7.1", "Refused ("+string(problem.NotYours)+"): "+text),
		Fact:  fact, Code: problem.NotYours,
	}
}

// AtRcpt refuses, before a byte of content, what connection and recipient
// already contradict. A nil answer promises nothing yet.
func (s *Snapshot) AtRcpt(p mail.Peer, from, to mail.Address) *Refusal {
	exchange := s.exchangeOf(p)
	others := s.byNetwork(p)
	if len(exchange) == 0 && len(others) == 0 {
		return stranger("network", fmt.Sprintf("%s is neither Exchange Online nor a server of a tenant", p.Addr.Addr()))
	}
	candidates := append(exchange, others...)
	if t, _, ok := s.Special(to); ok {
		if !hasTenant(candidates, t) {
			return stranger("network", "this address does not take mail from here")
		}
		return s.atServerName(p, t, "")
	}
	for _, t := range candidates {
		if t.Owns(from) || from.Null() || t.Owns(to) || contains(t.external, to.Fold()) {
			if r := s.atServerName(p, t, ""); r == nil {
				return nil
			}
		}
	}
	for _, t := range candidates {
		if t.Owns(from) || t.Owns(to) {
			return s.atServerName(p, t, "")
		}
	}
	return stranger("domain", "neither sender nor recipient is in a domain of a tenant here")
}

// exchangeOf lists the tenants for which a peer may be Exchange Online, with
// a certificate that does not speak against it.
func (s *Snapshot) exchangeOf(p mail.Peer) []*Tenant {
	var list []*Tenant
	for _, t := range s.tenants {
		c := &claim{s: s, t: t, peer: p}
		if fromExchange(c) == nil && certificate(c) == nil {
			list = append(list, t)
		}
	}
	return list
}

func (s *Snapshot) atServerName(p mail.Peer, t *Tenant, dir mail.Direction) *Refusal {
	return serverName(&claim{s: s, t: t, peer: p, dir: dir})
}

func hasTenant(list []*Tenant, t *Tenant) bool {
	for _, x := range list {
		if x == t {
			return true
		}
	}
	return false
}

// Identify says whose message this is, or why it is nobody's.
func (s *Snapshot) Identify(p mail.Peer, env mail.Envelope, h *mail.Header) (Identity, *Refusal) {
	c, refusal := s.find(p, env, h)
	if refusal != nil {
		return Identity{}, refusal
	}
	for _, agrees := range required(c.kind) {
		if r := agrees(c); r != nil {
			if v := s.validation(p, env, h); v != nil {
				return v.identity(), nil
			}
			return Identity{}, r
		}
	}
	return c.identity(), nil
}

// find names the tenant and the kind that a message claims.
func (s *Snapshot) find(p mail.Peer, env mail.Envelope, h *mail.Header) (*claim, *Refusal) {
	c := &claim{s: s, peer: p, env: env, h: h}
	if len(env.To) == 0 {
		return nil, stranger("recipient", "no recipient")
	}
	for _, r := range env.To {
		if t, k, ok := s.Special(r.Address); ok {
			c.t, c.kind = t, k
			return c, nil
		}
	}
	matched, dir, mon, refusal := s.byHeader(h)
	switch {
	case refusal != nil:
		return nil, refusal
	case matched != nil:
		c.t, c.dir, c.mon = matched, dir, mon
		if c.dir == "" {
			c.dir = s.directionOf(c)
		}
	default:
		if refusal := s.bySender(c); refusal != nil {
			return nil, refusal
		}
	}
	if c.kind == "" {
		c.kind = InlineOut
		if c.dir == mail.In {
			c.kind = InlineIn
		}
	}
	return c, nil
}

// byHeader looks for a tenant header of any tenant here. One that matches
// nobody is a refusal: a wrong secret must not fall back to weaker facts.
func (s *Snapshot) byHeader(h *mail.Header) (*Tenant, mail.Direction, bool, *Refusal) {
	var found *Tenant
	var dir mail.Direction
	var mon, claimed, unknown bool
	for _, t := range s.tenants {
		if t.Preset.Tenant == "" {
			continue
		}
		for _, v := range h.Values(t.Preset.Tenant) {
			claimed = true
			id, d, m, ok := t.readHeader(v)
			if id != "" && s.byID[id] == nil {
				unknown = true
			}
			if !ok {
				continue
			}
			if found != nil && found != t {
				return nil, "", false, &Refusal{
					Reply: mail.NewReply(550, "5.7.1", "Refused ("+string(problem.DoubledFact)+"): headers of two tenants"),
					Fact:  "tenant-header", Code: problem.DoubledFact,
				}
			}
			found, dir, mon = t, d, m
		}
	}
	switch {
	case found != nil || !claimed:
		return found, dir, mon, nil
	case unknown:
		return nil, "", false, &Refusal{
			Reply: mail.NewReply(451, "4.7.1", "Deferred ("+string(problem.UnknownTenant)+"): the tenant header names no tenant of this installation"),
			Fact:  "tenant-header", Code: problem.UnknownTenant,
		}
	}
	return nil, "", false, &Refusal{
		Reply: mail.NewReply(550, "5.7.1", "Refused ("+string(problem.WrongSecret)+"): the tenant header does not carry the secret of its tenant"),
		Fact:  "tenant-header", Code: problem.WrongSecret,
	}
}

// readHeader reads a value of the tenant header. ok is set when it is this
// tenant's; id is what the value claims, "" where the form has no id.
func (t *Tenant) readHeader(v string) (id string, dir mail.Direction, monitor, ok bool) {
	v = strings.TrimSpace(v)
	switch t.Preset.Form {
	case FormPostern:
		part := strings.Split(v, ";")
		for i := range part {
			part[i] = strings.TrimSpace(part[i])
		}
		if len(part) != 4 || part[2] != "out" && part[2] != "in" || part[3] != "inline" && part[3] != "monitor" {
			return part[0], "", false, false
		}
		ok = oneOf([]string{t.ID}, part[0]) && oneOf(t.Secret, part[1])
		return part[0], mail.Direction(part[2]), part[3] == "monitor", ok
	case FormValue:
		return "", "", false, oneOf(t.Secret, v)
	case FormAvanan:
		part := strings.Split(v, ",")
		for i := range part {
			part[i] = strings.TrimSpace(part[i])
		}
		dir = mail.In
		if contains(part[1:], "sent") {
			dir = mail.Out
		}
		return "", dir, !contains(part[1:], "inline"), oneOf(t.Secret, part[0])
	}
	return "", "", false, false
}

// bySender finds the tenant of a message without any tenant header: a server
// of the tenant's own, or a preset whose rules set none.
func (s *Snapshot) bySender(c *claim) *Refusal {
	for _, t := range s.byNetwork(c.peer) {
		if t.Owns(c.env.From) || t.Owns(c.env.To[0].Address) || len(s.byNetwork(c.peer)) == 1 {
			c.t, c.kind = t, Other
			c.dir = s.directionOf(c)
			return nil
		}
	}
	if c.peer.TLS != nil && s.host[c.peer.TLS.ServerName] != nil {
		c.t = s.host[c.peer.TLS.ServerName]
		c.dir = c.t.Hosts[c.peer.TLS.ServerName]
		return nil
	}
	if values := c.h.Values(crossTenantID); len(values) > 0 && s.entra[strings.ToLower(strings.TrimSpace(values[0]))] != nil {
		c.t = s.entra[strings.ToLower(strings.TrimSpace(values[0]))]
		c.dir = s.directionOf(c)
		return nil
	}
	if t := s.domain[c.env.From.Domain()]; t != nil {
		c.t = t
	} else if authors := c.h.Addresses("From"); c.env.From.Null() && len(authors) == 1 && s.domain[authors[0].Domain()] != nil {
		c.t = s.domain[authors[0].Domain()]
	} else if t := s.domain[c.env.To[0].Address.Domain()]; t != nil {
		c.t = t
	} else if v := s.validation(c.peer, c.env, c.h); v != nil {
		*c = *v
		return nil
	} else {
		return stranger("domain", "neither sender nor recipient is in a domain of a tenant here")
	}
	c.dir = s.directionOf(c)
	return nil
}

// directionOf infers the direction where no header says it: from inside goes
// out, unless the whole message stays inside and comes from outside.
func (s *Snapshot) directionOf(c *claim) mail.Direction {
	if c.peer.TLS != nil && s.host[c.peer.TLS.ServerName] == c.t {
		return c.t.Hosts[c.peer.TLS.ServerName]
	}
	from := c.t.Owns(c.env.From)
	if c.env.From.Null() {
		for _, a := range c.h.Addresses("From") {
			from = from || c.t.Owns(a)
		}
	}
	for _, r := range c.env.To {
		if !c.t.Owns(r.Address) {
			return mail.Out
		}
	}
	if from && strings.EqualFold(strings.TrimSpace(c.h.Get(crossTenantAs)), "Internal") {
		return mail.Out
	}
	if from && c.t.Preset.Only == string(mail.Out) {
		return mail.Out
	}
	return mail.In
}

// validation recognizes a connector validation to the address outside that
// the tenant entered: no rule has run, so nothing but the service proves it,
// and it may go nowhere else.
func (s *Snapshot) validation(p mail.Peer, env mail.Envelope, h *mail.Header) *claim {
	if len(env.To) != 1 {
		return nil
	}
	for _, t := range s.tenants {
		if !contains(t.external, env.To[0].Address.Fold()) {
			continue
		}
		c := &claim{s: s, t: t, kind: Validation, dir: mail.Out, peer: p, env: env, h: h}
		agrees := true
		for _, f := range required(Validation) {
			agrees = agrees && f(c) == nil
		}
		if agrees {
			return c
		}
	}
	return nil
}

// identity is what is known of a message whose facts agree.
func (c *claim) identity() Identity {
	id := Identity{
		Tenant: c.t, Kind: c.kind, Direction: c.dir, Monitor: c.mon || c.kind == Copy || c.kind == Journal,
		External: c.kind == Validation && contains(c.t.external, c.env.To[0].Address.Fold()),
	}
	names := c.t.Preset.reserved()
	forged := map[string]bool{}
	for _, f := range c.h.Fields() {
		r, ok := names[fold(f.Name)]
		if !ok {
			if !strings.HasPrefix(fold(f.Name), "x-postern-") {
				continue
			}
			r = roleVerdict
		}
		id.Cut = append(id.Cut, f.Range)
		value := strings.TrimSpace(c.h.Value(f))
		switch r {
		case roleOOO:
			id.OOO = id.OOO || strings.EqualFold(value, "true")
		case roleMark:
			ours := oneOf(c.t.Mark, value)
			if c.t.Preset.CheckedValue != "" {
				ours = strings.EqualFold(value, c.t.Preset.CheckedValue) && strings.EqualFold(f.Name, c.t.Preset.Checked)
			}
			id.Marked = id.Marked || ours
			if !ours {
				forged[f.Name] = true
			}
		case roleVerdict:
			forged[f.Name] = true
		}
	}
	for name := range forged {
		id.Forged = append(id.Forged, name)
	}
	sort.Strings(id.Forged)
	return id
}
