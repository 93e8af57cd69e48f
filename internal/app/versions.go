package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Version is one state of tenants and policies.
type Version struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	// Reason is why, in the words of who did it.
	Reason string `json:"reason,omitempty"`
	// Policy is the version of the policies, as records name it.
	Policy string `json:"policy,omitempty"`
	// Changes says what differs from the state before, a line each.
	Changes []string `json:"changes"`
	// Rules says the same of rules, lists and detectors, with old and new
	// values.
	Rules []string `json:"rules,omitempty"`
	// Warnings say what is probably not meant like this.
	Warnings []string `json:"warnings,omitempty"`
}

// schema lists the steps of app's own tables.
func schema() []string {
	return []string{`CREATE TABLE applied (
		version BIGINT PRIMARY KEY,
		at BIGINT NOT NULL,
		actor TEXT NOT NULL,
		changes TEXT NOT NULL,
		files TEXT NOT NULL)`,
		`CREATE TABLE clock (
		id BIGINT PRIMARY KEY,
		last BIGINT NOT NULL,
		calm_until BIGINT NOT NULL)`,
		`ALTER TABLE applied ADD COLUMN reason TEXT NOT NULL DEFAULT '';
		ALTER TABLE applied ADD COLUMN policy TEXT NOT NULL DEFAULT '';
		ALTER TABLE applied ADD COLUMN rules TEXT NOT NULL DEFAULT '[]';
		ALTER TABLE applied ADD COLUMN beside TEXT NOT NULL DEFAULT '{}';
		ALTER TABLE applied ADD COLUMN folders TEXT NOT NULL DEFAULT '';
		CREATE TABLE applied_file (
			hash TEXT PRIMARY KEY,
			content TEXT NOT NULL)`,
		`CREATE TABLE looked (
		version TEXT PRIMARY KEY,
		types TEXT NOT NULL)`,
		shadowSchema,
	}
}

// keptState is a version as it is kept.
type keptState struct {
	Version
	files  files
	beside files
	// folders is a hash of the configured folders at a roll back.
	folders string
}

// build makes the state of a version, offline: nothing that files name
// besides is needed.
func (k keptState) build() (*inForce, error) {
	r := tenant.NewRegistry(tenant.NewPublished())
	r.Offline = true
	return buildWith(r, k.files, k.beside, nil)
}

// reading is how policies read what stands beside them: as it was kept, but
// from the disk for those that are read anew themselves. What was read is
// noted.
func (f files) reading(kept, fresh files) func(policyFile, name string) ([]byte, error) {
	return func(policyFile, name string) ([]byte, error) {
		path := settings.Path(name, "/"+filepath.Dir(policyFile))
		_, anew := fresh["/"+policyFile]
		if text, ok := kept[path]; ok && !anew {
			f[path] = text
			return []byte(text), nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			f[path] = string(text)
		}
		return text, err
	}
}

// hash names the content of files.
func (f files) hash() string {
	text, _ := json.Marshal(f) // the keys are sorted
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// stored reads the state that is in force.
func (a *App) stored(ctx context.Context) (k keptState, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		k, err = readVersion(tx, 0)
		return err
	})
	return k, err
}

// ErrNoVersion says that there is no version with a number.
var ErrNoVersion = errors.New("there is no such version of the policies")

// readVersion reads a version; 0 is the last one, which may be none.
func readVersion(tx *store.Tx, number int64) (k keptState, err error) {
	k = keptState{files: files{}, beside: files{}}
	query, args := "ORDER BY version DESC LIMIT 1", []any(nil)
	if number != 0 {
		query, args = "WHERE version = ?", []any{number}
	}
	var at int64
	var changes, text, rules, beside string
	err = tx.QueryRow("SELECT version, at, actor, reason, policy, changes, rules, files, beside, folders FROM applied "+query, args...).
		Scan(&k.Version.Version, &at, &k.Actor, &k.Reason, &k.Policy, &changes, &rules, &text, &beside, &k.folders)
	if errors.Is(err, store.ErrNoRows) {
		if number != 0 {
			return k, fmt.Errorf("%w: %d", ErrNoVersion, number)
		}
		return k, nil
	}
	if err != nil {
		return k, err
	}
	k.At = time.Unix(0, at)
	hashes := map[string]string{}
	err = errors.Join(json.Unmarshal([]byte(changes), &k.Changes), json.Unmarshal([]byte(rules), &k.Rules),
		json.Unmarshal([]byte(text), &k.files), json.Unmarshal([]byte(beside), &hashes))
	for _, path := range slices.Sorted(maps.Keys(hashes)) {
		var content string
		if err == nil {
			err = tx.QueryRow("SELECT content FROM applied_file WHERE hash = ?", hashes[path]).Scan(&content)
			k.beside[path] = content
		}
	}
	return k, err
}

