package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
)

// most is the largest group: beyond it a member would wait for too many
// others. PostgreSQL keeps 64 savepoints of a transaction in shared memory and
// becomes slow with more.
const (
	mostSQLite   = 256
	mostPostgres = 60
)

// member is one Update on its way through the writer. The writer owns it from
// the queue until done is closed.
type member struct {
	fn       func(*Tx) error
	err      error
	panicked string
	after    []func() // OnCommit
	done     chan struct{}
}

func (m *member) failed() bool { return m.err != nil || m.panicked != "" }

// result is what Update comes to, when done is closed.
func (m *member) result() error {
	if m.panicked != "" {
		panic(m.panicked)
	}
	return m.err
}

// write is the writer's goroutine: group after group until Close or death.
func (db *DB) write() {
	var group []*member
	defer func() {
		// Still open members mean that one of them ended this goroutine:
		// runtime.Goexit, as t.Fatal does in a test. Whoever waits must not
		// wait for ever.
		if len(group) > 0 {
			db.die(errors.New("store: a callback of Update ended the writer (runtime.Goexit)"))
			answer(group, db.deathError())
		}
		db.patient.end(db.ended())
		close(db.stopped)
	}()
	for {
		select {
		case m := <-db.queue:
			// Let those who are about to ask do so: one turn of the scheduler,
			// no delay.
			runtime.Gosched()
			group = append(group[:0], m)
		case <-db.patient.hurry:
			if group = db.patient.join(group[:0], db.most()); len(group) == 0 {
				continue // they went with another group
			}
		case <-db.closing:
			return
		}
		if cause := db.group(&group); cause != nil {
			db.die(cause)
			answer(group, db.deathError())
			group = nil
			return
		}
		group = group[:0]
	}
}

// ended says why the writer has.
func (db *DB) ended() error {
	select {
	case <-db.gone:
		return db.deathError()
	default:
		return ErrClosed
	}
}

// most is how many members a group may have.
func (db *DB) most() int {
	if db.postgres {
		return mostPostgres
	}
	return mostSQLite
}

// group runs one group: the member that is there and everyone who comes while
// members run. It answers all of them, unless it returns the cause of death.
func (db *DB) group(group *[]*member) (death error) {
	db.endings = nil
	err := db.begin()
	if err == nil {
		err = db.members(group)
	} else {
		db.waiting(group) // nobody waits out the same lock once more
	}
	if err == nil {
		err = db.beforeCommit(group)
	}
	if err == nil {
		if err = db.commit(db.writer); err != nil {
			f, e := fateOfCommit(err)
			err = &lost{fate: f, err: fmt.Errorf("store: commit: %w", e)}
		}
	}
	if err != nil {
		var l *lost
		if errors.As(err, &l) && l.fate == deadly {
			return l.err
		}
		db.undo()
		db.stats.undone.Add(1)
		db.stats.failed.Add(int64(len(*group)))
		answer(*group, err)
		return nil
	}
	db.settle(*group)
	db.writer.trim()
	return nil
}

// lost is an error that takes the whole group, or the database, with it.
type lost struct {
	fate fate
	err  error
}

func (l *lost) Error() string { return l.err.Error() }
func (l *lost) Unwrap() error { return l.err }

// begin opens the group's transaction. A server that went away between two
// groups is connected again; nothing is lost by that.
func (db *DB) begin() error {
	begin := "BEGIN IMMEDIATE"
	if db.postgres {
		begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
	}
	for attempt := 0; ; attempt++ {
		var err error
		if db.writer == nil {
			db.writer, err = db.connect(context.Background(), true)
		}
		if err == nil {
			err = db.writer.cached(begin)
		}
		if err == nil {
			return nil
		}
		f, e := fateOf(err)
		if db.postgres && attempt == 0 && f == locked {
			db.undo()
			continue
		}
		if f == harmless {
			f = locked
		}
		return &lost{fate: f, err: fmt.Errorf("store: begin: %w", e)}
	}
}

// waiting takes everyone into the group who waits for it now.
func (db *DB) waiting(group *[]*member) {
	runtime.Gosched()
	for {
		select {
		case m := <-db.queue:
			*group = append(*group, m)
		default:
			return
		}
	}
}

