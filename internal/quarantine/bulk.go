package quarantine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Bulk is a decision about everything that a filter finds. It is carried out
// step by step; where it is stands in the row, which each step writes in the
// same transaction as the decisions, so that a new start goes on where the
// last commit was.
type Bulk struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant,omitempty"`
	Filter Filter `json:"filter"`
	// By is an administrator's Person.Name, Address his address when he has
	// one: nobody decides about mail of his own, in bulk neither.
	By      string       `json:"by"`
	Address mail.Address `json:"address,omitempty"`
	Rights  Rights       `json:"rights"`
	Begun   time.Time    `json:"begun"`
	// Approve lets go, else the mail is refused.
	Approve bool   `json:"approve"`
	Comment string `json:"comment,omitempty"`

	// Total is how many holds the preview has counted. No more are decided
	// about.
	Total int `json:"total"`
	// Done were decided, Voted have a voice more and wait for others, Skipped
	// could not be decided; Whys says why not, by kind.
	Done    int         `json:"done"`
	Voted   int         `json:"voted,omitempty"`
	Skipped int         `json:"skipped"`
	Whys    map[Why]int `json:"whys,omitempty"`
	// Behind is where the next step begins.
	Behind Cursor `json:"behind"`
	// Ended is when it was finished or stopped; zero while it goes on.
	Ended   time.Time `json:"ended,omitzero"`
	Stopped bool      `json:"stopped,omitempty"`
}

// Person is who decides.
func (b *Bulk) Person() Person {
	return Person{Tenant: b.Tenant, Name: b.By, Address: b.Address, By: ByAdmin, Rights: b.Rights}
}

func (b *Bulk) through() int { return b.Done + b.Voted + b.Skipped }

// did counts what became of a hold.
func (b *Bulk) did(f Fate) {
	switch {
	case f.Err != nil:
		b.Skipped++
		if b.Whys == nil {
			b.Whys = map[Why]int{}
		}
		b.Whys[WhyOf(f.Err)]++
	case f.Voted:
		b.Voted++
	default:
		b.Done++
	}
}

// AddBulk writes a bulk decision that begins. A tenant, or all of them
// together, has one at a time.
func AddBulk(tx *store.Tx, b Bulk) error {
	open, err := OpenBulks(tx)
	switch {
	case err != nil:
		return err
	case b.Tenant != b.Filter.Tenant:
		return refuse(NotYours, "a bulk decision of one tenant is about its own mail")
	case b.Filter.Over:
		return refuse(NotPossible, "what is over is not decided again")
	case b.Total > mostBulk:
		return refuse(NotPossible, "a bulk decision is about %d at most", mostBulk)
	}
	for _, o := range open {
		if o.Tenant == b.Tenant || o.Tenant == "" || b.Tenant == "" {
			return refuse(NotPossible, "another bulk decision (%s) is not over: %d of %d", o.ID, o.through(), o.Total)
		}
	}
	return putBulk(tx, b)
}

func putBulk(tx *store.Tx, b Bulk) error {
	data, err := json.Marshal(b)
	if err == nil {
		_, err = tx.Exec(`INSERT INTO hold_bulk (id, tenant, ended, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, data = excluded.data`,
			b.ID, b.Tenant, store.Nanos(b.Ended), store.Clean(string(data)))
	}
	if err != nil {
		return fmt.Errorf("quarantine: bulk %s: %w", b.ID, err)
	}
	return nil
}

// OpenBulks lists those that go on.
func OpenBulks(tx *store.Tx) ([]Bulk, error) { return selectBulks(tx, "WHERE ended = 0 ORDER BY id") }

// FindBulk reads one.
func FindBulk(tx *store.Tx, id string) (b Bulk, found bool, err error) {
	list, err := selectBulks(tx, "WHERE id = ?", id)
	if err != nil || len(list) == 0 {
		return b, false, err
	}
	return list[0], true, nil
}

// ErrNoBulk says that there is no such bulk decision.
var ErrNoBulk = errors.New("quarantine: there is no such bulk decision")

// StopBulk ends one before it is through. What is decided stays so.
func StopBulk(tx *store.Tx, id string, now time.Time) (Bulk, error) {
	b, found, err := FindBulk(tx, id)
	if err != nil || !b.Ended.IsZero() {
		return b, err
	}
	if !found {
		return b, ErrNoBulk
	}
	b.Ended, b.Stopped = now, true
	return b, putBulk(tx, b)
}

