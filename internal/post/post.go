package post

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE post_said (
			tenant TEXT NOT NULL,
			who TEXT NOT NULL,
			what TEXT NOT NULL,
			at BIGINT NOT NULL);
		CREATE INDEX post_said_who ON post_said (tenant, who, what, at);
		CREATE INDEX post_said_at ON post_said (at);
		CREATE TABLE post_later (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			who TEXT NOT NULL,
			address TEXT NOT NULL,
			due BIGINT NOT NULL,
			data TEXT NOT NULL,
			seal TEXT NOT NULL);
		CREATE INDEX post_later_who ON post_later (tenant, who, id);
		CREATE INDEX post_later_due ON post_later (due);
		CREATE TABLE post_out (
			id TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			address TEXT NOT NULL,
			due BIGINT NOT NULL,
			since BIGINT NOT NULL,
			data TEXT NOT NULL,
			seal TEXT NOT NULL);
		CREATE INDEX post_out_due ON post_out (due)`,
		`CREATE TABLE post_tally (
			tenant TEXT NOT NULL,
			what TEXT NOT NULL,
			n BIGINT NOT NULL,
			since BIGINT NOT NULL,
			until BIGINT NOT NULL,
			due BIGINT NOT NULL,
			data TEXT NOT NULL,
			PRIMARY KEY (tenant, what))`,
	}
}

// Migrate makes the room's tables.
func Migrate(ctx context.Context, db *store.DB) error {
	if err := db.Migrate(ctx, "post", schema()); err != nil {
		return fmt.Errorf("post: schema: %w", err)
	}
	return nil
}

// How much somebody gets, and how much is kept.
const (
	window     = time.Hour
	mostSingle = 5   // notices for a person within the window
	mostListed = 100 // of a digest that are read; the others are counted
)

// May counts something that is done for somebody, and reports whether it was
// done less than most times within the last hour. What is refused is not
// counted. what keeps counts apart.
func May(tx *store.Tx, tenant string, who mail.Address, what string, most int, now time.Time) (bool, error) {
	n, _, err := said(tx, tenant, who, what, now)
	if err != nil || n >= most {
		return false, err
	}
	return true, note(tx, tenant, who, what, now)
}

func said(tx *store.Tx, tenant string, who mail.Address, what string, now time.Time) (n int, oldest time.Time, err error) {
	var at int64
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(at), 0) FROM post_said
		WHERE tenant = ? AND who = ? AND what = ? AND at > ? AND at <= ?`,
		tenant, store.Clean(who.Key()), what, store.Nanos(now.Add(-window)), store.Nanos(now.Add(window))).Scan(&n, &at)
	if err != nil {
		return 0, oldest, fmt.Errorf("post: count: %w", err)
	}
	return n, store.Moment(at), nil
}

func note(tx *store.Tx, tenant string, who mail.Address, what string, now time.Time) error {
	_, err := tx.Exec("INSERT INTO post_said (tenant, who, what, at) VALUES (?, ?, ?, ?)",
		tenant, store.Clean(who.Key()), what, store.Nanos(now))
	if err != nil {
		return fmt.Errorf("post: count: %w", err)
	}
	return nil
}

// notices is what single notices are counted as.
const notices = "notice"

// Single reports whether a notice may be sent to somebody as a mail of its
// own. When it may not, it is kept for the digest, with data.
func Single(tx *store.Tx, tenant string, to mail.Address, data json.RawMessage, now time.Time) (bool, error) {
	n, oldest, err := said(tx, tenant, to, notices, now)
	if err != nil {
		return false, err
	}
	if n < mostSingle {
		return true, note(tx, tenant, to, notices, now)
	}
	return false, Later(tx, tenant, to, data, oldest.Add(window), now)
}

