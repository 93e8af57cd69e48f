package spool

import (
	"context"
	"errors"
	"fmt"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// readers are the roles with which people read a held message.
func readers() []vault.Role { return []vault.Role{vault.Reading, vault.Emergency} }

// Share wraps the key of a message that is held for the roles that people
// read with, in the transaction that holds it.
func (s *Spool) Share(tx *store.Tx, m Message) error {
	key, err := s.keyOf(m)
	if err != nil {
		return fmt.Errorf("spool: share %s: %w", m.ID, err)
	}
	defer clear(key)
	return s.share(tx, m, key)
}

func (s *Spool) share(tx *store.Tx, m Message, key vault.FileKey) error {
	for _, role := range readers() {
		w, err := s.keys.Wrap(role, m.File, key)
		if err == nil {
			_, err = tx.Exec(`INSERT INTO body_role (message, role, body_key) VALUES (?, ?, ?)
				ON CONFLICT (message, role) DO UPDATE SET body_key = excluded.body_key`, m.ID, string(role), string(w))
		}
		if err != nil {
			return fmt.Errorf("spool: share %s: %w", m.ID, err)
		}
	}
	return nil
}

// keyOf finds out the key of a body with the delivery keys.
func (s *Spool) keyOf(m Message) (vault.FileKey, error) {
	if m.Wrapped != "" {
		key, err := s.keys.Unwrap(context.Background(), vault.Delivery, m.File, m.Wrapped)
		return key, meaning(err)
	}
	f, err := s.shard(m.File).OpenFile(m.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	key, err := vault.KeyInside(f, f.Size(), s.keys.Keys())
	return key, meaning(err)
}

// OpenFor gives the octets of a message to somebody who reads, with the key of
// his role: the delivery key is not used. Who may do so is not decided here,
// and nothing is recorded.
func (s *Spool) OpenFor(ctx context.Context, role vault.Role, id string) (*Body, error) {
	var m Message
	var w vault.Wrapped
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if m, err = Get(tx, id); err != nil {
			return err
		}
		err = tx.QueryRow("SELECT body_key FROM body_role WHERE message = ? AND role = ?", id, string(role)).Scan(&w)
		if errors.Is(err, store.ErrNoRows) {
			err = nil
		}
		return err
	})
	switch _, own := s.keys.Current(role); {
	case err != nil:
		return nil, err
	case m.BytesGone:
		return nil, fmt.Errorf("%w: %s", ErrGone, id)
	case m.changed:
		return nil, fmt.Errorf("spool: open %s: %w: its row is not what was written", id, ErrDamaged)
	case w == "" && own:
		return nil, fmt.Errorf("spool: open %s: %w: it was not wrapped for the role %s; run keys rewrap", id, ErrKeyMissing, role)
	case w == "": // held by an earlier version
		return s.OpenBody(m)
	}
	key, err := s.keys.Unwrap(ctx, role, m.File, w)
	if err != nil {
		return nil, fmt.Errorf("spool: open %s: %w", id, meaning(err))
	}
	b, err := s.openWith(m.Stored, key)
	if err != nil {
		s.alarm(m.ID, m.Tenant, err)
		return nil, fmt.Errorf("spool: open %s: %w", id, err)
	}
	return b, nil
}

// Rewrapped is what Rewrap did.
type Rewrapped struct {
	// Looked is how many bodies it has seen, Changed how many of them have
	// other wrappings now, Failed those whose key cannot be found out.
	Looked, Changed, Failed int
}

// rewrapPage is how many rows one transaction of Rewrap changes.
const rewrapPage = 100

