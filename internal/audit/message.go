package audit

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/jsonform"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Message is the current record of one message. Fields marked personal are
// gone after Erase; the others stay.
type Message struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	// Ref is what a report shows and people read out, e.g. "K7TQ-M2XD".
	Ref       string         `json:"ref,omitempty"`
	Kind      string         `json:"kind,omitempty"`
	Direction mail.Direction `json:"direction,omitempty"`
	// Mode is inline or monitor.
	Mode string `json:"mode,omitempty"`
	Way  Way    `json:"way,omitempty"`

	From       mail.Address `json:"from"`                  // personal: reverse-path
	HeaderFrom string       `json:"header_from,omitempty"` // personal
	Subject    string       `json:"subject,omitempty"`     // personal
	MessageID  string       `json:"message_id,omitempty"`  // personal

	Received  time.Time `json:"received"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256,omitempty"`
	Inspected string    `json:"inspected,omitempty"`
	// Policy is the version that decided.
	Policy string `json:"policy,omitempty"`

	Steps      []Step           `json:"steps"`
	Recipients []Recipient      `json:"recipients"`
	Parts      []Part           `json:"parts,omitempty"`
	Findings   []detect.Finding `json:"findings,omitempty"` // Name and Sample are personal
	Labels     []detect.Label   `json:"labels,omitempty"`
	Unseen     []mail.Unseen    `json:"unseen,omitempty"` // Name is personal
	// Forged are the names of header fields that somebody tried to forge.
	Forged []string `json:"forged,omitempty"`
	// Modified lists what was changed of the octets; empty when nothing was.
	Modified []string `json:"modified,omitempty"`
	// Original are the header fields that a policy changed, as they came.
	Original []string `json:"original,omitempty"` // personal
	// Evidence is until when a copy is kept as evidence; zero for none.
	Evidence time.Time `json:"evidence,omitzero"`
	// Problem is the last problem of an operator with this message.
	Problem string `json:"problem,omitempty"`
	// Erased says that the personal fields are gone.
	Erased bool `json:"erased,omitempty"`
}

// Way is how a message was taken.
type Way string

// The ways.
const (
	CutThrough Way = "cut-through"
	Custody    Way = "custody"
	Rejected   Way = "refused" // answered 4xx or 5xx by us
)

// Step is a moment of the timeline.
type Step struct {
	// Name is a word such as received, identified, looked, decided,
	// committed, onward-rcpt, onward-dot, answered, delivered.
	Name string    `json:"step"`
	At   time.Time `json:"at"`
	// Detail holds nothing personal: a host, a code, a number.
	Detail string `json:"detail,omitempty"`
}

// Recipient is what was decided for one recipient and what became of it.
type Recipient struct {
	Address mail.Address `json:"address"` // personal
	// Verdict is the action that won; Would is the strongest action of a rule
	// that is not in force for this message: it is only watched, or the rule
	// in log or notify mode.
	Verdict string   `json:"verdict"`
	Would   string   `json:"would,omitempty"`
	Rules   []string `json:"rules,omitempty"`
	Lost    []string `json:"lost,omitempty"`
	Because string   `json:"because,omitempty"` // personal: may name a file
	// Delivery is what became of it so far.
	Delivery Delivery   `json:"delivery"`
	Reply    mail.Reply `json:"reply,omitzero"` // Text is personal: next hops repeat addresses
	Host     string     `json:"host,omitempty"`
	At       time.Time  `json:"at,omitzero"`
}

// Delivery is where a recipient's copy stands.
type Delivery string

// The values of Delivery.
const (
	Waiting    Delivery = "waiting" // a task is open
	Held       Delivery = "held"    // a person or a deadline decides
	Delivered  Delivery = "delivered"
	Refused    Delivery = "refused" // by policy or by a person
	Failed     Delivery = "failed"  // by the next hop, or given up
	Redirected Delivery = "redirected"
	Deferred   Delivery = "deferred" // answered 4xx; the client comes again
	Unknown    Delivery = "unknown"  // delivered, or retried by Exchange
)

// Deliveries lists every value.
func Deliveries() []Delivery {
	return []Delivery{Waiting, Held, Delivered, Refused, Failed, Redirected, Deferred, Unknown}
}

// Part is a part of the message as far as an auditor needs it.
type Part struct {
	Path       string `json:"part"`
	Name       string `json:"name,omitempty"` // personal
	Type       string `json:"type"`
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256,omitempty"`
	Attachment bool   `json:"attachment,omitempty"`
}

// messages is the form of a Message in JSON.
var messages = jsonform.Form[Message]{}

// AppendJSON writes m as JSON behind b.
func (m *Message) AppendJSON(b []byte) ([]byte, error) { return messages.Append(b, m) }

// Did adds a step to the timeline.
func (m *Message) Did(step, detail string, at time.Time) {
	m.Steps = append(m.Steps, Step{Name: step, At: at, Detail: detail})
}

// To is the record of a recipient; nil when there is none.
func (m *Message) To(a mail.Address) *Recipient {
	for i := range m.Recipients {
		if m.Recipients[i].Address == a {
			return &m.Recipients[i]
		}
	}
	return nil
}

