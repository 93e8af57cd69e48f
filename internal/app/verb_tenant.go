package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// ErrNoTenant says that no file has a tenant.
var ErrNoTenant = errors.New("no such tenant")

// TenantFile is a tenant as it is written.
type TenantFile struct {
	Path string
	Text string
	// Line is where its document begins.
	Line   int
	Config tenant.Config
}

// FindTenant finds the file of a tenant among files and folders.
func FindTenant(paths []string, id string) (TenantFile, error) {
	f, err := readFiles(paths)
	if err != nil {
		return TenantFile{}, err
	}
	var known []string
	for _, path := range slices.Sorted(maps.Keys(f)) {
		docs, _ := settings.Split(path, []byte(f[path]))
		for _, d := range docs {
			var c tenant.Config
			if d.Kind != "tenant" || len(d.Decode(&c)) > 0 {
				continue
			}
			if c.ID == id {
				return TenantFile{path, f[path], d.Line(), c}, nil
			}
			known = append(known, c.ID)
		}
	}
	if len(known) == 0 {
		return TenantFile{}, fmt.Errorf("%w: there is none yet; make it with: postern tenant add %s", ErrNoTenant, id)
	}
	return TenantFile{}, fmt.Errorf("%w as %q; %s", ErrNoTenant, id, settings.Nearest(id, known))
}

// LocateTenant finds the file of a tenant that is to be edited: under apply:,
// else the one that the last postern apply recorded.
func LocateTenant(ctx context.Context, c *Config, config, id string) (TenantFile, error) {
	f, err := FindTenant(c.Apply, id)
	if !errors.Is(err, ErrNoTenant) {
		return f, err
	}
	kept := files{}
	if r, openErr := OpenReader(ctx, c); openErr == nil {
		defer r.Close()
		state, openErr := r.applied(ctx)
		if openErr != nil {
			return f, openErr
		}
		kept = state.files
	}
	path := kept.ofTenant(id)
	switch {
	case path == "" && len(c.Apply) == 0:
		return f, fmt.Errorf("%w as %q: apply: in %s lists no folder; name there the one with its file", ErrNoTenant, id, config)
	case path == "":
		return f, fmt.Errorf("%w; apply: in %s lists %s", err, config, strings.Join(c.Apply, ", "))
	}
	if f, err = FindTenant([]string{path}, id); err != nil {
		return f, fmt.Errorf("tenant %s was applied from %s, where it cannot be found now; put its file back, "+
			"or list its folder under apply: in %s", id, path, config)
	}
	return f, nil
}

// ofTenant is the file that a tenant stands in, "" when there is none.
func (f files) ofTenant(id string) string {
	for path, text := range f {
		docs, _ := settings.Split(path, []byte(text))
		for _, d := range docs {
			var c tenant.Config
			if d.Kind == "tenant" && len(d.Decode(&c)) == 0 && c.ID == id {
				return path
			}
		}
	}
	return ""
}

// FilesInForce builds the state that files say, as a start would.
func FilesInForce(paths []string) (State, error) {
	f, err := readFiles(paths)
	if err != nil {
		return State{}, err
	}
	state, err := build(tenant.NewRegistry(tenant.NewPublished()), f)
	if err != nil {
		return State{}, err
	}
	return State{state.tenants, state.set}, nil
}
