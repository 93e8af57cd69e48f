package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
)

// stage is where a story is played.
type stage struct {
	t     *testing.T
	ctx   context.Context
	place string
	files map[string][]byte

	plan     app.Plan
	edits    []func(*mailflow.Setup)
	switches fakeexchange.Switches
	zone     []func(dns.Static)
	keys     dns.Static // of those who seal
	house    *app.House
	eye      *eye
	faults   durable.Faults
	log      lockedBuffer

	last    string   // the last message that was handed in, in Exchange's log
	sent    int      // how long Exchange's log was before it
	direct  []string // answers to a client that Exchange is not
	whole   []byte   // the tenant's file as it was before it was switched off
	subject string   // chooses the record that is looked at; "" is the newest
}

func newStage(t *testing.T, a *txtar.Archive) *stage {
	s := &stage{t: t, ctx: t.Context(), files: map[string][]byte{}, switches: fakeexchange.DefaultSwitches(), eye: &eye{}}
	for _, f := range a.Files {
		data, err := octets(f.Name, f.Data)
		if err != nil {
			t.Fatal(f.Name, err)
		}
		s.files[f.Name] = data
	}
	s.plan = app.Plan{
		Dir: t.TempDir(), Tenant: string(s.files["tenant.yaml"]), Policies: string(s.files["policies.yaml"]),
		Directory: dated(s.files["contoso.directory"]), InProcess: true, Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Params: fakeexchange.DefaultParams(),
	}
	return s
}

// need builds the house when the first thing happens in it.
func (s *stage) need() error {
	if s.house != nil {
		return nil
	}
	s.plan.Switches = &s.switches
	s.plan.Edit = func(setup *mailflow.Setup) {
		for _, edit := range s.edits {
			edit(setup)
		}
	}
	s.plan.Zone = func(zone dns.Static) {
		for _, edit := range s.zone {
			edit(zone)
		}
	}
	s.plan.World = func(w *app.World) {
		w.Faults = &s.faults
		w.Looking = func(l gateway.Looker) gateway.Looker {
			s.eye.set(func(e *eye) { e.Looker = l })
			return s.eye
		}
	}
	h, err := app.Build(s.ctx, s.plan)
	s.house = h
	return err
}

// settle lets everything happen that happens by itself at this hour.
func (s *stage) settle() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

// curtain checks what must be so after every story.
func (s *stage) curtain() error {
	if s.house == nil {
		return errors.New("nothing happened")
	}
	s.settle()
	if s.house.App == nil {
		if err := s.house.Start(s.ctx); err != nil {
			return err
		}
		s.settle()
	}
	var errs []error
	sum, lines, err := s.house.App.Balance(s.ctx)
	if err != nil || len(lines) > 0 {
		errs = append(errs, fmt.Errorf("the books do not balance: %+v\n%s\n%w", sum, strings.Join(lines, "\n"), errOr(err)))
	}
	sheet, err := s.house.App.Books(s.ctx)
	if err != nil || !sheet.OK() || sheet.Total.Difference != 0 {
		errs = append(errs, fmt.Errorf("the books contradict each other: %+v %w", sheet, errOr(err)))
	}
	tenants, err := s.house.App.Audit.Tenants(s.ctx)
	if err != nil {
		errs = append(errs, err)
	}
	var exports bytes.Buffer
	for _, id := range tenants {
		r, err := s.house.App.Audit.Verify(s.ctx, id)
		if err != nil || !r.Ok() {
			errs = append(errs, fmt.Errorf("the chain of %s is broken: %+v %w", id, r, errOr(err)))
		}
		errs = append(errs, s.house.App.Audit.ExportEvents(s.ctx, &exports, id))
	}
	errs = append(errs, s.house.App.Audit.Export(s.ctx, &exports, audit.Query{Limit: 10_000}))
	errs = append(errs, s.canaries(exports.Bytes()))
	return errors.Join(errs...)
}

func errOr(err error) error {
	if err == nil {
		return errors.New("see above")
	}
	return err
}

