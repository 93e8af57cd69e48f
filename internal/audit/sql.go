package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
//
// Each message has one row and each event has one: what can be erased stands
// in columns of its own, which an erasure empties. A second table for them
// would cost a tree of its own and an index for every message that passes.
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
			salt TEXT NOT NULL,
			personal TEXT NOT NULL,
			PRIMARY KEY (tenant, seq))`,
		`CREATE INDEX audit_event_message ON audit_event (message)`,
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
			sender TEXT NOT NULL,
			header_from TEXT NOT NULL,
			subject TEXT NOT NULL,
			message_id TEXT NOT NULL,
			words TEXT NOT NULL,
			data TEXT NOT NULL,
			facts_version BIGINT NOT NULL,
			facts TEXT NOT NULL)`,
		`CREATE INDEX audit_message_received ON audit_message (received)`,
		`CREATE INDEX audit_message_tenant ON audit_message (tenant, received)`,
		`CREATE INDEX audit_message_ref ON audit_message (ref)`,
		`CREATE INDEX audit_message_facts ON audit_message (received) WHERE facts <> ''`,
		`CREATE TABLE audit_recipient (
			message TEXT NOT NULL,
			place BIGINT NOT NULL,
			address TEXT NOT NULL,
			verdict TEXT NOT NULL,
			delivery TEXT NOT NULL,
			PRIMARY KEY (message, place)) WITHOUT ROWID`,
		`CREATE TABLE audit_base (
			tenant TEXT PRIMARY KEY,
			seq BIGINT NOT NULL,
			hash TEXT NOT NULL,
			mac TEXT NOT NULL)`,
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

func insertEvent(tx *store.Tx, l link, p personalRow) error {
	_, err := tx.Exec(`INSERT INTO audit_event
		(tenant, seq, at, kind, actor, message, open_fields, commitment, prev, hash, salt, personal)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.tenant, l.seq, l.at, l.kind, l.actor, l.message, l.public, hex.EncodeToString(l.commitment[:]),
		hex.EncodeToString(l.prev[:]), hex.EncodeToString(l.hash[:]), hex.EncodeToString(p.salt), p.data)
	if err != nil {
		return fmt.Errorf("audit: append: %w", err)
	}
	return nil
}

// eachLink reads a chain in order, each event with its personal half.
func eachLink(tx *store.Tx, tenant string, do func(link, *personalRow) error) error {
	rows, err := tx.Query(`SELECT seq, at, kind, actor, message, open_fields, commitment, prev, hash, salt, personal
		FROM audit_event WHERE tenant = ? ORDER BY seq`, tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		l := link{tenant: tenant}
		var commitment, prev, hash, salt, data string
		err := rows.Scan(&l.seq, &l.at, &l.kind, &l.actor, &l.message, &l.public, &commitment, &prev, &hash, &salt, &data)
		if err != nil {
			return err
		}
		l.commitment, l.prev, l.hash = parseDigest(commitment), parseDigest(prev), parseDigest(hash)
		var p *personalRow
		if salt != "" || data != "" {
			p = &personalRow{data: data}
			p.salt, _ = hex.DecodeString(salt) // nonsense does not fit its commitment
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
	return column[int64](tx, "SELECT seq FROM audit_event WHERE tenant = ? AND message = ? AND personal <> '' ORDER BY seq",
		tenant, message)
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

func isErased(tx *store.Tx, id string) (found, erased bool, err error) {
	var bit int64
	err = tx.QueryRow("SELECT erased FROM audit_message WHERE id = ?", id).Scan(&bit)
	if errors.Is(err, store.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("audit: read: %w", err)
	}
	return true, bit != 0, nil
}

// readRecord reads a record that is about to be changed.
func readRecord(tx *store.Tx, id string) (m Message, err error) {
	var data string
	var erased bool
	err = tx.QueryRow("SELECT data, erased FROM audit_message WHERE id = ?", id).Scan(&data, &erased)
	if errors.Is(err, store.ErrNoRows) {
		return m, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err == nil {
		err = json.Unmarshal([]byte(data), &m)
	}
	if err != nil {
		return m, fmt.Errorf("audit: read: %w", err)
	}
	m.Erased = erased
	return m, nil
}

// row is a record as it stands in the table.
func row(m Message) ([]any, error) {
	data, err := dataOf(m)
	return append(columns(m), data), err
}

func dataOf(m Message) (string, error) {
	scratch := buffers.Get()
	defer buffers.Put(scratch)
	data, err := m.AppendJSON(scratch[:0])
	if err != nil {
		return "", fmt.Errorf("audit: save %s: %w", m.ID, err)
	}
	return string(data), nil
}

// columns are what is searched by.
func columns(m Message) []any {
	personal := [5]string{}
	if !m.Erased {
		personal = [...]string{fold(string(m.From)), fold(m.HeaderFrom), fold(m.Subject), fold(m.MessageID), wordsOf(m)}
	}
	return []any{
		m.Tenant, store.Nanos(m.Received), m.Kind, string(m.Direction), m.Mode, string(m.Way), m.Ref, detectorsOf(m),
		store.Bit(m.Erased), personal[0], personal[1], personal[2], personal[3], personal[4],
	}
}

// changeMessage writes what a record has become that had these columns and
// recipients. Most changes are of what nothing is searched by: then the indexes
// stay as they are.
func changeMessage(tx *store.Tx, before []any, to []Recipient, m Message) error {
	if !slices.Equal(before, columns(m)) || len(to) != len(m.Recipients) {
		return updateMessage(tx, m)
	}
	data, err := dataOf(m)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE audit_message SET data = ? WHERE id = ?", data, m.ID); err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	for i, r := range m.Recipients {
		if old := to[i]; old.Address == r.Address && old.Verdict == r.Verdict && old.Delivery == r.Delivery {
			continue
		}
		_, err := tx.Exec("UPDATE audit_recipient SET address = ?, verdict = ?, delivery = ? WHERE message = ? AND place = ?",
			store.Clean(r.Address.Fold()), r.Verdict, string(r.Delivery), m.ID, i)
		if err != nil {
			return fmt.Errorf("audit: save: %w", err)
		}
	}
	return nil
}

func insertMessage(tx *store.Tx, m Message, schema int, facts string) error {
	values, err := row(m)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO audit_message
		(tenant, received, kind, direction, mode, way, ref, detectors, erased, sender, header_from, subject, message_id,
			words, data, id, facts_version, facts)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(values, m.ID, schema, facts)...)
	if err != nil {
		return fmt.Errorf("audit: add: %w", err)
	}
	return insertRecipients(tx, m)
}

func updateMessage(tx *store.Tx, m Message) error {
	values, err := row(m)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE audit_message SET
		tenant = ?, received = ?, kind = ?, direction = ?, mode = ?, way = ?, ref = ?, detectors = ?, erased = ?,
		sender = ?, header_from = ?, subject = ?, message_id = ?, words = ?, data = ? WHERE id = ?`, append(values, m.ID)...)
	if err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	if _, err := tx.Exec("DELETE FROM audit_recipient WHERE message = ?", m.ID); err != nil {
		return fmt.Errorf("audit: save: %w", err)
	}
	return insertRecipients(tx, m)
}

