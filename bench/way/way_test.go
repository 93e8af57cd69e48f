// Package way measures the whole way of a message in one process: a source, a
// gateway that looks into everything, decides and records, and a sink, over
// loopback, so that one profile shows all rooms.
//
// Rates beside other programs are another thing: bench/pairs.sh.
package way

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/bench/load"
	"postern.dev/postern/internal/app"
)

const config = `
hostname: gw.postern.example
data: ./data
keys: file:./postern.key
smtp: { listen: "127.0.0.1:0", max_connections: 100, max_per_peer: 100 }
console: { listen: "off" }
apply: [./tenants]
`

const policies = `
kind: policy
id: cards-leave
name: Card numbers leave the organization
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 3
then: { header: { set: { X-Bench-Violates: "yes" } } }
---
kind: policy
id: short-mail-waits
name: Card numbers in short mail go to the archive, so that some mail waits on our disk
mode: enforce
when: direction == "outbound" && size < 10000 && findings.credit_card.high >= 1
then: { redirect: { to: [archive@fabrikam.example] } }
`

// start runs a gateway before a sink and returns where it listens.
func start(b *testing.B) (addr string) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sink := &load.Sink{Chunking: true}
	go func() { _ = sink.Serve(ln) }()
	b.Cleanup(func() { sink.Close() })

	dir := b.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tenants"), 0o700); err != nil {
		b.Fatal(err)
	}
	tenant, err := os.ReadFile("../tenant.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"postern.yaml": config, "tenants/policies.yaml": policies,
		"tenants/contoso.yaml": strings.NewReplacer("NEXT_HOP", ln.Addr().String(), "BACK_TLS", "off").Replace(string(tenant)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c, err := app.ReadConfig(filepath.Join(dir, "postern.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	a, err := app.Open(ctx, c, app.World{InProcess: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		b.Fatal(err)
	}
	a.Serve(door)
	b.Cleanup(func() {
		end, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := a.Shutdown(end); err != nil {
			b.Error(err)
		}
	})
	return door.Addr().String()
}

// BenchmarkWay is one message for each turn; both ends of the load are in it.
func BenchmarkWay(b *testing.B) {
	addr := start(b)
	var templates []*load.Template
	for i, m := range messages() {
		t, err := load.NewTemplate(m, load.Variation{
			Mark: true, Words: true, Violate: 2, Run: "way", Seed: uint64(i),
			Front: []byte("X-OriginatorOrg: contoso.example\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\n"),
		})
		if err != nil {
			b.Fatal(err)
		}
		templates = append(templates, t)
	}
	s := load.Source{
		Addr: addr, Connections: 20, Messages: b.N, Templates: templates, Hello: "source.load.example",
		Envelope: func(int) (string, []string) {
			return "anna.visser@contoso.example", []string{"bert.jansen@fabrikam.example"}
		},
	}
	b.ResetTimer()
	r, err := s.Run(context.Background())
	b.StopTimer()
	if err != nil || r.Taken != int64(b.N) {
		b.Fatalf("%d of %d were taken: %v %s", r.Taken, b.N, err, r.Last)
	}
}
