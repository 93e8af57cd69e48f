// Package profile knows the profiles and lists of terms that come with
// Postern: what a law or a purpose asks for, as detectors put together.
//
// It upholds one law: a profile is nothing but names of detectors. What it
// finds can be explained by their findings alone.
//
// It decides nothing: a policy names a profile as it names a detector.
//
// Standards: none; each profile names the law that it serves.
package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/detect/secret"
	"postern.dev/postern/packs"
)

// Profile is a set of detectors for a purpose.
type Profile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Description says what it finds, Guide how to use it.
	Description string `json:"description"`
	Guide       string `json:"guide"`
	// Needs are lists of types. A finding of the first counts when in the
	// same part something of each other list was found.
	Needs [][]string `json:"needs"`
	// When and Then are those of a policy to begin with.
	When string `json:"when"`
	Then string `json:"then"`
	// True and False are texts in which that policy finds something, and
	// nothing.
	True  []string `json:"-"`
	False []string `json:"-"`
}

// Terms is a list of terms that is a detector. It is looked for only where a
// policy in force names it, itself or by a profile.
type Terms struct {
	ID          string   `json:"id"`
	Type        string   `json:"type"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Sources     []string `json:"sources"`
	// ByLanguage are the terms.
	ByLanguage map[string][]string `json:"terms"`
}

// Dictionary is the list as a detector.
func (t Terms) Dictionary() detect.Dictionary {
	d := detect.Dictionary{ID: t.ID, Confidence: detect.Medium}
	for _, list := range t.ByLanguage {
		d.Terms = append(d.Terms, list...)
	}
	slices.Sort(d.Terms)
	d.Terms = slices.Compact(d.Terms)
	return d
}

// Hash names what the list is made of.
func (t Terms) Hash() string {
	hash := sha256.Sum256([]byte(strings.Join(t.Dictionary().Terms, "\n")))
	return hex.EncodeToString(hash[:6])
}

// All lists the profiles by id.
func All() []Profile { return loadOnce() }

// Lists lists the lists of terms by id.
func Lists() []Terms { return termsOnce() }

// Find is the profile with an id.
func Find(id string) (Profile, bool) {
	for _, p := range All() {
		if p.ID == id {
			return p, true
		}
	}
	return Profile{}, false
}

// loadOnce and termsOnce read the files when they are first asked for.
var loadOnce = func() func() []Profile {
	return sync.OnceValue(func() []Profile { return must(load()) })
}()

var termsOnce = func() func() []Terms {
	return sync.OnceValue(func() []Terms { return must(loadTerms()) })
}()

// must is for files that are part of the binary, which the tests load.
func must[T any](v T, err error) T {
	if err != nil {
		panic("profile: " + err.Error())
	}
	return v
}

// file is a profile as it stands in packs/profiles.
type file struct {
	ID          string
	Name        string
	Description string
	Guide       string
	Needs       []choice
	// Each makes a profile of the same kind for single countries.
	Each map[string]string
	When string
	Then string
	// Samples are texts under "true" and "false": keys that are no texts in
	// YAML, so that no field of a struct gets them.
	Samples map[string][]string
}

// choice are detectors: those named, and those of a category, of some regions
// when regions are given; the category "secret" is everything of
// detect/secret.
type choice struct {
	Types    []string
	Category []string
	Regions  []string
}

func load() ([]Profile, error) {
	var list []Profile
	for _, f := range packs.Profiles() {
		var x file
		if err := yaml.UnmarshalWithOptions(f.Data, &x, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if "profiles/"+x.ID+".yaml" != f.Name {
			return nil, fmt.Errorf("%s: the id is %q", f.Name, x.ID)
		}
		list = append(list, x.profile())
		for code, country := range x.Each {
			list = append(list, x.country(code, country))
		}
	}
	slices.SortFunc(list, func(a, b Profile) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func (x file) profile() Profile {
	p := Profile{
		ID: x.ID, Name: x.Name, Description: strings.TrimSpace(x.Description), Guide: strings.TrimSpace(x.Guide),
		When: x.When, Then: x.Then, True: x.Samples["true"], False: x.Samples["false"],
	}
	for _, c := range x.Needs {
		p.Needs = append(p.Needs, c.types())
	}
	return p
}

// country is the profile for one country: the same categories, its detectors.
func (x file) country(code, name string) Profile {
	x.Needs = slices.Clone(x.Needs)
	x.Needs[0].Regions = []string{code}
	x.When = strings.ReplaceAll(x.When, "findings."+x.ID, "findings."+x.ID+"_"+strings.ToLower(code))
	x.ID += "-" + strings.ToLower(code)
	x.Name = "Personal data of people in " + name + " (GDPR)"
	x.Description = "Numbers of people in " + name + ": national, tax, health, passport and driving licence numbers."
	x.Guide = "Count from 1 for held mail, from 10 for lists."
	x.Samples = nil
	return x.profile()
}

// types are the types that a choice means, by name.
func (c choice) types() []string {
	list := slices.Clone(c.Types)
	for _, p := range dlp.Packs() {
		if slices.Contains(c.Category, p.Category) && (len(c.Regions) == 0 || overlap(c.Regions, p.Regions)) {
			list = append(list, p.Type)
		}
	}
	if slices.Contains(c.Category, "secret") {
		for _, e := range secret.Entries() {
			list = append(list, e.Type)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

func loadTerms() ([]Terms, error) {
	var list []Terms
	for _, f := range packs.Terms() {
		var x struct {
			ID          string
			Name        string
			Description string
			Sources     []string
			Terms       map[string][]string
		}
		if err := yaml.UnmarshalWithOptions(f.Data, &x, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if "terms/"+x.ID+".yaml" != f.Name {
			return nil, fmt.Errorf("%s: the id is %q", f.Name, x.ID)
		}
		list = append(list, Terms{x.ID, detect.TypeOf(x.ID), x.Name, x.Description, x.Sources, x.Terms})
	}
	return list, nil
}
