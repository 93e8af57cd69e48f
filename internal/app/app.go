package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/balance"
	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/deliver"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/ocr"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/receive"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/vault"
	"postern.dev/postern/internal/web"
)

// Resolver is the DNS, as the back door and the keys of signatures need it.
type Resolver interface {
	deliver.Resolver
	senderauth.Resolver
}

// World is where the outside comes in; the zero value is the real one.
// Stories and the demo put their own network here.
type World struct {
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Resolver Resolver
	Roots    *x509.CertPool
	// ClientRoots verify client certificates; nil means Roots.
	ClientRoots *x509.CertPool
	// Certificate is the server's instead of the file's.
	Certificate *tls.Certificate
	// InProcess looks into messages without a child process.
	InProcess bool
	// ChildEnv is the environment of the looking child (fault injection).
	ChildEnv []string
	// Looking stands between the gateway and the looker; nil is nothing.
	Looking func(gateway.Looker) gateway.Looker
	// Faults make operations of the data folder fail; nil is none.
	Faults *durable.Faults
	Log    *slog.Logger
}

// App is a gateway with all its rooms.
type App struct {
	Config  *Config
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	DB      *store.DB
	Spool   *spool.Spool
	Audit   *audit.Log
	// Evidence are the copies that policies want kept.
	Evidence *evidence.Book
	// Ring has the keys of bodies.
	Ring *vault.Ring
	// Exceptions are what people called not sensitive.
	Exceptions *exception.Book
	Tenants    *tenant.Registry
	// Directories say who is who in each tenant.
	Directories *directory.Registry
	// Contacts remembers who has written to whom.
	Contacts *contact.History
	Gateway  *gateway.Gateway
	SMTP     *receive.Server
	Tasks    *task.Runner
	// People bind browsers and mails to those who decide about held mail.
	People *quarantine.Doors
	// Desk is where people with a role see held mail and decide about it.
	Desk *quarantine.Desk

	world    World
	door     *deliver.Deliverer
	looker   *look.Looker
	lock     io.Closer
	alone    bool // no other process writes into the database
	tend     chan struct{}
	post     chan struct{}
	bulk     chan struct{} // a bulk decision has begun
	met      chan struct{} // directories were put in force
	stop     context.CancelFunc
	clock    clock
	closing  chan struct{} // closed by Close; nil before Start
	once     sync.Once     // closing
	running  sync.WaitGroup
	servers  []*http.Server
	started  time.Time
	applied  sync.Mutex
	keying   sync.Mutex // what changes keys, one after the other
	console  *web.Console
	listens  string      // where the console listens
	public   net.Addr    // where the pages for people listen; nil for nowhere
	taking   atomic.Bool // mail: from the first listener to the shutdown
	fatal    chan error
	passKeys [][]byte
	// publicKey seals what browsers of the pages for people hold for us.
	publicKey []byte
}

// Open builds every room and starts nothing that takes mail. Every mistake of
// configuration is found here.
func Open(ctx context.Context, c *Config, w World) (a *App, err error) {
	a = &App{
		Config: c, world: w, Log: w.Log, Metrics: telemetry.NewMetrics(), tend: make(chan struct{}, 1), post: make(chan struct{}, 1),
		bulk: make(chan struct{}, 1),
		met:  make(chan struct{}, 1), fatal: make(chan error, 1),
	}
	if a.Log == nil {
		a.Log = newLog(c.Log)
	}
	half := a // a is nil where an error is returned
	defer func() {
		if err != nil {
			_ = half.Close()
			a = nil
		}
	}()
	if err := a.keeping(ctx); err != nil {
		return nil, err
	}
	if err := a.doors(); err != nil {
		return nil, err
	}
	return a, a.applyAtStart(ctx)
}

