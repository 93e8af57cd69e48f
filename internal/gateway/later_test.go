package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// said is a log that tests read.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestOneBadRecordCostsNoOther(t *testing.T) {
	w := newWorld(t, &script{})
	log := new(said)
	w.g.Log = slog.New(slog.NewTextHandler(log, nil))
	tries := map[string]int{}
	put := func(id string) record {
		return record{id, func(tx *store.Tx) error {
			tries[id]++ // on the writer, one at a time
			return spool.PutIntent(tx, spool.Intent{ID: id, Tenant: "contoso", At: time.Now(), Record: "{}"})
		}}
	}
	bad := record{"the bad one", func(tx *store.Tx) error {
		if err := spool.PutIntent(tx, spool.Intent{ID: "bad", Tenant: "contoso", At: time.Now(), Record: "{}"}); err != nil {
			return err
		}
		return errors.New("it cannot be written")
	}}
	w.g.writeGroup([]record{put("a"), put("b"), bad, put("c")})
	var kept []string
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		list, err := spool.OpenIntents(tx, time.Time{})
		for _, i := range list {
			kept = append(kept, i.ID)
		}
		return err
	})
	if err != nil || strings.Join(kept, " ") != "a b c" {
		t.Errorf("written: %v %v", kept, err)
	}
	if tries["a"] != 2 || tries["c"] != 1 {
		t.Errorf("the group was tried together and then one by one: %v", tries)
	}
	if text := log.String(); strings.Count(text, string(problem.LateWrite)) != 1 || !strings.Contains(text, "the bad one") {
		t.Errorf("the operator was told: %s", text)
	}
}

// A store that is slower than mail must slow mail down before memory is full
// of what waits to be written.
func TestAFullQueueOfRecordsMakesTheNextOneWait(t *testing.T) {
	w := newWorld(t, &script{})
	slow := make(chan struct{})
	release := sync.OnceFunc(func() { close(slow) })
	defer release()
	begun := make(chan struct{})
	var written atomic.Int64
	count := func(tx *store.Tx) error {
		tx.OnCommit(func() { written.Add(1) })
		return nil
	}
	w.g.write("the slow one", func(tx *store.Tx) error {
		close(begun)
		<-slow
		return count(tx)
	})
	<-begun
	for range maxRecords {
		w.g.write("one that waits", count)
	}
	const late = 20
	var all sync.WaitGroup
	var through atomic.Int64
	for range late {
		all.Go(func() {
			w.g.write("one too many", count)
			through.Add(1)
		})
	}
	r := &w.g.records
	full := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.waiting) > maxRecords {
			t.Fatalf("%d records wait", len(r.waiting))
		}
		return r.room != nil
	}
	for until := time.Now().Add(time.Minute); !full(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nobody waits for room")
		}
	}
	if n := through.Load(); n != 0 {
		t.Errorf("%d went through a full queue", n)
	}
	release()
	all.Wait()
	w.g.Wait()
	if n := written.Load(); n != 1+maxRecords+late {
		t.Errorf("%d records were written", n)
	}
}

// overtaken is a next hop during whose last answer somebody else decides that
// this process has died, and settles its intent.
type overtaken struct {
	*script
	meanwhile func()
}

func (o *overtaken) Open(ctx context.Context, r mail.Route, e mail.Envelope, out *mail.Outgoing) (Transaction, error) {
	_, err := o.script.Open(ctx, r, e, out)
	return o, err
}

func (o *overtaken) Send(ctx context.Context) mail.Reply {
	reply := o.script.Send(ctx)
	o.meanwhile()
	return reply
}

