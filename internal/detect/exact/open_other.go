//go:build !unix

package exact

import (
	"fmt"
	"os"
)

// Open opens a table.
func Open(name string) (*Table, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("exact: %w", err)
	}
	t, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}
