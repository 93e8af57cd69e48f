package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/settings"
)

// Source says where the directory of a tenant comes from.
type Source struct {
	Owner
	// File is the absolute path.
	File string
	// Domains stand for Owner.Owns: when they change, the directory is read
	// again.
	Domains string
}

// State is what is known of a tenant's directory.
type State struct {
	Source Source
	// Directory is in force; nil when none could be read yet.
	Directory *Directory
	// Loaded is when it was read.
	Loaded time.Time
	// Mistakes say why the file that stands there now is not in force.
	Mistakes settings.Mistakes

	stamp stamp // of the file that was read or tried last
	seen  stamp // of the file when it was looked at last
}

// stamp tells two states of a file apart.
type stamp struct {
	size int64
	at   int64
	name string
}

// Registry holds the directories that are in force.
type Registry struct {
	// Kept is a folder for the last good file of each tenant, for a start at
	// which the file itself is broken; nil is none.
	Kept *durable.Dir

	mu      sync.Mutex // one change at a time
	current atomic.Pointer[map[string]State]
}

// Of is the directory of a tenant that is in force, nil for none.
func (r *Registry) Of(tenant string) *Directory {
	if r == nil {
		return nil
	}
	return r.State(tenant).Directory
}

// State is what is known of a tenant's directory; the zero State for a tenant
// without one.
func (r *Registry) State(tenant string) State {
	if all := r.current.Load(); all != nil {
		return (*all)[tenant]
	}
	return State{}
}

// States lists what is known of every directory, by tenant.
func (r *Registry) States() []State {
	all := r.current.Load()
	if all == nil {
		return nil
	}
	list := make([]State, 0, len(*all))
	for _, s := range *all {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b State) int {
		if a.Source.ID < b.Source.ID {
			return -1
		}
		return 1
	})
	return list
}

// Prepared are directories that are read and not in force yet.
type Prepared struct {
	states map[string]State
	fresh  map[string][]byte // files that were read anew, by tenant
}

// Of is the prepared directory of a tenant.
func (p *Prepared) Of(tenant string) *Directory {
	if p == nil {
		return nil
	}
	return p.states[tenant].Directory
}

// Prepare reads the directories of all tenants. One whose file has not changed
// is not read again. What is wrong is in the mistakes; the prepared states
// then hold, for a tenant whose file is broken, the directory that is in force,
// or the last good one that was kept.
func (r *Registry) Prepare(sources []Source) (*Prepared, settings.Mistakes) {
	p := &Prepared{states: map[string]State{}, fresh: map[string][]byte{}}
	var bad settings.Mistakes
	for _, src := range sources {
		old := r.State(src.ID)
		now := stampOf(src.File)
		if old.Directory != nil && len(old.Mistakes) == 0 && now == old.stamp && sameSource(old.Source, src) {
			old.seen = now
			p.states[src.ID] = old
			continue
		}
		s, text := r.read(src, old, now)
		if len(s.Mistakes) == 0 {
			p.fresh[src.ID] = text
		}
		p.states[src.ID] = s
		bad = append(bad, s.Mistakes...)
	}
	return p, bad
}

func sameSource(a, b Source) bool {
	return a.File == b.File && a.Domains == b.Domains && a.Stale == b.Stale && a.Strict == b.Strict
}

// read reads the file of a source; when it is broken, what was good before
// stays.
func (r *Registry) read(src Source, old State, now stamp) (State, []byte) {
	s := State{Source: src, stamp: now, seen: now, Loaded: time.Now()}
	var text []byte
	if s.Directory, text, s.Mistakes = readFile(src.File, src.Owner); s.Directory != nil {
		return s, text
	}
	s.Directory, s.Loaded = old.Directory, old.Loaded
	if s.Directory == nil && r.Kept != nil {
		if d, _, bad := readFile(r.Kept.Path(keptName(src.ID)), src.Owner); len(bad) == 0 {
			s.Directory, s.Loaded = d, time.Now()
		}
	}
	return s, nil
}

// maxFile is the length of a directory file, in octets.
const maxFile = 1 << 30

// ReadFile reads a directory file.
func ReadFile(path string, o Owner) (*Directory, settings.Mistakes) {
	d, _, bad := readFile(path, o)
	return d, bad
}

func readFile(path string, o Owner) (*Directory, []byte, settings.Mistakes) {
	wrong := func(text string) settings.Mistakes {
		return settings.Mistakes{{File: path, Text: text, Suggestion: "make one with: postern directory import"}}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, wrong("the file does not exist")
	case err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile):
		return nil, nil, wrong(fmt.Sprintf("this is no file of at most %d octets", maxFile))
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, nil, wrong("the file cannot be read: " + err.Error())
	}
	d, bad := Load(path, bytes.NewReader(text), o)
	return d, text, bad
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{name: path}
	}
	return stamp{info.Size(), info.ModTime().UnixNano(), path}
}

// Use puts prepared directories in force, keeps a copy of each new one, and
// forgets those of tenants that are gone. The error is about the copies only.
func (r *Registry) Use(p *Prepared) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Store(&p.states)
	if r.Kept == nil {
		return nil
	}
	var errs []error
	for id, text := range p.fresh {
		errs = append(errs, r.keep(id, text))
	}
	names, err := r.Kept.Names()
	errs = append(errs, err)
	for _, name := range names {
		id, ours := strings.CutSuffix(name, keptEnding)
		if _, still := p.states[id]; ours && !still {
			errs = append(errs, r.Kept.Remove(name))
		}
	}
	return errors.Join(errs...)
}

const keptEnding = ".directory"

func keptName(tenant string) string { return tenant + keptEnding }

func (r *Registry) keep(tenant string, text []byte) error {
	if r.Kept == nil || text == nil {
		return nil
	}
	if err := r.Kept.WriteFile(keptName(tenant), text); err != nil {
		return fmt.Errorf("directory: keep a copy: %w", err)
	}
	return nil
}

// Watch looks at the files once. One that changed, and that nobody has written
// since the look before, is read and put in force; the states of these tenants
// are returned. A broken file changes nothing but the state's mistakes.
func (r *Registry) Watch() (changed []State, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.current.Load()
	if all == nil {
		return nil, nil
	}
	next := make(map[string]State, len(*all))
	touched := false
	for id, s := range *all {
		switch now := stampOf(s.Source.File); {
		case now == s.stamp && now == s.seen:
		case now != s.seen: // somebody may still be writing
			s.seen, touched = now, true
		default:
			fresh, text := r.read(s.Source, s, now)
			err = errors.Join(err, r.keep(id, text))
			changed = append(changed, fresh)
			s, touched = fresh, true
		}
		next[id] = s
	}
	if touched {
		r.current.Store(&next)
	}
	return changed, err
}
