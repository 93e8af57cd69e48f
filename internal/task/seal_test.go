package task

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// A bit that turned within a value of the database is noticed by no engine.
// What a task is for, and what it carries, is sealed: it waits, and others go
// on.
func TestATaskThatIsNotWhatWasWrittenIsNotAttempted(t *testing.T) {
	changes := map[string]string{
		"recipient": "recipients = replace(recipients, 'archive@', 'archivf@')",
		"torn":      "recipients = substr(recipients, 1, 9)",
		"payload":   "payload = replace(payload, 'secret', 'secreu')",
		"sender":    "sender = replace(sender, 'ann', 'anm')",
		"tenant":    "tenant = tenant || 'x'",
		"kind":      "kind = 'notice'",
		"message":   "message = message || 'x'",
		"seal":      "seal = replace(replace(seal, 'a', '0'), '1', '0') || '0'",
	}
	var mu sync.Mutex
	tried := map[string]int{}
	c := Config{Door: func(_ context.Context, task Task) []Result {
		mu.Lock()
		defer mu.Unlock()
		tried[task.ID]++
		if task.ID == "whole" && tried[task.ID] == 1 { // its row is written again
			return []Result{{"archive@contoso.example", Done{}}}
		}
		return everyone(task, Done{})
	}, Settle: func(*store.Tx, Task, []Result, time.Time) error { return nil }}
	bubble(t, c, func(t *testing.T, h *house) {
		plan := func(id string) {
			h.add(Task{
				ID: id, Message: "m", Kind: Copy, From: "ann@contoso.example", Payload: json.RawMessage(`{"word":"secret"}`),
				Recipients: []mail.Recipient{{Address: "archive@contoso.example"}, {Address: "second@contoso.example"}},
				Due:        time.Now().Add(time.Minute),
			})
		}
		plan("whole")
		for id, change := range changes {
			plan(id)
			h.update(func(tx *store.Tx) error {
				n, err := tx.Exec("UPDATE task SET "+change+" WHERE id = ?", id)
				if n != 1 {
					t.Errorf("%s: %d rows", id, n)
				}
				return err
			})
		}
		if n := len(h.tasks(Filter{})); n != 1+len(changes) {
			t.Errorf("%d tasks are listed", n)
		}
		for range 12 {
			time.Sleep(time.Hour)
			settleDown()
		}
		mu.Lock()
		defer mu.Unlock()
		if tried["whole"] != 2 || len(tried) != 1 {
			t.Errorf("attempts: %v", tried)
		}
		left := h.tasks(Filter{})
		if len(left) != len(changes) {
			t.Errorf("%d tasks are left", len(left))
		}
		for _, task := range left {
			if task.Stuck != problem.TaskUnreadable || !task.altered {
				t.Errorf("%s: %q", task.ID, task.Stuck)
			}
		}
	})
}