func selectBulks(tx *store.Tx, where string, args ...any) (list []Bulk, err error) {
	rows, err := tx.Query("SELECT data FROM hold_bulk "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("quarantine: read bulk: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var b Bulk
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("quarantine: read bulk: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return nil, fmt.Errorf("quarantine: read bulk: %w", err)
		}
		list = append(list, b)
	}
	return list, rows.Err()
}

// Fate is what became of a hold in a bulk decision.
type Fate struct {
	// Voted is set when others must agree too.
	Voted bool
	// Err is a *Refusal, or nil.
	Err error
}

// Ahead lists the holds that the next step is about to decide.
func Ahead(tx *store.Tx, id string, limit int) (b Bulk, list []Hold, err error) {
	b, found, err := FindBulk(tx, id)
	if err != nil || !found || !b.Ended.IsZero() {
		return b, nil, err
	}
	list, _, err = b.part(tx, limit)
	return b, list, err
}

// part is what a step is about.
func (b *Bulk) part(tx *store.Tx, limit int) ([]Hold, Cursor, error) {
	return List(tx, b.Filter, b.Behind, max(1, min(limit, b.Total-b.through())))
}

// Decider decides about holds of one message and says what became of each.
type Decider func(*Bulk, []Hold) ([]Fate, error)

// Step carries out the next part of a bulk decision inside the caller's
// transaction: decide gets up to limit holds, each once, those of a message
// that follow each other together. It returns what is written then; over is
// set when nothing is left.
func Step(tx *store.Tx, id string, limit int, now time.Time, decide Decider) (b Bulk, over bool, err error) {
	b, found, err := FindBulk(tx, id)
	switch {
	case err != nil:
		return b, false, err
	case !found:
		return b, false, ErrNoBulk
	case !b.Ended.IsZero():
		return b, true, nil
	}
	list, next, err := b.part(tx, limit)
	if err != nil {
		return b, false, err
	}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Message == list[0].Message {
			n++
		}
		group := list[:n:n]
		list = list[n:]
		b.Behind = Cursor{group[n-1].place, group[n-1].Message, group[n-1].Recipient}
		if group[0].Since.After(b.Begun) || b.through() >= b.Total {
			continue // it came after the preview
		}
		fates, err := decide(&b, group)
		if err != nil {
			return b, false, err
		}
		for _, f := range fates {
			b.did(f)
		}
	}
	if over = next == (Cursor{}) || b.through() >= b.Total; over {
		b.Ended = now
	}
	return b, over, putBulk(tx, b)
}

// Numbers are the effect of a bulk decision before it is made.
type Numbers struct {
	Holds    int   `json:"holds"`
	Messages int   `json:"messages"`
	Octets   int64 `json:"octets"`
	// Tenants, Senders and Domains count whose mail it is, who would hear of
	// it, and where it would go.
	Tenants int `json:"tenants"`
	Senders int `json:"senders"`
	Domains int `json:"domains"`
	// Rules counts the holds by the policy that holds them.
	Rules map[string]int `json:"rules"`
	// Refused counts those that the person may not decide about, by kind;
	// Votes those that would then wait for others.
	Refused map[Why]int `json:"refused,omitempty"`
	Votes   int         `json:"votes,omitempty"`
	Oldest  time.Time   `json:"oldest,omitzero"`
	Newest  time.Time   `json:"newest,omitzero"`
	// More is set when there are more than are counted.
	More bool `json:"more,omitempty"`
}

// mostBulk bounds one bulk decision.
const mostBulk = 100_000

// Preview counts what a bulk decision of a person would do now.
func Preview(tx *store.Tx, f Filter, p Person, approve bool, now time.Time) (n Numbers, err error) {
	n.Rules, n.Refused = map[string]int{}, map[Why]int{}
	messages, tenants, senders, domains := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for behind := (Cursor{}); ; {
		list, next, err := List(tx, f, behind, 500)
		if err != nil {
			return n, err
		}
		for _, h := range list {
			n.Holds++
			if !messages[h.Message] {
				messages[h.Message] = true
				n.Octets += h.Size
			}
			tenants[h.Tenant], senders[keyOf(h.Sender)], domains[h.Recipient.Domain()] = true, true, true
			n.Rules[h.Rule]++
			if n.Oldest.IsZero() || h.Since.Before(n.Oldest) {
				n.Oldest = h.Since
			}
			if h.Since.After(n.Newest) {
				n.Newest = h.Since
			}
			standing, err := h.Say(p, approve, "", now) // of a copy
			switch {
			case err != nil:
				n.Refused[WhyOf(err)]++
			case standing == Open:
				n.Votes++
			}
		}
		n.Messages, n.Tenants, n.Senders, n.Domains = len(messages), len(tenants), len(senders), len(domains)
		n.More = next != (Cursor{}) && n.Holds >= mostBulk
		if next == (Cursor{}) || n.More {
			return n, nil
		}
		behind = next
	}
}

// RuleNames lists the rules of a preview, the most frequent first.
func (n Numbers) RuleNames() []string {
	return slices.SortedFunc(maps.Keys(n.Rules), func(a, b string) int {
		if n.Rules[a] != n.Rules[b] {
			return n.Rules[b] - n.Rules[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
}
