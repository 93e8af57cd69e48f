package replay

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"postern.dev/postern/internal/policy"
)

// Version is a state of the policies that was in force.
type Version struct {
	Set   *policy.Set
	Gates func(tenant string) policy.Gates
}

// Check is what deciding again about the past came to.
type Check struct {
	Messages   int `json:"messages"`
	Recipients int `json:"recipients"`
	// Same counts the recipients whose verdict is the recorded one.
	Same int `json:"same"`
	// Differences are all others, at most the first thousand.
	Differences []Difference `json:"differences"`
	// Different counts them all.
	Different int `json:"different"`
	// Skipped counts messages that no policy has decided about.
	Skipped int `json:"skipped"`
}

// Difference is a verdict that does not come out again.
type Difference struct {
	Message  string `json:"message"`
	To       string `json:"to"`
	Recorded string `json:"recorded"`
	Now      string `json:"now"`
	// Cause says what changed since.
	Cause string `json:"cause"`
}

const differencesShown = 1000

// Recorded decides again about each message by the policies that decided
// then, and compares with what was recorded. find gives the state of the
// policies with a version that was in force at the record's time.
func Recorded(
	ctx context.Context, find func(Record) (Version, bool), records func(yield func(Record) error) error,
) (Check, error) {
	workers := runtime.GOMAXPROCS(0)
	parts := make([]*Check, workers)
	err := spread(ctx, workers, records, func(n int) func([]Record) {
		c := &Check{}
		parts[n] = c
		return func(list []Record) {
			for _, r := range list {
				c.add(r, find)
			}
		}
	})
	all := Check{Differences: []Difference{}}
	for _, c := range parts {
		all.Messages += c.Messages
		all.Recipients += c.Recipients
		all.Same += c.Same
		all.Skipped += c.Skipped
		all.Different += c.Different
		all.Differences = append(all.Differences, c.Differences...)
	}
	slices.SortFunc(all.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Message, b.Message), cmp.Compare(a.To, b.To))
	})
	all.Differences = all.Differences[:min(len(all.Differences), differencesShown)]
	return all, err
}

func (c *Check) add(r Record, find func(Record) (Version, bool)) {
	if r.Policy == "" && !slices.ContainsFunc(values(r.Verdicts), func(v string) bool { return v != "" }) {
		c.Skipped++
		return
	}
	c.Messages++
	differs := func(to, recorded, now, cause string) {
		if c.Different++; len(c.Differences) < differencesShown {
			c.Differences = append(c.Differences, Difference{r.ID, to, recorded, now, cause})
		}
	}
	f, err := policy.ReadFacts(r.Facts)
	if err != nil {
		differs("", "", "", "its facts cannot be read")
		return
	}
	v, known := find(r)
	if !known {
		differs("", "", "", fmt.Sprintf("version %s of the policies is not kept any more", r.Policy))
		return
	}
	is := policy.Decide(v.Set, f, gatesOf(v.Gates, r.Tenant))
	for _, x := range is.Recipients {
		recorded, there := r.Verdicts[x.Address.Fold()]
		if !there {
			continue // the same address twice, or one that a journal report added
		}
		c.Recipients++
		if recorded == string(x.Action) {
			c.Same++
			continue
		}
		differs(string(x.Address), recorded, string(x.Action), cause(f, x))
	}
}

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// cause says why a verdict does not come out again.
func cause(f policy.Facts, v policy.RecipientVerdict) string {
	switch {
	case len(f.Unknown) > 0:
		return "these facts were not kept: " + strings.Join(f.Unknown, ", ")
	case f.Schema != policy.Schema:
		return fmt.Sprintf("the facts have form %d, this program has form %d", f.Schema, policy.Schema)
	case len(v.Unknown) > 0:
		return fmt.Sprintf("the rule %q cannot be evaluated: %s", v.Unknown[0].Rule, v.Unknown[0].Why)
	}
	return "this program decides in another way than the one that recorded it"
}
