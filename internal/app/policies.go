package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect/exact"
	"postern.dev/postern/internal/detect/fingerprint"
	"postern.dev/postern/internal/detect/number"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// PolicyOptions is what this installation can do for a policy: a name of a
// detector that does not exist is a mistake, not a rule that never matches.
func PolicyOptions() policy.Options {
	var types []string
	for _, e := range look.Entries() {
		types = append(types, e.Type)
	}
	for _, t := range profile.Lists() {
		types = append(types, t.Type)
	}
	var profiles []policy.Profile
	for _, p := range profile.All() {
		profiles = append(profiles, policy.Profile{ID: p.ID, Needs: p.Needs})
	}
	return policy.Options{
		Profiles: profiles, Detectors: types, Checks: number.Kinds(), Read: readBeside, Locate: locate,
		Actions: built(), Protected: reservedNames(),
	}
}

// built are the actions that this version can carry out; "secure" comes with
// the room that delivers securely.
func built() []policy.Action {
	var list []policy.Action
	for _, a := range policy.Actions() {
		if a != policy.Secure {
			list = append(list, a)
		}
	}
	return list
}

// reservedNames are the fields that only we, or a tenant's rules, may set.
func reservedNames() []string {
	var names []string
	for _, p := range tenant.Presets() {
		for _, n := range []string{p.Tenant, p.Checked, p.Inspected, p.OOO} {
			if n != "" {
				names = append(names, n)
			}
		}
	}
	return names
}

func readBeside(policyFile, name string) ([]byte, error) {
	return os.ReadFile(settings.Path(name, "/"+filepath.Dir(policyFile)))
}

// locate finds a table or a fingerprint beside a policy file, and opens it
// once: a file that cannot be used is a mistake of the policy, not of the
// first message.
func locate(kind, policyFile, name string) (path, content string, err error) {
	path = settings.Path(name, "/"+filepath.Dir(policyFile))
	if kind == "table" {
		t, err := exact.Open(path)
		if err != nil {
			return "", "", err
		}
		return path, t.ID, t.Close()
	}
	p, err := fingerprint.Open(path)
	if err != nil {
		return "", "", err
	}
	return path, p.ID(), nil
}

// rooted gives the paths of policy mistakes their leading slash back.
func rooted(err error) error {
	var list policy.Mistakes
	if !errors.As(err, &list) {
		return err
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].File = "/" + strings.TrimPrefix(list[i].File, "/")
	}
	return list
}
