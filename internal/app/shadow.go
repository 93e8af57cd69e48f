package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/replay"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// A shadow is a second version of the policies beside the one in force, from a
// moment on and without effect. What it would have decided about each message
// since is worked out from the facts that every record keeps, when somebody
// asks: so it can neither delay a message nor act, and costs nothing while
// mail flows. What it asks of detectors of its own, nobody can know.

// Shadow is such a version.
type Shadow struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	// Reason is why, in the words of who did it.
	Reason string `json:"reason,omitempty"`
	// Policy is its version, as a record would name it.
	Policy string `json:"policy"`

	files, beside files
}

// ErrNoShadow says that no version runs as a shadow.
var ErrNoShadow = errors.New("no policies run as a shadow")

// shadowSchema is the table of the one shadow.
const shadowSchema = `CREATE TABLE shadow (
	id BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL,
	policy TEXT NOT NULL,
	files TEXT NOT NULL,
	beside TEXT NOT NULL)`

// merged is a state with a draft in place of what it replaces.
func (k keptState) merged(paths []string, draft, beside, fresh files) (*inForce, error) {
	all := k.files.without(paths).withoutPolicies(draft)
	maps.Copy(all, draft)
	kept := maps.Clone(k.beside)
	maps.Copy(kept, beside)
	offline := tenant.NewRegistry(tenant.NewPublished())
	offline.Offline = true
	return buildWith(offline, all, kept, fresh)
}

// CastShadow lets a draft run as a shadow from now on, in place of another
// one; without paths there is none any more.
func (a *App) CastShadow(ctx context.Context, paths []string, actor, reason string) (Shadow, error) {
	a.applied.Lock()
	defer a.applied.Unlock()
	old, err := a.stored(ctx)
	if err != nil {
		return Shadow{}, err
	}
	s := Shadow{At: time.Now(), Actor: actor, Reason: reason, files: files{}}
	current, err := old.build()
	if err != nil {
		return Shadow{}, err
	}
	if len(paths) > 0 {
		if s.files, err = readFiles(paths); err != nil {
			return Shadow{}, err
		}
		if s.files.documents() == 0 {
			return Shadow{}, nothingIn(paths, s.files, files{})
		}
		state, err := old.merged(paths, s.files, nil, s.files)
		if err != nil {
			return Shadow{}, err
		}
		s.Policy, s.beside = state.set.Version(), state.beside
	}
	text, err := json.Marshal(s.files)
	if err != nil {
		return Shadow{}, err
	}
	beside, err := json.Marshal(s.beside)
	if err != nil {
		return Shadow{}, err
	}
	return s, a.DB.Update(ctx, func(tx *store.Tx) error {
		gone, err := tx.Exec("DELETE FROM shadow")
		if err != nil {
			return err
		}
		if gone == 0 && len(paths) == 0 {
			return ErrNoShadow
		}
		if len(paths) > 0 {
			_, err = tx.Exec("INSERT INTO shadow (id, at, actor, reason, policy, files, beside) VALUES (1, ?, ?, ?, ?, ?, ?)",
				s.At.UnixNano(), s.Actor, store.Clean(s.Reason), s.Policy, store.Clean(string(text)), store.Clean(string(beside)))
			if err != nil {
				return err
			}
		}
		return a.chained(tx, current.tenants, "shadow", actor, s.At, map[string]any{"policy": s.Policy}, map[string]any{"reason": reason})
	})
}

// ShadowCast is what the shadow would have decided since it runs.
type ShadowCast struct {
	Shadow
	Replay
}

// Shadow compares the policies in force with those that run as a shadow, over
// what came since; list is how many differing verdicts are listed.
func (r *Reader) Shadow(ctx context.Context, list int) (ShadowCast, error) {
	var s Shadow
	err := r.DB.View(ctx, func(tx *store.Tx) error {
		var at int64
		var text, beside string
		err := tx.QueryRow("SELECT at, actor, reason, policy, files, beside FROM shadow").
			Scan(&at, &s.Actor, &s.Reason, &s.Policy, &text, &beside)
		if errors.Is(err, store.ErrNoRows) {
			return ErrNoShadow
		}
		s.At = time.Unix(0, at)
		return errors.Join(err, json.Unmarshal([]byte(text), &s.files), json.Unmarshal([]byte(beside), &s.beside))
	})
	if err != nil {
		return ShadowCast{}, err
	}
	old, err := r.applied(ctx)
	if err != nil {
		return ShadowCast{}, err
	}
	before, err := old.build()
	if err != nil {
		return ShadowCast{}, err
	}
	var paths []string
	for path := range s.files {
		paths = append(paths, path)
	}
	after, err := old.merged(paths, s.files, s.beside, nil)
	if err != nil {
		return ShadowCast{}, fmt.Errorf("the shadow does not fit the policies in force any more: %w", err)
	}
	past, err := r.compare(ctx, Span{Since: s.At}, before, after, list)
	return ShadowCast{s, past}, err
}

// compare decides about the past by two states.
func (r *Reader) compare(ctx context.Context, s Span, before, after *inForce, list int) (Replay, error) {
	looked, err := r.looked(ctx)
	if err != nil {
		return Replay{}, err
	}
	result, err := replay.Run(ctx, replay.Options{
		Old: before.set, New: after.set, OldGates: gatesIn(before.tenants), NewGates: gatesIn(after.tenants),
		Looked: looked, List: list,
	}, func(yield func(replay.Record) error) error { return r.eachFacts(ctx, s, false, yield) })
	return Replay{Span: s, Result: result, Differs: policy.Difference(before.set, after.set)}, err
}
