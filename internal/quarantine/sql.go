package quarantine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
//
// hold_key is the one index of all lists: a row per word that a hold is found
// by, in the order in which lists show.
func schema() []string {
	return []string{
		`CREATE TABLE hold (
			message TEXT NOT NULL,
			recipient TEXT NOT NULL,
			tenant TEXT NOT NULL,
			due BIGINT NOT NULL,
			next BIGINT NOT NULL,
			ended BIGINT NOT NULL,
			data TEXT NOT NULL,
			seal TEXT NOT NULL,
			PRIMARY KEY (message, recipient));
		CREATE INDEX hold_next ON hold (next) WHERE next > 0;
		CREATE INDEX hold_ended ON hold (tenant, ended) WHERE ended > 0;
		CREATE TABLE hold_key (
			word TEXT NOT NULL,
			due BIGINT NOT NULL,
			message TEXT NOT NULL,
			recipient TEXT NOT NULL,
			PRIMARY KEY (word, due, message, recipient)) WITHOUT ROWID;
		CREATE INDEX hold_key_of ON hold_key (message, recipient)`,
		`CREATE TABLE hold_bulk (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			ended BIGINT NOT NULL,
			data TEXT NOT NULL);
		CREATE INDEX hold_bulk_open ON hold_bulk (ended)`,
		`CREATE TABLE device (
			hash TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			address TEXT NOT NULL,
			label TEXT NOT NULL,
			since BIGINT NOT NULL,
			until BIGINT NOT NULL);
		CREATE INDEX device_of ON device (tenant, address);
		CREATE INDEX device_until ON device (until);
		CREATE TABLE device_code (
			tenant TEXT NOT NULL,
			address TEXT NOT NULL,
			at BIGINT NOT NULL,
			hash TEXT NOT NULL,
			until BIGINT NOT NULL,
			tries BIGINT NOT NULL,
			PRIMARY KEY (tenant, address, at));
		CREATE INDEX device_code_at ON device_code (at);
		CREATE TABLE hold_token (
			hash TEXT PRIMARY KEY,
			purpose TEXT NOT NULL,
			tenant TEXT NOT NULL,
			message TEXT NOT NULL,
			address TEXT NOT NULL,
			until BIGINT NOT NULL);
		CREATE INDEX hold_token_message ON hold_token (message);
		CREATE INDEX hold_token_until ON hold_token (until)`,
		`ALTER TABLE device_code ADD COLUMN browser TEXT NOT NULL DEFAULT ''`,
		`CREATE INDEX hold_bulk_of ON hold_bulk (tenant, ended)`,
		`ALTER TABLE device_code ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
		ALTER TABLE device_code ADD COLUMN source TEXT NOT NULL DEFAULT '';
		ALTER TABLE device ADD COLUMN network TEXT NOT NULL DEFAULT ''`,
	}
}

// Migrate brings the room's tables up to date.
func Migrate(ctx context.Context, db *store.DB) error {
	if err := db.Migrate(ctx, "quarantine", schema()); err != nil {
		return err
	}
	if err := db.Migrate(ctx, "emergency", emergencySchema()); err != nil {
		return err
	}
	return db.Migrate(ctx, "untold", untoldSchema())
}

// never is the due of a hold that has no end: behind all others.
const never = int64(math.MaxInt64)

func (h *Hold) due() int64 {
	if h.Until.IsZero() {
		return never
	}
	return store.Nanos(h.Until)
}

// Words of the index that have an order of their own.
const (
	sinceWord = "@" // of all, and of a tenant: since when it waits
	overWord  = "~" // before every word of a hold that is over: since when, the latest first
)

// place is where a hold stands in the index: a word, and the order of its rows.
type place struct {
	word  string
	order int64
}

// places are where a hold is found.
func (h *Hold) places() (list []place) {
	add := func(word string, order int64) { list = append(list, place{store.Clean(word), order}) }
	if h.Ended != nil {
		for _, word := range h.keys() {
			add(overWord+word, -store.Nanos(h.Ended.At))
		}
		return list
	}
	for _, word := range h.keys() {
		add(word, h.due())
	}
	for _, word := range []string{"*", "t:" + h.Tenant} {
		add(sinceWord+word, store.Nanos(h.Since))
	}
	return list
}