func newLog(form string) *slog.Logger {
	if form == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// keeping opens the rooms that remember.
func (a *App) keeping(ctx context.Context) error {
	c := a.Config
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if a.lock, err = dir.Lock(); err != nil {
		return fmt.Errorf("%w: another postern uses %s", err, c.Data)
	}
	if _, err := dir.Sweep(); err != nil {
		return err
	}
	keys, err := a.keys(ctx)
	if err != nil {
		return err
	}
	if a.Ring, err = c.ring(keys); err != nil {
		return err
	}
	conf := store.Config{Path: dir.Path("postern.db")}
	if c.Store != "" {
		url, err := settings.Resolve(c.Store, c.dir)
		if err != nil {
			return err
		}
		conf = store.Config{URL: url}
	}
	if a.DB, err = store.Open(ctx, conf); err != nil {
		return err
	}
	if err := a.DB.Alone(ctx); err != nil { // the bodies of mail lie in this folder
		return fmt.Errorf("%w: two gateways cannot share one yet", err)
	}
	a.alone = true
	for room, steps := range map[string][]string{"tenant": tenant.Schema(), "app": schema()} {
		if err := a.DB.Migrate(ctx, room, steps); err != nil {
			return err
		}
	}
	if err := noteDetectors(ctx, a.DB); err != nil {
		return err
	}
	if err := task.Migrate(ctx, a.DB); err != nil {
		return err
	}
	if err := quarantine.Migrate(ctx, a.DB); err != nil {
		return err
	}
	if err := post.Migrate(ctx, a.DB); err != nil {
		return err
	}
	if a.People, err = quarantine.NewDoors(keys.Derive(peoplePurpose)[0]); err != nil {
		return err
	}
	a.publicKey = keys.Derive(publicPurpose)[0]
	a.passKeys = keys.Derive(passPurpose)
	if a.Exceptions, err = exception.Open(ctx, a.DB, keys.Derive(exceptionsPurpose)); err != nil {
		return err
	}
	if a.Audit, err = audit.Open(ctx, a.DB, keys.Derive(auditPurpose)...); err != nil {
		return err
	}
	if a.Contacts, err = contact.Open(ctx, a.DB, keys.Derive(contactPurpose)...); err != nil {
		return err
	}
	a.Directories = &directory.Registry{}
	if a.Directories.Kept, err = dir.Sub(directoryFolder); err != nil {
		return err
	}
	bodies, err := dir.Sub("bodies")
	if err != nil {
		return err
	}
	if a.Spool, err = spool.Open(bodies, a.DB, a.Ring, a.Log); err != nil {
		return err
	}
	copies, err := dir.Sub("evidence")
	if err != nil {
		return err
	}
	a.Evidence, err = evidence.Open(ctx, copies, a.DB, a.Ring, a.Log)
	return err
}

func (a *App) folder() (*durable.Dir, error) {
	if a.world.Faults != nil {
		return durable.OpenFaulty(a.Config.Data, a.world.Faults)
	}
	dir, err := durable.Open(a.Config.Data)
	if err != nil {
		return nil, err
	}
	return dir, a.shut(a.Config.Data)
}

// shut takes the right to write in the data folder from other users: who has
// it could put a socket of his own in the place of the admin socket.
func (a *App) shut(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o022 == 0 {
		return err
	}
	if err := os.Chmod(path, info.Mode().Perm()&^0o022); err != nil {
		return fmt.Errorf("app: other users may write in the data folder: %w", err)
	}
	p, _ := problem.Find(problem.FolderWasOpen)
	a.Log.Warn(p.Title, telemetry.KeyCode, problem.FolderWasOpen, telemetry.KeyPath, path)
	return nil
}

// doors builds what looks, decides and speaks with the network.
func (a *App) doors() (err error) {
	c := a.Config
	roots := a.world.Roots
	if roots == nil {
		if roots, err = loadRoots(c.rootsPath()); err != nil {
			return fmt.Errorf("roots: %w", err)
		}
	}
	clientRoots := a.world.ClientRoots
	if clientRoots == nil {
		clientRoots = roots
		if path := c.SMTP.TLS.ClientRoots; path != "" {
			if clientRoots, err = loadRoots(c.resolve(path)); err != nil {
				return fmt.Errorf("smtp.tls.client_roots: %w", err)
			}
		}
	}
	resolver := a.world.Resolver
	if resolver == nil {
		if resolver, err = dns.New(c.DNS); err != nil {
			return err
		}
	}
	a.door, err = deliver.New(deliver.Config{
		Resolver: resolver, Dial: a.world.Dial, Roots: roots, Hello: c.Hostname, Limits: c.Deliver,
		Metrics: a.Metrics, Log: a.Log,
	})
	if err != nil {
		return err
	}
	pictures, err := ocr.New(c.OCR)
	if err != nil {
		return err
	}
	conf := look.Config{
		InProcess: a.world.InProcess, Log: a.Log, Metrics: a.Metrics,
		Children: extract.Config{Max: c.Limits.Lookers, Env: a.world.ChildEnv},
	}
	if pictures != nil {
		conf.Pictures = pictures
	}
	a.looker = look.New(conf)
	a.Tenants = c.registry()
	var eye gateway.Looker = a.looker
	if a.world.Looking != nil {
		eye = a.world.Looking(eye)
	}
	a.Gateway = gateway.New(gateway.Config{
		Hostname: c.Hostname, Tenants: a.Tenants, Directories: a.Directories, Contacts: a.Contacts,
		Look: eye, Door: backDoor{a.door}, DB: a.DB, Spool: a.Spool, Evidence: a.Evidence, Exceptions: a.Exceptions,
		Audit: a.Audit, Wake: a.wake, Work: a.work, Claim: a.claim, Fatal: a.die, Calm: a.calmly, PassKeys: a.passKeys,
		Patience: c.Patience, Judge: c.Limits.Judge,
		Doors: a.People, KeepsBytes: func(id string) time.Duration { return a.clocks(id).Bytes },
		Auth:   &senderauth.Verifier{Resolver: resolver},
		Limits: mail.Limits{Depth: c.Limits.Depth, Parts: c.Limits.Parts}, Log: a.Log, Metrics: a.Metrics,
	})
	a.Tasks = task.NewRunner(task.Config{
		DB: a.DB, Calm: a.calmly, Schedule: task.Schedule{Steps: c.Retry.Schedule, GiveUp: c.Retry.GiveUp}, Workers: c.Retry.Workers,
		Alone: a.alone, Door: a.Gateway.Do, Settle: a.Gateway.Settle, Log: a.Log, Metrics: a.Metrics,
	})
	a.Desk = a.newDesk()
	return a.frontDoor(clientRoots)
}

func (c *Config) rootsPath() string {
	if c.Roots == "" {
		return ""
	}
	return c.resolve(c.Roots)
}

func (a *App) frontDoor(clientRoots *x509.CertPool) error {
	c := a.Config
	pool := durable.NewPool(int(c.Limits.MemoryPerMessage), os.TempDir())
	conf := c.SMTP
	conf.NewBuffer = func() receive.Buffer { return pool.Buffer() }
	conf.ClientRoots = func() *x509.CertPool { return clientRoots }
	conf.Exempt = func(from netip.Addr) bool { return a.Tenants.Current().FromExchange(from) }
	conf.Known = func(from netip.Addr) bool { return a.Tenants.Current().Known(from) }
	conf.Log, conf.Metrics = a.Log, a.Metrics
	if c.SMTP.TLS.Cert != "" {
		cert, err := loadCertificate(c.resolve(c.SMTP.TLS.Cert), c.resolve(c.SMTP.TLS.Key))
		if err != nil {
			return err
		}
		conf.Certificate = cert.get
	}
	if own := a.world.Certificate; own != nil {
		conf.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own, nil }
	}
	a.SMTP = receive.New(conf, a.Gateway)
	return nil
}

// Books holds all books against each other: custody, its tasks, and the
// record. It reads everything that was ever recorded.
func (a *App) Books(ctx context.Context) (balance.Sheet, error) { return books(ctx, a.DB) }

// Balance is the conservation check over everything in custody; it is quick.
func (a *App) Balance(ctx context.Context) (sum task.Sum, lines []string, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		sum, lines, err = task.Balance(tx, gateway.Ledger)
		return err
	})
	return sum, lines, err
}
