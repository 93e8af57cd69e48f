package spool

import (
	"encoding/json"
	"fmt"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Standing is what custody has of a message: one side of the balance.
type Standing struct {
	ID, Tenant string
	// Found is set when the message has a row.
	Found bool
	State State
	// To are the accepted recipients, Waiting those who wait for a decision.
	To, Waiting []mail.Address
	// Intent is set when the message is about to be handed back, or was when
	// the process ended.
	Intent bool
}

// Standings reads what custody has of the messages behind after, up to last;
// "" is the end.
func Standings(tx *store.Tx, after, last string) (map[string]*Standing, error) {
	page := map[string]*Standing{}
	of := func(id, tenant string) *Standing {
		if page[id] == nil {
			page[id] = &Standing{ID: id, Tenant: tenant}
		}
		return page[id]
	}
	err := between(tx, "SELECT id, tenant, state, envelope FROM message", "id", after, last, 4, func(v []string) error {
		s := of(v[0], v[1])
		s.Found, s.State = true, State(v[2])
		var e mail.Envelope
		if err := json.Unmarshal([]byte(v[3]), &e); err != nil {
			return err
		}
		s.To = e.Addresses()
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = between(tx, "SELECT message, tenant, recipient FROM pending", "message", after, last, 3, func(v []string) error {
		s := of(v[0], v[1])
		s.Waiting = append(s.Waiting, mail.Address(v[2]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = between(tx, "SELECT id, tenant FROM intent", "id", after, last, 2, func(v []string) error {
		of(v[0], v[1]).Intent = true
		return nil
	})
	return page, err
}

// between reads the text columns of rows whose key lies behind after, up to
// last.
func between(tx *store.Tx, query, key, after, last string, columns int, each func([]string) error) error {
	query, args := query+" WHERE "+key+" > ?", []any{after}
	if last != "" {
		query, args = query+" AND "+key+" <= ?", append(args, last)
	}
	rows, err := tx.Query(query, args...)
	if err != nil {
		return fmt.Errorf("spool: standings: %w", err)
	}
	defer rows.Close()
	values := make([]string, columns)
	places := make([]any, columns)
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return fmt.Errorf("spool: standings: %w", err)
		}
		if err := each(values); err != nil {
			return fmt.Errorf("spool: standing of %s: %w", values[0], err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("spool: standings: %w", err)
	}
	return nil
}