// canaries looks for secret and mark where they must not be.
func (s *stage) canaries(exports []byte) error {
	if s.plan.Preset != "" && s.plan.Preset != "postern" {
		return nil // these presets have constant values that everybody knows
	}
	var errs []error
	for _, canary := range []string{s.house.Params.Secret, s.house.Params.Mark} {
		found := func(where string, data []byte) {
			if i := bytes.Index(data, []byte(canary)); i >= 0 {
				errs = append(errs, fmt.Errorf("%s stands in %s: …%s…", canary, where, data[max(0, i-60):min(len(data), i+40)]))
			}
		}
		found("the export", exports)
		found("the log", s.log.bytes())
		for _, d := range s.house.Exchange.Internet() {
			found("the internet, for "+d.To, d.Raw)
		}
		for _, who := range s.people() {
			for _, d := range s.house.Exchange.Mailbox(who) {
				if d.Kind == "report" { // Exchange's own, with what its own rule had set
					continue
				}
				found("the mailbox of "+who, d.Raw)
			}
		}
	}
	return errors.Join(errs...)
}

// people are those who have a mailbox.
func (s *stage) people() []string {
	setup, _ := s.house.Exchange.Setup(s.house.Params.Name)
	var list []string
	for _, m := range setup.Mailboxes {
		list = append(list, m.Address)
	}
	return list
}

// clear ends everything; what still runs afterwards fails the bubble.
func (s *stage) clear() {
	if s.house != nil {
		if err := s.house.Close(); err != nil {
			s.t.Error("close:", err)
		}
	}
}

// explain prints what happened, for the reader of a failure.
func (s *stage) explain() {
	if s.house == nil {
		return
	}
	for _, e := range s.house.Exchange.Log() {
		s.t.Log(e.At.Format("02 15:04:05"), e.Message, e.Step, e.Recipient, e.Detail)
	}
	if s.house.App != nil {
		list, _ := s.house.App.Audit.Search(s.ctx, audit.Query{})
		for _, m := range list {
			s.t.Logf("record %s %s way=%s kind=%s problem=%s inspected=%q forged=%v", m.ID, m.Subject, m.Way, m.Kind, m.Problem, m.Inspected, m.Forged)
			for _, r := range m.Recipients {
				s.t.Logf("   %s verdict=%s delivery=%s reply=%q because=%q", r.Address, r.Verdict, r.Delivery, r.Reply, r.Because)
			}
			for _, step := range m.Steps {
				s.t.Logf("   %s %s %s", step.At.Format("02 15:04:05"), step.Name, step.Detail)
			}
		}
	}
	for _, line := range strings.Split(string(s.log.bytes()), "\n") {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			s.t.Log(line)
		}
	}
}

// apply puts other settings in force.
func (s *stage) apply(name, file string) error {
	data, ok := s.files[file]
	if !ok {
		return fmt.Errorf("there is no file %s in the story", file)
	}
	path := filepath.Join(s.plan.Dir, "tenants", name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	_, err := s.house.App.Do(s.ctx, "reload", app.Call{}, "story")
	return err
}

// dated puts the time into a directory: "(now)" is when it is written.
func dated(text []byte) string {
	return strings.ReplaceAll(string(text), "(now)", time.Now().UTC().Format(time.RFC3339))
}

// newDirectory writes another directory for the tenant; nobody applies it.
func newDirectory(s *stage, words []string) error {
	data, ok := s.files[words[0]]
	if !ok {
		return fmt.Errorf("there is no file %s in the story", words[0])
	}
	path := filepath.Join(s.plan.Dir, "tenants", "contoso.directory")
	if err := os.WriteFile(path, []byte(dated(data)), 0o600); err != nil {
		return err
	}
	s.settle()
	return nil
}

// eye stands before the looker and fails when the story says so.
type eye struct {
	gateway.Looker
	mu     sync.Mutex
	unseen mail.Cause
	takes  time.Duration
}

func (e *eye) set(fn func(*eye)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fn(e)
}

// Look implements gateway.Looker.
func (e *eye) Look(ctx context.Context, m *mail.Message, o look.Options) detect.Report {
	e.mu.Lock()
	under, unseen, takes := e.Looker, e.unseen, e.takes
	e.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return detect.Report{Unseen: []mail.Unseen{{Part: "1", Reason: mail.OutOfTime}}}
		}
	}
	r := under.Look(ctx, m, o)
	if unseen != "" {
		r.Unseen = append(r.Unseen, mail.Unseen{Part: "1", Reason: unseen})
	}
	return r
}

// lockedBuffer is a log in memory.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}