// Later keeps something for a digest that is due at a moment, or with the one
// that is kept for the same person already.
func Later(tx *store.Tx, tenant string, to mail.Address, data json.RawMessage, due, now time.Time) error {
	at, id, who := store.Nanos(due), store.NewID(now), store.Clean(to.Key())
	var earlier int64
	err := tx.QueryRow("SELECT COALESCE(MIN(due), 0) FROM post_later WHERE tenant = ? AND who = ?", tenant, who).Scan(&earlier)
	if err == nil {
		if earlier > 0 && earlier < at {
			at = earlier
		}
		text := store.Clean(string(data))
		_, err = tx.Exec("INSERT INTO post_later (id, tenant, who, address, due, data, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, tenant, who, string(to), at, text, store.Seal(id, tenant, string(to), text))
	}
	if err != nil {
		return fmt.Errorf("post: keep: %w", err)
	}
	return nil
}

// Bundle is what was kept for one person.
type Bundle struct {
	Tenant string
	To     mail.Address
	// Items are the first of them, All is how many there are.
	Items []json.RawMessage
	All   int

	last string
}

// Due returns the digest that is due first, if one is. Take removes it.
func Due(tx *store.Tx, now time.Time) (b Bundle, found bool, err error) {
	var who string
	err = tx.QueryRow("SELECT tenant, who FROM post_later WHERE due <= ? ORDER BY due, id LIMIT 1", store.Nanos(now)).Scan(&b.Tenant, &who)
	if errors.Is(err, store.ErrNoRows) {
		return b, false, nil
	}
	if err == nil {
		err = tx.QueryRow("SELECT COUNT(*), MAX(id) FROM post_later WHERE tenant = ? AND who = ?", b.Tenant, who).Scan(&b.All, &b.last)
	}
	if err != nil {
		return b, false, fmt.Errorf("post: digest: %w", err)
	}
	rows, err := tx.Query("SELECT id, address, data, seal FROM post_later WHERE tenant = ? AND who = ? ORDER BY id LIMIT CAST(? AS BIGINT)",
		b.Tenant, who, mostListed)
	if err != nil {
		return b, false, fmt.Errorf("post: digest: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, address, data, seal string
		if err := rows.Scan(&id, &address, &data, &seal); err != nil {
			return b, false, fmt.Errorf("post: digest: %w", err)
		}
		if seal != store.Seal(id, b.Tenant, address, data) {
			b.All--
			continue
		}
		b.To = mail.Address(address)
		b.Items = append(b.Items, json.RawMessage(data))
	}
	if err := rows.Err(); err != nil {
		return b, false, fmt.Errorf("post: digest: %w", err)
	}
	if b.To == "" { // every row has changed: it goes with Take
		b.To = mail.Address(who)
	}
	return b, true, nil
}

// Take removes a digest: the caller sends it in the same transaction. It is
// one mail more for the person.
func Take(tx *store.Tx, b Bundle, now time.Time) error {
	_, err := tx.Exec("DELETE FROM post_later WHERE tenant = ? AND who = ? AND id <= ?", b.Tenant, store.Clean(b.To.Key()), b.last)
	if err != nil {
		return fmt.Errorf("post: digest: %w", err)
	}
	return note(tx, b.Tenant, b.To, notices, now)
}

// Out is a mail that is to be handed on.
type Out struct {
	ID     string
	Tenant string
	To     mail.Address
	Since  time.Time
	Data   json.RawMessage
	// Altered says that the row has changed: it is not to be sent.
	Altered bool
}

// Send keeps a mail until it is handed on. An empty ID is made.
func Send(tx *store.Tx, o Out, now time.Time) error {
	if o.ID == "" {
		o.ID = store.NewID(now)
	}
	text := store.Clean(string(o.Data))
	_, err := tx.Exec("INSERT INTO post_out (id, tenant, address, due, since, data, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
		o.ID, o.Tenant, string(o.To), store.Nanos(now), store.Nanos(now), text, store.Seal(o.ID, o.Tenant, string(o.To), text))
	if err != nil {
		return fmt.Errorf("post: send: %w", err)
	}
	return nil
}

// Waiting lists the mails that are due, up to limit, the oldest first.
func Waiting(tx *store.Tx, now time.Time, limit int) (list []Out, err error) {
	rows, err := tx.Query(`SELECT id, tenant, address, since, data, seal FROM post_out
		WHERE due <= ? ORDER BY due, id LIMIT CAST(? AS BIGINT)`, store.Nanos(now), limit)
	if err != nil {
		return nil, fmt.Errorf("post: waiting: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o Out
		var to, data, seal string
		var since int64
		if err := rows.Scan(&o.ID, &o.Tenant, &to, &since, &data, &seal); err != nil {
			return nil, fmt.Errorf("post: waiting: %w", err)
		}
		o.To, o.Since, o.Data = mail.Address(to), store.Moment(since), json.RawMessage(data)
		o.Altered = seal != store.Seal(o.ID, o.Tenant, to, data)
		list = append(list, o)
	}
	return list, rows.Err()
}

// PutOff gives a mail a later moment.
func PutOff(tx *store.Tx, id string, until time.Time) error {
	if _, err := tx.Exec("UPDATE post_out SET due = ? WHERE id = ?", store.Nanos(until), id); err != nil {
		return fmt.Errorf("post: put off: %w", err)
	}
	return nil
}

// Done removes a mail that was handed on or given up.
func Done(tx *store.Tx, id string) error {
	if _, err := tx.Exec("DELETE FROM post_out WHERE id = ?", id); err != nil {
		return fmt.Errorf("post: done: %w", err)
	}
	return nil
}

// Next is when something is due: mails, digests and tallies; zero for nothing.
func Next(tx *store.Tx) (time.Time, error) {
	var due [3]int64
	err := tx.QueryRow(`SELECT COALESCE((SELECT MIN(due) FROM post_out), 0), COALESCE((SELECT MIN(due) FROM post_later), 0),
		COALESCE((SELECT MIN(due) FROM post_tally), 0)`).Scan(&due[0], &due[1], &due[2])
	if err != nil {
		return time.Time{}, fmt.Errorf("post: next: %w", err)
	}
	var next time.Time
	for _, at := range due {
		if at > 0 && (next.IsZero() || store.Moment(at).Before(next)) {
			next = store.Moment(at)
		}
	}
	return next, nil
}

// Sweep forgets counts that are older than they can matter. A clock that went
// back leaves none that bind for longer than an hour.
func Sweep(tx *store.Tx, now time.Time) error {
	_, err := tx.Exec("DELETE FROM post_said WHERE at < ? OR at > ?", store.Nanos(now.Add(-window)), store.Nanos(now.Add(window)))
	if err != nil {
		return fmt.Errorf("post: sweep: %w", err)
	}
	return nil
}
