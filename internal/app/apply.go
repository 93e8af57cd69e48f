package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// files are the tenant and policy files that are in force, by absolute path.
type files map[string]string

// readFiles reads the given files, and every .yaml and .yml file of the given
// folders.
func readFiles(paths []string) (files, error) {
	all := files{}
	for _, root := range paths {
		abs, err := filepath.Abs(root)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(abs, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && path != abs && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			ext := filepath.Ext(path)
			named := path == abs // whatever its name ends in
			if d.IsDir() || !named && ext != ".yaml" && ext != ".yml" {
				return nil
			}
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// without leaves out what stands under the given paths.
func (f files) without(paths []string) files {
	rest := maps.Clone(f)
	for _, root := range paths {
		abs, err := filepath.Abs(root)
		if err != nil {
			continue
		}
		for path := range rest {
			if path == abs || strings.HasPrefix(path, abs+"/") {
				delete(rest, path)
			}
		}
	}
	return rest
}

// inForce is a built state, ready to be used.
type inForce struct {
	files   files
	tenants *tenant.Snapshot
	set     *policy.Set
	people  *directory.Prepared // after meet
}

// build makes a state of files, or says everything that is wrong in them.
func build(r *tenant.Registry, f files) (*inForce, error) {
	var docs []settings.Document
	var bad []error
	var sources []policy.File
	for _, path := range slices.Sorted(maps.Keys(f)) {
		list, wrong := settings.Split(path, []byte(f[path]))
		if len(wrong) > 0 {
			bad = append(bad, wrong)
			continue
		}
		for _, d := range list {
			if d.Kind == "tenant" {
				docs = append(docs, d)
			}
		}
		sources = append(sources, policy.File{Name: strings.TrimPrefix(path, "/"), Data: []byte(f[path])})
	}
	snapshot, wrong := r.Load(docs)
	if len(wrong) > 0 {
		bad = append(bad, wrong)
	}
	set, err := policy.Load(sources, PolicyOptions())
	if err != nil {
		bad = append(bad, rooted(err))
	} else if err := gateway.CatalogueOf(set).Check(); err != nil {
		bad = append(bad, fmt.Errorf("dictionaries and detectors: %w", err))
	} else if err := fitTenants(set, snapshot.Tenants()); err != nil {
		bad = append(bad, rooted(err))
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	for _, t := range snapshot.Tenants() {
		t.Policies = set
	}
	return &inForce{files: f, tenants: snapshot, set: set}, nil
}

// RedError says which tests of the policies failed.
type RedError struct{ Result policy.Result }

func (e *RedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy tests that failed: %d; nothing was changed", e.Result.Red())
	for _, c := range e.Result.Cases {
		if !c.Pass {
			fmt.Fprintf(&b, "\n/%s: policy %s, %s: expected %s, got %s (%s)", c.Place, c.Policy, c.Mail, c.Want, c.Got, c.Because)
			for _, why := range c.Why {
				b.WriteString("\n    " + why)
			}
		}
	}
	return b.String()
}

// firstTenant is the tenant of a test that names none: the only one, else
// one for contoso.example.
func firstTenant(s *tenant.Snapshot, set *policy.Set) *tenant.Tenant {
	if list := s.Tenants(); len(list) > 0 {
		return list[0]
	}
	return &tenant.Tenant{
		ID: "contoso", Name: "Contoso", Domains: []string{"contoso.example"}, Preset: tenant.Presets()[0],
		Gates: policy.DefaultGates(), StoreFull: policy.Closed, Policies: set,
	}
}

// EnvelopeOf takes an envelope from the header, for messages that have none:
// files given to inspect and to policy tests.
func EnvelopeOf(t *tenant.Tenant, b mail.Body) (mail.Envelope, mail.Direction) {
	h := mail.ParseHeader(b)
	var e mail.Envelope
	if from := h.Addresses("From"); len(from) > 0 {
		e.From = from[0]
	}
	if path := strings.TrimSpace(h.Get("Return-Path")); path == "<>" {
		e.From = ""
	}
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, a := range h.Addresses(name) {
			e.To = append(e.To, mail.Recipient{Address: a})
		}
	}
	return e, directionOf(t, e)
}

func directionOf(t *tenant.Tenant, e mail.Envelope) mail.Direction {
	if t.Owns(e.From) || e.From.Null() {
		return mail.Out
	}
	return mail.In
}

// Version is one state of tenants and policies.
type Version struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	// Changes says what differs from the state before, a line each.
	Changes []string `json:"changes"`
	// Warnings say what is probably not meant like this.
	Warnings []string `json:"warnings,omitempty"`
}

// documents counts what stands in files.
func (f files) documents() (n int) {
	for path, text := range f {
		docs, wrong := settings.Split(path, []byte(text))
		n += len(docs) + len(wrong) // what cannot be read is told elsewhere
	}
	return n
}

// ErrNothing says that files and folders hold no document.
var ErrNothing = errors.New("no tenant and no policy stands there")

// nothingIn refuses paths that somebody named and that hold nothing now and
// held nothing before.
func nothingIn(paths []string, fresh, old files) error {
	if fresh.documents() > 0 || len(old.without(paths)) < len(old) {
		return nil
	}
	return fmt.Errorf("%s: %w; name a file, or a folder with .yaml or .yml files", strings.Join(paths, ", "), ErrNothing)
}

// applyNamed is Apply for paths that a person named.
func (a *App) applyNamed(ctx context.Context, paths []string, actor string, dryRun bool) (Version, error) {
	fresh, err := readFiles(paths)
	if err != nil {
		return Version{}, err
	}
	old, _, err := a.stored(ctx)
	if err == nil {
		err = nothingIn(paths, fresh, old)
	}
	if err != nil {
		return Version{}, err
	}
	return a.Apply(ctx, paths, actor, dryRun)
}

// Apply loads files into the running gateway. dryRun only says what would
// change.
func (a *App) Apply(ctx context.Context, paths []string, actor string, dryRun bool) (Version, error) {
	fresh, err := readFiles(paths)
	if err != nil {
		return Version{}, err
	}
	a.applied.Lock()
	defer a.applied.Unlock()
	old, last, err := a.stored(ctx)
	if err != nil {
		return Version{}, err
	}
	merged := old.without(paths)
	maps.Copy(merged, fresh)
	state, err := build(a.Tenants, merged)
	if err == nil {
		err = state.meet(a.Directories)
	}
	if err != nil {
		return Version{}, err
	}
	if err := state.test(ctx, a.looker); err != nil {
		return Version{}, err
	}
	if names := state.set.Undefined(); len(names) > 0 {
		a.Log.Warn("policies name lists that nobody defined; they have no members: "+strings.Join(names, ", "),
			telemetry.KeyCode, problem.UndefinedList, telemetry.KeyPolicy, state.set.Version())
	}
	v := versionOf(old, merged, last, actor, state.set)
	if dryRun || len(v.Changes) == 0 {
		if len(v.Changes) == 0 {
			v.Version = last
			if !dryRun { // what files name (secrets, certificates) may have changed
				a.use(state)
			}
		}
		return v, nil
	}
	if err := a.keep(ctx, v, merged); err != nil {
		return Version{}, err
	}
	a.use(state)
	a.Log.Info("tenants and policies are in force", telemetry.KeyCount, v.Version, telemetry.KeyPolicy, state.set.Version())
	return v, nil
}

func versionOf(old, merged files, last int64, actor string, set *policy.Set) Version {
	v := Version{Version: last + 1, At: time.Now(), Actor: actor, Changes: difference(old, merged)}
	for _, u := range undefined(set) {
		v.Warnings = append(v.Warnings, u.Place+": "+u.text())
	}
	return v
}

// dryRun says what Apply would change, from what is kept and the files alone.
// Nothing is made, and what apply: lists is not read: a store that is not
// there yet is empty.
func dryRun(ctx context.Context, c *Config, paths []string, actor string) (Version, error) {
	fresh, err := readFiles(paths)
	if err != nil {
		return Version{}, err
	}
	old, last := files{}, int64(0)
	r, err := OpenReader(ctx, c)
	if err == nil {
		defer r.Close()
		var kept Version
		kept, old, err = r.applied(ctx)
		last = kept.Version
	}
	if err != nil && !errors.Is(err, ErrNoStore) {
		return Version{}, err
	}
	if err := nothingIn(paths, fresh, old); err != nil {
		return Version{}, err
	}
	merged := old.without(paths)
	maps.Copy(merged, fresh)
	state, err := build(tenant.NewRegistry(tenant.NewPublished()), merged)
	if err == nil {
		err = state.meet(keptDirectories(c))
	}
	if err != nil {
		return Version{}, err
	}
	l := newBenchLooker(false)
	defer l.Close()
	if err := state.test(ctx, l); err != nil {
		return Version{}, err
	}
	v := versionOf(old, merged, last, actor, state.set)
	if len(v.Changes) == 0 {
		v.Version = last
	}
	return v, nil
}

// applyAtStart puts the stored state in force, with what changed in the
// configured folders since. When that is broken, the last good state stays.
func (a *App) applyAtStart(ctx context.Context) error {
	_, err := a.Apply(ctx, a.Config.Apply, "start", false)
	if err == nil {
		return nil
	}
	old, last, storeErr := a.stored(ctx)
	if storeErr != nil || last == 0 {
		return err
	}
	state, oldErr := build(a.Tenants, old)
	if oldErr != nil {
		return errors.Join(err, oldErr)
	}
	_ = state.meet(a.Directories) // what is missing is logged by use
	a.use(state)
	a.Log.Error("the last good tenants and policies stay in force", telemetry.KeyCode, problem.ApplyFailed,
		telemetry.KeyCount, last, telemetry.KeyError, err)
	return nil
}

// schema lists the steps of app's own table.
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
		calm_until BIGINT NOT NULL)`}
}

// stored reads the state that is in force.
func (a *App) stored(ctx context.Context) (f files, version int64, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		var text string
		err := tx.QueryRow("SELECT version, files FROM applied ORDER BY version DESC LIMIT 1").Scan(&version, &text)
		if errors.Is(err, store.ErrNoRows) {
			f, version = files{}, 0
			return nil
		}
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &f)
	})
	return f, version, err
}

func (a *App) keep(ctx context.Context, v Version, f files) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	changes, err := json.Marshal(v.Changes)
	if err != nil {
		return err
	}
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO applied (version, at, actor, changes, files) VALUES (?, ?, ?, ?, ?)",
			v.Version, v.At.UnixNano(), v.Actor, string(changes), string(text))
		return err
	})
}
