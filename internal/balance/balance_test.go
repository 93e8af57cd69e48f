package balance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// since is a week before noon: what was finished later is still in custody.
func since() time.Time { return noon.Add(-7 * 24 * time.Hour) }

// house is a database with the tables of all rooms.
type house struct {
	db  *store.DB
	log *audit.Log
}

func newHouse(t testing.TB, db *store.DB) *house {
	t.Helper()
	ctx := context.Background()
	dir, err := durable.Open(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(dir, db, vault.NewRing(keys, nil), telemetry.Discard()); err != nil {
		t.Fatal(err)
	}
	copies, err := durable.Open(filepath.Join(t.TempDir(), "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.Open(ctx, copies, db, vault.NewRing(keys, nil), telemetry.Discard()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(task.Migrate(ctx, db), quarantine.Migrate(ctx, db)); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(ctx, db, []byte("a key of at least sixteen octets"))
	if err != nil {
		t.Fatal(err)
	}
	return &house{db, log}
}

func (h *house) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := h.db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) check(t testing.TB) (s Sheet) {
	t.Helper()
	err := h.db.View(context.Background(), func(tx *store.Tx) (err error) {
		s, err = Check(tx, since())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// letter is a message as the gateway would leave it in the books.
type letter struct {
	id, tenant, kind string
	way              audit.Way
	received         time.Time
	to               []audit.Delivery // where each recipient stands
	silent           bool
	copied           bool // a copy is under way
	kept             bool // it has a row in custody
	intent           bool // it has an intent and no record
	evidence         bool // a copy is kept
}

// copyOf keeps a copy whose octets nobody looks at.
func (h *house) copyOf(tx *store.Tx, id, tenant string) error {
	return evidence.Add(tx, evidence.Copy{Message: id, Tenant: tenant, Kept: noon, Until: noon.Add(time.Hour)}, evidence.Stored{File: id})
}

func address(i int) mail.Address { return mail.Address(fmt.Sprintf("r%d@fabrikam.example", i)) }

func (h *house) write(tx *store.Tx, l letter) error {
	if l.received.IsZero() {
		l.received = noon.Add(-time.Hour)
	}
	if l.tenant == "" {
		l.tenant = "contoso"
	}
	if l.intent {
		return spool.PutIntent(tx, spool.Intent{ID: l.id, Tenant: l.tenant, Record: "{}", At: l.received})
	}
	m := audit.Message{ID: l.id, Tenant: l.tenant, Kind: l.kind, Way: l.way, Received: l.received, Subject: `a "verdict":`}
	if l.evidence {
		m.Evidence = noon.Add(time.Hour)
	}
	var e mail.Envelope
	for i, d := range l.to {
		m.Recipients = append(m.Recipients, audit.Recipient{Address: address(i), Verdict: "deliver", Delivery: d})
		e.To = append(e.To, mail.Recipient{Address: address(i)})
	}
	errs := []error{
		h.log.Add(tx, m, audit.Facts{}),
		h.log.Append(tx, audit.Event{Tenant: l.tenant, Message: l.id, Kind: "taken", Actor: "gateway", At: l.received}),
	}
	if l.evidence {
		errs = append(errs, h.copyOf(tx, l.id, l.tenant))
	}
	if l.kept {
		errs = append(errs, h.keep(tx, l, e))
	}
	return errors.Join(errs...)
}

// keep writes custody, tasks and outcomes.
func (h *house) keep(tx *store.Tx, l letter, e mail.Envelope) error {
	errs := []error{spool.Add(tx, spool.Message{
		ID: l.id, Tenant: l.tenant, Envelope: e, Received: l.received, Stored: spool.Stored{File: l.id, Size: 1},
	})}
	do := func(err error) { errs = append(errs, err) }
	put := func(i int, f task.Fate, told string) {
		_, err := task.Put(tx, task.Record{
			Message: l.id, Tenant: l.tenant, Recipient: address(i), Kind: task.Return, Fate: f, Told: told, At: l.received,
		})
		do(err)
	}
	add := func(id string, k task.Kind, to mail.Recipient) {
		do(task.Add(tx, task.Task{ID: id, Message: l.id, Tenant: l.tenant, Kind: k, Recipients: []mail.Recipient{to}}))
	}
	told := task.Silent
	held, open := 0, 0
	for i, d := range l.to {
		if (d == audit.Refused || d == audit.Failed) && !l.silent && told == task.Silent {
			told = "report-" + l.id
			add(told, task.Report, mail.Recipient{Address: "s@contoso.example"})
			open++
		}
		switch d {
		case audit.Delivered:
			put(i, task.Delivered, "")
		case audit.Refused:
			put(i, task.Refused, told)
		case audit.Failed:
			put(i, task.Bounced, told)
		case audit.Redirected:
			put(i, task.Redirected, "")
		case audit.Held:
			held++
			do(spool.AddPending(tx, spool.Pending{Message: l.id, Tenant: l.tenant, Recipient: e.To[i], Since: l.received}))
		case audit.Waiting:
			open++
			add(fmt.Sprintf("return-%s-%d", l.id, i), task.Return, e.To[i])
		}
	}
	if l.copied {
		open++
		add("copy-"+l.id, task.Copy, mail.Recipient{Address: "archive@contoso.example"})
	}
	events := []spool.Event{spool.Pass}
	switch {
	case held > 0:
		events = []spool.Event{spool.Hold}
	case open == 0:
		events = append(events, spool.Settle)
	}
	for _, x := range events {
		_, err := spool.Move(tx, l.id, x, l.received)
		do(err)
	}
	return errors.Join(errs...)
}

// cast is one message of every sort that adds up.
func cast() map[string]letter {
	old := since().Add(-time.Hour)
	type d = []audit.Delivery
	return map[string]letter{
		"handed back while the client waited":  {way: audit.CutThrough, to: d{audit.Delivered, audit.Delivered}},
		"handed back, and nobody knows":        {way: audit.CutThrough, to: d{audit.Unknown, audit.Unknown}},
		"being handed back":                    {intent: true},
		"refused by the next hop":              {way: audit.CutThrough, to: d{audit.Failed}},
		"put off by the next hop":              {way: audit.CutThrough, to: d{audit.Deferred}},
		"refused in the session":               {way: audit.Rejected, to: d{audit.Refused, audit.Refused}},
		"deferred in the session":              {way: audit.Rejected, to: d{audit.Deferred}},
		"of a stranger":                        {way: audit.Rejected, tenant: "-", to: d{audit.Refused}},
		"a copy that was watched":              {way: audit.Custody, kind: "copy", to: d{audit.Delivered}},
		"kept and delivered":                   {way: audit.Custody, kept: true, to: d{audit.Delivered, audit.Delivered}},
		"kept, delivered and a copy under way": {way: audit.Custody, kept: true, copied: true, to: d{audit.Delivered}},
		"kept and under way":                   {way: audit.Custody, kept: true, to: d{audit.Waiting, audit.Delivered}},
		"held":                                 {way: audit.Custody, kept: true, to: d{audit.Held, audit.Held}},
		"held for one, delivered to another":   {way: audit.Custody, kept: true, to: d{audit.Held, audit.Delivered}},
		"blocked, and a report under way":      {way: audit.Custody, kept: true, to: d{audit.Refused}},
		"failed for one of two":                {way: audit.Custody, kept: true, to: d{audit.Failed, audit.Delivered}},
		"blocked for a null sender":            {way: audit.Custody, kept: true, silent: true, to: d{audit.Refused}},
		"redirected":                           {way: audit.Custody, kept: true, copied: true, to: d{audit.Redirected}},
		"of another tenant":                    {way: audit.Custody, kept: true, tenant: "fabrikam", to: d{audit.Waiting}},
		"kept and over long ago":               {way: audit.Custody, received: old, to: d{audit.Delivered, audit.Failed, audit.Refused, audit.Redirected}},
	}
}

func (h *house) fill(t testing.TB, times int) {
	t.Helper()
	list := cast()
	names := make([]string, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	h.update(t, func(tx *store.Tx) error {
		for n := range times {
			for i, name := range names {
				l := list[name]
				l.id = fmt.Sprintf("m%04d%02d", n, i)
				if err := h.write(tx, l); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		return nil
	})
}

func TestEverythingThatCanHappenAddsUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.fill(t, 1)
		s := h.check(t)
		if !s.OK() {
			t.Errorf("%+v", s.Differences)
		}
		want := Sum{
			Sum: task.Sum{
				Messages: 12, In: 21, Delivered: 9, Refused: 3, Failed: 2, Redirected: 2, Open: 2, Held: 3, Reported: 4, Silent: 1,
			},
			CutThrough: 2, Unknown: 2, Leaving: 1, Watched: 1, Turned: 3, Deferred: 2,
		}
		if diff := cmp.Diff(want, s.Total); diff != "" {
			t.Error(diff)
		}
		var names []string
		for _, x := range s.Tenants {
			names = append(names, x.Tenant)
		}
		if !slices.Equal(names, []string{"-", "contoso", "fabrikam"}) {
			t.Errorf("tenants %q", names)
		}
		h.missed(t, 14)
	})
}

func TestWhatDoesNotAddUpIsNamed(t *testing.T) {
	type d = []audit.Delivery
	tests := []struct {
		name   string
		letter letter
		spoil  string // run after the message was written
		want   string
	}{
		{"custody without a record", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}},
			"DELETE FROM audit_message", "has no record, but 1 events"},
		{"neither record nor events", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}},
			"DELETE FROM audit_message; DELETE FROM audit_recipient; DELETE FROM audit_event; DELETE FROM audit_head",
			"is in custody, but has no record"},
		{"a record without an event", letter{way: audit.CutThrough, to: d{audit.Delivered}},
			"DELETE FROM audit_event; DELETE FROM audit_head", "has a record, but no event"},
		{"a recipient less in the list", letter{way: audit.CutThrough, to: d{audit.Delivered, audit.Delivered}},
			"DELETE FROM audit_recipient WHERE place = 1", "has 2 recipients in its record, and 1 in the list"},
		{"a message that is gone from custody", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}},
			"DELETE FROM message", "0 tasks and 1 outcomes, but is not in custody"},
		{"a message that is gone from custody with everything", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}},
			"DELETE FROM message; DELETE FROM outcome", "was taken into custody at 2026-11-23T11:00:00Z, and is not there"},
		{"a hold without its message", letter{way: audit.Custody, kept: true, to: d{audit.Held}},
			"DELETE FROM message", "has 1 recipients on hold, but is not in custody"},
		{"a hold in the lists for which nobody waits", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}},
			"INSERT INTO hold (message, recipient, tenant, due, next, ended, data, seal) VALUES ('m', 'x@y', 'contoso', 1, 0, 0, '{}', '')",
			"is held for x@y in the lists, and nobody waits there"},
		{"a held message without its hold", letter{way: audit.Custody, kept: true, to: d{audit.Held}},
			"DELETE FROM pending", "recipient 1 is lost"},
		{"a task that is gone", letter{way: audit.Custody, kept: true, to: d{audit.Waiting}}, "DELETE FROM task", "recipient 1 is lost"},
		{"a report that is gone", letter{way: audit.Custody, kept: true, to: d{audit.Refused}}, "DELETE FROM task", "its sender is not told"},
		{"a copy that is gone", letter{way: audit.Custody, kept: true, copied: true, to: d{audit.Delivered}},
			"DELETE FROM task", "is being sent, but there is no task"},
		{"an outcome that is gone", letter{way: audit.Custody, kept: true, to: d{audit.Delivered}}, "DELETE FROM outcome", "recipient 1 is lost"},
		{"an old message that never ended", letter{way: audit.Custody, received: noon.Add(-9 * 24 * time.Hour), to: d{audit.Waiting}},
			"", `1 recipients are "waiting" in its record, and it is not in custody`},
		{"handed back, but one waits", letter{way: audit.CutThrough, to: d{audit.Delivered, audit.Waiting}},
			"", `1 recipients are "waiting"`},
		{"refused, but one was delivered", letter{way: audit.Rejected, to: d{audit.Refused, audit.Delivered}}, "", `1 recipients are "delivered"`},
		{"the record says delivered, custody failed", letter{way: audit.Custody, kept: true, silent: true, to: d{audit.Delivered}},
			"UPDATE outcome SET state = 'failed', told = 'silent'", "has 1 recipients delivered in its record, and 0 in custody"},
		{"the record says cut-through", letter{way: audit.CutThrough, kept: true, to: d{audit.Delivered}}, "", "its record says cut-through"},
		{"an intent beside a record", letter{way: audit.CutThrough, to: d{audit.Delivered}},
			"INSERT INTO intent (id, tenant, record, at) VALUES ('m', 'contoso', '{}', 1)", "is still about to be handed back"},
		{"the last event of a chain is gone", letter{way: audit.CutThrough, to: d{audit.Delivered}},
			"DELETE FROM audit_event", "event 1 of the chain is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, storetest.SQLite(t))
			tt.letter.id = "m"
			h.update(t, func(tx *store.Tx) error { return h.write(tx, tt.letter) })
			h.update(t, func(tx *store.Tx) error {
				for statement := range strings.SplitSeq(tt.spoil, ";") {
					if strings.TrimSpace(statement) == "" {
						continue
					}
					if n, err := tx.Exec(statement); err != nil || n == 0 {
						return fmt.Errorf("%s: %d rows: %w", statement, n, err)
					}
				}
				return nil
			})
			s := h.check(t)
			found := slices.ContainsFunc(s.Differences, func(d Difference) bool { return strings.Contains(d.Why, tt.want) })
			if !found || s.OK() {
				t.Errorf("%q is not among %+v", tt.want, s.Differences)
			}
		})
	}
}

