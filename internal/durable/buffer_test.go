package durable

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func TestABufferGivesBackWhatWentIn(t *testing.T) {
	for _, size := range []int{0, 1, 15, 16, 17, page - 1, page, page + 1, 3*page - 1, 3 * page, 5*page + 12345} {
		for _, limit := range []int{0, 1, page, 2 * page, 100 * page} {
			data := make([]byte, size)
			r := rand.New(rand.NewPCG(uint64(size), uint64(limit)))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			b := NewBuffer(limit, t.TempDir())
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(50000))
				if m, err := b.Write(rest[:n]); m != n || err != nil {
					t.Fatal(m, err)
				}
				rest = rest[n:]
			}
			if b.Size() != int64(size) {
				t.Fatalf("size %d, want %d", b.Size(), size)
			}
			got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("size %d, limit %d: differs (%v)", size, limit, err)
			}
			for range 50 {
				off, n := r.IntN(size+1), r.IntN(2*page)
				p := make([]byte, n)
				m, err := b.ReadAt(p, int64(off))
				if want := data[off:min(size, off+n)]; !bytes.Equal(p[:m], want) || (m < n) != (err == io.EOF) {
					t.Fatalf("size %d, limit %d: ReadAt(%d, %d) = %d, %v", size, limit, n, off, m, err)
				}
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := b.ReadAt(make([]byte, 1), 0); err == nil {
				t.Fatal("a closed buffer was read")
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNothingReadableReachesTheDisk(t *testing.T) {
	dir := t.TempDir()
	pool := NewPool(page, dir)
	canary := []byte("CANARY-4111111111111111-")
	var raws [][]byte
	for range 2 { // two files of one pool
		b := pool.Buffer()
		defer b.Close()
		for b.Size() < 8*page {
			if _, err := b.Write(canary); err != nil {
				t.Fatal(err)
			}
		}
		if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) > 0 {
			t.Errorf("the file has a name: %q, %v", names, err)
		}
		info, err := b.file.Stat()
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Fatalf("file: %v, %v", info, err)
		}
		raw := make([]byte, info.Size())
		if _, err := b.file.ReadAt(raw, 0); err != nil {
			t.Fatal(err)
		}
		for n := 4; n <= len(canary); n += 4 {
			if bytes.Contains(raw, canary[:n]) {
				t.Errorf("%q stands readable in the file", canary[:n])
			}
		}
		raws = append(raws, raw)
	}
	// The same text under the same key: with one nonce the files were equal.
	for off := 0; off+16 <= len(raws[0]); off += 16 {
		if bytes.Equal(raws[0][off:off+16], raws[1][off:off+16]) {
			t.Fatalf("two files share the key stream at %d", off)
		}
	}
}

func TestALargeBodyNeedsLittleMemory(t *testing.T) {
	const size = 150 << 20
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b := NewBuffer(1<<20, t.TempDir())
	defer b.Close()
	for b.Size() < size {
		if _, err := b.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 8<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d MiB were allocated in all", got>>20)
	}
	p := make([]byte, 32)
	if _, err := b.ReadAt(p, size/2+5); err != nil || string(p) != "56789abcdef0123456789abcdef01234" {
		t.Errorf("%q, %v", p, err)
	}
}

func TestBodiesShareTheirMemory(t *testing.T) {
	pool := NewPool(100*page, t.TempDir())
	pool.lent = maxLent - 3 // by others
	data := bytes.Repeat([]byte("0123456789abcdef"), 10*page/16)
	for range 2 {
		b := pool.Buffer()
		defer b.Close()
		if _, err := b.Write(data); err != nil {
			t.Fatal(err)
		}
		if pool.lent > maxLent+1 {
			t.Errorf("%d pages are lent", pool.lent)
		}
		pool.lent -= 100 // others are done: what is in the file stays there, and in order
		if _, err := b.Write(data); err != nil {
			t.Fatal(err)
		}
		pool.lent += 100
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if err != nil || !bytes.Equal(got, append(bytes.Clone(data), data...)) {
			t.Errorf("differs (%v)", err)
		}
	}
}

