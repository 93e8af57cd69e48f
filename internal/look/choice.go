package look

import (
	"slices"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/detect/secret"
)

// Asked, in a list of detectors, stands for no others than those that rules
// ask for.
const Asked = "asked"

// Choice are built-in detectors.
type Choice struct {
	// IDs are for detect.Catalogue; never empty, which would mean all.
	IDs []string
	// Names are their types and ids.
	Names []string
}

// Choose gives the detectors that a list names by id, type or category, and
// those that are asked for besides. Detectors that run tell the numbers of
// each other apart, and one beside the other makes both surer: with fewer of
// them a number may be found as another type, or with another confidence.
// Names are compared without regard to case and to hyphens. A type of secrets,
// or all of them, is one as well.
func Choose(list, asked []string) Choice {
	var c Choice
	names := map[string]bool{}
	for _, n := range slices.Concat(list, asked) {
		names[detect.IDOf(n)] = true
	}
	named := func(id, kind, category string) bool {
		return names[id] || names[detect.IDOf(kind)] || names[category]
	}
	for _, p := range dlp.Packs() {
		if named(p.ID, p.Type, p.Category) {
			for _, t := range p.Beside { // without it this one would find less
				names[detect.IDOf(t)] = true
			}
		}
	}
	take := func(id, kind, category string) {
		if named(id, kind, category) {
			c.IDs = append(c.IDs, id)
			c.Names = append(c.Names, id, kind)
		}
	}
	for _, p := range dlp.Packs() {
		take(p.ID, p.Type, p.Category)
	}
	for _, e := range secret.Entries() {
		take(e.ID, e.Type, secret.ID) // the family is their category
	}
	if c.IDs == nil {
		c.IDs = []string{Asked} // none: an empty list means all
	}
	slices.Sort(c.Names)
	c.Names = slices.Compact(c.Names)
	return c
}

// Choosable lists what may stand in a list of detectors: ids, then categories.
func Choosable() []string {
	list := []string{Asked}
	for _, e := range Entries() {
		list = append(list, e.ID)
	}
	for _, p := range dlp.Packs() {
		if !slices.Contains(list, p.Category) {
			list = append(list, p.Category)
		}
	}
	return list
}
