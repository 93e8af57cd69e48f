package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/vault"
)

// nothing looks and sees nothing.
type nothing struct{}

func (nothing) Look(context.Context, *mail.Message, look.Options) detect.Report {
	return detect.Report{}
}

// script is a next hop that answers what a test says. What stands in the
// store at each of its moments is what a crash there would leave.
type script struct {
	rcpts []mail.Reply
	dot   mail.Reply
	world *world

	// relayed are recipients for whom the next hop reports no success.
	relayed []mail.Address

	atRcpt, atDot string
	sent, reset   bool
	taken         []string // what was offered, in order
}

func (s *script) Open(_ context.Context, _ mail.Route, _ mail.Envelope, o *mail.Outgoing) (Transaction, error) {
	s.atRcpt = s.world.state()
	text, err := io.ReadAll(o.Reader())
	s.taken = append(s.taken, string(text))
	return s, err
}
func (s *script) Rcpts() []mail.Reply { return s.rcpts }
func (s *script) Send(context.Context) mail.Reply {
	s.atDot, s.sent = s.world.state(), true
	return s.dot
}
func (s *script) Reset()                  { s.reset = true }
func (s *script) Host() string            { return "mx.example" }
func (s *script) Relayed() []mail.Address { return s.relayed }
func (s *script) Modified() []string      { return nil }

func (s *script) Judge(r mail.Reply, _ bool) task.Outcome {
	switch {
	case r.Ok():
		return task.Done{Reply: r}
	case r.Enhanced == "5.7.64":
		return task.Stuck{Problem: problem.RelayDenied, Reply: r}
	case r.Permanent():
		return task.Failed{Reply: r}
	}
	return task.Later{Reply: r}
}

// world is a gateway without doors.
type world struct {
	t  *testing.T
	g  *Gateway
	id string
}

func newWorld(t *testing.T, s *script) *world {
	t.Helper()
	dir, err := durable.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return newWorldIn(t, s, dir)
}

func newWorldIn(t *testing.T, s *script, dir *durable.Dir) *world {
	keys, err := vault.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, s, dir, storetest.SQLite(t), keys)
}

