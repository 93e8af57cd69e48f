package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// Result is what Verify found in the chain of a tenant.
type Result struct {
	Tenant string `json:"tenant"`
	Events int64  `json:"events"`
	// Pruned is how many of its oldest events were removed by retention.
	Pruned int64 `json:"pruned,omitempty"`
	// Erased counts events whose personal fields were erased by Erase.
	Erased int64 `json:"erased"`
	// Gaps are events whose personal fields are gone without an event that
	// says so.
	Gaps []int64 `json:"gaps,omitempty"`
	// Forged are events whose personal fields do not fit their commitment.
	Forged []int64 `json:"forged,omitempty"`
	// Broken is the number of the first event that does not fit; 0 when the
	// chain holds.
	Broken int64 `json:"broken,omitempty"`
	// Problem is the catalogue's code; "" when all is well.
	Problem problem.Code `json:"problem,omitempty"`
	// Why is a sentence about it.
	Why string `json:"why,omitempty"`
	// Head is the hash of the last event, to be kept elsewhere.
	Head string `json:"head,omitempty"`
}

// Ok reports whether nothing is wrong. Erasures by Postern are not wrong.
func (r Result) Ok() bool { return r.Problem == "" }

// Tenants lists the tenants that have a chain.
func (l *Log) Tenants(ctx context.Context) (list []string, err error) {
	err = l.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = chainTenants(tx)
		return err
	})
	return list, err
}

// Verify recomputes the chain of a tenant from its first event.
func (l *Log) Verify(ctx context.Context, tenant string) (Result, error) {
	v := verifier{result: Result{Tenant: tenant}, erased: map[int64]bool{}}
	var h head
	err := l.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = readHead(tx, tenant); err != nil {
			return err
		}
		b, err := readBase(tx, tenant)
		if err != nil {
			return err
		}
		if !l.honest(b) {
			return v.broken(1, "nobody of us says that the oldest events may be missing")
		}
		v.last.seq, v.last.hash, v.result.Pruned = b.seq, b.hash, b.seq
		return eachLink(tx, tenant, v.add)
	})
	if err != nil && !errors.Is(err, errBroken) {
		return Result{}, fmt.Errorf("audit: verify: %w", err)
	}
	v.end(l, h)
	return v.result, nil
}

// errBroken ends the reading at the first event that does not fit.
var errBroken = errors.New("broken")

type verifier struct {
	result Result
	last   link
	erased map[int64]bool // numbers named by erase events
	bare   []int64        // events with a commitment and without its row
}

// personalRow is the erasable half of an event.
type personalRow struct {
	salt []byte
	data string
}

func (v *verifier) add(l link, p *personalRow) error {
	want := v.last.seq + 1
	switch {
	case l.seq != want:
		return v.broken(want, fmt.Sprintf("event %d is missing", want))
	case l.prev != v.last.hash:
		return v.broken(l.seq, fmt.Sprintf("event %d does not follow the one before", l.seq))
	case l.sum() != l.hash:
		return v.broken(l.seq, fmt.Sprintf("event %d was changed", l.seq))
	}
	v.last = l
	v.result.Events++
	switch {
	case p == nil && l.commitment != digest{}:
		v.bare = append(v.bare, l.seq)
	case p != nil && commit(p.salt, p.data) != l.commitment:
		v.result.Forged = append(v.result.Forged, l.seq)
	}
	if l.kind == eraseKind {
		var e erasure
		if json.Unmarshal([]byte(l.public), &e) == nil {
			for _, seq := range e.Events {
				v.erased[seq] = true
			}
		}
	}
	return nil
}

func (v *verifier) broken(seq int64, why string) error {
	v.result.Broken, v.result.Problem, v.result.Why = seq, problem.ChainBroken, why
	return errBroken
}

func (v *verifier) end(l *Log, h head) {
	r := &v.result
	for _, seq := range v.bare {
		if v.erased[seq] {
			r.Erased++
		} else {
			r.Gaps = append(r.Gaps, seq)
		}
	}
	r.Head = fmt.Sprintf("%x", v.last.hash)
	switch {
	case r.Problem != "":
	case h.seq == 0 && r.Events+r.Pruned == 0: // nothing happened yet
	case !l.genuine(h):
		r.Problem, r.Why = problem.HeadWrong, "the head of the chain does not carry our key"
	case h.seq > v.last.seq:
		r.Broken, r.Problem = v.last.seq+1, problem.ChainCut
		r.Why = fmt.Sprintf("the chain ends at event %d, but had %d", v.last.seq, h.seq)
	case h.seq != v.last.seq || !bytes.Equal(h.hash[:], v.last.hash[:]):
		r.Broken, r.Problem = h.seq+1, problem.ChainBroken
		r.Why = fmt.Sprintf("there are events behind the head, which is event %d", h.seq)
	case len(r.Forged) > 0:
		r.Problem, r.Why = problem.PersonalWrong, fmt.Sprintf("personal fields of event %d were changed", r.Forged[0])
	case len(r.Gaps) > 0:
		r.Problem, r.Why = problem.PersonalLost, fmt.Sprintf("personal fields of event %d are gone", r.Gaps[0])
	}
}
