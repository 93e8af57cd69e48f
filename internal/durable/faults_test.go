package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/durable"
)

// life is what the tests below interrupt at every step. promised grows with
// each answer that came without an error: name to content, "" for removed.
func life(d *durable.Dir, promised map[string]string) error {
	for _, w := range []struct{ name, content string }{
		{"a", "first"}, {"b", "second body"}, {"a", "first, rewritten"},
	} {
		// From here to the answer the old and the new content are both right.
		old, had := promised[w.name]
		promised[w.name+"?"] = w.content
		if !had {
			old = ""
		}
		promised[w.name] = old
		if err := d.WriteFile(w.name, []byte(w.content)); err != nil {
			return err
		}
		promised[w.name] = w.content
		delete(promised, w.name+"?")
	}
	promised["b?"] = ""
	if err := d.Remove("b"); err != nil {
		return err
	}
	promised["b"] = ""
	delete(promised, "b?")
	sub, err := d.Sub("sub")
	if err != nil {
		return err
	}
	if err := sub.WriteFile("c", []byte("third")); err != nil {
		return err
	}
	promised["sub/c"] = "third"
	return nil
}

func content(t *testing.T, d *durable.Dir, name string) string {
	t.Helper()
	if filepath.Dir(name) != "." {
		var err error
		if d, err = d.Sub(filepath.Dir(name)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := d.ReadFile(filepath.Base(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// checkPromises reboots with every loss and looks whether what was answered is
// there.
func checkPromises(t *testing.T, f *durable.Faults, promised map[string]string) {
	t.Helper()
	for _, loss := range durable.Losses() {
		path := filepath.Join(t.TempDir(), "after")
		if err := f.Reboot(path, loss); err != nil {
			t.Fatal(err)
		}
		d, err := durable.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Sweep(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "sub/c"} {
			got := content(t, d, name)
			maybe, open := promised[name+"?"]
			if got != promised[name] && !(open && got == maybe) {
				t.Errorf("%v: %s is %q, promised %q (in progress: %q)\n%q", loss, name, got, promised[name], maybe, f.Log())
			}
		}
	}
}

func countOps(t *testing.T) int {
	t.Helper()
	var f durable.Faults
	d, err := durable.OpenFaulty(t.TempDir(), &f)
	if err != nil {
		t.Fatal(err)
	}
	if err := life(d, map[string]string{}); err != nil {
		t.Fatal(err)
	}
	return f.Ops()
}

func TestWhatWasAnsweredSurvivesACrashAtEveryStep(t *testing.T) {
	for n := range countOps(t) + 1 {
		t.Run(fmt.Sprint("after ", n), func(t *testing.T) {
			var f durable.Faults
			f.CrashAfter(n)
			d, err := durable.OpenFaulty(t.TempDir(), &f)
			if err != nil {
				t.Fatal(err)
			}
			promised := map[string]string{}
			err = life(d, promised)
			if f.Crashed() != errors.Is(err, durable.ErrCrashed) || errors.Is(err, durable.ErrSync) {
				t.Errorf("crashed %v: %v", f.Crashed(), err)
			}
			// "sub/c" may be there before its answer.
			if promised["sub/c"] == "" {
				promised["sub/c?"] = "third"
			}
			checkPromises(t, &f, promised)
		})
	}
}

func TestAFailingDiskIsReportedAndBreaksNoPromise(t *testing.T) {
	for n := 1; n <= countOps(t); n++ {
		for _, fault := range []durable.Fault{durable.IOError, durable.NoSpace, durable.ShortWrite} {
			t.Run(fmt.Sprint(n, "-", fault), func(t *testing.T) {
				var f durable.Faults
				f.FailAt(n, fault)
				d, err := durable.OpenFaulty(t.TempDir(), &f)
				if err != nil {
					t.Fatal(err)
				}
				promised := map[string]string{}
				err = life(d, promised)
				if err == nil {
					t.Fatalf("nobody noticed: %q", f.Log())
				}
				isSync := errors.Is(err, durable.ErrSync)
				if isSync && errors.Is(err, durable.ErrFull) {
					t.Errorf("a failed fsync looks like a full disk: %v", err)
				}
				if !isSync && fault == durable.NoSpace && !errors.Is(err, durable.ErrFull) {
					t.Errorf("a full disk is not seen: %v", err)
				}
				if promised["sub/c"] == "" {
					promised["sub/c?"] = "third"
				}
				checkPromises(t, &f, promised)
			})
		}
	}
}

func TestOnlyAFailedSyncIsDeath(t *testing.T) {
	// create, write, sync, rename, sync folder
	for n, death := range []bool{false, false, true, false, true} {
		var f durable.Faults
		f.FailAt(n+1, durable.IOError)
		d, err := durable.OpenFaulty(t.TempDir(), &f)
		if err != nil {
			t.Fatal(err)
		}
		err = d.WriteFile("x", []byte("y"))
		if err == nil || errors.Is(err, durable.ErrSync) != death {
			t.Errorf("operation %d: %v", n+1, err)
		}
	}
}

// TestTheModelForgets proves that the twin is not too kind: without the syncs
// the losses do lose.
func TestTheModelForgets(t *testing.T) {
	var f durable.Faults
	f.CrashAfter(3) // create, write, sync: not yet renamed
	d, err := durable.OpenFaulty(t.TempDir(), &f)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile("x", []byte("12345678")); !errors.Is(err, durable.ErrCrashed) {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, loss := range durable.Losses() {
		path := filepath.Join(t.TempDir(), "after")
		if err := f.Reboot(path, loss); err != nil {
			t.Fatal(err)
		}
		all, err := filepath.Glob(filepath.Join(path, ".tmp-*"))
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(loss.String(), len(all))] = true
	}
	for _, want := range []string{"lose all0", "keep all1", "keep names1", "tear1"} {
		if !seen[want] {
			t.Errorf("%s is missing: %v", want, seen)
		}
	}

	var g durable.Faults
	d, err = durable.OpenFaulty(t.TempDir(), &g)
	if err != nil {
		t.Fatal(err)
	}
	file, err := d.Create("x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("12345678")); err != nil {
		t.Fatal(err)
	}
	for loss, want := range map[durable.Loss]string{
		durable.KeepNames: "", durable.Tear: "1234\x00\x00\x00\x00",
		durable.Rot: "\x00\x00\x00\x00\x00\x00\x00\x00", durable.KeepAll: "12345678",
	} {
		path := filepath.Join(t.TempDir(), "after")
		if err := g.Reboot(path, loss); err != nil {
			t.Fatal(err)
		}
		all, err := filepath.Glob(filepath.Join(path, ".tmp-*"))
		if err != nil || len(all) != 1 {
			t.Fatalf("%v: %q, %v", loss, all, err)
		}
		after, err := durable.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := after.ReadFile(filepath.Base(all[0])); err != nil || string(got) != want {
			t.Errorf("%v: %q, %v", loss, got, err)
		}
	}
}

func TestOtherStepsAreCountedToo(t *testing.T) {
	var f durable.Faults
	d, err := durable.OpenFaulty(t.TempDir(), &f)
	if err != nil {
		t.Fatal(err)
	}
	f.CrashAfter(6)
	if err := d.WriteFile("x", nil); err != nil {
		t.Fatal(err)
	}
	before := f.Ops()
	if err := f.Op("commit"); err != nil || f.Ops() != before+1 {
		t.Errorf("%v, %d operations", err, f.Ops())
	}
	for range 3 {
		_ = f.Op("commit")
	}
	if err := f.Op("commit"); !errors.Is(err, durable.ErrCrashed) || f.Ops() != 6 {
		t.Errorf("%v, %d operations", err, f.Ops())
	}
	if _, err := d.ReadFile("x"); !errors.Is(err, durable.ErrCrashed) {
		t.Errorf("the dead read a file: %v", err)
	}
}
