package spool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"postern.dev/postern/internal/store"
)

// PrintKey is the key of the hash by which a body is known again.
type PrintKey [32]byte

// PrintKey is as old as the database and the same for all who use it, so that
// a repeat is known after a start, and by another node.
func (s *Spool) PrintKey() PrintKey { return s.print }

// readPrintKey reads the key, and makes it when there is none.
func (s *Spool) readPrintKey(ctx context.Context) error {
	var octets []byte
	read := func(tx *store.Tx) error {
		return tx.QueryRow("SELECT octets FROM print_key WHERE id = 1").Scan(&octets)
	}
	err := s.db.View(ctx, read)
	if errors.Is(err, store.ErrNoRows) {
		var fresh PrintKey
		rand.Read(fresh[:]) // never fails: crypto/rand ends the process instead
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			// Another node may have been first.
			_, err := tx.Exec("INSERT INTO print_key (id, octets) VALUES (1, ?) ON CONFLICT (id) DO NOTHING", fresh[:])
			if err != nil {
				return err
			}
			return read(tx)
		})
	}
	if err == nil && copy(s.print[:], octets) != len(s.print) {
		err = fmt.Errorf("it has %d octets", len(octets))
	}
	if err != nil {
		return fmt.Errorf("key of the hash of bodies: %w", err)
	}
	return nil
}
