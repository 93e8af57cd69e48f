package spool

import (
	"context"
	"errors"
	"io/fs"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// Swept is what Open found when it compared rows and files.
type Swept struct {
	// Unowned is the number of body files that had no row and were removed:
	// their arrivals were never answered with 250.
	Unowned int
	// Unfinished is the number of files that were still being written.
	Unfinished int
	// Erased is the number of files whose rows said that they are gone.
	Erased int
	// Missing are the messages whose file is not there. They are kept and
	// alarmed.
	Missing []string
}

// Swept is what was found when the spool was opened.
func (s *Spool) Swept() Swept { return s.swept }

type owner struct {
	id, tenant string
	gone       bool
}

// sweep makes files and rows agree, in the only moment when a file without a
// row cannot be one that is about to get it.
func (s *Spool) sweep(ctx context.Context) error {
	owners := map[string]owner{}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		owners, err = bodyOwners(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, dir := range s.shards {
		n, err := dir.Sweep()
		if err != nil {
			return err
		}
		s.swept.Unfinished += n
		names, err := dir.Names()
		if err != nil {
			return err
		}
		for _, name := range names {
			o, owned := owners[name]
			delete(owners, name)
			if owned && !o.gone {
				continue
			}
			if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if owned {
				s.swept.Erased++
			} else {
				s.swept.Unowned++
			}
		}
	}
	s.report(owners)
	return nil
}

func (s *Spool) report(owners map[string]owner) {
	for _, o := range owners {
		if o.gone {
			continue
		}
		s.swept.Missing = append(s.swept.Missing, o.id)
		s.log.Error("a message in custody has no body file", telemetry.KeyCode, problem.BodyMissing,
			telemetry.KeyMessage, o.id, telemetry.KeyTenant, o.tenant)
	}
	if s.swept.Unowned > 0 {
		s.log.Warn("body files of arrivals that were never answered with 250 were removed",
			telemetry.KeyCode, problem.BodyUnowned, telemetry.KeyCount, s.swept.Unowned)
	}
}
