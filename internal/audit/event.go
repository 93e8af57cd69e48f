package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern/internal/jsonform"
	"postern.dev/postern/internal/store"
)

// Event is one thing that happened.
type Event struct {
	Tenant  string
	Message string
	// Kind is a word of the gateway, e.g. "decided".
	Kind string
	// Actor is who did it: "gateway", or an opaque name of a person. It stays.
	Actor string
	At    time.Time
	// Public stays for good.
	Public json.RawMessage
	// Personal can be erased: addresses, subject, names, masked samples.
	Personal json.RawMessage
	// Sorted says that json.Marshal has made both of maps, or of structs whose
	// names are sorted: they are canonical as they are.
	Sorted bool
}

// Log is the audit log of all tenants. Several goroutines may use it.
type Log struct {
	db   *store.DB
	keys [][]byte // the first makes heads, the others are former ones
}

// ErrKey says that the key of the heads is unusable.
var ErrKey = errors.New("audit: the key of the heads needs at least 16 octets")

// Open makes the room's tables and returns the log. headKeys come from
// outside the database; the first signs, the further ones are accepted from
// before a rotation.
func Open(ctx context.Context, db *store.DB, headKeys ...[]byte) (*Log, error) {
	if len(headKeys) == 0 {
		return nil, ErrKey
	}
	for _, k := range headKeys {
		if len(k) < 16 {
			return nil, ErrKey
		}
	}
	if err := db.Migrate(ctx, "audit", schema()); err != nil {
		return nil, fmt.Errorf("audit: schema: %w", err)
	}
	return &Log{db: db, keys: headKeys}, nil
}

// Read returns the log of tables that exist already, for a program that only
// reads: it makes and changes none.
func Read(db *store.DB, headKeys ...[]byte) (*Log, error) {
	if len(headKeys) == 0 {
		return nil, ErrKey
	}
	return &Log{db: db, keys: headKeys}, nil
}

// digest is a SHA-256; the zero one stands before the first event.
type digest [sha256.Size]byte

// Append adds an event to the chain of its tenant. It runs on the writer, so
// the order of the chain is the order of the commits; when the transaction
// is undone, so is the event and the head.
func (l *Log) Append(tx *store.Tx, e Event) error {
	if e.Tenant == "" || e.Kind == "" {
		return errors.New("audit: an event needs a tenant and a kind")
	}
	public, personal := string(e.Public), string(e.Personal)
	var err error
	if !e.Sorted {
		public, err = canonical(e.Public)
	}
	if err != nil {
		return fmt.Errorf("audit: %s: public fields: %w", e.Kind, err)
	}
	if !e.Sorted {
		personal, err = canonical(e.Personal)
	}
	if err != nil {
		return fmt.Errorf("audit: %s: personal fields: %w", e.Kind, err)
	}
	ends := l.ends(tx)
	h, err := ends.of(tx, e.Tenant)
	if err != nil {
		return err
	}
	row := link{
		tenant: e.Tenant, seq: h.seq + 1, at: store.Nanos(e.At), kind: store.Clean(e.Kind), actor: store.Clean(e.Actor),
		message: store.Clean(e.Message), public: public, prev: h.hash,
	}
	var p personalRow
	if personal != "" {
		p.salt, p.data = make([]byte, sha256.Size), personal
		rand.Read(p.salt) // never fails: crypto/rand ends the process instead
		row.commitment = commit(p.salt, personal)
	}
	row.hash = row.sum()
	if err := insertEvent(tx, row, p); err != nil {
		return err
	}
	ends.heads[e.Tenant] = head{tenant: e.Tenant, seq: row.seq, hash: row.hash}
	return nil
}

// link is an event as it stands in the chain.
type link struct {
	tenant     string
	seq        int64
	at         int64
	kind       string
	actor      string
	message    string
	public     string
	commitment digest // zero when the event has no personal fields
	prev, hash digest
}

// sum is SHA-256(prev ‖ length ‖ canonical public JSON ‖ commitment).
func (l link) sum() digest {
	text := l.text()
	h := sha256.New()
	h.Write(l.prev[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	h.Write(text)
	h.Write(l.commitment[:])
	return digest(h.Sum(nil))
}

// text is the event as JSON: the object of tenant, seq, at, kind, actor, message
// and, unless it is empty, public, which is canonical JSON.
func (l link) text() []byte {
	b := make([]byte, 0, len(l.public)+256)
	b = jsonform.AppendString(append(b, `{"tenant":`...), l.tenant)
	b = strconv.AppendInt(append(b, `,"seq":`...), l.seq, 10)
	b = strconv.AppendInt(append(b, `,"at":`...), l.at, 10)
	b = jsonform.AppendString(append(b, `,"kind":`...), l.kind)
	b = jsonform.AppendString(append(b, `,"actor":`...), l.actor)
	b = jsonform.AppendString(append(b, `,"message":`...), l.message)
	if l.public != "" {
		b = append(append(b, `,"public":`...), l.public...)
	}
	return append(b, '}')
}

func commit(salt []byte, personal string) digest {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(personal))
	return digest(h.Sum(nil))
}

// head is the end of a chain.
type head struct {
	tenant string
	seq    int64
	hash   digest
	mac    []byte
}

func (h head) sign(key []byte) []byte { return signed(key, "head", h.tenant, h.seq, h.hash) }

// signed is the signature of one end of a tenant's chain: an event's number
// and hash. What says which end, so that one is not taken for the other.
func signed(key []byte, what, tenant string, seq int64, hash digest) []byte {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "postern audit %s\x00%d\x00", what, len(tenant))
	m.Write([]byte(tenant))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	m.Write(hash[:])
	return m.Sum(nil)
}

// genuine reports whether h was signed with one of our keys.
func (l *Log) genuine(h head) bool {
	for _, k := range l.keys {
		if hmac.Equal(h.mac, h.sign(k)) {
			return true
		}
	}
	return false
}

// canonical is JSON in one form only: sorted keys, no white space, numbers
// as written. Nothing stays nothing.
func canonical(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", nil
	}
	v, err := decode(raw)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(v)
	return string(text), err
}
