// Package exception keeps what people have called not sensitive: one value of
// one type, or one document, never more.
//
// It upholds three laws:
//
//	the value itself is never here: only its hash under a key of the tenant,
//	and what a record shows of it anyway (a masked sample);
//	an exception is for one tenant and nothing wider: its hash means nothing
//	under the key of another one;
//	it ends by itself.
//
// What people say about findings is counted, so that the precision of a
// detector is measured and not claimed.
//
// The package does not look at mail and does not decide.
//
// Standards: FIPS 198-1 (HMAC).
package exception

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Exception is one of them.
type Exception struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	// Type and Detector say of what; for a document they are empty.
	Type     string `json:"type,omitempty"`
	Detector string `json:"detector,omitempty"`
	// Hash is that of the value, or of the document's octets.
	Hash string `json:"hash"`
	// Sample is the masked value, or the name of the document.
	Sample string `json:"sample,omitempty"`
	// Sender, Domain (of a recipient) and Rule narrow it; empty is any.
	Sender mail.Address `json:"sender,omitempty"`
	Domain string       `json:"domain,omitempty"`
	Rule   string       `json:"rule,omitempty"`
	// From and Until are when it holds.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// By made it, for a Reason.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// Message is the record in which somebody saw it, when it was one.
	Message string `json:"message,omitempty"`
}

// Document is the type under which the hash of a document is made.
const Document = "document"

// Life is how long an exception holds when nobody says otherwise.
const Life = 90 * 24 * time.Hour

// ErrNotFound says that there is no exception with an id.
var ErrNotFound = errors.New("exception: there is none with this id")

// Document reports whether the exception is of a document.
func (e Exception) Document() bool { return e.Type == "" }

// Applies reports whether it holds for a sender at a time. Recipients and
// rules are left to those who decide.
func (e Exception) Applies(sender mail.Address, now time.Time) bool {
	return (e.Sender == "" || e.Sender.Fold() == sender.Fold()) && !now.Before(e.From) && now.Before(e.Until)
}

// Check says what is wrong with an exception that somebody wants.
func (e Exception) Check() error {
	switch {
	case e.Tenant == "" || e.Hash == "":
		return errors.New("exception: it needs a tenant and a value")
	case !e.Until.After(e.From):
		return errors.New("exception: it ends before it begins")
	case e.Until.Sub(e.From) > maxLife:
		return fmt.Errorf("exception: it may hold for %d days at most", int(maxLife.Hours()/24))
	}
	return nil
}

// Bounds.
const (
	maxLife      = 366 * 24 * time.Hour
	maxPerTenant = 10_000
)

// schema lists the steps of the room's tables.
func schema() []string {
	return []string{`CREATE TABLE exception (
		id TEXT PRIMARY KEY,
		tenant TEXT NOT NULL,
		type TEXT NOT NULL,
		detector TEXT NOT NULL,
		hash TEXT NOT NULL,
		sample TEXT NOT NULL,
		sender TEXT NOT NULL,
		domain TEXT NOT NULL,
		rule TEXT NOT NULL,
		since BIGINT NOT NULL,
		until BIGINT NOT NULL,
		author TEXT NOT NULL,
		reason TEXT NOT NULL,
		message TEXT NOT NULL)`,
		`CREATE INDEX exception_tenant ON exception (tenant)`,
		`CREATE TABLE exception_feedback (
		id TEXT PRIMARY KEY,
		tenant TEXT NOT NULL,
		type TEXT NOT NULL,
		detector TEXT NOT NULL,
		confidence TEXT NOT NULL,
		correct BIGINT NOT NULL,
		at BIGINT NOT NULL,
		author TEXT NOT NULL,
		message TEXT NOT NULL)`,
		`CREATE INDEX exception_feedback_tenant ON exception_feedback (tenant, detector)`,
	}
}

// Book holds the exceptions of all tenants. Several goroutines may use it.
type Book struct {
	db   *store.DB
	keys [][]byte

	mu    sync.RWMutex
	books map[string]*Set
}

// Set is the exceptions of one tenant at a moment; it never changes.
type Set struct {
	Keys [][]byte
	List []Exception
}

// Open makes the room's tables and reads what is there. The keys are those of
// the installation, the current one first.
func Open(ctx context.Context, db *store.DB, keys [][]byte) (*Book, error) {
	if err := db.Migrate(ctx, "exception", schema()); err != nil {
		return nil, fmt.Errorf("exception: schema: %w", err)
	}
	b := Read(db, keys)
	return b, b.Reload(ctx)
}

// Read is a book for a program that only reads: it makes no table.
func Read(db *store.DB, keys [][]byte) *Book {
	return &Book{db: db, keys: keys, books: map[string]*Set{}}
}

// Keys are those of one tenant.
func (b *Book) Keys(tenant string) [][]byte {
	var list [][]byte
	for _, k := range b.keys {
		m := hmac.New(sha256.New, k)
		m.Write([]byte("postern exceptions of " + tenant))
		list = append(list, m.Sum(nil))
	}
	return list
}

