package evidence

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

// Book keeps the files of copies in a folder and what is known of them in the
// database. Several goroutines may use it.
type Book struct {
	dir   *durable.Dir
	db    *store.DB
	keys  *vault.Ring
	log   *slog.Logger
	swept Swept
}

// Stored is a copy that lies in the folder, durably, and has no row yet.
type Stored struct {
	File    string
	Size    int64
	Wrapped vault.Wrapped
}

// Copy is a copy that is kept, or was.
type Copy struct {
	// Message is our id of the message; a message has one copy.
	Message string `json:"message"`
	Tenant  string `json:"tenant"`
	Ref     string `json:"ref,omitempty"`
	// Rules are the policies that want it kept.
	Rules []string  `json:"rules"`
	Kept  time.Time `json:"kept"`
	// Until is when its time is over. A pin keeps it for longer.
	Until  time.Time `json:"until"`
	Pinned *Pin      `json:"pinned,omitempty"`
	// Ended is set when it is gone.
	Ended time.Time `json:"ended,omitzero"`
	Size  int64     `json:"size"`

	stored  Stored
	altered bool
}

// Pin keeps a copy beyond its time, until somebody takes it away.
type Pin struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

// What may be wrong with a copy.
var (
	ErrNotFound = errors.New("evidence: there is no such copy")
	ErrGone     = errors.New("evidence: its time is over, the copy is gone")
	ErrMissing  = errors.New("evidence: the file of a copy is missing")
	ErrDamaged  = errors.New("evidence: the file or the row of a copy is damaged")
	ErrPinned   = errors.New("evidence: the copy is pinned")
)

// Open opens the copies in dir. It must be called before the first message can
// arrive, and by one process at a time: files that no row knows are removed.
func Open(ctx context.Context, dir *durable.Dir, db *store.DB, keys *vault.Ring, log *slog.Logger) (*Book, error) {
	if err := db.Migrate(ctx, "evidence", schema()); err != nil {
		return nil, fmt.Errorf("evidence: schema: %w", err)
	}
	b := &Book{dir: dir, db: db, keys: keys, log: log.With(telemetry.KeyRoom, "evidence")}
	if err := b.sweep(ctx); err != nil {
		return nil, fmt.Errorf("evidence: sweep: %w", err)
	}
	return b, nil
}

// Store encrypts a body for the role Evidence and makes it durable. An error
// that is durable.ErrSync must end the process.
func (b *Book) Store(ctx context.Context, id string, body mail.Body) (s Stored, err error) {
	if err := ctx.Err(); err != nil {
		return s, fmt.Errorf("evidence: store %s: %w", id, err)
	}
	s = Stored{File: randomName(), Size: body.Size()}
	f, err := b.dir.Create(s.File)
	if err != nil {
		return Stored{}, fmt.Errorf("evidence: store %s: %w", id, err)
	}
	defer f.Discard()
	w := buffers.Writer(f)
	defer buffers.PutWriter(w)
	_, key, err := vault.Seal(w, body)
	defer clear(key)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		s.Wrapped, err = b.keys.Wrap(vault.Evidence, s.File, key)
	}
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return Stored{}, fmt.Errorf("evidence: store %s: %w", id, err)
	}
	return s, nil
}

// Discard removes a copy whose row was not committed. What it cannot remove is
// swept at the next start. An error that is durable.ErrSync must end the
// process.
func (b *Book) Discard(s Stored) error { return b.unlink(s.File) }

// Add writes the row of a copy that Store has made durable.
func Add(tx *store.Tx, c Copy, s Stored) error {
	if c.Message == "" || c.Tenant == "" || s.File == "" || !c.Until.After(c.Kept) {
		return fmt.Errorf("evidence: keep %q: message, tenant, file and a time are required", c.Message)
	}
	c.Size, c.stored = s.Size, s
	return insert(tx, c)
}

// Body is a copy that is open for reading.
type Body struct {
	vault.Plain
	file *durable.ReadFile
}

