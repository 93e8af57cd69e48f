package public

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"

	"postern.dev/postern/internal/telemetry"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed texts/*.yaml
var texts embed.FS

//go:embed style.css
var style []byte

// Config is what the pages need of the house.
type Config struct {
	// Names reports whether a host name, in lower case, is one that links
	// have; no other is answered.
	Names func(host string) bool
	// Log takes what an operator should know; nil is nothing.
	Log *slog.Logger
}

// Site serves the pages. Several goroutines may use it.
type Site struct {
	Config
	templates *template.Template
	speeches  []*speech // English first
	rates     rates
}

// New returns a site. A mistake in its own texts is a panic: the tests read
// all of them.
func New(cfg Config) *Site {
	if cfg.Log == nil {
		cfg.Log = telemetry.Discard()
	}
	s := &Site{Config: cfg, speeches: mustSpeeches()}
	s.templates = template.Must(template.New("").ParseFS(templates, "templates/*.html"))
	return s
}

// Handler serves everything of the listener. It brings its own checks of
// host, origin, method, size and rate.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /approve/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(style) // the client is gone: nothing to do
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, fault{status: http.StatusNotFound, text: "fault_path"})
	})
	return s.guard(mux)
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
