package public

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
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed texts/*.yaml
var texts embed.FS

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

// Config is what the pages need of the house.
type Config struct {
	// Names reports whether a host name, in lower case, is one that links
	// have; no other is answered.
	Names func(host string) bool
	// At reports whether the pages of a tenant are at such a host name: not at
	// that of another tenant. nil is everywhere.
	At func(t *tenant.Tenant, host string) bool
	// Key is a secret that is not in the database: cookies and forms are
	// sealed with it.
	Key []byte
	// DB is the store in which held mail, devices and records are.
	DB *store.DB
	// Doors bind browsers to mailboxes and read links.
	Doors *quarantine.Doors
	// Audit holds the records.
	Audit *audit.Log
	// Tenant finds a tenant; nil for none.
	Tenant func(id string) *tenant.Tenant
	// Person is who has a mailbox of a tenant; false for nobody who may decide
	// about its mail.
	Person func(tenant string, a mail.Address) (Somebody, bool)
	// Officer is somebody of a tenant with the rights that a role gives him
	// about all of its held mail; nil knows of no roles.
	Officer func(tenant string, a mail.Address) quarantine.Person
	// Do carries out what a person does about held mail. A *quarantine.Refusal
	// says why he may not.
	Do func(ctx context.Context, d Deed) (Done, error)
	// Code has a code sent to somebody, in the transaction that makes it.
	Code func(tx *store.Tx, t *tenant.Tenant, to Somebody, c quarantine.Code) error
	// Read opens a held mail for somebody who may see it, after it has written
	// down that he looks; Looks lists who has.
	Read  func(ctx context.Context, r Reading) (Opened, error)
	Looks func(tx *store.Tx, tenant, message string) ([]Look, error)
	// Earlier is how many mails the sender of held mail wrote to its recipients
	// before; nil when nobody knows. It may be nil itself.
	Earlier func(tenant string, holds []quarantine.Hold) *int
	// Redact blots out of a text what a look finds in it.
	Redact func(t *tenant.Tenant, text string) string
	// Client reaches the providers of sign-ins; nil is one of our own.
	Client *http.Client
	// Log takes what an operator should know; nil is nothing.
	Log *slog.Logger
}

// Site serves the pages. Several goroutines may use it.
type Site struct {
	Config
	templates *template.Template
	speeches  []*speech // English first
	rates     rates
	providers providers
	patience  time.Duration // wrongCode
}

// New returns a site. A mistake in its own texts is a panic: the tests read
// all of them.
func New(cfg Config) *Site {
	if cfg.Log == nil {
		cfg.Log = telemetry.Discard()
	}
	s := &Site{Config: cfg, speeches: mustSpeeches(), patience: wrongCode}
	s.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"list": func(items ...any) []any { return items },
	}).ParseFS(templates, "templates/*.html"))
	return s
}

// Handler serves everything of the listener. It brings its own checks of
// host, origin, method, size and rate.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /approve/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		// The frame of a mail has an origin of its own, which is no site's.
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		_, _ = w.Write(style) // the client is gone: nothing to do
	})
	mux.HandleFunc("GET /approve/icon.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(icon) // as above
	})
	look, press := s.tried(s.look), s.tried(s.press)
	for _, path := range []string{"/approve/{token}", "/approve/my/{tenant}", "/approve/my/{tenant}/{message}"} {
		mux.HandleFunc("GET "+path, look)
		mux.HandleFunc("POST "+path, press)
	}
	mux.HandleFunc("GET /approve/signed-in", s.tried(s.signedIn))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, fault{status: http.StatusNotFound, text: "fault_path"})
	})
	return s.guard(mux)
}

// tried answers with a page of ours when something fails that is nobody's
// mistake, such as a store that is locked.
func (s *Site) tried(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			s.Log.Error("a page could not be made", telemetry.KeyRoom, "public", telemetry.KeyCode, problem.PageFailed, telemetry.KeyError, err)
			s.fail(w, r, fault{status: http.StatusServiceUnavailable, text: "fault_now"})
		}
	}
}

// page is what every template has besides its own data.
type page struct {
	lang  *speech
	Title string
	// Organization and Contact are the tenant's; "" before there is one.
	Organization, Contact, Ref string
	// Mine is the list of all that waits for a person.
	Mine string
	// Who is the person that is identified, Base the page's own address and
	// Form the word that its forms carry.
	Who, Base, Form string
	// Note is what has just happened, Tone how it is meant.
	Note, Tone string
	Data       any
}

// Lang is the language of the page.
func (p page) Lang() string { return p.lang.name }

// T is a text of the page's language; pairs are names and values.
func (p page) T(key string, pairs ...any) string { return p.lang.say(key, pairs...) }

// show renders a page as a whole before the first octet is sent, so that a
// mistake in a template is not half a page.
func (s *Site) show(w http.ResponseWriter, status int, name string, p page) {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, p); err != nil {
		s.Log.Error("a page could not be made", telemetry.KeyRoom, "public", telemetry.KeyKind, name, telemetry.KeyError, err)
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.lang.name)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nothing to do
}