// The record of a message whose intent another node has settled meanwhile is
// corrected by the outcome that comes late, and stays one record.
func TestAnOutcomeThatComesAfterTheRecoveryCorrectsTheRecord(t *testing.T) {
	ok := mail.NewReply(250, "2.1.5", "ok")
	for _, test := range []struct {
		name string
		dot  mail.Reply
		want audit.Delivery
		left string
	}{
		{"it was taken", mail.NewReply(250, "2.6.0", "queued"), audit.Delivered, "nothing"},
		{"it was refused", mail.NewReply(554, "5.6.0", "no"), audit.Failed, "nothing"},
		{"there was no answer", mail.Reply{}, audit.Unknown, "nothing"},
		{"it goes into custody", mail.NewReply(550, "5.7.64", "TenantAttribution"), audit.Waiting, "sending, 1 tasks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{rcpts: []mail.Reply{ok, ok}, dot: test.dot}
			w := newWorld(t, s)
			w.g.Door = &overtaken{s, func() {
				err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
					open, err := spool.OpenIntents(tx, time.Time{})
					if err != nil || len(open) != 1 {
						return fmt.Errorf("open intents: %v %w", open, err)
					}
					return w.g.Recover(tx, open[0], time.Now())
				})
				if err != nil {
					t.Error(err)
				}
				list, err := w.g.Audit.Search(t.Context(), audit.Query{})
				if err != nil || len(list) != 1 || list[0].Recipients[0].Delivery != audit.Unknown {
					t.Errorf("after the recovery: %+v %v", list, err)
				}
			}}
			w.g.Accept(t.Context(), w.arrive())
			w.g.Wait()
			list, err := w.g.Audit.Search(t.Context(), audit.Query{})
			if err != nil || len(list) != 1 || len(list[0].Recipients) != 2 || list[0].Recipients[1].Delivery != test.want {
				t.Errorf("in the end: %+v %v", list, err)
			}
			if left := w.state(); left != test.left {
				t.Errorf("in the store is %s", left)
			}
			if chain, err := w.g.Audit.Verify(t.Context(), "contoso"); err != nil || chain.Problem != "" || chain.Events != 2 {
				t.Errorf("the chain: %+v %v", chain, err)
			}
		})
	}
}

// A message that passed without an intent, because the store was full and the
// tenant wants it so, has its facts in the record all the same when there is
// room for the outcome.
func TestAnOutcomeWithoutAnIntentIsAWholeRecord(t *testing.T) {
	w := newWorld(t, &script{})
	id := store.NewID(time.Now())
	tr := &trail{
		g: w.g, trace: id, tenant: "contoso", event: "delivered", m: audit.Message{ID: id, Tenant: "contoso"},
		facts: audit.Facts{Schema: 1, Data: json.RawMessage(`{"direction":"outbound"}`)},
	}
	if err := w.g.DB.Update(t.Context(), tr.settle); err != nil {
		t.Fatal(err)
	}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		f, err := w.g.Audit.Facts(tx, id)
		if err == nil && !strings.Contains(string(f.Data), "outbound") {
			return fmt.Errorf("the facts are %s", f.Data)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The chain hashes what a link says as it is written, unsorted: names must
// come out sorted, whatever is empty, and no name twice.
func TestALinkOfTheChainIsCanonicalAsItIsWritten(t *testing.T) {
	full := audit.Message{
		ID: "m", Tenant: "contoso", From: "ann\xff@contoso.example", Subject: "a <b> & \u2028 \xff", MessageID: "<x\xff\x00@y>",
		Direction: "outbound", Forged: []string{"X-Postern-Checked", "A"}, Inspected: "full", Kind: "return", Policy: "7",
		Problem: "P301", Ref: "r", Size: 1<<53 + 1, Way: audit.Custody,
		Recipients: []audit.Recipient{
			{Address: "bob@fabrikam.example", Reply: mail.NewReply(250, "2.0.0", "ok\xfe"), Delivery: audit.Delivered, Verdict: "deliver"},
			{Address: "eve\xff@partner.example"},
		},
	}
	for name, m := range map[string]audit.Message{"everything": full, "nothing": {}} {
		tr := &trail{m: m, event: "decided"}
		e := tr.link(time.Now())
		if !e.Sorted {
			t.Error("the link does not say that it is sorted")
		}
		for _, text := range []json.RawMessage{e.Public, e.Personal} {
			dec := json.NewDecoder(strings.NewReader(string(text)))
			dec.UseNumber()
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(v)
			if err != nil || string(again) != string(text) {
				t.Errorf("%s:\n%s\nis not canonical:\n%s %v", name, text, again, err)
			}
		}
	}
}
