package spool

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE message (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			state TEXT NOT NULL,
			received BIGINT NOT NULL,
			changed BIGINT NOT NULL,
			message_id TEXT NOT NULL,
			file TEXT NOT NULL,
			size BIGINT NOT NULL,
			sha256 TEXT NOT NULL,
			bytes_gone BIGINT NOT NULL,
			envelope TEXT NOT NULL,
			rest TEXT NOT NULL)`,
		`CREATE UNIQUE INDEX message_file ON message (file)`,
		`CREATE INDEX message_state ON message (state, changed)`,
		`CREATE TABLE pending (
			message TEXT NOT NULL,
			recipient TEXT NOT NULL,
			tenant TEXT NOT NULL,
			since BIGINT NOT NULL,
			until BIGINT NOT NULL,
			data TEXT NOT NULL,
			PRIMARY KEY (message, recipient))`,
		`CREATE INDEX pending_until ON pending (until)`,
		`CREATE TABLE repeat (
			rkey TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			message TEXT NOT NULL,
			code BIGINT NOT NULL,
			enhanced TEXT NOT NULL,
			reply TEXT NOT NULL,
			at BIGINT NOT NULL)`,
		`CREATE INDEX repeat_at ON repeat (at)`,
		`CREATE TABLE deferral (
			rkey TEXT PRIMARY KEY,
			times BIGINT NOT NULL,
			first_at BIGINT NOT NULL)`,
		`CREATE INDEX deferral_first ON deferral (first_at)`,
		`CREATE TABLE intent (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			record TEXT NOT NULL,
			at BIGINT NOT NULL)`,
		`ALTER TABLE pending ADD COLUMN seal TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE message ADD COLUMN body_key TEXT NOT NULL DEFAULT '';
		CREATE TABLE body_role (
			message TEXT NOT NULL,
			role TEXT NOT NULL,
			body_key TEXT NOT NULL,
			PRIMARY KEY (message, role))`,
		`CREATE INDEX pending_oldest ON pending (since, message, recipient);
		CREATE INDEX pending_of_tenant ON pending (tenant, since, message, recipient)`,
		`CREATE TABLE body_kept (
			message TEXT PRIMARY KEY,
			until BIGINT NOT NULL);
		CREATE INDEX body_kept_until ON body_kept (until)`,
		`CREATE TABLE print_key (
			id BIGINT PRIMARY KEY,
			octets BLOB NOT NULL)`,
	}
}

// rest is what no query asks for.
type rest struct {
	Kind      string          `json:"kind,omitempty"`
	Direction mail.Direction  `json:"direction,omitempty"`
	Cut       []mail.Range    `json:"cut,omitempty"`
	Front     []byte          `json:"front,omitempty"`
	Bare      bool            `json:"bare,omitempty"`
	EightBit  bool            `json:"eight_bit,omitempty"`
	Extra     json.RawMessage `json:"extra,omitempty"`
	// Sum is over all that a delivery is made of; rows of before have none.
	Sum string `json:"sum,omitempty"`
}

// seal returns r as JSON, with a hash over it, over the envelope and over what
// names the body, so that a bit that turned on the disk is noticed before
// something is sent to somebody else or cut wrongly.
func (r rest) seal(m Message, envelope string) (string, error) {
	r.Sum = ""
	text, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	r.Sum = store.Seal(m.ID, m.Tenant, m.File, strconv.FormatInt(m.Size, 10), string(m.SHA256[:]), envelope, string(text))
	text, err = json.Marshal(r)
	return string(text), err
}

// changed reports whether a row is not what was written.
func (r rest) changed(m Message, envelope, text string) bool {
	if r.Sum == "" {
		return false
	}
	again, err := r.seal(m, envelope)
	return err != nil || again != text
}

func insertMessage(tx *store.Tx, m Message) error {
	envelope, err := json.Marshal(m.Envelope)
	if err != nil {
		return fmt.Errorf("spool: add %s: %w", m.ID, err)
	}
	more, err := m.rest().seal(m, string(envelope))
	if err != nil {
		return fmt.Errorf("spool: add %s: %w", m.ID, err)
	}
	_, err = tx.Exec(`INSERT INTO message
		(id, tenant, state, received, changed, message_id, file, size, sha256, bytes_gone, envelope, rest, body_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`,
		m.ID, m.Tenant, string(m.State), store.Nanos(m.Received), store.Nanos(m.Changed), store.Clean(m.MessageID),
		m.File, m.Size, hex.EncodeToString(m.SHA256[:]), string(envelope), more, string(m.Wrapped))
	if err != nil {
		return fmt.Errorf("spool: add %s: %w", m.ID, err)
	}
	return nil
}

func (m Message) rest() rest {
	return rest{Kind: m.Kind, Direction: m.Direction, Cut: m.Cut, Front: m.Front, Bare: m.Bare, EightBit: m.EightBit, Extra: m.Extra}
}

func selectMessages(tx *store.Tx, where string, args ...any) ([]Message, error) {
	rows, err := tx.Query(`SELECT id, tenant, state, received, changed, message_id, file, size, sha256,
		bytes_gone, envelope, rest, body_key FROM message`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("spool: read messages: %w", err)
	}
	defer rows.Close()
	var list []Message
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, fmt.Errorf("spool: read message %s: %w", m.ID, err)
		}
		list = append(list, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("spool: read messages: %w", err)
	}
	return list, nil
}

func scanMessage(rows *store.Rows) (Message, error) {
	var m Message
	var state, sum, envelope, more string
	var received, changed, gone int64
	err := rows.Scan(&m.ID, &m.Tenant, &state, &received, &changed, &m.MessageID, &m.File, &m.Size, &sum,
		&gone, &envelope, &more, &m.Wrapped)
	if err != nil {
		return m, err
	}
	m.State, m.BytesGone = State(state), gone != 0
	m.Received, m.Changed = store.Moment(received), store.Moment(changed)
	hash, err := hex.DecodeString(sum)
	if err != nil || copy(m.SHA256[:], hash) != len(m.SHA256) {
		return m, fmt.Errorf("hash %q", sum)
	}
	if err := json.Unmarshal([]byte(envelope), &m.Envelope); err != nil {
		return m, err
	}
	var r rest
	if err := json.Unmarshal([]byte(more), &r); err != nil {
		return m, err
	}
	m.Kind, m.Direction, m.Cut, m.Front = r.Kind, r.Direction, r.Cut, r.Front
	m.Bare, m.EightBit, m.Extra = r.Bare, r.EightBit, r.Extra
	m.envelope, m.changed = envelope, r.changed(m, envelope, more)
	return m, nil
}

func markGone(tx *store.Tx, id string, now time.Time) error {
	_, err := tx.Exec("UPDATE message SET bytes_gone = 1, changed = ?, body_key = '' WHERE id = ?", store.Nanos(now), id)
	if err == nil {
		_, err = tx.Exec("DELETE FROM body_role WHERE message = ?", id)
	}
	if err == nil {
		_, err = tx.Exec("DELETE FROM body_kept WHERE message = ?", id)
	}
	if err != nil {
		return fmt.Errorf("spool: erase %s: %w", id, err)
	}
	return nil
}

func bodyOwners(tx *store.Tx) (map[string]owner, error) {
	rows, err := tx.Query("SELECT file, id, tenant, bytes_gone FROM message")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	owners := map[string]owner{}
	for rows.Next() {
		var file string
		var o owner
		var gone int64
		if err := rows.Scan(&file, &o.id, &o.tenant, &gone); err != nil {
			return nil, err
		}
		o.gone = gone != 0
		owners[file] = o
	}
	return owners, rows.Err()
}