func newWorldOn(t *testing.T, s *script, dir *durable.Dir, db *store.DB, keys *vault.Keys) *world {
	t.Helper()
	ctx := t.Context()
	if err := errors.Join(task.Migrate(ctx, db), quarantine.Migrate(ctx, db), post.Migrate(ctx, db)); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(ctx, db, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	sp, err := spool.Open(dir, db, vault.NewRing(keys, nil), telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	docs, bad := settings.Split("contoso.yaml", []byte(`kind: tenant
id: contoso
domains: [contoso.example, contoso.onmicrosoft.com]
secret: [demo-secret-8d1f0c5e7a3b]
mark: [demo-mark-51c2e9b04f6d]
peers: { exchange: { networks: [127.0.0.0/8] } }
`))
	r := tenant.NewRegistry(tenant.NewPublished())
	snapshot, wrong := r.Load(docs)
	if len(bad)+len(wrong) > 0 {
		t.Fatal(bad, wrong)
	}
	r.Use(snapshot)
	w := &world{t: t}
	w.g = New(Config{Hostname: "gw.postern.example", Tenants: r, Look: nothing{}, Door: s, DB: db, Spool: sp, Audit: log})
	s.world = w
	return w
}

// state is what the store holds of the message now.
func (w *world) state() string {
	var words []string
	err := w.g.DB.View(context.Background(), func(tx *store.Tx) error {
		open, err := spool.OpenIntents(tx, time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		if len(open) > 0 {
			words = append(words, "intent")
		}
		if row, err := spool.Get(tx, w.id); err == nil {
			words = append(words, string(row.State))
		}
		tasks, err := task.List(tx, task.Filter{Message: w.id})
		if len(tasks) > 0 {
			words = append(words, fmt.Sprintf("%d tasks", len(tasks)))
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

func (w *world) arrive() *mail.Arrival {
	w.id = store.NewID(time.Now())
	body := "X-OriginatorOrg: contoso.example\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\n" +
		"X-Postern-Tenant: contoso;demo-secret-8d1f0c5e7a3b;out;inline\r\n" +
		"From: ann@contoso.example\r\nMessage-ID: <a@contoso.example>\r\n\r\nhello\r\n"
	return &mail.Arrival{
		Trace: w.id, Peer: mail.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:40000")}, Body: mail.Bytes(body),
		Envelope: mail.Envelope{From: "ann@contoso.example", To: recipientsOf(2)}, Began: time.Now(), Ended: time.Now(),
	}
}

// The order of a cut-through, every pair: what the client is told, what a
// crash at each moment would leave, what is in custody, what the record says.
func TestEveryPairOfAnswers(t *testing.T) {
	ok, late := mail.NewReply(250, "2.1.5", "ok"), mail.NewReply(451, "4.3.2", "busy")
	no, denied := mail.NewReply(550, "5.1.1", "no such user"), mail.NewReply(550, "5.7.64", "TenantAttribution")
	const custody1, custody2 = "sending, 1 tasks", "sending, 2 tasks"
	tests := []struct {
		name     string
		rcpts    []mail.Reply
		dot      mail.Reply
		told     int
		atDot    string // "" = no dot is sent
		left     string
		delivery audit.Delivery
	}{
		{"all taken, taken", []mail.Reply{ok, ok}, mail.NewReply(250, "2.6.0", "queued"), 250, "intent", "nothing", audit.Delivered},
		{"all taken, put off", []mail.Reply{ok, ok}, late, 451, "intent", "nothing", audit.Deferred},
		{"all taken, refused", []mail.Reply{ok, ok}, mail.NewReply(554, "5.6.0", "no"), 554, "intent", "nothing", audit.Failed},
		{"all taken, a connector is wrong", []mail.Reply{ok, ok}, denied, 250, "intent", custody1, audit.Waiting},
		{"all taken, no answer", []mail.Reply{ok, ok}, mail.Reply{}, 451, "intent", "nothing", audit.Unknown},
		{"all put off alike", []mail.Reply{late, late}, mail.Reply{}, 451, "", "nothing", audit.Deferred},
		{"all refused alike", []mail.Reply{no, no}, mail.Reply{}, 550, "", "nothing", audit.Failed},
		{"all stuck", []mail.Reply{denied, denied}, mail.Reply{}, 250, "", custody1, audit.Waiting},
		{"one refused", []mail.Reply{ok, no}, mail.Reply{}, 250, "", custody2, audit.Waiting},
		{"one put off", []mail.Reply{ok, late}, mail.Reply{}, 250, "", custody2, audit.Waiting},
		{"refused differently", []mail.Reply{no, late}, mail.Reply{}, 250, "", custody2, audit.Waiting},
		{"one stuck", []mail.Reply{ok, denied}, mail.Reply{}, 250, "", custody2, audit.Waiting},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &script{rcpts: test.rcpts, dot: test.dot}
			w := newWorld(t, s)
			a := w.arrive()
			got := w.g.Accept(t.Context(), a)
			w.g.Wait()
			if got.Code != test.told {
				t.Errorf("the client is told %s", got)
			}
			if s.atRcpt != "nothing" {
				t.Errorf("a crash at RCPT leaves %s", s.atRcpt)
			}
			if s.atDot != test.atDot || s.sent != (test.atDot != "") || s.sent == s.reset {
				t.Errorf("a crash at the dot leaves %q; sent %v, reset %v", s.atDot, s.sent, s.reset)
			}
			if left := w.state(); left != test.left {
				t.Errorf("in the store is %s, want %s", left, test.left)
			}
			list, err := w.g.Audit.Search(t.Context(), audit.Query{})
			if err != nil || len(list) != 1 || list[0].Recipients[0].Delivery != test.delivery {
				t.Errorf("the record says %+v %v", list, err)
			}
			w.g.Settled(a)
			w.g.Wait()
		})
	}
}

// RFC 3461 §5.2.2: the next hop gives no reports, so we say that we relayed.
func TestASuccessThatTheNextHopDoesNotReportIsReportedAsRelayed(t *testing.T) {
	ok := mail.NewReply(250, "2.0.0", "ok")
	s := &script{rcpts: []mail.Reply{ok}, dot: ok, relayed: []mail.Address{"bob@fabrikam.example"}}
	w := newWorld(t, s)
	a := w.arrive()
	a.Envelope.To = []mail.Recipient{{Address: "bob@fabrikam.example", Notify: mail.NotifySuccess}}
	if got := w.g.Accept(t.Context(), a); got.Code != 250 || s.sent {
		t.Fatalf("%s, sent %v: a report needs custody", got, s.sent)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	runner := task.NewRunner(task.Config{DB: w.g.DB, Alone: true, Poll: 10 * time.Millisecond, Door: w.g.Do, Settle: w.g.Settle})
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	for w.state() != string(spool.Done) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-ended
	w.g.Wait()
	report := s.taken[len(s.taken)-1]
	for _, want := range []string{"Action: relayed", "rfc822; bob@fabrikam.example", "To: <ann@contoso.example>"} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is missing in\n%s", want, report)
		}
	}
	sum, lines := task.Sum{}, []string{}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		sum, lines, err = task.Balance(tx, Ledger)
		return err
	})
	if err != nil || len(lines) > 0 || sum.Delivered != 1 {
		t.Error(sum, lines, err)
	}
}
