package gateway

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/jsonform"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// nobody is the chain of what belongs to no tenant: refused strangers.
const nobody = "-"

// trail is the record of one arrival while it is handled. It is written
// inside the transactions that keep the promises, never beside them.
type trail struct {
	g      *Gateway
	trace  string
	tenant string
	way    string
	peer   netip.Addr
	began  time.Time

	mu    sync.Mutex
	m     audit.Message
	facts audit.Facts
	event string // of the next save
	// contacts are remembered with the outcome.
	contacts []contact.Pair
	added    bool // the record is in the store
	// intent says that an intent is in the store.
	intent bool
}

func (g *Gateway) open(a *mail.Arrival) *trail {
	tr := &trail{g: g, trace: a.Trace, tenant: nobody, way: string(audit.Rejected), peer: a.Peer.Addr.Addr(), began: a.Ended}
	if tr.began.IsZero() {
		tr.began = time.Now()
	}
	tr.m = audit.Message{
		ID: a.Trace, Tenant: nobody, Ref: refOf(a.Trace), From: a.Envelope.From, Received: a.Ended, Size: a.Body.Size(),
		Way: audit.Rejected,
	}
	tr.m.Did("connected", a.Peer.Addr.Addr().String(), a.Began)
	tr.m.Did("received", fmt.Sprintf("%d octets", a.Body.Size()), a.Ended)
	for _, r := range a.Envelope.To {
		if tr.m.To(r.Address) == nil {
			tr.m.Recipients = append(tr.m.Recipients, audit.Recipient{Address: r.Address})
		}
	}
	return tr
}

// step notes a moment of the timeline.
func (tr *trail) step(name string) { tr.did(name, "") }

func (tr *trail) did(name, detail string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.m.Did(name, detail, time.Now())
}

func (tr *trail) identified(id tenant.Identity, h *mail.Header) {
	tr.tenant = id.Tenant.ID
	tr.m.Tenant, tr.m.Kind, tr.m.Direction, tr.m.Forged = id.Tenant.ID, string(id.Kind), id.Direction, id.Forged
	tr.m.Mode = "inline"
	if id.Monitor {
		tr.m.Mode = "monitor"
	}
	tr.words(h, id.Tenant.Secrets())
	tr.did("identified", string(id.Kind))
}

// words are the personal fields that people search for. A subject that holds
// a secret is left out: no secret ever stands in a record.
func (tr *trail) words(h *mail.Header, secrets []string) {
	from := h.Addresses("From")
	if len(from) > 0 {
		tr.m.HeaderFrom = string(from[0])
	}
	tr.m.Subject, tr.m.MessageID = h.Text("Subject"), strings.TrimSpace(h.Get("Message-ID"))
	for _, field := range []*string{&tr.m.Subject, &tr.m.MessageID, &tr.m.HeaderFrom} {
		*field = scrub(*field, secrets)
	}
}

// scrub keeps secrets out of what is kept: text that holds one, in any case
// of letters, is not kept at all.
func scrub(text string, secrets []string) string {
	folded := strings.ToLower(text)
	for _, s := range secrets {
		if s != "" && strings.Contains(folded, strings.ToLower(s)) {
			return "(removed: held a secret)"
		}
	}
	return text
}

func (tr *trail) refused(h *mail.Header, r *tenant.Refusal) {
	if r.Tenant != "" {
		tr.tenant, tr.m.Tenant = r.Tenant, r.Tenant
	}
	var secrets []string
	for _, t := range tr.g.Tenants.Current().Tenants() {
		secrets = append(secrets, t.Secrets()...)
	}
	tr.words(h, secrets)
	tr.each(func(x *audit.Recipient) { x.Address = mail.Address(scrub(string(x.Address), secrets)) })
	tr.m.Problem = string(r.Code)
	tr.ended("not identified: "+r.Fact, r.Reply)
}

// repeated returns the recorded answer; the record of the first arrival
// stands for both.
func (tr *trail) repeated(r mail.Reply) mail.Reply {
	tr.g.Metrics.Count("repeats", 1, "tenant", tr.tenant)
	tr.way = "repeat"
	return r
}

func (tr *trail) judged(j judgment) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.facts, tr.contacts = j.factsFor(), j.contacts
	fill(&tr.m, j)
}

// How what happened is written.
var (
	factsForm    = jsonform.Form[policy.Facts]{}
	regionsForm  = jsonform.Form[[]string]{}
	publicForm   = jsonform.Form[public]{}
	personalForm = jsonform.Form[personal]{}
)

// kept are facts as the record keeps them.
func kept(f policy.Facts) audit.Facts {
	lean := f.Lean()
	scratch := buffers.Get()
	defer buffers.Put(scratch)
	text, err := factsForm.Append(scratch[:0], &lean)
	if err != nil {
		return audit.Facts{} // plain data: cannot happen, and would cost a replay only
	}
	return audit.Facts{Schema: f.Schema, Data: slices.Clone(text)}
}

