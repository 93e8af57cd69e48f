package task

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/store"
)

// candidate is a task that could be attempted now.
type candidate struct {
	id       string
	hop      hop
	due      time.Time
	attempts int
	class    class
}

// fresh is how long a message that has not been tried counts as fresh. Of the
// places of a next hop every other one is for fresh messages, so that those of
// a long outage do not delay them.
const fresh = 2 * time.Minute

// Limits of one reading of the line. It takes as long with a hundred thousand
// tasks that are due as with a thousand: each next hop is asked for its first
// ones only, by the index, and of a tenant with very many next hops some are
// asked this time and others the next.
const (
	maxHops    = 48
	maxTenants = 1000
	perTenant  = 1024 // tasks
)

// line reads who is next.
type line struct {
	tx     *store.Tx
	now    time.Time
	perHop int
	state  func(hop) (shut, full bool)
	after  *cursors
	due    time.Time // when the next task is due that is not yet; zero for none
}

// cursors say where to go on when there is more than is read at a time.
type cursors struct {
	tenant string
	hop    map[string]string
}

// read lists tasks so that every tenant comes with its first before any comes
// with its second, and so do the next hops of a tenant: a thousand messages
// to a throttled domain do not hide one to another, nor a tenant with
// thousands of domains one with a single.
func (l *line) read() ([]candidate, error) {
	tenants, more, err := l.names(maxTenants, l.after.tenant, nextTenant)
	if err != nil {
		return nil, err
	}
	l.after.tenant = more
	var all [][]candidate
	for _, tenant := range tenants {
		list, err := l.tenant(tenant)
		if err != nil {
			return nil, err
		}
		all = append(all, list)
	}
	return turns(all), nil
}

// One step to the next name, over all of its tasks.
const (
	nextTenant = "SELECT tenant FROM task WHERE held = 0 AND tenant > ? ORDER BY tenant LIMIT 1"
	nextHop    = "SELECT hop FROM task WHERE held = 0 AND tenant = ? AND hop > ? ORDER BY hop LIMIT 1"
)

func (l *line) tenant(tenant string) ([]candidate, error) {
	hops, more, err := l.names(maxHops, l.after.hop[tenant], nextHop, tenant)
	if err != nil {
		return nil, err
	}
	delete(l.after.hop, tenant)
	if more != "" {
		l.after.hop[tenant] = more
	}
	if l.after.hop[tenant] == "" || len(hops) == 0 {
		hops = append(hops, "") // tasks without a name of their next hop
	}
	limit := min(max(perTenant/len(hops), 8), 8*l.perHop)
	var all [][]candidate
	for _, name := range hops {
		list, err := l.hop(hop{tenant, name}, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, list)
	}
	return turns(all), nil
}

// names goes through the different values of a column that leads an index,
// from where it stopped last and round: each costs one step.
func (l *line) names(most int, from, query string, args ...any) (list []string, more string, err error) {
	at, round := from, false
	for len(list) < most {
		var name string
		err := l.tx.QueryRow(query, append(slices.Clone(args), at)...).Scan(&name)
		switch {
		case errors.Is(err, store.ErrNoRows) && (round || from == ""), err == nil && round && name > from:
			return list, "", nil
		case errors.Is(err, store.ErrNoRows):
			at, round = "", true
			continue
		case err != nil:
			return nil, "", fmt.Errorf("task: line: %w", err)
		}
		list, at = append(list, name), name
	}
	return list, at, nil
}

// hop lists the tasks of one next hop: fresh ones and those that have waited
// for long by turns.
func (l *line) hop(h hop, limit int) ([]candidate, error) {
	shut, full := l.state(h)
	if full {
		return nil, nil // the end of an attempt there has the line read again
	}
	by, err := l.classes(h, shut, limit)
	if err != nil {
		return nil, err
	}
	waited, young := by[forTurn], []candidate(nil)
	since := l.now.Add(-fresh)
	n := slices.IndexFunc(waited, func(c candidate) bool { return c.due.After(since) })
	switch {
	case n >= 0:
		waited, young = waited[:n], waited[n:]
	case len(waited) == limit:
		rows, err := l.tx.Query(ofClass, append(l.class(h, forTurn, since), limit)...)
		if err != nil {
			return nil, fmt.Errorf("task: line: %w", err)
		}
		more, err := l.scan(rows, h, shut)
		if err != nil {
			return nil, err
		}
		young = more[forTurn]
	}
	old := slices.Concat(waited, by[forTime], by[forHop])
	slices.SortStableFunc(old, func(a, b candidate) int { return a.due.Compare(b.due) })
	return turns([][]candidate{young, old}), nil
}

// SQLite plans a statement anew whenever a bare parameter of LIMIT was bound;
// behind a CAST it does not look at it.
const ofClass = `SELECT id, due, attempts, class FROM task
	WHERE held = 0 AND tenant = ? AND hop = ? AND class = ? AND due >= ? AND leased <= ? ORDER BY due LIMIT CAST(? AS BIGINT)`

func (l *line) class(h hop, c class, from time.Time) []any {
	return []any{h.tenant, h.name, int64(c), store.Nanos(from), store.Nanos(l.now)}
}

// classes lists the first tasks of each class.
func (l *line) classes(h hop, shut bool, limit int) (by [3][]candidate, err error) {
	var args []any
	for _, c := range [...]class{forTurn, forHop, forTime} {
		args = append(append(args, l.class(h, c, time.Time{})...), limit)
	}
	const all = "SELECT * FROM (" + ofClass + ") AS a UNION ALL SELECT * FROM (" + ofClass + ") AS b UNION ALL SELECT * FROM (" +
		ofClass + ") AS c"
	rows, err := l.tx.Query(all, args...)
	if err != nil {
		return by, fmt.Errorf("task: line: %w", err)
	}
	return l.scan(rows, h, shut)
}

// scan sorts the tasks by class, and leaves out those that are not due. What
// waits for its next hop waits no longer once that works.
func (l *line) scan(rows *store.Rows, h hop, shut bool) (by [3][]candidate, err error) {
	defer rows.Close()
	for rows.Next() {
		task := candidate{hop: h}
		var due int64
		if err := rows.Scan(&task.id, &due, &task.attempts, &task.class); err != nil {
			return by, fmt.Errorf("task: line: %w", err)
		}
		if task.class < 0 || int(task.class) >= len(by) {
			return by, fmt.Errorf("task: line: no class %d", task.class)
		}
		if task.due = store.Moment(due); task.due.After(l.now) && (shut || task.class != forHop) {
			if l.due.IsZero() || task.due.Before(l.due) {
				l.due = task.due
			}
			continue
		}
		by[task.class] = append(by[task.class], task)
	}
	if err := rows.Err(); err != nil {
		return by, fmt.Errorf("task: line: %w", err)
	}
	return by, nil
}

// turns merges lists: the first of each, then the second of each, and so on.
func turns(lists [][]candidate) []candidate {
	n, most := 0, 0
	for _, l := range lists {
		n += len(l)
		most = max(most, len(l))
	}
	all := make([]candidate, 0, n)
	for turn := range most {
		first := len(all)
		for _, l := range lists {
			if turn < len(l) {
				all = append(all, l[turn])
			}
		}
		slices.SortStableFunc(all[first:], func(a, b candidate) int { return a.due.Compare(b.due) })
	}
	return all
}