// keep writes a version down, and into the chain of every tenant.
func (a *App) keep(ctx context.Context, v Version, state *inForce, folders string) error {
	hashes := map[string]string{}
	for path, text := range state.beside {
		sum := sha256.Sum256([]byte(text))
		hashes[path] = hex.EncodeToString(sum[:])
	}
	var form [4]string
	for i, x := range []any{state.files, v.Changes, v.Rules, hashes} {
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		form[i] = string(text)
	}
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		for path, hash := range hashes {
			_, err := tx.Exec("INSERT INTO applied_file (hash, content) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
				hash, store.Clean(state.beside[path]))
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO applied (version, at, actor, reason, policy, changes, rules, files, beside, folders)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.Version, v.At.UnixNano(), v.Actor, store.Clean(v.Reason), v.Policy,
			store.Clean(form[1]), store.Clean(form[2]), store.Clean(form[0]), store.Clean(form[3]), folders)
		if err != nil {
			return err
		}
		return a.chained(tx, state.tenants, "applied", v.Actor, v.At,
			map[string]any{"version": v.Version, "policy": v.Policy}, map[string]any{"reason": v.Reason, "rules": v.Rules})
	})
}

// chained adds an event to the chain of every tenant: what holds for all of
// them must be found in each.
func (a *App) chained(
	tx *store.Tx, tenants *tenant.Snapshot, kind, actor string, at time.Time, public, personal map[string]any,
) error {
	open, err := json.Marshal(public)
	if err != nil {
		return err
	}
	closed, err := json.Marshal(personal)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, t := range tenants.Tenants() {
		ids = append(ids, t.ID)
	}
	if len(ids) == 0 {
		ids = []string{"-"} // the chain of what belongs to nobody
	}
	for _, id := range ids {
		err := a.Audit.Append(tx, audit.Event{Tenant: id, Kind: kind, Actor: actor, At: at, Public: open, Personal: closed})
		if err != nil {
			return err
		}
	}
	return nil
}

// tenants are the files in which a tenant stands, or the others.
func (f files) tenants(with bool) files {
	some := files{}
	for path, text := range f {
		docs, _ := settings.Split(path, []byte(text))
		if slices.ContainsFunc(docs, func(d settings.Document) bool { return d.Kind == "tenant" }) == with {
			some[path] = text
		}
	}
	return some
}

// Rollback puts the policies of an earlier version in force again. That is a
// version of its own; its tests are run first.
func (a *App) Rollback(ctx context.Context, number int64, actor, reason string) (Version, error) {
	a.applied.Lock()
	defer a.applied.Unlock()
	old, err := a.stored(ctx)
	if err != nil {
		return Version{}, err
	}
	var want keptState
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		want, err = readVersion(tx, number)
		return err
	})
	if err != nil {
		return Version{}, err
	}
	if number < 1 || number == old.Version.Version {
		return Version{}, fmt.Errorf("%w to go back to: %d", ErrNoVersion, number)
	}
	// Tenants stay as they are: their secrets and certificates went on.
	back := want.files.tenants(false)
	maps.Copy(back, old.files.tenants(true))
	state, err := buildWith(a.Tenants, back, want.beside, nil)
	if err == nil {
		err = state.meet(a.Directories)
	}
	if err != nil {
		return Version{}, err
	}
	if err := state.test(ctx, a.looker); err != nil {
		return Version{}, err
	}
	folders, err := readFiles(a.Config.Apply)
	if err != nil {
		return Version{}, err
	}
	if reason == "" {
		reason = "no reason was given"
	}
	v := versionOf(old, state, change{actor: actor, reason: fmt.Sprintf("back to version %d: %s", number, reason)})
	if len(v.Changes) == 0 {
		v.Version = old.Version.Version
		return v, nil
	}
	return v, a.enforce(ctx, v, state, folders.hash())
}

// Versions lists the versions, the newest first, at most limit of them.
func (r *Reader) Versions(ctx context.Context, limit int) (list []Version, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query("SELECT version, at, actor, reason, policy, changes, rules FROM applied ORDER BY version DESC LIMIT ?", limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v Version
			var at int64
			var changes, rules string
			if err := rows.Scan(&v.Version, &at, &v.Actor, &v.Reason, &v.Policy, &changes, &rules); err != nil {
				return err
			}
			v.At = time.Unix(0, at)
			if err := errors.Join(json.Unmarshal([]byte(changes), &v.Changes), json.Unmarshal([]byte(rules), &v.Rules)); err != nil {
				return err
			}
			list = append(list, v)
		}
		return rows.Err()
	})
	return list, err
}

// VersionFiles is a version with its files.
type VersionFiles struct {
	Version
	Files map[string]string `json:"files"`
}

// Show reads one version.
func (r *Reader) Show(ctx context.Context, number int64) (VersionFiles, error) {
	k, err := r.version(ctx, number)
	return VersionFiles{k.Version, k.files}, err
}

func (r *Reader) version(ctx context.Context, number int64) (k keptState, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) (err error) {
		k, err = readVersion(tx, number)
		return err
	})
	return k, err
}

func (r *Reader) applied(ctx context.Context) (keptState, error) { return r.version(ctx, 0) }

// Between says what differs between two versions: rules with their values,
// and lines of files.
func (r *Reader) Between(ctx context.Context, from, to int64) (rules, lines []string, err error) {
	a, err := r.version(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	b, err := r.version(ctx, to)
	if err != nil {
		return nil, nil, err
	}
	old, err := a.build()
	if err != nil {
		return nil, nil, fmt.Errorf("version %d: %w", from, err)
	}
	fresh, err := b.build()
	if err != nil {
		return nil, nil, fmt.Errorf("version %d: %w", to, err)
	}
	return policy.Difference(old.set, fresh.set), difference(a.files, b.files), nil
}
