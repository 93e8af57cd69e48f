package spool

import (
	"context"
	"io"
	"testing"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/telemetry"
)

// endless is a body of any size that takes no memory.
type endless int64

func (e endless) Size() int64 { return int64(e) }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	n := min(int64(len(p)), max(int64(e)-off, 0))
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// BenchmarkLarge stores, verifies and reads a message of 150 MiB. B/op is
// garbage of age's 64 KiB chunks, not memory that is held.
func BenchmarkLarge(b *testing.B) {
	db := storetest.SQLite(b)
	keys := testKeys(b)
	dir, err := durable.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(dir, db, keys, telemetry.Discard())
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	size := endless(150 << 20)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		id := store.NewID(start)
		stored, err := s.Store(ctx, id, size)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Update(ctx, func(tx *store.Tx) error { return Add(tx, message(id, stored)) }); err != nil {
			b.Fatal(err)
		}
		body, err := s.Open(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, io.NewSectionReader(body, 0, body.Size())); err != nil {
			b.Fatal(err)
		}
		body.Close()
		s.Discard(stored)
	}
}
