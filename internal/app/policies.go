package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/detect/exact"
	"postern.dev/postern/internal/detect/fingerprint"
	"postern.dev/postern/internal/detect/number"
	"postern.dev/postern/internal/gateway"
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
	terms := map[string]string{}
	for _, t := range profile.Lists() {
		types = append(types, t.Type)
		terms[t.Type] = t.Hash()
	}
	var profiles []policy.Profile
	for _, p := range profile.All() {
		profiles = append(profiles, policy.Profile{ID: p.ID, Needs: p.Needs})
	}
	return policy.Options{
		Profiles: profiles, Terms: terms, Detectors: types, Checks: number.Kinds(), Read: readBeside, Locate: locate,
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
		names = append(names, reservedOf(p)...)
	}
	return names
}

// reservedOf are the fields of a preset that no policy may set: all but those
// that hand a verdict to Exchange.
func reservedOf(p tenant.Preset) (names []string) {
	for _, n := range slices.Concat([]string{p.Tenant, p.Checked, p.Inspected, p.OOO}, p.More) {
		if n != "" {
			names = append(names, n)
		}
	}
	return names
}

// fitTenants checks what a set asks for against the tenants that it is for.
func fitTenants(set *policy.Set, tenants []*tenant.Tenant) error {
	var bad policy.Mistakes
	for _, r := range set.Rules() {
		if r.Mode == policy.ModeOff {
			continue
		}
		for _, t := range tenants {
			if len(r.Tenants) > 0 && !slices.Contains(r.Tenants, t.ID) {
				continue
			}
			for _, why := range unfit(r, t) {
				bad = append(bad, mistakeAt(r.Place, why))
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return bad
}

// unfit says what of a rule cannot be done for a tenant.
func unfit(r policy.Rule, t *tenant.Tenant) (list []string) {
	reserved := reservedOf(t.Preset)
	for _, s := range r.Steps {
		for _, h := range s.Headers {
			if slices.ContainsFunc(reserved, func(n string) bool { return strings.EqualFold(n, h.Name) }) {
				list = append(list, fmt.Sprintf("the header field %q is protected: the tenant %s uses it for itself", h.Name, t.ID))
			}
		}
		if s.Terms.Of > 2 && len(s.Approvers)+len(s.Terms.Deputies) == 0 {
			list = append(list, "without approvers two people can agree at most: the user of the process, and root")
		}
		if s.End == policy.EndReleaseEncrypted {
			if _, ok := gateway.HandoffField(t, policy.Encrypt); !ok {
				list = append(list, fmt.Sprintf("the tenant %s has no header field by which Exchange encrypts, which %s needs: its preset is %s",
					t.ID, s.End, t.Preset.Name))
			}
		}
		if s.Handoff == "" {
			continue
		}
		if _, ok := gateway.HandoffField(t, s.Handoff); !ok {
			list = append(list, fmt.Sprintf("the tenant %s has no header field for the hand-off %q: its preset is %s",
				t.ID, s.Handoff, t.Preset.Name))
		}
	}
	return list
}

// mistakeAt makes a mistake at "file:line".
func mistakeAt(place, text string) policy.Mistake {
	m := policy.Mistake{File: place, Text: text}
	if i := strings.LastIndexByte(place, ':'); i >= 0 {
		if n, err := strconv.Atoi(place[i+1:]); err == nil {
			m.File, m.Line, m.Column = place[:i], n, 1
		}
	}
	return m
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
