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
	// Internal is set when the tenant's Exchange, and no other server, says that
	// it has authenticated the sender as one of its own.
	Internal bool
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

func stranger(fact, text string) *Refusal { return refusal(nil, 550, problem.NotYours, fact, text) }

// Identify says whose message this is, or why it is nobody's.
func (s *Snapshot) Identify(p mail.Peer, env mail.Envelope, h *mail.Header) (Identity, *Refusal) {
	c, refused := s.find(p, env, h)
	if refused != nil {
		return Identity{}, refused
	}
	r := c.disagrees()
	if r == nil {
		return c.identity(), nil
	}
	if r.Code == problem.MissingFact { // no rule runs for a connector validation
		if v := s.validation(p, env, h); v != nil {
			return v.identity(), nil
		}
	}
	return Identity{}, r
}

// disagrees returns the first fact of the kind's table that is not so.
func (c *claim) disagrees() *Refusal {
	for _, agrees := range c.required() {
		if r := agrees(c); r != nil {
			return r
		}
	}
	return nil
}

// find names the tenant and the kind that a message claims. It proves
// nothing: the claim must stand the whole table of its kind.
func (s *Snapshot) find(p mail.Peer, env mail.Envelope, h *mail.Header) (*claim, *Refusal) {
	c := &claim{s: s, peer: p, env: env, h: h}
	if len(env.To) == 0 {
		return nil, stranger("recipient", "the message has no recipient")
	}
	for _, r := range env.To {
		if t, k, ok := s.Special(r.Address); ok {
			c.t, c.kind = t, k
			if f, r := s.byHeader(h); k == OwnAddress && r == nil && f.t == t {
				c.monitor = f.monitor // a draft is judged as the mail would be
			}
			return c, nil
		}
		if s.sharedBy(r.Address) != nil {
			c.kind = OwnAddress // whose it is, the rest must say
		}
	}
	found, refused := s.byHeader(h)
	switch {
	case refused != nil:
		return nil, refused
	case found.t != nil:
		c.t, c.dir, c.monitor = found.t, found.dir, found.monitor
		if c.kind == "" && !c.t.exchange.has(p.Addr.Addr()) && c.t.otherPeer(p) {
			c.kind = Other // the rule has run, and the mail took a way over the tenant's own server
		}
	default:
		switch r := s.bySender(c); {
		case r != nil && found.wrong != "":
			return nil, refusal(nil, 550, problem.WrongSecret, "tenant-header",
				"the header "+found.wrong+" does not carry the secret of a tenant here")
		case r != nil:
			return nil, r
		}
	}
	if c.dir == "" {
		c.dir = s.directionOf(c)
	}
	if c.kind == "" {
		c.kind = InlineOut
		if c.dir == mail.In {
			c.kind = InlineIn
		}
	}
	return c, nil
}

// bySender finds the tenant of a message without any tenant header: a server
// of the tenant's own, or a preset whose rules set none.
func (s *Snapshot) bySender(c *claim) *Refusal {
	if t := s.otherOf(c.peer, c.env); t != nil {
		c.t = t
		if c.kind == "" {
			c.kind = Other
		}
		return nil
	}
	for _, v := range c.h.Values(crossTenantID) {
		if t := s.entra[strings.ToLower(v)]; t != nil {
			c.t = t
			return nil
		}
	}
	c.t = s.ownerOf(c.env.From.Domain())
	if authors := c.h.Addresses("From"); c.t == nil && c.env.From.Null() && len(authors) == 1 {
		c.t = s.ownerOf(authors[0].Domain())
	}
	if c.t == nil {
		c.t = s.atHost(c.peer)
	}
	for i := 0; c.t == nil && i < len(c.env.To); i++ {
		c.t = s.ownerOf(c.env.To[i].Address.Domain())
	}
	if c.t != nil {
		return nil
	}
	if v := s.validation(c.peer, c.env, c.h); v != nil {
		*c = *v
		return nil
	}
	if r := s.known(c.peer); r != nil {
		return r
	}
	return stranger("domain", "neither sender nor recipient is in a domain of a tenant here")
}

