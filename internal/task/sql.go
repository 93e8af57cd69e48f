package task

import (
	"encoding/json"
	"fmt"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE task (
			id TEXT PRIMARY KEY,
			message TEXT NOT NULL,
			tenant TEXT NOT NULL,
			kind TEXT NOT NULL,
			hop TEXT NOT NULL,
			sender TEXT NOT NULL,
			recipients TEXT NOT NULL,
			payload TEXT NOT NULL,
			due BIGINT NOT NULL,
			attempts BIGINT NOT NULL,
			first_tried BIGINT NOT NULL,
			give_up BIGINT NOT NULL,
			stuck TEXT NOT NULL,
			held BIGINT NOT NULL,
			last_reply TEXT NOT NULL,
			leased BIGINT NOT NULL,
			fence BIGINT NOT NULL)`,
		`CREATE INDEX task_due ON task (held, due)`,
		`CREATE INDEX task_message ON task (message)`,
		`CREATE TABLE outcome (
			message TEXT NOT NULL,
			recipient TEXT NOT NULL,
			kind TEXT NOT NULL,
			fence_task TEXT NOT NULL,
			task TEXT NOT NULL,
			tenant TEXT NOT NULL,
			state TEXT NOT NULL,
			reply TEXT NOT NULL,
			host TEXT NOT NULL,
			why TEXT NOT NULL,
			told TEXT NOT NULL,
			at BIGINT NOT NULL,
			PRIMARY KEY (message, recipient, kind, fence_task))`,
		`ALTER TABLE task ADD COLUMN class BIGINT NOT NULL DEFAULT 0`,
		`UPDATE task SET class = 2 WHERE attempts > 0`,
		`CREATE INDEX task_line ON task (held, tenant, hop, class, due)`,
		`DROP INDEX task_due`,
		`ALTER TABLE task ADD COLUMN seal TEXT NOT NULL DEFAULT ''`,
	}
}

const taskColumns = `id, message, tenant, kind, hop, sender, recipients, payload, due, attempts,
	first_tried, give_up, stuck, held, last_reply, leased, fence, class, seal`

// seal is over whom a task is for and what it carries.
func (t Task) seal(recipients string) string {
	return store.Seal(t.ID, t.Message, t.Tenant, string(t.Kind), string(t.From), recipients, string(t.Payload))
}

func insertTask(tx *store.Tx, t Task) error {
	to, err := json.Marshal(t.Recipients)
	if err != nil {
		return fmt.Errorf("task: add: %w", err)
	}
	_, err = tx.Exec("INSERT INTO task ("+taskColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		t.ID, t.Message, t.Tenant, string(t.Kind), store.Clean(t.Hop), string(t.From), string(to), string(t.Payload),
		store.Nanos(t.Due), t.Attempts, store.Nanos(t.FirstTried), store.Nanos(t.GiveUpAt),
		string(t.Stuck), store.Bit(t.Held), store.Clean(t.Last), store.Nanos(t.Leased), t.fence, int64(t.class), t.seal(string(to)))
	if err != nil {
		return fmt.Errorf("task: add: %w", err)
	}
	return nil
}

func selectTasks(tx *store.Tx, where string, args ...any) ([]Task, error) {
	return readTasks(tx, "SELECT "+taskColumns+" FROM task "+where, args...)
}

func readTasks(tx *store.Tx, query string, args ...any) ([]Task, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("task: read: %w", err)
	}
	defer rows.Close()
	var list []Task
	for rows.Next() {
		t, err := scanTask(rows)
		if err != nil {
			return nil, fmt.Errorf("task: read %s: %w", t.ID, err)
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("task: read: %w", err)
	}
	return list, nil
}

func scanTask(rows *store.Rows) (Task, error) {
	var t Task
	var kind, from, to, payload, stuck, seal string
	var due, first, giveUp, held, leased int64
	err := rows.Scan(&t.ID, &t.Message, &t.Tenant, &kind, &t.Hop, &from, &to, &payload, &due, &t.Attempts,
		&first, &giveUp, &stuck, &held, &t.Last, &leased, &t.fence, &t.class, &seal)
	if err != nil {
		return t, err
	}
	t.Kind, t.From, t.Stuck, t.Held = Kind(kind), mail.Address(from), problem.Code(stuck), held != 0
	t.Due, t.FirstTried = store.Moment(due), store.Moment(first)
	t.GiveUpAt, t.Leased = store.Moment(giveUp), store.Moment(leased)
	if payload != "" {
		t.Payload = json.RawMessage(payload)
	}
	err = json.Unmarshal([]byte(to), &t.Recipients)
	t.altered = err != nil || seal != "" && seal != t.seal(to) // rows of before have no seal
	return t, nil
}

func selectRecords(tx *store.Tx, where string, args ...any) ([]Record, error) {
	rows, err := tx.Query(`SELECT message, recipient, kind, task, tenant, state, reply, host, why, told, at
		FROM outcome `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("task: read outcomes: %w", err)
	}
	defer rows.Close()
	var list []Record
	for rows.Next() {
		var r Record
		var to, kind, fate, reply string
		var at int64
		err := rows.Scan(&r.Message, &to, &kind, &r.Task, &r.Tenant, &fate, &reply, &r.Host, &r.Why, &r.Told, &at)
		if err == nil {
			err = json.Unmarshal([]byte(reply), &r.Reply)
		}
		if err != nil {
			return nil, fmt.Errorf("task: read outcomes: %w", err)
		}
		r.Recipient, r.Kind, r.Fate, r.At = mail.Address(to), Kind(kind), Fate(fate), store.Moment(at)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("task: read outcomes: %w", err)
	}
	return list, nil
}
