package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfiguration reads any postern.yaml: a file that is taken has values
// that can be used, and a mistake names the file.
func FuzzConfiguration(f *testing.F) {
	f.Add(contract)
	f.Add("hostname: x\nlimits: { message: 1e99, parts: -1, depth: 9999999999999 }\n")
	f.Add("smtp: { listen: [1, 2], tls: }\nretry: { schedule: [1m, -5m, x] }\n")
	f.Add("a: &a [*a]\n")
	f.Add("console: { listen: \"0.0.0.0:1\" }\nmetrics: { listen: \":\\x00\" }\ndns: { servers: [\"\"] }\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "postern.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadConfig(path)
		if err != nil {
			if !strings.Contains(err.Error(), "postern.yaml") {
				t.Fatalf("the mistake does not name its file: %v", err)
			}
			return
		}
		if c.Limits.Message < 0 || c.Limits.MemoryPerMessage < 0 || c.Limits.Depth < 0 || c.Limits.Parts < 0 || c.Limits.Judge < 0 ||
			c.Patience < 0 || c.Retry.GiveUp < 0 || c.SMTP.MaxSize < 0 {
			t.Fatalf("%q gives %+v", text, c.Limits)
		}
		for _, d := range c.Retry.Schedule {
			if d <= 0 {
				t.Fatalf("%q gives the schedule %v", text, c.Retry.Schedule)
			}
		}
	})
}
