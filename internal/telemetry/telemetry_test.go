package telemetry

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestMetricsAreCountedByTheirLabels(t *testing.T) {
	m := NewMetrics()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				m.Count("plain", 1)
				m.Count("one", 2, "k", "a")
				m.Count("one", 3, "k", "b")
				m.Count("two", 1, "k", "a", "l", "b")
				m.Count("two", 1, "k", "b", "l", "a")
				for _, last := range []string{"x", "y"} {
					m.Count("three", 1, "k", "a", "l", "b", "m", last)
				}
				m.Set("height", 7, "k", "a")
				m.Observe("wait", .002)
			}
		})
	}
	all.Wait()
	var none *Metrics
	none.Count("plain", 1)
	none.Set("height", 1)
	none.Observe("wait", 1)

	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"postern_plain_total 400", `postern_one_total{k="a"} 800`, `postern_one_total{k="b"} 1200`,
		`postern_two_total{k="a",l="b"} 400`, `postern_two_total{k="b",l="a"} 400`,
		`postern_three_total{k="a",l="b",m="x"} 400`, `postern_three_total{k="a",l="b",m="y"} 400`,
		`postern_height{k="a"} 7`, "postern_wait_seconds_count 400",
	} {
		if !strings.Contains(page.Body.String(), want+"\n") {
			t.Errorf("%q is missing", want)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	m := NewMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.Count("receive_messages", 1, "answer", "2xx")
	}
}
