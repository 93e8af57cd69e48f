package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE audit_event (
			tenant TEXT NOT NULL,
			seq BIGINT NOT NULL,
			at BIGINT NOT NULL,
			kind TEXT NOT NULL,
			actor TEXT NOT NULL,
			message TEXT NOT NULL,
			open_fields TEXT NOT NULL,
			commitment TEXT NOT NULL,
			prev TEXT NOT NULL,
			hash TEXT NOT NULL,
			PRIMARY KEY (tenant, seq))`,
		`CREATE INDEX audit_event_message ON audit_event (message)`,
		`CREATE TABLE audit_personal (
			tenant TEXT NOT NULL,
			seq BIGINT NOT NULL,
			message TEXT NOT NULL,
			salt TEXT NOT NULL,
			data TEXT NOT NULL,
			PRIMARY KEY (tenant, seq))`,
		`CREATE INDEX audit_personal_message ON audit_personal (tenant, message)`,
		`CREATE TABLE audit_head (
			tenant TEXT PRIMARY KEY,
			seq BIGINT NOT NULL,
			hash TEXT NOT NULL,
			mac TEXT NOT NULL)`,
		`CREATE TABLE audit_message (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			received BIGINT NOT NULL,
			kind TEXT NOT NULL,
			direction TEXT NOT NULL,
			mode TEXT NOT NULL,
			way TEXT NOT NULL,
			ref TEXT NOT NULL,
			detectors TEXT NOT NULL,
			erased BIGINT NOT NULL,
			data TEXT NOT NULL)`,
		`CREATE INDEX audit_message_received ON audit_message (received)`,
		`CREATE INDEX audit_message_tenant ON audit_message (tenant, received)`,
		`CREATE INDEX audit_message_ref ON audit_message (ref)`,
		`CREATE TABLE audit_message_personal (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			sender TEXT NOT NULL,
			header_from TEXT NOT NULL,
			subject TEXT NOT NULL,
			message_id TEXT NOT NULL,
			words TEXT NOT NULL,
			data TEXT NOT NULL)`,
		`CREATE INDEX audit_message_mid ON audit_message_personal (message_id)`,
		`CREATE TABLE audit_recipient (
			message TEXT NOT NULL,
			place BIGINT NOT NULL,
			tenant TEXT NOT NULL,
			address TEXT NOT NULL,
			verdict TEXT NOT NULL,
			delivery TEXT NOT NULL,
			PRIMARY KEY (message, place))`,
		`CREATE INDEX audit_recipient_address ON audit_recipient (address)`,
		`CREATE TABLE audit_facts (
			message TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			version BIGINT NOT NULL,
			at BIGINT NOT NULL,
			facts TEXT NOT NULL)`,
		`CREATE INDEX audit_facts_at ON audit_facts (at)`,
	}
}

func readHead(tx *store.Tx, tenant string) (head, error) {
	h := head{tenant: tenant}
	var hash, mac string
	err := tx.QueryRow("SELECT seq, hash, mac FROM audit_head WHERE tenant = ?", tenant).Scan(&h.seq, &hash, &mac)
	if errors.Is(err, store.ErrNoRows) {
		return h, nil
	}
	if err != nil {
		return head{}, fmt.Errorf("audit: head: %w", err)
	}
	h.hash = parseDigest(hash)
	h.mac, _ = hex.DecodeString(mac) // nonsense verifies as false
	return h, nil
}

func upsertHead(tx *store.Tx, h head) error {
	_, err := tx.Exec(`INSERT INTO audit_head (tenant, seq, hash, mac) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac`,
		h.tenant, h.seq, hex.EncodeToString(h.hash[:]), hex.EncodeToString(h.mac))
	if err != nil {
		return fmt.Errorf("audit: head: %w", err)
	}
	return nil
}

func insertEvent(tx *store.Tx, l link) error {
	_, err := tx.Exec(`INSERT INTO audit_event
		(tenant, seq, at, kind, actor, message, open_fields, commitment, prev, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.tenant, l.seq, l.at, l.kind, l.actor, l.message, l.public, hex.EncodeToString(l.commitment[:]),
		hex.EncodeToString(l.prev[:]), hex.EncodeToString(l.hash[:]))
	if err != nil {
		return fmt.Errorf("audit: append: %w", err)
	}
	return nil
}

func insertPersonal(tx *store.Tx, l link, salt []byte, data string) error {
	_, err := tx.Exec("INSERT INTO audit_personal (tenant, seq, message, salt, data) VALUES (?, ?, ?, ?, ?)",
		l.tenant, l.seq, l.message, hex.EncodeToString(salt), data)
	if err != nil {
		return fmt.Errorf("audit: append: %w", err)
	}
	return nil
}

// eachLink reads a chain in order, each event with its personal half.
func eachLink(tx *store.Tx, tenant string, do func(link, *personalRow) error) error {
	rows, err := tx.Query(`SELECT e.seq, e.at, e.kind, e.actor, e.message, e.open_fields, e.commitment, e.prev, e.hash,
			p.salt, p.data
		FROM audit_event e LEFT JOIN audit_personal p ON p.tenant = e.tenant AND p.seq = e.seq
		WHERE e.tenant = ? ORDER BY e.seq`, tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		l := link{tenant: tenant}
		var commitment, prev, hash string
		var salt, data *string
		err := rows.Scan(&l.seq, &l.at, &l.kind, &l.actor, &l.message, &l.public, &commitment, &prev, &hash, &salt, &data)
		if err != nil {
			return err
		}
		l.commitment, l.prev, l.hash = parseDigest(commitment), parseDigest(prev), parseDigest(hash)
		var p *personalRow
		if salt != nil && data != nil {
			p = &personalRow{data: *data}
			p.salt, _ = hex.DecodeString(*salt) // nonsense does not fit its commitment
		}
		if err := do(l, p); err != nil {
			return err
		}
	}
	return rows.Err()
}

