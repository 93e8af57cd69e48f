package power

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script replays lines as strace writes them, in clear text for the reader,
// and lays out what a cut leaves.
func script(t *testing.T, cut Cut, lines ...string) map[string]string {
	t.Helper()
	calls, _, err := ReadCalls(strings.NewReader(strings.Join(lines, "\n")), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDisk("/home")
	for _, s := range steps(calls) {
		if s.begins {
			d.BeginSync(s.call)
		} else if _, err := d.Do(s.call); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := d.Cut(cut).Write(dir); err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, _ := os.ReadFile(name)
		left[filepath.Base(name)] = string(data)
	}
	return left
}

func cutNamed(t *testing.T, name string) Cut {
	t.Helper()
	for _, c := range Cuts(0, 0) {
		if c.String() == name {
			return c
		}
	}
	t.Fatalf("no cut is called %q", name)
	return Cut{}
}

func TestAPowerCutLeavesWhatPOSIXPromisesAndNoMore(t *testing.T) {
	const made = `7 openat(AT_FDCWD</x>, "/home/f", O_RDWR|O_CREAT, 0600) = 3</home/f>`
	long := strings.Repeat("n", 2*sector)
	tests := []struct {
		name, cut string
		lines     []string
		want      map[string]string
	}{
		{"nothing is synced, nothing is kept", "lose all", []string{made, `7 write(3</home/f>, "abc", 3) = 3`}, map[string]string{}},
		{"a file without its entry is lost with its data", "lose all", []string{
			made, `7 write(3</home/f>, "abc", 3) = 3`, `7 fsync(3</home/f>) = 0`}, map[string]string{}},
		{"an entry without data is an empty file", "lose all", []string{
			made, `7 write(3</home/f>, "abc", 3) = 3`, `7 fsync(4</home>) = 0`}, map[string]string{"f": ""}},
		{"both together are kept", "lose all", []string{
			made, `7 write(3</home/f>, "abc", 3) = 3`, `7 fdatasync(3</home/f>) = 0`, `7 fsync(4</home>) = 0`},
			map[string]string{"f": "abc"}},
		{"a write during the fsync may be lost", "lose all", []string{
			made, `7 fsync(4</home>) = 0`, `7 write(3</home/f>, "abc", 3) = 3`, `8 fsync(3</home/f> <unfinished ...>`,
			`7 write(3</home/f>, "def", 3) = 3`, `8 <... fsync resumed>) = 0`}, map[string]string{"f": "abc"}},
		{"a rename that is not synced did not happen", "lose all", []string{
			made, `7 fsync(4</home>) = 0`, `7 rename("/home/f", "/home/g") = 0`}, map[string]string{"f": ""}},
		{"a rename that is synced did", "lose all", []string{
			made, `7 fsync(4</home>) = 0`, `7 rename("/home/f", "/home/g") = 0`, `7 fsync(4</home>) = 0`},
			map[string]string{"g": ""}},
		{"an unlink that is not synced may come back", "lose all", []string{
			made, `7 fsync(4</home>) = 0`, `7 unlink("/home/f") = 0`}, map[string]string{"f": ""}},
		{"or not", "keep names", []string{
			made, `7 fsync(4</home>) = 0`, `7 unlink("/home/f") = 0`}, map[string]string{}},
		{"a write is torn at a sector", "tear the last write", []string{
			made, `7 pwrite64(3</home/f>, "` + long + `", 1024, 0) = 1024`}, map[string]string{"f": long[:sector]}},
		{"a tail of zeros", "zeros in the tail", []string{
			made, `7 write(3</home/f>, "abc", 3) = 3`, `7 write(3</home/f>, "def", 3) = 3`}, map[string]string{"f": "abc\x00\x00\x00"}},
		{"the last write came before the others", "the last write before the others", []string{
			made, `7 write(3</home/f>, "abc", 3) = 3`, `7 write(3</home/f>, "def", 3) = 3`}, map[string]string{"f": "\x00\x00\x00def"}},
		{"a truncation that is not synced did not happen", "lose all", []string{
			made, `7 fsync(4</home>) = 0`, `7 write(3</home/f>, "abc", 3) = 3`, `7 fsync(3</home/f>) = 0`,
			`7 ftruncate(3</home/f>, 1) = 0`}, map[string]string{"f": "abc"}},
		{"a call that failed changed nothing", "keep all", []string{
			made, `7 write(3</home/f>, "abc", 3) = -1 EIO (Input/output error)`}, map[string]string{"f": ""}},
		{"a short write wrote what it said", "keep all", []string{
			made, `7 write(3</home/f>, "abc", 3) = 2`}, map[string]string{"f": "ab"}},
		{"hexadecimal is read", "keep all", []string{
			made, `7 writev(3<\x2f\x68\x6f\x6d\x65\x2f\x66>, [{iov_base="\x61", iov_len=1}, {iov_base="\x00\x22", iov_len=2}], 2) = 3`},
			map[string]string{"f": "a\x00\""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := script(t, cutNamed(t, test.cut), test.lines...)
			if len(got) != len(test.want) {
				t.Fatalf("left %q, want %q", got, test.want)
			}
			for name, text := range test.want {
				if data, there := got[name]; !there || data != text {
					t.Errorf("left %q, want %q", got, test.want)
				}
			}
		})
	}
}

func TestWhatTheModelDoesNotKnowIsAnError(t *testing.T) {
	for _, line := range []string{
		`7 sync_file_range(3</home/f>, 0, 0, SYNC_FILE_RANGE_WRITE) = 0`,
		`7 link("/home/f", "/home/g") = 0`,
		`7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</home/postern.db>, 0) = 0x7f0000000000`,
		`7 rename("/home/f", "/home/g") = 0`,
	} {
		calls, _, err := ReadCalls(strings.NewReader(line), 0)
		if err != nil || len(calls) != 1 {
			t.Fatal(line, calls, err)
		}
		if _, err := NewDisk("/home").Do(calls[0]); err == nil {
			t.Errorf("taken: %s", line)
		}
	}
}

func TestTheSameCutIsTheSameDisk(t *testing.T) {
	calls, _, err := ReadCalls(strings.NewReader(`7 openat(AT_FDCWD</x>, "/home/f", O_RDWR|O_CREAT, 0600) = 3</home/f>
7 write(3</home/f>, "abc", 3) = 3
7 write(3</home/f>, "def", 3) = 3`), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDisk("/home")
	for _, c := range calls {
		if _, err := d.Do(c); err != nil {
			t.Fatal(err)
		}
	}
	keys, marks := map[uint64]bool{}, newMarks()
	mark := func(s *State) uint64 {
		all, _ := marks.of(s)
		return all
	}
	for _, c := range Cuts(50, 3) {
		if first, again := mark(d.Cut(c)), mark(d.Cut(c)); first != again {
			t.Errorf("%s answers differently", c)
		}
		keys[mark(d.Cut(c))] = true
	}
	if len(keys) < 8 {
		t.Errorf("60 cuts make only %d disks", len(keys))
	}
}