// fill writes what looking and deciding came to.
func fill(m *audit.Message, j judgment) {
	m.Inspected, m.Policy, m.Unseen = j.verdict.Inspected, j.verdict.Policy, j.verdict.Unseen
	m.Findings, m.Labels = j.report.Findings, j.report.Labels
	m.Parts = nil
	for _, p := range j.report.Parts {
		m.Parts = append(m.Parts, audit.Part{
			Path: p.Part, Name: p.Name, Type: p.Type, Size: p.Size, SHA256: p.SHA256, Attachment: p.Attachment,
		})
	}
	if j.verdict.Code != "" {
		m.Problem = string(j.verdict.Code)
	}
	for _, v := range j.verdict.Recipients {
		r := m.To(v.Address)
		if r == nil {
			continue
		}
		r.Verdict, r.Rules, r.Because, r.Would = string(v.Action), v.Rules, v.Because, string(v.Would)
		r.Lost = nil
		for _, l := range v.Lost {
			r.Lost = append(r.Lost, l.Rule)
		}
	}
}

func appendNew(list []string, s string) []string {
	for _, x := range list {
		if x == s {
			return list
		}
	}
	return append(list, s)
}

func (tr *trail) planned(p plan) {
	tr.way = string(p.way)
	tr.did("planned", p.String())
}

// intended is before the onward dot of a message that is cut through.
func (tr *trail) intended(host string) {
	tr.did("handing back", host)
	tr.m.Way, tr.way, tr.event = audit.CutThrough, string(audit.CutThrough), "intended"
	tr.each(func(r *audit.Recipient) { r.Delivery, r.Host = audit.Unknown, host })
}

// changed notes what is changed of a message that is handed on: what policy or
// the next hop wants (law 1).
func (tr *trail) changed(c changes) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c.note(&tr.m, time.Now())
}

// handed is the next hop's answer, which is the client's too.
func (tr *trail) handed(host string, r mail.Reply) {
	tr.did("next hop answered", host+" "+fmt.Sprint(r.Code))
	tr.way, tr.m.Way, tr.event = string(audit.CutThrough), audit.CutThrough, "handed back"
	state := audit.Delivered
	switch {
	case r.Temporary():
		state = audit.Deferred
	case r.Permanent():
		state = audit.Failed
	}
	if !r.Ok() {
		tr.contacts = nil
	}
	now := time.Now()
	tr.each(func(x *audit.Recipient) { x.Delivery, x.Reply, x.Host, x.At = state, r, host, now })
}

// custody is our own 250.
func (tr *trail) custody(r mail.Reply) {
	tr.did("in custody", "")
	tr.way, tr.m.Way, tr.event = string(audit.Custody), audit.Custody, "taken"
	now := time.Now()
	tr.each(func(x *audit.Recipient) {
		switch policy.Action(x.Verdict) {
		case policy.Block:
			x.Delivery, x.At = audit.Refused, now
		case policy.HoldFor, policy.Override, policy.Secure:
			x.Delivery = audit.Held
		case policy.Redirect:
			x.Delivery, x.At = audit.Redirected, now
		default:
			x.Delivery = audit.Waiting
		}
	})
}

func (tr *trail) unjudged(r mail.Reply) {
	tr.did("in custody", "patience is over; judged later")
	tr.way, tr.m.Way, tr.event = string(audit.Custody), audit.Custody, "taken"
	tr.each(func(x *audit.Recipient) { x.Delivery = audit.Waiting })
}

// ended is an answer of our own after which the message is not ours.
func (tr *trail) ended(how string, r mail.Reply) {
	tr.did("answered", how+", "+fmt.Sprint(r.Code))
	tr.event = how
	tr.m.Way = audit.Rejected
	state := audit.Refused
	switch {
	case how == "unknown":
		tr.m.Way, state = audit.CutThrough, audit.Unknown
	case r.Temporary():
		state = audit.Deferred
	case r.Ok():
		tr.m.Way, state = audit.Custody, audit.Delivered
	}
	tr.way = how
	now := time.Now()
	tr.each(func(x *audit.Recipient) { x.Delivery, x.Reply, x.At = state, r, now })
}

func (tr *trail) each(fn func(*audit.Recipient)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for i := range tr.m.Recipients {
		fn(&tr.m.Recipients[i])
	}
}

// intention is the record of a message that is about to be handed back: all
// that a start after a crash needs to put it into the books.
func (tr *trail) intention() (string, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	scratch := buffers.Get()
	defer buffers.Put(scratch)
	text, err := tr.m.AppendJSON(append(scratch[:0], `{"message":`...))
	if err != nil {
		return "", err
	}
	if tr.facts.Schema != 0 {
		text = strconv.AppendInt(append(text, `,"schema":`...), int64(tr.facts.Schema), 10)
	}
	if len(tr.facts.Data) > 0 {
		text = append(append(text, `,"facts":`...), tr.facts.Data...) // they are JSON already
	}
	return string(append(text, '}')), nil
}

