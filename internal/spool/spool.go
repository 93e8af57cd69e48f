package spool

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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

// Spool keeps bodies in a folder and what is known of their messages in the
// database. Several goroutines may use it.
type Spool struct {
	shards [16]*durable.Dir
	db     *store.DB
	keys   *vault.Ring
	log    *slog.Logger
	swept  Swept
	print  PrintKey
}

// Stored is a body that lies in the folder, durably. It has no message until
// Add writes its row.
type Stored struct {
	// File is the body's random name in the folder.
	File string
	// Size is the number of plain octets.
	Size int64
	// SHA256 is their hash.
	SHA256 [sha256.Size]byte
	// Wrapped is the key of the file, for the role that delivers. It is empty
	// for a file of an earlier version, which has its key in itself.
	Wrapped vault.Wrapped
}

// Body is a verified body that is open for reading. Several goroutines may
// read it.
type Body struct {
	vault.Plain
	file *durable.ReadFile
}

// What may be wrong with a body file.
var (
	ErrDamaged    = errors.New("spool: body file is damaged")
	ErrKeyMissing = errors.New("spool: no key for body file")
)

// ErrMissing says that a message's body file is not there.
var ErrMissing = errors.New("spool: body file is missing")

// ErrGone says that a message's body was erased.
var ErrGone = errors.New("spool: body was erased")

// Open opens the spool in dir. It must be called before the first message
// can arrive, and by one process at a time: body files that no row knows are
// removed, since their senders never saw a 250.
func Open(dir *durable.Dir, db *store.DB, keys *vault.Ring, log *slog.Logger) (*Spool, error) {
	ctx := context.Background()
	if err := db.Migrate(ctx, "spool", schema()); err != nil {
		return nil, fmt.Errorf("spool: schema: %w", err)
	}
	s := &Spool{db: db, keys: keys, log: log.With(telemetry.KeyRoom, "spool")}
	for i := range s.shards {
		sub, err := dir.Sub(fmt.Sprintf("%x", i))
		if err != nil {
			return nil, fmt.Errorf("spool: open: %w", err)
		}
		s.shards[i] = sub
	}
	if err := s.readPrintKey(ctx); err != nil {
		return nil, fmt.Errorf("spool: open: %w", err)
	}
	if err := s.sweep(ctx); err != nil {
		return nil, fmt.Errorf("spool: sweep: %w", err)
	}
	return s, nil
}

// Store encrypts b and makes it durable. The id only names the message in
// the error: the file has a random name, so that nothing can be put in its
// place beforehand. An error that is durable.ErrSync must end the process.
func (s *Spool) Store(ctx context.Context, id string, b mail.Body) (Stored, error) {
	if err := ctx.Err(); err != nil {
		return Stored{}, fmt.Errorf("spool: store %s: %w", id, err)
	}
	stored := Stored{File: newName(time.Now()), Size: b.Size()}
	f, err := s.shard(stored.File).Create(stored.File)
	if err != nil {
		return Stored{}, fmt.Errorf("spool: store %s: %w", id, err)
	}
	defer f.Discard()
	w := buffers.Writer(f)
	defer buffers.PutWriter(w)
	var key vault.FileKey
	stored.SHA256, key, err = vault.Seal(w, b)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		stored.Wrapped, err = s.keys.Wrap(vault.Delivery, stored.File, key)
	}
	clear(key)
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return Stored{}, fmt.Errorf("spool: store %s: %w", id, err)
	}
	return stored, nil
}

// Discard removes a body whose row was not committed. What it cannot remove
// is swept at the next start. An error that is durable.ErrSync must end the
// process: the entries of a folder whose fsync failed are not known any more,
// those of other messages among them.
func (s *Spool) Discard(b Stored) error {
	err := s.shard(b.File).Remove(b.File)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s.log.Warn("body of a message that was not taken remains until the next start",
		telemetry.KeyCode, problem.BodyNotUnlinked, telemetry.KeyError, err)
	return fmt.Errorf("spool: discard: %w", err)
}

