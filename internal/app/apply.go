package app

import (
	"context"
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
	beside  files               // what the policies read besides: dictionaries
}

// build makes a state of files, or says everything that is wrong in them.
func build(r *tenant.Registry, f files) (*inForce, error) { return buildWith(r, f, nil, nil) }

// buildWith is build with the files beside the policies as they were kept,
// but for policies that are read anew.
func buildWith(r *tenant.Registry, f, kept, fresh files) (*inForce, error) {
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
	beside := files{}
	o := PolicyOptions()
	o.Read = beside.reading(kept, fresh)
	set, err := policy.Load(sources, o)
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
	pickDetectors(set, snapshot.Tenants())
	return &inForce{files: f, tenants: snapshot, set: set, beside: beside}, nil
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

// change is what somebody wants in force.
type change struct {
	paths         []string
	actor, reason string
	dryRun        bool
}

// applyNamed is Apply for paths that a person named.
func (a *App) applyNamed(ctx context.Context, c change) (Version, error) {
	fresh, err := readFiles(c.paths)
	if err != nil {
		return Version{}, err
	}
	old, err := a.stored(ctx)
	if err == nil {
		err = nothingIn(c.paths, fresh, old.files)
	}
	if err != nil {
		return Version{}, err
	}
	return a.apply(ctx, c)
}

// Apply loads files into the running gateway. dryRun only says what would
// change.
func (a *App) Apply(ctx context.Context, paths []string, actor string, dryRun bool) (Version, error) {
	return a.apply(ctx, change{paths: paths, actor: actor, dryRun: dryRun})
}

func (a *App) apply(ctx context.Context, c change) (Version, error) {
	fresh, err := readFiles(c.paths)
	if err != nil {
		return Version{}, err
	}
	a.applied.Lock()
	defer a.applied.Unlock()
	old, err := a.stored(ctx)
	if err != nil {
		return Version{}, err
	}
	merged := old.files.without(c.paths)
	maps.Copy(merged, fresh)
	state, err := buildWith(a.Tenants, merged, old.beside, fresh)
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
	v := versionOf(old, state, c)
	if c.dryRun || len(v.Changes) == 0 {
		if len(v.Changes) == 0 {
			v.Version = old.Version.Version
			if !c.dryRun { // what files name (secrets, certificates) may have changed
				a.use(state)
			}
		}
		return v, nil
	}
	return v, a.enforce(ctx, v, state, "")
}

// enforce keeps a version and puts it in force.
func (a *App) enforce(ctx context.Context, v Version, state *inForce, folders string) error {
	if err := a.keep(ctx, v, state, folders); err != nil {
		return err
	}
	a.use(state)
	a.Log.Info("tenants and policies are in force", telemetry.KeyCount, v.Version, telemetry.KeyPolicy, state.set.Version())
	return nil
}

// versionOf is the version that a state would be.
func versionOf(old keptState, state *inForce, c change) Version {
	v := Version{
		Version: old.Version.Version + 1, At: time.Now(), Actor: c.actor, Reason: c.reason, Policy: state.set.Version(),
		Changes: difference(old.files, state.files),
	}
	if before, err := old.build(); err == nil {
		v.Rules = policy.Difference(before.set, state.set)
	}
	for path, text := range state.beside { // only a dictionary is another one
		if was, there := old.beside[path]; there && was != text && len(v.Changes) == 0 {
			v.Changes = append(v.Changes, "~ "+path)
		}
	}
	for _, u := range state.undefined() {
		v.Warnings = append(v.Warnings, u.Place+": "+u.Text)
	}
	return v
}

// dryRun says what Apply would change, from what is kept and the files alone.
// Nothing is made, and what apply: lists is not read: a store that is not
// there yet is empty.
func dryRun(ctx context.Context, c *Config, want change) (Version, error) {
	fresh, err := readFiles(want.paths)
	if err != nil {
		return Version{}, err
	}
	old := keptState{files: files{}}
	r, err := OpenReader(ctx, c)
	if err == nil {
		defer r.Close()
		old, err = r.applied(ctx)
	}
	if err != nil && !errors.Is(err, ErrNoStore) {
		return Version{}, err
	}
	if err := nothingIn(want.paths, fresh, old.files); err != nil {
		return Version{}, err
	}
	merged := old.files.without(want.paths)
	maps.Copy(merged, fresh)
	state, err := buildWith(c.registry(), merged, old.beside, fresh)
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
	v := versionOf(old, state, want)
	if len(v.Changes) == 0 {
		v.Version = old.Version.Version
	}
	return v, nil
}

// applyAtStart puts the stored state in force, with what changed in the
// configured folders since. When that is broken, the last good state stays.
func (a *App) applyAtStart(ctx context.Context) error {
	_, err := a.Reload(ctx, "start")
	if err == nil {
		return nil
	}
	old, storeErr := a.stored(ctx)
	if storeErr != nil || old.Version.Version == 0 {
		return err
	}
	state, oldErr := buildWith(a.Tenants, old.files, old.beside, nil)
	if oldErr != nil {
		return errors.Join(err, oldErr)
	}
	_ = state.meet(a.Directories) // what is missing is logged by use
	a.use(state)
	a.Log.Error("the last good tenants and policies stay in force", telemetry.KeyCode, problem.ApplyFailed,
		telemetry.KeyCount, old.Version.Version, telemetry.KeyError, err)
	return nil
}

// Reload applies the configured folders. After a roll back they are left
// alone until somebody changes something in them: else the next start would
// bring back what was taken back.
func (a *App) Reload(ctx context.Context, actor string) (Version, error) {
	old, err := a.stored(ctx)
	if err != nil {
		return Version{}, err
	}
	if old.folders == "" {
		return a.Apply(ctx, a.Config.Apply, actor, false)
	}
	now, err := readFiles(a.Config.Apply)
	if err != nil {
		return Version{}, err
	}
	if now.hash() != old.folders {
		return a.Apply(ctx, a.Config.Apply, actor, false)
	}
	state, err := buildWith(a.Tenants, old.files, old.beside, nil)
	if err != nil {
		return Version{}, err
	}
	_ = state.meet(a.Directories) // what is missing is logged by use
	a.Log.Warn("an earlier version is in force; the folders of apply: hold what was taken back",
		telemetry.KeyCode, problem.RolledBack, telemetry.KeyCount, old.Version.Version)
	a.use(state)
	return Version{Version: old.Version.Version}, nil
}
