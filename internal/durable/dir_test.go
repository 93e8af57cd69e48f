package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/durable"
)

func open(t *testing.T) *durable.Dir {
	t.Helper()
	d, err := durable.Open(filepath.Join(t.TempDir(), "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAFileAppearsOnlyWithCommit(t *testing.T) {
	d := open(t)
	f, err := d.Create("mail")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "half ")
	io.WriteString(f, "and half")
	if _, err := d.ReadFile("mail"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before Commit: %v", err)
	}
	if names, err := d.Names(); err != nil || len(names) != 0 {
		t.Fatalf("before Commit: %q, %v", names, err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := d.ReadFile("mail"); err != nil || string(got) != "half and half" {
		t.Fatalf("after Commit: %q, %v", got, err)
	}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("a committed file took more")
	}
	if err := f.Commit(); err == nil {
		t.Error("a file was committed twice")
	}
	f.Discard()
	if names, _ := d.Names(); !slices.Equal(names, []string{"mail"}) {
		t.Errorf("Discard after Commit changed the folder: %q", names)
	}
}

func TestFilesAndFoldersAreForTheirOwnerOnly(t *testing.T) {
	d := open(t)
	if err := d.WriteFile("f", []byte("x")); err != nil {
		t.Fatal(err)
	}
	sub, err := d.Sub("s")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{d.Path("f"): 0o600, d.Path("."): 0o700, sub.Path("."): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestFolderListsWhatIsCommitted(t *testing.T) {
	d := open(t)
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, name := range []string{"b", "a", "c"} {
		if err := d.WriteFile(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Sub("folder"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Create("unfinished"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("b"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	names, err := d.Names()
	if err != nil || !slices.Equal(names, []string{"a", "c"}) {
		t.Errorf("names: %q, %v", names, err)
	}
	if n, err := d.Sweep(); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if n, err := d.Sweep(); n != 0 || err != nil {
		t.Errorf("swept %d again, %v", n, err)
	}
}

func TestNamesStayInsideTheirFolder(t *testing.T) {
	d := open(t)
	for _, name := range []string{"", ".", "..", "a/b", "../x", "a\x00b", "/etc/passwd"} {
		if _, err := d.Create(name); err == nil {
			t.Errorf("Create(%q) was taken", name)
		}
		if _, err := d.OpenFile(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("OpenFile(%q): %v", name, err)
		}
		if err := d.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Remove(%q): %v", name, err)
		}
		if _, err := d.Sub(name); err == nil {
			t.Errorf("Sub(%q) was taken", name)
		}
	}
}

func TestOnlyOneHoldsTheFolder(t *testing.T) {
	d := open(t)
	first, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Lock()
	if !errors.Is(err, durable.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("second lock: %v", err)
	}
	first.Close()
	again, err := d.Lock()
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	again.Close()
}

func TestAnyPartOfAFileCanBeRead(t *testing.T) {
	d := open(t)
	data := bytes.Repeat([]byte("0123456789"), 1000)
	if err := d.WriteFile("f", data); err != nil {
		t.Fatal(err)
	}
	r, err := d.OpenFile("f")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Size() != int64(len(data)) {
		t.Errorf("size %d", r.Size())
	}
	p := make([]byte, 7)
	if n, err := r.ReadAt(p, 5); n != 7 || err != nil || string(p) != "5678901" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := r.ReadAt(p, r.Size()-3); n != 3 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