func insertRecipients(tx *store.Tx, m Message) error {
	for i, r := range m.Recipients {
		_, err := tx.Exec(`INSERT INTO audit_recipient (message, place, address, verdict, delivery)
			VALUES (?, ?, ?, ?, ?)`, m.ID, i, store.Clean(r.Address.Fold()), r.Verdict, string(r.Delivery))
		if err != nil {
			return fmt.Errorf("audit: save: %w", err)
		}
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

func selectRecords(tx *store.Tx, where string, args ...any) ([]Message, error) {
	list, err := column[string](tx, "SELECT m.data FROM audit_message m "+where, args...)
	if err != nil {
		return nil, err
	}
	records := make([]Message, len(list))
	for i, data := range list {
		if err := json.Unmarshal([]byte(data), &records[i]); err != nil {
			return nil, fmt.Errorf("audit: read: %w", err)
		}
	}
	return records, nil
}

func (l *Log) selectFacts(tx *store.Tx, where string, args ...any) ([]Facts, error) {
	rows, err := tx.Query("SELECT id, tenant, facts_version, received, facts FROM audit_message WHERE facts <> '' AND "+
		where, args...)
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
		f.At = store.Moment(at)
		if l.read(&f, data) {
			list = append(list, f)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: read facts: %w", err)
	}
	return list, nil
}

// recorded fills in what was recorded of a page of messages.
func recorded(tx *store.Tx, list []Facts) error {
	at := map[string]*Facts{}
	for i := range list {
		list[i].Verdicts = map[string]string{}
		at[list[i].Message] = &list[i]
	}
	first, last := list[0].Message, list[len(list)-1].Message
	read := func(query string, take func(f *Facts, a, b string)) error {
		rows, err := tx.Query(query, first, last)
		if err != nil {
			return fmt.Errorf("audit: read verdicts: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id, a, b string
			if err := rows.Scan(&id, &a, &b); err != nil {
				return fmt.Errorf("audit: read verdicts: %w", err)
			}
			if f := at[id]; f != nil {
				take(f, a, b)
			}
		}
		return rows.Err()
	}
	err := read("SELECT message, address, verdict FROM audit_recipient WHERE message >= ? AND message <= ?",
		func(f *Facts, address, verdict string) { f.Verdicts[address] = verdict })
	if err != nil {
		return err
	}
	return read("SELECT id, data, '' FROM audit_message WHERE id >= ? AND id <= ?", func(f *Facts, data, _ string) {
		// A quote inside a text is written with a backslash: this is the key.
		if _, rest, found := strings.Cut(data, `"policy":"`); found {
			f.Policy, _, _ = strings.Cut(rest, `"`)
		}
	})
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
