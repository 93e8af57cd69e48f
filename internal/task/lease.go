package task

import (
	"encoding/json"
	"fmt"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// candidate is a task that could be attempted now.
type candidate struct {
	id  string
	hop hop
}

// candidates lists due tasks so that every tenant comes with its first before
// any comes with its second, and so do the next hops of a tenant, none with
// more than perHop: a thousand messages to a throttled domain do not hide one
// to another, nor a tenant with thousands of domains one with a single.
func candidates(tx *store.Tx, now time.Time, perHop, limit int) ([]candidate, error) {
	rows, err := tx.Query(`SELECT id, tenant, hop FROM (
			SELECT id, tenant, hop, due, ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY place, due, id) AS turn FROM (
				SELECT id, tenant, hop, due, ROW_NUMBER() OVER (PARTITION BY tenant, hop ORDER BY due, id) AS place
				FROM task WHERE held = 0 AND due <= ? AND leased <= ?) AS waiting
			WHERE place <= ?) AS line
		ORDER BY turn, due, id LIMIT ?`, store.Nanos(now), store.Nanos(now), perHop, limit)
	if err != nil {
		return nil, fmt.Errorf("task: due: %w", err)
	}
	defer rows.Close()
	var list []candidate
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.id, &c.hop.tenant, &c.hop.name); err != nil {
			return nil, fmt.Errorf("task: due: %w", err)
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("task: due: %w", err)
	}
	return list, nil
}

// nextDue is when the next task that nobody works on is due; zero when all
// of them are due already or there is none.
func nextDue(tx *store.Tx, now time.Time) (time.Time, error) {
	var n int64
	err := tx.QueryRow("SELECT COALESCE(MIN(due), 0) FROM task WHERE held = 0 AND due > ? AND leased <= ?",
		store.Nanos(now), store.Nanos(now)).Scan(&n)
	if err != nil {
		return time.Time{}, fmt.Errorf("task: next due: %w", err)
	}
	return store.Moment(n), nil
}

// take leases a task that is still due and free. The attempt counts from
// here on, whatever becomes of the process.
func take(tx *store.Tx, id string, now, until time.Time) (bool, error) {
	n, err := tx.Exec(`UPDATE task SET leased = ?, fence = fence + 1, attempts = attempts + 1,
		first_tried = CASE WHEN first_tried = 0 THEN ? ELSE first_tried END
		WHERE id = ? AND held = 0 AND due <= ? AND leased <= ?`,
		store.Nanos(until), store.Nanos(now), id, store.Nanos(now), store.Nanos(now))
	if err != nil {
		return false, fmt.Errorf("task: take: %w", err)
	}
	return n == 1, nil
}

// plan writes when a leased task is due and given up if nothing is heard of
// this attempt.
func plan(tx *store.Tx, t Task, due time.Time) error {
	_, err := tx.Exec("UPDATE task SET due = ?, give_up = ? WHERE id = ?", store.Nanos(due), store.Nanos(t.GiveUpAt), t.ID)
	if err != nil {
		return fmt.Errorf("task: plan: %w", err)
	}
	return nil
}

// renew keeps the lease that t has.
func renew(tx *store.Tx, t Task, until time.Time) error {
	_, err := tx.Exec("UPDATE task SET leased = ? WHERE id = ? AND fence = ?", store.Nanos(until), t.ID, t.fence)
	if err != nil {
		return fmt.Errorf("task: renew: %w", err)
	}
	return nil
}

// setAside keeps a task that cannot be read from being taken all the time.
func setAside(tx *store.Tx, id string, code problem.Code, due time.Time) error {
	_, err := tx.Exec("UPDATE task SET leased = 0, stuck = ?, due = ? WHERE id = ?", string(code), store.Nanos(due), id)
	if err != nil {
		return fmt.Errorf("task: set aside: %w", err)
	}
	return nil
}

// replaceTask writes what is left of t, or removes it. mine is false when
// the fencing token is no longer t's.
func replaceTask(tx *store.Tx, t Task, next follow) (mine bool, err error) {
	var n int64
	if len(next.rest) == 0 {
		n, err = tx.Exec("DELETE FROM task WHERE id = ? AND fence = ?", t.ID, t.fence)
	} else {
		n, err = updateTask(tx, t, next.rest[0])
	}
	if err != nil || n != 1 {
		return false, err
	}
	for _, more := range next.rest[min(1, len(next.rest)):] {
		more.ID = store.NewID(time.Now())
		if err := insertTask(tx, more); err != nil {
			return false, err
		}
	}
	return true, nil
}

// updateTask gives the lease back. A `queue hold` during the attempt stays in
// force.
func updateTask(tx *store.Tx, t, rest Task) (int64, error) {
	to, err := json.Marshal(rest.Recipients)
	if err != nil {
		return 0, fmt.Errorf("task: write: %w", err)
	}
	n, err := tx.Exec(`UPDATE task SET recipients = ?, due = ?, give_up = ?, stuck = ?, last_reply = ?, leased = 0
		WHERE id = ? AND fence = ?`,
		string(to), store.Nanos(rest.Due), store.Nanos(rest.GiveUpAt), string(rest.Stuck), store.Clean(rest.Last), t.ID, t.fence)
	if err != nil {
		return 0, fmt.Errorf("task: write: %w", err)
	}
	return n, nil
}

// freeLeases ends the leases of a process that is gone.
func freeLeases(tx *store.Tx) error {
	if _, err := tx.Exec("UPDATE task SET leased = 0 WHERE leased > 0"); err != nil {
		return fmt.Errorf("task: free leases: %w", err)
	}
	return nil
}

func countTasks(tx *store.Tx) (open int, stuck map[problem.Code]int, err error) {
	rows, err := tx.Query("SELECT stuck, COUNT(*) FROM task GROUP BY stuck")
	if err != nil {
		return 0, nil, fmt.Errorf("task: count: %w", err)
	}
	defer rows.Close()
	stuck = map[problem.Code]int{}
	for rows.Next() {
		var code string
		var n int
		if err := rows.Scan(&code, &n); err != nil {
			return 0, nil, fmt.Errorf("task: count: %w", err)
		}
		open += n
		if code != "" {
			stuck[problem.Code(code)] = n
		}
	}
	return open, stuck, rows.Err()
}
