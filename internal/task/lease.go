package task

import (
	"encoding/json"
	"fmt"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// lease is a hold on a task: until when, and when it comes back by the
// schedule if nothing is heard of the attempt.
type lease struct {
	now, until, due time.Time
	patience        time.Duration
}

// take leases a task that is still free, and due or for a next hop that
// works. The attempt counts from here on, whatever becomes of the process.
// The next one is planned before this one begins: a message that kills the
// whole process comes back by the schedule, not at once after every restart.
// No task means that another node was faster, or a person held it.
func take(tx *store.Tx, c candidate, l lease) ([]Task, error) {
	now := store.Nanos(l.now)
	list, err := readTasks(tx, `UPDATE task SET leased = ?, fence = fence + 1, attempts = attempts + 1, due = ?, class = ?,
		first_tried = CASE WHEN first_tried = 0 THEN ? ELSE first_tried END,
		give_up = CASE WHEN give_up = 0 THEN CASE WHEN first_tried = 0 THEN ? ELSE first_tried END + ? ELSE give_up END
		WHERE id = ? AND held = 0 AND leased <= ? AND (due <= ? OR class = ?) RETURNING `+taskColumns,
		store.Nanos(l.until), store.Nanos(l.due), int64(forTime), now, now, int64(l.patience),
		c.id, now, now, int64(forHop))
	if err == nil && len(list) == 1 {
		list[0].class = c.class
	}
	return list, err
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
	_, err := tx.Exec("UPDATE task SET leased = 0, stuck = ?, due = ?, class = ? WHERE id = ?",
		string(code), store.Nanos(due), int64(forTime), id)
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
		more.ID, more.Leased, more.fence = store.NewID(time.Now()), time.Time{}, 0
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
	n, err := tx.Exec(`UPDATE task SET recipients = ?, seal = ?, due = ?, give_up = ?, stuck = ?, last_reply = ?, class = ?, leased = 0
		WHERE id = ? AND fence = ?`,
		string(to), rest.seal(string(to)), store.Nanos(rest.Due), store.Nanos(rest.GiveUpAt), string(rest.Stuck), store.Clean(rest.Last),
		int64(rest.class), t.ID, t.fence)
	if err != nil {
		return 0, fmt.Errorf("task: write: %w", err)
	}
	return n, nil
}

// bringForward makes no task wait longer than until latest, its lease neither,
// and has none given up later than at end.
func bringForward(tx *store.Tx, latest, end time.Time) error {
	for _, row := range []struct {
		column string
		at     time.Time
	}{{"due", latest}, {"leased", latest}, {"give_up", end}} {
		at := store.Nanos(row.at)
		if _, err := tx.Exec("UPDATE task SET "+row.column+" = ? WHERE "+row.column+" > ?", at, at); err != nil {
			return fmt.Errorf("task: bring forward: %w", err)
		}
	}
	return nil
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
