package evidence

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE evidence (
			message TEXT PRIMARY KEY,
			tenant TEXT NOT NULL,
			due BIGINT NOT NULL,
			ended BIGINT NOT NULL,
			file TEXT NOT NULL,
			size BIGINT NOT NULL,
			data TEXT NOT NULL,
			seal TEXT NOT NULL,
			body_key TEXT NOT NULL);
		CREATE INDEX evidence_due ON evidence (due) WHERE due > 0;
		CREATE INDEX evidence_ended ON evidence (tenant, ended)`,
	}
}

// due is when a copy is to be given up; 0 for never.
func (c Copy) due() int64 {
	if c.Pinned != nil || !c.Ended.IsZero() {
		return 0
	}
	return store.Nanos(c.Until)
}

// row is the columns but the key, which may be wrapped anew.
func (c Copy) row() (due, ended int64, text, seal string, err error) {
	data, err := json.Marshal(c)
	if err != nil {
		return 0, 0, "", "", err
	}
	due, text = c.due(), store.Clean(string(data))
	if !c.Ended.IsZero() {
		ended = store.Nanos(c.Ended)
	}
	return due, ended, text, c.seal(due, ended, text), nil
}

func (c Copy) seal(due, ended int64, text string) string {
	return store.Seal(c.Message, c.Tenant, strconv.FormatInt(due, 10), strconv.FormatInt(ended, 10), c.stored.File,
		strconv.FormatInt(c.Size, 10), text)
}

func insert(tx *store.Tx, c Copy) error {
	due, ended, text, seal, err := c.row()
	if err == nil {
		_, err = tx.Exec(`INSERT INTO evidence (message, tenant, due, ended, file, size, data, seal, body_key)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, c.Message, c.Tenant, due, ended, c.stored.File, c.Size, text, seal, string(c.stored.Wrapped))
	}
	if err != nil {
		return fmt.Errorf("evidence: keep %s: %w", c.Message, err)
	}
	return nil
}

func update(tx *store.Tx, c Copy) error {
	due, ended, text, seal, err := c.row()
	if err == nil {
		_, err = tx.Exec("UPDATE evidence SET due = ?, ended = ?, data = ?, seal = ?, body_key = ? WHERE message = ?",
			due, ended, text, seal, string(c.stored.Wrapped), c.Message)
	}
	if err != nil {
		return fmt.Errorf("evidence: write %s: %w", c.Message, err)
	}
	return nil
}

// Find is the copy of a message. The error is ErrNotFound when there is none
// and was none.
func Find(tx *store.Tx, message string) (Copy, error) {
	list, err := read(tx, "WHERE message = ?", message)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: %s", ErrNotFound, message)
	}
	if err != nil {
		return Copy{}, err
	}
	return list[0], nil
}

// Filter chooses copies; zero fields do not restrict.
type Filter struct {
	Tenant string
	// Gone chooses those that are gone; else they are left out.
	Gone bool
	// After continues a list behind this message.
	After string
	Limit int
}

// List lists copies in the order of our ids, which is that of their arrival.
func List(tx *store.Tx, f Filter) ([]Copy, error) {
	where, args := "WHERE ended = 0 AND message > ?", []any{f.After}
	if f.Gone {
		where = "WHERE ended > 0 AND message > ?"
	}
	if f.Tenant != "" {
		where += " AND tenant = ?"
		args = append(args, f.Tenant)
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return read(tx, where+" ORDER BY message LIMIT CAST(? AS BIGINT)", append(args, f.Limit)...)
}

// Due lists copies whose time is over and that nobody has pinned.
func Due(tx *store.Tx, now time.Time, limit int) ([]Copy, error) {
	return read(tx, "WHERE due > 0 AND due <= ? ORDER BY due LIMIT CAST(? AS BIGINT)", store.Nanos(now), limit)
}

// ForgetOne removes the row of a copy that is gone, when its record goes.
func ForgetOne(tx *store.Tx, message string) error {
	if _, err := tx.Exec("DELETE FROM evidence WHERE message = ? AND ended > 0", message); err != nil {
		return fmt.Errorf("evidence: forget: %w", err)
	}
	return nil
}

// Standing is what the room has of a message: one side of the balance.
type Standing struct {
	Tenant string
	// Gone is set when its time was over.
	Gone bool
}

// Standings reads what there is of the messages behind after, up to last; ""
// is the end.
func Standings(tx *store.Tx, after, last string) (map[string]Standing, error) {
	query, args := "SELECT message, tenant, ended FROM evidence WHERE message > ?", []any{after}
	if last != "" {
		query, args = query+" AND message <= ?", append(args, last)
	}
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("evidence: standings: %w", err)
	}
	defer rows.Close()
	page := map[string]Standing{}
	for rows.Next() {
		var id, tenant string
		var ended int64
		if err := rows.Scan(&id, &tenant, &ended); err != nil {
			return nil, fmt.Errorf("evidence: standings: %w", err)
		}
		page[id] = Standing{tenant, ended > 0}
	}
	return page, rows.Err()
}

// InUse counts the wrappings per key.
func InUse(tx *store.Tx) (map[string]int, error) {
	rows, err := tx.Query("SELECT SUBSTR(body_key, 4, 16), COUNT(*) FROM evidence WHERE ended = 0 GROUP BY 1")
	if err != nil {
		return nil, fmt.Errorf("evidence: keys in use: %w", err)
	}
	defer rows.Close()
	use := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("evidence: keys in use: %w", err)
		}
		use[id] = n
	}
	return use, rows.Err()
}

func read(tx *store.Tx, where string, args ...any) ([]Copy, error) {
	rows, err := tx.Query("SELECT message, tenant, due, ended, file, size, data, seal, body_key FROM evidence "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("evidence: read: %w", err)
	}
	defer rows.Close()
	var list []Copy
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("evidence: read: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// scan reads a row. One that was changed stands in lists all the same.
func scan(rows *store.Rows) (c Copy, err error) {
	var own Copy
	var due, ended int64
	var text, seal string
	err = rows.Scan(&own.Message, &own.Tenant, &due, &ended, &own.stored.File, &own.Size, &text, &seal, &own.stored.Wrapped)
	if err != nil {
		return c, err
	}
	bad := json.Unmarshal([]byte(text), &c)
	c.stored = own.stored
	if bad != nil || seal != own.seal(due, ended, text) {
		c = Copy{Message: own.Message, Tenant: own.Tenant, Size: own.Size, stored: own.stored, altered: true}
		if ended > 0 {
			c.Ended = store.Moment(ended)
		}
	}
	c.Message, c.Tenant, c.Size = own.Message, own.Tenant, own.Size
	return c, nil
}

// Altered reports whether the row of a copy is not what was written.
func (c Copy) Altered() bool { return c.altered }

// wrapped is a copy's key as the row has it.
func (c Copy) wrapped() vault.Wrapped { return c.stored.Wrapped }
