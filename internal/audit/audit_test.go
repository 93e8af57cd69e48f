package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func headKey(s string) []byte { return []byte(strings.Repeat(s, 32)) }

func newLog(t *testing.T, db *store.DB) *Log {
	t.Helper()
	l, err := Open(context.Background(), db, headKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func appendEvents(t *testing.T, db *store.DB, l *Log, tenant string, n int) {
	t.Helper()
	for i := range n {
		update(t, db, func(tx *store.Tx) error {
			return l.Append(tx, Event{
				Tenant: tenant, Message: fmt.Sprintf("m%d", i%3), Kind: "decided", Actor: "gateway",
				At:       start.Add(time.Duration(i) * time.Second),
				Public:   json.RawMessage(fmt.Sprintf(`{"z":1, "n": %d, "big": 12345678901234567890}`, i)),
				Personal: json.RawMessage(fmt.Sprintf(`{"to":"user%d@contoso.example","html":"<b>&"}`, i)),
			})
		})
	}
}

func verify(t *testing.T, l *Log, tenant string) Result {
	t.Helper()
	r, err := l.Verify(context.Background(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAChainThatNobodyTouchedHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLog(t, db)
		appendEvents(t, db, l, "contoso", 7)
		appendEvents(t, db, l, "fabrikam", 2)
		if r := verify(t, l, "contoso"); !r.Ok() || r.Events != 7 || r.Erased != 0 {
			t.Errorf("contoso: %+v", r)
		}
		if r := verify(t, l, "fabrikam"); !r.Ok() || r.Events != 2 {
			t.Errorf("fabrikam: %+v", r)
		}
		if r := verify(t, l, "nobody"); !r.Ok() || r.Events != 0 {
			t.Errorf("nobody: %+v", r)
		}
		tenants, err := l.Tenants(context.Background())
		if diff := cmp.Diff([]string{"contoso", "fabrikam"}, tenants); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestTampering(t *testing.T) {
	tests := []struct {
		name   string
		sql    []string
		code   problem.Code
		broken int64
	}{
		{"a changed public field is found at its event", []string{
			"UPDATE audit_event SET open_fields = '{}' WHERE seq = 4"}, problem.ChainBroken, 4},
		{"a changed time is found", []string{"UPDATE audit_event SET at = at + 1 WHERE seq = 2"}, problem.ChainBroken, 2},
		{"a changed actor is found", []string{"UPDATE audit_event SET actor = 'boss' WHERE seq = 5"}, problem.ChainBroken, 5},
		{"a changed kind is found", []string{"UPDATE audit_event SET kind = 'x' WHERE seq = 1"}, problem.ChainBroken, 1},
		{"nonsense in the public fields is found", []string{
			"UPDATE audit_event SET open_fields = '{' WHERE seq = 3"}, problem.ChainBroken, 3},
		{"nonsense in a hash is found", []string{"UPDATE audit_event SET hash = 'zz' WHERE seq = 3"}, problem.ChainBroken, 3},
		{"a removed event is named", []string{"DELETE FROM audit_event WHERE seq = 3"}, problem.ChainBroken, 3},
		{"a removed first event is named", []string{"DELETE FROM audit_event WHERE seq = 1"}, problem.ChainBroken, 1},
		{"an event that became another's is found", []string{
			"UPDATE audit_event SET message = 'm9' WHERE seq = 3"}, problem.ChainBroken, 3},
		{"a cut-off end is found by the head", []string{"DELETE FROM audit_event WHERE seq >= 6"}, problem.ChainCut, 6},
		{"a cut-off end with a corrected head is found by the key", []string{
			"DELETE FROM audit_event WHERE seq >= 6",
			"UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit_event WHERE seq = 5)",
		}, problem.HeadWrong, 0},
		{"a removed chain is found as long as its head is there", []string{
			"DELETE FROM audit_event"}, problem.ChainCut, 1},
		{"a removed head is found", []string{"DELETE FROM audit_head"}, problem.HeadWrong, 0},
		{"an event put behind the head is found", []string{
			`INSERT INTO audit_event
				(tenant, seq, at, kind, actor, message, open_fields, commitment, prev, hash, salt, personal)
				SELECT tenant, 8, at, kind, actor, message, open_fields, commitment, hash, hash, salt, personal
				FROM audit_event WHERE seq = 7`,
		}, problem.ChainBroken, 8},
		{"a changed personal field is found", []string{
			`UPDATE audit_event SET personal = '{"to":"eve"}' WHERE seq = 2`}, problem.PersonalWrong, 0},
		{"a personal field that was deleted by hand is found", []string{
			"UPDATE audit_event SET salt = '', personal = '' WHERE seq = 2"}, problem.PersonalLost, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := storetest.SQLite(t)
			l := newLog(t, db)
			appendEvents(t, db, l, "contoso", 7)
			update(t, db, func(tx *store.Tx) error {
				for _, s := range tt.sql {
					if _, err := tx.Exec(s); err != nil {
						return err
					}
				}
				return nil
			})
			r := verify(t, l, "contoso")
			if r.Problem != tt.code || r.Broken != tt.broken || r.Why == "" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestErasingLeavesAGapThatIsAccountedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLog(t, db)
		appendEvents(t, db, l, "contoso", 7)
		update(t, db, func(tx *store.Tx) error {
			m := sample("m1", "contoso")
			if err := l.Save(tx, m); err != nil {
				return err
			}
			return l.SaveFacts(tx, "m1", Facts{Schema: 3, Data: json.RawMessage(`{"from":"ann@contoso.example"}`)})
		})
		update(t, db, func(tx *store.Tx) error {
			n, err := l.Erase(tx, "contoso", "m1", "admin", "retention", start.Add(time.Hour))
			if err == nil && n != 2 {
				t.Errorf("%d events erased, want 2", n)
			}
			return err
		})
		if r := verify(t, l, "contoso"); !r.Ok() || r.Events != 8 || r.Erased != 2 {
			t.Errorf("%+v", r)
		}
		// Nothing personal is left in any table, also after a later change.
		update(t, db, func(tx *store.Tx) error {
			return l.Change(tx, "m1", func(m *Message) {
				m.Recipients[0].Delivery = Delivered
				m.Subject = "came back"
			})
		})
		var dump string
		err := db.View(context.Background(), func(tx *store.Tx) error {
			for _, q := range []string{
				"SELECT data || words || sender || header_from || subject || message_id || facts FROM audit_message WHERE id = 'm1'",
				"SELECT address FROM audit_recipient WHERE message = 'm1'",
				"SELECT salt || personal FROM audit_event WHERE message = 'm1'", "SELECT open_fields FROM audit_event",
			} {
				list, err := column[string](tx, q)
				if err != nil {
					return err
				}
				dump += strings.Join(list, "\n")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{"ann@", "bob@", "Quarter", "plan.docx", "4012", "<id@", "came back", "unknown user"} {
			if strings.Contains(dump, canary) {
				t.Errorf("%q survived the erasure", canary)
			}
		}
		got, err := l.Search(context.Background(), Query{Terms: []Term{{"id", "m1"}, {"delivery", "delivered"}}})
		if err != nil || len(got) != 1 || !got[0].Erased || got[0].Recipients[0].Verdict != "block" {
			t.Errorf("%v %+v", err, got)
		}
	})
}

func TestRotatedHeadKeys(t *testing.T) {
	db := storetest.SQLite(t)
	appendEvents(t, db, newLog(t, db), "contoso", 3)
	rotated, err := Open(context.Background(), db, headKey("n"), headKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	if r := verify(t, rotated, "contoso"); !r.Ok() {
		t.Errorf("the former key is not accepted: %+v", r)
	}
	appendEvents(t, db, rotated, "contoso", 1)
	foreign, err := Open(context.Background(), db, headKey("x"))
	if err != nil {
		t.Fatal(err)
	}
	if r := verify(t, foreign, "contoso"); r.Problem != problem.HeadWrong {
		t.Errorf("a foreign key is accepted: %+v", r)
	}
	if _, err := Open(context.Background(), db); !errors.Is(err, ErrKey) {
		t.Error("no key at all is accepted")
	}
	if _, err := Open(context.Background(), db, []byte("short")); !errors.Is(err, ErrKey) {
		t.Error("a short key is accepted")
	}
}

func TestAnUndoneEventLeavesNoTrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLog(t, db)
		done := make(chan error, 20)
		for i := range 20 { // in groups with members that fail
			go func() {
				done <- db.Update(context.Background(), func(tx *store.Tx) error {
					err := l.Append(tx, Event{Tenant: "t", Kind: "k", At: start, Public: json.RawMessage(`{}`)})
					if err == nil && i%2 == 1 {
						err = errors.New("undone")
					}
					return err
				})
			}()
		}
		for range 20 {
			<-done
		}
		if r := verify(t, l, "t"); !r.Ok() || r.Events != 10 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTwoNodesWriteOneChain(t *testing.T) {
	url := storetest.PostgresURL(t)
	var logs [2]*Log
	var dbs [2]*store.DB
	for i := range logs {
		db, err := store.Open(context.Background(), store.Config{URL: url, Unsafe: true, Patience: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		dbs[i], logs[i] = db, newLog(t, db)
	}
	done := make(chan error, 40)
	for i := range 40 {
		go func() {
			done <- dbs[i%2].Update(context.Background(), func(tx *store.Tx) error {
				return logs[i%2].Append(tx, Event{Tenant: "t", Kind: "k", At: start})
			})
		}()
	}
	for range 40 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if r := verify(t, logs[0], "t"); !r.Ok() || r.Events != 40 {
		t.Errorf("%+v", r)
	}
}

// The export is verified by its description alone, as an auditor would.
func TestAnExportedChainCanBeVerifiedWithoutUs(t *testing.T) {
	db := storetest.SQLite(t)
	l := newLog(t, db)
	appendEvents(t, db, l, "contoso", 4)
	var out bytes.Buffer
	if err := l.ExportEvents(context.Background(), &out, "contoso"); err != nil {
		t.Fatal(err)
	}
	prev := make([]byte, 32)
	lines := 0
	for s := bufio.NewScanner(&out); s.Scan(); lines++ {
		var e struct {
			Tenant                 string
			Seq, At                int64
			Kind, Actor, Message   string
			Public                 json.RawMessage
			Commitment, Salt, Hash string
			Personal               string
		}
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"tenant":%q,"seq":%d,"at":%d,"kind":%q,"actor":%q,"message":%q,"public":%s}`,
			e.Tenant, e.Seq, e.At, e.Kind, e.Actor, e.Message, e.Public)
		salt, _ := hex.DecodeString(e.Salt)
		commitment := sha256.Sum256(append(salt, e.Personal...))
		if hex.EncodeToString(commitment[:]) != e.Commitment {
			t.Errorf("event %d: commitment", e.Seq)
		}
		h := sha256.New()
		h.Write(prev)
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
		h.Write(commitment[:])
		prev = h.Sum(nil)
		if hex.EncodeToString(prev) != e.Hash {
			t.Errorf("event %d: hash of %s", e.Seq, text)
		}
	}
	if lines != 4 {
		t.Errorf("%d lines", lines)
	}
}

func sample(id, tenant string) Message {
	return Message{
		ID: id, Tenant: tenant, Ref: "K7TQ-M2XD", Kind: "inline-out", Direction: mail.Out, Mode: "inline", Way: Custody,
		From: "ann@contoso.example", HeaderFrom: "Ann <ann@contoso.example>", Subject: "Quarter numbers 100%_done",
		MessageID: "<id@contoso.example>", Received: start, Size: 4711, Policy: "v1", Inspected: "partial",
		Steps: []Step{{Name: "received", At: start}},
		Recipients: []Recipient{{
			Address: "bob@fabrikam.example", Verdict: "block", Rules: []string{"cards-leave"},
			Because: "3 card numbers (high) in plan.docx go outside", Delivery: Refused,
			Reply: mail.NewReply(550, "5.1.1", "unknown user bob@fabrikam.example"),
		}, {
			Address: "Carol@contoso.example", Verdict: "deliver", Delivery: Waiting,
		}},
		Parts: []Part{{Path: "1.2", Name: "plan.docx", Type: "text/csv", Size: 12, Attachment: true}},
		Findings: []detect.Finding{{
			Type: "CREDIT_CARD", Detector: "credit-card", Part: "1.2", Name: "plan.docx", Count: 3,
			Confidence: detect.High, Sample: "4012 •••• •••• 1881",
		}},
		Unseen: []mail.Unseen{{Part: "1.3", Name: "plan.docx", Reason: mail.Encrypted}},
		Forged: []string{"X-Postern-Checked"},
	}
}

func TestARecordComesBackAsItWasSaved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLog(t, db)
		m := sample("m1", "contoso")
		update(t, db, func(tx *store.Tx) error { return l.Save(tx, m) })
		m.Did("decided", "policy v1", start.Add(time.Second))
		update(t, db, func(tx *store.Tx) error {
			return l.Change(tx, "m1", func(m *Message) { m.Did("decided", "policy v1", start.Add(time.Second)) })
		})
		var got Message
		err := db.View(context.Background(), func(tx *store.Tx) (err error) {
			got, err = l.Get(tx, "m1")
			return err
		})
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		err = db.View(context.Background(), func(tx *store.Tx) error {
			_, err := l.Get(tx, "m2")
			return err
		})
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestFactsHaveARetentionOfTheirOwn(t *testing.T) {
	db := storetest.SQLite(t)
	l := newLog(t, db)
	update(t, db, func(tx *store.Tx) error {
		for i := range 5 {
			at := start.Add(time.Duration(i) * time.Hour)
			m := Message{ID: fmt.Sprintf("m%d", i), Tenant: "contoso", Received: at}
			err := l.Add(tx, m, Facts{Schema: 2, Data: json.RawMessage(`{"a":1}`)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	update(t, db, func(tx *store.Tx) error {
		n, err := l.ForgetFacts(tx, start.Add(2*time.Hour))
		if n != 2 {
			t.Errorf("%d forgotten, want 2", n)
		}
		return err
	})
	update(t, db, func(tx *store.Tx) error {
		list, err := l.FactsKept(tx, Kept{Tenant: "contoso", Since: start.Add(3 * time.Hour), Limit: 10})
		if err != nil || len(list) != 2 || list[0].Schema != 2 || string(list[0].Data) != `{"a":1}` {
			t.Errorf("%v %+v", err, list)
		}
		_, err = l.Facts(tx, "m0")
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("forgotten facts: %v", err)
		}
		f, err := l.Facts(tx, "m3")
		if f.Message != "m3" {
			t.Errorf("%+v", f)
		}
		return err
	})
}

func TestNewReference(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		ref := NewReference()
		if len(ref) != 9 || ref[4] != '-' || strings.ContainsAny(ref, "IO01l") || seen[ref] {
			t.Fatalf("reference %q", ref)
		}
		seen[ref] = true
	}
}

// The end of a chain is written once for a group: an event of a member that
// fails must leave no trace in it.
func TestAFailedMemberOfAGroupLeavesTheChainWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l, err := Open(t.Context(), db, []byte("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 40 {
			all.Go(func() {
				_ = db.Update(t.Context(), func(tx *store.Tx) error {
					for range 1 + n%3 {
						e := Event{Tenant: fmt.Sprint("t", n%2), Kind: "x", Public: []byte("{}"), Personal: []byte("{}"), At: time.Now()}
						if err := l.Append(tx, e); err != nil {
							t.Error(err)
						}
					}
					if n%5 == 0 {
						return errors.New("undone")
					}
					return nil
				})
			})
		}
		all.Wait()
		var events int64
		for _, tenant := range []string{"t0", "t1"} {
			r, err := l.Verify(t.Context(), tenant)
			if err != nil || !r.Ok() {
				t.Errorf("%+v %v", r, err)
			}
			events += r.Events
		}
		if events != 63 {
			t.Errorf("%d events", events)
		}
	})
}
