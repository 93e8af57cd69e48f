package pack

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/packs"
)

// Pack is a ready policy with its tests.
type Pack struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Finds, Does and Costs say what it looks for, what then happens, and what
	// it costs people and machine.
	Finds string `json:"finds"`
	Does  string `json:"does"`
	Costs string `json:"costs"`
	// Settings are what an administrator chooses.
	Settings []Setting `json:"settings,omitempty"`
	// Profile is the profile that it is made for; "" for a situation.
	Profile string `json:"profile,omitempty"`

	policies, tests string // templates
	// generated says that the tests are made of the profile's samples.
	generated bool
}

// Setting is a value in a pack that an administrator chooses.
type Setting struct {
	Name string `json:"name"`
	// Value is the default. A value of digits stays a number.
	Value string `json:"value"`
	Means string `json:"means"`
	// Words are the only values, when there are any.
	Words []string `json:"words,omitempty"`
}

// number reports whether the setting is one.
func (s Setting) number() bool {
	_, err := strconv.Atoi(s.Value)
	return err == nil
}

// All lists the packs by id.
func All() []Pack { return allOnce() }

// Find is the pack with an id.
func Find(id string) (Pack, bool) {
	for _, p := range All() {
		if p.ID == id {
			return p, true
		}
	}
	return Pack{}, false
}

// allOnce reads the files when they are first asked for.
var allOnce = func() func() []Pack {
	return sync.OnceValue(func() []Pack {
		list, err := load()
		if err != nil { // part of the binary, which the tests load
			panic("pack: " + err.Error())
		}
		return list
	})
}()

// head is the first document of a file of packs/policies.
type head struct {
	Kind     string
	ID       string
	Name     string
	Finds    string
	Does     string
	Costs    string
	Settings []Setting
	Profile  string
}

func load() (list []Pack, err error) {
	tests := map[string]string{}
	for _, f := range packs.Policies() {
		if id, ok := strings.CutSuffix(path.Base(f.Name), ".txtar"); ok {
			tests[id] = string(f.Data)
		}
	}
	for _, f := range packs.Policies() {
		if path.Ext(f.Name) != ".yaml" {
			continue
		}
		p, err := read(f.Data)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		case f.Name != "policies/"+p.ID+".yaml":
			return nil, fmt.Errorf("%s: the id is %q", f.Name, p.ID)
		case tests[p.ID] == "":
			return nil, fmt.Errorf("%s has no tests beside it", f.Name)
		}
		p.tests = tests[p.ID]
		list = append(list, p)
	}
	for _, x := range profile.All() {
		if !slices.ContainsFunc(list, func(p Pack) bool { return p.ID == x.ID }) {
			p, err := ofProfile(x)
			if err != nil {
				return nil, fmt.Errorf("the profile %s: %w", x.ID, err)
			}
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Pack) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// read reads the file of a situation: a head, and the template of what is
// written.
func read(data []byte) (p Pack, err error) {
	first, rest, ok := bytes.Cut(data, []byte("\n---\n"))
	if !ok {
		return p, fmt.Errorf("a pack is a head and policies")
	}
	var h head
	if err := yaml.UnmarshalWithOptions(first, &h, yaml.Strict()); err != nil {
		return p, err
	}
	if h.Kind != "pack" || h.ID == "" || h.Name == "" || h.Finds == "" || h.Does == "" || h.Costs == "" {
		return p, fmt.Errorf("kind: pack, id, name, finds, does and costs are needed")
	}
	return Pack{
		ID: h.ID, Name: h.Name, Finds: strings.TrimSpace(h.Finds), Does: strings.TrimSpace(h.Does),
		Costs: strings.TrimSpace(h.Costs), Settings: h.Settings, Profile: h.Profile, policies: string(rest),
	}, nil
}

// modes are those that a pack can be written in.
func modes() []string {
	var list []string
	for _, m := range policy.Modes() {
		if m != policy.ModeOff {
			list = append(list, string(m))
		}
	}
	return list
}
