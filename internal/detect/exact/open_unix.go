//go:build unix

package exact

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open opens a table. Its file is mapped, so that all processes share one
// copy in memory and a large table is there at once.
func Open(name string) (*Table, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("exact: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("exact: %w", err)
	}
	if info.Size() < int64(len(magic)) || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", name, ErrFormat)
	}
	page, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("exact: map %s: %w", name, err)
	}
	t, err := parse(page)
	if err != nil {
		_ = unix.Munmap(page)
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.close = func() error { return unix.Munmap(page) }
	return t, nil
}