// Reload reads all exceptions again.
func (b *Book) Reload(ctx context.Context) error {
	var list []Exception
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = selectAll(tx, "")
		return err
	})
	if err != nil {
		return err
	}
	books := map[string]*Set{}
	for _, e := range list {
		if books[e.Tenant] == nil {
			books[e.Tenant] = &Set{Keys: b.Keys(e.Tenant)}
		}
		books[e.Tenant].List = append(books[e.Tenant].List, e)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.books = books
	return nil
}

// Of are the exceptions of a tenant; nil for none.
func (b *Book) Of(tenant string) *Set {
	if b == nil {
		return nil
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.books[tenant]
}

// Values are the excepted values as they travel to the process that looks.
func (s *Set) Values() detect.Exceptions {
	var e detect.Exceptions
	if s == nil {
		return e
	}
	for _, x := range s.List {
		if !x.Document() {
			e.Values = append(e.Values, detect.ExceptedValue{ID: x.ID, Hash: x.Hash})
		}
	}
	if len(e.Values) > 0 {
		e.Keys = s.Keys
	}
	return e
}

// Find is the exception with an id, if it applies.
func (s *Set) Find(id string, sender mail.Address, now time.Time) (Exception, bool) {
	i := slices.IndexFunc(s.List, func(e Exception) bool { return e.ID == id })
	if i < 0 || !s.List[i].Applies(sender, now) {
		return Exception{}, false
	}
	return s.List[i], true
}

// Documents are the exceptions of the document with this hash that apply.
func (s *Set) Documents(sha256 string, sender mail.Address, now time.Time) (list []Exception) {
	if s == nil || sha256 == "" {
		return nil
	}
	var hashes []string
	for _, e := range s.List {
		if !e.Document() || !e.Applies(sender, now) {
			continue
		}
		if hashes == nil {
			for _, k := range s.Keys {
				hashes = append(hashes, detect.HashOf(k, Document, strings.ToLower(sha256)))
			}
		}
		if slices.Contains(hashes, e.Hash) {
			list = append(list, e)
		}
	}
	return list
}

// Add keeps an exception, and that the finding was wrong. The book is loaded
// again when the transaction is committed.
func (b *Book) Add(tx *store.Tx, e Exception, confidence string) error {
	if err := e.Check(); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM exception WHERE tenant = ?", e.Tenant).Scan(&n); err != nil {
		return fmt.Errorf("exception: count: %w", err)
	}
	if n >= maxPerTenant {
		return fmt.Errorf("exception: the tenant has %d already; remove some", n)
	}
	_, err := tx.Exec(`INSERT INTO exception
		(id, tenant, type, detector, hash, sample, sender, domain, rule, since, until, author, reason, message)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, e.Tenant, e.Type, e.Detector, e.Hash, store.Clean(e.Sample), store.Clean(string(e.Sender)), store.Clean(e.Domain),
		e.Rule, store.Nanos(e.From), store.Nanos(e.Until), e.By, store.Clean(e.Reason), e.Message)
	if err != nil {
		return fmt.Errorf("exception: add: %w", err)
	}
	if e.Document() {
		return nil
	}
	return b.Say(tx, Feedback{
		Tenant: e.Tenant, Type: e.Type, Detector: e.Detector, Confidence: confidence, At: e.From, By: e.By, Message: e.Message,
	})
}

// Remove takes an exception back.
func (b *Book) Remove(tx *store.Tx, id string) (Exception, error) {
	list, err := selectAll(tx, "WHERE id = ?", id)
	if err != nil {
		return Exception{}, err
	}
	if len(list) == 0 {
		return Exception{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if _, err := tx.Exec("DELETE FROM exception WHERE id = ?", id); err != nil {
		return Exception{}, fmt.Errorf("exception: remove: %w", err)
	}
	return list[0], nil
}

// List lists the exceptions of a tenant ("" is all), those that end first
// first.
func List(tx *store.Tx, tenant string) ([]Exception, error) {
	if tenant == "" {
		return selectAll(tx, "")
	}
	return selectAll(tx, "WHERE tenant = ?", tenant)
}

func selectAll(tx *store.Tx, where string, args ...any) ([]Exception, error) {
	rows, err := tx.Query(`SELECT id, tenant, type, detector, hash, sample, sender, domain, rule, since, until, author, reason, message
		FROM exception `+where+` ORDER BY until, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("exception: read: %w", err)
	}
	defer rows.Close()
	var list []Exception
	for rows.Next() {
		var e Exception
		var sender string
		var since, until int64
		err := rows.Scan(&e.ID, &e.Tenant, &e.Type, &e.Detector, &e.Hash, &e.Sample, &sender, &e.Domain, &e.Rule, &since, &until,
			&e.By, &e.Reason, &e.Message)
		if err != nil {
			return nil, fmt.Errorf("exception: read: %w", err)
		}
		e.Sender, e.From, e.Until = mail.Address(sender), store.Moment(since), store.Moment(until)
		list = append(list, e)
	}
	return list, rows.Err()
}
