package audit

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/store"
)

// prunedKind is the event that says where the chain begins now.
const prunedKind = "pruned"

// base is where a chain begins whose oldest events are gone: the number and
// the hash of the last of them, under a key that is not in the database.
type base struct {
	tenant string
	seq    int64
	hash   digest
	mac    []byte
}

func (b base) sign(key []byte) []byte {
	return signed(key, "base", b.tenant, b.seq, b.hash)
}

// honest reports whether a base was signed with one of our keys; the start of
// a chain needs no signature.
func (l *Log) honest(b base) bool {
	for _, k := range l.keys {
		if hmac.Equal(b.mac, b.sign(k)) {
			return true
		}
	}
	return b.seq == 0
}

func readBase(tx *store.Tx, tenant string) (base, error) {
	b := base{tenant: tenant}
	var hash, mac string
	err := tx.QueryRow("SELECT seq, hash, mac FROM audit_base WHERE tenant = ?", tenant).Scan(&b.seq, &hash, &mac)
	if errors.Is(err, store.ErrNoRows) {
		return b, nil
	}
	if err != nil {
		return base{}, fmt.Errorf("audit: base: %w", err)
	}
	b.hash = parseDigest(hash)
	b.mac, _ = hex.DecodeString(mac) // nonsense is not honest
	return b, nil
}

// Prune removes up to limit of the oldest events of a chain, as far as they
// happened before a moment and none is about a message that spare wants to
// stay; and the records of messages that have no event any more, which gone
// names. The chain gets an event that says where it begins now.
func (l *Log) Prune(
	tx *store.Tx, tenant string, before time.Time, limit int, spare func(message string) (bool, error), now time.Time,
) (n int, gone []string, err error) {
	from, err := readBase(tx, tenant)
	if err != nil {
		return 0, nil, err
	}
	list, err := l.prunable(tx, tenant, from.seq, before, limit, spare)
	if err != nil || len(list) == 0 {
		return 0, nil, err
	}
	last := list[len(list)-1]
	b := base{tenant: tenant, seq: last.seq, hash: last.hash}
	_, err = tx.Exec(`INSERT INTO audit_base (tenant, seq, hash, mac) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac`,
		tenant, b.seq, hex.EncodeToString(b.hash[:]), hex.EncodeToString(b.sign(l.keys[0])))
	if err == nil {
		_, err = tx.Exec("DELETE FROM audit_event WHERE tenant = ? AND seq <= ?", tenant, b.seq)
	}
	seen := map[string]bool{}
	for _, e := range list {
		if err == nil && e.message != "" && !seen[e.message] {
			seen[e.message] = true
			var forgot bool
			if forgot, err = forgetRecord(tx, tenant, e.message); forgot {
				gone = append(gone, e.message)
			}
		}
	}
	if err != nil {
		return 0, nil, fmt.Errorf("audit: prune: %w", err)
	}
	public, err := json.Marshal(map[string]any{"events": len(list), "last": b.seq, "why": "retention"})
	if err != nil {
		return 0, nil, fmt.Errorf("audit: prune: %w", err)
	}
	return len(list), gone, l.Append(tx, Event{Tenant: tenant, Kind: prunedKind, Actor: "retention", At: now, Public: public})
}

// prunable are the oldest events of a chain that may go.
func (l *Log) prunable(
	tx *store.Tx, tenant string, after int64, before time.Time, limit int, spare func(string) (bool, error),
) ([]link, error) {
	rows, err := tx.Query(`SELECT seq, at, message, kind, hash FROM audit_event WHERE tenant = ? AND seq > ?
		ORDER BY seq LIMIT CAST(? AS BIGINT)`, tenant, after, limit)
	if err != nil {
		return nil, fmt.Errorf("audit: prune: %w", err)
	}
	var list []link
	for rows.Next() {
		var e link
		var hash string
		if err := rows.Scan(&e.seq, &e.at, &e.message, &e.kind, &hash); err != nil {
			rows.Close()
			return nil, fmt.Errorf("audit: prune: %w", err)
		}
		if e.hash = parseDigest(hash); e.at >= store.Nanos(before) || e.seq != after+int64(len(list))+1 {
			break // or an event is missing: that must stay to be seen
		}
		list = append(list, e)
	}
	err = errors.Join(rows.Err(), rows.Close())
	spared := map[string]bool{}
	for i, e := range list {
		if _, asked := spared[e.message]; !asked && e.message != "" && err == nil {
			spared[e.message], err = spare(e.message)
		}
		if spared[e.message] {
			return list[:i], err
		}
	}
	return list, err
}

// forgetRecord removes the record of a message of which no event is left.
func forgetRecord(tx *store.Tx, tenant, message string) (forgot bool, err error) {
	var n int
	err = tx.QueryRow("SELECT COUNT(*) FROM audit_event WHERE message = ?", message).Scan(&n)
	if err != nil || n > 0 {
		return false, err
	}
	if _, err = tx.Exec("DELETE FROM audit_message WHERE tenant = ? AND id = ?", tenant, message); err == nil {
		_, err = tx.Exec("DELETE FROM audit_recipient WHERE message = ?", message)
	}
	return err == nil, err
}

// Oldest is when the oldest event of a chain happened; zero when there is none.
func Oldest(tx *store.Tx, tenant string) (time.Time, error) {
	var at int64
	err := tx.QueryRow("SELECT COALESCE(MIN(at), 0) FROM audit_event WHERE tenant = ?", tenant).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("audit: oldest: %w", err)
	}
	return store.Moment(at), nil
}
