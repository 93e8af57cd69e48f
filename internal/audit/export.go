package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"postern.dev/postern/internal/store"
)

// exportedEvent is a line of an export. Hash is SHA-256 over, in this order:
// the 32 octets of Prev, the length of the event's canonical JSON (8 octets,
// big endian), that JSON, and the 32 octets of Commitment. The canonical
// JSON is the object of tenant, seq, at (nanoseconds since 1970), kind,
// actor, message and public, in this order, without white space and with the
// characters <, > and & written as \u003c, \u003e and \u0026.
type exportedEvent struct {
	Tenant     string          `json:"tenant"`
	Seq        int64           `json:"seq"`
	Time       time.Time       `json:"time"`
	At         int64           `json:"at"`
	Kind       string          `json:"kind"`
	Actor      string          `json:"actor"`
	Message    string          `json:"message"`
	Public     json.RawMessage `json:"public,omitempty"`
	Commitment string          `json:"commitment"`
	Salt       string          `json:"salt,omitempty"`
	Personal   string          `json:"personal,omitempty"`
	Prev       string          `json:"prev"`
	Hash       string          `json:"hash"`
}

func exported(l link, p *personalRow) exportedEvent {
	e := exportedEvent{
		Tenant: l.tenant, Seq: l.seq, Time: store.Moment(l.at), At: l.at, Kind: l.kind, Actor: l.actor, Message: l.message,
		Public: json.RawMessage(l.public), Commitment: hex.EncodeToString(l.commitment[:]),
		Prev: hex.EncodeToString(l.prev[:]), Hash: hex.EncodeToString(l.hash[:]),
	}
	if p != nil {
		e.Salt, e.Personal = hex.EncodeToString(p.salt), p.data
	}
	return e
}

// ExportEvents writes the chain of a tenant as JSON Lines, oldest first, so
// that it can be verified without this program.
func (l *Log) ExportEvents(ctx context.Context, w io.Writer, tenant string) error {
	out := json.NewEncoder(w)
	err := l.db.View(ctx, func(tx *store.Tx) error {
		return eachLink(tx, tenant, func(l link, p *personalRow) error { return out.Encode(exported(l, p)) })
	})
	if err != nil {
		return fmt.Errorf("audit: export: %w", err)
	}
	return nil
}

// Export writes the records that q finds as JSON Lines, newest first.
func (l *Log) Export(ctx context.Context, w io.Writer, q Query) error {
	const page = 500
	out := json.NewEncoder(w)
	left := q.Limit
	for {
		q.Limit = page
		if left > 0 {
			q.Limit = min(page, left)
		}
		list, err := l.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := out.Encode(m); err != nil {
				return fmt.Errorf("audit: export: %w", err)
			}
		}
		if len(list) < q.Limit || left > 0 && left == len(list) {
			return nil
		}
		left = max(0, left-len(list))
		last := list[len(list)-1]
		q.Behind = Place{Received: last.Received, ID: last.ID}
	}
}

// Events lists the events of a message, oldest first, for its timeline.
func (l *Log) Events(tx *store.Tx, tenant, message string) ([]Event, error) {
	rows, err := tx.Query(`SELECT at, kind, actor, open_fields, personal FROM audit_event
		WHERE tenant = ? AND message = ? ORDER BY seq`, tenant, message)
	if err != nil {
		return nil, fmt.Errorf("audit: events: %w", err)
	}
	defer rows.Close()
	var list []Event
	for rows.Next() {
		e := Event{Tenant: tenant, Message: message}
		var at int64
		var public, personal string
		if err := rows.Scan(&at, &e.Kind, &e.Actor, &public, &personal); err != nil {
			return nil, fmt.Errorf("audit: events: %w", err)
		}
		e.At = store.Moment(at)
		if public != "" {
			e.Public = json.RawMessage(public)
		}
		if personal != "" {
			e.Personal = json.RawMessage(personal)
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("audit: events: %w", err)
	}
	return list, nil
}
