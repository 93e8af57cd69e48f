package store

import (
	"errors"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/problem"
)

// Problem names the row of the catalogue that tells an operator what to do
// about an error of this package or of package durable; "" for an error that
// no operator can act on.
func Problem(err error) problem.Code {
	for _, row := range []struct {
		err  error
		code problem.Code
	}{
		{ErrDead, problem.StoreDead},
		{durable.ErrSync, problem.DiskSync},
		{ErrFull, problem.StoreFull},
		{durable.ErrFull, problem.DiskFull},
		{ErrLocked, problem.StoreLocked},
		{durable.ErrLocked, problem.FolderInUse},
		{ErrNewer, problem.StoreNewer},
		{ErrUnsafe, problem.StoreUnsafe},
		{ErrOpen, problem.StoreUnopened},
	} {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return ""
}