// Close implements io.Closer.
func (b *Body) Close() error { return b.file.Close() }

// Open gives the octets of a copy, after all of them were verified. brought
// are keys that the reader brings; nil uses those of the role's source. Nothing
// is recorded: that is the caller's.
func (b *Book) Open(ctx context.Context, message string, brought *vault.Keys) (*Body, error) {
	var c Copy
	err := b.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = Find(tx, message)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !c.Ended.IsZero():
		return nil, fmt.Errorf("%w: %s", ErrGone, message)
	case c.altered:
		return nil, fmt.Errorf("%w: the row of %s is not what was written", ErrDamaged, message)
	}
	body, err := b.open(ctx, c, brought)
	if code := codeOf(err); code != "" {
		b.log.Error("a copy that is kept as evidence cannot be read", telemetry.KeyCode, code,
			telemetry.KeyMessage, message, telemetry.KeyTenant, c.Tenant, telemetry.KeyError, err)
	}
	return body, err
}

func codeOf(err error) problem.Code {
	switch {
	case errors.Is(err, ErrMissing):
		return problem.EvidenceMissing
	case errors.Is(err, ErrDamaged):
		return problem.EvidenceDamaged
	}
	return ""
}

func (b *Book) open(ctx context.Context, c Copy, brought *vault.Keys) (*Body, error) {
	key, err := b.keyOf(ctx, c, brought)
	if errors.Is(err, vault.ErrWrapped) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: open %s: %w", c.Message, err)
	}
	defer clear(key)
	f, err := b.dir.OpenFile(c.stored.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrMissing, c.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: open %s: %w", c.Message, err)
	}
	plain, err := vault.Unseal(f, f.Size(), nil, key)
	if err == nil && plain.Size() != c.Size {
		err = errors.New("it has another length")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, c.Message, err)
	}
	return &Body{plain, f}, nil
}

func (b *Book) keyOf(ctx context.Context, c Copy, brought *vault.Keys) (vault.FileKey, error) {
	if brought != nil {
		return vault.UnwrapWith(brought, c.stored.File, c.stored.Wrapped)
	}
	return b.keys.Unwrap(ctx, vault.Evidence, c.stored.File, c.stored.Wrapped)
}

// GiveUp says that a copy is gone and destroys its key. The file, which it
// returns, must be given to Unlink when that is committed, and not before.
func GiveUp(tx *store.Tx, message string, now time.Time) (file string, err error) {
	c, err := Find(tx, message)
	switch {
	case err != nil:
		return "", err
	case c.Pinned != nil:
		return "", fmt.Errorf("%w: %s", ErrPinned, message)
	case !c.Ended.IsZero():
		return c.stored.File, nil
	}
	file = c.stored.File
	c.Ended, c.stored.Wrapped = now, ""
	return file, update(tx, c)
}

// Unlink removes the file of a copy that was given up.
func (b *Book) Unlink(file string) error { return b.unlink(file) }

func (b *Book) unlink(file string) error {
	err := b.dir.Remove(file)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	b.log.Warn("the file of a copy remains until the next start",
		telemetry.KeyCode, problem.BodyNotUnlinked, telemetry.KeyError, err)
	return fmt.Errorf("evidence: remove: %w", err)
}

// SetPin pins a copy, or with nil takes the pin away. It returns the copy as it
// is then.
func SetPin(tx *store.Tx, message string, p *Pin) (Copy, error) {
	c, err := Find(tx, message)
	switch {
	case err != nil:
		return c, err
	case !c.Ended.IsZero():
		return c, fmt.Errorf("%w: %s", ErrGone, message)
	case c.altered:
		return c, fmt.Errorf("%w: the row of %s is not what was written", ErrDamaged, message)
	}
	c.Pinned = p
	return c, update(tx, c)
}

func randomName() string {
	var name [16]byte
	rand.Read(name[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(name[:])
}