// otherOf is the tenant whose other server a peer is. A server that several
// tenants share speaks for the one that owns the sender, else for the one
// that owns the recipients.
func (s *Snapshot) otherOf(p mail.Peer, env mail.Envelope) *Tenant {
	list := s.others(p)
	for _, t := range list {
		if t.Owns(env.From) {
			return t
		}
	}
	for _, t := range list {
		if t.Owns(env.To[0].Address) {
			return t
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return nil
}

// directionOf infers the direction where no header says it: from inside goes
// out, unless the whole message stays inside and comes from outside.
func (s *Snapshot) directionOf(c *claim) mail.Direction {
	if s.atHost(c.peer) == c.t {
		return c.t.Hosts[hostOf(c.peer)]
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
	if from && (internal(c) || c.t.Preset.Only == string(mail.Out)) {
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
	for _, t := range s.external[env.To[0].Address.Fold()] {
		c := &claim{s: s, t: t, kind: Validation, dir: mail.Out, peer: p, env: env, h: h}
		if c.disagrees() == nil {
			return c
		}
	}
	return nil
}

// maxForged is how many names of forged fields are worth recording.
const maxForged = 50

// identity is what is known of a message whose facts agree.
func (c *claim) identity() Identity {
	id := Identity{
		Tenant: c.t, Kind: c.kind, Direction: c.dir, Monitor: c.monitor || c.kind == Copy || c.kind == Journal,
		External: c.kind == Validation && contains(c.t.external, c.env.To[0].Address.Fold()),
	}
	var buf [maxName]byte
	roles := c.t.reserved()
	for _, f := range c.h.Fields() {
		name := foldInto(&buf, f.Name)
		r, ok := roles[string(name)]
		if !ok {
			if !house(f.Name) {
				continue
			}
			r = roleVerdict
		}
		id.Cut = append(id.Cut, f.Range)
		value := c.h.Value(f)
		switch {
		case r == roleOOO && strings.EqualFold(value, "true") && c.automatic():
			id.OOO = true
		case r == roleMark && c.t.marks(f.Name, value):
			id.Marked = true
		case r == roleOOO, r == roleMark, r == roleVerdict:
			if len(id.Forged) < maxForged && !contains(id.Forged, f.Name) {
				id.Forged = append(id.Forged, f.Name)
			}
		}
	}
	sort.Strings(id.Forged)
	id.Internal = !c.t.otherPeer(c.peer) && internal(c)
	return id
}

// automatic reports whether anything but the header of the tenant's rule
// says that a message is an automatic reply. The rule's header alone could
// be written by any user who wants to escape an approval.
func (c *claim) automatic() bool {
	auto := c.h.Get("Auto-Submitted")
	return c.env.From.Null() || auto != "" && !strings.EqualFold(auto, "no") || c.h.Has("X-Auto-Response-Suppress")
}

// marks reports whether a field is the mark that we set.
func (t *Tenant) marks(name, value string) bool {
	if !strings.EqualFold(name, t.Preset.Checked) {
		return false
	}
	if t.Preset.CheckedValue != "" {
		return strings.EqualFold(value, t.Preset.CheckedValue)
	}
	return oneOf(t.Mark, value)
}

// claim is a message that says it belongs to a tenant, and what speaks for
// it.
type claim struct {
	s       *Snapshot
	t       *Tenant
	kind    Kind
	dir     mail.Direction
	monitor bool
	peer    mail.Peer
	env     mail.Envelope
	h       *mail.Header
}

func (c *claim) refuse(code problem.Code, what, text string) *Refusal {
	return refusal(c.t, 550, code, what, text)
}

func (c *claim) deferral(code problem.Code, what, text string) *Refusal {
	return refusal(c.t, 451, code, what, text)
}

func refusal(t *Tenant, code int, p problem.Code, fact, text string) *Refusal {
	r := &Refusal{Fact: fact, Code: p}
	if t != nil {
		r.Tenant = t.ID
	}
	r.Reply = mail.NewReply(code, "5.7.1", fmt.Sprintf("Refused (%s, %s): %s", p, fact, text))
	if code/100 == 4 {
		r.Reply = mail.NewReply(code, "4.7.1", fmt.Sprintf("Deferred (%s, %s): %s", p, fact, text))
	}
	return r
}
