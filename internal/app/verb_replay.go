package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/replay"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Span is a part of the past.
type Span struct {
	Since time.Time `json:"since"`
	// Until is the end; zero is now.
	Until time.Time `json:"until,omitzero"`
	// Tenant is one tenant; "" is all.
	Tenant string `json:"tenant,omitempty"`
}

// Replay is what a draft would have made of the messages of the past.
type Replay struct {
	Span
	replay.Result
	// Differs says what the draft changes.
	Differs []string `json:"differs"`
}

// page is how many messages are read at a time.
const page = 500

// Replay decides about the facts that were kept, by the policies in force and
// by those with a draft in their place; list is how many changes are listed.
// A file of the draft takes the place of the file with the same path, or with
// the same policies.
func (r *Reader) Replay(ctx context.Context, s Span, draft string, list int) (Replay, error) {
	old, err := r.applied(ctx)
	if err != nil {
		return Replay{}, err
	}
	fresh, err := readFiles([]string{draft})
	if err != nil {
		return Replay{}, err
	}
	if fresh.documents() == 0 {
		return Replay{}, nothingIn([]string{draft}, fresh, files{})
	}
	before, err := old.build()
	if err != nil {
		return Replay{}, err
	}
	after, err := old.merged([]string{draft}, fresh, nil, fresh)
	if err != nil {
		return Replay{}, err
	}
	return r.compare(ctx, s, before, after, list)
}

// Recorded decides again about the past, by the policies that decided then.
func (r *Reader) Recorded(ctx context.Context, s Span) (replay.Check, error) {
	find, err := r.versionsThen(ctx)
	if err != nil {
		return replay.Check{}, err
	}
	return replay.Recorded(ctx, find, func(yield func(replay.Record) error) error {
		return r.eachFacts(ctx, s, true, yield)
	})
}

// gatesIn are the gates of the tenants of a state.
func gatesIn(s *tenant.Snapshot) func(string) policy.Gates {
	return func(id string) policy.Gates {
		if t := s.Find(id); t != nil {
			return t.Gates
		}
		return policy.DefaultGates()
	}
}

// versionsThen finds the state of the policies that decided about a record:
// the last one before it with the recorded version, as the same policies may
// have been in force with other gates.
func (r *Reader) versionsThen(ctx context.Context) (func(replay.Record) (replay.Version, bool), error) {
	all, err := r.Versions(ctx, versionsKnown)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	built := map[int64]*replay.Version{}
	state := func(v Version) *replay.Version {
		mu.Lock()
		defer mu.Unlock()
		if s, done := built[v.Version]; done {
			return s
		}
		built[v.Version] = nil
		k, err := r.version(ctx, v.Version)
		if err != nil {
			return nil
		}
		if s, err := k.build(); err == nil {
			built[v.Version] = &replay.Version{Set: s.set, Gates: gatesIn(s.tenants)}
		}
		return built[v.Version]
	}
	return func(m replay.Record) (replay.Version, bool) {
		var other *replay.Version
		for _, v := range all {
			if v.Policy != "" && v.Policy != m.Policy {
				continue
			}
			s := state(v)
			if s == nil || s.Set.Version() != m.Policy {
				continue
			}
			if !v.At.After(m.At) {
				return *s, true
			}
			other = s // it came into force while the message was looked at
		}
		if other != nil {
			return *other, true
		}
		return replay.Version{}, false
	}, nil
}

// versionsKnown is how many versions a check of the past knows.
const versionsKnown = 10_000

// looked says which types a version of the built-in detectors looked for.
func (r *Reader) looked(ctx context.Context) (func(string) ([]string, bool), error) {
	known := map[string][]string{}
	err := r.DB.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query("SELECT version, types FROM looked")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var version, types string
			if err := rows.Scan(&version, &types); err != nil {
				return err
			}
			known[version] = strings.Fields(types)
		}
		return rows.Err()
	})
	known[look.Version()] = nil // all that a set of today can ask for
	return func(version string) ([]string, bool) {
		version, _, _ = strings.Cut(version, "-")
		types, ok := known[version]
		return types, ok
	}, err
}

// noteDetectors writes down which types this program looks for, for those who
// read its facts with a later one.
func noteDetectors(ctx context.Context, db *store.DB) error {
	var types []string
	for _, e := range look.Entries() {
		types = append(types, e.Type)
	}
	return db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO looked (version, types) VALUES (?, ?) ON CONFLICT (version) DO NOTHING",
			look.Version(), strings.Join(types, " "))
		return err
	})
}

// eachFacts reads the past in pages.
func (r *Reader) eachFacts(ctx context.Context, s Span, verdicts bool, do func(replay.Record) error) error {
	q := audit.Kept{Tenant: s.Tenant, Since: s.Since, Until: s.Until, Limit: page, Verdicts: verdicts}
	for {
		var list []audit.Facts
		err := r.DB.View(ctx, func(tx *store.Tx) (err error) {
			list, err = r.Audit.FactsKept(tx, q)
			return err
		})
		if err != nil {
			return err
		}
		for _, f := range list {
			err := do(replay.Record{
				ID: f.Message, Tenant: f.Tenant, At: f.At, Facts: f.Data, Policy: f.Policy, Verdicts: f.Verdicts,
			})
			if err != nil {
				return err
			}
			q.After = f.Message
		}
		if len(list) < page {
			return nil
		}
	}
}

// withoutPolicies leaves out files whose policies all stand in other files.
func (f files) withoutPolicies(fresh files) files {
	ids := map[string]bool{}
	for _, text := range fresh {
		for _, id := range policyIDs(text) {
			ids[id] = true
		}
	}
	rest := maps.Clone(f)
	for path, text := range f {
		list := policyIDs(text)
		if len(list) > 0 && !slices.ContainsFunc(list, func(id string) bool { return !ids[id] }) {
			delete(rest, path)
		}
	}
	return rest
}

// policyIDs lists the policies of a file; what is wrong with it is found
// elsewhere.
func policyIDs(text string) (list []string) {
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct{ Kind, ID string }
		if err := d.Decode(&doc); err != nil {
			return list
		}
		if doc.Kind == "policy" {
			list = append(list, doc.ID)
		}
	}
}
