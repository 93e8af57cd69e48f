package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

// Swept is what Open found when it compared rows and files.
type Swept struct {
	// Removed is the number of files that no row promises.
	Removed int
	// Missing are the messages whose copy has no file.
	Missing []string
}

// Swept is what was found at the start.
func (b *Book) Swept() Swept { return b.swept }

// sweep makes files and rows agree, in the only moment when a file without a
// row cannot be one that is about to get it.
func (b *Book) sweep(ctx context.Context) error {
	owners := map[string]Copy{}
	err := b.db.View(ctx, func(tx *store.Tx) error {
		list, err := read(tx, "WHERE ended = 0")
		for _, c := range list {
			owners[c.stored.File] = c
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := b.dir.Sweep(); err != nil {
		return err
	}
	names, err := b.dir.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, owned := owners[name]; owned {
			delete(owners, name)
			continue
		}
		if err := b.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		b.swept.Removed++
	}
	for _, c := range owners {
		b.swept.Missing = append(b.swept.Missing, c.Message)
		b.log.Error("a copy that is kept as evidence has no file", telemetry.KeyCode, problem.EvidenceMissing,
			telemetry.KeyMessage, c.Message, telemetry.KeyTenant, c.Tenant)
	}
	slices.Sort(b.swept.Missing)
	return nil
}

// Rewrapped is what Rewrap did.
type Rewrapped struct{ Looked, Changed, Failed int }

// rewrapPage is how many rows one transaction of Rewrap changes.
const rewrapPage = 100

// Rewrap wraps the keys of all copies under the current key. It may be stopped
// and run again. Nothing but the former key of the role opens them for that.
func (b *Book) Rewrap(ctx context.Context) (sum Rewrapped, err error) {
	current, _ := b.keys.Current(vault.Evidence)
	for after, more := "", true; more; {
		var list []Copy
		err := b.db.View(ctx, func(tx *store.Tx) (err error) {
			list, err = List(tx, Filter{After: after, Limit: rewrapPage})
			return err
		})
		if err != nil {
			return sum, err
		}
		more = len(list) == rewrapPage
		fresh := map[string]vault.Wrapped{}
		for _, c := range list { // outside of the transaction: a key may come from elsewhere
			after = c.Message
			sum.Looked++
			if c.wrapped().KeyID() == current {
				continue
			}
			w, err := b.anew(ctx, c)
			if ctx.Err() != nil {
				return sum, ctx.Err()
			}
			if err != nil {
				sum.Failed++
				b.log.Warn("a copy could not be wrapped anew", telemetry.KeyMessage, c.Message, telemetry.KeyTenant, c.Tenant,
					telemetry.KeyCode, problem.EvidenceKey, telemetry.KeyError, err)
				continue
			}
			fresh[c.Message] = w
		}
		err = b.db.Update(ctx, func(tx *store.Tx) error {
			for _, c := range list {
				if w, made := fresh[c.Message]; made {
					_, err := tx.Exec("UPDATE evidence SET body_key = ? WHERE message = ? AND body_key = ? AND ended = 0",
						string(w), c.Message, string(c.wrapped()))
					if err != nil {
						return fmt.Errorf("evidence: rewrap %s: %w", c.Message, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			return sum, err
		}
		sum.Changed += len(fresh)
	}
	return sum, nil
}

func (b *Book) anew(ctx context.Context, c Copy) (vault.Wrapped, error) {
	key, err := b.keyOf(ctx, c, nil)
	if err != nil {
		return "", err
	}
	defer clear(key)
	return b.keys.Wrap(vault.Evidence, c.stored.File, key)
}