// errUndo undoes what a test has removed.
var errUndo = errors.New("undo")

// TestAHundredRemovedRecordsAreFound removes a row directly in the database,
// a hundred times, and wants its message named, and no other one.
func TestAHundredRemovedRecordsAreFound(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t))
	h.fill(t, 4)
	h.missed(t, 100)
	if s := h.check(t); !s.OK() {
		t.Errorf("afterwards: %+v", s.Differences)
	}
}

// missed removes one row after the other, each table in turn, and puts it
// back.
func (h *house) missed(t *testing.T, times int) {
	t.Helper()
	dice := rand.New(rand.NewPCG(3, 9))
	count := map[string]int{}
	for i := range times {
		x := tables()[i%len(tables())]
		message, s := h.without(t, x, dice)
		count[x.name]++
		if !slices.ContainsFunc(s.Differences, func(d Difference) bool { return d.Message == message }) {
			t.Errorf("a row of %s of message %s is gone, and was not missed: %+v", x.name, message, s.Differences)
		}
		for _, d := range s.Differences {
			if d.Message != message && d.Message != "" {
				t.Errorf("a row of %s of message %s is gone; message %s is named: %s", x.name, message, d.Message, d.Why)
			}
		}
	}
	t.Logf("removed and found: %v", count)
}