// keys are the words that a hold is found by. The part before the
// colon keeps the kinds apart.
func (h *Hold) keys() []string {
	list := []string{
		"*", "t:" + h.Tenant, "s:" + keyOf(h.Sender), "r:" + keyOf(h.Recipient),
		"d:" + strings.ToLower(h.Recipient.Domain()),
	}
	for _, a := range h.Aliases {
		list = append(list, "r:"+keyOf(a))
	}
	for _, r := range h.Rules {
		list = append(list, "p:"+r)
	}
	for _, a := range h.Panel.active() {
		list = append(list, "a:"+keyOf(a))
	}
	if h.Panel.Administrators() && !h.Delay && !h.Override {
		list = append(list, "a:")
	}
	if h.Pinned != nil {
		list = append(list, "pin")
	}
	for _, w := range h.words() {
		list = append(list, "w:"+w)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (h *Hold) seal(text string, due, next, ended int64) string {
	return store.Seal(h.Message, string(h.Recipient), h.Tenant, strconv.FormatInt(due, 10), strconv.FormatInt(next, 10),
		strconv.FormatInt(ended, 10), text)
}

// Add writes a hold that begins. The spool's row of the same recipient is
// written in the same transaction.
func Add(tx *store.Tx, h Hold) error {
	text, due, next, ended, err := h.columns()
	if err == nil {
		_, err = tx.Exec(`INSERT INTO hold (message, recipient, tenant, due, next, ended, data, seal)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			h.Message, string(h.Recipient), h.Tenant, due, next, ended, text, h.seal(text, due, next, ended))
	}
	if err == nil {
		err = h.index(tx)
	}
	if err != nil {
		return fmt.Errorf("quarantine: hold %s: %w", h.Message, err)
	}
	return nil
}

func (h *Hold) columns() (text string, due, next, ended int64, err error) {
	if h.Altered {
		return "", 0, 0, 0, fmt.Errorf("its row was changed")
	}
	data, err := json.Marshal(h)
	if h.Ended != nil {
		ended = store.Nanos(h.Ended.At)
	}
	return store.Clean(string(data)), h.due(), store.Nanos(h.next()), ended, err
}

// keyRows is how many words one statement writes.
const keyRows = 32

// index writes where a hold is found.
func (h *Hold) index(tx *store.Tx) error {
	for places := range slices.Chunk(h.places(), keyRows) {
		query := "INSERT INTO hold_key (word, due, message, recipient) VALUES " +
			strings.Repeat("(?, ?, ?, ?), ", len(places)-1) + "(?, ?, ?, ?) ON CONFLICT DO NOTHING"
		var args []any
		for _, p := range places {
			args = append(args, p.word, p.order, h.Message, string(h.Recipient))
		}
		if _, err := tx.Exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

// reindex writes the words anew where they have changed: a vote about a message
// to hundreds changes none.
func (h *Hold) reindex(tx *store.Tx) error {
	if h.Ended == nil {
		same, err := h.indexed(tx)
		if same || err != nil {
			return err
		}
	}
	if err := unindex(tx, h.Message, h.Recipient); err != nil {
		return err
	}
	return h.index(tx)
}

func unindex(tx *store.Tx, message string, to mail.Address) error {
	_, err := tx.Exec("DELETE FROM hold_key WHERE message = ? AND recipient = ?", message, string(to))
	return err
}

// indexed reports whether the words of a hold stand in the index as they are.
func (h *Hold) indexed(tx *store.Tx) (same bool, err error) {
	rows, err := tx.Query("SELECT word, due FROM hold_key WHERE message = ? AND recipient = ?", h.Message, string(h.Recipient))
	if err != nil {
		return false, err
	}
	defer rows.Close()
	want := map[place]bool{}
	for _, p := range h.places() {
		want[p] = true
	}
	n, same := 0, true
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.word, &p.order); err != nil {
			return false, err
		}
		n++
		same = same && want[p]
	}
	return same && n == len(want), rows.Err()
}

// Put writes a hold anew that was read in the same transaction.
func Put(tx *store.Tx, h Hold) error {
	text, due, next, ended, err := h.columns()
	if err == nil {
		_, err = tx.Exec(`UPDATE hold SET due = ?, next = ?, ended = ?, data = ?, seal = ?
			WHERE message = ? AND recipient = ?`,
			due, next, ended, text, h.seal(text, due, next, ended), h.Message, string(h.Recipient))
	}
	if err == nil {
		err = h.reindex(tx)
	}
	if err != nil {
		return fmt.Errorf("quarantine: write hold of %s: %w", h.Message, err)
	}
	return nil
}

// End ends a hold whose spool row the same transaction removes.
func End(tx *store.Tx, h Hold, how How, by string, means Means, comment string, now time.Time) error {
	if h.Altered { // what is left of it must not stay in the lists
		h = Hold{Message: h.Message, Recipient: h.Recipient, Tenant: h.Tenant, Since: now}
	}
	h.end(how, by, means, comment, now)
	return Put(tx, h)
}

// Of lists the holds of a message, those that ended among them.
func Of(tx *store.Tx, message string) ([]Hold, error) {
	return selectHolds(tx, "WHERE message = ? ORDER BY recipient", message)
}

// Find is the hold of a recipient; found is false when there is none.
func Find(tx *store.Tx, message string, to mail.Address) (h Hold, found bool, err error) {
	list, err := selectHolds(tx, "WHERE message = ? AND recipient = ?", message, string(to))
	if err != nil || len(list) == 0 {
		return h, false, err
	}
	return list[0], true, nil
}

const dueQuery = "WHERE next > 0 AND next <= ? ORDER BY next LIMIT CAST(? AS BIGINT)"

// Due lists the holds of which a reminder or an escalation is due.
func Due(tx *store.Tx, now time.Time, limit int) ([]Hold, error) {
	return selectHolds(tx, dueQuery, store.Nanos(now), limit)
}

// Next is the moment of the next reminder after a moment; zero for none.
func Next(tx *store.Tx, after time.Time) (time.Time, error) {
	var at int64
	err := tx.QueryRow("SELECT COALESCE(MIN(next), 0) FROM hold WHERE next > 0 AND next > ?", store.Nanos(after)).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("quarantine: next reminder: %w", err)
	}
	return store.Moment(at), nil
}

// Rebase counts the time of holds anew that began in the future, as the spool
// does with its rows: the clock was ahead.
func Rebase(tx *store.Tx, now time.Time) error {
	for behind := (Cursor{}); ; {
		list, next, err := List(tx, Filter{}, behind, 500)
		if err != nil {
			return err
		}
		for _, h := range list {
			if h.Altered || !h.Since.After(now) {
				continue
			}
			back := h.Since.Sub(now)
			h.Since = now
			for _, at := range []*time.Time{&h.Until, &h.Escalate} {
				if !at.IsZero() {
					*at = at.Add(-back)
				}
			}
			for i := range h.Remind {
				h.Remind[i] = h.Remind[i].Add(-back)
			}
			if err := Put(tx, h); err != nil {
				return err
			}
		}
		if behind = next; next == (Cursor{}) {
			return nil
		}
	}
}

// Forget removes up to limit holds of a tenant that ended before a moment:
// who decided what is then in the audit chain only.
func Forget(tx *store.Tx, tenant string, before time.Time, limit int) (int64, error) {
	list, err := selectHolds(tx, "WHERE tenant = ? AND ended > 0 AND ended < ? LIMIT CAST(? AS BIGINT)",
		tenant, store.Nanos(before), limit)
	if err != nil {
		return 0, err
	}
	for _, h := range list {
		_, err := tx.Exec("DELETE FROM hold WHERE message = ? AND recipient = ?", h.Message, string(h.Recipient))
		if err == nil {
			err = unindex(tx, h.Message, h.Recipient)
		}
		if err != nil {
			return 0, fmt.Errorf("quarantine: forget: %w", err)
		}
	}
	return int64(len(list)), nil
}

// Tenants lists the tenants that have holds, ended ones among them.
func Tenants(tx *store.Tx) (list []string, err error) {
	rows, err := tx.Query("SELECT DISTINCT tenant FROM hold WHERE ended > 0")
	if err != nil {
		return nil, fmt.Errorf("quarantine: tenants: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("quarantine: tenants: %w", err)
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

const holdColumns = "h.message, h.recipient, h.tenant, h.due, h.next, h.ended, h.data, h.seal"

func selectHolds(tx *store.Tx, where string, args ...any) ([]Hold, error) {
	return readHolds(tx, "SELECT "+holdColumns+", h.due FROM hold h "+where, args...)
}

// readHolds reads the columns of holds and behind them their place in a list.
func readHolds(tx *store.Tx, query string, args ...any) ([]Hold, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("quarantine: read holds: %w", err)
	}
	defer rows.Close()
	var list []Hold
	for rows.Next() {
		h, err := scanHold(rows)
		if err != nil {
			return nil, fmt.Errorf("quarantine: read holds: %w", err)
		}
		list = append(list, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("quarantine: read holds: %w", err)
	}
	return list, nil
}

// scanHold reads a row. One that was changed stands in the list all the same:
// it must hide no other, and a person must see it.
func scanHold(rows *store.Rows) (h Hold, err error) {
	var message, recipient, tenant, text, seal string
	var due, next, ended int64
	if err := rows.Scan(&message, &recipient, &tenant, &due, &next, &ended, &text, &seal, &h.place); err != nil {
		return h, err
	}
	bad := json.Unmarshal([]byte(text), &h)
	own := Hold{Message: message, Recipient: mail.Address(recipient), Tenant: tenant}
	if bad != nil || seal != own.seal(text, due, next, ended) || h.Message != message || h.Recipient != own.Recipient {
		h.Message, h.Recipient, h.Tenant, h.Altered = own.Message, own.Recipient, own.Tenant, true
	}
	return h, nil
}

// Quiet takes the reminders from a row that was changed, so that it is not
// found again.
func Quiet(tx *store.Tx, h Hold) error {
	_, err := tx.Exec("UPDATE hold SET next = 0 WHERE message = ? AND recipient = ?", h.Message, string(h.Recipient))
	if err != nil {
		return fmt.Errorf("quarantine: quiet %s: %w", h.Message, err)
	}
	return nil
}
