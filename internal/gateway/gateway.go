package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Looker looks into a message. It never fails: what it could not see is in
// the report.
type Looker interface {
	Look(ctx context.Context, m *mail.Message, o look.Options) detect.Report
}

// Door is how a message leaves: one next hop, one transaction.
type Door interface {
	// Open connects to the route's next hop and speaks MAIL and RCPT. When
	// there is no transaction, the error is a *Closed.
	Open(ctx context.Context, r mail.Route, e mail.Envelope, o *mail.Outgoing) (Transaction, error)
}

// Transaction is an SMTP transaction after its RCPT commands.
type Transaction interface {
	// Rcpts are the answers, one per recipient, in the envelope's order.
	Rcpts() []mail.Reply
	// Send transmits the message for the recipients that were taken and
	// returns the answer to the final dot; the zero Reply when the connection
	// broke after it, so that nobody knows.
	Send(ctx context.Context) mail.Reply
	// Reset gives the transaction up; nothing was sent.
	Reset()
	// Host is the next hop.
	Host() string
	// Judge says what an answer of this next hop means: to RCPT, or to the
	// end of the message.
	Judge(r mail.Reply, rcpt bool) task.Outcome
	// Modified lists what the next hop forced us to change, after Send.
	Modified() []string
	// Relayed lists the recipients for whom success was to be reported and
	// whose next hop gives no reports.
	Relayed() []mail.Address
}

// Closed is why there is no transaction.
type Closed struct {
	Outcome task.Outcome
	Reply   mail.Reply
	Host    string
	Why     string
}

func (c *Closed) Error() string { return "gateway: no transaction: " + c.Why }

// Config is what the gateway is made of.
type Config struct {
	Hostname string
	Tenants  *tenant.Registry
	// Directories say who is who; nil is nobody.
	Directories *directory.Registry
	// Contacts remembers who has written to whom; nil remembers nothing.
	Contacts *contact.History
	Look     Looker
	Door     Door
	DB       *store.DB
	Spool    *spool.Spool
	Audit    *audit.Log
	// Evidence keeps the copies that policies want kept.
	Evidence *evidence.Book
	// Exceptions are what people called not sensitive; nil is nothing.
	Exceptions *exception.Book
	// PassKeys make and check the MAC that counts passes: the current one
	// first, then those before a rotation.
	PassKeys [][]byte
	// PerTenant is how many messages of one tenant are handled at a time when
	// there are several tenants. Default: 400.
	PerTenant int
	// Auth verifies signatures of mail that came. nil finds no key.
	Auth *senderauth.Verifier
	// Tell has people told of held mail, inside the transaction; nil writes
	// them mails.
	Tell func(tx *store.Tx, o quarantine.Occasion) error
	// Doors make the tokens of links and of addresses for answers; nil makes
	// none.
	Doors *quarantine.Doors
	// KeepsBytes is how long octets of a tenant are kept for somebody who does
	// not decide; nil is without a bound.
	KeepsBytes func(tenant string) time.Duration
	// Fatal ends the process: after a failed fsync nobody knows what is on the
	// disk, and only a new start can tell.
	Fatal func(error)
	// Calm says that the clock cannot be trusted: no deadline is carried out.
	// nil is never.
	Calm func() bool
	// Wake tells all who work by the clock, and the task runner, that there is
	// work; Work only the task runner. Without Work, Wake tells it.
	Wake, Work func()
	// Claim asks the task runner for a place at a next hop, for a task that is
	// planned now. nil has none.
	Claim func(tenant, hop string) *task.Claim
	// Patience is how long judging may keep the client waiting, Judge how
	// long it may take at all.
	Patience, Judge time.Duration
	// Last is how long the answer to the onward dot is waited for.
	Last    time.Duration
	Limits  mail.Limits
	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Gateway takes messages from the front door to the back door.
type Gateway struct {
	Config
	flights *flights
	memory  memory  // of earlier arrivals
	later   errands // writes that nobody waits for
	judges  judges
	scatter *scatter
	prints  prints
	intents intents
	records records // those of them that are written many at a time
	// erasures are files that go, many at a time.
	erasures erasures
	// fresh are rows that were written just now, for the attempts that follow.
	fresh   fresh
	refused telemetry.Seldom

	// digested is, by tenant, the moment for which the digests are written; only
	// Mailing uses it.
	digested map[string]time.Time

	mu      sync.Mutex
	relayed map[string][]mail.Address // by task: found by Do, used by Settle
}

// New returns a gateway. Zero times get the documented defaults.
func New(c Config) *Gateway {
	if c.Patience == 0 {
		c.Patience = 20 * time.Second
	}
	if c.PerTenant == 0 {
		c.PerTenant = 400
	}
	if c.Judge == 0 {
		c.Judge = time.Minute
	}
	if c.Last == 0 {
		c.Last = 10 * time.Minute // RFC 5321 §4.5.3.2.6
	}
	if c.Auth == nil {
		c.Auth = &senderauth.Verifier{}
	}
	if c.Log == nil {
		c.Log = telemetry.Discard()
	}
	if c.Calm == nil {
		c.Calm = func() bool { return false }
	}
	if c.Wake == nil {
		c.Wake = func() {}
	}
	var key spool.PrintKey
	if c.Spool != nil {
		key = c.Spool.PrintKey()
	}
	return &Gateway{
		Config: c, flights: newFlights(), scatter: newScatter(), prints: newPrints(key), relayed: map[string][]mail.Address{},
	}
}

// work tells the task runner that there are tasks.
func (g *Gateway) work() {
	if g.Work != nil {
		g.Work()
		return
	}
	g.Wake()
}

// died ends the process when err is a failed fsync.
func (g *Gateway) died(err error) {
	if errors.Is(err, durable.ErrSync) && g.Fatal != nil {
		g.Fatal(err)
	}
}

// Wait returns when every write that nobody waited for is done; app calls it
// before it closes the store.
func (g *Gateway) Wait() { g.later.Wait() }