// table is one of the books; message is the column with the id of the
// message, key are those that name a row.
type table struct {
	name, message string
	key           []string
}

func tables() []table {
	return []table{
		{"message", "id", []string{"id"}},
		{"audit_recipient", "message", []string{"message", "place"}},
		{"task", "message", []string{"id"}},
		{"outcome", "message", []string{"message", "recipient"}},
		{"pending", "message", []string{"message", "recipient"}},
		{"audit_message", "id", []string{"id"}},
		{"audit_event", "message", []string{"tenant", "seq"}},
	}
}

// without is the balance without some row of a table, and whose row it was.
func (h *house) without(t *testing.T, x table, dice *rand.Rand) (message string, s Sheet) {
	t.Helper()
	err := h.db.Update(context.Background(), func(tx *store.Tx) error {
		keys, err := rowsOf(tx, x.name, append([]string{x.message}, x.key...))
		if err != nil {
			return err
		}
		row := keys[dice.IntN(len(keys))]
		message = row[0]
		where, args := "", []any{}
		for k, column := range x.key {
			where += " AND " + column + " = ?"
			args = append(args, row[1+k])
			if column == "seq" || column == "place" {
				if args[k], err = strconv.ParseInt(row[1+k], 10, 64); err != nil {
					return err
				}
			}
		}
		n, err := tx.Exec("DELETE FROM "+x.name+" WHERE "+where[len(" AND "):], args...)
		if err != nil || n != 1 {
			return fmt.Errorf("%s: %d rows removed: %w", x.name, n, err)
		}
		if s, err = Check(tx, since()); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	return message, s
}

func rowsOf(tx *store.Tx, table string, columns []string) (list [][]string, err error) {
	rows, err := tx.Query("SELECT " + strings.Join(columns, ", ") + " FROM " + table + " ORDER BY " + strings.Join(columns, ", "))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]string, len(columns))
		places := make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// TestMoreThanOnePageAddsUp crosses the borders of pages.
func TestMoreThanOnePageAddsUp(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t))
	h.fill(t, 60) // 1200 messages
	s := h.check(t)
	if !s.OK() || s.Total.Messages != 60*12 || s.Total.Leaving != 60 {
		t.Errorf("%+v %v", s.Total, s.Differences[:min(5, len(s.Differences))])
	}
}

