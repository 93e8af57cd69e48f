package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// ErrNoTenant says that no file has a tenant.
var ErrNoTenant = errors.New("app: no such tenant")

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