func TestSeveralReadersAtOnce(t *testing.T) {
	b := NewBuffer(page, t.TempDir())
	defer b.Close()
	data := make([]byte, 10*page)
	for i := range data {
		data[i] = byte(i * 7)
	}
	if _, err := b.Write(data); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			p := make([]byte, 1000)
			for range 200 {
				off := r.IntN(len(data) - len(p))
				if _, err := b.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
					t.Error("wrong octets", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestMemoryComesBackEmpty(t *testing.T) {
	pool := NewPool(4*page, t.TempDir())
	b := pool.Buffer()
	if _, err := b.Write(bytes.Repeat([]byte("secret"), page)); err != nil {
		t.Fatal(err)
	}
	lent := append(slices.Clone(b.pages), b.tail)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if len(lent) != 4 || pool.lent != 0 {
		t.Fatalf("%d pages were lent, %d are", len(lent), pool.lent)
	}
	for _, m := range lent {
		if m = m[:cap(m)]; len(m) != page || bytes.ContainsAny(m, "secret") {
			t.Fatal("a free page holds mail")
		}
	}
}

func TestAMissingFolderIsAnErrorOfTheBuffer(t *testing.T) {
	b := NewBuffer(0, filepath.Join(t.TempDir(), "missing"))
	defer b.Close()
	_, err := b.Write(make([]byte, 3*page))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, again := b.Write([]byte("x")); again == nil {
		t.Error("the failure was forgotten")
	}
	if _, err := b.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("a broken buffer was read")
	}
}

func BenchmarkBuffer(b *testing.B) {
	pool := NewPool(1<<20, b.TempDir())
	data := make([]byte, 75<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		buf := pool.Buffer()
		if _, err := buf.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := buf.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// What lies in memory can be read in place, up to what lies on the disk.
func TestPagesAreWhatWentIn(t *testing.T) {
	for _, size := range []int{0, 1, page - 1, page, page + 1, 3*page + 7} {
		for _, limit := range []int{0, page, 2 * page, 10 * page} {
			b := NewBuffer(limit, t.TempDir())
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i * 7)
			}
			if _, err := b.Write(data); err != nil {
				t.Fatal(err)
			}
			for from := range size + 1 {
				if from > 3 && from%page > 2 && from < size-2 {
					continue
				}
				p := b.Page(int64(from))
				if !bytes.HasPrefix(data[from:], p) {
					t.Fatalf("size %d, limit %d: the page at %d is wrong", size, limit, from)
				}
				if b.file == nil && from < size && len(p) == 0 {
					t.Fatalf("size %d, limit %d: no page at %d, and no file", size, limit, from)
				}
			}
			b.Close()
			if p := b.Page(0); p != nil {
				t.Errorf("size %d: a page after Close", size)
			}
		}
	}
}

// A body that somebody keeps outlives its owner's Close, and no longer.
func TestABodyThatIsKeptStays(t *testing.T) {
	p := NewPool(maxKept+page, t.TempDir())
	b := p.Buffer()
	if _, err := b.Write([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if !b.Keep() {
			t.Fatal("a small body is not kept")
		}
	}
	for left := 2; left >= 0; left-- {
		if got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size())); err != nil || string(got) != "kept" {
			t.Fatalf("%d left: %q, %v", left, got, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("a body that nobody keeps was read")
	}
	if b.Keep() {
		t.Error("a body that is gone is kept")
	}
	if p.lent != 0 {
		t.Errorf("%d pages are missing", p.lent)
	}
}

func TestWhatIsLargeIsNotKept(t *testing.T) {
	p := NewPool(2*maxKept, t.TempDir())
	for _, test := range []struct {
		name string
		size int
		lent int
		want bool
	}{
		{"the largest", maxKept, 0, true},
		{"larger", maxKept + 1, 0, false},
		{"on the disk", 2*maxKept + page, 0, false},
		{"small, while all hold much", 1, maxLent, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := p.Buffer()
			defer b.Close()
			if _, err := b.Write(make([]byte, test.size)); err != nil {
				t.Fatal(err)
			}
			p.lent += test.lent
			defer func() { p.lent -= test.lent }()
			kept := b.Keep()
			if kept {
				defer b.Close()
			}
			if kept != test.want {
				t.Errorf("kept: %v", kept)
			}
		})
	}
}
