package web

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
)

//go:embed templates/*.html
var pages embed.FS

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

//go:embed openapi.json
var openapi []byte

// Config is what the console needs of the house. Audit and DB must be set.
type Config struct {
	// Audit holds the records that are shown.
	Audit *audit.Log
	// DB is the store that Audit keeps them in.
	DB *store.DB
	// Balance is the mail balance, and a line for everything that does not
	// add up. Without it the page does not speak of it.
	Balance func(ctx context.Context) (task.Sum, []string, error)
	// Tenants lists the ids of the tenants that are configured.
	Tenants func() []string
	// Explain says why a message had its verdict: of one recipient, or of all
	// when it is "", and with the id of a policy why that did not decide.
	// Without it there is no such page.
	Explain func(ctx context.Context, m audit.Message, to mail.Address, rule string) (Explained, error)
	// Held is where people with a role see held mail and decide about it.
	// Without it there is nothing of held mail.
	Held *quarantine.Desk
	// Off reports whether a tenant is switched off: what is let go waits then.
	Off func(tenant string) bool
	// Looks lists who has looked into a held message, the oldest first; nil
	// says nothing of it.
	Looks func(tx *store.Tx, tenant, message string) ([]Look, error)
	// Started is when the gateway started.
	Started time.Time
	// Log takes what an operator should know; nil is nothing.
	Log *slog.Logger
	// Version is shown at the foot of each page.
	Version string
}

// Look is one look into a held message, or a step towards one in an emergency.
type Look struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// By is who it was; "" when his name was erased from the record.
	By    string           `json:"by,omitempty"`
	Actor string           `json:"actor"`
	As    quarantine.As    `json:"as"`
	Depth quarantine.Depth `json:"depth,omitempty"`
	Why   string           `json:"why,omitempty"`
}

// Console serves the pages. Several goroutines may use it.
type Console struct {
	Config
	doors     doors
	templates *template.Template
	zone      *time.Location
	overviews overviews
}

// New returns a console without sessions.
func New(cfg Config) *Console {
	if cfg.Log == nil {
		cfg.Log = telemetry.Discard()
	}
	if cfg.Tenants == nil {
		cfg.Tenants = func() []string { return nil }
	}
	c := &Console{Config: cfg, zone: time.Local}
	c.templates = template.Must(template.New("").Funcs(c.words()).ParseFS(pages, "templates/*.html"))
	return c
}

// Handler serves everything below "/" that is the console's. It brings its
// own checks of host, origin, method, size and session.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.inside(c.list))
	mux.HandleFunc("GET /m/{id}", c.inside(c.message))
	mux.HandleFunc("GET /m/{id}/why", c.inside(c.why))
	mux.HandleFunc("GET /api/v1/messages/{id}/why", c.inside(c.apiWhy))
	mux.HandleFunc("POST /leave", c.leave)
	mux.HandleFunc("GET /enter/{token}", c.enter)
	mux.HandleFunc("GET /api/v1/messages", c.inside(c.apiList))
	mux.HandleFunc("GET /api/v1/messages/{id}", c.inside(c.apiMessage))
	if c.Held != nil {
		c.heldAPI(mux, c.inside)
		c.heldPages(mux)
	}
	mux.HandleFunc("GET /api/v1/openapi.json", file("application/json", openapi))
	mux.HandleFunc("GET /style.css", file("text/css; charset=utf-8", style))
	mux.HandleFunc("GET /icon.svg", file("image/svg+xml", icon))
	mux.HandleFunc("/", c.inside(func(w http.ResponseWriter, r *http.Request) {
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: "There is no such page.",
			Next:     "Begin at the list of messages.",
		})
	}))
	return c.guard(mux)
}

func file(mediaType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(content) // the client is gone: nothing to do
	}
}

// page is what every template has besides its own data.
type page struct {
	Title   string
	Version string
	Started time.Time
	Now     time.Time
	Zone    string
	// Inside is false on the pages that are shown without a session.
	Inside bool
	// List and Held mark a list in the navigation.
	List, Held bool
	// Holds is set when there are pages of held mail, HeldOnly for a visitor
	// who sees no others.
	Holds, HeldOnly bool
	Query           string
	Data            any
}

// show renders a page as a whole before the first octet is sent, so that a
// mistake in a template is not half a page.
func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	now := time.Now().In(c.zone)
	who, _ := c.visitor(r)
	p.Holds, p.HeldOnly = c.Held != nil, who.HeldOnly
	p.Version, p.Started, p.Now, p.Zone = c.Version, c.Started, now, now.Format("MST (UTC-07:00)")
	var b bytes.Buffer
	if err := c.templates.ExecuteTemplate(&b, name, p); err != nil {
		c.Log.Error("a page could not be made", telemetry.KeyRoom, "web", telemetry.KeyKind, name, telemetry.KeyError, err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nothing to do
}
