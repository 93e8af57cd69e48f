package quarantine

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Filter chooses holds that wait, or whose wait is over; zero fields do not
// restrict.
type Filter struct {
	// Over are those whose wait is over, the latest first, as long as they are
	// kept; else those who wait.
	Over   bool   `json:"over,omitempty"`
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
	// Before and After bound since when somebody waits, or since when it is
	// over. Those who wait are then listed by that moment, the oldest first.
	Before time.Time `json:"before,omitzero"`
	After  time.Time `json:"after,omitzero"`
}

// ParseAge reads a time span such as 90m, 48h or 7d.
func ParseAge(s string) (time.Duration, error) {
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > mostDays {
			return 0, fmt.Errorf("%q is not a time span; write for example 48h or 7d", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	age, err := time.ParseDuration(s)
	if err != nil || age < 0 || age > mostDays*24*time.Hour {
		return 0, fmt.Errorf("%q is not a time span; write for example 48h or 7d", s)
	}
	return age, nil
}

// mostDays is the longest time span of a filter: a hundred years.
const mostDays = 36_500

// aged reports whether a list goes by the moment since when somebody waits.
func (f Filter) aged() bool { return !f.Over && !(f.Before.IsZero() && f.After.IsZero()) }

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
	if f.Over {
		for i := range list {
			list[i] = overWord + list[i]
		}
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
	due, err := strconv.ParseInt(parts[0], 36, 64)
	if err != nil {
		return c, ErrCursor
	}
	return Cursor{due, parts[1], mail.Address(parts[2])}, nil
}

// List returns up to limit holds, those that are due first, behind a cursor.
// next is where the next page begins; zero on the last.
func List(tx *store.Tx, f Filter, behind Cursor, limit int) (list []Hold, next Cursor, err error) {
	way, err := f.way(tx)
	if err != nil {
		return nil, next, err
	}
	query, args := way.query(behind, limit+1)
	if list, err = readHolds(tx, query, args...); err != nil || len(list) <= limit {
		return list, next, err
	}
	list = list[:limit]
	last := list[limit-1]
	next = Cursor{last.place, last.Message, last.Recipient}
	return list, next, nil
}

// way is how a list is read: along the first word, in the order of its rows;
// the other words must be there too.
type way struct {
	words []string
	// from and to bound the order of the rows; open when open is set.
	from, to         int64
	fromOpen, toOpen bool
	// aged is set when the rows of the other words have another order.
	aged bool
}

// way finds it, along the rarest word.
func (f Filter) way(tx *store.Tx) (w way, err error) {
	w = way{words: f.keys(), fromOpen: true, toOpen: true, aged: f.aged()}
	from, to := f.After, f.Before
	if f.Over { // the latest stand first
		from, to = to, from
	}
	sign := int64(1)
	if f.Over {
		sign = -1
	}
	if !from.IsZero() {
		w.from, w.fromOpen = sign*store.Nanos(from), false
	}
	if !to.IsZero() {
		w.to, w.toOpen = sign*store.Nanos(to), false
	}
	if w.aged {
		along := sinceWord + "*"
		if f.Tenant != "" {
			along = sinceWord + store.Clean("t:"+f.Tenant)
		}
		own := strings.TrimPrefix(along, sinceWord)
		w.words = slices.Insert(slices.DeleteFunc(w.words, func(s string) bool { return s == own }), 0, along)
		return w, nil
	}
	return w, w.rarestFirst(tx)
}

// rarestFirst puts the rarest word first.
func (w way) rarestFirst(tx *store.Tx) error {
	if len(w.words) == 1 {
		return nil
	}
	best, rarest := 0, int64(enough)+1
	for i, word := range w.words {
		var n int64
		if err := tx.QueryRow(countQuery, word, enough).Scan(&n); err != nil {
			return fmt.Errorf("quarantine: list: %w", err)
		}
		if n < rarest {
			best, rarest = i, n
		}
	}
	w.words[0], w.words[best] = w.words[best], w.words[0]
	return nil
}

// The order keeps PostgreSQL to the index: of a frequent word it would read the
// table until there are enough.
const countQuery = `SELECT COUNT(*) FROM (SELECT 1 FROM hold_key WHERE word = ? ORDER BY due, message, recipient
	LIMIT CAST(? AS BIGINT)) x`

// enough is how far a word is counted to find the rarest of a query.
const enough = 1000

// Count is how many there are; More is set when there may be more.
type Count struct {
	N    int  `json:"n"`
	More bool `json:"more,omitempty"`
}

// CountAll counts what a list holds, by the rows of the index: up to a thousand.
func CountAll(tx *store.Tx, f Filter) (n Count, err error) {
	w, err := f.way(tx)
	if err != nil {
		return n, err
	}
	rows, args := w.rows(Cursor{}, enough)
	if err := tx.QueryRow("SELECT COUNT(*) FROM ("+rows+") x", args...).Scan(&n.N); err != nil {
		return n, fmt.Errorf("quarantine: count: %w", err)
	}
	n.More = n.N == enough
	return n, nil
}

// query is that of a page: the rows of the index first, and the holds of those
// that are shown.
func (w way) query(behind Cursor, limit int) (string, []any) {
	rows, args := w.rows(behind, limit)
	return "SELECT " + holdColumns + ", k.due FROM (" + rows + `) k
		JOIN hold h ON h.message = k.message AND h.recipient = k.recipient
		ORDER BY k.due, k.message, k.recipient`, args
}

// rows is the query of the rows of the index, in their order. A further word
// is a question for each row, which PostgreSQL does not make a join of: of an
// EXISTS it read and sorted whole lists.
func (w way) rows(behind Cursor, limit int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT k.due, k.message, k.recipient FROM hold_key k WHERE k.word = ?")
	args := []any{w.words[0]}
	if !w.fromOpen {
		b.WriteString(" AND k.due >= ?")
		args = append(args, w.from)
	}
	if !w.toOpen {
		b.WriteString(" AND k.due <= ?")
		args = append(args, w.to)
	}
	if behind != (Cursor{}) {
		b.WriteString(" AND (k.due, k.message, k.recipient) > (?, ?, ?)")
		args = append(args, behind.Due, behind.Message, string(behind.Recipient))
	}
	same := " AND x.due = k.due"
	if w.aged {
		same = ""
	}
	for _, word := range w.words[1:] {
		b.WriteString(" AND (SELECT 1 FROM hold_key x WHERE x.word = ?" + same +
			" AND x.message = k.message AND x.recipient = k.recipient LIMIT 1) IS NOT NULL")
		args = append(args, word)
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