func chainTenants(tx *store.Tx) ([]string, error) {
	return column[string](tx, `SELECT tenant FROM audit_head UNION SELECT tenant FROM audit_event ORDER BY tenant`)
}

func personalOf(tx *store.Tx, tenant, message string) ([]int64, error) {
	return column[int64](tx, "SELECT seq FROM audit_personal WHERE tenant = ? AND message = ? ORDER BY seq", tenant, message)
}

// column reads a query of one column.
func column[T any](tx *store.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: read: %w", err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("audit: read: %w", err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: read: %w", err)
	}
	return list, nil
}

func isErased(tx *store.Tx, id string) (bool, error) {
	var erased int64
	err := tx.QueryRow("SELECT erased FROM audit_message WHERE id = ?", id).Scan(&erased)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("audit: read: %w", err)
	}
	return erased != 0, nil
}

func upsertMessage(tx *store.Tx, m Message, open, full string) error {
	_, err := tx.Exec(`INSERT INTO audit_message
		(id, tenant, received, kind, direction, mode, way, ref, detectors, erased, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET received = excluded.received, kind = excluded.kind, direction = excluded.direction,
			mode = excluded.mode, way = excluded.way, ref = excluded.ref, detectors = excluded.detectors, data = excluded.data`,
		m.ID, m.Tenant, store.Nanos(m.Received), m.Kind, string(m.Direction), m.Mode, string(m.Way), m.Ref, detectorsOf(m),
		store.Bit(m.Erased), open)
	if err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	if !m.Erased {
		if err := upsertPersonal(tx, m, full); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("DELETE FROM audit_recipient WHERE message = ?", m.ID); err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	for i, r := range m.Recipients {
		_, err := tx.Exec(`INSERT INTO audit_recipient (message, place, tenant, address, verdict, delivery)
			VALUES (?, ?, ?, ?, ?, ?)`, m.ID, i, m.Tenant, store.Clean(r.Address.Fold()), r.Verdict, string(r.Delivery))
		if err != nil {
			return fmt.Errorf("audit: save: %w", err)
		}
	}
	return nil
}

func upsertPersonal(tx *store.Tx, m Message, full string) error {
	_, err := tx.Exec(`INSERT INTO audit_message_personal
		(id, tenant, sender, header_from, subject, message_id, words, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET sender = excluded.sender, header_from = excluded.header_from,
			subject = excluded.subject, message_id = excluded.message_id, words = excluded.words, data = excluded.data`,
		m.ID, m.Tenant, fold(string(m.From)), fold(m.HeaderFrom), fold(m.Subject), fold(m.MessageID), wordsOf(m), full)
	if err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	return nil
}

// wordsOf is where a bare word of a query is looked for.
func wordsOf(m Message) string {
	words := []string{m.ID, m.Ref, string(m.From), m.HeaderFrom, m.Subject, m.MessageID}
	for _, r := range m.Recipients {
		words = append(words, string(r.Address))
	}
	for _, p := range m.Parts {
		words = append(words, p.Name)
	}
	return fold(strings.Join(words, "\n"))
}

func detectorsOf(m Message) string {
	text := " "
	for _, f := range m.Findings {
		for _, name := range []string{fold(f.Detector), fold(f.Type)} {
			if name != "" && !strings.Contains(text, " "+name+" ") {
				text += name + " "
			}
		}
	}
	return text
}

// selectRecords reads records with their personal half where it still is.
func selectRecords(tx *store.Tx, where string, args ...any) ([]Message, error) {
	rows, err := tx.Query(`SELECT m.data, p.data FROM audit_message m
		LEFT JOIN audit_message_personal p ON p.id = m.id `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: read: %w", err)
	}
	defer rows.Close()
	var list []Message
	for rows.Next() {
		var open string
		var full *string
		if err := rows.Scan(&open, &full); err != nil {
			return nil, fmt.Errorf("audit: read: %w", err)
		}
		if full != nil {
			open = *full
		}
		var m Message
		if err := json.Unmarshal([]byte(open), &m); err != nil {
			return nil, fmt.Errorf("audit: read: %w", err)
		}
		list = append(list, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: read: %w", err)
	}
	return list, nil
}

func selectFacts(tx *store.Tx, where string, args ...any) ([]Facts, error) {
	rows, err := tx.Query("SELECT message, tenant, version, at, facts FROM audit_facts "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: read facts: %w", err)
	}
	defer rows.Close()
	var list []Facts
	for rows.Next() {
		var f Facts
		var at int64
		var data string
		if err := rows.Scan(&f.Message, &f.Tenant, &f.Schema, &at, &data); err != nil {
			return nil, fmt.Errorf("audit: read facts: %w", err)
		}
		f.At, f.Data = store.Moment(at), json.RawMessage(data)
		list = append(list, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: read facts: %w", err)
	}
	return list, nil
}

func parseDigest(s string) (d digest) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		// Nothing that we hash comes out as this.
		return digest{0: 0xff, 1: 'b', 2: 'a', 3: 'd'}
	}
	return digest(b)
}

func decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// fold is text as it is searched.
func fold(s string) string { return store.Clean(strings.ToLower(s)) }
