package spool

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// RepeatLife is how long an answer that the client may not have read is
// kept: Exchange Online gives up on a message after 24 hours by default and
// 48 at most.
const RepeatLife = 48 * time.Hour

// Key recognises the same message arriving again.
type Key string

// RepeatKey is the key of an arrival: SHA-256 over tenant, recipients
// without regard to order and case, Message-ID, hash of the body, and Date.
// Each part is framed by its length, so that no two arrivals share a key by
// moving octets between parts.
func RepeatKey(tenant string, to []mail.Address, messageID string, body [sha256.Size]byte, date string) Key {
	sorted := make([]string, len(to))
	for i, a := range to {
		sorted[i] = a.Fold()
	}
	slices.Sort(sorted)
	h := sha256.New()
	frame := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	frame(tenant)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(sorted))))
	for _, a := range sorted {
		frame(a)
	}
	frame(messageID)
	frame(string(body[:]))
	frame(date)
	return Key(hex.EncodeToString(h.Sum(nil)))
}

// Repeat is the answer that an arrival got and its client may not have read.
type Repeat struct {
	Key     Key
	Tenant  string
	Message string
	Reply   mail.Reply
	At      time.Time
}

// FindRepeat returns the answer that the same arrival got before.
func FindRepeat(tx *store.Tx, key Key, now time.Time) (r Repeat, found bool, err error) {
	var at int64
	r.Key = key
	err = tx.QueryRow("SELECT tenant, message, code, enhanced, reply, at FROM repeat WHERE rkey = ? AND at > ?",
		string(key), store.Nanos(now.Add(-RepeatLife))).
		Scan(&r.Tenant, &r.Message, &r.Reply.Code, &r.Reply.Enhanced, &r.Reply.Text, &at)
	if errors.Is(err, store.ErrNoRows) {
		return Repeat{}, false, nil
	}
	if err != nil {
		return Repeat{}, false, fmt.Errorf("spool: find repeat: %w", err)
	}
	r.At = store.Moment(at)
	return r, true, nil
}

// EachKey names the arrivals of which an answer (repeat) or deferrals are
// kept.
func EachKey(tx *store.Tx, do func(repeat bool, key Key)) error {
	for _, table := range []string{"repeat", "deferral"} {
		rows, err := tx.Query("SELECT rkey FROM " + table)
		if err != nil {
			return fmt.Errorf("spool: keys: %w", err)
		}
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				rows.Close()
				return fmt.Errorf("spool: keys: %w", err)
			}
			do(table == "repeat", Key(key))
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("spool: keys: %w", err)
		}
	}
	return nil
}

// PutRepeat keeps an answer before it is said. A later answer to the same
// arrival takes the place of the former.
func PutRepeat(tx *store.Tx, r Repeat) error {
	_, err := tx.Exec(`INSERT INTO repeat (rkey, tenant, message, code, enhanced, reply, at)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (rkey) DO UPDATE SET message = excluded.message, code = excluded.code,
			enhanced = excluded.enhanced, reply = excluded.reply, at = excluded.at`,
		string(r.Key), r.Tenant, r.Message, r.Reply.Code, r.Reply.Enhanced, store.Clean(r.Reply.Text), store.Nanos(r.At))
	if err != nil {
		return fmt.Errorf("spool: put repeat: %w", err)
	}
	return nil
}

// SettleRepeat forgets an answer that the client confirmed by going on: an
// equal message after it is a new one. Its deferrals stay: a client that
// has read 451 comes again with the same message.
func SettleRepeat(tx *store.Tx, key Key) error {
	if _, err := tx.Exec("DELETE FROM repeat WHERE rkey = ?", string(key)); err != nil {
		return fmt.Errorf("spool: settle repeat: %w", err)
	}
	return nil
}

// Deferral is how often, and since when, the same arrival was answered with
// a temporary refusal because it could not be looked at.
type Deferral struct {
	Count int
	First time.Time
}

// Exhausted says that the message must be held now instead of deferred once
// more: after 3 deferrals, or 30 minutes.
func (d Deferral) Exhausted(now time.Time) bool {
	return d.Count >= 3 || d.Count > 0 && now.Sub(d.First) >= 30*time.Minute
}

// FindDeferral returns what is known of the arrival's deferrals; the zero
// Deferral when there are none.
func FindDeferral(tx *store.Tx, key Key, now time.Time) (Deferral, error) {
	var d Deferral
	var first int64
	err := tx.QueryRow("SELECT times, first_at FROM deferral WHERE rkey = ? AND first_at > ?",
		string(key), store.Nanos(now.Add(-RepeatLife))).Scan(&d.Count, &first)
	if errors.Is(err, store.ErrNoRows) {
		return Deferral{}, nil
	}
	if err != nil {
		return Deferral{}, fmt.Errorf("spool: find deferral: %w", err)
	}
	d.First = store.Moment(first)
	return d, nil
}

// PutDeferral counts one more deferral, and begins anew after 48 hours.
func PutDeferral(tx *store.Tx, key Key, now time.Time) (Deferral, error) {
	d, err := FindDeferral(tx, key, now)
	if err != nil {
		return Deferral{}, err
	}
	if d.Count == 0 {
		d.First = now
	}
	d.Count++
	_, err = tx.Exec(`INSERT INTO deferral (rkey, times, first_at) VALUES (?, ?, ?)
		ON CONFLICT (rkey) DO UPDATE SET times = excluded.times, first_at = excluded.first_at`,
		string(key), d.Count, store.Nanos(d.First))
	if err != nil {
		return Deferral{}, fmt.Errorf("spool: put deferral: %w", err)
	}
	return d, nil
}

// EndDeferral forgets the deferrals of an arrival that was decided.
func EndDeferral(tx *store.Tx, key Key) error {
	if _, err := tx.Exec("DELETE FROM deferral WHERE rkey = ?", string(key)); err != nil {
		return fmt.Errorf("spool: end deferral: %w", err)
	}
	return nil
}

// SweepRepeats removes answers and deferrals that are older than 48 hours.
func SweepRepeats(tx *store.Tx, now time.Time) (int64, error) {
	before := store.Nanos(now.Add(-RepeatLife))
	n, err := tx.Exec("DELETE FROM repeat WHERE at <= ?", before)
	if err != nil {
		return 0, fmt.Errorf("spool: sweep repeats: %w", err)
	}
	more, err := tx.Exec("DELETE FROM deferral WHERE first_at <= ?", before)
	if err != nil {
		return 0, fmt.Errorf("spool: sweep deferrals: %w", err)
	}
	return n + more, nil
}