// TestAMillionRecords says how long the balance of POSTERN_BALANCE_RECORDS
// messages (2,000) takes, and how much memory.
func TestAMillionRecords(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("POSTERN_BALANCE_RECORDS"))
	if err != nil {
		n = 2000
	}
	h := newHouse(t, storetest.SQLite(t))
	h.update(t, func(tx *store.Tx) error {
		return h.write(tx, letter{id: "a", way: audit.CutThrough, to: []audit.Delivery{audit.Delivered}})
	})
	// Copies of one that was handed back; every twentieth is in custody too.
	for _, statement := range []string{
		`INSERT INTO audit_message SELECT printf('m%09d', n), tenant, received, kind, direction, mode,
			CASE WHEN n % 20 = 0 THEN 'custody' ELSE way END, ref, detectors, erased, sender, header_from, subject, message_id,
			words, data || printf('%2000s', ''), facts_version, facts FROM numbers, audit_message`,
		`INSERT INTO audit_recipient SELECT printf('m%09d', n), place, address, verdict, delivery FROM numbers, audit_recipient`,
		`INSERT INTO audit_event SELECT tenant, n + 1, at, kind, actor, printf('m%09d', n), open_fields, commitment, prev, hash,
			salt, personal FROM numbers, audit_event`,
		`INSERT INTO message (id, tenant, state, received, changed, message_id, file, size, sha256, bytes_gone, envelope, rest)
			SELECT printf('m%09d', n), 'contoso', 'done', 1, 1, '', printf('f%09d', n), 1, '', 1,
			'{"to":[{"address":"r0@fabrikam.example"}]}', '{}' FROM numbers WHERE n % 20 = 0`,
		`INSERT INTO outcome SELECT printf('m%09d', n), 'r0@fabrikam.example', 'return', '', '', 'contoso', 'delivered', '{}', '', '', '', 1
			FROM numbers WHERE n % 20 = 0`,
	} {
		h.update(t, func(tx *store.Tx) error {
			_, err := tx.Exec(strings.Replace(statement, "SELECT",
				fmt.Sprintf("WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) SELECT", n-1), 1))
			return err
		})
	}
	h.update(t, func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE audit_head SET seq = ?", n)
		return err
	})
	start := time.Now()
	s := h.check(t)
	took := time.Since(start)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d messages in %s (%.0f a second); the Go heap has had %d MiB from the system", s.Total.Messages, took.Round(time.Millisecond),
		float64(s.Total.Messages)/took.Seconds(), m.HeapSys>>20)
	if !s.OK() || s.Total.Messages != n {
		t.Errorf("%+v", s.Total)
	}
}