// public is m without its personal fields.
func (m Message) public() Message {
	m.From, m.HeaderFrom, m.Subject, m.MessageID = "", "", "", ""
	m.Original = nil
	m.Erased = true
	m.Recipients = slices.Clone(m.Recipients)
	for i := range m.Recipients {
		r := &m.Recipients[i]
		r.Address, r.Because, r.Reply.Text = "", "", ""
	}
	m.Parts = slices.Clone(m.Parts)
	for i := range m.Parts {
		m.Parts[i].Name = ""
	}
	m.Findings = slices.Clone(m.Findings)
	for i := range m.Findings {
		m.Findings[i].Name, m.Findings[i].Sample, m.Findings[i].Place = "", "", ""
	}
	m.Unseen = slices.Clone(m.Unseen)
	for i := range m.Unseen {
		m.Unseen[i].Name = ""
	}
	return m
}

// Add makes the record of a message that has none, with the facts that policy
// decided on; the zero Facts are none.
func (l *Log) Add(tx *store.Tx, m Message, f Facts) error {
	if m.ID == "" || m.Tenant == "" {
		return errNameless
	}
	m.Erased = false
	return insertMessage(tx, m, f.Schema, l.column(m.ID, f))
}

var errNameless = errors.New("audit: a record needs an id and a tenant")

// Save makes m the current record of its message, which may have none. A
// record whose personal fields were erased does not get them back.
func (l *Log) Save(tx *store.Tx, m Message) error {
	if m.ID == "" || m.Tenant == "" {
		return errNameless
	}
	found, erased, err := isErased(tx, m.ID)
	if err != nil {
		return err
	}
	if !found {
		return l.Add(tx, m, Facts{})
	}
	// Not as a copy of the caller's claim: whether it is erased is ours to say.
	m.Erased = false
	if erased {
		m = m.public()
	}
	return updateMessage(tx, m)
}

// ErrNotFound says that there is no record of a message.
var ErrNotFound = errors.New("audit: no such message")

// Get reads the record of a message.
func (l *Log) Get(tx *store.Tx, id string) (Message, error) {
	list, err := selectRecords(tx, "WHERE m.id = ?", id)
	if err != nil {
		return Message{}, err
	}
	if len(list) == 0 {
		return Message{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return list[0], nil
}

// Change reads a record, lets fn change it, and saves it, in one
// transaction.
func (l *Log) Change(tx *store.Tx, id string, fn func(m *Message)) error {
	if err := tx.Lock("audit record " + id); err != nil {
		return fmt.Errorf("audit: lock: %w", err)
	}
	m, err := readRecord(tx, id)
	if err != nil {
		return err
	}
	erased, before, to := m.Erased, columns(m), slices.Clone(m.Recipients)
	fn(&m)
	m.ID, m.Erased = id, false
	if erased {
		m = m.public()
	}
	return changeMessage(tx, before, to, m)
}

// NewReference makes a Ref: 8 characters of 32 that are hard to confuse, in two
// groups, 40 bits.
func NewReference() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	var random [8]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	return string(random[:4]) + "-" + string(random[4:])
}

// SaveFacts keeps what policy decided on with the record of the message, so
// that the verdict can be replayed. Facts have a retention of their own, and
// are erased with the personal fields.
func (l *Log) SaveFacts(tx *store.Tx, message string, f Facts) error {
	_, err := tx.Exec("UPDATE audit_message SET facts_version = ?, facts = ? WHERE id = ? AND erased = 0",
		f.Schema, l.column(message, f), message)
	if err != nil {
		return fmt.Errorf("audit: save facts: %w", err)
	}
	return nil
}

// Facts are the facts of one message.
type Facts struct {
	Message string
	Tenant  string
	// Schema is the version that the facts were written in.
	Schema int
	// At is when the message was received.
	At   time.Time
	Data json.RawMessage
	// Sealed says that they stand encrypted in the table: those of held mail
	// name its files.
	Sealed bool
	// Policy is the version that decided, Verdicts what it said by address
	// (in folded form); only FactsKept fills them.
	Policy   string
	Verdicts map[string]string
}

// Facts reads the facts of a message; ErrNotFound when there are none, or no
// longer.
func (l *Log) Facts(tx *store.Tx, message string) (Facts, error) {
	list, err := l.selectFacts(tx, "id = ?", message)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: no facts of %s", ErrNotFound, message)
	}
	if err != nil {
		return Facts{}, err
	}
	return list[0], nil
}

// Kept chooses facts.
type Kept struct {
	// Tenant is one tenant; "" is all.
	Tenant string
	// Since and Until bound the time of receipt; a zero Until is no bound.
	Since, Until time.Time
	// After continues behind a message.
	After string
	Limit int
	// Verdicts reads the recorded verdicts too.
	Verdicts bool
}

// FactsKept lists facts in the order of their messages' ids.
func (l *Log) FactsKept(tx *store.Tx, k Kept) ([]Facts, error) {
	where, args := "received >= ? AND id > ?", []any{store.Nanos(k.Since), k.After}
	if !k.Until.IsZero() {
		where, args = where+" AND received < ?", append(args, store.Nanos(k.Until))
	}
	if k.Tenant != "" {
		where, args = where+" AND tenant = ?", append(args, k.Tenant)
	}
	list, err := l.selectFacts(tx, where+" ORDER BY id LIMIT ?", append(args, k.Limit)...)
	if err != nil || !k.Verdicts || len(list) == 0 {
		return list, err
	}
	return list, recorded(tx, list)
}

// ForgetFacts removes the facts of messages that were received before the
// given time.
func (l *Log) ForgetFacts(tx *store.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec("UPDATE audit_message SET facts = '' WHERE facts <> '' AND received < ?", store.Nanos(before))
	if err != nil {
		return 0, fmt.Errorf("audit: forget facts: %w", err)
	}
	return n, nil
}