// members runs the group's members and takes in who comes meanwhile.
func (db *DB) members(group *[]*member) error {
	most, joined := db.most(), false
	empty := true // the transaction, so far
	for i := 0; i < len(*group); i++ {
		m := (*group)[i]
		if err := db.member(m, empty); err != nil {
			return err
		}
		empty = empty && m.failed()
		if len(*group) == most {
			continue
		}
		select {
		case m := <-db.queue:
			*group = append(*group, m)
		default:
			if !joined && i == len(*group)-1 {
				*group, joined = db.patient.join(*group, most), true
			}
		}
	}
	return nil
}

// member runs one member in its savepoint; the first that does something needs
// none, since the transaction holds nothing else. The error is only for what
// takes the whole group with it.
func (db *DB) member(m *member, first bool) error {
	if !first {
		if err := db.savepoint("SAVEPOINT member"); err != nil {
			return err
		}
	}
	tx := &Tx{conn: db.writer, ctx: context.Background(), write: true, group: db.endings}
	m.panicked, m.err = call(m.fn, tx)
	tx.end()
	if tx.lost != nil {
		return tx.lost
	}
	if m.err == nil {
		m.err = tx.failed
	}
	switch {
	case !m.failed():
		m.after = tx.after
		db.endings = tx.together()
		if first {
			return nil
		}
		return db.savepoint("RELEASE SAVEPOINT member")
	case first:
		db.undo()
		return db.begin()
	}
	if err := db.savepoint("ROLLBACK TO SAVEPOINT member"); err != nil {
		return err
	}
	return db.savepoint("RELEASE SAVEPOINT member")
}

func (db *DB) savepoint(statement string) error {
	err := db.writer.cached(statement)
	if err == nil {
		return nil
	}
	f, e := fateOf(err)
	return &lost{fate: max(f, locked), err: fmt.Errorf("store: savepoint: %w", e)}
}

// call runs fn and catches its panic, for its caller and nobody else.
func call(fn func(*Tx) error, tx *Tx) (panicked string, err error) {
	defer func() {
		if v := recover(); v != nil {
			panicked = fmt.Sprintf("store: panic in a transaction: %v\n\n%s", v, debug.Stack())
		}
	}()
	return "", fn(tx)
}

// beforeCommit runs the hooks, and then what members left to the end of the
// group. What they do after the COMMIT belongs to the group, so it hangs on a
// member of its own that nobody waits for.
func (db *DB) beforeCommit(group *[]*member) error {
	tx := &Tx{conn: db.writer, ctx: context.Background(), write: true, group: db.endings}
	defer tx.end()
	for _, hook := range append(slices.Clip(*db.hooks.Load()), (*Tx).finish) {
		panicked, err := call(hook, tx)
		tx.closeRows()
		switch {
		case tx.lost != nil:
			return tx.lost
		case panicked != "":
			return errors.New(panicked)
		case err != nil:
			return fmt.Errorf("store: before commit: %w", err)
		case tx.failed != nil:
			return fmt.Errorf("store: before commit: %w", tx.failed)
		}
	}
	last := (*group)[len(*group)-1]
	last.after = append(last.after, tx.after...)
	return nil
}

// undo ends the transaction without a COMMIT. A connection that cannot do
// even that is given up: the engine rolls back when it goes.
func (db *DB) undo() {
	if db.writer == nil {
		return
	}
	// SQLite has rolled back by itself after some errors and then complains.
	if err := db.writer.do("ROLLBACK"); err != nil && (db.postgres || db.writer.inTransaction()) {
		db.writer.close()
		db.writer = nil
	}
}

// settle runs after a COMMIT: first what members asked for, then the answers.
func (db *DB) settle(group []*member) {
	var failed int64
	for _, m := range group {
		if m.failed() {
			failed++
		}
		for _, fn := range m.after {
			fn()
		}
	}
	db.stats.groups.Add(1)
	db.stats.failed.Add(failed)
	db.stats.members.Add(int64(len(group)) - failed)
	if n := int64(len(group)); n > db.stats.largest.Load() {
		db.stats.largest.Store(n)
	}
	for _, m := range group {
		close(m.done)
	}
}

// answer tells every member that the group is lost; a member that had failed
// by itself keeps its own error.
func answer(group []*member, err error) {
	for _, m := range group {
		if m.err == nil {
			m.err = err
		}
		close(m.done)
	}
}