func TestCopiesThatAreKeptAreHeldAgainstTheRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		h.update(t, func(tx *store.Tx) error {
			return errors.Join(
				h.write(tx, letter{id: "a", way: audit.CutThrough, to: []audit.Delivery{audit.Delivered}, evidence: true}),
				h.write(tx, letter{id: "b", way: audit.CutThrough, to: []audit.Delivery{audit.Delivered}, evidence: true}),
				h.write(tx, letter{id: "c", way: audit.CutThrough, to: []audit.Delivery{audit.Delivered}}))
		})
		h.update(t, func(tx *store.Tx) error { _, err := evidence.GiveUp(tx, "b", noon); return err })
		if s := h.check(t); !s.OK() || s.Total.Evidence != 1 || s.Total.EvidenceOver != 1 {
			t.Errorf("%+v", s)
		}
		h.update(t, func(tx *store.Tx) error {
			_, err := tx.Exec("DELETE FROM evidence WHERE message = 'a'")
			return errors.Join(err, h.copyOf(tx, "c", "contoso"), h.copyOf(tx, "z", "contoso"))
		})
		s := h.check(t)
		if s.Count != 3 || !strings.Contains(fmt.Sprint(s.Differences), "should be kept as evidence") {
			t.Errorf("%+v", s)
		}
	})
}