// Rewrap wraps the keys of all bodies under the current keys. It may be
// stopped at any moment and run again: what is done is done.
func (s *Spool) Rewrap(ctx context.Context) (sum Rewrapped, err error) {
	for after, more := "", true; more; {
		var list []Message
		shared := map[string]string{}
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			list, err = List(tx, Filter{After: after, Limit: rewrapPage})
			if err == nil && len(list) > 0 {
				shared, err = sharedOf(tx, list[0].ID, list[len(list)-1].ID)
			}
			return err
		})
		if err != nil {
			return sum, err
		}
		more = len(list) == rewrapPage
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			page := Rewrapped{}
			for _, m := range list {
				after = m.ID
				page.Looked++
				changed, err := s.rewrap(tx, m, shared)
				var failed *unwrapError
				switch {
				case errors.As(err, &failed):
					page.Failed++
					s.alarm(m.ID, m.Tenant, err)
				case err != nil:
					return err
				case changed:
					page.Changed++
				}
			}
			tx.OnCommit(func() {
				sum.Looked, sum.Changed, sum.Failed = sum.Looked+page.Looked, sum.Changed+page.Changed, sum.Failed+page.Failed
			})
			return nil
		})
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// unwrapError is about one body; others can go on.
type unwrapError struct{ err error }

func (e *unwrapError) Error() string { return e.err.Error() }
func (e *unwrapError) Unwrap() error { return e.err }

func sharedOf(tx *store.Tx, first, last string) (map[string]string, error) {
	rows, err := tx.Query("SELECT message, role, body_key FROM body_role WHERE message >= ? AND message <= ?", first, last)
	if err != nil {
		return nil, fmt.Errorf("spool: read roles: %w", err)
	}
	defer rows.Close()
	list := map[string]string{}
	for rows.Next() {
		var id, role string
		var w vault.Wrapped
		if err := rows.Scan(&id, &role, &w); err != nil {
			return nil, fmt.Errorf("spool: read roles: %w", err)
		}
		list[id+" "+role] = w.KeyID()
	}
	return list, rows.Err()
}

func (s *Spool) rewrap(tx *store.Tx, m Message, shared map[string]string) (changed bool, err error) {
	current, _ := s.keys.Current(vault.Delivery)
	own := m.Wrapped.KeyID() != current
	others := false
	for _, role := range readers() {
		id, _ := s.keys.Current(role)
		others = others || m.State == Held && shared[m.ID+" "+string(role)] != id
	}
	if !own && !others {
		return false, nil
	}
	key, err := s.keyOf(m)
	if err != nil {
		return false, &unwrapError{err}
	}
	defer clear(key)
	if own {
		w, err := s.keys.Wrap(vault.Delivery, m.File, key)
		if err != nil {
			return false, err
		}
		// A body that was erased meanwhile stays erased.
		_, err = tx.Exec("UPDATE message SET body_key = ? WHERE id = ? AND body_key = ? AND bytes_gone = 0", string(w), m.ID, string(m.Wrapped))
		if err != nil {
			return false, fmt.Errorf("spool: rewrap %s: %w", m.ID, err)
		}
	}
	if others {
		if now, err := StateOf(tx, m.ID); err != nil || now != Held {
			return true, err
		}
		return true, s.share(tx, m, key)
	}
	return true, nil
}

// InUse counts the wrappings per role and key. The key "" stands for bodies of
// an earlier version, whose key lies in their file.
func InUse(tx *store.Tx) (map[vault.Role]map[string]int, error) {
	use := map[vault.Role]map[string]int{}
	rows, err := tx.Query(`SELECT 'delivery', SUBSTR(body_key, 1, 19), COUNT(*) FROM message WHERE bytes_gone = 0 GROUP BY 2
		UNION ALL SELECT role, SUBSTR(body_key, 1, 19), COUNT(*) FROM body_role GROUP BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("spool: keys in use: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var role vault.Role
		var prefix string
		var n int
		if err := rows.Scan(&role, &prefix, &n); err != nil {
			return nil, fmt.Errorf("spool: keys in use: %w", err)
		}
		if use[role] == nil {
			use[role] = map[string]int{}
		}
		if len(prefix) > 3 {
			prefix = prefix[3:]
		}
		use[role][prefix] += n
	}
	return use, rows.Err()
}