type intention struct {
	Message audit.Message   `json:"message"`
	Schema  int             `json:"schema,omitempty"`
	Facts   json.RawMessage `json:"facts,omitempty"`
}

// Recover puts a message into the books whose outcome a crash has swallowed:
// it was delivered, or Exchange tries again.
func (g *Gateway) Recover(tx *store.Tx, i spool.Intent, now time.Time) error {
	var in intention
	if err := json.Unmarshal([]byte(i.Record), &in); err != nil {
		return fmt.Errorf("gateway: intent %s: %w", i.ID, err)
	}
	tr := &trail{g: g, trace: i.ID, tenant: i.Tenant, m: in.Message, facts: audit.Facts{Schema: in.Schema, Data: in.Facts}}
	tr.m.Did("crash", "delivered, or retried by Exchange", now)
	tr.event = "unknown"
	if _, err := spool.EndIntent(tx, i.ID); err != nil {
		return err
	}
	return tr.save(tx)
}

// save writes record, facts and a link of the chain into the transaction.
func (tr *trail) save(tx *store.Tx) error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var err error
	if tr.added {
		err = tr.g.Audit.Save(tx, tr.m)
	} else {
		err = tr.g.Audit.Add(tx, tr.m, tr.facts)
	}
	if err != nil {
		return err
	}
	if err := tr.g.Audit.Append(tx, tr.link(time.Now())); err != nil {
		return err
	}
	tx.OnCommit(tr.wasAdded)
	return nil
}

func (tr *trail) wasAdded() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.added = true
}

// link is the event of the chain: what happened, without persons; persons
// in the erasable part.
func (tr *trail) link(now time.Time) audit.Event {
	var p personal
	for _, r := range tr.m.Recipients {
		reply := ""
		if !r.Reply.None() {
			reply = r.Reply.String()
		}
		p.To = append(p.To, who{clean(r.Address), clean(reply), string(r.Delivery), r.Verdict})
	}
	p.From, p.Subject, p.MessageID = clean(tr.m.From), clean(tr.m.Subject), clean(tr.m.MessageID)
	public, _ := publicForm.Append(make([]byte, 0, 256), &public{
		Direction: tr.m.Direction, Forged: tr.m.Forged, Inspected: tr.m.Inspected, Kind: tr.m.Kind, Policy: tr.m.Policy,
		Problem: tr.m.Problem, Recipients: len(p.To), Ref: tr.m.Ref, Size: tr.m.Size, Way: tr.m.Way,
	})
	personal, _ := personalForm.Append(make([]byte, 0, 256), &p)
	return audit.Event{
		Tenant: tr.m.Tenant, Message: tr.m.ID, Kind: tr.event, Actor: "gateway", At: now, Public: public, Personal: personal,
		Sorted: true,
	}
}

// clean is a text of the outside as it comes back from JSON: broken UTF-8
// would be written in another way the second time.
func clean[S ~string](s S) S { return S(store.Clean(string(s))) }

// What stands in the link of a message, with the names sorted: the chain
// hashes the text as it is.
type (
	public struct {
		Direction  mail.Direction `json:"direction"`
		Forged     []string       `json:"forged"`
		Inspected  string         `json:"inspected"`
		Kind       string         `json:"kind"`
		Policy     string         `json:"policy"`
		Problem    string         `json:"problem"`
		Recipients int            `json:"recipients"`
		Ref        string         `json:"ref"`
		Size       int64          `json:"size"`
		Way        audit.Way      `json:"way"`
	}
	personal struct {
		From      mail.Address `json:"from"`
		MessageID string       `json:"message_id"`
		Subject   string       `json:"subject"`
		To        []who        `json:"to"`
	}
	who struct {
		Address mail.Address `json:"address"`
		Reply   string       `json:"reply,omitempty"`
		State   string       `json:"state"`
		Verdict string       `json:"verdict,omitempty"`
	}
)

// settle writes the outcome of a cut-through, in a later group than the 250.
func (tr *trail) settle(tx *store.Tx) error {
	if err := tr.endIntent(tx); err != nil {
		return err
	}
	if tr.m.Way == audit.CutThrough && len(tr.contacts) > 0 && tr.event == "handed back" {
		if err := tr.g.Contacts.Note(tx, tr.tenant, tr.contacts, tr.m.Received); err != nil {
			return err
		}
	}
	return tr.save(tx)
}

// endIntent removes the intent of a cut-through, if there is one.
func (tr *trail) endIntent(tx *store.Tx) error {
	if !tr.intent {
		return nil
	}
	found, err := spool.EndIntent(tx, tr.trace)
	if err != nil || found {
		return err
	}
	tr.mu.Lock()
	tr.added = true // by another node, which took this one for dead
	tr.mu.Unlock()
	return nil
}
