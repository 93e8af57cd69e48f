package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Replay is what a draft would have made of the messages of the past.
type Replay struct {
	Since      time.Time `json:"since"`
	Messages   int       `json:"messages"`
	Recipients int       `json:"recipients"`
	// Old and New are the versions that are compared.
	Old string `json:"old"`
	New string `json:"new"`
	// Same counts the recipients for whom nothing changes, Unknown those of
	// whom nobody can know: the facts that the draft asks for were not kept.
	Same    int     `json:"same"`
	Unknown int     `json:"unknown"`
	Changes []Shift `json:"changes"`
}

// Shift is how many recipients get one action instead of another.
type Shift struct {
	Old policy.Action `json:"old"`
	New policy.Action `json:"new"`
	// AtMost is the action if everything unknown spoke against the message;
	// it differs from New when nobody can know.
	AtMost     policy.Action `json:"at_most"`
	Recipients int           `json:"recipients"`
	// Examples are the ids of some of the messages.
	Examples []string `json:"examples"`
}

// page is how many facts are read at a time, examples how many are shown.
const (
	page     = 500
	examples = 3
)

// Replay decides about the facts that were kept since a time, by the policies
// in force and by those with a draft in their place. A file of the draft takes
// the place of the file with the same path, or with the same policies.
func (r *Reader) Replay(ctx context.Context, since time.Time, draft string) (Replay, error) {
	_, old, err := r.applied(ctx)
	if err != nil {
		return Replay{}, err
	}
	fresh, err := readFiles([]string{draft})
	if err != nil {
		return Replay{}, err
	}
	if fresh.documents() == 0 {
		return Replay{}, nothingIn([]string{draft}, fresh, files{})
	}
	before, err := build(tenant.NewRegistry(tenant.NewPublished()), old)
	if err != nil {
		return Replay{}, err
	}
	merged := old.without([]string{draft}).withoutPolicies(fresh)
	maps.Copy(merged, fresh)
	after, err := build(tenant.NewRegistry(tenant.NewPublished()), merged)
	if err != nil {
		return Replay{}, err
	}
	c := comparison{
		old: before.set, new: after.set, tenants: after.tenants, shifts: map[shiftKey]*Shift{},
		result: Replay{Since: since, Old: before.set.Version(), New: after.set.Version()},
	}
	err = r.eachFacts(ctx, since, c.add)
	return c.summary(), err
}

func (r *Reader) eachFacts(ctx context.Context, since time.Time, do func(audit.Facts) error) error {
	for behind := ""; ; {
		var list []audit.Facts
		err := r.DB.View(ctx, func(tx *store.Tx) (err error) {
			list, err = r.Audit.FactsSince(tx, "", since, behind, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, f := range list {
			if err := do(f); err != nil {
				return err
			}
			behind = f.Message
		}
		if len(list) < page {
			return nil
		}
	}
}

// withoutPolicies leaves out files whose policies all stand in other files.
func (f files) withoutPolicies(fresh files) files {
	ids := map[string]bool{}
	for _, text := range fresh {
		for _, id := range policyIDs(text) {
			ids[id] = true
		}
	}
	rest := maps.Clone(f)
	for path, text := range f {
		list := policyIDs(text)
		if len(list) > 0 && !slices.ContainsFunc(list, func(id string) bool { return !ids[id] }) {
			delete(rest, path)
		}
	}
	return rest
}

// policyIDs lists the policies of a file; what is wrong with it is found
// elsewhere.
func policyIDs(text string) (list []string) {
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct{ Kind, ID string }
		if err := d.Decode(&doc); err != nil {
			return list
		}
		if doc.Kind == "policy" {
			list = append(list, doc.ID)
		}
	}
}

// shiftKey names a Shift.
type shiftKey struct{ old, new, most policy.Action }

type comparison struct {
	old, new *policy.Set
	tenants  *tenant.Snapshot
	shifts   map[shiftKey]*Shift
	result   Replay
}

func (c *comparison) add(kept audit.Facts) error {
	f, err := policy.ReadFacts(kept.Data)
	if err != nil {
		return fmt.Errorf("facts of %s: %w", kept.Message, err)
	}
	gates := policy.DefaultGates()
	if t := c.tenants.Find(kept.Tenant); t != nil {
		gates = t.Gates
	}
	was, is := policy.Decide(c.old, f, gates), policy.Decide(c.new, f, gates)
	c.result.Messages++
	for i, r := range is.Recipients {
		c.result.Recipients++
		key := shiftKey{was.Recipients[i].Action, r.Action, r.AtMost}
		switch {
		case key.most != key.new:
			c.result.Unknown++
		case key.new == key.old:
			c.result.Same++
			continue
		}
		s := c.shifts[key]
		if s == nil {
			s = &Shift{Old: key.old, New: key.new, AtMost: key.most}
			c.shifts[key] = s
		}
		s.Recipients++
		if len(s.Examples) < examples && !slices.Contains(s.Examples, kept.Message) {
			s.Examples = append(s.Examples, kept.Message)
		}
	}
	return nil
}

// summary lists the strongest changes first.
func (c *comparison) summary() Replay {
	c.result.Changes = []Shift{}
	for _, s := range c.shifts {
		c.result.Changes = append(c.result.Changes, *s)
	}
	slices.SortFunc(c.result.Changes, func(a, b Shift) int {
		return cmp.Or(cmp.Compare(b.New.Strength(), a.New.Strength()), cmp.Compare(a.Old.Strength(), b.Old.Strength()),
			cmp.Compare(b.AtMost.Strength(), a.AtMost.Strength()))
	})
	return c.result
}
