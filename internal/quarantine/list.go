package quarantine

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Filter chooses holds that wait; zero fields do not restrict.
type Filter struct {
	Tenant string `json:"tenant,omitempty"`
	// Approver may decide; "-" are the administrators alone.
	Approver  mail.Address `json:"approver,omitempty"`
	Sender    mail.Address `json:"sender,omitempty"`
	Recipient mail.Address `json:"recipient,omitempty"`
	Domain    string       `json:"domain,omitempty"` // of the recipient
	Rule      string       `json:"rule,omitempty"`
	Pinned    bool         `json:"pinned,omitempty"`
	// Text are words that must all be there: in the subject, in the addresses
	// or in the reference.
	Text string `json:"text,omitempty"`
}

// keys are the words of the index that a hold must have.
func (f Filter) keys() []string {
	var list []string
	add := func(kind, value string) {
		if value != "" {
			list = append(list, store.Clean(kind+value))
		}
	}
	add("t:", f.Tenant)
	if f.Approver == "-" {
		list = append(list, "a:")
	} else if f.Approver != "" {
		add("a:", keyOf(f.Approver))
	}
	if f.Sender != "" {
		add("s:", keyOf(f.Sender))
	}
	if f.Recipient != "" {
		add("r:", keyOf(f.Recipient))
	}
	add("d:", strings.ToLower(f.Domain))
	add("p:", f.Rule)
	if f.Pinned {
		list = append(list, "pin")
	}
	for _, w := range Words(f.Text, mostAsked) {
		add("w:", w)
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) == 0 {
		list = []string{"*"}
	}
	return list
}

// Cursor is where a page ended; the zero Cursor is the beginning.
type Cursor struct {
	Due       int64        `json:"due"`
	Message   string       `json:"message"`
	Recipient mail.Address `json:"recipient"`
}

// String is a cursor for a link or a command line.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	text := strconv.FormatInt(c.Due, 36) + " " + c.Message + " " + string(c.Recipient)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// ErrCursor says that a cursor is not one of ours.
var ErrCursor = errors.New("quarantine: this is not the end of a page")

// ParseCursor reads what String wrote.
func ParseCursor(s string) (c Cursor, err error) {
	if s == "" {
		return c, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	parts := strings.SplitN(string(text), " ", 3)
	if err != nil || len(parts) != 3 || len(text) > 1000 {
		return c, ErrCursor
	}
	if c.Due, err = strconv.ParseInt(parts[0], 36, 64); err != nil {
		return c, ErrCursor
	}
	c.Message, c.Recipient = parts[1], mail.Address(parts[2])
	return c, nil
}

// List returns up to limit holds that wait, those that are due first, behind a
// cursor. next is where the next page begins; zero on the last.
func List(tx *store.Tx, f Filter, behind Cursor, limit int) (list []Hold, next Cursor, err error) {
	keys, err := f.ordered(tx)
	if err != nil {
		return nil, next, err
	}
	query, args := pageQuery(keys, behind, limit+1)
	if list, err = readHolds(tx, query, args...); err != nil || len(list) <= limit {
		return list, next, err
	}
	list = list[:limit]
	last := list[limit-1]
	next = Cursor{last.place, last.Message, last.Recipient}
	return list, next, nil
}

// ordered are the keys, the rarest first: the page is read along it.
func (f Filter) ordered(tx *store.Tx) ([]string, error) {
	keys := f.keys()
	if len(keys) == 1 {
		return keys, nil
	}
	best, rarest := 0, int64(enough)+1
	for i, key := range keys {
		var n int64
		if err := tx.QueryRow(countQuery, key, enough).Scan(&n); err != nil {
			return nil, fmt.Errorf("quarantine: list: %w", err)
		}
		if n < rarest {
			best, rarest = i, n
		}
	}
	keys[0], keys[best] = keys[best], keys[0]
	return keys, nil
}

const countQuery = "SELECT COUNT(*) FROM (SELECT 1 FROM hold_key WHERE word = ? LIMIT CAST(? AS BIGINT)) x"

// enough is how far a word is counted to find the rarest of a query.
const enough = 1000

func pageQuery(keys []string, behind Cursor, limit int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT " + holdColumns + ` FROM hold_key k
		JOIN hold h ON h.message = k.message AND h.recipient = k.recipient WHERE k.word = ?`)
	args := []any{keys[0]}
	if behind != (Cursor{}) {
		b.WriteString(" AND (k.due, k.message, k.recipient) > (?, ?, ?)")
		args = append(args, behind.Due, behind.Message, string(behind.Recipient))
	}
	for _, key := range keys[1:] {
		b.WriteString(` AND EXISTS (SELECT 1 FROM hold_key x WHERE x.word = ? AND x.due = k.due AND x.message = k.message
			AND x.recipient = k.recipient)`)
		args = append(args, key)
	}
	b.WriteString(" ORDER BY k.due, k.message, k.recipient LIMIT CAST(? AS BIGINT)")
	return b.String(), append(args, limit)
}

const endedQuery = "WHERE tenant = ? AND ended > 0 ORDER BY ended DESC LIMIT CAST(? AS BIGINT)"

// Ended lists holds of a tenant that are over, the latest first.
func Ended(tx *store.Tx, tenant string, limit int) ([]Hold, error) {
	return selectHolds(tx, endedQuery, tenant, limit)
}

// Standings lists the recipients that wait by the rows of this room, of the
// messages behind after, up to last; "" is the end. A check holds them against
// the spool's.
func Standings(tx *store.Tx, after, last string) (map[string][]mail.Address, error) {
	where, args := "ended = 0 AND message > ?", []any{after}
	if last != "" {
		where, args = where+" AND message <= ?", append(args, last)
	}
	rows, err := tx.Query("SELECT message, recipient FROM hold WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("quarantine: standings: %w", err)
	}
	defer rows.Close()
	by := map[string][]mail.Address{}
	for rows.Next() {
		var message, to string
		if err := rows.Scan(&message, &to); err != nil {
			return nil, fmt.Errorf("quarantine: standings: %w", err)
		}
		by[message] = append(by[message], mail.Address(to))
	}
	return by, rows.Err()
}
