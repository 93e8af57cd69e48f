package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// directoryFolder is where the last good directories are kept, in the data
// folder.
const directoryFolder = "directories"

// meet reads the directories of the tenants. A broken file is an error only
// when there is no directory of its tenant at all.
func (s *inForce) meet(r *directory.Registry) error {
	var missing settings.Mistakes
	for _, t := range s.read(r) {
		if s.people.Of(t.ID) == nil {
			missing = append(missing, t.bad...)
		}
	}
	return missing.Err()
}

// broken is a tenant whose directory file cannot be used, and why.
type broken struct {
	*tenant.Tenant
	bad settings.Mistakes
}

// read reads the directories of the tenants, and returns those that are
// broken.
func (s *inForce) read(r *directory.Registry) (all []broken) {
	var sources []directory.Source
	for _, t := range s.tenants.Tenants() {
		if t.People.File != "" {
			sources = append(sources, sourceOf(t))
		}
	}
	people, bad := r.Prepare(sources)
	s.people = people
	for _, t := range s.tenants.Tenants() {
		b := broken{Tenant: t}
		for _, m := range bad {
			if m.File == t.People.File {
				b.bad = append(b.bad, m)
			}
		}
		if len(b.bad) > 0 {
			all = append(all, b)
		}
	}
	return all
}

func sourceOf(t *tenant.Tenant) directory.Source {
	return directory.Source{
		Owner: directory.Owner{ID: t.ID, Owns: t.OwnsDomain, Stale: t.People.Stale, Strict: t.People.Strict},
		File:  t.People.File, Domains: strings.Join(t.Accepted(), " "),
	}
}

// keptDirectories is a registry for verbs, with what a gateway has kept.
func keptDirectories(c *Config) *directory.Registry {
	r := &directory.Registry{}
	folder := filepath.Join(c.Data, directoryFolder)
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		r.Kept, _ = durable.Open(folder) // without it only the files are read
	}
	return r
}

// use puts a state in force: the directories first, so that no message meets
// a new tenant without its own.
func (a *App) use(s *inForce) {
	if s.people != nil {
		if err := a.Directories.Use(s.people); err != nil {
			a.Log.Warn("the last good directory could not be kept", telemetry.KeyCode, problem.DirectoryBroken, telemetry.KeyError, err)
		}
		for _, state := range a.Directories.States() {
			a.tellBroken(state)
		}
	}
	a.Tenants.Use(s.tenants)
	select {
	case a.met <- struct{}{}:
	default:
	}
}

// tellBroken logs why a directory's file is not in force.
func (a *App) tellBroken(s directory.State) {
	if len(s.Mistakes) == 0 {
		return
	}
	m := s.Mistakes[0]
	stays := "the last good one stays in force"
	if s.Directory == nil {
		stays = "there is none"
	}
	a.Log.Error("a tenant's directory cannot be read; "+stays, telemetry.KeyCode, problem.DirectoryBroken,
		telemetry.KeyTenant, s.Source.ID, telemetry.KeyPath, fmt.Sprintf("%s:%d", m.File, m.Line), telemetry.KeyError, m.Text,
		telemetry.KeyCount, len(s.Mistakes))
}

// directoryLook is how often the files of directories are looked at. One that
// changed is read at the look after the last change.
const directoryLook = time.Second

// watchDirectories puts changed files in force and tells of old ones. Without
// any directory it sleeps.
func (a *App) watchDirectories(ctx context.Context) {
	old := map[string]time.Time{} // told already, by tenant: the directory's time
	for {
		for len(a.Directories.States()) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-a.met:
			}
		}
		a.lookAtDirectories(old, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-a.met:
		case <-time.After(directoryLook):
		}
	}
}

func (a *App) lookAtDirectories(old map[string]time.Time, now time.Time) {
	changed, err := a.Directories.Watch()
	if err != nil {
		a.Log.Warn("the last good directory could not be kept", telemetry.KeyCode, problem.DirectoryBroken, telemetry.KeyError, err)
	}
	for _, s := range changed {
		a.tellBroken(s)
		if len(s.Mistakes) == 0 {
			size := s.Directory.Size()
			a.Log.Info("a directory is in force", telemetry.KeyTenant, s.Source.ID,
				telemetry.KeyCount, size.Users+size.Groups+size.Contacts)
		}
	}
	for _, s := range a.Directories.States() {
		if s.Directory == nil || !s.Directory.Stale(now) || old[s.Source.ID].Equal(s.Directory.Generated) {
			continue
		}
		old[s.Source.ID] = s.Directory.Generated
		a.Log.Warn("a tenant's directory is too old", telemetry.KeyCode, problem.DirectoryStale,
			telemetry.KeyTenant, s.Source.ID, telemetry.KeyTook, s.Directory.Age(now).Round(time.Minute))
	}
}

// ages says how old the directories are, a line each.
func (a *App) ages(now time.Time) string {
	var b strings.Builder
	for _, s := range a.Directories.States() {
		switch {
		case s.Directory == nil:
			fmt.Fprintf(&b, "directory of %s: none, its file cannot be read\n", s.Source.ID)
		default:
			fmt.Fprintf(&b, "directory of %s: %s old%s%s\n", s.Source.ID, s.Directory.Age(now).Round(time.Minute),
				wordIf(s.Directory.Stale(now), ", too old"), wordIf(len(s.Mistakes) > 0, ", and its file cannot be read"))
		}
	}
	return b.String()
}

func wordIf(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

// DirectoryOf is the directory of a tenant as a start would find it: its
// file, or the last good one. The mistakes are those of the file.
func DirectoryOf(c *Config, t *tenant.Tenant) (*directory.Directory, settings.Mistakes) {
	p, bad := keptDirectories(c).Prepare([]directory.Source{sourceOf(t)})
	return p.Of(t.ID), bad
}
