package spool

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// The clock reads the deadlines that are over and the next one, however many
// wait.
func TestDeadlinesAreReadByTheirIndex(t *testing.T) {
	db := storetest.SQLite(t)
	openSpool(t, t.TempDir(), db, testKeys(t))
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		return AddPending(tx, Pending{Message: "m", Recipient: mail.Recipient{Address: "a@x"}, Since: time.Now(), Until: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"SELECT " + pendingColumns + " FROM pending " + overdue, nextDeadline} {
		err := db.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Query("EXPLAIN QUERY PLAN "+query, []any{1, 10}[:strings.Count(query, "?")]...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int64
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				// Those of one moment are put in order among themselves.
				if !strings.Contains(detail, "INDEX pending_until (until>") && !strings.Contains(detail, "LAST 2 TERMS") {
					t.Errorf("%s\n%s", query, detail)
				}
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
