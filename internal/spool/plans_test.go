package spool

import (
	"encoding/json"
	"os"
	"strconv"
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

// On PostgreSQL too, whatever waits: the rows that are read are those that are
// due, or shown. POSTERN_HELD=100000 is the full size.
func TestPostgreSQLReadsTheDeadlinesThatAreDue(t *testing.T) {
	many, err := strconv.Atoi(os.Getenv("POSTERN_HELD"))
	if err != nil {
		t.Skip("a table that small is read as a whole, and rightly so: set POSTERN_HELD=100000")
	}
	db := storetest.Postgres(t)
	openSpool(t, t.TempDir(), db, testKeys(t))
	begin := time.Now().Add(-time.Hour)
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO pending (message, recipient, tenant, since, until, data, seal)
			SELECT 'm' || g, 'r@x.example', 't' || g % 4, CAST(? AS BIGINT) + g * 1000000, CAST(? AS BIGINT) + g * 1000000000, '{}', ''
			FROM generate_series(1, CAST(? AS BIGINT)) g`, store.Nanos(begin), store.Nanos(begin), many)
		return err
	})
	if err == nil {
		err = db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec("ANALYZE"); return err })
	}
	if err != nil {
		t.Fatal(err)
	}
	const all = "SELECT " + pendingColumns + " FROM pending "
	soon := store.Nanos(begin.Add(200 * time.Second))
	for _, q := range []struct {
		name, query string
		args        []any
		most        int
	}{
		{"200 are due", all + overdue, []any{soon, 5000}, 200}, {"the next deadline", nextDeadline, []any{soon}, 1},
		{"a page", all + pendingOldest, []any{100}, 100}, {"a page of a tenant", all + pendingOfTenant, []any{"t1", 100}, 100},
		{"the clock of octets", all + pendingSince, []any{"t1", store.Nanos(begin.Add(time.Second)), 0, "", "", 100}, 100},
	} {
		var text string
		var list []struct {
			Plan json.RawMessage
			Took float64 `json:"Execution Time"`
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			return tx.QueryRow("EXPLAIN (ANALYZE, FORMAT JSON) "+q.query, q.args...).Scan(&text)
		})
		if err == nil {
			err = json.Unmarshal([]byte(text), &list)
		}
		if err != nil {
			t.Fatal(q.name, err)
		}
		read := scanned(t, list[0].Plan)
		t.Logf("%s of %d: %d rows read in %.2f ms", q.name, many, read, list[0].Took)
		if read > q.most || strings.Contains(text, "Seq Scan") {
			t.Errorf("%s: %d rows are read:\n%s", q.name, read, text)
		}
	}
}

// scanned is how many rows the scans of a plan have read.
func scanned(t *testing.T, plan json.RawMessage) (n int) {
	t.Helper()
	var x struct {
		Rows    float64 `json:"Actual Rows"`
		Loops   float64 `json:"Actual Loops"`
		Removed float64 `json:"Rows Removed by Filter"`
		Kind    string  `json:"Node Type"`
		Plans   []json.RawMessage
	}
	if err := json.Unmarshal(plan, &x); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(x.Kind, "Scan") && x.Kind != "Bitmap Index Scan" {
		n = int((x.Rows + x.Removed) * x.Loops)
	}
	for _, p := range x.Plans {
		n += scanned(t, p)
	}
	return n
}