// Open gives the octets of message id, after all of them were verified:
// cipher, length and hash of the file, and size and hash in the row, so that
// two files that changed places are found too. The error is ErrDamaged,
// ErrMissing, ErrKeyMissing, ErrGone, or one that passes.
func (s *Spool) Open(ctx context.Context, id string) (*Body, error) {
	var m Message
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = Get(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.OpenBody(m)
}

// OpenBody is Open for a row that was just read.
func (s *Spool) OpenBody(m Message) (*Body, error) {
	if m.BytesGone {
		return nil, fmt.Errorf("%w: %s", ErrGone, m.ID)
	}
	var b *Body
	var err error
	if m.changed {
		err = fmt.Errorf("%w: its row is not what was written", ErrDamaged)
	} else {
		b, err = s.open(m.Stored)
	}
	if err != nil {
		s.alarm(m.ID, m.Tenant, err)
		return nil, fmt.Errorf("spool: open %s: %w", m.ID, err)
	}
	return b, nil
}

func (s *Spool) open(want Stored) (*Body, error) {
	var key vault.FileKey
	if want.Wrapped != "" {
		var err error
		if key, err = s.keys.Unwrap(context.Background(), vault.Delivery, want.File, want.Wrapped); err != nil {
			return nil, meaning(err)
		}
	}
	return s.openWith(want, key)
}

// meaning is what an error of the vault means for a body in custody.
func meaning(err error) error {
	switch {
	case errors.Is(err, vault.ErrKeyMissing):
		return fmt.Errorf("%w: %w", ErrKeyMissing, err)
	case errors.Is(err, vault.ErrWrapped), errors.Is(err, vault.ErrDamaged):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func (s *Spool) openWith(want Stored, key vault.FileKey) (*Body, error) {
	defer clear(key)
	f, err := s.shard(want.File).OpenFile(want.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if err != nil {
		return nil, err
	}
	got, err := vault.Unseal(f, f.Size(), s.keys.Keys(), key)
	err = meaning(err)
	if err == nil && (got.Size() != want.Size || got.SHA256() != want.SHA256) {
		err = fmt.Errorf("%w: it is another message's", ErrDamaged)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Body{Plain: got, file: f}, nil
}

// Problem is the catalogue's code for an error of Open; "" for one that
// passes by itself.
func Problem(err error) problem.Code {
	switch {
	case errors.Is(err, ErrMissing):
		return problem.BodyMissing
	case errors.Is(err, ErrDamaged):
		return problem.BodyDamaged
	case errors.Is(err, ErrKeyMissing):
		return problem.BodyKeyMissing
	}
	return ""
}

func (s *Spool) alarm(id, tenant string, err error) {
	if code := Problem(err); code != "" {
		s.log.Error("a body in custody cannot be read", telemetry.KeyCode, code,
			telemetry.KeyMessage, id, telemetry.KeyTenant, tenant, telemetry.KeyError, err)
	}
}

// Erase deletes the octets of a finished message: first its row says that
// they are gone and is committed, then the file is unlinked. A crash between
// the two leaves a file that the next start removes; never a row that
// promises octets which are not there. An error that is durable.ErrSync must
// end the process.
func (s *Spool) Erase(ctx context.Context, id string, now time.Time) error {
	var file string
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		file, err = GiveUp(tx, id, now)
		return err
	})
	if err != nil {
		return err
	}
	s.Unlink([]string{file}, func(_ string, e error) { err = e })
	return err
}

// GiveUp is the first half of Erase, for the transaction that calls a message
// done: its row says that the octets are gone. The file, which it returns,
// must be unlinked when that is committed, and not before.
func GiveUp(tx *store.Tx, id string, now time.Time) (file string, err error) {
	var state string
	err = tx.QueryRow("SELECT state, file FROM message WHERE id = ?", id).Scan(&state, &file)
	switch {
	case errors.Is(err, store.ErrNoRows):
		return "", fmt.Errorf("%w: %s", ErrNotFound, id)
	case err != nil:
		return "", fmt.Errorf("spool: erase %s: %w", id, err)
	case State(state) != Done:
		return "", fmt.Errorf("spool: erase %s: it is %s, not done", id, state)
	}
	return file, markGone(tx, id, now)
}

// Finish is Settle and GiveUp in one, when nothing is left to do for a message
// that is being sent: it is done, and its row says that the octets are gone.
// The file is "" when the message is in another state, which stays, and when
// its octets are kept for some time more.
func Finish(tx *store.Tx, id string, now time.Time) (file string, err error) {
	var state string
	var kept, shared int64
	err = tx.QueryRow(`SELECT state, file, (SELECT COUNT(*) FROM body_kept WHERE message = id),
		(SELECT COUNT(*) FROM body_role WHERE message = id) FROM message WHERE id = ?`, id).Scan(&state, &file, &kept, &shared)
	switch {
	case errors.Is(err, store.ErrNoRows):
		return "", fmt.Errorf("%w: %s", ErrNotFound, id)
	case err != nil:
		return "", fmt.Errorf("spool: finish %s: %w", id, err)
	case State(state) != Sending:
		return "", nil
	case kept > 0: // its sender may ask again
		_, err := Move(tx, id, Settle, now)
		return "", err
	}
	done, err := Next(Sending, Settle)
	if err != nil {
		return "", err
	}
	n, err := tx.Exec("UPDATE message SET state = ?, changed = ?, bytes_gone = 1, body_key = '' WHERE id = ? AND state = ?",
		string(done), store.Nanos(now), id, state)
	if err == nil && n != 1 {
		err = errors.New("moved by somebody else")
	}
	if err == nil && shared > 0 {
		_, err = tx.Exec("DELETE FROM body_role WHERE message = ?", id)
	}
	if err != nil {
		return "", fmt.Errorf("spool: finish %s: %w", id, err)
	}
	return file, nil
}

// Unlink is the second half of Erase, for many files: those that lie in one
// folder share its fsync. failed is told of each that may be there still.
func (s *Spool) Unlink(files []string, failed func(file string, err error)) {
	by := map[*durable.Dir][]string{}
	for _, file := range files {
		dir := s.shard(file)
		by[dir] = append(by[dir], file)
	}
	remains := func(file string, err error) {
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		s.log.Error("a finished body file remains until the next start",
			telemetry.KeyCode, problem.BodyNotUnlinked, telemetry.KeyError, err)
		failed(file, fmt.Errorf("spool: erase: %w", err))
	}
	for dir, list := range by {
		if err := dir.RemoveEach(list, remains); err != nil {
			for _, file := range list {
				remains(file, err)
			}
		}
	}
}

// Close implements io.Closer.
func (b *Body) Close() error { return b.file.Close() }

func (s *Spool) shard(file string) *durable.Dir {
	n := 0
	if len(file) > 0 {
		n = hexDigit(file[0])
	}
	return s.shards[n]
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return 0
}

// turn is how long new files go to the same folder.
const turn = 25 * time.Millisecond

// newName is the name of a file that is written now. Its first digit, which
// is its folder, changes with the time: what comes at the same moment lies
// together and shares the fsync of one folder, and all folders are used alike.
// The rest is random.
func newName(now time.Time) string {
	var name [16]byte
	rand.Read(name[:]) // never fails: crypto/rand ends the process instead
	name[0] = byte(now.UnixNano()/int64(turn))<<4 | name[0]&0x0f
	return hex.EncodeToString(name[:])
}
