package spool

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/telemetry"
)

func TestSmoke(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dir, _ := durable.Open(t.TempDir())
		keys, _ := NewKeys()
		s, err := Open(dir, db, keys, telemetry.Discard())
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		body := bytes.Repeat([]byte("hello world\r\n"), 20000)
		st, err := s.Store(ctx, "a", mail.Bytes(body))
		if err != nil {
			t.Fatal(err)
		}
		m := Message{ID: "a", Tenant: "t", Stored: st, Received: time.Now(), Envelope: mail.Envelope{To: []mail.Recipient{{Address: "b@c.example"}}}}
		if err := db.Update(ctx, func(tx *store.Tx) error { return Add(tx, m) }); err != nil {
			t.Fatal(err)
		}
		b, err := s.Open(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if err != nil || !bytes.Equal(got, body) {
			t.Fatal(err)
		}
		b.Close()
	})
}
