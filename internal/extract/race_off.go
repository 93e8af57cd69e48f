//go:build !race

package extract

const (
	raced      = false
	raceFactor = 1
)
