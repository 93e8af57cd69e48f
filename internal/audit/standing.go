package audit

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/store"
)

// Standing is what the record and the chain have of a message, in numbers:
// one side of the balance.
type Standing struct {
	ID, Tenant string
	// Found is set when there is a record; else there are only its remains.
	Found    bool
	Kind     string
	Way      Way
	Received time.Time
	// Named is how many recipients the record names, Deliveries how many
	// stand in the list of recipients, by where they stand.
	Named      int
	Deliveries map[Delivery]int
	// Evidence says that a copy was to be kept.
	Evidence bool
	// Events is how many events of the chains are about it.
	Events int
}

// Listed is how many recipients stand in the list.
func (s *Standing) Listed() (n int) {
	for _, k := range s.Deliveries {
		n += k
	}
	return n
}

// Standings reads a page of the record, in the order of ids, behind after.
// last is the id that the page ends with; at the end of the record it is "",
// and everything that is left in the other tables belongs to the page.
func Standings(tx *store.Tx, after string, limit int) (page map[string]*Standing, last string, err error) {
	page = map[string]*Standing{}
	last, err = records(tx, page, after, limit)
	if err != nil {
		return nil, "", err
	}
	if len(page) < limit {
		last = ""
	}
	of := func(id string) *Standing {
		if page[id] == nil {
			page[id] = &Standing{ID: id, Deliveries: map[Delivery]int{}}
		}
		return page[id]
	}
	err = grouped(tx, "SELECT message, delivery, COUNT(*) FROM audit_recipient", "GROUP BY message, delivery", after, last,
		func(id, delivery string, n int) { of(id).Deliveries[Delivery(delivery)] += n })
	if err != nil {
		return nil, "", err
	}
	err = grouped(tx, "SELECT message, '', COUNT(*) FROM audit_event", "GROUP BY message", after, last,
		func(id, _ string, n int) { of(id).Events += n })
	return page, last, err
}

func records(tx *store.Tx, page map[string]*Standing, after string, limit int) (last string, err error) {
	rows, err := tx.Query("SELECT id, tenant, kind, way, received, data FROM audit_message WHERE id > ? ORDER BY id LIMIT ?",
		after, limit)
	if err != nil {
		return "", fmt.Errorf("audit: standings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s := &Standing{Found: true, Deliveries: map[Delivery]int{}}
		var way, data string
		var received int64
		if err := rows.Scan(&s.ID, &s.Tenant, &s.Kind, &way, &received, &data); err != nil {
			return "", fmt.Errorf("audit: standings: %w", err)
		}
		// Every recipient has a verdict, nothing else has, and a quote inside
		// a text is written with a backslash: no need to read all of it.
		s.Named = strings.Count(data, `"verdict":`)
		s.Evidence = strings.Contains(data, `,"evidence":"`)
		s.Way, s.Received = Way(way), store.Moment(received)
		page[s.ID], last = s, s.ID
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("audit: standings: %w", err)
	}
	return last, nil
}

// grouped counts rows of messages behind after, up to last.
func grouped(tx *store.Tx, query, group, after, last string, each func(id, what string, n int)) error {
	where, args := " WHERE message > ? ", []any{after}
	if last != "" {
		where, args = " WHERE message > ? AND message <= ? ", []any{after, last}
	}
	rows, err := tx.Query(query+where+group, args...)
	if err != nil {
		return fmt.Errorf("audit: standings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, what string
		var n int
		if err := rows.Scan(&id, &what, &n); err != nil {
			return fmt.Errorf("audit: standings: %w", err)
		}
		each(id, what, n)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("audit: standings: %w", err)
	}
	return nil
}

// Gap is a run of events that are missing in a chain.
type Gap struct {
	Tenant      string
	First, Last int64
}

// Gaps finds events that are missing in the chains, by their numbers alone.
// It is quick; Verify also finds what was changed.
func Gaps(tx *store.Tx) ([]Gap, error) {
	type chain struct {
		tenant             string
		count, first, last int64
	}
	tenants, err := chainTenants(tx)
	if err != nil {
		return nil, err
	}
	var list []Gap
	for _, t := range tenants {
		c := chain{tenant: t}
		err := tx.QueryRow("SELECT COUNT(*), COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM audit_event WHERE tenant = ?", t).
			Scan(&c.count, &c.first, &c.last)
		if err != nil {
			return nil, fmt.Errorf("audit: gaps: %w", err)
		}
		h, err := readHead(tx, t)
		if err != nil {
			return nil, err
		}
		b, err := readBase(tx, t)
		if err != nil {
			return nil, err
		}
		if c.last = max(c.last, b.seq); c.count != c.last-b.seq {
			missing, err := missing(tx, t, b.seq)
			if err != nil {
				return nil, err
			}
			list = append(list, missing...)
		}
		if h.seq != c.last {
			list = append(list, Gap{t, min(h.seq, c.last) + 1, max(h.seq, c.last)})
		}
	}
	return list, nil
}

func missing(tx *store.Tx, tenant string, before int64) (list []Gap, err error) {
	rows, err := tx.Query("SELECT seq FROM audit_event WHERE tenant = ? ORDER BY seq", tenant)
	if err != nil {
		return nil, fmt.Errorf("audit: gaps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, fmt.Errorf("audit: gaps: %w", err)
		}
		if seq != before+1 {
			list = append(list, Gap{tenant, before + 1, seq - 1})
		}
		before = seq
	}
	return list, rows.Err()
}
