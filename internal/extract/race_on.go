//go:build race

package extract

// A race build keeps shadows of its memory at addresses of its own: limits on
// addresses would kill it, and it needs a multiple of the memory.
const (
	raced      = true
	raceFactor = 4
)
