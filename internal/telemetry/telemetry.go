// Package telemetry carries what operators watch: log lines and metrics.
//
// A log line states one fact with keys from a fixed list (see Keys); it never
// holds body text or a finding's value. Metrics live in a registry that app
// makes; rooms ask it for counters by name.
//
// It does not decide what is worth knowing, and it keeps nothing.
//
// Standards: none; the exposition format is Prometheus's.
package telemetry

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is a registry of counters. A nil *Metrics counts nothing, so that
// a room can be tested without one.
type Metrics struct {
	registry *prometheus.Registry

	mu       sync.Mutex
	counters map[string]*prometheus.CounterVec
	gauges   map[string]*prometheus.GaugeVec
	times    map[string]*prometheus.HistogramVec
}

// NewMetrics returns an empty registry with the process's own figures.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{
		registry: r,
		counters: map[string]*prometheus.CounterVec{},
		gauges:   map[string]*prometheus.GaugeVec{},
		times:    map[string]*prometheus.HistogramVec{},
	}
}

// Count adds n to the counter "postern_<name>_total". labels alternates
// names and values; a counter must always be given the same names.
func (m *Metrics) Count(name string, n int, labels ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	c := m.counters[name]
	if c == nil {
		c = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "postern_" + name + "_total"}, evens(labels))
		m.registry.MustRegister(c)
		m.counters[name] = c
	}
	m.mu.Unlock()
	c.WithLabelValues(odds(labels)...).Add(float64(n))
}

// Set sets the gauge "postern_<name>".
func (m *Metrics) Set(name string, value float64, labels ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	g := m.gauges[name]
	if g == nil {
		g = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "postern_" + name}, evens(labels))
		m.registry.MustRegister(g)
		m.gauges[name] = g
	}
	m.mu.Unlock()
	g.WithLabelValues(odds(labels)...).Set(value)
}

// Observe adds seconds to the histogram "postern_<name>_seconds".
func (m *Metrics) Observe(name string, seconds float64, labels ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	h := m.times[name]
	if h == nil {
		h = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "postern_" + name + "_seconds",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100},
		}, evens(labels))
		m.registry.MustRegister(h)
		m.times[name] = h
	}
	m.mu.Unlock()
	h.WithLabelValues(odds(labels)...).Observe(seconds)
}

// Handler serves the registry in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func evens(pairs []string) []string { return every2nd(pairs, 0) }
func odds(pairs []string) []string  { return every2nd(pairs, 1) }

func every2nd(pairs []string, from int) []string {
	var list []string
	for i := from; i < len(pairs); i += 2 {
		list = append(list, pairs[i])
	}
	return list
}

// Keys of log lines; no other key is used.
const (
	KeyMessage = "msg_id"      // our trace id, never the Message-ID header
	KeyTenant  = "tenant"      // tenant id
	KeyDomain  = "rcpt_domain" // domain of a recipient, never the mailbox
	KeyCode    = "code"        // problem code or SMTP reply
	KeyPeer    = "peer"        // address of the other side
	KeyHost    = "host"        // next hop
	KeyRoom    = "room"        // package that logs
	KeyError   = "error"       // wrapped error, without content
	KeyCount   = "count"
	KeyTook    = "took"
	KeyState   = "state"
	KeyKind    = "kind"
	KeyPath    = "path"
	KeyCause   = "cause"
	KeyPolicy  = "policy"
	KeySize    = "size"
)

// Discard is a logger that writes nothing.
func Discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
