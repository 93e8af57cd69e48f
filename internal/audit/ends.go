package audit

import (
	"fmt"
	"maps"
	"slices"

	"postern.dev/postern/internal/store"
)

// ends are the ends of the chains that a group of transactions writes on. They
// are read, signed and written once for the group.
type ends struct {
	l     *Log
	heads map[string]head // by tenant; not signed
}

// endsKey names them among what is left to the end of a group.
type endsKey struct{}

// ends are those of the group that tx belongs to.
func (l *Log) ends(tx *store.Tx) *ends {
	return tx.Ending(endsKey{}, func(former store.Ending) store.Ending {
		mine := &ends{l: l, heads: map[string]head{}}
		if f, ok := former.(*ends); ok {
			maps.Copy(mine.heads, f.heads)
		}
		return mine
	}).(*ends)
}

// of is the end of a chain, which nobody else writes on until the COMMIT.
func (e *ends) of(tx *store.Tx, tenant string) (head, error) {
	if h, known := e.heads[tenant]; known {
		return h, nil
	}
	if err := tx.Lock("audit " + tenant); err != nil {
		return head{}, fmt.Errorf("audit: lock: %w", err)
	}
	return readHead(tx, tenant)
}

// End implements store.Ending.
func (e *ends) End(tx *store.Tx) error {
	for _, tenant := range slices.Sorted(maps.Keys(e.heads)) {
		h := e.heads[tenant]
		h.mac = h.sign(e.l.keys[0])
		if err := upsertHead(tx, h); err != nil {
			return err
		}
	}
	return nil
}
