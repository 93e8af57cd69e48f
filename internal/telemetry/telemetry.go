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
	counters kind[prometheus.Counter]
	gauges   kind[prometheus.Gauge]
	times    kind[prometheus.Observer]
}

// NewMetrics returns an empty registry with the process's own figures.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Metrics{registry: r}
	m.counters.family = func(name string, labels []string) func(...string) prometheus.Counter {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "postern_" + name + "_total"}, labels)
		r.MustRegister(c)
		return c.WithLabelValues
	}
	m.gauges.family = func(name string, labels []string) func(...string) prometheus.Gauge {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "postern_" + name}, labels)
		r.MustRegister(g)
		return g.WithLabelValues
	}
	m.times.family = func(name string, labels []string) func(...string) prometheus.Observer {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "postern_" + name + "_seconds",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100},
		}, labels)
		r.MustRegister(h)
		return h.WithLabelValues
	}
	return m
}

// Count adds n to the counter "postern_<name>_total". labels alternates
// names and values; a counter must always be given the same names.
func (m *Metrics) Count(name string, n int, labels ...string) {
	if m != nil {
		m.counters.of(name, labels).Add(float64(n))
	}
}

// Set sets the gauge "postern_<name>".
func (m *Metrics) Set(name string, value float64, labels ...string) {
	if m != nil {
		m.gauges.of(name, labels).Set(value)
	}
}

// Observe adds seconds to the histogram "postern_<name>_seconds".
func (m *Metrics) Observe(name string, seconds float64, labels ...string) {
	if m != nil {
		m.times.of(name, labels).Observe(seconds)
	}
}

// kind is all metrics of one kind.
type kind[M any] struct {
	family func(name string, labels []string) func(values ...string) M // makes a family of them

	mu       sync.Mutex
	families map[string]func(values ...string) M
	found    map[figure]M
}

// figure is a metric with its labels. Found once, it is found again by them
// alone: the registry would make a list of the values each time.
type figure struct{ name, a, b string }

// of finds a metric, and makes it when it is new.
func (k *kind[M]) of(name string, labels []string) M {
	f := figure{name: name}
	if len(labels) > 1 {
		f.a = labels[1]
	}
	if len(labels) > 3 {
		f.b = labels[3]
	}
	few := len(labels) <= 4
	k.mu.Lock()
	defer k.mu.Unlock()
	if m, found := k.found[f]; found && few {
		return m
	}
	with := k.families[name]
	if with == nil {
		with = k.family(name, every2nd(labels, 0))
		if k.families == nil {
			k.families, k.found = map[string]func(...string) M{}, map[figure]M{}
		}
		k.families[name] = with
	}
	m := with(every2nd(labels, 1)...)
	if few {
		k.found[f] = m
	}
	return m
}

// Handler serves the registry in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

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
