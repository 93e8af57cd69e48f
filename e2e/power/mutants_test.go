//go:build e2e

package power

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// edit replaces text of a source file; all of it must be there.
type edit struct{ file, old, new string }

// TestMutantsOfTheCodeAreFound builds the binary with one sync, or one order,
// taken out of its source, records it and cuts its power. Long form only:
// every mutant is a build.
func TestMutantsOfTheCodeAreFound(t *testing.T) {
	if !long() && os.Getenv("POSTERN_POWER") != "mutants" {
		t.Skip("only with POSTERN_POWER=long or mutants: every mutant is a build")
	}
	mutants := []struct {
		name  string
		edits []edit
	}{
		{"a body is not synced", []edit{{"durable/file.go",
			`f.dir.step("sync", f.temp, file.Sync,`, `f.dir.step("sync", f.temp, func() error { return nil },`}}},
		{"a folder is not synced", []edit{{"durable/dir.go",
			`func() error { return syncFolder(d.path) }`, `func() error { return nil }`}}},
		{"the database does not sync", []edit{
			{"store/conn.go", `"synchronous = FULL"`, `"synchronous = OFF"`},
			{"store/conn.go", `"PRAGMA synchronous": "2"`, `"PRAGMA synchronous": "0"`}}},
		{"the database syncs at checkpoints only", []edit{
			{"store/conn.go", `"synchronous = FULL"`, `"synchronous = NORMAL"`},
			{"store/conn.go", `"PRAGMA synchronous": "2"`, `"PRAGMA synchronous": "1"`}}},
		{"the body is written after the row", []edit{
			{"spool/spool.go", "\tdefer f.Discard()\n", ""},
			{"spool/spool.go", "err = f.Commit()", "go func() { time.Sleep(300 * time.Millisecond); _ = f.Commit() }()"},
			// Who reads it waits: otherwise each send finds no body, and nothing ends.
			{"spool/spool.go", "\tdefer clear(key)\n", "\tdefer clear(key)\n\ttime.Sleep(time.Second)\n"}}},
		{"a body is unlinked before its row says so", []edit{{"gateway/enacting.go",
			"tx.OnCommit(func() { g.unlink(id, file) })", "g.Spool.Unlink([]string{file}, func(string, error) {})\n\t\ttime.Sleep(50 * time.Millisecond)"}}},
		{"the intent is not kept before the onward dot", []edit{{"gateway/cutthrough.go",
			"if reply, ok := g.commitIntent(ctx, tr, *m); !ok {", "if reply, ok := (mail.Reply{}), true; !ok {"}}},
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			r := record(t, mutant(t, m.edits))
			r.run(t, 30)
			c := r.campaign(t)
			c.First, c.Cuts = true, Cuts(2, 1)
			told := map[int]bool{}
			for _, kind := range []string{"promised", "onward"} {
				for _, place := range c.Told(kind) {
					told[place] = true
				}
			}
			unlinks := m.name == "a body is unlinked before its row says so"
			c.At = func(p int) bool { return told[p] || unlinks }
			result, err := c.Run(context.Background())
			must(t, err)
			if result.Lost == 0 {
				t.Fatalf("nothing was found: %s", result)
			}
			t.Logf("found: %.300s", result.Wrong[0])
		})
	}
}

// mutant builds the binary with changed sources.
func mutant(t *testing.T, edits []edit) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	must(t, err)
	dir := t.TempDir()
	texts := map[string]string{}
	for _, e := range edits {
		path := filepath.Join(root, "internal", e.file)
		if _, read := texts[path]; !read {
			text, err := os.ReadFile(path)
			must(t, err)
			texts[path] = string(text)
		}
		if !strings.Contains(texts[path], e.old) {
			t.Fatalf("%s does not contain %q any more: mend the mutant", e.file, e.old)
		}
		texts[path] = strings.ReplaceAll(texts[path], e.old, e.new)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range texts {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay.Replace)))
		must(t, os.WriteFile(file, []byte(text), 0o600))
		overlay.Replace[path] = file
	}
	text, err := json.Marshal(overlay)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600))
	binary := filepath.Join(dir, "postern")
	cmd := exec.Command("go", "build", "-trimpath", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./cmd/postern")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}
