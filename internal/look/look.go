package look

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"time"

	"postern.dev/postern/internal/compact"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// ChildArgument is the hidden first argument with which the binary is started
// again to look; the program must then do nothing but Child.
const ChildArgument = "look-child"

// Config says how messages are looked at.
type Config struct {
	// InProcess looks in this process instead of a child: for tests on a
	// fake clock and for the command line. A detector that hangs then hangs
	// the caller.
	InProcess bool
	// Children says how children are started. Args and Env are filled in
	// when they are empty.
	Children extract.Config
	// Restarts is how often a message is looked at again after a step killed
	// the child. Default: 3.
	Restarts int
	// Text is the limit of text of one part. Default: 256 MiB.
	Text int64
	// MessageText is the limit of text of one message. Default: 512 MiB.
	MessageText int64

	// Pictures reads the letters in pictures; nil leaves them unread.
	Pictures Pictures

	Log     *slog.Logger
	Metrics *telemetry.Metrics
}

// Options belong to one message.
type Options struct {
	// Budget is the time for the whole message. Default: 60s.
	Budget time.Duration
	// Catalogue makes the catalogue of the tenant's own detectors, which must
	// have passed Check; nil is an empty one.
	Catalogue func() detect.Catalogue
	// Key, when set, stands for the catalogue: calls with equal keys have the
	// same one, and it is made and prepared once for all of them.
	Key any
	// Trace names the message in log lines.
	Trace string
}

// Looker looks at messages. It is safe for use by several goroutines.
type Looker struct {
	config Config
	pool   *extract.Pool

	mu    sync.Mutex
	sets  *sets          // for InProcess
	forms map[any][]byte // catalogues as they travel, by their key
	wire  wire

	hangs hangs
}

// New returns a Looker; Close ends its children.
func New(c Config) *Looker {
	if c.Restarts <= 0 {
		c.Restarts = 3
	}
	if c.Text <= 0 {
		c.Text = 256 << 20
	}
	if c.MessageText <= 0 {
		c.MessageText = 512 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &Looker{config: c, sets: &sets{}, forms: map[any][]byte{}, wire: newWire()}
	if !c.InProcess {
		if len(c.Children.Args) == 0 {
			c.Children.Args = []string{ChildArgument}
		}
		if f := os.Getenv(FaultVariable); f != "" {
			c.Children.Env = append(c.Children.Env[:len(c.Children.Env):len(c.Children.Env)], FaultVariable+"="+f)
		}
		l.pool = extract.NewPool(c.Children)
	}
	return l
}

// Close ends the children.
func (l *Looker) Close() {
	if l.pool != nil {
		l.pool.Close()
	}
}

// Look looks at m. It never fails: what could not be looked at is Unseen.
func (l *Looker) Look(ctx context.Context, m *mail.Message, o Options) detect.Report {
	if o.Budget <= 0 {
		o.Budget = time.Minute
	}
	if until, ok := ctx.Deadline(); !ok || time.Until(until) > o.Budget {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Budget)
		defer cancel()
	}
	catalogue, err := l.form(o)
	read := l.pictures(ctx, m, o.Budget)
	var seen *sight
	if err != nil {
		seen = newSight()
		seen.unseen(mail.Unseen{Reason: mail.EngineFailed, Detail: "the catalogue cannot be read"})
	} else {
		seen = l.once(ctx, m, read, catalogue, o)
	}
	if more := l.inner(ctx, seen.pictures, maxPictures-len(read), o.Budget); len(more) > 0 {
		read = append(read, more...)
		seen = l.once(ctx, m, read, catalogue, o) // again, so that equal values are counted once
	}
	seen.settle(read)
	for _, u := range m.Unseen {
		seen.unseen(u)
	}
	r := seen.report()
	l.count(r, o)
	return r
}

// once looks at everything, and at what was read in pictures.
func (l *Looker) once(ctx context.Context, m *mail.Message, read []letters, catalogue []byte, o Options) *sight {
	if l.config.InProcess {
		return l.here(ctx, m, read, catalogue)
	}
	return l.isolated(ctx, m, read, catalogue, o)
}

// request is what the child is told about a job.
type request struct {
	Text        int64
	MessageText int64
	Skip        []extract.Step
	// Pictures asks for the pictures that lie inside files.
	Pictures bool
}

// wire is how what parent and child say is written.
type wire struct {
	request compact.Form[request]
	item    compact.Form[item]
	record  compact.Form[record]
}

func newWire() wire {
	return wire{compact.Of[request](), compact.Of[item](), compact.Of[record]()}
}

// remembered is how many catalogues are prepared at a time.
const remembered = 64

// form is the catalogue as it travels.
func (l *Looker) form(o Options) ([]byte, error) {
	catalogue := func() ([]byte, error) {
		if o.Catalogue == nil {
			return json.Marshal(detect.Catalogue{})
		}
		return json.Marshal(o.Catalogue())
	}
	if o.Key == nil {
		return catalogue()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if form := l.forms[o.Key]; form != nil {
		return form, nil
	}
	form, err := catalogue()
	if len(l.forms) >= remembered {
		clear(l.forms)
	}
	if err == nil {
		l.forms[o.Key] = form
	}
	return form, err
}

func (l *Looker) request(skip []extract.Step) request {
	return request{
		Text: l.config.Text, MessageText: l.config.MessageText, Skip: skip, Pictures: l.config.Pictures != nil,
	}
}

// here looks in this process.
func (l *Looker) here(ctx context.Context, m *mail.Message, read []letters, catalogue []byte) *sight {
	seen := newSight()
	set, err := l.set(catalogue)
	if err != nil {
		seen.unseen(mail.Unseen{Reason: mail.EngineFailed, Detail: "the catalogue cannot be read"})
		return seen
	}
	w := newWorker(l.request(nil), set, outlet{
		step:   func(extract.Step) error { return ctx.Err() },
		record: func(r record) error { return seen.take(r) },
	})
	for it, content := range items(m, read) {
		if err := w.item(it, content); err != nil {
			seen.unseen(mail.Unseen{Reason: mail.OutOfTime, Detail: "the time for the message was over"})
			break
		}
	}
	_ = w.finish()
	return seen
}

func (l *Looker) set(catalogue []byte) (*set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sets.of(catalogue)
}

// count tells operators what happened.
func (l *Looker) count(r detect.Report, o Options) {
	l.config.Metrics.Count("looked", 1, "inspected", r.Inspected())
	for _, u := range r.Unseen {
		l.config.Metrics.Count("unseen", 1, "reason", string(u.Reason))
		if u.Reason == mail.EngineFailed {
			l.config.Log.Warn("a detector or an extractor failed", telemetry.KeyCode, string(problem.DetectorFailed),
				telemetry.KeyMessage, o.Trace, telemetry.KeyPath, u.Part, telemetry.KeyCause, u.Detail)
		}
	}
}

// item is one thing that is looked at, as the parent describes it.
type item struct {
	Kind string
	Part string
	Name string
	// Text says what kind of text it is.
	Text       detect.Kind
	Type       string
	Charset    string
	Params     map[string]string
	Attachment bool
	Size       int64
	// Follows is the part whose text is shown directly before this one's.
	Follows string
}

// The kinds of items.
const (
	itemFields    = "fields"    // the header, a line for each field
	itemText      = "text"      // text that needs no extraction
	itemPart      = "part"      // the content of a leaf
	itemContainer = "container" // an attached message, whose content follows as parts
)
