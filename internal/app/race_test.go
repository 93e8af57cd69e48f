//go:build race

package app

// racing says that the race detector makes everything slow.
const racing = true
